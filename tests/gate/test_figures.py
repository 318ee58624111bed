"""The figures of the gate that the reference gives, in its own units: changing one is a decision, not a slip."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.gate import clauses, evidence, mitigations, policy, stops


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (clauses.STALE_AFTER, timedelta(minutes=1)),
        (evidence.CONFIRM_WITHIN, timedelta(days=1)),
        (mitigations.EXEMPTION_LONGEST, timedelta(days=365)),
        (mitigations.OPERATORS, 2),
        (stops.RESUMED_BY, 2),
        (policy.LONGEST, timedelta(days=3_653)),
    ],
)
def test_the_gates_figures_are_the_references(figure: object, value: object) -> None:
    """Status (design: gate 9), confirmation (gate 8), exemptions, operators and resumes (policy 1.3 and 6.2)."""
    assert figure == value
