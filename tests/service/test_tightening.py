"""Stopping things from the console: in a person's name, by the console's key, and never more than stopping."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.domain.errors import Forbidden, Invalid, NotFound, SignatureNeeded, Unavailable
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, sessions, stopping, tightening
from dispatcher.service.stopping import Halted
from dispatcher.service.tightening import Act
from tests.office import FilePen, Office

EXERCISE = Mode.EXERCISE
ALL = HaltScope.ALL


def pen(office: Office) -> FilePen:
    """The console's own."""
    return FilePen(office.desk.settings.path("keys", "console"))


def halt(office: Office, person: str = "ops-1", role: Role = Role.OPS, reason: str = "wrong area") -> Halted:
    """Halt everything sendable."""
    done = tightening.halt(office.desk, person, role, pen(office), ALL, "", EXERCISE, reason)
    assert isinstance(done.made, Halted)
    return done.made


def test_a_halt_from_the_console_closes_the_gate_in_a_persons_name(office: Office) -> None:
    """The refusal, the list of halts and the ledger name who asked."""
    office.account("webhook")
    plan, made = office.approved(), halt(office)
    (finding,) = clearing.show(office.desk, plan).findings
    assert [failure.fact for failure in finding.lacking] == ["halted (all) by ops-1 through the console"]
    assert (made.person, made.through, made.by) == ("ops-1", "console", "ops-1 through the console")
    assert stopping.halts(office.desk, EXERCISE) == [made]
    (entry,) = office.ledger("statement.halt")
    assert {name: entry.facts[name] for name in ("actor", "through", "role")} == {
        "actor": "ops-1",
        "through": "console",
        "role": "console",
    }
    assert entry.facts["body"] == {"scope": "all", "target": "", "reason": "wrong area", "asked_by": "ops-1"}


def test_who_had_the_console_halt_cannot_resume(office: Office) -> None:
    """Two others do."""
    named = halt(office, "director-1", Role.DUTY_DIRECTOR).statement
    with pytest.raises(Forbidden, match="halted this"):
        stopping.resume(office.desk, named, office.pen("director-1"))
    for person in ("director-2", "checker-1"):
        after = stopping.resume(office.desk, named, office.pen(person))
    assert (after.in_force, after.resumed_by) == (False, ("checker-1", "director-2"))


def test_the_console_cannot_resume(office: Office) -> None:
    """Not even what a person halted with their own key."""
    for person in ("console", "author-1"):
        named = halt(office).statement
        if person == "author-1":
            named = stopping.halt(office.desk, ALL, "", office.pen("author-1"), EXERCISE).statement
        with pytest.raises((Forbidden, SignatureNeeded)):
            stopping.resume(office.desk, named, pen(office))


def test_the_duty_directors_are_told(office: Office) -> None:
    """As of any halt, and who it was."""
    trust, director = office.desk.trust, office.desk.trust.roster.holders(Role.DUTY_DIRECTOR, office.clock.now)[0]
    reached = replace(director, contacts=("json://127.0.0.1",))
    people = tuple(reached if one.id == director.id else one for one in trust.roster.people)
    desk = replace(office.desk, trust=replace(trust, roster=replace(trust.roster, people=people)))
    done = tightening.halt(desk, "ops-1", Role.OPS, pen(office), ALL, "", EXERCISE, "secret reason")
    ((_, title, body),) = office.notices
    assert ([one.person for one in done.notices], title) == ([director.id], "EXERCISE Halted: all")
    assert ("ops-1 through the console halted all" in body, "secret reason" in body) == (True, False)


def test_the_senders_are_rung(office: Office) -> None:
    """For the mode that was halted, once it is recorded."""
    rung: list[tuple[str, int]] = []

    def ring(mode: str) -> None:
        rung.append((mode, len(stopping.halts(office.desk, EXERCISE))))

    tightening.halt(office.desk, "ops-1", Role.OPS, pen(office), ALL, "", EXERCISE, "why", ring)
    assert rung == [("exercise", 1)]


def test_cancelling_revokes_a_plan_and_what_has_not_begun(office: Office) -> None:
    """In the person's name: they cannot be missed in what the gate says."""
    office.account("webhook")
    plan = office.approved()
    tightening.cancel(office.desk, "security-1", Role.SECURITY, pen(office), plan, "superseded")
    (finding,) = clearing.show(office.desk, plan).findings
    assert "revoked by security-1 through the console" in [failure.fact for failure in finding.failures]
    (entry,) = office.ledger("statement.revoke")
    assert (entry.facts["actor"], entry.facts["body"]["asked_by"]) == ("security-1", "security-1")
    assert office.ledger("deliveries.swept")[0].facts["reason"] == "revoked"


def test_a_hold_from_the_console_is_the_persons(office: Office) -> None:
    """The ledger says through what."""
    office.account("webhook")
    tightening.hold(office.desk, "ops-1", Role.OPS, pen(office), "webhook-1", "their outage")
    (entry,) = office.ledger("account.held")
    assert (entry.facts["actor"], entry.facts["through"], entry.facts["reason"]) == (
        "ops-1",
        "console",
        "their outage",
    )


@pytest.mark.parametrize("role", [role for role in sessions.ROLES if role not in sessions.TIGHTENING])
def test_who_may_only_look_stops_nothing(office: Office, role: Role) -> None:
    """The message names who may, and the way that everybody on the roster has."""
    for act in (
        lambda: halt(office, "reviewer-1", role),
        lambda: _cancelled(office, role),
        lambda: _held(office, role),
    ):
        with pytest.raises(Forbidden, match="may only look") as refused:
            act()
        assert "duty director" in refused.value.next_step
    assert stopping.halts(office.desk, EXERCISE) == []


def _cancelled(office: Office, role: Role) -> None:
    tightening.cancel(office.desk, "reviewer-1", role, pen(office), "plan", "why")


def _held(office: Office, role: Role) -> None:
    tightening.hold(office.desk, "reviewer-1", role, pen(office), "webhook-1", "why")


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.OPERATOR])
def test_a_hold_is_for_those_who_may_hold(office: Office, role: Role) -> None:
    """As with their own key."""
    with pytest.raises(Forbidden, match="may only look"):
        tightening.hold(office.desk, "author-1", role, pen(office), "webhook-1", "why")


def test_whom_the_roster_does_not_know_stops_nothing(office: Office) -> None:
    """Otherwise nobody could tell that they are not one of the two who resume."""
    with pytest.raises(Forbidden, match="nobody on the roster"):
        halt(office, "somebody@example.org")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2_001])
def test_a_reason_is_wanted(office: Office, reason: str) -> None:
    """And one that a person can read."""
    with pytest.raises(Invalid, match="reason"):
        halt(office, reason=reason)


def test_a_console_without_a_key_says_so(office: Office) -> None:
    """And one whose key is a person's signs nothing for another."""
    for held in (None, office.pen("ops-1")):
        with pytest.raises(Unavailable, match="key"):
            tightening.halt(office.desk, "director-1", Role.DUTY_DIRECTOR, held, ALL, "", EXERCISE, "why")
    assert stopping.halts(office.desk, EXERCISE) == []


def test_a_target_that_is_none_is_refused(office: Office) -> None:
    """Before anything is signed, and in the preview too."""
    with pytest.raises(NotFound):
        tightening.halt(office.desk, "ops-1", Role.OPS, pen(office), HaltScope.CHANNEL, "fax", EXERCISE, "why")
    with pytest.raises(NotFound):
        tightening.preview(office.desk, Act.HALT, HaltScope.CHANNEL, "fax", EXERCISE)


def test_a_preview_says_what_stops_and_what_goes_on(office: Office) -> None:
    """Of everything, a channel, an account, an incident and a plan."""
    office.account("webhook")
    office.account("x")
    plan = office.approved()
    incident = clearing.show(office.desk, plan).stored.plan.incident
    targets = {"all": "", "everything": "", "channel": "x", "account": "x-1", "incident": incident, "plan": plan}
    seen = {
        scope: tightening.preview(office.desk, Act.HALT, HaltScope(scope), target, EXERCISE)
        for scope, target in targets.items()
    }
    counts = {scope: one.count for scope, one in seen.items()}
    assert counts["channel"] == counts["account"] == counts["all"] // 2 > 0
    assert counts["incident"] == counts["plan"] == counts["all"]
    assert seen["channel"].what == "Of channel x (exercise) 1 delivery that has not begun would wait."
    assert seen["all"].goes_on.endswith("Corrections, withdrawals and all-clears still go out.")
    assert "stop too" in seen["everything"].goes_on


def test_a_preview_in_the_other_mode_counts_nothing(office: Office) -> None:
    """An exercise's deliveries are not live."""
    office.account("webhook")
    office.approved()
    seen = tightening.preview(office.desk, Act.HALT, ALL, "", Mode.LIVE)
    assert (seen.count, seen.what) == (0, "Of everything live no delivery would wait.")


def test_a_preview_of_many_counts_to_its_bound(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that there are more."""
    office.account("webhook")
    office.account("x")
    office.approved()
    monkeypatch.setattr(tightening, "COUNTED", 1)
    seen = tightening.preview(office.desk, Act.HALT, ALL, "", EXERCISE)
    assert (seen.count, seen.more, "more than 1 deliveries" in seen.what) == (1, True, True)


def test_a_preview_of_a_cancellation_leaves_the_way_back_open(office: Office) -> None:
    """By the plan's own mode, whatever was asked."""
    office.account("webhook")
    plan = office.approved()
    seen = tightening.preview(office.desk, Act.CANCEL, HaltScope.PLAN, plan[:12], Mode.LIVE)
    assert (seen.mode, seen.target, "cancelled for good" in seen.what) == (EXERCISE, plan, True)
    assert "Corrections" in seen.goes_on


def test_a_halt_of_the_console_outlives_its_console(office: Office) -> None:
    """Nine years on it stands, as anybody's does."""
    named = halt(office).statement
    office.clock.advance(timedelta(days=9 * 365))
    assert [one.statement for one in stopping.halts(office.desk, EXERCISE) if one.in_force] == [named]


def test_who_signs_about_a_plan_never_counts_the_console(office: Office) -> None:
    """It approves nothing: nobody's list of roles that approve has it, and its signature is refused."""
    office.account("webhook")
    plan = office.approved()
    with pytest.raises(SignatureNeeded):
        clearing.approve(office.desk, plan, pen(office))
    with pytest.raises(SignatureNeeded):
        clearing.revoke(office.desk, plan, pen(office))
    assert {said.kind for said in pen(office).signed} <= {StatementKind.HALT, StatementKind.REVOKE}
