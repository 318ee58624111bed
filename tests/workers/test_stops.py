"""What is stopped reaches the sender within a poll, whatever stands between them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

import pytest
from sqlalchemy import insert

from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.sender_bootstrap import now
from dispatcher.sending.status import sign_status
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import records, statements
from dispatcher.store.tables import STATEMENTS, STATUSES
from tests.stage import Stage
from tests.workers.conftest import Make
from workers.doorbell import ring_stops
from workers.hearing import hear
from workers.stops import StopPoll, bell


class Ear:
    """The one method of a sender that a poll calls; it fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.stops: list[Envelope] = []
        self.statuses: list[Envelope] = []
        self.heard = asyncio.Event()

    async def tell(self, stops: Sequence[Envelope], status: Envelope | None) -> None:
        """As a sender does."""
        if self.failures:
            raise self.failures.pop(0)
        self.stops += stops
        self.statuses += [status] if status else []
        self.heard.set()


def poll_of(stage: Stage, ear: Ear) -> StopPoll:
    return StopPoll("exercise", stage.desk.store, ear, stage.desk.settings)  # type: ignore[arg-type]


def put_status(stage: Stage) -> None:
    signer = KeyFileSigner(stage.folder / "keys" / "status")
    with stage.desk.store.write() as work:
        records.put_status(work, "exercise", sign_status("example-city", Mode.EXERCISE, now(), [], signer))


def test_a_new_halt_reaches_the_sender_within_a_poll(make: Make) -> None:
    """A halt that is signed while the poll runs is told without being asked for; how soon is printed."""
    stage, ear = make(), Ear()

    async def main() -> float:
        stopping = asyncio.Event()
        polling = asyncio.create_task(poll_of(stage, ear).run(stopping))
        await asyncio.to_thread(stage.halt)
        signed = time.perf_counter()
        async with asyncio.timeout(10):
            await ear.heard.wait()
        stopping.set()
        await polling
        return time.perf_counter() - signed

    took_s = asyncio.run(main())
    assert len(ear.stops) == 1
    print(f"told after {took_s * 1000:.0f} ms")  # noqa: T201 - a figure for people (pytest -s)


def test_a_ring_makes_the_poll_look_at_once(make: Make, redis_url: str) -> None:
    """With a poll of an hour, a halt that rings is told all the same."""
    stage, ear = make(redis=redis_url, timing={"stops_ms": 3_600_000}), Ear()
    put_status(stage)

    async def main() -> None:
        stopping, stops = asyncio.Event(), poll_of(stage, ear)
        ears = hear(redis_url, {bell("exercise"): stops.look}, stopping, again_s=1)
        parts = [asyncio.create_task(ears), asyncio.create_task(stops.run(stopping))]
        async with asyncio.timeout(20):
            await ear.heard.wait()  # the first look is over: the next is an hour away
            await asyncio.to_thread(stage.halt)
            while not ear.stops:
                await asyncio.to_thread(ring_stops, stage.desk.settings, "exercise")
                await asyncio.sleep(0)
            stopping.set()
            while not parts[1].done():
                await asyncio.to_thread(ring_stops, stage.desk.settings, "exercise")
            await asyncio.gather(*parts)

    asyncio.run(main())
    assert len(ear.stops) == 1


def test_each_stop_is_told_once(make: Make) -> None:
    """What the sender knows is not told again."""
    stage, ear = make(), Ear()
    halt = stage.halt()
    poll = poll_of(stage, ear)

    async def main() -> None:
        await poll.once()
        stage.resume(halt)
        await poll.once()
        await poll.once()

    asyncio.run(main())
    kinds = [str(statements.statement_of(envelope).kind) for envelope in ear.stops]
    assert kinds == ["halt", "resume", "resume"]


def test_a_new_status_is_told(make: Make) -> None:
    """Each status that the relay signed reaches the sender, once."""
    stage, ear = make(), Ear()
    poll = poll_of(stage, ear)

    async def main() -> None:
        for _ in range(2):
            put_status(stage)
            await poll.once()
            await poll.once()

    asyncio.run(main())
    assert len(ear.statuses) == 2


@pytest.mark.parametrize("failure", [Unavailable("the sender is away"), OSError(28, os.strerror(28))])
def test_what_could_not_be_told_is_told_later(make: Make, failure: Exception) -> None:
    """A sender that is away, or whose disk is full, is told again with the next poll, and the poll goes on."""
    stage, ear = make(), Ear(failure)
    stage.halt()
    poll = poll_of(stage, ear)

    async def main() -> list[bool]:
        return [await poll.once(), await poll.once()]

    assert asyncio.run(main()) == [False, True]
    assert len(ear.stops) == 1


def test_a_forged_row_hides_no_halt(make: Make) -> None:
    """A statement row that is none, written by hand, neither ends the poll nor keeps a halt from the sender."""
    stage, ear = make(), Ear()
    forged = {"kind": "halt", "subject": "x", "person": "x", "role": "x", "mode": "exercise", "not_before": now()}
    with stage.desk.store.write() as work:
        rows = [{"payload": 7}, {"payload": "not a statement", "signature": "none"}]
        values = [{"id": f"forged-{n}", "envelope": row, **forged} for n, row in enumerate(rows)]
        work.execute(insert(STATEMENTS), [{**v, "expires": now(), "recorded_at": now()} for v in values])
        work.execute(insert(STATUSES).values(mode="exercise", made_at=now(), envelope={"payload": 7}))
    stage.halt()
    assert asyncio.run(poll_of(stage, ear).once())
    assert any(b'"kind":"halt"' in envelope.payload for envelope in ear.stops)
