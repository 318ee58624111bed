"""Many rows in one step: those that a statement is given, and those that it answers.

One statement over a hundred rows, given as a table that is made of one JSON parameter, takes the database a third of
the time of a hundred statements.

SQLite answers row by row, and Python's lock is asked for anew after each. Beside a thread that never rests, a lease
of a hundred deliveries took 700 ms instead of 4, and all that time nobody else could write. So on SQLite an answer is
one JSON value, too, and a change RETURNs nothing: nobody changes rows between a look and a change of one transaction.

Example::

    given = given_rows("sqlite", DELIVERIES, ("id", "reason"))
    change = update(DELIVERIES).where(DELIVERIES.c.id == given["id"]).values(reason=given["reason"])
    work.execute(change, {GIVEN: as_given([{"id": "dlv-1", "reason": "…"}], "sqlite")})
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

import orjson
from sqlalchemy import JSON, Select, Table, Text, Update, bindparam, column, func, literal_column, select, type_coerce

from dispatcher.store.columns import UtcTime
from dispatcher.store.database import Work

Row = Sequence[Any]
Asked = Mapping[str, Any]
"""The parameters of a statement."""

Change = tuple[Update, tuple[Any, ...]]
"""A change of many rows, and what tells them apart: columns that it leaves, or that were given."""

GIVEN = "given"
"""The name of the parameter."""


def given_rows(dialect: str, table: Table, names: Sequence[str]) -> Mapping[str, Any]:
    """The columns of such rows, by name and as a table has them; others are text."""
    if dialect == "sqlite":
        value = func.json_each(bindparam(GIVEN, type_=Text)).table_valued("value", name=GIVEN).c.value
        return {
            name: type_coerce(func.json_extract(value, literal_column(f"'$.{name}'")), _type(table, name))
            for name in names
        }
    columns = [column(name, _type(table, name)) for name in names]
    rows = func.json_to_recordset(bindparam(GIVEN, type_=Text).cast(JSON)).table_valued(*columns, name=GIVEN)
    return dict(rows.render_derived(with_types=True).c.items())


def _type(table: Table, name: str) -> Any:
    return table.c[name].type if name in table.c else Text()


def as_given(rows: Iterable[Mapping[str, Any]], dialect: str) -> str:
    """Rows of plain values and aware times as that parameter. Raises TypeError for a naive time."""
    return orjson.dumps(list(rows), partial(_time, dialect), orjson.OPT_PASSTHROUGH_DATETIME).decode()


@lru_cache(maxsize=64)
def _time(dialect: str, value: datetime) -> str:
    """A time as a column has it. Of a hundred rows many have the same."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    utc = value.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(" ", "microseconds") if dialect == "sqlite" else utc.isoformat()


def rows_of(work: Work, statement: Select[Any], asked: Asked) -> Sequence[Row]:
    """The rows of a select, in its order. Its columns are text, numbers, truths and times."""
    if work.dialect != "sqlite":
        return list(work.execute(statement, asked))
    whole, times = _in_one(statement)
    rows: list[list[Any]] = orjson.loads(work.execute(whole, asked).scalar_one())
    for row in rows:
        for at in times:
            row[at] = row[at] and _read(row[at])
    return rows


@lru_cache(maxsize=64)
def _read(time: str) -> datetime:
    return datetime.fromisoformat(time).replace(tzinfo=UTC)


def changed(work: Work, change: Change, asked: Asked) -> Sequence[Row]:
    """Make a change in a write transaction, and say which rows it changed."""
    if work.dialect != "sqlite":
        return list(work.execute(_telling(change), asked))
    found = rows_of(work, _looking(change), asked)
    if found:
        work.execute(change[0], asked)
    return found


@lru_cache(maxsize=64)
def _in_one(statement: Select[Any]) -> tuple[Select[Any], Sequence[int]]:
    """A select of all rows as one JSON value, and where in them there are times."""
    columns = list(statement.subquery().c)
    times = [at for at, one in enumerate(columns) if isinstance(one.type, UtcTime)]
    return select(func.json_group_array(func.json_array(*columns), type_=Text)), times


@lru_cache(maxsize=64)
def _telling(change: Change) -> Any:
    statement, keys = change
    return statement.returning(*keys)


@lru_cache(maxsize=64)
def _looking(change: Change) -> Select[Any]:
    statement, keys = change
    return select(*keys) if statement.whereclause is None else select(*keys).where(statement.whereclause)
