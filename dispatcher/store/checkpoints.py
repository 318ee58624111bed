"""The ledger in one order: which entries each signed head took in, and what has to be taken in next.

Rules (reference: reliability 3.2)
  1. Entries are put in order after they were committed, by one process at a time, so that writers wait for nobody.
  2. A checkpoint's row says which ids it took, as ranges in their order: the tree's order is theirs, row after row.
  3. On PostgreSQL an id may be committed after a higher one. Ids that were passed over are remembered as ``missing``,
     each range with the transactions that may still fill it, and given up once those have ended.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, literal_column, or_, select, text

from dispatcher.domain.merkle import Frontier
from dispatcher.ledger.chain import Record, entry_of
from dispatcher.store.database import Work
from dispatcher.store.tables import CHECKPOINTS, LEDGER

MOST_TAKEN = 20_000
"""Entries that one checkpoint takes in: a transaction of a fraction of a second."""

GIVEN_UP_AFTER_S = 15
"""A missing id is waited for so long at the least: PostgreSQL draws it just before its transaction has a number."""

PAGE = 20_000

_SQLITE_TIME = "replace(recorded_at, ' ', 'T') || 'Z'"
_POSTGRES_TIME = """to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
"""A time as an entry has it, written by the database: making an object of each takes longer."""

Ranges = list[list[int]]
"""``[first id, how many]`` each."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Ids from ``first`` to ``last`` that were passed over at ``since``, with the next transaction's id by then."""

    first: int
    last: int
    transaction: int
    since: int

    def row(self) -> list[int]:
        """As it is stored; ``since`` in seconds since 1970."""
        return [self.first, self.last, self.transaction, self.since]


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """One signed head; ``size`` entries are under it, and ``last`` is the highest id that was looked at."""

    size: int
    made_at: datetime
    last: int
    taken: Ranges
    missing: tuple[Missing, ...]
    frontier: Frontier
    note: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """Entries that no checkpoint holds: their ranges of ids, their leaf hashes one after another, what is missing."""

    taken: Ranges
    leaves: bytes
    missing: tuple[Missing, ...]
    last: int


def newest(work: Work, by: datetime | None = None) -> StoredCheckpoint | None:
    """The last checkpoint, or the last that was made ``by`` a time."""
    query = select(CHECKPOINTS).order_by(CHECKPOINTS.c.size.desc()).limit(1)
    rows = work.execute(query if by is None else query.where(CHECKPOINTS.c.made_at <= by)).all()
    return _stored(rows[0]) if rows else None


def notes(work: Work, above: int = 0) -> Iterator[tuple[int, str]]:
    """Size and note of every checkpoint above a size, smallest first."""
    query = select(CHECKPOINTS.c.size, CHECKPOINTS.c.note).where(CHECKPOINTS.c.size > above)
    for row in work.execute(query.order_by(CHECKPOINTS.c.size).execution_options(yield_per=PAGE)):
        yield tuple(row)


def knows(work: Work, note: str) -> bool:
    """Whether the database has this checkpoint, whatever witnesses have added to the note."""
    text = note.partition("\n\n")[0]
    size = text.split("\n")[1]
    stored = work.execute(select(CHECKPOINTS.c.note).where(CHECKPOINTS.c.size == int(size))).scalar()
    return stored is not None and stored.partition("\n\n")[0] == text


def restored_since(work: Work, at: datetime) -> bool:
    """Whether somebody said, after a time, that the database was restored from a backup."""
    said = select(LEDGER.c.id).where(LEDGER.c.kind == "database.restored", LEDGER.c.recorded_at >= at)
    return work.execute(said.limit(1)).first() is not None


def cut_off(work: Work, after: StoredCheckpoint) -> bool:
    """Whether the ledger ends before what a checkpoint has seen of it."""
    return (work.execute(select(func.max(LEDGER.c.id))).scalar() or 0) < after.last


def waiting(work: Work, after: StoredCheckpoint | None) -> bool:
    """Whether there is an entry that no checkpoint holds, or one is gone that the last one saw."""
    known = (after.missing, after.last) if after else ((), 0)
    if after and cut_off(work, after):
        return True
    return work.execute(select(LEDGER.c.id).where(_unseen(*known)).limit(1)).first() is not None


def waiting_since(work: Work) -> datetime | None:
    """The time of the first entry that no checkpoint holds; of the last checkpoint where its entries are gone.

    Every role asks at each poll, and most of all while nobody takes entries in: so however many wait, few are read.
    """
    after = newest(work)
    missing, last = (after.missing, after.last) if after else ((), 0)
    if after and cut_off(work, after):
        return after.made_at
    spans = [LEDGER.c.id > last, *(LEDGER.c.id.between(gap.first, gap.last) for gap in missing)]
    first = (select(LEDGER.c.recorded_at).where(span).order_by(LEDGER.c.id).limit(1) for span in spans)
    return min((at for query in first if (at := work.execute(query).scalar()) is not None), default=None)


def fresh(work: Work, after: StoredCheckpoint | None) -> Fresh:
    """What is to be taken in next, in order of id. Only the one sequencer asks: see ``dispatcher.store.leading``."""
    missing, last = (after.missing, after.last) if after else ((), 0)
    ended = _transactions_before(work)
    query = select(LEDGER.c.id, LEDGER.c.leaf).where(_unseen(missing, last))
    rows = work.execute(query.order_by(LEDGER.c.id).limit(MOST_TAKEN)).all()
    ids = [id_ for id_, _ in rows]
    highest = max([last, *ids[-1:]])
    now = int(work.now.timestamp())
    still = [gap for gap in missing if not _given_up(gap, ended, now)]
    skipped = [(gap.first, gap.last, gap) for gap in still]
    if highest > last:
        skipped.append((last + 1, highest, Missing(last + 1, highest, _next_transaction(work), now)))
    left = tuple(
        Missing(first, end, gap.transaction, gap.since)
        for low, high, gap in skipped
        for first, end in _holes(low, high, ids)
    )
    return Fresh(_ranges(ids), b"".join(bytes.fromhex(leaf) for _, leaf in rows), left, highest)


def add(work: Work, frontier: Frontier, taken: Fresh, note: str) -> None:
    """Write a checkpoint down."""
    work.execute(
        insert(CHECKPOINTS).values(
            size=frontier.size,
            made_at=work.now,
            last=taken.last,
            taken=taken.taken,
            missing=[gap.row() for gap in taken.missing],
            frontier=bytes(frontier),
            note=note,
        )
    )


def taken_by_all(work: Work) -> Ranges:
    """The ids of all entries that any checkpoint holds, in the tree's order. Raises ValueError for what none took."""
    rows = work.execute(select(CHECKPOINTS.c.taken).order_by(CHECKPOINTS.c.size)).scalars()
    joined: Ranges = []
    for first, count in (each for ranges in rows for each in ranges):
        if not 0 < count <= MOST_TAKEN:
            raise ValueError(f"a checkpoint took {count} entries from {first} on")
        if joined and joined[-1][0] + joined[-1][1] == first:
            joined[-1][1] += count
        else:
            joined.append([first, count])
    return joined


def records(work: Work, ranges: Ranges) -> Iterator[tuple[range, list[Record]]]:
    """The ledger's rows of these ids, in their order: a page of ids, and the rows that there are of it.

    The next page is read while the caller works on one; the caller uses ``work`` for nothing else meanwhile.
    """
    pages = [
        range(low, min(low + PAGE, first + count))
        for first, count in ranges
        for low in range(first, first + count, PAGE)
    ]
    with ThreadPoolExecutor(1) as ahead:
        coming = [ahead.submit(_page, work, page) for page in pages[:1]]
        for number, page in enumerate(pages, 1):
            found = coming.pop().result()
            coming += [ahead.submit(_page, work, after) for after in pages[number : number + 1]]
            yield page, found


def untaken(work: Work, after: StoredCheckpoint | None) -> list[Record]:
    """The rows that no checkpoint holds yet, in order of id."""
    known = (after.missing, after.last) if after else ((), 0)
    ids = work.execute(select(LEDGER.c.id).where(_unseen(*known)).order_by(LEDGER.c.id)).scalars().all()
    return [record for _, page in records(work, _ranges(ids)) for record in page]


def leaf_at(work: Work, writer: str, sequence: int) -> str | None:
    """The stored leaf of a writer's entry."""
    found: str | None = work.execute(
        select(LEDGER.c.leaf).where(LEDGER.c.writer == writer, LEDGER.c.sequence == sequence)
    ).scalar()
    return found


def count_to(work: Work, last: int) -> int:
    """How many rows there are up to an id."""
    found: int = work.execute(select(func.count()).select_from(LEDGER).where(LEDGER.c.id <= last)).scalar_one()
    return found


def _page(work: Work, ids: range) -> list[Record]:
    """One page, past SQLAlchemy's rows: these take longer to make than all that is checked of them."""
    names = ("id", "writer", "sequence", "prev", "leaf", "kind", "incident", "body")
    columns = [LEDGER.c[name] for name in names]
    on_sqlite = work.dialect == "sqlite"
    query = select(*columns, literal_column(_SQLITE_TIME if on_sqlite else _POSTGRES_TIME))
    ordered = query.where(LEDGER.c.id >= ids.start, LEDGER.c.id < ids.stop).order_by(LEDGER.c.id)
    written = str(ordered.compile(dialect=work.connection.dialect, compile_kwargs={"literal_binds": True}))
    with closing(work.connection.connection.cursor(**({} if on_sqlite else {"binary": True}))) as cursor:
        cursor.execute(written)
        return [
            Record._make(
                (id_, writer, sequence, prev, leaf, kind, incident, body, at)
                if prev or type(body) is not bytes  # SQLite keeps anything in any column: who verifies it says so
                else (
                    id_,
                    writer,
                    sequence,
                    prev,
                    leaf,
                    kind,
                    incident,
                    entry_of(writer, sequence, kind, at, body),
                    at,
                )
            )
            for id_, writer, sequence, prev, leaf, kind, incident, body, at in cursor.fetchall()
        ]


def _unseen(missing: Sequence[Missing], last: int) -> ColumnElement[bool]:
    return or_(LEDGER.c.id > last, *(and_(LEDGER.c.id >= gap.first, LEDGER.c.id <= gap.last) for gap in missing))


def _given_up(gap: Missing, ended: int, now: int) -> bool:
    return gap.transaction <= ended and now - gap.since > GIVEN_UP_AFTER_S


def _transactions_before(work: Work) -> int:
    """Every transaction below this has ended. SQLite lets one write at a time, so that none is ever under way."""
    return _snapshot(work, "pg_snapshot_xmin")


def _next_transaction(work: Work) -> int:
    """No transaction from this on had begun."""
    return _snapshot(work, "pg_snapshot_xmax")


def _snapshot(work: Work, part: str) -> int:
    if work.dialect == "sqlite":
        return 0
    return int(work.execute(text(f"SELECT {part}(pg_current_snapshot())::text")).scalar_one())


def _ranges(ids: Sequence[int]) -> Ranges:
    """Ascending ids as ranges."""
    found: Ranges = []
    for id_ in ids:
        if found and found[-1][0] + found[-1][1] == id_:
            found[-1][1] += 1
        else:
            found.append([id_, 1])
    return found


def _holes(first: int, last: int, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The stretches from ``first`` to ``last`` that ascending ``ids`` leave open."""
    for id_ in ids[bisect_left(ids, first) : bisect_right(ids, last)]:
        if first < id_:
            yield first, id_ - 1
        first = id_ + 1
    if first <= last:
        yield first, last


def _stored(row: Any) -> StoredCheckpoint:
    missing = tuple(Missing(*each) for each in row.missing)
    frontier = Frontier(row.size, row.frontier)
    return StoredCheckpoint(row.size, row.made_at, row.last, row.taken, missing, frontier, row.note)
