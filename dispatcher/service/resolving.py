"""Resolving: people end what a machine cannot decide about a held delivery.

Rules (design: domain, lifecycles)
  1. Where bytes may have left (held: ambiguous), two different people must sign the same answer.
  2. Where it is proved that none did (exhausted, refused, stale status, poison), one person may retry or cancel;
     nobody can have seen what never left.
  3. An answer is about the attempts made so far: after a retry, everybody looks again.
  4. ``not_seen`` sends again, through the gate; ``seen`` settles it as accepted; ``cancel`` ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from channels.contract import Json
from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.lifecycle import HeldReason
from dispatcher.domain.statement import Mode, StatementKind, resolved
from dispatcher.sending.prepared import RESOLVING
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import deliveries, queue
from dispatcher.store.database import Work
from dispatcher.store.queue import Move

AMBIGUOUS_NEEDS = 2


class Answer(StrEnum):
    """What people found when they looked at the channel, or decided."""

    SEEN = "seen"
    NOT_SEEN = "not_seen"
    CANCEL = "cancel"


TARGETS = {Answer.SEEN: "accepted", Answer.NOT_SEEN: "ready", Answer.CANCEL: "cancelled"}


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where a delivery stands after somebody's answer; ``needed`` more people must sign the same one."""

    delivery: str
    state: str
    answer: Answer
    signed_by: tuple[str, ...]
    needed: int


def resolve(desk: Desk, delivery_name: str, answer: Answer, pen: Pen, url: str | None = None) -> Resolved:
    """Sign an answer about a held delivery, and move it when enough people gave it. ``url``: where it was seen.

    Raises Invalid for a delivery that is not held, Forbidden for an answer its reason does not admit.
    """
    with desk.store.read() as work:
        row = deliveries.find(work, delivery_name)
    _refuse_unless_held(row, answer)
    body: dict[str, Json] = {"delivery": row.id, "seen": str(answer), "attempts": row.attempts}
    if url:
        body["url"] = url
    mode = Mode(row.mode)
    envelope = desk.sign(pen, RESOLVING, StatementKind.RESOLVE, row.plan, mode, body)
    with desk.store.write() as work:
        row = deliveries.find(work, row.id, lock=True)
        _refuse_unless_held(row, answer)
        person = desk.record(work, envelope, mode, row.incident).person
        people = answered(desk, work, row.plan, mode, answer).get((row.id, row.attempts), ())
        needed = max(0, needed_for(row) - len(people))
        if not needed:
            queue.settle(work, [move_of(work, row, answer, person, url)])
        return Resolved(row.id, row.state if needed else TARGETS[answer], answer, people, needed)


def _refuse_unless_held(row: Any, answer: Answer) -> None:
    if row.state == "in_doubt":
        raise Invalid("it is still being looked up", "wait: it is held for people if the look-up finds nothing")
    if row.state != "held":
        raise Invalid(f"delivery {row.id} is {row.state}, not held", f"dispatcher delivery show {row.id}")
    if answer is Answer.SEEN and row.reason != HeldReason.AMBIGUOUS:
        raise Forbidden(
            f"held as {row.reason}: it is proved that no byte left, so nothing can have been seen",
            "retry it (not_seen) or cancel it",
        )


def needed_for(row: Any) -> int:
    """How many people must give the same answer about a held delivery."""
    return AMBIGUOUS_NEEDS if row.reason == HeldReason.AMBIGUOUS else 1


def answered(
    desk: Desk, work: Work, plan: str, mode: Mode, answer: Answer
) -> dict[tuple[str, Json], tuple[str, ...]]:
    """Who gave this answer about each delivery of a plan, by delivery and its attempts at the time."""
    people: dict[tuple[str, Json], set[str]] = {}
    for statement in desk.said(work, StatementKind.RESOLVE, plan, mode):
        if statement.body.get("seen") == str(answer):
            for about in resolved(statement.body).items():
                people.setdefault(about, set()).add(statement.person)
    return {about: tuple(sorted(names)) for about, names in people.items()}


def move_of(work: Work, row: Any, answer: Answer, person: str, url: str | None = None) -> Move:
    """The move that an answer means, once enough people gave it."""
    move = Move(row, row.state, TARGETS[answer], f"resolved by people: {answer}", actor=person)
    if answer is Answer.NOT_SEEN:
        looked = 0 if row.reason == HeldReason.AMBIGUOUS else row.looked  # one person ends no doubt
        return replace(move, due_at=work.now, failures=0, looked=looked, absent=0)
    return replace(move, url=url)
