"""Recipient lists: sealed rows in a fixed order, with the roots of their tree's blocks. Nothing here can be read.

A list is purged when it was kept for as long as the deployment says and no plan needs it any more: its key goes at
once, its rows in turns, and name, root and count stay. A list of an incident under a legal hold is not purged at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import bindparam, delete, exists, insert, select, update

from dispatcher.domain.errors import Forbidden, Invalid, NotFound
from dispatcher.domain.merkle import BLOCK
from dispatcher.domain.plan import Plan, SignedList
from dispatcher.domain.statement import Mode
from dispatcher.store import history
from dispatcher.store.database import Work
from dispatcher.store.tables import PLANS, RECIPIENT_LISTS, RECIPIENTS

TURN = 2_000
"""Rows that one transaction writes or deletes: some 30 ms in which nobody else writes."""

HEADER = [
    RECIPIENT_LISTS.c[name]
    for name in ("id", "mode", "root", "count", "created_at", "created_by", "purged_at", "sealed_key")
]


def begin(work: Work, header: Mapping[str, Any]) -> None:
    """Write a list without its key: until :func:`finish` nobody can name it in a plan. Raises Invalid."""
    if found := work.execute(select(*HEADER).where(RECIPIENT_LISTS.c.id == header["id"])).first():
        _refuse(found, f"recipient list {found.id} exists already", "choose another name")
    work.execute(insert(RECIPIENT_LISTS).values(**header, sealed_key="", created_at=work.now))


def add(work: Work, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write some rows of a list."""
    work.execute(insert(RECIPIENTS), [{"list": name, **row} for row in rows])


def finish(work: Work, name: str, sealed_key: str) -> None:
    """Give a list its key, once it is whole."""
    work.execute(update(RECIPIENT_LISTS).where(RECIPIENT_LISTS.c.id == name).values(sealed_key=sealed_key))


def lists(work: Work, mode: Mode | None = None) -> list[Any]:
    """The recipient lists of one mode, or of both, by name."""
    query = select(*HEADER).order_by(RECIPIENT_LISTS.c.mode, RECIPIENT_LISTS.c.id)
    return list(work.execute(query if mode is None else query.where(RECIPIENT_LISTS.c.mode == str(mode))).all())


def signed_list(work: Work, mode: Mode, name: str) -> SignedList:
    """A recipient list as it goes into a plan. Raises NotFound, and Invalid for one that is not whole."""
    query = select(*HEADER).where(RECIPIENT_LISTS.c.id == name, RECIPIENT_LISTS.c.mode == str(mode))
    found = work.execute(query).first()
    if found is None:
        raise NotFound(f"there is no {mode} recipient list {name}", "dispatcher recipients import --help")
    if not found.sealed_key:
        _refuse(found, f"recipient list {name} was purged", "import it again under a new name")
    return SignedList(found.id, found.root, found.count)


def _refuse(found: Any, message: str, next_step: str) -> NoReturn:
    if found.sealed_key or found.purged_at:
        raise Invalid(message, next_step)
    raise Invalid(
        f"the import of {found.id} was broken off, or is not over; once it is, purge it and take a new name",
        f"dispatcher recipients purge {found.id} --reason TEXT",
    )


def kept_until(work: Work, lists: Sequence[Any], keep: timedelta) -> dict[str, datetime | None]:
    """When each of these may be purged; None while a released plan that has not ended sends to it.

    A list stays for as long as one of its plans may still be corrected.
    """
    ends: dict[str, datetime | None] = {row.id: row.created_at + keep for row in lists}
    if not ends:
        return ends
    begun = min(row.created_at for row in lists)
    plans = select(PLANS.c.body, PLANS.c.state).where(
        PLANS.c.created_at >= begun, PLANS.c.state.not_in(("returned", "withdrawn"))
    )
    for body, state in work.execute(plans).all():
        plan = Plan.decode(body)
        for name in _named(plan) & ends.keys():
            end = ends[name]
            if end is not None:
                ends[name] = None if state == "released" else max(end, plan.armed_not_after)
    return ends


def lists_of(work: Work, incidents: Iterable[str]) -> dict[str, str]:
    """The lists, not yet purged, that any plan of these incidents names, each with such an incident."""
    there = select(RECIPIENT_LISTS.c.id).where(RECIPIENT_LISTS.c.purged_at.is_(None))
    left = set(work.execute(there).scalars())
    found: dict[str, str] = {}
    query = select(PLANS.c.incident, PLANS.c.body).where(PLANS.c.incident.in_(list(incidents)))
    for incident, body in work.execute(query).all():
        found |= dict.fromkeys(_named(Plan.decode(body)) & left, incident)
    return found


def _named(plan: Plan) -> set[str]:
    return {signed.id for destination in plan.destinations for signed in destination.lists}


def purge_due(work: Work, mode: Mode, keep: timedelta) -> int:
    """Purge the lists of a mode whose time is up; returns their number."""
    kept = lists_of(work, history.retained(work))
    old = [
        row
        for row in lists(work, mode)
        if row.purged_at is None and row.created_at + keep <= work.now and row.id not in kept
    ]
    ended = [name for name, end in kept_until(work, old, keep).items() if end is not None and end <= work.now]
    for name in ended:
        purge(work, name, reason=f"kept for {keep.days} days")
    return len(ended)


def purge(work: Work, name: str, *, reason: str, actor: str | None = None) -> None:
    """Take a list's key away, with its ledger entry. Its rows go by :func:`delete_rows`.

    Raises Invalid for one that was purged, Forbidden under a legal hold.
    """
    if incident := lists_of(work, history.retained(work)).get(name):
        raise Forbidden(
            f"recipient list {name} belongs to incident {incident}, which is under a legal hold that legal ends",
            f"dispatcher incident unretain {incident} --reason TEXT",
        )
    taken = update(RECIPIENT_LISTS).where(RECIPIENT_LISTS.c.id == name, RECIPIENT_LISTS.c.purged_at.is_(None))
    said = ("mode", "root", "count")
    returned = taken.values(sealed_key="", block_roots=None, purged_at=work.now).returning(
        *(RECIPIENT_LISTS.c[column] for column in said)
    )
    found = work.execute(returned).first()
    if found is None:
        raise Invalid(f"recipient list {name} was purged already", "dispatcher recipients list")
    work.record("recipients.purged", actor=actor, list=name, reason=reason, **dict(zip(said, found, strict=True)))


def delete_rows(work: Work) -> int:
    """Delete some rows of a list that was purged; returns how many, 0 when none is left."""
    left = exists().where(RECIPIENTS.c.list == RECIPIENT_LISTS.c.id)
    name = work.execute(
        select(RECIPIENT_LISTS.c.id).where(RECIPIENT_LISTS.c.purged_at.is_not(None), left).limit(1)
    ).scalar()
    if name is None:
        return 0
    some = select(RECIPIENTS.c.position).where(RECIPIENTS.c.list == name).order_by(RECIPIENTS.c.position).limit(TURN)
    gone = delete(RECIPIENTS).where(RECIPIENTS.c.list == name, RECIPIENTS.c.position.in_(some.scalar_subquery()))
    deleted: int = work.execute(gone.execution_options(synchronize_session=False)).rowcount
    return deleted


def block_roots(work: Work, list_id: str) -> bytes | None:
    """The roots of a list's blocks; None where an older version wrote the list, or there is none."""
    found: bytes | None = work.execute(
        select(RECIPIENT_LISTS.c.block_roots).where(RECIPIENT_LISTS.c.id == list_id)
    ).scalar()
    return found


def leaves(work: Work, list_id: str) -> Iterator[str]:
    """The leaf of every row of a list, in order, without holding them all."""
    query = select(RECIPIENTS.c.leaf).where(RECIPIENTS.c.list == list_id).order_by(RECIPIENTS.c.position)
    yield from work.execute(query.execution_options(yield_per=10_000)).scalars()


def block(work: Work, list_id: str, number: int) -> list[tuple[int, str, bytes]]:
    """Position, leaf and sealed row of each recipient in one block of a list, in order."""
    first = number * BLOCK
    return list(work.execute(_BLOCK, {"of": list_id, "first": first, "last": first + BLOCK - 1}).all())


_BLOCK = (  # built once: it is asked several times a chunk
    select(RECIPIENTS.c.position, RECIPIENTS.c.leaf, RECIPIENTS.c.sealed)
    .where(RECIPIENTS.c.list == bindparam("of"))
    .where(RECIPIENTS.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(RECIPIENTS.c.position)
)
