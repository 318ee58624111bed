"""Posts that stand on accounts of ours and that this deployment did not send; and when each account is looked at.

Rules
  1. What an account showed before its first look is its own past: that look sets the mark, and later posts count.
  2. A post is ours where a delivery names it: in its reference, in what it mends, or in what its adapter noted on the
     way (of a thread, its parts).
  3. A post that was made while an attempt of ours was under way, and whose delivery has no reference, may be that
     attempt's: it waits, and is looked at again until that is known. Where people say that it went out, it is ours.
  4. A foreign post is written down once, with its ledger entry, and people are told of it once.
  5. An account is looked at by one process at a time: to claim it puts its next look off, and whoever records after
     somebody else has claimed it changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, ForeignKey, Table, Text, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from channels.contract import DeliveryKind
from channels.listing import PublicPost
from dispatcher.domain.canonical import format_time
from dispatcher.store.columns import METADATA, TEXT_OR_NONE, TIME, Columns
from dispatcher.store.database import Work
from dispatcher.store.tables import ACCOUNTS, ATTEMPTS, DELIVERIES
from dispatcher.store.ways_back import PUBLIC

LATE = timedelta(minutes=10)
"""How late a platform may show a post, by its own clock: so far back the next look goes again."""

FURTHEST = timedelta(days=1)
"""How far back a look goes where those before it could not read all: a list that is too long would only grow."""

SKEW = timedelta(minutes=2)
"""How far a platform's clock may be from ours (reference: platforms 3.7)."""

STANDS = timedelta(days=1)
"""How long a foreign post is listed as an alarm."""

_ENDED_BADLY = ("rejected", "cancelled", "expired")
_WORDS = re.compile(r'[^\s",;|\[\]{}]+')


class TimelineRow(Columns):
    """When an account is looked at next, and from which time on its posts count."""

    account = Column(Text, ForeignKey("accounts.id"), primary_key=True)
    since = TIME
    due_at = TIME


TIMELINES = Table("timelines", METADATA, TimelineRow)


class ForeignPostRow(Columns):
    """One post that nobody of ours made; ``at`` is when, by its platform, ``found_at`` when it was seen here."""

    account = Column(Text, ForeignKey("accounts.id"), primary_key=True)
    reference = Column(Text, primary_key=True)
    url = TEXT_OR_NONE
    at = TIME
    found_at = TIME
    told = Column(Boolean, nullable=False, default=False)


FOREIGN_POSTS = Table("foreign_posts", METADATA, ForeignPostRow)


@dataclass(frozen=True, slots=True)
class Due:
    """An account that is to be looked at: since when its posts count; ``due_at`` is empty before its first look."""

    account: str
    channel: str
    since: datetime
    due_at: datetime | None


def due(work: Work, lane: str, mode: str, channels: Collection[str]) -> list[Due]:
    """The accounts of a lane on these channels that are due, longest first."""
    mine = (ACCOUNTS.c.lane == lane, ACCOUNTS.c.mode == mode, ACCOUNTS.c.channel.in_(channels))
    late = or_(TIMELINES.c.due_at.is_(None), TIMELINES.c.due_at <= work.now)
    query = select(ACCOUNTS.c.id, ACCOUNTS.c.channel, TIMELINES.c.since, TIMELINES.c.due_at)
    query = query.outerjoin(TIMELINES, TIMELINES.c.account == ACCOUNTS.c.id).where(*mine, late)
    rows = work.execute(query.order_by(TIMELINES.c.due_at, ACCOUNTS.c.id)).all()
    return [Due(account, channel, since or work.now, due_at) for account, channel, since, due_at in rows]


def begin(work: Work, account: str, due_at: datetime) -> None:
    """The first look at an account: what it shows now is its past. Platforms tell times in whole seconds."""
    since = work.now.replace(microsecond=0)
    with suppress(IntegrityError), work.connection.begin_nested():  # another process was first
        work.execute(insert(TIMELINES).values(account=account, since=since, due_at=due_at))


def claim(work: Work, one: Due, again: timedelta) -> Due | None:
    """The account, unless somebody else has claimed it; due ``again`` from now should this process die over it."""
    until = work.now + again
    return replace(one, due_at=until) if _as(work, one, due_at=until) else None


def put(
    work: Work, claimed: Due, posts: Sequence[PublicPost], *, whole: bool, due_at: datetime, lasting: timedelta
) -> list[PublicPost]:
    """Write down what a look showed; returns the foreign posts that are new.

    ``whole``: every post since was read. ``lasting`` is the longest that an attempt of ours takes.
    """
    seen = {post.reference: post for post in posts if post.at >= claimed.since}
    known = _known(work, claimed.account) if seen else set()
    theirs = [post for name, post in seen.items() if name not in known]
    ours, waiting = _perhaps_ours(work, claimed.account, theirs, lasting) if theirs else ([], [])
    mark = min([work.now - LATE, *(post.at for post in waiting)]) if whole else work.now - FURTHEST
    if not _as(work, claimed, due_at=due_at, since=max(claimed.since, mark)):
        return []
    new = [post for post in theirs if post not in ours and post not in waiting]
    for post in new:
        about = {"account": claimed.account, "reference": post.reference, "url": post.url}
        work.execute(insert(FOREIGN_POSTS).values(**about, at=post.at, found_at=work.now))
        told = {"channel": claimed.channel, "at": format_time(post.at), "shown": post.text}
        work.record("account.foreign_post", **about, **told)
    return new


def alarming(work: Work) -> list[Any]:
    """What was found of late, the newest first."""
    return list(work.execute(_about(FOREIGN_POSTS.c.found_at > work.now - STANDS)).all())


def news(work: Work, mode: str) -> list[Any]:
    """Foreign posts of a mode that nobody was told of; they count as told from here on."""
    query = _about(FOREIGN_POSTS.c.told.is_(False), ACCOUNTS.c.mode == mode)
    rows = list(work.execute(query.with_for_update(skip_locked=True, of=FOREIGN_POSTS)).all())
    for row in rows:
        at = (FOREIGN_POSTS.c.account == row.account, FOREIGN_POSTS.c.reference == row.reference)
        work.execute(update(FOREIGN_POSTS).where(*at).values(told=True))
    return rows


def _as(work: Work, one: Due, **values: Any) -> bool:
    """Change an account's row, if it is as it was."""
    at = (TIMELINES.c.account == one.account, TIMELINES.c.due_at == one.due_at)
    made: bool = work.execute(update(TIMELINES).where(*at).values(**values)).rowcount == 1
    return made


def _known(work: Work, account: str) -> set[str]:
    """The references that need no word: deliveries on the account's channel name them, or they were found before."""
    names = _sent(account, DELIVERIES.c.reference, DELIVERIES.c.original, DELIVERIES.c.handle)
    rows = work.execute(names.where(DELIVERIES.c.first_intent_at.is_not(None))).all()
    named = {word for row in rows for name in row if name for word in _WORDS.findall(name)}
    found = select(FOREIGN_POSTS.c.reference).where(FOREIGN_POSTS.c.account == account)
    return named | set(work.execute(found).scalars())


def _perhaps_ours(
    work: Work, account: str, posts: Sequence[PublicPost], lasting: timedelta
) -> tuple[list[PublicPost], list[PublicPost]]:
    """Of posts that no delivery names, those that are ours all the same, and those that may turn out to be."""
    unnamed = (
        DELIVERIES.c.account == account,
        DELIVERIES.c.kind != DeliveryKind.WITHDRAW,  # which makes no post
        DELIVERIES.c.reference.is_(None),
        DELIVERIES.c.state.not_in(_ENDED_BADLY),
    )
    query = _sent(account, ATTEMPTS.c.intended_at, DELIVERIES.c.state)
    query = query.join(ATTEMPTS, ATTEMPTS.c.delivery == DELIVERIES.c.id).where(*unnamed)
    attempts = [(at - SKEW, at + lasting + SKEW, state in PUBLIC) for at, state in work.execute(query).all()]
    during = [(post, [public for first, last, public in attempts if first <= post.at <= last]) for post in posts]
    return [post for post, hits in during if any(hits)], [post for post, hits in during if hits and not any(hits)]


def _sent(account: str, *columns: Any) -> Any:
    """Of what was sent on an account's channel, in its lane and mode."""
    same = (DELIVERIES.c.lane == ACCOUNTS.c.lane, DELIVERIES.c.mode == ACCOUNTS.c.mode)
    query = select(*columns).join(ACCOUNTS, and_(*same, DELIVERIES.c.channel == ACCOUNTS.c.channel))
    return query.where(ACCOUNTS.c.id == account)


def _about(*wanted: ColumnElement[bool]) -> Any:
    query = select(*FOREIGN_POSTS.columns, ACCOUNTS.c.channel, ACCOUNTS.c.mode)
    query = query.join(ACCOUNTS, ACCOUNTS.c.id == FOREIGN_POSTS.c.account).where(*wanted)
    return query.order_by(FOREIGN_POSTS.c.account, FOREIGN_POSTS.c.found_at.desc(), FOREIGN_POSTS.c.reference)
