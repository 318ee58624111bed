"""Overviews made by hand: what the pages are shown where a test is about the pages and not about the deployment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service.operating.values import (
    ChannelNow,
    IncidentNow,
    LaneNow,
    Matter,
    Overview,
    Tone,
    WorkerNow,
)
from dispatcher.service.stopping import Halted

AT = datetime(2026, 3, 4, 14, 3, 7, tzinfo=UTC)
EMPTY = Overview(1, AT, 4.0, "example-city", "test", (), (), (), (), (), (), None, None, 0)


def channel(name: str, sentence: str, tone: Tone, at: datetime = AT, **more: object) -> ChannelNow:
    """One channel of an incident, of one delivery unless ``more`` says otherwise."""
    plain = ChannelNow(name, "ab" * 32, sentence, tone, {}, 0, 1, "cleared", at + timedelta(hours=4), None)
    return replace(plain, **more)


def incident(*channels: ChannelNow, mode: str = "exercise", at: datetime = AT, **more: object) -> IncidentNow:
    """One incident with these channels."""
    plain = IncidentNow(
        f"inc-{mode}", mode, "severe_weather", 3, "Severe gale tonight", "open", at - timedelta(minutes=9), channels
    )
    return replace(plain, **more)


def lane(name: str = "accounts", mode: str = "exercise", **more: object) -> LaneNow:
    """One lane where nothing waits, with one worker."""
    plain = LaneNow(name, mode, 0, 0, 0, 0, 0, None, 0.0, None, 1, None, rings=0)
    return replace(plain, **more)


def worker(role: str = "accounts", mode: str = "exercise", at: datetime = AT, **more: object) -> WorkerNow:
    """One live process."""
    plain = WorkerNow(
        f"{role}:41:p-1",
        *(role, mode, "host-1", 41, "0.1.0"),
        at - timedelta(hours=2),
        at - timedelta(seconds=1),
        *("", None, 0, at - timedelta(seconds=1), True),
    )
    return replace(plain, **more)


def busy(at: datetime = AT) -> Overview:
    """In the middle of it: an exercise and a live incident, trouble, a halt, a queue without a worker."""
    ago = at - timedelta(minutes=3)
    live = incident(
        channel("x", f"live since {ago:%H:%M:%S}", Tone.DONE, at, reached=1),
        channel("tiktok", f"waiting for the minister since {ago:%H:%M:%S}", Tone.WAITING, at, unreached_since=ago),
        channel("notify", "60 of 1,000,000 sent, empty in about 4 min", Tone.GOING, at, reached=60, total=1_000_000),
        channel("bluesky", "in doubt since 14:01:02: nobody knows whether it is out", Tone.TROUBLE, at,
                unreached_since=ago),
        mode="live", title="Chemical fire at Example Dock", at=at, severity=4,
    )  # fmt: skip
    drill = incident(
        channel("webhook", "stopped: everything is halted in exercises", Tone.STOPPED, at),
        channel("cap_feed", "nothing released yet", Tone.NOTHING, at, clearance="partly_cleared", clear_until=None),
        halts=("everything is halted in exercises",), at=at,
    )  # fmt: skip
    return replace(
        EMPTY,
        at=at,
        incidents=(live, drill),
        lanes=(
            lane("accounts", "live", in_flight=1, in_doubt=1, last_done_at=ago, last_done="x", per_minute=4),
            lane("recipients", "live", waiting=999_940, oldest_due_at=ago, live=0, rings=3, per_minute=0),
            lane("accounts", "exercise"),
        ),
        workers=(
            worker(mode="live", at=at, doing="dlv-1 to x", doing_since=at - timedelta(seconds=2), in_flight=1),
            worker("recipients", "live", at, live=False, seen_at=at - timedelta(minutes=6)),
        ),
        attention=(
            Matter("in_doubt", "1 delivery to bluesky-1 is in doubt: look whether it is out, and say so",
                   "dispatcher delivery resolve dlv-9 --out REF", "live", ago, 1, live.id, "dlv-9", "bluesky-1"),
            Matter("no_worker", "999,940 deliveries wait and no process works at recipients",
                   "dispatcher worker recipients --mode live", "live", ago, 999_940, live.id),
        ),
        halts=(Halted("stm-77", Mode.EXERCISE, HaltScope.ALL, "", "ops-1", "the drill is over", ago),),
    )  # fmt: skip


class Scripted:
    """Looks that come to whatever is put here; ``away`` as long as the database is."""

    def __init__(self, overview: Overview = EMPTY, clock: Callable[[], datetime] | None = None) -> None:
        self._lock = threading.Lock()
        self._overview = overview
        self._clock = clock
        self.away = False

    def put(self, overview: Overview) -> None:
        """What is seen from the next look on; its number is the next."""
        with self._lock:
            self._overview = replace(overview, number=self._overview.number + 1)

    def look(self) -> Overview:
        """As Looker says."""
        if self.away:
            raise Unavailable("the database cannot be reached")
        with self._lock:
            return replace(self._overview, at=self._clock() if self._clock else self._overview.at)
