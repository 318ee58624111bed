"""What the public was seen to see of each account post that was accepted, and when somebody looks again.

Rules
  1. Account posts only, on channels that can be read back: nobody looks into a recipient's telephone.
  2. A post is looked at by one process at a time: to take it puts its next look a lease away, and whoever records
     after that changes nothing.
  3. Whatever a later text may have changed, that text answers for: a post that is being withdrawn or was edited in
     its place is not looked at for itself, and what was seen of it meanwhile counts for nothing.
  4. A change has its ledger entry in the same transaction. A look that found nothing new leaves its time only.
  5. People are told of each change once (``told`` is the last one they heard of, a visible post being no news).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Table,
    Text,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from dispatcher.store import leasing, queue
from dispatcher.store.columns import METADATA, TEXT_OR_NONE, TIME_OR_NONE, Columns, UtcTime
from dispatcher.store.database import Work
from dispatcher.store.leasing import Leased
from dispatcher.store.queue import Move
from dispatcher.store.tables import ACCOUNTS, DELIVERIES, DISPATCHES, INCIDENTS, WAYS_BACK
from dispatcher.store.ways_back import PUBLIC

MOST = 8
"""Posts that are taken at once: all are looked at together, within one lease."""

MOST_NEW = 100

ALARMING = ("missing", "altered")
_ENDED_BADLY = ("rejected", "cancelled", "expired")


class SightingRow(Columns):
    """What was seen of one delivery: ``seen`` is empty until a look could tell, ``since`` when it became so.

    ``due_at`` is the next look, None after the last; ``shown`` the text of a post that was altered, ``doubt`` why the
    last look could not tell.
    """

    delivery = Column(Text, ForeignKey("deliveries.id"), primary_key=True)
    due_at = Column(UtcTime, index=True)
    looked_at = TIME_OR_NONE
    seen = Column(Text, nullable=False, default="")
    seen_at = TIME_OR_NONE
    since = TIME_OR_NONE
    shown = TEXT_OR_NONE
    doubt = Column(Text, nullable=False, default="")
    told = Column(Text, nullable=False, default="visible")


SIGHTINGS = Table("sightings", METADATA, SightingRow)


@dataclass(frozen=True, slots=True)
class Watched:
    """One post in a reader's hands until ``due_at``. ``overtaken``: a later text answers for it."""

    leased: Leased
    state: str
    reference: str
    accepted_at: datetime
    seen: str
    due_at: datetime
    overtaken: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What a look came to: ``move`` where it changed anything. ``seen`` is empty where it could not tell.

    ``looked`` is False where nobody looked, because that was no longer wanted.
    """

    watched: Watched
    due_at: datetime | None
    looked: bool = True
    seen: str = ""
    shown: str | None = None
    doubt: str = ""
    move: Move | None = None


def channels(work: Work, lane: str, mode: str) -> list[str]:
    """The channels of a lane's accounts."""
    query = select(ACCOUNTS.c.channel).where(ACCOUNTS.c.lane == lane, ACCOUNTS.c.mode == mode).distinct()
    return list(work.execute(query).scalars())


def begin(work: Work, lane: str, mode: str, waits: Mapping[str, timedelta]) -> None:
    """Have posts looked at that were accepted since; ``waits`` has the channels, and how long each is left alone."""
    if not waits:
        return  # a lane of recipients may have a million that were accepted: none of them is read
    at = (DELIVERIES.c.lane == lane, DELIVERIES.c.mode == mode, DELIVERIES.c.state == "accepted")
    new = (DELIVERIES.c.channel.in_(waits), DELIVERIES.c.list.is_(None), DELIVERIES.c.reference.is_not(None))
    known = exists().where(SIGHTINGS.c.delivery == DELIVERIES.c.id)
    query = select(DELIVERIES.c.id, DELIVERIES.c.channel, DELIVERIES.c.accepted_at).where(*at, *new, ~known)
    found = work.execute(query.order_by(DELIVERIES.c.id).limit(MOST_NEW)).all()
    rows = [{"delivery": row.id, "due_at": (row.accepted_at or work.now) + waits[row.channel]} for row in found]
    if rows:
        with suppress(IntegrityError), work.connection.begin_nested():  # another process was first
            work.execute(insert(SIGHTINGS), rows)


def take(work: Work, lane: str, mode: str, held: Collection[str] | None, lease_for: timedelta) -> list[Watched]:
    """Take posts whose look is due, of the accounts ``held`` where that is known."""
    ours = true() if held is None else DELIVERIES.c.account.in_(held)
    at = (DELIVERIES.c.lane == lane, DELIVERIES.c.mode == mode, DELIVERIES.c.state.in_(PUBLIC), ours)
    signed_at = func.coalesce(WAYS_BACK.c.ordered_at, DISPATCHES.c.released_at, type_=DISPATCHES.c.released_at.type)
    seen = (DELIVERIES.c.state, DELIVERIES.c.reference, DELIVERIES.c.accepted_at, SIGHTINGS.c.seen)
    query = (
        select(*_LEASED, signed_at, DISPATCHES.c.id, *seen, _overtaken())
        .join(SIGHTINGS, SIGHTINGS.c.delivery == DELIVERIES.c.id)
        .join(DISPATCHES, DISPATCHES.c.plan == DELIVERIES.c.plan)
        .outerjoin(WAYS_BACK, and_(WAYS_BACK.c.plan == DELIVERIES.c.plan, WAYS_BACK.c.kind == DELIVERIES.c.kind))
        .where(SIGHTINGS.c.due_at <= work.now, *at)
        .order_by(SIGHTINGS.c.due_at, DELIVERIES.c.id)
        .limit(MOST)
        .with_for_update(skip_locked=True, of=SIGHTINGS)
    )
    due_at, width = work.now + lease_for, len(_LEASED) + 2
    taken = [
        Watched(Leased(*row[:width]), state, reference, accepted_at or work.now, seen, due_at, bool(overtaken))
        for row in work.execute(query).all()
        for state, reference, accepted_at, seen, overtaken in [row[width:]]
    ]
    if taken:
        ids = [watched.leased.id for watched in taken]
        work.execute(update(SIGHTINGS).where(SIGHTINGS.c.delivery.in_(ids)).values(due_at=due_at))
    return taken


def record(work: Work, looks: Sequence[Look]) -> list[Look]:
    """Write down what looks came to; returns those that changed what is known.

    Of a post that was taken by another since, or that a later text may have changed meanwhile, nothing is believed.
    """
    ids = [look.watched.leased.id for look in looks]
    overtaken = set(work.execute(select(DELIVERIES.c.id).where(DELIVERIES.c.id.in_(ids), _overtaken())).scalars())
    ours = [look for look in looks if _rescheduled(work, look)]
    believed = [look for look in ours if look.looked and look.watched.leased.id not in overtaken]
    moved = {move.leased.id for move in queue.settle(work, [look.move for look in believed if look.move])}
    changed = [look for look in believed if look.watched.leased.id in moved]
    for look in believed:
        if look.move is None or look in changed:
            _seen(work, look)
    return changed


def by_delivery(work: Work, **about: str) -> dict[str, Any]:
    """What was seen of an ``incident``'s or a ``plan``'s deliveries, by delivery."""
    wanted = (DELIVERIES.c[name] == value for name, value in about.items())
    query = select(*SIGHTINGS.c, DELIVERIES.c.account, DELIVERIES.c.kind)
    query = query.join(DELIVERIES, DELIVERIES.c.id == SIGHTINGS.c.delivery).where(*wanted)
    return {row.delivery: row for row in work.execute(query.order_by(DELIVERIES.c.account, DELIVERIES.c.id)).all()}


def alarming(work: Work) -> list[Any]:
    """Posts that the public does not see as approved, in incidents that are not closed; the oldest alarm first."""
    ids = _ids(work, SIGHTINGS.c.seen.in_(ALARMING))
    bad = (DELIVERIES.c.id.in_(ids), ~_overtaken(), INCIDENTS.c.state != "closed")
    return list(work.execute(_about(*bad).order_by(SIGHTINGS.c.since, DELIVERIES.c.id)).all()) if ids else []


def news(work: Work, mode: str) -> list[Any]:
    """Changes in a mode that nobody was told of; they count as told from here on."""
    fresh = (SIGHTINGS.c.seen != "", SIGHTINGS.c.seen != SIGHTINGS.c.told)
    about = (*fresh, DELIVERIES.c.id.in_(_ids(work, *fresh)), DELIVERIES.c.mode == mode)
    query = _about(*about).order_by(SIGHTINGS.c.since, DELIVERIES.c.id)
    rows = list(work.execute(query.with_for_update(skip_locked=True, of=SIGHTINGS)).all())
    if rows:
        ids = [row.id for row in rows]
        work.execute(update(SIGHTINGS).where(SIGHTINGS.c.delivery.in_(ids)).values(told=SIGHTINGS.c.seen))
    return rows


def _ids(work: Work, *wanted: ColumnElement[bool]) -> list[str]:
    """The deliveries of these sightings, asked for first: without it a database may begin with a million others."""
    return list(work.execute(select(SIGHTINGS.c.delivery).where(*wanted)).scalars())


def _rescheduled(work: Work, look: Look) -> bool:
    """Put the next look where it belongs; False where somebody else has taken the post since."""
    held = (SIGHTINGS.c.delivery == look.watched.leased.id, SIGHTINGS.c.due_at == look.watched.due_at)
    made: bool = work.execute(update(SIGHTINGS).where(*held).values(due_at=look.due_at)).rowcount == 1
    return made


def _seen(work: Work, look: Look) -> None:
    known: dict[str, Any] = {"looked_at": work.now, "doubt": look.doubt}
    if look.seen:
        known |= {"seen": look.seen, "seen_at": work.now, "shown": look.shown}
    if look.move:
        known["since"] = work.now
    work.execute(update(SIGHTINGS).where(SIGHTINGS.c.delivery == look.watched.leased.id).values(**known))


def _about(*wanted: ColumnElement[bool]) -> Any:
    about = (DELIVERIES.c.id, DELIVERIES.c.incident, DELIVERIES.c.plan, DELIVERIES.c.channel, DELIVERIES.c.account)
    seen = (SIGHTINGS.c.seen, SIGHTINGS.c.since, INCIDENTS.c.title)
    query = select(*about, DELIVERIES.c.mode, DELIVERIES.c.kind, DELIVERIES.c.url, *seen)
    joined = query.join(SIGHTINGS, SIGHTINGS.c.delivery == DELIVERIES.c.id)
    return joined.join(INCIDENTS, INCIDENTS.c.id == DELIVERIES.c.incident).where(*wanted)


def _overtaken() -> ColumnElement[bool]:
    """Whether a later text withdrew a post, edited it in its place, or may be about to.

    A text that turned out to be a post of its own, with a name of its own, leaves the earlier one as it was.
    """
    later = DELIVERIES.alias().c
    of_post = (later.plan == DELIVERIES.c.plan, later.account == DELIVERIES.c.account, later.id != DELIVERIES.c.id)
    may_have_left = (later.first_intent_at.is_not(None), later.state.not_in(_ENDED_BADLY), later.kind != "publish")
    after = or_(DELIVERIES.c.kind == "publish", later.first_intent_at > DELIVERIES.c.first_intent_at)
    in_place = or_(later.kind == "withdraw", later.reference.is_(None), later.reference == later.original)
    return exists().where(*of_post, later.original == DELIVERIES.c.reference, *may_have_left, after, in_place)


_LEASED = [DELIVERIES.c[name] for name in Leased.__slots__ if name not in leasing.JOINED]
