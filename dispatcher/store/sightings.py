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

from sqlalchemy import ColumnElement, ForeignKey, and_, exists, func, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, aliased, mapped_column

from dispatcher.store import queue
from dispatcher.store.database import Work
from dispatcher.store.queue import Leased, Move
from dispatcher.store.tables import AccountRow, Base, DeliveryRow, DispatchRow, IncidentRow, WayBackRow
from dispatcher.store.ways_back import PUBLIC

MOST = 8
"""Posts that are taken at once: all are looked at together, within one lease."""

MOST_NEW = 100

ALARMING = ("missing", "altered")
_ENDED_BADLY = ("rejected", "cancelled", "expired")


class SightingRow(Base):
    """What was seen of one delivery: ``seen`` is empty until a look could tell, ``since`` when it became so.

    ``due_at`` is the next look, None after the last; ``shown`` the text of a post that was altered, ``doubt`` why the
    last look could not tell.
    """

    __tablename__ = "sightings"

    delivery: Mapped[str] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    looked_at: Mapped[datetime | None]
    seen: Mapped[str] = mapped_column(default="")
    seen_at: Mapped[datetime | None]
    since: Mapped[datetime | None]
    shown: Mapped[str | None]
    doubt: Mapped[str] = mapped_column(default="")
    told: Mapped[str] = mapped_column(default="visible")


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
    query = select(AccountRow.channel).where(AccountRow.lane == lane, AccountRow.mode == mode).distinct()
    return list(work.execute(query).scalars())


def begin(work: Work, lane: str, mode: str, waits: Mapping[str, timedelta]) -> None:
    """Have posts looked at that were accepted since; ``waits`` has the channels, and how long each is left alone."""
    if not waits:
        return  # a lane of recipients may have a million that were accepted: none of them is read
    at = (DeliveryRow.lane == lane, DeliveryRow.mode == mode, DeliveryRow.state == "accepted")
    new = (DeliveryRow.channel.in_(waits), DeliveryRow.list.is_(None), DeliveryRow.reference.is_not(None))
    known = exists().where(SightingRow.delivery == DeliveryRow.id)
    query = select(DeliveryRow.id, DeliveryRow.channel, DeliveryRow.accepted_at).where(*at, *new, ~known)
    found = work.execute(query.order_by(DeliveryRow.id).limit(MOST_NEW)).all()
    rows = [{"delivery": row.id, "due_at": (row.accepted_at or work.now) + waits[row.channel]} for row in found]
    if rows:
        with suppress(IntegrityError), work.connection.begin_nested():  # another process was first
            work.execute(insert(SightingRow), rows)


def take(work: Work, lane: str, mode: str, held: Collection[str] | None, lease_for: timedelta) -> list[Watched]:
    """Take posts whose look is due, of the accounts ``held`` where that is known."""
    ours = true() if held is None else DeliveryRow.account.in_(held)
    at = (DeliveryRow.lane == lane, DeliveryRow.mode == mode, DeliveryRow.state.in_(PUBLIC), ours)
    signed_at = func.coalesce(WayBackRow.ordered_at, DispatchRow.released_at, type_=DispatchRow.released_at.type)
    seen = (DeliveryRow.state, DeliveryRow.reference, DeliveryRow.accepted_at, SightingRow.seen)
    query = (
        select(*_LEASED, signed_at, DispatchRow.id, *seen, _overtaken())
        .join(SightingRow, SightingRow.delivery == DeliveryRow.id)
        .join(DispatchRow, DispatchRow.plan == DeliveryRow.plan)
        .outerjoin(WayBackRow, and_(WayBackRow.plan == DeliveryRow.plan, WayBackRow.kind == DeliveryRow.kind))
        .where(SightingRow.due_at <= work.now, *at)
        .order_by(SightingRow.due_at, DeliveryRow.id)
        .limit(MOST)
        .with_for_update(skip_locked=True, of=SightingRow)
    )
    due_at, width = work.now + lease_for, len(_LEASED) + 2
    taken = [
        Watched(Leased(*row[:width]), state, reference, accepted_at or work.now, seen, due_at, bool(overtaken))
        for row in work.execute(query).all()
        for state, reference, accepted_at, seen, overtaken in [row[width:]]
    ]
    if taken:
        ids = [watched.leased.id for watched in taken]
        work.execute(update(SightingRow).where(SightingRow.delivery.in_(ids)).values(due_at=due_at))
    return taken


def record(work: Work, looks: Sequence[Look]) -> list[Look]:
    """Write down what looks came to; returns those that changed what is known.

    Of a post that was taken by another since, or that a later text may have changed meanwhile, nothing is believed.
    """
    ids = [look.watched.leased.id for look in looks]
    overtaken = set(work.execute(select(DeliveryRow.id).where(DeliveryRow.id.in_(ids), _overtaken())).scalars())
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
    wanted = (getattr(DeliveryRow, name) == value for name, value in about.items())
    query = select(*SightingRow.__table__.c, DeliveryRow.account, DeliveryRow.kind)
    query = query.join(DeliveryRow, DeliveryRow.id == SightingRow.delivery).where(*wanted)
    return {row.delivery: row for row in work.execute(query.order_by(DeliveryRow.account, DeliveryRow.id)).all()}


def alarming(work: Work) -> list[Any]:
    """Posts that the public does not see as approved, in incidents that are not closed; the oldest alarm first."""
    ids = _ids(work, SightingRow.seen.in_(ALARMING))
    bad = (DeliveryRow.id.in_(ids), ~_overtaken(), IncidentRow.state != "closed")
    return list(work.execute(_about(*bad).order_by(SightingRow.since, DeliveryRow.id)).all()) if ids else []


def news(work: Work, mode: str) -> list[Any]:
    """Changes in a mode that nobody was told of; they count as told from here on."""
    fresh = (SightingRow.seen != "", SightingRow.seen != SightingRow.told)
    about = (*fresh, DeliveryRow.id.in_(_ids(work, *fresh)), DeliveryRow.mode == mode)
    query = _about(*about).order_by(SightingRow.since, DeliveryRow.id)
    rows = list(work.execute(query.with_for_update(skip_locked=True, of=SightingRow)).all())
    if rows:
        ids = [row.id for row in rows]
        work.execute(update(SightingRow).where(SightingRow.delivery.in_(ids)).values(told=SightingRow.seen))
    return rows


def _ids(work: Work, *wanted: ColumnElement[bool]) -> list[str]:
    """The deliveries of these sightings, asked for first: without it a database may begin with a million others."""
    return list(work.execute(select(SightingRow.delivery).where(*wanted)).scalars())


def _rescheduled(work: Work, look: Look) -> bool:
    """Put the next look where it belongs; False where somebody else has taken the post since."""
    held = (SightingRow.delivery == look.watched.leased.id, SightingRow.due_at == look.watched.due_at)
    made: bool = work.execute(update(SightingRow).where(*held).values(due_at=look.due_at)).rowcount == 1
    return made


def _seen(work: Work, look: Look) -> None:
    known: dict[str, Any] = {"looked_at": work.now, "doubt": look.doubt}
    if look.seen:
        known |= {"seen": look.seen, "seen_at": work.now, "shown": look.shown}
    if look.move:
        known["since"] = work.now
    work.execute(update(SightingRow).where(SightingRow.delivery == look.watched.leased.id).values(**known))


def _about(*wanted: ColumnElement[bool]) -> Any:
    about = (DeliveryRow.id, DeliveryRow.incident, DeliveryRow.plan, DeliveryRow.channel, DeliveryRow.account)
    seen = (SightingRow.seen, SightingRow.since, IncidentRow.title)
    query = select(*about, DeliveryRow.mode, DeliveryRow.kind, DeliveryRow.url, *seen)
    joined = query.join(SightingRow, SightingRow.delivery == DeliveryRow.id)
    return joined.join(IncidentRow, IncidentRow.id == DeliveryRow.incident).where(*wanted)


def _overtaken() -> ColumnElement[bool]:
    """Whether a later text withdrew a post, edited it in its place, or may be about to.

    A text that turned out to be a post of its own, with a name of its own, leaves the earlier one as it was.
    """
    later = aliased(DeliveryRow)
    of_post = (later.plan == DeliveryRow.plan, later.account == DeliveryRow.account, later.id != DeliveryRow.id)
    may_have_left = (later.first_intent_at.is_not(None), later.state.not_in(_ENDED_BADLY), later.kind != "publish")
    after = or_(DeliveryRow.kind == "publish", later.first_intent_at > DeliveryRow.first_intent_at)
    in_place = or_(later.kind == "withdraw", later.reference.is_(None), later.reference == later.original)
    return exists().where(*of_post, later.original == DeliveryRow.reference, *may_have_left, after, in_place)


_LEASED = [getattr(DeliveryRow, name) for name in Leased.__slots__ if name not in queue.JOINED]
