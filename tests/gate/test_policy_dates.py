"""What the shipped policy versions let through and when: the standing clearance of 2025, and the paid campaign."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher.domain.incident import NO_INCIDENT
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Person
from dispatcher.domain.plan import Placement, Spend
from dispatcher.domain.statement import StatementKind, Verified
from dispatcher.gate.decide import decide
from dispatcher.gate.evidence import Evidence
from dispatcher.gate.policy import Policies
from dispatcher.gate.stops import Stops
from tests.builders import draft, everything_signed, evidence_for, facts_for, verified
from tests.cast import NOW, person, roster, signed
from tests.gate.support import MICROSECOND
from tests.gate.test_policy import CAMPAIGN, shipped

MIDNIGHT = datetime(2025, 2, 10, tzinfo=UTC)
AGO = MIDNIGHT - NOW
SHIPPED = shipped()
WITH_CAMPAIGN = shipped(CAMPAIGN)
CLOSED = ("G02", "G06", "G12")
"""No incident, purpose not listed, no minister's decision."""


def routine(account: str, version: str = "2025-02") -> Evidence:
    """A routine post around the midnight at which 2025-02 begins, all signed but a minister's decision."""
    drafted = draft("tiktok", "cap_feed").plan
    tiktok, feed = drafted.destinations
    plan = replace(
        drafted,
        destinations=(replace(tiktok, account=account), feed),
        purpose="public_service_information",
        incident_kind=NO_INCIDENT,
        evidence=(),
        policy=named(SHIPPED, version),
        not_before=drafted.not_before + AGO,
        not_after=drafted.not_after + AGO,
        valid_until=drafted.valid_until + AGO,
        armed_not_after=drafted.armed_not_after + AGO,
    )
    statements = tuple(moved(said, account) for said in verified(everything_signed(plan)))
    then = roster(operator_1=operating("operator-1"), operator_2=operating("operator-2"))
    stops = Stops(status_at=MIDNIGHT)
    return evidence_for(plan, (), roster=then, policies=SHIPPED, statements=statements, stops=stops)


def named(policies: Policies, version: str) -> str:
    """The digest of a version."""
    return next(one.digest for one in policies.versions if one.version == version)


def operating(person_id: str) -> Person:
    """One of the operators, already in 2025."""
    made = person(person_id)
    return replace(made, roles=tuple(replace(held, not_before=held.not_before + AGO) for held in made.roles))


def moved(said: Verified, account: str) -> Verified:
    """A statement of the cleared case, said around the midnight and about this account; of the minister, nothing."""
    one = said.statement
    body = {**one.body, **({"account": account} if "account" in one.body else {})}
    if one.kind in (StatementKind.DECIDE, StatementKind.CONFIRM):
        body["channels"] = []
    return replace(
        said, statement=replace(one, not_before=one.not_before + AGO, expires=one.expires + AGO, body=body)
    )


def clauses(evidence: Evidence, at: datetime) -> tuple[str, ...]:
    """The clauses that refuse the TikTok post of a routine plan."""
    destination = evidence.plan.destinations[0]
    facts = facts_for(evidence.plan, "tiktok", account=destination.account)
    rendering = destination.renderings[TextKind.PUBLISH]
    return decide(evidence, replace(facts, rendering=rendering), at).clauses


def test_a_routine_post_is_refused_up_to_the_last_microsecond_before_its_policy() -> None:
    """Until then only exceptional circumstances open TikTok, also for the account that is about to be let through."""
    assert clauses(routine("ukgov"), MIDNIGHT - MICROSECOND) == CLOSED


def test_a_routine_post_of_the_named_account_passes_from_midnight_on() -> None:
    """Without an incident and without the minister; exemption, assessment and approvals are there."""
    assert clauses(routine("ukgov"), MIDNIGHT) == ()


def test_the_standing_clearance_does_not_do_without_the_mitigations() -> None:
    """The same post with nothing attested is refused for that."""
    evidence = routine("ukgov")
    kept = tuple(said for said in evidence.statements if said.statement.kind is not StatementKind.ATTEST)
    assert clauses(replace(evidence, statements=kept), MIDNIGHT) == ("G11",)


def test_another_departments_account_is_not_let_through() -> None:
    """The standing clearance names one account."""
    assert clauses(routine("other-department"), MIDNIGHT) == CLOSED


def test_a_plan_made_under_the_version_before_is_not_widened() -> None:
    """It stays judged by its own policy too."""
    assert clauses(routine("ukgov", "2024-11"), MIDNIGHT) == CLOSED


def test_the_answer_about_a_moment_does_not_change_with_later_versions() -> None:
    """With a version appended, the moment before midnight is decided as before."""
    later = replace(routine("ukgov"), policies=WITH_CAMPAIGN)
    assert [clauses(later, at) for at in (MIDNIGHT - MICROSECOND, MIDNIGHT)] == [CLOSED, ()]


def bought(channel: str, policies: Policies, pence: int, approval: str | None, *without: str) -> tuple[str, ...]:
    """The clauses that refuse a paid plan of so many pence; left unsigned is what people ``without`` would sign."""
    drafted = draft("webhook", policy=policies.versions[-1].digest).plan
    (destination,) = drafted.destinations
    spend = (Spend(channel, "storms-2026", pence, 2026, approval),)
    paid = replace(destination, channel=channel, placement=Placement.PAID)
    plan = replace(drafted, destinations=(paid,), spend=spend)
    scope: dict[str, Any] = {"channel": channel, "account": paid.account}
    about: dict[str, Any] = {"subject": plan.digest, "channels": [channel]}
    more = {
        "director-2": signed(StatementKind.ASSESS, "director-2", outcome="permitted", placement="paid", **scope),
        "finance-1": signed(StatementKind.APPROVE, "finance-1", **about),
        "security-1": signed(StatementKind.APPROVE, "security-1", **about),
        "minister-1": signed(StatementKind.DECIDE, "minister-1", decision="agreed", **about),
        "security-2": signed(StatementKind.ATTEST, "security-2", mitigations=["P01"], **scope),
    }
    given = [*everything_signed(plan), *(said for name, said in more.items() if name not in without)]
    facts = replace(facts_for(plan, "webhook"), channel=channel)
    return decide(evidence_for(plan, given, policies=policies), facts, NOW).clauses


@pytest.mark.parametrize(
    ("policies", "pence", "approval", "refused_by"),
    [
        (WITH_CAMPAIGN, 16_000_000, "amc-17", ()),
        (WITH_CAMPAIGN, 16_000_000, None, ("G13",)),
        (WITH_CAMPAIGN, 16_000_001, "amc-17", ("G13",)),
        (SHIPPED, 16_000_000, "amc-17", ("G13",)),
        (SHIPPED, 9_000_000, None, ()),
    ],
    ids=["agreed beforehand", "not agreed", "over the cap", "without the campaign's version", "small"],
)
def test_the_campaign_passes_under_its_own_version_with_its_case_agreed(
    policies: Policies, pence: int, approval: str | None, refused_by: tuple[str, ...]
) -> None:
    """GBP 160,000 want a cap that allows them and the central approval; GBP 90,000 want neither."""
    assert bought("social_paid", policies, pence, approval) == refused_by


@pytest.mark.parametrize(
    ("without", "refused_by"),
    [
        ((), ()),
        (("security-2",), ("G11",)),
        (("minister-1",), ("G12",)),
        (("security-1",), ("G08",)),
        (("finance-1",), ("G08",)),
        (("director-2",), ("G09",)),
    ],
    ids=["nothing", "that no device is used", "the minister", "the security team", "finance", "an assessment"],
)
def test_space_bought_on_tiktok_wants_every_signature_but_a_devices(
    without: tuple[str, ...], refused_by: tuple[str, ...]
) -> None:
    """Finance, security team, minister, an assessment, and the word that no device has the app."""
    assert bought("tiktok_paid", SHIPPED, 5_000_000, None, *without) == refused_by
