"""Submitting: what could never pass is refused before anybody is asked; renewing makes a new plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.plan import OnAmbiguous, Placement, Plan
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.stops import HaltScope
from dispatcher.service import accounts, clearing, incidents, stopping, submitting
from dispatcher.service.submitting import Wish
from dispatcher.store import records
from dispatcher.store.tables import (
    CLEARANCES,
    DELIVERIES,
    PLANS,
    RENDERINGS,
    STATEMENTS,
)
from tests.cast import DAY, HOUR
from tests.office import EXCEPTIONAL, Office

TABLES: tuple[Table, ...] = (PLANS, RENDERINGS, CLEARANCES, DELIVERIES, STATEMENTS)
WINDOW = timedelta(hours=1)
TRACKED = "https://city.example/?utm_source=x"
MENDABLE = {"G03", "G08", "G09", "G10", "G11", "G12"}
REFUSED: dict[str, tuple[str, str, dict[str, Any], Wish]] = {
    "no evidence": ("webhook", "G02", {"evidence": ()}, Wish()),
    "evidence of another kind": ("webhook", "G02", {"kind": "disorder"}, Wish()),
    "no incident": ("webhook", "G02", {"kind": "none"}, Wish()),
    "a window longer than the tier's": ("webhook", "G04", {"valid_for": 2 * DAY}, Wish(window=25 * HOUR)),
    "renewed too often": ("webhook", "G04", {}, Wish(renewal=4)),
    "a placement that the channel does not have": ("webhook", "G05", {}, Wish(placement=Placement.PAID)),
    "a purpose that no channel lists": ("webhook", "G06", {}, Wish(purpose="promotion")),
    "a kind that no channel lists": ("webhook", "G06", {"kind": "volcano"}, Wish()),
    "too low a severity": ("tiktok webhook", "G06", {"severity": Severity.S1}, EXCEPTIONAL),
    "no other channel that could disavow": ("tiktok", "G11", {}, EXCEPTIONAL),
    "no word on whom nothing else reaches": ("tiktok webhook", "G11", {}, replace(EXCEPTIONAL, no_alternative=" ")),
    "a tracker in a link": ("tiktok webhook", "G17", {"text": f"See {TRACKED}", "welsh": TRACKED}, EXCEPTIONAL),
    "paid, and no spend named": ("webhook", "G13", {}, Wish(placement=Placement.PAID)),
    "a flag that nobody clears": ("webhook", "G17", {}, Wish(flags=("unheard_of",))),
}


def refused(office: Office, message: str, wish: Wish) -> GateClosed:
    """Submit, which must be refused."""
    with pytest.raises(GateClosed) as raised:
        submitting.submit(office.desk, message, wish, office.pen("author-1"))
    return raised.value


def add(office: Office, channels: str) -> None:
    """Add accounts, and the device of a hand-off."""
    for channel in channels.split():
        office.account(channel)
        if channel == "tiktok":
            accounts.register(office.desk, "phone-1", "tiktok-1", "ops-1")


def counted(office: Office) -> dict[str, int]:
    """How many rows the tables have that a submission writes."""
    with office.desk.store.read() as work:
        return {t.name: work.execute(select(func.count()).select_from(t)).scalar_one() for t in TABLES}


def plan_of(office: Office, digest: str) -> Plan:
    """A plan as it was signed."""
    with office.desk.store.read() as work:
        return records.plan(work, digest).plan


@pytest.mark.parametrize(("channels", "clause", "about", "wish"), REFUSED.values(), ids=REFUSED)
def test_what_no_signature_can_mend_is_refused(
    office: Office, channels: str, clause: str, about: dict[str, Any], wish: Wish
) -> None:
    """Each reason refuses by itself, with its clause, the channel and who can mend it."""
    add(office, channels)
    reasons = refused(office, office.message(**about), wish).reasons
    assert clause in {code for code, _, _ in reasons}
    assert all(fact.startswith(tuple(channels.split())) and mend for _, fact, mend in reasons)


def test_every_reason_is_said_at_once(office: Office) -> None:
    """For each channel that has it; nobody mends one thing to be told of the next."""
    add(office, "tiktok webhook")
    message = office.message(evidence=(), severity=Severity.S1)
    wish = Wish(purpose="promotion", flags=("unheard_of",))
    said = {(code, fact.partition(":")[0]) for code, fact, _ in refused(office, message, wish).reasons}
    both = {(code, channel) for code in ("G02", "G06", "G17") for channel in ("tiktok", "webhook")}
    assert said == both | {("G11", "tiktok")}


def test_nobody_is_asked_to_sign_what_is_refused(office: Office) -> None:
    """The submitter's pen stays in the drawer."""
    add(office, "webhook")
    refused(office, office.message(evidence=()), Wish())
    assert office.pen("author-1").signed == []


def test_a_refusal_writes_nothing_but_itself(office: Office) -> None:
    """Neither plan, rendering, clearance, delivery nor statement; one entry in the ledger."""
    add(office, "webhook")
    message = office.message(evidence=())
    entries = len(office.ledger())
    refused(office, message, Wish())
    assert counted(office) == {table.name: 0 for table in TABLES}
    assert len(office.ledger()) == entries + 1


def test_the_ledger_says_who_was_refused_what_and_why(office: Office) -> None:
    """The entry names person, plan, purpose, and each failure with its channel."""
    add(office, "webhook")
    refused(office, office.message(evidence=()), Wish())
    (entry,) = office.ledger("submission.refused")
    assert (entry.facts["actor"], entry.facts["purpose"]) == ("author-1", "public_safety")
    assert [(f["clause"], f["channel"]) for f in entry.facts["failures"]] == [("G02", "webhook")]


def test_what_signatures_can_mend_is_no_reason_to_refuse(office: Office) -> None:
    """Approvals, an assessment, an exemption, an attestation, a decision and the release may all still come."""
    add(office, "x tiktok webhook")
    shown = clearing.show(office.desk, office.plan(EXCEPTIONAL))
    assert {f.clause for finding in shown.findings for f in finding.failures} >= MENDABLE


def test_a_halt_is_no_reason_to_refuse(office: Office) -> None:
    """Two others may end it before the plan is released."""
    add(office, "webhook")
    stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE)
    office.plan()
    assert counted(office)["plans"] == 1


def test_what_was_mended_is_submitted(office: Office) -> None:
    """With the warning recorded the same message goes through, and the plan carries the warning."""
    add(office, "webhook")
    message = office.message(evidence=())
    refused(office, message, Wish())
    with office.desk.store.read() as work:
        incident = records.newest_revision(work, message).incident
    warning = Item("warning", "red", "national weather service", office.clock.now)
    incidents.add_evidence(office.desk, incident, "author-1", warning)
    made = submitting.submit(office.desk, message, Wish(), office.pen("author-1"))
    assert made.stored.plan.evidence == (warning,)


def test_evidence_that_is_too_old_is_refused(office: Office) -> None:
    """A warning of eight days ago warns of nothing tonight."""
    add(office, "webhook")
    old = Item("warning", "red", "national weather service", office.clock.now - 8 * DAY)
    assert "warning" in refused(office, office.message(evidence=(old,)), Wish()).reasons[0][1]


def renewed(office: Office, plan: str) -> str:
    """Renew for an hour; returns the new plan's digest."""
    return submitting.renew(office.desk, plan, WINDOW, office.pen("author-1")).stored.digest


def test_a_renewal_is_a_new_plan_that_names_the_old_one(office: Office) -> None:
    """Its window begins now; nobody has approved it yet."""
    add(office, "webhook")
    old = office.approved()
    office.clock.advance(HOUR)
    new = plan_of(office, renewed(office, old))
    assert (new.renews, new.renewal, new.digest == old) == (old, 1, False)
    assert (new.not_before, new.not_after) == (office.clock.now, office.clock.now + WINDOW)
    (finding,) = clearing.show(office.desk, new.digest).findings
    assert "G08" in {failure.clause for failure in finding.failures}


def test_a_renewal_changes_nothing_that_was_wished_for(office: Office) -> None:
    """Texts, accounts, purpose, flags, choices and words are the old plan's."""
    add(office, "webhook tiktok")
    wish = replace(EXCEPTIONAL, flags=("arrest",), on_ambiguous={"webhook": OnAmbiguous.RESEND})
    old = plan_of(office, office.plan(wish))
    new = plan_of(office, renewed(office, old.digest))
    texts = ("revision", "destinations", "area", "evidence", "valid_until")
    names = (*texts, "purpose", "flags", "no_alternative", "spend")
    assert [name for name in names if getattr(new, name) != getattr(old, name)] == []


def test_a_renewal_does_not_outlast_its_message(office: Office) -> None:
    """Whatever window is asked for."""
    add(office, "webhook")
    old = office.plan()
    office.clock.advance(timedelta(hours=5, minutes=30))
    new = plan_of(office, renewed(office, old))
    assert new.not_after == new.valid_until == office.clock.now + timedelta(minutes=30)


def test_who_renews_is_a_contributor_and_signs_the_submission(office: Office) -> None:
    """A translator who renews has a part in the plan from then on."""
    add(office, "webhook")
    pen = office.pen("translator-1")
    new = submitting.renew(office.desk, office.plan(), WINDOW, pen).stored.plan
    assert "submitter" in new.contributors["translator-1"]
    assert [(s.kind, s.subject) for s in pen.signed] == [(StatementKind.SUBMIT, new.digest)]


def test_the_fourth_renewal_is_refused(office: Office) -> None:
    """Three are let pass; then the message wants a plan of its own."""
    add(office, "webhook")
    plan = office.plan()
    for _ in range(3):
        plan = renewed(office, plan)
    with pytest.raises(GateClosed) as raised:
        renewed(office, plan)
    assert (plan_of(office, plan).renewal, counted(office)["plans"]) == (3, 4)
    assert [(code, fact) for code, fact, _ in raised.value.reasons] == [
        ("G04", "webhook: the window was renewed 4 times, policy allows 3")
    ]


def test_a_plan_needs_an_account(office: Office) -> None:
    """Without one there is nothing to ask the gate about."""
    with pytest.raises(Invalid, match="no account"):
        office.plan()


def test_the_ids_of_a_plans_deliveries_are_in_the_order_of_its_destinations(office: Office) -> None:
    """They are leased by their ids: what the plan names together is moved together, and lies together."""
    for number in range(8):
        office.account("webhook", f"webhook-{number}")
    plan = plan_of(office, office.plan())
    with office.desk.store.read() as work:
        made = work.execute(select(DELIVERIES.c.account).order_by(DELIVERIES.c.id)).scalars().all()
    assert (made, len(made)) == ([destination.account for destination in plan.destinations], 8)
