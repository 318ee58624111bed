"""The protocol, searched whole: nothing doubled, falsely accepted or stuck; and each guard is needed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from channels.capabilities import IdempotencyKind
from dispatcher.domain.lifecycle import DELIVERY
from dispatcher.domain.plan import OnAmbiguous
from tests.model.protocol import Protocol
from tests.model.search import Found, search
from tests.model.state import ATTEMPTS, Bug

IDEMPOTENT, QUERY, NONE = IdempotencyKind.IDEMPOTENT, IdempotencyKind.QUERY, IdempotencyKind.NONE
HOLD, RESEND = OnAmbiguous.HOLD, OnAmbiguous.RESEND
PROTOCOLS = [Protocol(kind, wish) for kind in IdempotencyKind for wish in OnAmbiguous]
BY_HAND = Protocol(NONE, by_hand=True)
WITHIN_S = 30.0
FIGURES = Path(__file__).parents[2] / "build" / "model.json"

NOT_MADE_YET = {
    ("sending", "cancelled"): "what the last check stops goes back to ready, and the gate cancels it there",
    ("handed_over", "cancelled"): "no receipt says so yet",
    ("handed_over", "rejected"): "no receipt says so yet",
    ("handed_over", "in_doubt"): "no receipt says so yet",
}
"""Moves that the table has and no part of the product makes."""


@dataclass(frozen=True)
class Searched:
    """What was found in each protocol, and how long the processor took; the machine may be busy with others."""

    found: dict[Protocol, Found]
    seconds: float

    @property
    def states(self) -> int:
        """All states that were visited."""
        return sum(found.states for found in self.found.values())


@pytest.fixture(scope="module")
def searched() -> Searched:
    """Every protocol, searched once; the figures go to ``build/model.json``."""
    began = time.process_time()
    found = {protocol: search(protocol) for protocol in (*PROTOCOLS, BY_HAND)}
    made = Searched(found, time.process_time() - began)
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps({"states": made.states, "seconds": round(made.seconds, 1)}) + "\n")
    return made


def test_nothing_is_doubled_and_nothing_falsely_accepted(searched: Searched) -> None:
    """No state that can be reached is wrong, whatever is killed, stopped, lost, late or revoked on the way."""
    assert {found.wrong: found.way for found in searched.found.values()} == {None: []}


def test_nothing_is_stuck(searched: Searched) -> None:
    """From every state there is a way to an end, or to people, without anybody's help."""
    assert [found.stuck for found in searched.found.values()] == [0] * len(searched.found)


def test_every_move_of_the_table_is_made(searched: Searched) -> None:
    """The model makes the moves of the lifecycle, all of them but those that nothing makes yet, and no others."""
    made = set().union(*(found.moves for found in searched.found.values()))
    assert made == set(DELIVERY.edges) - NOT_MADE_YET.keys()


def test_the_search_is_whole_and_quick(searched: Searched) -> None:
    """Three workers and four attempts, on every kind of channel and wish, within the reference's time."""
    assert {(p.workers, ATTEMPTS, p.kind, p.on_ambiguous) for p in PROTOCOLS} == {
        (3, 4, kind, wish) for kind in IdempotencyKind for wish in OnAmbiguous
    }
    assert searched.seconds < WITHIN_S


@pytest.mark.parametrize(
    ("bug", "kind", "wish", "wrong"),
    [
        (Bug.NO_INTENT, IDEMPOTENT, HOLD, "doubled"),
        (Bug.NO_INTENT, QUERY, HOLD, "doubled"),
        (Bug.NO_INTENT, NONE, HOLD, "doubled"),
        (Bug.NO_SELF_FENCE, IDEMPOTENT, HOLD, "doubled"),
        (Bug.NO_SELF_FENCE, QUERY, HOLD, "doubled"),
        (Bug.NO_SELF_FENCE, NONE, HOLD, "people are asked while bytes may still leave"),
        (Bug.NO_QUIET, QUERY, HOLD, "doubled"),
        (Bug.KEY_NEVER_AGES, IDEMPOTENT, HOLD, "doubled"),
        (Bug.OLD_KEY_LEAVES, IDEMPOTENT, HOLD, "doubled"),
        (Bug.ONE_LOOK, QUERY, HOLD, "doubled"),
        (Bug.RESEND_TWICE, NONE, RESEND, "doubled"),
        (Bug.FENCE_IGNORED, NONE, HOLD, "an outcome is taken for that of another attempt"),
        (Bug.HELD_RESENT, NONE, HOLD, "doubled"),
        (Bug.ONE_OFFICER, NONE, HOLD, "falsely accepted"),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Bug) else str(value).replace(" ", "_"),
)
def test_a_missing_guard_is_found(bug: Bug, kind: IdempotencyKind, wish: OnAmbiguous, wrong: str) -> None:
    """Each guard taken away by itself lets happen what it is for."""
    protocol = Protocol(kind, wish, bugs=frozenset({bug}), asks=wrong.startswith("people"))
    assert search(protocol).wrong == wrong
