"""What has been stopped: halts, revocations, stand-downs, and how fresh that knowledge is.

Rules
  1. Knowledge of stops only grows; a deleted row brings nothing back to life.
  2. One person halts; it ends when two others have signed a resume of that very halt, neither as platform admin nor
     as reviewer (reference: policy 6.2). A halt of one plan suspends its clearance.
  3. A stop that is listed in a signed status but whose statement is not at hand counts as a halt of everything.
  4. Corrections, withdrawals and all-clears pass a halt, unless it says everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dispatcher.domain.people import Role
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Statement, StatementKind, Verified

STOP_KINDS = frozenset({StatementKind.HALT, StatementKind.RESUME, StatementKind.REVOKE, StatementKind.STAND_DOWN})
"""The statements that stop something, or end a stop."""

RESUMED_BY = 2
NEVER_RESUME = frozenset({Role.OPS, Role.REVIEWER})


class HaltScope(StrEnum):
    """What a halt stops."""

    ALL = "all"
    CHANNEL = "channel"
    ACCOUNT = "account"
    INCIDENT = "incident"
    PLAN = "plan"
    EVERYTHING = "everything"  # corrections too


@dataclass(frozen=True, slots=True)
class Halt:
    """One halt in force; ``target`` is empty for all and everything."""

    statement: str
    scope: HaltScope
    target: str
    person: str

    def covers(self, plan: Plan, channel: str, account: str, *, making_safe: bool) -> bool:
        """Whether this halt stops such a delivery."""
        if self.scope is HaltScope.EVERYTHING:
            return True
        if making_safe:
            return False
        targets = {
            HaltScope.CHANNEL: channel,
            HaltScope.ACCOUNT: account,
            HaltScope.INCIDENT: plan.incident,
            HaltScope.PLAN: plan.digest,
        }
        return self.scope is HaltScope.ALL or targets.get(self.scope) == self.target

    def sentence(self) -> str:
        """In words."""
        return f"halted ({self.scope}{' ' + self.target if self.target else ''}) by {self.person}"


@dataclass(frozen=True, slots=True)
class Stops:
    """Halts in force, plans revoked, incidents stood down, and when the last signed status was made."""

    halts: tuple[Halt, ...] = ()
    revoked: tuple[Statement, ...] = ()
    status_at: datetime | None = None
    missing: tuple[str, ...] = ()
    stood_down: frozenset[str] = frozenset()

    def halt_on(self, plan: Plan, channel: str, account: str, *, making_safe: bool) -> Halt | None:
        """The first halt that stops such a delivery."""
        return next((h for h in self.halts if h.covers(plan, channel, account, making_safe=making_safe)), None)

    def revocations_of(self, plan_digest: str) -> tuple[Statement, ...]:
        """Who took this plan's clearance back."""
        return tuple(s for s in self.revoked if s.subject == plan_digest)


def stops_from(
    statements: Iterable[Verified], *, status_at: datetime | None = None, listed: Iterable[str] = ()
) -> Stops:
    """Work out what is stopped from verified statements of the :data:`STOP_KINDS`.

    ``listed`` are the statement ids of the last signed status; those not at hand become ``missing``.
    """
    known = {verified.statement.id: verified.statement for verified in statements}
    resumed: dict[str, set[str]] = {}
    for statement in known.values():
        if statement.kind is StatementKind.RESUME and statement.role not in NEVER_RESUME:
            resumed.setdefault(statement.subject, set()).add(statement.person)
    halts = tuple(
        halt
        for id_, statement in known.items()
        if statement.kind is StatementKind.HALT
        and (halt := _halt(id_, statement))
        and len(resumed.get(id_, set()) - {statement.person}) < RESUMED_BY
    )
    revoked = tuple(s for s in known.values() if s.kind is StatementKind.REVOKE)
    over = frozenset(str(s.body.get("incident")) for s in known.values() if s.kind is StatementKind.STAND_DOWN)
    return Stops(halts, revoked, status_at, tuple(sorted(set(listed) - known.keys())), over)


def _halt(id_: str, statement: Statement) -> Halt:
    scope, target = statement.body.get("scope"), statement.body.get("target")
    try:
        return Halt(id_, HaltScope(str(scope)), str(target or ""), statement.person)
    except ValueError:
        return Halt(id_, HaltScope.EVERYTHING, "", statement.person)  # unreadable means stopped
