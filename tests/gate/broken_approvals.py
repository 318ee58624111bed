"""What breaks the quorum, separation of duties and break-glass (G08)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from dispatcher.domain.people import Role
from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.gate.evidence import Evidence, Then
from tests.builders import evidence_for, verified
from tests.cast import HOUR, NOW, person, roster, signed
from tests.gate.support import (
    CLEARED,
    MICROSECOND,
    PLAN,
    TIKTOK,
    Broken,
    about,
    cleared,
    held,
    items,
    on_hardware,
    planned,
    under,
    without,
)

BREAKERS = ("security-1", "legal-1")
UNCHECKED = without(StatementKind.APPROVE, Role.CHECKER)
UNDIRECTED = without(StatementKind.APPROVE, Role.DUTY_DIRECTOR)
OTHER_HAZARD = items("lead_department_statement", "lead_responder", "cobr_reference")


def broken_glass(
    *people: str, rest: list[Envelope] = UNCHECKED, at: datetime = NOW - HOUR + MICROSECOND, **changes: Any
) -> Evidence:
    """The cleared case without its checker, and these people's signatures that life is in danger."""
    channels = list(PLAN.channels)
    signs = (about(StatementKind.BREAK_GLASS, one, at=at, channels=channels) for one in people)
    return evidence_for(PLAN, [*rest, *signs], **changes)


def strictly(change: Callable[[dict[str, Any]], None]) -> Evidence:
    """The glass broken by two, under a changed policy."""
    evidence = under(change)
    scope: dict[str, Any] = {"subject": evidence.plan.digest, "channels": list(PLAN.channels), "at": NOW}
    kept = [v for v in evidence.statements if v.statement.role != Role.CHECKER]
    signs = verified([signed(StatementKind.BREAK_GLASS, one, **scope) for one in BREAKERS])
    return replace(evidence, statements=(*kept, *signs))


def deputy(person_id: str, principal: str) -> Evidence:
    """The cleared case where one of the cast holds their role in somebody's stead."""
    people: dict[str, Any] = {person_id.replace("-", "_"): held(person_id, deputy_for=principal)}
    return replace(CLEARED, roster=roster(**people))


APPROVALS = {
    "not submitted": Broken(
        "G08", "no contributor signed", "author", lambda: evidence_for(PLAN, without(StatementKind.SUBMIT))
    ),
    "submitted by an outsider": Broken(
        "G08",
        "no contributor signed",
        "author",
        lambda: cleared(about(StatementKind.SUBMIT, "ops-1"), instead_of=StatementKind.SUBMIT),
    ),
    "rejected": Broken(
        "G08",
        "rejected by legal-1 (legal)",
        "author",
        lambda: cleared(about(StatementKind.REJECT, "legal-1", channels=["tiktok"])),
        then=Then.CANCEL,
    ),
    "rejected without saying where": Broken(
        "G08",
        "rejected by legal-1",
        "author",
        lambda: cleared(about(StatementKind.REJECT, "legal-1")),
        then=Then.CANCEL,
    ),
    "checker missing": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: evidence_for(PLAN, without(StatementKind.APPROVE, Role.CHECKER)),
    ),
    "security missing": Broken(
        "G08",
        "approval missing: security",
        "security",
        lambda: evidence_for(PLAN, without(StatementKind.APPROVE, Role.SECURITY)),
    ),
    "approver contributed": Broken(
        "G08",
        "checker-1 does not count (edit in this plan)",
        "checker",
        lambda: planned(contributors={"author-1": ("author",), "checker-1": ("edit",)}),
        "x",
    ),
    "approved for another channel": Broken(
        "G08",
        "approval missing: duty_director",
        "duty_director",
        lambda: evidence_for(
            PLAN,
            [
                *without(StatementKind.APPROVE, Role.DUTY_DIRECTOR),
                about(StatementKind.APPROVE, "director-1", channels=["x"]),
            ],
        ),
    ),
    "approval lapsed": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: evidence_for(
            PLAN,
            [
                *without(StatementKind.APPROVE, Role.CHECKER),
                about(StatementKind.APPROVE, "checker-1", expires=NOW, channels=list(PLAN.channels)),
            ],
        ),
    ),
    "flag not cleared": Broken("G08", "approval missing: legal", "legal", lambda: planned(flags=("arrest",)), "x"),
    "language not checked": Broken(
        "G08",
        "nobody has checked the language: cy",
        "language_checker",
        lambda: evidence_for(PLAN, without(StatementKind.APPROVE, Role.LANGUAGE_CHECKER)),
    ),
    "language checked by no native": Broken(
        "G08",
        "nobody has checked the language: cy",
        "language_checker",
        lambda: replace(CLEARED, roster=roster(checker_cy=replace(person("checker-cy"), languages=("fr",)))),
    ),
    "language checked by a contributor": Broken(
        "G08",
        "nobody has checked the language: cy; checker-cy does not count (edit in this plan)",
        "language_checker",
        lambda: planned(contributors={"author-1": ("author",), "checker-cy": ("edit",)}),
        "x",
    ),
    "second director missing where circumstances are for people to agree on": Broken(
        "G08",
        "approval missing: duty_director",
        "duty_director",
        lambda: planned(*TIKTOK, incident_kind="other_hazard", evidence=OTHER_HAZARD),
    ),
    "approver owns the policy": Broken(
        "G08",
        "checker-1 does not count (signs the policy that this is judged under)",
        "checker",
        lambda: replace(CLEARED, owners=frozenset({"checker-1"})),
    ),
    "approver is an owner's deputy": Broken(
        "G08",
        "checker-1 does not count (signs the policy",
        "checker",
        lambda: replace(deputy("checker-1", "owner-1"), owners=frozenset({"owner-1", "owner-2"})),
    ),
    "approver is a contributor's deputy": Broken(
        "G08",
        "checker-1 does not count (translate in this plan, as translator-1, with whom checker-1 is one voice)",
        "checker",
        lambda: deputy("checker-1", "translator-1"),
    ),
    "approver's deputy contributed": Broken(
        "G08",
        "checker-1 does not count (author in this plan, as author-1",
        "checker",
        lambda: deputy("author-1", "checker-1"),
    ),
    "a deputy and whom they stand in for": Broken(
        "G08",
        "approval missing: duty_director",
        "duty_director",
        lambda: deputy("checker-1", "director-1"),
        "webhook",
    ),
    "no hardware key": Broken(
        "G08",
        "checker-1 does not count (policy wants a hardware key from checker)",
        "checker",
        lambda: under(lambda version: version.update(hardware_roles=["checker"])),
    ),
    "hardware key without its PIN": Broken(
        "G08",
        "security-1 does not count (policy wants a hardware key with its PIN from security)",
        "security",
        lambda: on_hardware(under(lambda version: version.update(pin_roles=["security"])), pin=False),
    ),
    "glass broken by one": Broken(
        "G08", "approval missing: checker", "checker", lambda: broken_glass("security-1"), "x"
    ),
    "glass broken by one and their deputy": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: broken_glass(*BREAKERS, roster=roster(legal_1=held("legal-1", deputy_for="security-1"))),
        "x",
    ),
    "glass broken by two who made the plan": Broken(
        "G08", "approval missing: checker", "checker", lambda: broken_glass("author-1", "translator-1"), "x"
    ),
    "glass broken an hour ago": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: broken_glass(*BREAKERS, at=NOW - HOUR),
        "x",
    ),
    "glass broken for TikTok": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: broken_glass(*BREAKERS),
    ),
    "glass broken for another channel": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: evidence_for(
            PLAN,
            [*UNCHECKED, *(about(StatementKind.BREAK_GLASS, one, channels=["x"], at=NOW) for one in BREAKERS)],
        ),
        "webhook",
    ),
    "glass broken without a director": Broken(
        "G08",
        "approval missing: duty_director",
        "duty_director",
        lambda: broken_glass(*BREAKERS, rest=UNDIRECTED),
        "x",
    ),
    "glass broken by a platform admin": Broken(
        "G08", "approval missing: checker", "checker", lambda: broken_glass("security-1", "ops-1"), "x"
    ),
    "glass broken by a reviewer": Broken(
        "G08", "approval missing: checker", "checker", lambda: broken_glass("security-1", "reviewer-1"), "x"
    ),
    "glass broken by a policy owner": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: broken_glass(*BREAKERS, owners=frozenset({"legal-1"})),
        "x",
    ),
    "glass broken without a hardware key": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: strictly(lambda version: version.update(hardware_roles=["legal"])),
        "x",
    ),
    "glass broken where policy has no glass": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: strictly(lambda version: version.pop("break_glass")),
        "x",
    ),
}
