"""What honest people did before the attacker came: plans cleared, released and sent, and their rows as they are."""

from __future__ import annotations

from sqlalchemy import select

from dispatcher.domain.ids import new_id
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode
from dispatcher.store.tables import DELIVERIES, PLANS, RENDERINGS
from tests.e2e.attacker import DRAWN, Attacker
from tests.e2e.conftest import CAST
from tests.e2e.deployment import BOTH, Cleared

EVERYWHERE = tuple(name for _, name in CAST)
FEW = 3
"""How many numbers a list has here."""


def waiting(attacker: Attacker) -> Cleared:
    """A released plan over one account, its delivery put off."""
    return released(attacker, attacker.site.cleared("x-city"))


def everywhere(attacker: Attacker) -> Cleared:
    """A released plan over all six channels, its deliveries put off."""
    listed = {"": [attacker.site.add_list(new_id("lst", DRAWN), FEW)]}
    return released(attacker, attacker.site.cleared(*EVERYWHERE, languages=BOTH, lists=listed))


def texted(attacker: Attacker) -> Cleared:
    """A released plan to a list of three numbers, its deliveries put off."""
    listed = {"": [attacker.site.add_list(new_id("lst", DRAWN), FEW)]}
    return released(attacker, attacker.site.cleared("sms-city", languages=BOTH, lists=listed))


def released(attacker: Attacker, plan: Cleared) -> Cleared:
    """Put a plan's deliveries off and release it."""
    attacker.holds_back(plan)
    attacker.site.release(plan)
    return plan


def sent(attacker: Attacker) -> Cleared:
    """A plan that went out everywhere."""
    plan = everywhere(attacker)
    attacker.lets_go(plan)
    attacker.site.ended(plan)
    return plan


def honest(attacker: Attacker) -> Cleared:
    """A live plan, cleared and released."""
    plan = attacker.site.cleared("live-x", mode=Mode.LIVE)
    attacker.site.release(plan)
    return plan


def bodies(attacker: Attacker, plan: Cleared) -> dict[str, bytes]:
    """The renderings that a plan's deliveries carry, by digest."""
    used = select(DELIVERIES.c.rendering).where(DELIVERIES.c.plan == plan.digest)
    rows = select(RENDERINGS.c.digest, RENDERINGS.c.body).where(RENDERINGS.c.digest.in_(used))
    return dict(attacker.does(rows).all())


def signed(attacker: Attacker, plan: Cleared) -> Plan:
    """The plan as it was signed."""
    return Plan.decode(attacker.row(PLANS, PLANS.c.digest == plan.digest)["body"])
