"""What a look at the public record means for a delivery, and when to look again. Pure.

Rules
  1. A post is left alone until its channel's record may be trusted to show it (its lag), then read often while it is
     young: each look comes after four times the post's age, at most an hour later.
  2. Nobody looks once the message's own time is over; for a way back, once its window is.
  3. What the public should see and does not is *missing*, whether the post is gone, says something else, or was to be
     gone and is not. A look that cannot tell changes nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from channels import registry
from channels.contract import ReadBack, Seen
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Plan
from dispatcher.settings import Settings, Timing
from dispatcher.store.queue import Move
from dispatcher.store.sightings import Look, Watched
from workers.outcomes import idempotency_of, plain

TIMES_ITS_AGE = 4
_STILL_THERE = "the post can still be seen"
_SAID = {Seen.MISSING: "the post is gone", Seen.ALTERED: "the post says something else"}


def first_looks(settings: Settings, channels: Iterable[str]) -> dict[str, timedelta]:
    """The channels among these whose posts can be read back, each with how long a new post is left alone."""
    waits = {}
    for channel in channels:
        try:
            able = registry.adapter(channel).capabilities
        except registry.UnknownChannelError:
            continue
        if able.can_read_back and able.recipients is None:
            lag = timedelta(seconds=idempotency_of(settings, channel).lag_s)
            waits[channel] = max(lag, settings.timing.lasting("read_back"))
    return waits


def over_at(plan: Plan, kind: str) -> datetime:
    """When nobody needs to look any more."""
    return plan.valid_until if kind == TextKind.PUBLISH else plan.armed_not_after


def after_reading(watched: Watched, read: ReadBack, until: datetime, now: datetime, timing: Timing) -> Look:
    """What a look came to."""
    due_at = _next(watched, until, now, timing)
    if read.seen is Seen.UNKNOWN:
        return Look(watched, due_at, doubt=plain(read.reason) or "the channel could not tell")
    seen, shown = str(read.seen), _shown(read)
    if seen == watched.seen:
        return Look(watched, due_at, seen=seen, shown=shown)
    target = "visible" if read.seen is Seen.VISIBLE else "missing"
    facts: dict[str, Any] = {"seen": seen, "before": watched.seen or None, "shown": shown}
    move = Move(watched.leased, watched.state, target, _reason(watched, read), facts=facts)
    return Look(watched, due_at, seen=seen, shown=shown, move=move)


def unread(watched: Watched, until: datetime, now: datetime, timing: Timing) -> Look:
    """Nobody looked: a later text answers for the post, or its time is over."""
    return Look(watched, _next(watched, until, now, timing), looked=False)


def _next(watched: Watched, until: datetime, now: datetime, timing: Timing) -> datetime | None:
    wait = max(timing.lasting("read_back"), TIMES_ITS_AGE * (now - watched.accepted_at))
    due_at = now + min(wait, timing.lasting("read_back_most"))
    return due_at if due_at < until else None


def _reason(watched: Watched, read: ReadBack) -> str:
    if read.seen is not Seen.MISSING:
        return _SAID.get(read.seen, "")
    still_there = watched.leased.kind == TextKind.WITHDRAW
    return _STILL_THERE if still_there else plain(read.reason) or _SAID[Seen.MISSING]


def _shown(read: ReadBack) -> str | None:
    """What an altered post says, whole, without what UTF-8, a database or the ledger cannot carry."""
    if read.seen is not Seen.ALTERED or read.text is None:
        return None
    kept = "".join(c for c in read.text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept)
