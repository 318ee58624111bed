"""Reading the ledger: the newest that fit, a page at a time, and following what is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from dispatcher.domain.errors import NotFound
from dispatcher.domain.wanted import Wanted
from dispatcher.service import ledger
from dispatcher.service.ledger import Following, LedgerLine
from dispatcher.service.releasing import release
from dispatcher.store.tables import LEDGER
from tests.office import Office

EVERYTHING = Wanted()


def write(office: Office, *words: str) -> list[int]:
    """One entry for each word, in one transaction; their ids."""
    with office.desk.store.write() as work:
        for word in words:
            work.record("incident.noted", actor="author-1", text=word)
    return [line.id for line in ledger.tail(office.desk, len(words))]


def texts(lines: Any) -> list[str]:
    """What the notes among entries say."""
    return [line.facts["text"] for line in lines if line.kind == "incident.noted"]


def test_the_newest_come_last_and_more_is_told(office: Office) -> None:
    """The number bounds them, and whoever reads knows that there are older ones."""
    write(office, "one", "two", "three")
    notes = replace(EVERYTHING, kinds=("incident.noted",))
    some, every = ledger.find(office.desk, notes, 2), ledger.find(office.desk, notes, 3)
    assert (texts(some.entries), some.more) == (["two", "three"], True)
    assert (texts(every.entries), every.more) == (["one", "two", "three"], False)


def test_no_more_is_decoded_than_is_shown(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the ledger is, only what was wanted is held."""
    write(office, *map(str, range(50)))
    read: list[int] = []

    def counted(row: Any, line_of: Any = ledger.line_of) -> LedgerLine:
        read.append(row.id)
        return line_of(row)  # type: ignore[no-any-return]

    monkeypatch.setattr(ledger, "line_of", counted)
    ledger.find(office.desk, EVERYTHING, 3)
    assert len(read) == 4


def test_times_bound_what_is_found(office: Office) -> None:
    """From the first moment on, up to the last and without it."""
    begun = office.clock.now
    write(office, "early")
    office.clock.now += timedelta(hours=1)
    write(office, "late")
    hour = timedelta(hours=1)
    assert texts(ledger.find(office.desk, Wanted(since=begun + hour), 9).entries) == ["late"]
    assert texts(ledger.find(office.desk, Wanted(until=begun + hour), 9).entries) == ["early"]


def test_an_incident_that_there_is_not_is_named(office: Office) -> None:
    """A slip of the finger is no empty record."""
    with pytest.raises(NotFound, match="inc-none"):
        ledger.meant(office.desk, Wanted(incident="inc-none"))


@pytest.fixture
def following(office: Office) -> Following:
    """A reader who has seen all notes that there are."""
    write(office, "before")
    return Following(office.desk, Wanted(kinds=("incident.noted",)))


def test_what_is_written_is_told_once(office: Office, following: Following) -> None:
    """Nothing from before, nothing twice, nothing that was not asked for."""
    write(office, "one", "two")
    with office.desk.store.write() as work:
        work.record("probe.asked", accounts=[])
    assert texts(following.news()) == ["one", "two"]
    assert following.news() == []


def test_what_the_reader_has_is_left_out(office: Office, following: Following) -> None:
    """What came between the first look and the list is told by the list."""
    write(office, "one")
    following.told(ledger.tail(office.desk, 1))
    assert following.news() == []


def test_an_entry_that_appears_below_the_newest_is_told(office: Office, following: Following) -> None:
    """PostgreSQL gives out ids before transactions commit: a slow one appears late, in its place."""
    (newest,) = write(office, "fast")
    with office.desk.store.write() as work:
        row = dict(work.execute(select(LEDGER).where(LEDGER.c.id == newest)).one()._mapping)
        later = {**row, "id": newest + 2, "writer": "other", "sequence": 1}
        work.execute(insert(LEDGER).values(later))
    assert [line.id for line in following.news()] == [newest, newest + 2]
    with office.desk.store.write() as work:
        work.execute(insert(LEDGER).values({**row, "id": newest + 1, "writer": "slow", "sequence": 1}))
    assert [line.id for line in following.news()] == [newest + 1]


def test_the_tail_is_the_newest_in_order(office: Office) -> None:
    """Two entries: the last two, the older first."""
    office.account("webhook")
    office.account("x")
    everything = ledger.tail(office.desk, 100)
    assert ledger.tail(office.desk, 2) == everything[-2:]
    assert [line.id for line in everything] == sorted(line.id for line in everything)


def test_the_tail_takes_kinds_and_families(office: Office) -> None:
    """A kind by its whole name, a family by its beginning."""
    office.account("webhook")
    release(office.desk, office.approved(), office.pen("director-1"))
    assert {line.kind for line in ledger.tail(office.desk, kinds=["statement.approve"])} == {"statement.approve"}
    family = {line.kind for line in ledger.tail(office.desk, kinds=["statement."])}
    assert family == {"statement.submit", "statement.approve", "statement.release"}
