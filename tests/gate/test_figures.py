"""The figures of the gate that the reference gives, in its own units: changing one is a decision, not a slip."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.statement import StatementKind
from dispatcher.gate import clauses, evidence, mitigations, policy, policy_diff, policy_file, stops
from dispatcher.gate.evidence import Then
from dispatcher.gate.policy import CheckedBy
from dispatcher.gate.policy_diff import Direction


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (clauses.STALE_AFTER, timedelta(minutes=1)),
        (evidence.CONFIRM_WITHIN, timedelta(days=1)),
        (mitigations.EXEMPTION_LONGEST, timedelta(days=365)),
        (mitigations.OPERATORS, 2),
        (stops.RESUMED_BY, 2),
        (policy_file.LONGEST, timedelta(days=3_653)),
        (
            policy_file.UNITS,
            {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)},
        ),
        (evidence.END_OF_TIME, datetime(9999, 1, 1, tzinfo=UTC)),
        (policy.Standing((), (), "source").requires_incident, True),
        (policy.Standing((), (), "source").minister, True),
    ],
)
def test_the_gates_figures_are_the_references(figure: object, value: object) -> None:
    """Status (design: gate 9), confirmation (gate 8), exemptions, operators and resumes (policy 1.3 and 6.2).

    What a standing clearance does not say it leaves as it is for everybody.
    """
    assert figure == value


@pytest.mark.parametrize(
    ("words", "on_record"),
    [
        (Then, ["cancel", "expire", "hold", "hold_stale", "wait"]),
        (Direction, ["tighter", "looser", "neutral"]),
        (policy_file.HEAD, ["version", "effective_from", "recorded_at", "source", "inherits"]),
        (policy_diff.CHECKERS, [CheckedBy.PEOPLE, CheckedBy.SOFTWARE]),
        (stops.NOES[StatementKind.REJECT], ["", ""]),
    ],
)
def test_the_gates_words_are_those_on_record(words: Iterable[str], on_record: list[str]) -> None:
    """In this order: they are in the ledger, in policy files, in print, and between processes of different ages."""
    assert list(words) == on_record
