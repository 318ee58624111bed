"""Recipient lists: sealed rows in a fixed order, with the roots of their tree's blocks. Nothing here can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, insert, select

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.merkle import BLOCK
from dispatcher.domain.plan import SignedList
from dispatcher.domain.statement import Mode
from dispatcher.store.database import Work
from dispatcher.store.tables import RecipientListRow, RecipientRow

BATCH = 1_000
HEADER = [getattr(RecipientListRow, name) for name in ("id", "mode", "root", "count", "created_at", "created_by")]


def add_list(work: Work, header: Mapping[str, Any], recipients: Iterable[Mapping[str, Any]]) -> None:
    """Write a recipient list with its rows, in batches. Raises Invalid when the name is taken."""
    if work.execute(select(RecipientListRow.id).where(RecipientListRow.id == header["id"])).first():
        raise Invalid(f"recipient list {header['id']} exists already", "choose another name")
    work.execute(insert(RecipientListRow).values(**header, created_at=work.now))
    source = iter(recipients)
    while batch := list(islice(source, BATCH)):
        work.execute(insert(RecipientRow), batch)


def lists(work: Work, mode: Mode | None = None) -> list[Any]:
    """The recipient lists of one mode, or of both, by name."""
    query = select(*HEADER).order_by(RecipientListRow.mode, RecipientListRow.id)
    return list(work.execute(query if mode is None else query.where(RecipientListRow.mode == str(mode))).all())


def signed_list(work: Work, mode: Mode, name: str) -> SignedList:
    """A recipient list as it goes into a plan. Raises NotFound."""
    query = select(*HEADER).where(RecipientListRow.id == name, RecipientListRow.mode == str(mode))
    found = work.execute(query).first()
    if found is None:
        raise NotFound(f"there is no {mode} recipient list {name}", "import one: dispatcher recipients import")
    return SignedList(found.id, found.root, found.count)


def block_roots(work: Work, list_id: str) -> bytes | None:
    """The roots of a list's blocks; None where an older version wrote the list, or there is none."""
    found: bytes | None = work.execute(
        select(RecipientListRow.block_roots).where(RecipientListRow.id == list_id)
    ).scalar()
    return found


def leaves(work: Work, list_id: str) -> Iterator[str]:
    """The leaf of every row of a list, in order, without holding them all."""
    query = select(RecipientRow.leaf).where(RecipientRow.list == list_id).order_by(RecipientRow.position)
    yield from work.execute(query.execution_options(yield_per=10_000)).scalars()


def block(work: Work, list_id: str, number: int) -> list[tuple[int, str, bytes]]:
    """Position, leaf and sealed row of each recipient in one block of a list, in order."""
    first = number * BLOCK
    return list(work.execute(_BLOCK, {"of": list_id, "first": first, "last": first + BLOCK - 1}).all())


_BLOCK = (  # built once: it is asked several times a chunk
    select(RecipientRow.position, RecipientRow.leaf, RecipientRow.sealed)
    .where(RecipientRow.list == bindparam("of"))
    .where(RecipientRow.position.between(bindparam("first"), bindparam("last")))
    .order_by(RecipientRow.position)
)
