"""Searching the ledger step by step: what fits is found, however far back, and no step looks at everything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.domain.wanted import Wanted
from ops.console import searching
from ops.console.searching import Step, step
from tests.office import Office

HOUR = timedelta(hours=1)


def written(office: Office, count: int, kind: str = "test.noted", **facts: str) -> None:
    """Write that many entries, numbered from 1, in one transaction."""
    with office.desk.store.write() as work:
        for number in range(1, count + 1):
            work.record(kind, number=number, **facts)


def numbers(found: Step) -> list[int]:
    """The numbers of the entries found."""
    return [line.facts["number"] for line in found.lines]


def all_steps(office: Office, wanted: Wanted) -> list[Step]:
    """Every step there is."""
    steps = [step(office.desk, wanted)]
    while steps[-1].below is not None:
        steps.append(step(office.desk, wanted, steps[-1].below))
    return steps


def test_the_newest_come_first_and_the_next_step_goes_on(office: Office) -> None:
    """Fifty at a time, none twice, none left out."""
    written(office, 120)
    steps = all_steps(office, Wanted(kinds=("test.noted",)))
    assert [number for found in steps for number in numbers(found)] == list(range(120, 0, -1))


def test_a_step_that_finds_nothing_says_that_older_entries_were_not_looked_at(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at EXAMINED entries and no more; the steps after it find the one that fits."""
    monkeypatch.setattr(searching, "EXAMINED", 20)
    written(office, 1, said="needle")
    written(office, 90, said="hay")
    steps = all_steps(office, Wanted(kinds=("test.noted",), words=("needle",)))
    assert len(steps) >= 5
    assert not steps[0].lines
    assert steps[0].below is not None
    assert [number for found in steps for number in numbers(found)] == [1]


def test_a_step_goes_through_no_more_ids_than_its_span(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a kind that is rare, too, which the database would otherwise look for to the beginning."""
    monkeypatch.setattr(searching, "SPAN", 30)
    written(office, 1, "test.rare")
    written(office, 100)
    steps = all_steps(office, Wanted(kinds=("test.rare",)))
    assert len(steps) >= 4
    assert [numbers(found) for found in steps if found.lines] == [[1]]


def test_times_bound_where_the_search_begins_and_ends(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded long ago is found in the first step, though the newest entries are many steps away."""
    monkeypatch.setattr(searching, "SPAN", 30)
    monkeypatch.setattr("dispatcher.store.history.LATE_IDS", 10)
    begun = office.clock.now
    written(office, 5, said="early")
    office.clock.advance(HOUR)
    written(office, 200, said="late")
    found = step(office.desk, Wanted(kinds=("test.noted",), since=begun, until=begun + HOUR))
    assert numbers(found) == [5, 4, 3, 2, 1]


def test_names_are_looked_for_as_the_command_line_does(office: Office) -> None:
    """By person, whatever they stand under."""
    written(office, 1, person="director-1")
    written(office, 1, person="director-10")
    assert len(step(office.desk, Wanted(person="director-1", kinds=("test.noted",))).lines) == 1


def test_nothing_older_than_the_first_entry_is_offered(office: Office) -> None:
    """A search that reached the beginning says so."""
    assert all_steps(office, Wanted())[-1].below is None
