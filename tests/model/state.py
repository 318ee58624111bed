"""What the model knows at a moment, and what the product decides about it (see ``tests.model.protocol``)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache
from typing import Any, NamedTuple

from channels.capabilities import Idempotency, IdempotencyKind
from channels.contract import Finding, Found, Outcome, Verdict
from dispatcher.domain.lifecycle import DELIVERY
from dispatcher.domain.plan import OnAmbiguous
from dispatcher.gate.evidence import Then
from dispatcher.settings import Timing
from dispatcher.store.queue import Move
from tests.cast import NOW
from tests.workers.leases import a_lease
from workers.engine import FENCED
from workers.outcomes import Rules, after_look, after_refusal, after_send, before_permit, returned

LEASE, QUIET, LAG, TTL = 3, 2, 2, 12
"""Ticks: a lease, the quiet period, the far side's lag, and how long it knows a key."""

FENCE = int(LEASE * FENCED)
NETWORK = 2
"""Ticks that a request may be under way, its sender dead or not; the protocol assumes no more than ``QUIET``."""

CALL = 1
"""Ticks that a worker waits for an answer."""

ATTEMPTS = 4
TICK = timedelta(seconds=1)
TIMING = Timing(lease_ms=LEASE * 1000, quiet_ms=QUIET * 1000, look_again_ms=1000, looks=3, tries=ATTEMPTS, sweep_ms=0)
RULES = Rules(TIMING, lambda _failures: 0.0)
FINAL = frozenset({"accepted", "rejected", "cancelled", "expired", "visible", "missing"})
WRONGLY_DEFERRED = Outcome(Verdict.DEFERRED, code="refused", status=429)
NOT_MADE = Outcome(Verdict.DEFERRED, code="lease")
OUTCOMES = {
    "accepted": Outcome(Verdict.ACCEPTED, reference="ref"),
    "rejected": Outcome(Verdict.REJECTED),
    "deferred": WRONGLY_DEFERRED,
    "not_made": NOT_MADE,
    "in_doubt": Outcome(Verdict.IN_DOUBT),
    "handed_over": Outcome(Verdict.HANDED_OVER),
}


class Bug(Enum):
    """A guard that is taken away."""

    NO_INTENT = auto()
    NO_SELF_FENCE = auto()
    NO_QUIET = auto()
    KEY_NEVER_AGES = auto()
    OLD_KEY_LEAVES = auto()
    ONE_LOOK = auto()
    RESEND_TWICE = auto()
    FENCE_IGNORED = auto()
    HELD_RESENT = auto()
    ONE_OFFICER = auto()


class Row(NamedTuple):
    """The delivery in SQL. Times are ticks to go (``due``, ``lease``) or gone by (``age`` of the first intent)."""

    state: str = "ready"
    reason: str = ""
    attempts: int = 0
    failures: int = 0
    leases: int = 0
    looked: int = 0
    absent: int = 0
    due: int = 0
    lease: int = 0
    age: int = -1


class Engine(NamedTuple):
    """A worker: what it is at, whether its fence is the row's, its attempt, ticks until the kernel ends it.

    ``call``: ticks it still waits for an answer. ``outcome``: one that it has not recorded yet.
    """

    at: str = "idle"
    ours: bool = False
    attempt: int = 0
    fence: int = 0
    call: int = 0
    outcome: str = ""


class Looker(NamedTuple):
    """A reconciler: whether its fence is the row's, and what it found, if it has looked."""

    at: str = "idle"
    ours: bool = False
    found: str = ""


class Far(NamedTuple):
    """The far side: its public effects, ticks until the newest shows, ticks since it learnt the key (-1: never)."""

    effects: int = 0
    hidden: int = 0
    key: int = -1


class State(NamedTuple):
    """Everything. ``wire``: requests under way, as (attempt, ticks left). ``votes``: the two officers' answers."""

    row: Row = Row()
    engines: tuple[Engine, ...] = ()
    lookers: tuple[Looker, ...] = ()
    wire: tuple[tuple[int, int], ...] = ()
    far: Far = Far()
    window: str = "open"
    votes: tuple[str, str] = ("", "")


IDLE, BLIND = Engine(), Looker()
Steps = Iterator[tuple[str, State]]


class IllegalMoveError(AssertionError):
    """A move that the table does not have."""


@cache
def decision(
    kind: IdempotencyKind, wish: OnAmbiguous, bugs: frozenset[Bug], what: str, word: str, row: Row, window: str
) -> Any:
    """The product's decision about a row as this model has it."""
    ttl_s = math.inf if Bug.KEY_NEVER_AGES in bugs else TTL
    known = Idempotency(kind, ttl_s=0 if kind is not IdempotencyKind.IDEMPOTENT else min(ttl_s, 10**6), lag_s=LAG)
    sending = what == "sent"
    leased = a_lease(
        attempts=row.attempts - sending,
        failures=row.failures,
        looked=row.looked,
        absent=row.absent,
        reason=row.reason,
        first_intent_at=None if row.age < 0 else NOW - row.age * TICK,
        expires_at=NOW + timedelta(days=1) if window == "open" else NOW,
    )
    match what:
        case "sent":
            move = after_send(leased, OUTCOMES[word], NOW, RULES)
            return replace(move, due_at=NOW) if Bug.NO_QUIET in bugs and move.target == "in_doubt" else move
        case "refused":
            return after_refusal(leased, Then(word), "no", NOW, RULES)
        case "returned":
            return returned(leased, "", NOW)
        case "before":
            return None if Bug.OLD_KEY_LEAVES in bugs else before_permit(leased, known, NOW)
    if Bug.ONE_LOOK in bugs:
        leased = replace(leased, absent=1)
    if Bug.RESEND_TWICE in bugs:
        leased = replace(leased, attempts=1)
    return after_look(leased, Finding(Found(word)), known, wish, NOW, RULES)


def made(row: Row, move: Move) -> Row:
    """The row after a move, as ``queue.settle`` makes it."""
    kept = {name: value for name in ("looked", "absent", "failures") if (value := getattr(move, name)) is not None}
    due = row.due if move.due_at is None else ticks(move.due_at)
    reason = move.reason if move.target == "held" else ""
    return moved(row, move.target, reason=reason, due=due, lease=0, leases=0, **kept)


def moved(row: Row, target: str, **values: Any) -> Row:
    if target != row.state and not DELIVERY.allows(row.state, target):
        raise IllegalMoveError(f"{row.state} → {target}")
    return row._replace(**{"state": target, "reason": "", **values})


def ticks(moment: datetime) -> int:
    return math.floor((moment - NOW) / TICK)  # a look that comes early is the more dangerous one


def disowned(state: State) -> State:
    """The row's fence has grown: nobody's is the row's any more."""
    engines = tuple(sorted(engine._replace(ours=False) for engine in state.engines))
    lookers = tuple(sorted(looker._replace(ours=False) for looker in state.lookers))
    return state._replace(engines=engines, lookers=lookers)


def stripped(engine: Engine) -> Engine:
    if engine.ours or engine.at == "idle":
        return engine
    return Engine("intended", fence=engine.fence) if engine.at == "intended" else IDLE


def passed(engine: Engine) -> Engine:
    return engine._replace(fence=max(0, engine.fence - 1), call=max(0, engine.call - 1))


def put(state: State, place: int, engine: Engine) -> State:
    others = state.engines[:place] + state.engines[place + 1 :]
    return state._replace(engines=tuple(sorted((*others, engine))))


def see(state: State, place: int, looker: Looker) -> State:
    others = state.lookers[:place] + state.lookers[place + 1 :]
    return state._replace(lookers=tuple(sorted((*others, looker))))


def answered(engine: Engine, outcome: str) -> Engine:
    return Engine("answered", engine.ours, engine.attempt, outcome=outcome)


def answers(state: State, attempt: int, *outcomes: str) -> Steps:
    """The far side's answers to whoever still waits for one; without anybody, its deed alone."""
    waiting = [place for place, e in enumerate(state.engines) if e.at == "calling" and e.attempt == attempt]
    if not waiting:
        yield "nobody hears the answer", state
    for place in waiting[:1]:
        for outcome in outcomes:
            yield f"answer: {outcome}", put(state, place, answered(state.engines[place], outcome))
