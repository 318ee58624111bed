"""Breadth first through every state of a protocol, to what is wrong, what is stuck, and which moves were made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.model.protocol import Protocol
from tests.model.state import FINAL, IllegalMoveError, State

SETTLED = FINAL | {"held", "handed_over"}
"""Where no machine has anything left to do."""

NOT_BY_ITSELF = ("killed", "officer", "one ", "two ")
"""Steps that a delivery must not depend on to get there."""


@dataclass
class Found:
    """What a search came to. ``wrong``: the first thing that is, with the shortest way to it."""

    states: int = 0
    wrong: str | None = None
    way: list[str] = field(default_factory=list)
    stuck: int = 0
    moves: set[tuple[str, str]] = field(default_factory=set)


def search(protocol: Protocol) -> Found:
    """Visit every state, or stop at the first that is wrong."""
    numbers = {protocol.start: 0}
    states, came = [protocol.start], [(0, "")]
    into: list[list[int]] = [[]]
    found, waiting = Found(), deque([0])
    while waiting:
        number = waiting.popleft()
        state = states[number]
        try:
            for word, after in protocol.steps(state):
                at = numbers.get(after)
                if at is None:
                    at = numbers[after] = len(states)
                    states.append(after)
                    came.append((number, word))
                    into.append([])
                    waiting.append(at)
                    if (wrong := protocol.wrong(after)) is not None:
                        return Found(len(states), wrong, _way(came, at))
                if state.row.state != after.row.state:
                    found.moves.add((state.row.state, after.row.state))
                if not any(part in word for part in NOT_BY_ITSELF):
                    into[at].append(number)
        except IllegalMoveError as error:
            return Found(len(states), str(error), _way(came, number))
    found.states, found.stuck = len(states), len(states) - _reaching(states, into)
    return found


def _reaching(states: list[State], into: list[list[int]]) -> int:
    """How many states have a way to where the delivery is settled."""
    good = {number for number, state in enumerate(states) if state.row.state in SETTLED}
    waiting = deque(good)
    while waiting:
        fresh = [before for before in into[waiting.popleft()] if before not in good]
        good.update(fresh)
        waiting.extend(fresh)
    return len(good)


def _way(came: Iterable[tuple[int, str]], number: int) -> list[str]:
    steps, came = [], list(came)
    while number:
        number, word = came[number]
        steps.append(word)
    return steps[::-1]
