"""The token of a release: what it is made of, and what a person may mistype."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.service import confirming
from dispatcher.service.confirming import LENGTHS, SIGNS, Asked, Judged
from dispatcher.store import records
from tests.office import Office

LOOKALIKES = ("0OQD", "1IL", "2Z", "5S", "6G", "8B", "UV")


def asked(office: Office) -> Asked:
    """What is asked about a plan with a list."""
    office.account("webhook")
    plan = office.plan()
    with office.desk.store.read() as work:
        return confirming.ask(office.desk, records.plan(work, plan))


def test_live_and_exercise_share_no_sign() -> None:
    """Nobody can type one mode's token at the other's prompt."""
    assert not set(SIGNS[Mode.LIVE]) & set(SIGNS[Mode.EXERCISE])


def test_no_two_signs_look_alike() -> None:
    """Of each group of look-alikes at most one is used, over both modes together."""
    used = "".join(SIGNS.values())
    assert [group for group in LOOKALIKES if sum(sign in used for sign in group) > 1] == []


def test_a_token_is_short_and_of_its_mode(office: Office) -> None:
    """Four digits in an exercise, six letters in two groups when it is live."""
    made = asked(office)
    assert len(made.token) == LENGTHS[Mode.EXERCISE]
    live = confirming.token(replace(made.plan, mode=Mode.LIVE), made.reach)
    assert (live[3], set(live) - {"-"} <= set(SIGNS[Mode.LIVE])) == ("-", True)


def test_another_reach_has_another_token(office: Office) -> None:
    """More people in the area, another list or another plan: what was read before does not confirm it."""
    made = asked(office)
    reaches = [replace(made.reach, people=12_000), replace(made.reach, recipients={"city": 20_000})]
    others = [confirming.token(made.plan, reach) for reach in reaches]
    others.append(confirming.token(replace(made.plan, nonce="00" * 16), made.reach))
    assert len({made.token, *others}) == 4


@pytest.mark.parametrize("form", ["{}", " {}\n", "{}".lower()])
def test_space_and_case_do_not_count(office: Office, form: str) -> None:
    """What is typed at night need not be neat."""
    made = asked(office)
    assert confirming.judged(form.format(made.token), made) is Judged.RIGHT


@pytest.mark.parametrize("typed", ["", "\n", "yes", "y", "99999999"])
def test_no_habit_confirms(office: Office, typed: str) -> None:
    """Enter, ``y`` and ``yes`` confirm nothing."""
    assert confirming.judged(typed, asked(office)) is not Judged.RIGHT


def test_a_live_consequence_says_what_lasts(office: Office) -> None:
    """Other words and another shape than an exercise's."""
    made = asked(office)
    live = replace(made, plan=replace(made.plan, mode=Mode.LIVE))
    now = office.clock.now
    exercise_said, live_said = ("\n".join(confirming.consequence(one, now)) for one in (made, live))
    assert "LIVE: THE PUBLIC WILL READ THIS" in live_said
    assert "For good  what people have read" in live_said
    assert exercise_said.splitlines()[0][0] != live_said.splitlines()[0][0]
    assert "LIVE" not in exercise_said


def test_whoever_types_an_exercises_token_live_is_told_so(office: Office) -> None:
    """It is not just wrong: it is of the other mode."""
    made = asked(office)
    live = replace(made, plan=replace(made.plan, mode=Mode.LIVE), token="KTW-RMX")
    assert confirming.judged(made.token, live) is Judged.OTHER_MODE
    assert confirming.judged("ktw rmx", live) is Judged.RIGHT
