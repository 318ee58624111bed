"""When a sender reads a bundle again that it has read before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.canonical import parse_time
from dispatcher.domain.people import Role, RoleHeld
from dispatcher.sending.permit import Permit
from tests.builders import draft
from tests.cast import DAY, HOUR, NOW, START, person, roster
from tests.sending.kit import House, run

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("begins", ["role", "key"])
def test_the_next_change_of_the_roster_counts_and_not_the_last(tmp_path: Path, begins: str) -> None:
    """Somebody's role ends in two seconds and somebody else's in an hour: in two seconds it is read again."""
    ending = replace(person("checker-1"), roles=(RoleHeld(Role.CHECKER, START, NOW + 2 * SECOND),))
    (key,) = person("legal-1").keys
    starting = {
        "role": replace(person("legal-1"), roles=(RoleHeld(Role.LEGAL, NOW + HOUR),)),
        "key": replace(person("legal-1"), keys=(replace(key, not_before=NOW + HOUR),)),
    }[begins]
    house = House(tmp_path, draft("webhook"), roster=roster(checker_1=ending, legal_1=starting))

    async def main() -> list[Any]:
        await house.permit(house.drafted.order("webhook"))
        house.clock.advance(2 * SECOND)
        return list(await house.refused(house.drafted.order("webhook")))

    assert run(main) == ["G08"]


@pytest.mark.parametrize("begins", ["role", "key"])
def test_an_approval_counts_from_when_its_role_or_key_does(tmp_path: Path, begins: str) -> None:
    """Signed a moment early, it was refused; nothing but a statement made since then mends that."""
    checker = person("checker-1")
    (key,) = checker.keys
    late = {
        "role": replace(checker, roles=(RoleHeld(Role.CHECKER, NOW + SECOND),)),
        "key": replace(checker, keys=(replace(key, not_before=NOW + SECOND),)),
    }[begins]
    house = House(tmp_path, draft("webhook"), roster=roster(checker_1=late))

    async def main() -> list[Any]:
        first = list(await house.refused(house.drafted.order("webhook")))
        house.clock.advance(2 * SECOND)
        return [first, list(await house.refused(house.drafted.order("webhook")))]

    assert run(main) == [["G08"], ["G08"]]


def test_what_was_read_by_a_wrong_clock_is_read_again_by_a_right_one(tmp_path: Path) -> None:
    """A clock a day on finds that somebody's role has ended; set right, it finds that it has not."""
    ending = replace(person("checker-1"), roles=(RoleHeld(Role.CHECKER, START, NOW + HOUR),))
    house = House(tmp_path, draft("webhook"), roster=roster(checker_1=ending))

    def set_clock(by: timedelta) -> None:
        house.clock.now += by
        house.clock_set_by += by

    async def main() -> Permit:
        set_clock(DAY)
        await house.refused(house.drafted.order("webhook"))
        set_clock(-DAY)
        return await house.permit(house.drafted.order("webhook"))

    assert isinstance(run(main), Permit)


@pytest.mark.parametrize(("early", "count"), [(timedelta(microseconds=1), 1), (timedelta(0), 2)])
def test_a_plan_is_judged_again_when_its_judgement_ends(tmp_path: Path, early: timedelta, count: int) -> None:
    """At that moment and not before: each judgement says until when it holds."""
    house = House(tmp_path, draft("webhook"))

    def judged() -> list[Any]:
        entries = map(json.loads, house.decisions_path.read_text().splitlines())
        return [entry for entry in entries if entry["decided"] == "plan"]

    async def main() -> int:
        await house.ask(house.drafted.order("webhook"))
        house.clock.now = parse_time(judged()[0]["until"]) - early
        await house.ask(house.drafted.order("webhook"))
        return len(judged())

    assert run(main) == count
