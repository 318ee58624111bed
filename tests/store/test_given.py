"""Rows that a statement is given or answers: what they say is what was said, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from dispatcher.store.columns import UtcTime
from dispatcher.store.database import Work, open_engine
from dispatcher.store.given import GIVEN, Change, as_given, changed, given_rows, rows_of
from tests.cast import NOW

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("words", Text),
    Column("number", Integer),
    Column("at", UtcTime),
)
BEFORE = {"words": "as it was", "number": 7, "at": NOW}
NAMES = ("id", "words", "number", "at")
WORDS = [
    "",
    " ",
    "it's \"quoted\" and ''doubly''",
    "back\\slash, \\n, \\u0041 and a trailing \\",
    "Llifogydd: ewch i'r tŷ – 洪水 🌊 e\u0301 \u202e\u200d",
    "one line\nand\ttwo\r\n\x01\x7f",
    "007",
    "1e5",
    "null",
    "true",
    '{"id": "a"}',
    "[1]",
    "%s %(given)s :given $1 ?; DROP TABLE things; --",
    "long " * 10_000,
]
NUMBERS = [0, -1, 1, 2**31 - 1, -(2**31)]
TIMES = [
    NOW,
    NOW + timedelta(microseconds=1),
    NOW.replace(microsecond=0),
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 7, 1, 0, 30, 0, 120_000, timezone(timedelta(hours=1))),
    datetime(2026, 12, 31, 23, 59, 59, 999_999, timezone(timedelta(hours=-9, minutes=-30))),
]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A database with a table of things, on both databases."""
    engine: Engine = open_engine(database_url)
    with engine.connect() as made:
        THINGS.create(made)
        yield made
    engine.dispose()


def named(values: Sequence[object]) -> list[str]:
    """A name for each value."""
    return [f"thing-{number:02}" for number in range(len(values))]


def add(connection: Connection, *ids: str) -> None:
    """Things that are as they were."""
    connection.execute(insert(THINGS), [{"id": id_, **BEFORE} for id_ in ids])


def change(connection: Connection, *rows: Mapping[str, Any]) -> int:
    """Give things what their rows say, in one statement; returns how many were changed."""
    dialect = connection.dialect.name
    given = given_rows(dialect, THINGS, NAMES)
    values = {name: given[name] for name in NAMES[1:]}
    statement = update(THINGS).where(THINGS.c.id == given["id"]).values(values).returning(THINGS.c.id)
    return len(connection.execute(statement, {GIVEN: as_given(rows, dialect)}).all())


def said(connection: Connection, name: str) -> list[Any]:
    """What one column says of all things, in order of their ids."""
    return list(connection.execute(select(THINGS.c[name]).order_by(THINGS.c.id)).scalars())


@pytest.mark.parametrize(
    ("name", "values"), [("words", WORDS), ("number", NUMBERS), ("at", TIMES)], ids=["text", "integers", "times"]
)
def test_what_is_given_comes_back(connection: Connection, name: str, values: Sequence[Any]) -> None:
    """Each row its own, whatever the database or JSON might read into it."""
    ids = named(values)
    add(connection, *ids)
    rows = [{"id": id_, name: value} for id_, value in zip(ids, values, strict=True)]
    assert (change(connection, *rows), said(connection, name)) == (len(values), list(values))


@pytest.mark.parametrize("words", WORDS[:-1])
def test_a_row_is_found_by_any_name(connection: Connection, words: str) -> None:
    """What a row is compared with is as true to what was given as what it is changed to."""
    add(connection, words, "another")
    change(connection, {"id": words, "number": 8})
    assert connection.execute(select(THINGS.c.id).where(THINGS.c.number == 8)).scalars().all() == [words]


def test_a_time_that_was_given_is_the_same_as_one_that_was_written(connection: Connection) -> None:
    """On SQLite they are text: a due time is found, and sorted, only if both ways of writing it are one."""
    ids = named(TIMES)
    add(connection, *ids)
    change(connection, *({"id": id_, "at": at} for id_, at in zip(ids, TIMES, strict=True)))
    for id_, at in zip(ids, TIMES, strict=True):
        found = select(THINGS.c.id).where(THINGS.c.at == at, THINGS.c.at >= at, THINGS.c.at <= at)
        assert id_ in connection.execute(found).scalars().all()
    in_order = connection.execute(select(THINGS.c.at).order_by(THINGS.c.at)).scalars().all()
    assert in_order == sorted(TIMES)


def test_a_time_without_a_zone_is_refused() -> None:
    """It would be taken for this machine's own."""
    with pytest.raises(TypeError) as refused:
        as_given([{"due_at": datetime(2026, 11, 21, 18)}], "sqlite")  # noqa: DTZ001 - that is the point
    assert "without a zone" in str(refused.value.__cause__)


def test_a_time_comes_back_as_utc(connection: Connection) -> None:
    """Whatever zone it was given in."""
    add(connection, "thing")
    change(connection, {"id": "thing", "at": TIMES[-1]})
    assert [at.tzinfo for at in said(connection, "at")] == [UTC]


def test_none_and_what_is_not_said_are_both_null(connection: Connection) -> None:
    """Not the word, nor nought: a statement says what becomes of it, such as that it stays."""
    add(connection, "thing-0", "thing-1")
    assert change(connection, {"id": "thing-0", "words": None, "number": None, "at": None}, {"id": "thing-1"}) == 2
    assert [said(connection, name) for name in NAMES[1:]] == [[None, None]] * 3


def test_a_value_stays_where_none_is_given(connection: Connection) -> None:
    """As a statement that coalesces has it; a nought and an empty text are values."""
    add(connection, "thing-0", "thing-1")
    dialect = connection.dialect.name
    given = given_rows(dialect, THINGS, NAMES)
    kept = {name: func.coalesce(given[name], THINGS.c[name]) for name in NAMES[1:]}
    rows = as_given([{"id": "thing-0"}, {"id": "thing-1", "words": "", "number": 0}], dialect)
    connection.execute(update(THINGS).where(THINGS.c.id == given["id"]).values(kept), {GIVEN: rows})
    found = [said(connection, name) for name in NAMES[1:]]
    assert found == [["as it was", ""], [7, 0], [NOW, NOW]]


def test_a_column_that_the_table_does_not_have_is_text(connection: Connection) -> None:
    """Such as the state in which a row was, next to the one that it gets."""
    add(connection, "thing-0", "thing-1")
    dialect = connection.dialect.name
    given = given_rows(dialect, THINGS, ("id", "was", "words"))
    at = (THINGS.c.id == given["id"], THINGS.c.words == given["was"])
    rows = as_given(
        [{"id": f"thing-{n}", "was": was, "words": "new"} for n, was in enumerate(("else", "as it was"))], dialect
    )
    connection.execute(update(THINGS).where(*at).values(words=given["words"]), {GIVEN: rows})
    assert said(connection, "words") == ["as it was", "new"]


def test_no_rows_change_nothing(connection: Connection) -> None:
    """And are no fault."""
    add(connection, "thing-0", "thing-1")
    assert (change(connection), said(connection, "words")) == (0, ["as it was"] * 2)


def test_only_the_rows_that_are_named_are_changed(connection: Connection) -> None:
    """A name that nobody has is passed over."""
    add(connection, "thing-0", "thing-1", "thing-2")
    rows = [{"id": id_, "words": "new", "number": 8, "at": NOW} for id_ in ("thing-1", "thing-9")]
    assert (change(connection, *rows), said(connection, "words")) == (1, ["as it was", "new", "as it was"])


def test_a_statement_is_made_once_and_given_rows_often(connection: Connection) -> None:
    """What is changed is said by the parameter alone."""
    add(connection, "thing-0", "thing-1")
    assert [change(connection, {"id": id_, "words": id_}) for id_ in ("thing-0", "thing-1")] == [1, 1]
    assert said(connection, "words") == ["thing-0", "thing-1"]


@pytest.mark.parametrize(
    ("name", "values"), [("words", WORDS), ("number", NUMBERS), ("at", TIMES)], ids=["text", "integers", "times"]
)
def test_what_was_written_is_answered(connection: Connection, name: str, values: Sequence[Any]) -> None:
    """In the order that was asked for, with nothing where there is nothing."""
    ids = named(values)
    written = [{"id": id_, **dict.fromkeys(NAMES[1:]), name: value} for id_, value in zip(ids, values, strict=True)]
    connection.execute(insert(THINGS), written)
    asked = select(THINGS.c.id, THINGS.c[name], *(THINGS.c[other] for other in NAMES[1:] if other != name))
    answered = rows_of(Work(connection, NOW), asked.order_by(THINGS.c.id.desc()), {})
    pairs = zip(ids, values, strict=True)
    assert [tuple(row) for row in answered] == [(id_, value, None, None) for id_, value in pairs][::-1]


def test_an_answered_time_is_utc(connection: Connection) -> None:
    """Whatever zone it was written in."""
    connection.execute(insert(THINGS), [{**BEFORE, "id": "thing", "at": TIMES[-1]}])
    ((at,),) = rows_of(Work(connection, NOW), select(THINGS.c.at), {})
    assert (at, at.tzinfo) == (TIMES[-1], UTC)


def test_no_rows_are_an_answer(connection: Connection) -> None:
    """And a parameter is heeded."""
    add(connection, "thing-0")
    asked = select(THINGS.c.id).where(THINGS.c.id == bindparam("name", type_=Text))
    answers = [rows_of(Work(connection, NOW), asked, {"name": name}) for name in ("thing-0", "thing-1")]
    assert [[tuple(row) for row in rows] for rows in answers] == [[("thing-0",)], []]


def test_a_change_says_what_it_changed(connection: Connection) -> None:
    """By what tells the rows apart, what was given included; whoever is not as it was said is left as it is."""
    add(connection, "thing-0", "thing-1", "thing-2")
    work = Work(connection, NOW)
    given = given_rows(work.dialect, THINGS, ("id", "was", "words"))
    at = (THINGS.c.id == given["id"], THINGS.c.words == given["was"])
    change: Change = update(THINGS).where(*at).values(words=given["words"]), (THINGS.c.id, given["words"])
    wanted = [("thing-1", "as it was", "new"), ("thing-2", "else", "newer"), ("thing-9", "as it was", "newest")]
    rows = as_given([dict(zip(("id", "was", "words"), one, strict=True)) for one in wanted], work.dialect)
    made = [[tuple(row) for row in changed(work, change, {GIVEN: rows})] for _twice in range(2)]
    assert made == [[("thing-1", "new")], []]
    assert said(connection, "words") == ["as it was", "new", "as it was"]
