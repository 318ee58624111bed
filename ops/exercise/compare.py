"""A scorecard beside the last runs of its scenario, and beside what real events took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from dispatcher.domain import documents
from dispatcher.service.exercising import Run
from dispatcher.statements.toml import parse_toml
from ops.exercise.score import TIMES
from ops.review.words import took

AS_BEFORE = 0.1
LEAST_MS = 250
"""Less than a tenth, or than this, is no difference: a run on a busy machine varies as much."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One time of a run beside the same of the last run and of the best; ``words`` says which way it went."""

    time: str
    what: str
    ms: int | None
    last_ms: int | None
    best_ms: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Event:
    """What a real event took, in seconds, and who says so; ``time`` is the name of the time it belongs beside."""

    name: str
    time: str
    seconds: int
    source: str


def compared(times: Mapping[str, int | None], before: Sequence[Run]) -> tuple[Compared, ...]:
    """Each time beside the runs before it, the newest first; what was broken off is none of them."""
    whole = [run.card["times"] for run in before]
    return tuple(_compared(name, times.get(name), [card.get(name) for card in whole]) for name in TIMES)


def events(times: Mapping[str, int | None]) -> Iterator[tuple[Event, int]]:
    """The real events that a run's times stand beside, each with this run's time in milliseconds."""
    text = resources.files(__package__).joinpath("reference_events.toml").read_text("utf-8")
    for number, known in enumerate(parse_toml(text, "reference_events.toml")["event"]):  # type: ignore[arg-type]
        event = documents.read(Event, known, f"reference_events.toml: event[{number}]")
        if (found := times.get(event.time)) is not None:
            yield event, found


def direction(now: int | None, before: int | None) -> str:
    """How a time went against an earlier one, in words: better is shorter.

    >>> direction(4_000, 9_000), direction(4_000, 4_200), direction(9_000, 4_000), direction(4_000, None)
    ('better by 5.0 s', 'as before', 'worse by 5.0 s', '')
    """
    if now is None or before is None:
        return ""
    if abs(now - before) < max(LEAST_MS, AS_BEFORE * before):
        return "as before"
    return f"{'better' if now < before else 'worse'} by {took(abs(now - before))}"


def _compared(name: str, now: int | None, before: Sequence[int | None]) -> Compared:
    known = [one for one in before if one is not None]
    last = before[0] if before else None
    return Compared(name, TIMES[name], now, last, min(known, default=None), direction(now, last))
