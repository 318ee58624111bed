"""What breaks the evidence: the incident's, assessments, exemptions, the minister's decision, spend."""

from __future__ import annotations

from dataclasses import replace

from channels.contract import DeliveryKind
from dispatcher.domain.incident import METHANE, Severity
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Spend
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.evidence import Evidence, Then
from tests.builders import READ_BACK_CODE, assessed, draft, everything_signed, evidence_for
from tests.cast import DAY, HOUR, NOW, person, roster, signed
from tests.gate.support import (
    CLEARED,
    PLAN,
    TIKTOK,
    Broken,
    about,
    cleared,
    decided,
    items,
    paid,
    planned,
    planned_without,
)


def bought_twice() -> Evidence:
    """A plan that names one spend, and two accounts of its channel to order from."""
    evidence = paid(Spend("webhook", "storms", 5_000, 2026))
    (first,) = evidence.plan.destinations
    both = replace(evidence.plan, destinations=(first, replace(first, account="webhook-2")))
    return evidence_for(both, policies=evidence.policies)


def disorder(severity: Severity, *known: str) -> Evidence:
    """The cleared case of a riot that the police reported, with what else is known of it."""
    return planned(incident_kind="disorder", severity=severity, evidence=items("police_report", *known))


def assessed_until(review_at: str) -> Evidence:
    """The cleared case with an assessment of X that says when it is to be reviewed."""
    return cleared(
        signed(
            StatementKind.ASSESS,
            "director-2",
            at=NOW - 10 * DAY,
            channel="x",
            placement="organic",
            outcome="permitted",
            review_at=review_at,
        ),
        instead_of=StatementKind.ASSESS,
    )


EVIDENCE = {
    "other incident": Broken("G02", "belongs to incident inc-b", "plan for that", facts=(("incident", "inc-b"),)),
    "incident over": Broken(
        "G02", "the incident is stood_down", "activates", facts=(("incident_state", "stood_down"),)
    ),
    "incident closed": Broken(
        "G02",
        "the incident is closed",
        "activates",
        lambda: evidence_for(PLAN, everything_signed(PLAN, [DeliveryKind.CORRECT])),
        "x",
        TextKind.CORRECT,
        (("incident_state", "closed"),),
    ),
    "not assessed": Broken(
        "G09", "no assessment of x (organic)", "security", lambda: planned_without(StatementKind.ASSESS), "x"
    ),
    "assessed for paid only": Broken(
        "G09",
        "no assessment of x (organic)",
        "security",
        lambda: cleared(
            signed(StatementKind.ASSESS, "director-2", channel="x", placement="paid", outcome="permitted"),
            instead_of=StatementKind.ASSESS,
        ),
        "x",
    ),
    "assessed for another channel": Broken(
        "G09",
        "no assessment of x (organic)",
        "security",
        lambda: cleared(assessed("bluesky"), instead_of=StatementKind.ASSESS),
        "x",
    ),
    "assessment too old": Broken(
        "G09",
        "too old",
        "security",
        lambda: cleared(assessed("x", at=NOW - 180 * DAY), instead_of=StatementKind.ASSESS),
        "x",
    ),
    "assessed as refused since": Broken(
        "G09",
        "was assessed as refused",
        "security",
        lambda: cleared(assessed("x", "refused", at=NOW - DAY)),
        "x",
    ),
    "assessed as permitted and refused at once": Broken(
        "G09",
        "was assessed as refused",
        "security",
        lambda: cleared(assessed("x", at=NOW - DAY), assessed("x", "refused", at=NOW - DAY)),
        "x",
    ),
    "assessed by another role": Broken(
        "G09",
        "no assessment of x",
        "security",
        lambda: cleared(
            signed(StatementKind.ASSESS, "ops-1", channel="x", placement="organic", outcome="permitted"),
            instead_of=StatementKind.ASSESS,
        ),
        "x",
    ),
    "no exemption": Broken(
        "G10", "no exemption covers account tiktok-1", "security", lambda: planned_without(StatementKind.EXEMPT)
    ),
    "exemption for another account": Broken(
        "G10",
        "no exemption covers account tiktok-1",
        "security",
        lambda: cleared(
            signed(StatementKind.EXEMPT, "security-2", channel="tiktok", account="*"),
            instead_of=StatementKind.EXEMPT,
        ),
    ),
    "exemption for an account of that name elsewhere": Broken(
        "G10",
        "no exemption covers account tiktok-1",
        "security",
        lambda: cleared(
            signed(StatementKind.EXEMPT, "security-2", channel="x", account="tiktok-1"),
            instead_of=StatementKind.EXEMPT,
        ),
    ),
    "decision put off": Broken("G12", "no minister's decision", "minister", lambda: decided(decision="deferred")),
    "no decision": Broken("G12", "no minister's decision", "minister", lambda: planned_without(StatementKind.DECIDE)),
    "minister refused": Broken("G12", "the minister refused", "minister", lambda: decided(decision="refused")),
    "refused beside an agreement": Broken(
        "G12",
        "the minister refused",
        "minister",
        lambda: cleared(about(StatementKind.DECIDE, "minister-1", decision="refused", channels=["tiktok"])),
    ),
    "decision for another channel": Broken(
        "G12", "no minister's decision", "minister", lambda: decided(channels=["x"])
    ),
    "decision unconfirmed": Broken(
        "G12", "not confirmed within 24 hours", "minister", lambda: planned_without(StatementKind.CONFIRM)
    ),
    "decision confirmed with a wrong code": Broken(
        "G12",
        "not confirmed",
        "minister",
        lambda: cleared(
            about(StatementKind.CONFIRM, "private-1", at=NOW - DAY, code="0000"), instead_of=StatementKind.CONFIRM
        ),
    ),
    "decision confirmed too late": Broken(
        "G12",
        "not confirmed",
        "minister",
        lambda: cleared(
            about(StatementKind.CONFIRM, "private-1", at=NOW - HOUR, code=READ_BACK_CODE),
            instead_of=StatementKind.CONFIRM,
        ),
    ),
    "decision with an odd code": Broken(
        "G12", "not confirmed", "minister", lambda: decided(at=25 * HOUR, code_digest="ŵ")
    ),
    "decision recorded by a contributor": Broken(
        "G12",
        "private-1 recorded the decision and contributed",
        "minister",
        lambda: planned(*TIKTOK, contributors={"author-1": ("author",), "private-1": ("edit",)}),
    ),
    "decision recorded by an approver": Broken(
        "G12",
        "private-1 recorded the decision and approved as checker",
        "minister",
        lambda: cleared(
            signed(StatementKind.APPROVE, "private-1", Role.CHECKER, subject=PLAN.digest, channels=["tiktok"]),
            roster=roster(private_1=person("private-1", Role.CHECKER)),
        ),
    ),
    "no incident declared": Broken(
        "G02", "no incident was declared", "incident declare", lambda: planned(incident_kind="none"), "x"
    ),
    "incident stood down": Broken(
        "G02",
        "the incident was stood down",
        "declare another",
        lambda: replace(CLEARED, stops=replace(CLEARED.stops, stood_down=frozenset({PLAN.incident}))),
        then=Then.CANCEL,
    ),
    "nothing known of the incident": Broken(
        "G02", "not evidenced, or too long ago: warning", "incident evidence", lambda: planned(evidence=()), "x"
    ),
    "known too long ago": Broken(
        "G02",
        "not evidenced, or too long ago: warning",
        "incident evidence",
        lambda: planned(evidence=items("warning", at=NOW - 168 * HOUR)),
        "x",
    ),
    "known without saying what": Broken(
        "G02",
        "not evidenced, or too long ago: warning",
        "incident evidence",
        lambda: planned(evidence=items("warning", value=" ")),
        "x",
    ),
    "two lines of the incident form lacking": Broken(
        "G02",
        "not evidenced, or too long ago: hazards, access",
        "incident evidence",
        lambda: disorder(Severity.S2, *(line for line in METHANE if line not in ("hazards", "access"))),
        "x",
    ),
    "serious, and what that asks besides lacking": Broken(
        "G02",
        "not evidenced, or too long ago: cobr_reference",
        "incident evidence",
        lambda: disorder(Severity.S3, *METHANE),
        "x",
    ),
    "assessment made void": Broken(
        "G09",
        "x was assessed as void",
        "security",
        lambda: cleared(assessed("x", "void", at=NOW - DAY)),
        "x",
    ),
    "assessment due for review": Broken(
        "G09",
        "the assessment of x is too old",
        "security",
        lambda: assessed_until("2026-11-21T12:00:00.000000Z"),
        "x",
    ),
    "assessment with an odd review date": Broken(
        "G09", "the assessment of x is too old", "security", lambda: assessed_until("next year"), "x"
    ),
    "no spend named": Broken("G13", "names no spend for paid placement on webhook", "new plan", paid, "webhook"),
    "spend named twice": Broken(
        "G13",
        "names 2 spend for paid placement on webhook",
        "new plan",
        lambda: paid(Spend("webhook", "storms", 1, 2026), Spend("webhook", "floods", 10**9, 2026)),
        "webhook",
    ),
    "spend of another channel": Broken(
        "G13", "names no spend for paid placement", "new plan", lambda: paid(Spend("x", "storms", 1, 2026)), "webhook"
    ),
    "paid, and policy has no cap": Broken(
        "G13",
        "policy has no cap for paid placement on webhook",
        "two policy owners",
        lambda: paid(Spend("webhook", "storms", 1, 2026), cap=None),
        "webhook",
    ),
    "spend over the cap of its case": Broken(
        "G13",
        "£50.01 is over the cap of webhook",
        "new plan",
        lambda: paid(Spend("webhook", "storms", 5_001, 2026), cap=(5_000, 9_000)),
        "webhook",
    ),
    "spend over the cap of the year": Broken(
        "G13",
        "£50.01 is over the cap of webhook",
        "new plan",
        lambda: paid(Spend("webhook", "storms", 5_001, 2026), cap=(9_000, 5_000)),
        "webhook",
    ),
    "spend of nothing": Broken(
        "G13",
        "£0.00 is over the cap of webhook",
        "new plan",
        lambda: paid(Spend("webhook", "storms", 0, 2026)),
        "webhook",
    ),
    "sum at the threshold without central approval": Broken(
        "G13",
        "£100,000.00 for case storms needs",
        "finance",
        lambda: paid(
            Spend("webhook", "storms", 6_000_000, 2026, "AMC-1"), Spend("social_paid", "storms", 4_000_000, 2026)
        ),
        "webhook",
    ),
    "spend that the ledger has no room for": Broken(
        "G13",
        "the year's cap is used up",
        "spend list",
        lambda: paid(Spend("webhook", "storms", 5_000, 2026)),
        "webhook",
        facts=(("spend_fault", "the year's cap is used up"),),
    ),
    "an order for more than the plan lets it buy": Broken(
        "G13",
        "not what the plan lets it buy",
        "new plan",
        lambda: paid(Spend("webhook", "storms", 5_000, 2026)),
        "webhook",
        facts=(("purchase_fault", "what is ordered is not what the plan lets it buy"),),
    ),
    "an order in a plan that buys nothing": Broken(
        "G13",
        "not what the plan lets it buy",
        "new plan",
        lambda: evidence_for(draft("webhook").plan),
        "webhook",
        facts=(("purchase_fault", "what is ordered is not what the plan lets it buy"),),
    ),
    "one spend for two accounts": Broken(
        "G13", "ordered once from each of its accounts", "new plan", bought_twice, "webhook"
    ),
}
