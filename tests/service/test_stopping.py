"""Halting and resuming: one stops, two others start again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.domain.errors import Forbidden, Invalid, NotFound, SignatureNeeded
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, stopping
from tests.office import Office


def halt(office: Office, person: str = "reviewer-1", scope: HaltScope = HaltScope.ALL, target: str = "") -> str:
    """Halt; returns the halt's id."""
    return stopping.halt(office.desk, scope, target, office.pen(person), Mode.EXERCISE).statement


def clauses(office: Office, plan: str) -> set[str]:
    """The clauses that fail for a plan."""
    return {f.clause for finding in clearing.show(office.desk, plan).findings for f in finding.failures}


def states(office: Office, plan: str) -> set[str]:
    """The states of a plan's clearances, once the gate was asked again."""
    return {finding.found for finding in clearing.show(office.desk, plan).findings}


def test_anybody_on_the_roster_halts_and_the_gate_closes(office: Office) -> None:
    """A reviewer's halt of everything sendable fails G16 for a plan."""
    office.account("webhook")
    plan = office.approved()
    halt(office)
    assert "G16" in clauses(office, plan)


def test_a_halt_ends_when_two_others_have_signed(office: Office) -> None:
    """One signature is not enough, two are, and the ledger says that it ended and by whom."""
    office.account("webhook")
    plan, named = office.approved(), halt(office)
    first = stopping.resume(office.desk, named[:12], office.pen("director-2"))
    assert (first.needed, first.in_force, "G16" in clauses(office, plan)) == (1, True, True)
    second = stopping.resume(office.desk, named[:12], office.pen("director-1"))
    assert (second.needed, second.in_force, "G16" in clauses(office, plan)) == (0, False, False)
    assert [entry.facts["resumed_by"] for entry in office.ledger("halt.ended")] == [["director-1", "director-2"]]


def test_the_halter_cannot_resume(office: Office) -> None:
    """Whoever halted is refused."""
    named = halt(office, "ops-1")
    with pytest.raises(Forbidden, match="halted this"):
        stopping.resume(office.desk, named, office.pen("ops-1"))


def test_one_person_signs_a_resume_once(office: Office) -> None:
    """A second signature of the same person is refused, not counted."""
    named = halt(office)
    stopping.resume(office.desk, named, office.pen("checker-1"))
    with pytest.raises(Invalid, match="already"):
        stopping.resume(office.desk, named, office.pen("checker-1"))


@pytest.mark.parametrize("person", ["ops-1", "reviewer-1"])
def test_nobody_resumes_as_platform_admin_or_reviewer(office: Office, person: str) -> None:
    """Who runs the servers or reads the record starts nothing again: refused before anything is signed."""
    named = halt(office, "director-1")
    with pytest.raises(SignatureNeeded):
        stopping.resume(office.desk, named, office.pen(person))
    assert office.pen(person).signed == []


def test_a_halt_of_one_plan_suspends_its_clearance(office: Office) -> None:
    """Clear before, suspended during the halt, clear again when two others resumed; other plans stay clear."""
    office.account("webhook")
    plan, other = office.approved(), office.approved()
    named = halt(office, scope=HaltScope.PLAN, target=plan[:12])
    during = (states(office, plan), states(office, other))
    for person in ("director-1", "director-2"):
        stopping.resume(office.desk, named, office.pen(person))
    clearing.show(office.desk, plan)
    assert (*during, states(office, plan)) == ({"suspended"}, {"clear"}, {"clear"})


def test_a_halt_of_an_account_stops_that_account_only(office: Office) -> None:
    """The other account's channel stays clear of G16."""
    office.account("webhook", "webhook-1")
    office.account("webhook", "webhook-2")
    plan = office.approved()
    halt(office, scope=HaltScope.ACCOUNT, target="webhook-2")
    (finding,) = clearing.show(office.desk, plan).findings
    assert [f.fact for f in finding.lacking] == ["halted (account webhook-2) by reviewer-1"]


def test_a_halt_of_a_channel_takes_any_spelling(office: Office) -> None:
    """Twitter is x."""
    halt(office, scope=HaltScope.CHANNEL, target="Twitter")
    assert [h.target for h in stopping.halts(office.desk, Mode.EXERCISE)] == ["x"]


@pytest.mark.parametrize(("scope", "target"), [("account", "webhook-9"), ("channel", "fax"), ("incident", "inc-0")])
def test_a_halt_that_would_stop_nothing_is_refused(office: Office, scope: str, target: str) -> None:
    """A misspelled target is an error and no halt."""
    with pytest.raises(NotFound):
        halt(office, scope=HaltScope(scope), target=target)
    assert stopping.halts(office.desk, Mode.EXERCISE) == []


def test_an_account_is_halted_in_its_own_mode(office: Office) -> None:
    """A live halt of an exercise account is refused, and the message says which mode it is of."""
    office.account("webhook")
    with pytest.raises(Invalid, match="exercise"):
        stopping.halt(office.desk, HaltScope.ACCOUNT, "webhook-1", office.pen("ops-1"), Mode.LIVE)


def test_a_halt_does_not_lapse(office: Office) -> None:
    """Nine years later it is still in force."""
    named = halt(office)
    office.clock.advance(timedelta(days=9 * 365))
    assert [(h.statement, h.in_force) for h in stopping.halts(office.desk, Mode.EXERCISE)] == [(named, True)]


def test_halts_of_the_other_mode_are_not_listed(office: Office) -> None:
    """An exercise's halt stops nothing live."""
    halt(office)
    assert stopping.halts(office.desk, Mode.LIVE) == []
