"""The relay: one leads, rings what was not heard, and signs what is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, text, update

from channels.contract import Clock
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.sender_bootstrap import now
from dispatcher.sending.status import Status, read_status
from dispatcher.service.desk import Desk
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import records, statements
from dispatcher.store.tables import LEADERS, OUTBOX, RECIPIENTS, STATEMENTS, STATUSES
from tests.builders import FixedClock
from tests.stage import Stage, true
from tests.workers.conftest import Make
from workers.relay import Relay

Bell = tuple[str, str, str, str]


class Bells:
    """Rings that were rung; away as often as it is told to be."""

    def __init__(self, away: int = 0) -> None:
        self.rung: list[Bell] = []
        self.away = away

    def __call__(self, lane: str, mode: str, dispatch: str, traceparent: str) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("Redis is away")
        self.rung.append((lane, mode, dispatch, traceparent))


def relay_of(stage: Stage, owner: str = "relay-1", *, clock: Clock = now, ring: Bells | None = None) -> Relay:
    desk: Desk = stage.desk
    signer = KeyFileSigner(stage.folder / "keys" / "status")
    key = desk.trust.root.status_key
    return Relay(
        Mode.EXERCISE,
        owner,
        desk.store,
        desk.settings,
        clock,
        signer,
        key,
        desk.verifier(Mode.EXERCISE),
        ring or Bells(),
    )


def envelope_of(stage: Stage) -> Envelope | None:
    with stage.desk.store.read() as work:
        return records.status(work, "exercise")


def status_of(stage: Stage) -> Status:
    envelope = envelope_of(stage)
    assert envelope is not None
    return read_status(envelope, stage.desk.trust.root.status_key, "example-city", Mode.EXERCISE)


def forget_statements(stage: Stage) -> None:
    """What somebody with all rights on the database can do: take the guard away, and the halts."""
    with stage.desk.store.write() as work:
        work.execute(text("DROP TRIGGER statements_kept"))
        work.execute(delete(STATEMENTS).where(STATEMENTS.c.kind == "halt"))


def run_until(relay: Relay, condition: Callable[[], object]) -> None:
    async def main() -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(relay.run(stopping))
        await true(condition, "what the relay was to do")
        stopping.set()
        await running

    asyncio.run(main())


@pytest.fixture
def quiet(make: Make) -> Stage:
    """A deployment without accounts or Redis."""
    return make()


def test_a_status_is_signed_in_its_time(quiet: Stage) -> None:
    """A fresh status every status_ms, and none before."""
    clock = FixedClock(now())
    relay = relay_of(quiet, clock=clock)
    made = []
    for _ in range(4):
        relay.tick()
        made.append(status_of(quiet).made_at)
        clock.advance(quiet.desk.settings.timing.lasting("status") / 2)
    assert made[0] == made[1] < made[2] == made[3]


def test_a_status_is_signed_when_the_clock_was_set_back(quiet: Stage) -> None:
    """Senders that wait for a fresh one do not wait until the old time comes round again."""
    clock = FixedClock(now())
    relay = relay_of(quiet, clock=clock)
    relay.tick()
    clock.advance(-timedelta(hours=1))
    relay.tick()
    assert status_of(quiet).made_at == clock()


def test_a_status_lists_every_stop(quiet: Stage) -> None:
    """Halts and resumes stand in it by their ids."""
    halt = quiet.halt()
    quiet.resume(halt)
    relay_of(quiet).tick()
    assert len(status_of(quiet).stops) == 3
    assert halt in status_of(quiet).stops


def test_a_stop_that_nobody_signed_is_not_listed(quiet: Stage) -> None:
    """A row written by hand would otherwise stay listed, unseen by every sender, and stop everything for good."""
    halt = quiet.halt()
    with quiet.desk.store.write() as work:
        (envelope,) = statements.stop_envelopes(work, "exercise")
        forged = {**envelope.document(), "payload": envelope.payload.decode().replace('"ops-1"', '"ops-2"')}
        assert forged != envelope.document()
        row = dict(work.execute(select(STATEMENTS)).one()._mapping)
        work.execute(insert(STATEMENTS).values(**{**row, "id": "forged", "envelope": forged}))
    relay_of(quiet).tick()
    assert status_of(quiet).stops == (halt,)


def test_a_deleted_halt_stays_listed(quiet: Stage) -> None:
    """The next leader goes by the status before: a row that was deleted does not come off the list."""
    halt = quiet.halt()
    relay_of(quiet).tick()
    forget_statements(quiet)
    with quiet.desk.store.write() as work:
        work.execute(update(LEADERS).values(until=now()))
    relay_of(quiet, "relay-2").tick()
    assert halt in status_of(quiet).stops


@pytest.mark.parametrize("left", [None, {"payload": 7}, {"payload": "{}", "signature": "none"}])
def test_a_lost_status_brings_nothing_back(quiet: Stage, left: object) -> None:
    """With the halt and the status deleted or overwritten, a leader still lists what it has seen listed."""
    clock = FixedClock(now())
    relay = relay_of(quiet, clock=clock)
    halt = quiet.halt()
    relay.tick()
    forget_statements(quiet)
    with quiet.desk.store.write() as work:
        work.execute(delete(STATUSES) if left is None else update(STATUSES).values(envelope=left))
    clock.advance(quiet.desk.settings.timing.lasting("status"))
    relay.tick()
    assert halt in status_of(quiet).stops


def test_of_two_relays_one_leads(quiet: Stage) -> None:
    """While one leads the other signs nothing, whatever time it is by its clock."""
    relay_of(quiet).tick()
    before = envelope_of(quiet)
    relay_of(quiet, "relay-2").tick()
    assert envelope_of(quiet) == before


def test_a_relay_that_stops_lets_the_next_lead(quiet: Stage) -> None:
    """After a drain the other relay leads at its next tick."""
    run_until(relay_of(quiet), lambda: envelope_of(quiet))
    before = envelope_of(quiet)
    relay_of(quiet, "relay-2").tick()
    assert envelope_of(quiet) != before


def test_a_release_that_nobody_rang_for_is_rung(quiet: Stage) -> None:
    """The relay rings for work that is due and was never rung for, once."""
    quiet.account("webhook")
    dispatch = quiet.release(quiet.cleared())
    bells = Bells()
    run_until(relay_of(quiet, ring=bells), lambda: bells.rung)
    assert bells.rung == [("accounts", "exercise", dispatch.id, dispatch.traceparent)]


def test_who_lost_its_term_while_ringing_writes_nothing(quiet: Stage) -> None:
    """Another leads by then: when a bell was rung is for the leader to write."""
    quiet.account("webhook")
    quiet.release(quiet.cleared())
    relay = relay_of(quiet)
    bells = relay.tick()
    with quiet.desk.store.write() as work:
        work.execute(update(LEADERS).values(owner="relay-2", term=2))
    relay._ring_all(bells)
    with quiet.desk.store.read() as work:
        assert work.execute(select(OUTBOX.c.rung_at)).scalars().all() == [None]


def test_bells_that_could_not_be_rung_are_rung_later(quiet: Stage) -> None:
    """While Redis is away the relay goes on, and rings when it is back."""
    quiet.account("webhook")
    quiet.release(quiet.cleared())
    bells = Bells(away=2)
    run_until(relay_of(quiet, ring=bells), lambda: bells.rung)
    assert bells.away == 0


def test_the_leader_purges_lists_whose_time_is_up(make: Make) -> None:
    """Looking once an hour; the rows go with its ticks."""
    stage = make()
    stage.numbers(3)
    clock = FixedClock(now() + stage.desk.settings.keep_lists)
    stage.desk.store.clock = clock
    relay = relay_of(stage, clock=clock)
    relay.tick()
    (entry,) = stage.ledger("recipients.purged")
    with stage.desk.store.read() as work:
        assert work.execute(select(RECIPIENTS.c.position)).all() == []
    assert (entry["list"], entry["count"], entry.get("actor")) == ("city", 3, None)
