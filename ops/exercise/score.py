"""The scorecard: what a run's times were, who was waited for, and what became of what went wrong.

Rules
  1. It is worked out from the ledger, the delivery rows and what the far sides counted. Nothing here reads a clock,
     so that anybody can work it out again from the record.
  2. A step that awaits somebody begins with its entry and ends with the act's: that time is theirs. After the release
     the time is the machines', and so are the ways to a correction and a halt.
  3. Public is what a far side shows, at the far side's own time; a send is a request that reached it.

Times, in milliseconds; None where there was none::

    declared         from the alarm to the declaration
    cleared          from the plan's submission to the last signature that it needed
    first_public     from the alarm to the first public post
    released_first   from the release to the first public post
    released_all     from the release to the last
    corrected_first  from the signed decision to the first correction on a far side
    corrected_all    from the signed decision to the last
    halted           from the signed halt to the last send before it was lifted, 0 where none came after it
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.domain import documents
from dispatcher.domain.canonical import format_time
from dispatcher.service.exercising import Outcome
from dispatcher.service.ledger import LedgerLine
from ops.exercise.met import Met, met
from ops.exercise.record import FarSide, Record, moment, took
from ops.exercise.tally import Tally
from ops.review.words import milliseconds

SIGNATURES = ("statement.approve", "statement.decide", "statement.confirm")
UNHURT = frozenset({"accepted", "visible", "handed_over", "cancelled"})
"""States in which a delivery of an exercise may end."""

TIMES: Mapping[str, str] = {
    "declared": "from the alarm to the declaration",
    "cleared": "from the submission to the last signature",
    "first_public": "from the alarm to the first public post",
    "released_first": "from the release to the first public post",
    "released_all": "from the release to the last",
    "corrected_first": "from the decision to correct to the first correction",
    "corrected_all": "from the decision to correct to the last",
    "halted": "from the signed halt to the last send",
}


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one person, or the script in their place, was waited for, and how often."""

    who: str
    played_by: str
    count: int
    ms: int


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One run's. ``people_ms``, ``script_ms`` and ``machine_ms`` say where the time went (rule 2)."""

    outcome: Outcome
    incident: str
    began_at: str
    times: Mapping[str, int | None]
    waits: tuple[Wait, ...]
    people_ms: int
    script_ms: int
    machine_ms: int
    deliveries: int
    by_state: Mapping[str, int]
    attempts: int
    lost: int
    doubled: int
    faults: tuple[Met, ...]
    why: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON, which is how it stands in the ledger; the rest of its entry says run, scenario and outcome."""
        return {key: value for key, value in documents.to_json(self).items() if key != "outcome"}


def score(
    entries: Iterable[LedgerLine],
    seen: FarSide,
    tally: Tally,
    *,
    finished: bool,
    why: str = "",
) -> Scorecard:
    """Work out a run's scorecard. ``seen``: the far sides' requests and effects since it began."""
    record = Record(entries, seen)
    waits = [
        (str(entry.facts.get("actor")), step.facts["played_by"], milliseconds(entry.at - step.at))
        for step, entry in record.acts()
    ]
    spent = {who: sum(took for _, played, took in waits if played == who) for who in ("people", "script")}
    end = max([record.entries[-1].at, *record.public(record.began)])
    whole = tally.good and set(tally.by_state) <= UNHURT
    return Scorecard(
        outcome=Outcome.BROKEN_OFF if not finished else Outcome.PASSED if whole else Outcome.GAPS,
        incident=next((str(one.incident) for one in record.of("incident.declared")), ""),
        began_at=format_time(record.began),
        times=dict(zip(TIMES, _times(record), strict=True)),
        waits=_waits(waits),
        people_ms=spent["people"],
        script_ms=spent["script"],
        machine_ms=milliseconds(end - record.began) - sum(spent.values()),
        deliveries=tally.deliveries,
        by_state=tally.by_state,
        attempts=tally.attempts,
        lost=tally.lost,
        doubled=tally.doubled,
        faults=tuple(met(record)),
        why=why,
    )


def _times(record: Record) -> Iterator[int | None]:
    """In the order of TIMES."""
    released, decided = record.released, record.decided
    began, at = record.began, released.at if released else None
    declared = next((one.at for one in record.of("incident.declared")), None)
    public = record.public(at, decided)
    corrected = record.public(decided)
    yield took(began, declared)
    yield _cleared(record, released)
    yield took(began, *public[:1])
    yield took(at, *public[:1])
    yield took(at, *public[-1:])
    yield took(decided, *corrected[:1])
    yield took(decided, *corrected[-1:])
    yield _halted(record)


def _cleared(record: Record, released: LedgerLine | None) -> int | None:
    if released is None:
        return None
    plan = released.facts["plan"]
    submitted = next((one.at for one in record.of("plan.submitted") if one.facts["plan"] == plan), None)
    signed = [one.at for one in record.of(*SIGNATURES) if one.facts["subject"] == plan and one.at <= released.at]
    return took(submitted, *signed[-1:])


def _halted(record: Record) -> int | None:
    halts = record.of("statement.halt")
    if not halts:
        return None
    at = halts[0].at
    ended = next((one.at for one in record.of("halt.ended") if one.at > at), None)
    sends = [moment(one) for one in record.sends if at < moment(one) and (ended is None or moment(one) < ended)]
    return took(at, max(sends, default=at))


def _waits(given: Iterable[tuple[str, str, int]]) -> tuple[Wait, ...]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for who, played_by, spent in given:
        found[who, played_by].append(spent)
    listed = (Wait(who, played, len(spans), sum(spans)) for (who, played), spans in found.items())
    return tuple(sorted(listed, key=lambda one: -one.ms))
