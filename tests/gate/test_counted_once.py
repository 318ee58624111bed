"""Approvals are counted once for all accounts of a channel that stand under the same rule, and again in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.gate import approvals, clauses
from dispatcher.gate.decide import judge_plan
from dispatcher.gate.evidence import Case
from tests.builders import draft, everything_signed, evidence_for, facts_for
from tests.cast import NOW

DRAFTED = draft("x", "webhook")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The channels whose approvals are counted, as they are."""
    seen, count = list[str](), approvals.unapproved

    def counting(case: Case) -> object:
        seen.append(case.facts.channel)
        return count(case)

    monkeypatch.setattr(clauses, "unapproved", counting)
    return seen


def test_accounts_of_one_channel_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another account of it changes nothing that approvals are about."""
    seen, plan = counted(monkeypatch), DRAFTED.plan
    evidence, facts = evidence_for(plan, everything_signed(plan)), facts_for(plan, "x")
    for account in ("x-1", "x-2"):
        judge_plan(evidence, replace(facts, account=account), NOW)
    assert seen == ["x"]


def test_channels_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is approved by name."""
    seen, plan = counted(monkeypatch), DRAFTED.plan
    evidence = evidence_for(plan, everything_signed(plan))
    for channel in ("x", "webhook"):
        judge_plan(evidence, facts_for(plan, channel), NOW)
    assert seen == ["x", "webhook"]


def test_they_are_counted_again_when_a_signature_has_ended() -> None:
    """What was enough a moment ago is not remembered beyond the next moment that changes what holds."""
    plan = DRAFTED.plan
    evidence, facts = evidence_for(plan, everything_signed(plan)), facts_for(plan, "x")
    assert judge_plan(evidence, facts, NOW).failures == ()
    ended = max(verified.statement.expires for verified in evidence.statements)
    later = judge_plan(evidence, facts, ended + timedelta(seconds=1))
    assert "G08" in {failure.clause for failure in later.failures}
