"""What is just enough: the cleared case at a limit, or with something beside it that does not concern it, passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.domain.people import Role
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.evidence import Evidence
from dispatcher.gate.policy_file import CHECKED_BY_SOFTWARE
from tests.builders import MITIGATIONS, attested, evidence_for
from tests.cast import DAY, HOUR, NOW, person, roster, signed
from tests.gate.broken_evidence import assessed_until
from tests.gate.broken_mitigations import exempted
from tests.gate.support import PLAN, about, cleared, decided, judged, planned, said, under, without

ATTESTED_BY_PEOPLE = {*MITIGATIONS} - CHECKED_BY_SOFTWARE | {"M10", "M15"}
AGREED: dict[str, Any] = {"decision": "agreed", "channels": ["tiktok"]}


def decided_twice(*ages: int) -> Evidence:
    """Decisions so many hours ago, in this order, none of them confirmed."""
    kept = [e for e in without(StatementKind.DECIDE) if said(e).kind is not StatementKind.CONFIRM]
    return evidence_for(
        PLAN, [*kept, *(about(StatementKind.DECIDE, "private-1", at=NOW - age * HOUR, **AGREED) for age in ages)]
    )


def recorded_by_an_approver() -> Evidence:
    """The private office's recorder cleared the plan as a lawyer, too."""
    approval = signed(StatementKind.APPROVE, "private-1", Role.LEGAL, subject=PLAN.digest, channels=["tiktok"])
    return cleared(approval, roster=roster(private_1=person("private-1", Role.LEGAL)))


ENOUGH: dict[str, tuple[Callable[[], Evidence], str]] = {
    "renewed as often as policy allows": (lambda: planned(renewal=3), "x"),
    "nothing known of an incident that policy does not require": (
        lambda: under(lambda version: version["channel"]["x"].update(requires_incident=False), "x", evidence=()),
        "x",
    ),
    "an assessment to be reviewed in a moment": (lambda: assessed_until("2026-11-21T12:00:00.000001Z"), "x"),
    "a rejection of another plan": (lambda: cleared(signed(StatementKind.REJECT, "legal-1", subject="ab" * 32)), "x"),
    "an exemption for a year": (lambda: exempted("under 25s", 365 * DAY), "tiktok"),
    "attested is what people see to": (
        lambda: cleared(attested(*ATTESTED_BY_PEOPLE), instead_of=StatementKind.ATTEST),
        "tiktok",
    ),
    "the app attested once more as it was reviewed": (lambda: cleared(attested("M08", at=NOW - HOUR)), "tiktok"),
    "a decision that holds beside one that was never confirmed": (lambda: decided_twice(25, 1), "tiktok"),
    "a decision never confirmed beside one that holds": (lambda: decided_twice(1, 25), "tiktok"),
    "a decision recorded by who approved as a lawyer": (recorded_by_an_approver, "tiktok"),
    "a decision of this hour": (decided, "tiktok"),
}


@pytest.mark.parametrize(("evidence", "channel"), ENOUGH.values(), ids=ENOUGH.keys())
def test_what_is_just_enough_passes(evidence: Callable[[], Evidence], channel: str) -> None:
    """No clause fails."""
    assert judged(evidence(), channel).failures == ()
