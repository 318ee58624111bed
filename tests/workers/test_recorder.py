"""Recording moves in groups, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dispatcher.domain.errors import Unavailable
from dispatcher.store.database import Work
from dispatcher.store.leasing import Leased
from dispatcher.store.queue import Move
from tests.workers.leases import Table
from workers.recorder import Recorder

pytestmark = pytest.mark.system

Change = Callable[[Work], Any]


class Door:
    """Writes to the table; away as often as it is told to be."""

    def __init__(self, table: Table, away: int = 0) -> None:
        self._table = table
        self.away = away
        self.commits = 0

    async def write(self, change: Change) -> Any:
        """As the engine's own."""
        if self.away:
            self.away -= 1
            raise Unavailable("the database is away")
        with self._table.store.write() as work:
            made = change(work)
        self.commits += 1
        return made


def record(door: Door, moves: list[Move], refusals: dict[str, list[dict[str, str]]] | None = None) -> None:
    """Put moves in and let the recorder finish."""

    async def main() -> None:
        recorder = Recorder(door.write)
        for move in moves:
            await recorder.put(move, (refusals or {}).get(move.leased.id))
        await recorder.finish()
        async with asyncio.timeout(20):
            await recorder.run()

    asyncio.run(main())


def accepted(item: Leased) -> Move:
    return Move(item, "sending", "accepted")


def test_many_moves_are_one_commit(table: Table) -> None:
    """Outcomes that came together are written together."""
    table.add(50)
    door = Door(table)
    record(door, [accepted(item) for item in table.intend(table.lease())])
    assert (door.commits, set(table.states())) == (1, {"accepted"})


def test_moves_outlast_the_database(table: Table) -> None:
    """While the database is away moves are kept, and written when it is back."""
    table.add(3)
    door = Door(table, away=2)
    record(door, [accepted(item) for item in table.intend(table.lease())])
    assert (door.away, table.states()) == (0, ["accepted"] * 3)


def test_a_refusal_is_in_the_ledger_beside_its_move(table: Table) -> None:
    """What the gate said, clause by clause, is written with what became of the delivery."""
    (name,) = table.add()
    (item,) = table.lease()
    failure = {"clause": "G03", "fact": "not released", "mend": "duty_director", "then": "hold"}
    record(Door(table), [Move(item, "leased", "held", "refused")], {name: [failure]})
    (entry,) = table.ledger("gate.refused")
    assert (entry["delivery"], entry["failures"]) == (name, [failure])


def test_one_move_that_the_database_refuses_takes_no_other_with_it(table: Table) -> None:
    """A move that the lifecycle does not have is left out; its group is written."""
    bad, good = table.add(2)
    one, other = table.intend(table.lease())
    record(Door(table), [Move(one, "sending", "visible"), accepted(other)])
    assert (table.row(bad).state, table.row(good).state) == ("sending", "accepted")


def test_a_stale_move_is_left_out(table: Table) -> None:
    """Who lost the row in the meantime changes nothing, and holds nobody up."""
    stale, good = table.add(2)
    one, other = table.intend(table.lease())
    record(Door(table), [accepted(replace(one, fence=0)), accepted(other)])
    assert (table.row(stale).state, table.row(good).state) == ("sending", "accepted")
