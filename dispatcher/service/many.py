"""Acting on many deliveries at once: what is chosen is counted and named first, and only that set is then touched.

Rules
  1. A choice has an incident or a plan: one that is mistaken cannot reach another incident.
  2. Looking at a choice names its set, by a digest over each delivery with its attempts. An act gives that name back;
     where anything was held or moved since, the set has another name and nothing is done.
  3. Retrying, and cancelling what never left, takes one person. What may have left is resolved by two, as for one
     delivery (``resolving``): each signs one statement per plan, which lists the set, and each delivery moves that
     two people have named with the same answer. Its sender counts them likewise.
  4. Asking the platform now cuts no quiet period short.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.contract import Json
from dispatcher.domain.errors import Forbidden, Invalid, NotFound, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import HeldReason
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.sending.prepared import RESOLVING
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.resolving import Answer, Resolved, answered, move_of, needed_for
from dispatcher.service.resolving import resolve as resolve_one
from dispatcher.store import deliveries, queue, records
from dispatcher.store.database import Work

MOST = 2_000
"""Deliveries that one act is about: a statement about so many has some 50 kB, and 64 are the most."""

TURN = 500
"""Deliveries that one transaction moves."""

SHORTEST = 12
"""Digits of a set's name that have to be given."""

UNSENT = tuple(reason for reason in HeldReason if reason is not HeldReason.AMBIGUOUS)
"""Why deliveries are held of which it is proved that no byte left."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which deliveries are meant: those of an incident or a plan, perhaps of one channel, account or reason only."""

    incident: str | None = None
    plan: str | None = None
    channel: str | None = None
    account: str | None = None
    held: HeldReason | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a choice came to. ``set`` names it; ``left`` more fit the choice and wait for another act."""

    count: int
    set: str
    by: Mapping[str, int]
    left: int


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of a set: so many moved; so many wait for the same answer of another person."""

    count: int
    set: str
    moved: int
    waiting: int
    left: int


def look(desk: Desk, choice: Choice, reasons: Sequence[HeldReason]) -> Chosen:
    """Count and name what is held for one of these reasons and fits. Raises Invalid, NotFound."""
    rows, left = _held(desk, choice, reasons)
    return _chosen(rows, left)


def look_doubtful(desk: Desk, choice: Choice) -> Chosen:
    """Count and name what is in doubt and fits. Raises Invalid, NotFound."""
    rows, left = _rows(desk, choice, ({"state": "in_doubt"},))
    return _chosen(rows, left)


def retry(desk: Desk, choice: Choice, named: str, reason: str, pen: Pen) -> Acted:
    """Make ready again what is held though no byte left. Raises Invalid, NotFound, Stale, SignatureNeeded."""
    rows, left = _held(desk, choice, UNSENT)
    return _act(desk, rows, left, named, Answer.NOT_SEEN, reason, pen)


def resolve(desk: Desk, choice: Choice, answer: Answer, named: str, reason: str, pen: Pen, held: HeldReason) -> Acted:
    """Sign one answer about a set. Raises Invalid, NotFound, Stale, SignatureNeeded, Forbidden."""
    if held is not HeldReason.AMBIGUOUS and answer is Answer.SEEN:
        raise Forbidden(f"held as {held}: it is proved that no byte left", "retry it, or cancel it")
    rows, left = _held(desk, choice, (held,))
    return _act(desk, rows, left, named, answer, reason, pen)


def retry_one(desk: Desk, name: str, pen: Pen) -> Resolved:
    """Make one delivery ready again that is held though no byte left. Raises Invalid, Forbidden."""
    with desk.store.read() as work:
        row = deliveries.find(work, name)
    if row.state == "held" and row.reason == HeldReason.AMBIGUOUS:
        raise Forbidden("it may have been published: two people look", f"dispatcher delivery resolve {row.id} ANSWER")
    return resolve_one(desk, row.id, Answer.NOT_SEEN, pen)


def reconcile(desk: Desk, choice: Choice, named: str, reason: str, pen: Pen) -> Acted:
    """Have what is in doubt looked for now; ``waiting`` are not due for it. Raises Invalid, NotFound, Stale."""
    rows, left = _rows(desk, choice, ({"state": "in_doubt"},))
    _refuse_another_set(rows, named)
    return _look_now(desk, rows, left, reason, pen)


def reconcile_one(desk: Desk, name: str, reason: str, pen: Pen) -> Acted:
    """The same for one delivery. Raises Invalid for one that is not in doubt."""
    with desk.store.read() as work:
        row = deliveries.find(work, name)
    if row.state != "in_doubt":
        raise Invalid(f"delivery {row.id} is {row.state}, not in doubt", f"dispatcher delivery show {row.id}")
    return _look_now(desk, [row], 0, reason, pen)


def _look_now(desk: Desk, rows: Sequence[Any], left: int, reason: str, pen: Pen) -> Acted:
    person = desk.person(pen)
    desk.role(person, RESOLVING)
    quiet, moved = desk.settings.timing.lasting("lease") + desk.settings.timing.lasting("quiet"), 0
    for turn in _turns(rows):
        with desk.store.write() as work:
            hastened = deliveries.look_now(work, [row.id for row in turn], work.now - quiet)
            moved += hastened
            about = {"incident": turn[0].incident, "plan": turn[0].plan, "actor": person.id}
            work.record("reconcile.asked", **about, count=hastened, set=set_of(turn), reason=reason)
    return Acted(len(rows), set_of(rows), moved, len(rows) - moved, left)


def set_of(rows: Iterable[Any]) -> str:
    """What names a set: a digest over each delivery with its attempts, in order of their ids."""
    lines = sorted(f"{row.id} {row.attempts}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _act(desk: Desk, rows: Sequence[Any], left: int, named: str, answer: Answer, reason: str, pen: Pen) -> Acted:
    _refuse_another_set(rows, named)
    moved = 0
    for turn in _plans(rows):
        moved += _sign_and_move(desk, turn, answer, reason, pen)
    return Acted(len(rows), set_of(rows), moved, len(rows) - moved, left)


def _sign_and_move(desk: Desk, rows: Sequence[Any], answer: Answer, reason: str, pen: Pen) -> int:
    """One statement about the rows of one plan, and the moves that it and those before it make; returns how many."""
    plan, mode, incident = rows[0].plan, Mode(rows[0].mode), rows[0].incident
    several: dict[str, Json] = {row.id: row.attempts for row in rows}
    body: dict[str, Json] = {"deliveries": several, "seen": str(answer), "reason": reason}
    envelope = desk.sign(pen, RESOLVING, StatementKind.RESOLVE, plan, mode, body)
    with desk.store.write() as work:
        person = desk.record(work, envelope, mode, incident).person
    moved = 0
    for turn in _turns(rows):
        with desk.store.write() as work:
            moved += _move(desk, work, turn, answer, person)
    return moved


def _move(desk: Desk, work: Work, rows: Sequence[Any], answer: Answer, person: str) -> int:
    before = {(row.id, row.attempts, row.reason) for row in rows}
    still = [
        row
        for row in deliveries.by_ids(work, [row.id for row in rows])
        if row.state == "held" and (row.id, row.attempts, row.reason) in before
    ]
    people = answered(desk, work, rows[0].plan, Mode(rows[0].mode), answer)
    ready = [row for row in still if len(people.get((row.id, row.attempts), ())) >= needed_for(row)]
    return len(queue.settle(work, [move_of(work, row, answer, person) for row in ready]))


def _held(desk: Desk, choice: Choice, reasons: Sequence[HeldReason]) -> tuple[list[Any], int]:
    wanted = [reason for reason in reasons if choice.held in (None, reason)]
    if not wanted:
        raise Invalid(f"what is held as {choice.held} may have been published", "dispatcher delivery resolve --help")
    return _rows(desk, choice, [{"state": "held", "reason": str(reason)} for reason in wanted])


def _rows(desk: Desk, choice: Choice, kinds: Sequence[Mapping[str, str]]) -> tuple[list[Any], int]:
    """The first of the deliveries that fit, ordered by id, and how many more there are."""
    if not (choice.incident or choice.plan):
        raise Invalid("a choice of deliveries needs an incident or a plan", "say --incident or --plan")
    with desk.store.read() as work:
        at = {"channel": choice.channel, "account": choice.account}
        at["incident"] = records.incident(work, choice.incident).id if choice.incident else None
        at["plan"] = records.plan(work, choice.plan).digest if choice.plan else None
        rows = [row for kind in kinds for row in deliveries.listed(work, limit=MOST, **at, **kind)]
        found = sum(deliveries.number(work, **at, **kind) for kind in kinds)
    if not rows:
        raise NotFound("no such delivery fits", "dispatcher delivery list")
    first = sorted(rows, key=lambda row: (row.plan, row.id))[:MOST]
    return first, found - len(first)


def _chosen(rows: Sequence[Any], left: int) -> Chosen:
    by: dict[str, int] = {}
    for row in rows:
        where = f"{short(row.plan)} {row.account} {row.reason}"
        by[where] = by.get(where, 0) + 1
    return Chosen(len(rows), set_of(rows), by, left)


def _refuse_another_set(rows: Sequence[Any], named: str) -> None:
    if len(named) < SHORTEST or not set_of(rows).startswith(named):
        raise Stale(
            f"these {len(rows)} deliveries are not the set {named} that you looked at; nothing was done",
            "look again, without --set, and compare the name of the set with whoever signs besides you",
        )


def _plans(rows: Iterable[Any]) -> Iterator[list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.plan, []).append(row)
    yield from groups.values()


def _turns(rows: Sequence[Any]) -> Iterator[list[Any]]:
    """Some rows at a time, of one plan each."""
    for group in _plans(rows):
        for start in range(0, len(group), TURN):
            yield group[start : start + TURN]
