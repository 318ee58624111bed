"""The spans of a lane's work: a chunk, and each attempt in it, linked to the release that it belongs to.

A retry is another attempt, by another chunk and perhaps another process: links hold them together where one trace
would grow without end. Without an endpoint an attempt costs eight random bytes, for its log line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from channels.contract import Clock, Outcome, Verdict
from dispatcher.domain.ids import RandomBytes, drawn_ahead
from dispatcher.store.leasing import Leased
from dispatcher.tracing import names
from dispatcher.tracing.context import Place, begun, place_in
from dispatcher.tracing.spans import NOWHERE, Kind, Span, Spans

MOST_LINKS = 64
_GOOD = (Verdict.ACCEPTED, Verdict.HANDED_OVER)


class Tracing:
    """Makes the spans of one engine."""

    def __init__(
        self, lane: str, clock: Clock, spans: Spans = NOWHERE, random_bytes: RandomBytes | None = None
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._spans = spans
        self._random_bytes = random_bytes or drawn_ahead(os.urandom)

    def chunk(self, leased: Sequence[Leased]) -> Chunk:
        """Begin on a chunk."""
        releases = {item.traceparent for item in leased}
        places = [place for one in releases if (place := place_in(one))]
        return Chunk(self._lane, self._clock, self._spans, places, self._random_bytes)


class Chunk:
    """One chunk in hand; a span once it is ``ended``. ``releases`` are what its deliveries were released by."""

    def __init__(
        self, lane: str, clock: Clock, spans: Spans, releases: Sequence[Place], random_bytes: RandomBytes
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._spans = spans
        self._releases = releases
        self._random_bytes = random_bytes
        sampled = any(place.sampled for place in releases)
        self._place = begun(random_bytes, sampled=sampled) if releases else None
        self._began = clock() if spans.wanted else None
        self._attempts = 0

    def attempt(self, item: Leased, outcome: Outcome, began: datetime, ended: datetime) -> dict[str, str]:
        """One attempt is over: make its span, and return what its log line says of it; nothing without a trace."""
        release = place_in(item.traceparent)
        if release is None or self._place is None:
            return {}
        at = self._place.beside(self._random_bytes)
        self._attempts += 1
        if self._spans.wanted:
            self._spans.record(_attempt(at, self._place, release, item, outcome, began, ended))
        return {"trace_id": at.trace_id, "span_id": at.span_id, "release_trace_id": release.trace_id}

    def ended(self) -> None:
        """The chunk is over."""
        if self._began is None or self._place is None:
            return
        about: dict[str, str | int] = {names.LANE: self._lane, names.BATCH: self._attempts}
        said = {names.SYSTEM: names.OURS, names.OPERATION: "process", names.OPERATION_TYPE: "process"}
        links = list(self._releases[:MOST_LINKS])
        name, now = f"process {self._lane}", self._clock()
        self._spans.record(Span(name, Kind.CONSUMER, self._place, self._began, now, about | said, links=links))


def _attempt(
    at: Place, chunk: Place, release: Place, item: Leased, outcome: Outcome, began: datetime, ended: datetime
) -> Span:
    about: dict[str, str | int] = {
        names.SYSTEM: names.OURS,
        names.OPERATION: "send",
        names.OPERATION_TYPE: "send",
        names.DESTINATION: item.account,
        names.CHANNEL: item.channel,
        names.INCIDENT: item.incident,
        names.PLAN: item.plan,
        names.DISPATCH: item.dispatch,
        names.DELIVERY: item.id,
        names.ATTEMPT: item.attempts + 1,
        names.VERDICT: str(outcome.verdict),
    }
    if outcome.status is not None:
        about[names.STATUS] = outcome.status
    failed = outcome.verdict not in _GOOD
    if failed:
        about[names.ERROR] = outcome.code or str(outcome.verdict)
    return Span(f"send {item.channel}", Kind.CLIENT, at, began, ended, about, chunk, (release,), failed)
