"""What was sent: deliveries counted, account posts in full, and what the public saw of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from dispatcher.domain.incident import Incident
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.service import watching
from dispatcher.store import history, sightings, tallies
from dispatcher.store.database import Work
from dispatcher.store.history import Tried

MOST_TROUBLES = 200

OUT = ("accepted", "visible", "missing")

SENTENCES: Mapping[str, str] = {
    "ready": "waits for its turn",
    "leased": "is about to be sent",
    "sending": "is being sent",
    "accepted": "was accepted",
    "rejected": "was refused by the platform",
    "handed_over": "waits for operators to finish it by hand",
    "in_doubt": "may have gone out; it is being looked up",
    "held": "waits for people",
    "visible": "is there for the public to see",
    "missing": "was accepted, and the public does not see it as approved",
    "cancelled": "was stopped before anything left",
    "expired": "ran out of time before anything left",
}
"""Delivery states in words."""

WITHDRAWN: Mapping[str, str] = {
    "visible": "took effect",
    "missing": "was accepted, and did not take effect",
}
"""Those of a withdrawal, where they differ."""

GONE: Mapping[str, str] = {"visible": "was there for the public to see"}
"""Those of a post that a withdrawal took back, where they differ."""

UNCONFIRMED = "was handed over, and nobody signed in time what came of it"
"""Said of what expired after it had left."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries of one text of a plan to one account, or through it to a list's recipients (``listed``).

    ``states`` counts deliveries by state; ``attempts`` is over all of them, ``retried`` how many took more than one.
    """

    plan: str
    channel: str
    account: str
    kind: TextKind
    listed: bool
    states: Mapping[str, int]
    attempts: int
    retried: int
    first_intent_at: datetime | None
    first_accepted_at: datetime | None
    last_accepted_at: datetime | None

    @property
    def total(self) -> int:
        """All deliveries."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Answers:
    """Attempts at one account's deliveries of one text that came to the same.

    ``verdict`` is None where nobody knows; ``code`` the contract's, empty where there is none; ``reason`` what one of
    them was told; ``first`` and ``last`` when such an attempt began.
    """

    plan: str
    channel: str
    account: str
    kind: TextKind
    verdict: str | None
    code: str
    reason: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery to an account, with every attempt at it.

    ``public``: what the public was last seen to see, in words, empty where nobody looks; ``seen`` is visible,
    missing, altered or empty, ``since`` when it became so, ``looked_at`` the last look, ``shown`` what an altered
    post says. ``sentence`` says what became of the delivery.
    """

    id: str
    plan: str
    channel: str
    account: str
    kind: TextKind
    state: str
    reason: str
    reference: str | None
    url: str | None
    accepted_at: datetime | None
    public: str
    seen: str
    since: datetime | None
    looked_at: datetime | None
    shown: str | None
    sentence: str
    attempts: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Deliveries to recipients that did not end well, or wait, for one reason; ``example`` is one of them by id."""

    plan: str
    channel: str
    account: str
    kind: TextKind
    state: str
    reason: str
    sentence: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class FirstPublic:
    """The first text of a kind that was public on a channel: when it was accepted, where, and as what it was seen."""

    plan: str
    channel: str
    kind: TextKind
    at: datetime
    account: str
    url: str | None
    public: str


def counted(work: Work, incident: str) -> tuple[Tally, ...]:
    """All deliveries of an incident, counted."""
    rows = tallies.states(work, incident)
    texts = groupby(rows, key=lambda row: (row.plan, row.channel, row.account, TextKind(row.kind), bool(row.listed)))
    return tuple(_tally(text, list(group)) for text, group in texts)


def answers(work: Work, incident: str) -> tuple[Answers, ...]:
    """What all attempts came to, counted."""
    return tuple(Answers(**{**row._mapping, "kind": TextKind(row.kind)}) for row in tallies.answers(work, incident))


def posts(work: Work, incident: Incident, revoked: Collection[str]) -> tuple[Delivered, ...]:
    """Every delivery to an account; of those plans that were ``revoked``, with what became of that."""
    tried: dict[str, list[Tried]] = defaultdict(list)
    for delivery, attempt in history.attempts_of(work, incident.id, str(incident.mode)):
        tried[delivery].append(attempt)
    seen = sightings.by_delivery(work, incident=incident.id)
    rows = history.posts_of(work, incident.id, str(incident.mode))
    later: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        if row.kind != TextKind.PUBLISH:
            later[row.plan, row.account].append(row)
    return tuple(
        _delivered(work, row, row.plan in revoked, later[row.plan, row.account], seen.get(row.id), tried[row.id])
        for row in rows
    )


def troubles(work: Work, incident: str, counts: Iterable[Tally]) -> tuple[tuple[Trouble, ...], int]:
    """What went wrong with recipients, the most frequent first, and of how many deliveries in all that is."""
    number = sum(tally.states.get(state, 0) for tally in counts if tally.listed for state in tallies.TROUBLED)
    rows = tallies.troubles(work, incident, MOST_TROUBLES) if number else []
    return tuple(map(_trouble, rows)), number


def first_public(counts: Iterable[Tally], delivered: Iterable[Delivered]) -> tuple[FirstPublic, ...]:
    """The first accepted delivery of each text of each plan on each channel."""
    posted = {(one.plan, one.account, one.kind): one for one in delivered if one.accepted_at}
    firsts: dict[tuple[str, str, TextKind], FirstPublic] = {}
    for tally in counts:
        at, text = tally.first_accepted_at, (tally.plan, tally.channel, tally.kind)
        if at is None or (text in firsts and firsts[text].at <= at):
            continue
        post = posted.get((tally.plan, tally.account, tally.kind))
        link, public = (post.url, post.public) if post else (None, "")
        firsts[text] = FirstPublic(*text, at, tally.account, link, public)
    return tuple(sorted(firsts.values(), key=lambda first: first.at))


def _tally(text: tuple[str, str, str, TextKind, bool], rows: Sequence[Any]) -> Tally:
    def known(name: str) -> list[datetime]:
        return [at for row in rows if (at := getattr(row, name)) is not None]

    return Tally(
        *text,
        states=Counter({row.state: row.count for row in rows}),
        attempts=sum(row.attempts for row in rows),
        retried=sum(row.retried for row in rows),
        first_intent_at=min(known("first_intent_at"), default=None),
        first_accepted_at=min(known("first_accepted_at"), default=None),
        last_accepted_at=max(known("last_accepted_at"), default=None),
    )


def _delivered(
    work: Work, row: Any, revoked: bool, later: Sequence[Any], seen: Any | None, tried: Sequence[Tried]
) -> Delivered:
    after = later if row.kind == TextKind.PUBLISH else ()
    same = ("id", "plan", "channel", "account", "state", "reason", "reference", "url", "accepted_at")
    return Delivered(
        **{name: getattr(row, name) for name in same},
        kind=TextKind(row.kind),
        public=watching.in_words(seen, work.now) if seen else "",
        seen=seen.seen if seen else "",
        since=seen.since if seen else None,
        looked_at=seen.looked_at if seen else None,
        shown=seen.shown if seen else None,
        sentence=_told(_words(row, after), row.reason) + _remark(row, revoked, after),
        attempts=tuple(tried),
    )


def _trouble(row: Any) -> Trouble:
    other = WITHDRAWN if row.kind == TextKind.WITHDRAW else {}
    sentence = _told({**SENTENCES, **other}[row.state], row.reason)
    return Trouble(**{**row._mapping, "kind": TextKind(row.kind)}, sentence=sentence)


def _told(said: str, reason: str) -> str:
    return f"{said}: {reason}" if reason else said


def _words(row: Any, after: Sequence[Any] = ()) -> str:
    """What became of one delivery; ``after`` are those that mend it."""
    if row.state == "expired" and row.reference:
        return UNCONFIRMED
    gone = any(one.kind == TextKind.WITHDRAW and one.state in ("accepted", "visible") for one in after)
    other = WITHDRAWN if row.kind == TextKind.WITHDRAW else GONE if gone else {}
    return {**SENTENCES, **other}[row.state]


def _remark(row: Any, revoked: bool, after: Sequence[Any]) -> str:
    """What a reader should know of a post that is out, or in hands, though its time or its clearance is over."""
    if row.state == "handed_over" and revoked and row.kind == TextKind.PUBLISH:
        return "; its plan was revoked, so it must not be posted"
    if row.state not in OUT:
        return ""
    late = row.accepted_at is not None and row.accepted_at >= row.expires_at
    said = "; committed before its window ended" if late else ""
    if not revoked or row.kind != TextKind.PUBLISH:
        return said
    mended = [f"its {SPOKEN[TextKind(one.kind)]} {_words(one)}" for one in after]
    return f"{said}; its plan was revoked, and {', '.join(mended) or 'its correction is armed'}"
