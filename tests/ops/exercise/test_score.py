"""The scorecard: each time, each wait and each fault, worked out from built records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.service.exercising import Outcome
from ops.exercise.score import Scorecard, score
from ops.exercise.tally import Tally
from tests.ops.exercise.built import GOOD, PLAN, Night, storm


def scored(night: Night, tally: Tally = GOOD, *, finished: bool = True) -> Scorecard:
    """The scorecard of a built night."""
    return score(night.entries, night.far, tally, finished=finished)


def how(night: Night) -> dict[str, str]:
    """What went wrong in it, and how that was met."""
    return {one.what: one.how for one in scored(night).faults}


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("declared", 30), ("cleared", 80), ("first_public", 241), ("released_first", 1), ("released_all", 4)],
)
def test_a_time_runs_between_what_the_record_shows(time: str, seconds: int) -> None:
    """From the ledger's entry to the ledger's or to the far side's own."""
    assert scored(storm()).times[time] == seconds * 1_000


@pytest.mark.parametrize("time", ["corrected_first", "corrected_all", "halted"])
def test_what_did_not_happen_took_no_time(time: str) -> None:
    """Nobody corrected or halted: there is no figure, rather than zero."""
    assert scored(storm()).times[time] is None


def test_a_correction_is_timed_from_its_signed_decision() -> None:
    """To the first and the last change on a far side; what was published before is not among them."""
    night = storm()
    night.act(300, "way_back.ordered", "director-1", 10)
    night.shows(312, "first-2")
    night.shows(319, "last", "altered")
    times = scored(night).times
    assert (times["corrected_first"], times["corrected_all"], times["released_all"]) == (2_000, 9_000, 4_000)


def test_a_halt_is_timed_to_the_last_send_before_it_was_lifted() -> None:
    """What is sent after two others resumed was allowed."""
    night = storm()
    night.act(242, "statement.halt", "director-1", 1, act="halt")
    night.says(400, "halt.ended", incident=None)
    night.sends(243.2, "late")
    night.sends(401, "resumed")
    assert scored(night).times["halted"] == 1_000
    assert how(night)["a halt"] == "the last send came 1.0 s after the signature; lifted by two others, then 1 send"


def test_waiting_on_people_is_apart_from_the_script_and_the_machines() -> None:
    """A step's time is whose act ended it; all that is nobody's is the machines'."""
    card = scored(storm())
    assert (card.people_ms, card.script_ms, card.machine_ms) == (150_000, 90_000, 4_000)
    longest = card.waits[0]
    assert (longest.who, longest.played_by, longest.count, longest.ms) == ("author-1", "people", 2, 120_000)


def test_who_acted_in_a_deputys_place_was_the_one_waited_for() -> None:
    """The entry says who acted, whoever was expected."""
    night = Night()
    night.act(0, "statement.approve", "deputy-director-1", 5, subject=PLAN)
    assert [one.who for one in scored(night).waits] == ["deputy-director-1"]


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, Outcome.PASSED),
        ({"lost": 1}, Outcome.GAPS),
        ({"doubled": 1}, Outcome.GAPS),
        ({"by_state": {"held": 1}}, Outcome.GAPS),
        ({"by_state": {"handed_over": 1, "cancelled": 2}}, Outcome.PASSED),
    ],
    ids=["whole", "lost", "doubled", "held", "by hand"],
)
def test_only_a_whole_run_passes(change: dict[str, object], outcome: Outcome) -> None:
    """Lost, doubled, or left for people: there are gaps."""
    assert scored(storm(), replace(GOOD, **change)).outcome is outcome  # type: ignore[arg-type]


def test_a_run_that_was_broken_off_says_so_whatever_it_came_to() -> None:
    """It has the times it came to, and no more."""
    night = Night()
    night.act(0, "incident.declared", "author-1", 30)
    card = scored(night, finished=False)
    assert (card.outcome, card.times["declared"], card.times["cleared"]) == (Outcome.BROKEN_OFF, 30_000, None)


def test_a_fault_is_met_when_its_posts_are_public_once() -> None:
    """By the far side's own record, with how long that took."""
    night = storm()
    night.step(240, troubles=[{"called": "X: 429", "provider": "x", "kind": "throttle"}])
    night.sends(241, "first", "throttle")
    assert how(night)["X: 429"] == "the post that met it is public, once"
    night.sends(242, "never", "throttle")
    assert how(night)["X: 429"].startswith("1 of 2 posts that met it are public")


def test_a_post_that_a_fault_doubled_is_shouted() -> None:
    """Twice on the record is no success."""
    night = storm()
    night.step(240, troubles=[{"called": "X: lost", "provider": "x", "kind": "act_then_drop"}])
    night.sends(241, "first", "act_then_drop")
    night.shows(243, "first")
    assert "1 OF THEM TWICE" in how(night)["X: lost"]


def test_a_fault_that_nothing_met_is_said() -> None:
    """It was armed for accounts that this deployment does not have."""
    night = storm()
    night.step(240, troubles=[{"called": "Bluesky: an outage", "provider": "bluesky", "kind": "refuse"}])
    assert how(night)["Bluesky: an outage"] == "nothing met it"


def test_a_killed_role_is_met_when_it_runs_again() -> None:
    """Its own entry says so, and what the sweeper took out of dead hands is counted."""
    night = storm()
    night.step(241, killed=["accounts"])
    night.says(243, "role.started", incident=None, role="accounts")
    night.says(246, "deliveries.swept", count=5)
    assert how(night)["kill -9 of accounts"] == "running again after 2.0 s; 5 posts in dead hands looked up"


def test_a_revoked_clearance_is_met_when_nothing_is_sent_of_it() -> None:
    """Until another plan is released."""
    night = Night()
    night.act(10, "statement.revoke", "director-1", 5, act="revoke", subject=PLAN)
    night.says(60, "plan.released", plan="b" * 64)
    assert how(night)["a revoked clearance"] == "nothing was sent after it; another plan was released 45.0 s later"
    night.sends(20, "stray")
    assert how(night)["a revoked clearance"].startswith("1 send came after it")


def test_a_release_before_it_is_clear_is_met_by_a_refusal() -> None:
    """And by nothing having left."""
    night = Night()
    night.act(10, "release.refused", "director-1", 1)
    assert how(night)["a release before it was clear"] == "refused, nothing was sent"
