"""Probing by the workers: what is asked for and what is due, by whoever holds the credential; and the alarms."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.contract import Account, Probe, Secret
from channels.simulator.faults import FaultKind
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, probing
from dispatcher.service.probing import Probed
from dispatcher.store import probes
from tests.stage import Stage, true
from tests.workers.conftest import Make
from workers.expiry import tell_of_expiry
from workers.probing import Probing, next_turn

HOUR = timedelta(hours=1)
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Held:
    """Who holds some accounts and answers as told."""

    def __init__(self, *held: str, failure: Exception | None = None, odd: str = "") -> None:
        self.held = frozenset(held)
        self.asked: list[str] = []
        self._failure = failure
        self._odd = odd

    async def probe(self, account: str) -> Probe:
        """As a prober does."""
        self.asked.append(account)
        if self._failure:
            raise self._failure
        if account == self._odd:
            return Probe(ok=True, detail="", expires_at=AT.replace(tzinfo=None))
        return Probe(ok=True, detail="in memory")


def known(stage: Stage, name: str) -> Probed:
    """What is known of an account."""
    (found,) = probing.known(stage.desk, [name])
    return found


def was_probed(stage: Stage, name: str) -> bool:
    """Whether an account was probed."""
    return known(stage, name).ok is not None


def prober(stage: Stage, held: Held, mode: str = "exercise") -> Probing:
    """The probing of the accounts' lane."""

    async def write(change: Any) -> Any:
        with stage.desk.store.write() as work:
            return change(work)

    return Probing(("accounts", mode), stage.desk.store, held, stage.desk.settings, write)


def run_until(probing: Probing, *conditions: Any) -> None:
    """Probe until each of these is so in turn."""

    async def main() -> None:
        stopping = asyncio.Event()
        task = asyncio.create_task(probing.run(stopping))
        try:
            for condition in conditions:
                await true(condition, "the probe", tasks=[task])
        finally:
            stopping.set()
            await task

    asyncio.run(main())


def test_what_is_asked_for_is_probed_on_every_channel(make: Make) -> None:
    """By the roles themselves, against the simulated platforms, and nothing is published."""
    stage = make()
    names = [stage.account(channel) for channel in ("x", "bluesky", "webhook", "notify")]
    probing.ask(stage.desk, [])
    stage.work(*(lambda name=name: was_probed(stage, name) for name in names), roles=("accounts", "recipients"))
    assert [known(stage, name).ok for name in names] == [True] * 4
    assert stage.published() == {}


def test_nothing_of_an_exercise_is_probed_unasked(make: Make) -> None:
    """Its faults are for what is sent."""
    stage = make()
    asked, other = stage.account("x"), stage.account("x", 2)
    probing.ask(stage.desk, [asked])
    run_until(prober(stage, held := Held(asked, other)), lambda: was_probed(stage, asked))
    assert held.asked == [asked]


def test_a_probe_that_fails_stops_no_sending(make: Make) -> None:
    """The platform refuses the probe, and takes the post."""
    stage = make()
    name = stage.account("x")
    plan = stage.cleared()
    stage.fault("x", FaultKind.REFUSE, times=1, on="session", status=401)
    probing.ask(stage.desk, [name])
    stage.work(lambda: was_probed(stage, name), lambda: stage.release(plan), lambda: stage.ended(plan))
    assert (known(stage, name).ok, dict(stage.states(plan))) == (False, {"accepted": 1})


def test_a_rotated_secret_is_gone_by_without_a_new_start(make: Make) -> None:
    """While the role runs: the probe before fails, the one after does not, and the post goes out."""
    stage = make()
    account = Account("x-9", "x", "Example", ("en-GB",), {"base_url": f"{stage.far.url}/x", "user_id": "9"})
    accounts.add(stage.desk, account, Mode.EXERCISE, {"token": Secret("wrong")}, "ops-1")
    probing.ask(stage.desk, ["x-9"])
    right = {"token": Secret("sim-9")}
    stage.work(
        lambda: known(stage, "x-9").ok is False,
        lambda: accounts.rotate(stage.desk, "x-9", right, stage.pen("ops-1")),
        lambda: known(stage, "x-9").ok is True,
        roles=("accounts",),
    )


def test_who_does_not_hold_an_account_leaves_it_to_who_does(make: Make) -> None:
    """It stays due."""
    stage = make()
    mine, theirs = stage.account("x"), stage.account("x", 2)
    probing.ask(stage.desk, [])
    run_until(prober(stage, Held(mine)), lambda: was_probed(stage, mine))
    with stage.desk.store.read() as work:
        assert [one.account for one in probes.due(work, "accounts", "exercise")] == [theirs]


def test_a_sender_that_cannot_be_reached_is_told_as_a_failed_probe(make: Make) -> None:
    """So that nobody takes it for well."""
    stage = make()
    name = stage.account("x")
    probing.ask(stage.desk, [name])
    run_until(prober(stage, Held(name, failure=Unavailable("nobody answers"))), lambda: was_probed(stage, name))
    assert known(stage, name).probe.endswith("FAILED: nobody answers")


def test_an_answer_that_cannot_be_written_down_ends_nothing(make: Make) -> None:
    """A time without a zone, from somebody's own adapter: the other accounts are probed, then and afterwards."""
    stage = make()
    odd, well = stage.account("x"), stage.account("x", 2)
    held = Held(odd, well, odd=odd)
    probing.ask(stage.desk, [])

    def again() -> bool:
        probing.ask(stage.desk, [well])
        return held.asked.count(well) > 1

    run_until(prober(stage, held), lambda: was_probed(stage, well), again)
    assert not was_probed(stage, odd)


def test_a_live_account_is_probed_at_once_and_then_by_the_schedule(make: Make) -> None:
    """As often as its platform bears it: reads of X are charged."""
    stage = make()
    accounts.add(stage.desk, Account("x-9", "x", "@x", ("en-GB",)), Mode.LIVE, {"token": Secret("t")}, "ops-1")
    run_until(prober(stage, Held("x-9"), "live"), lambda: was_probed(stage, "x-9"))
    with stage.desk.store.read() as work:
        (row,) = probes.rows(work, Mode.LIVE)
    assert timedelta(0) < row.due_at - row.probed_at <= timedelta(minutes=10)


def test_it_is_probed_again_when_it_is_due_again(make: Make) -> None:
    """With a schedule of a tenth of a second, twice soon."""
    stage = make(timing={"probe_ms": 100})
    bluesky = {"identifier": Secret("x"), "password": Secret("y")}
    accounts.add(stage.desk, Account("b-9", "bluesky", "@b", ("en-GB",)), Mode.LIVE, bluesky, "ops-1")
    held = Held("b-9")
    run_until(prober(stage, held, "live"), lambda: len(held.asked) > 1)


def test_accounts_are_probed_at_moments_of_their_own() -> None:
    """One in each interval, the same in every one, spread by name."""
    names = [f"x-{number}" for number in range(60)]
    turns = [next_turn(name, AT, HOUR) for name in names]
    assert all(AT < turn <= AT + HOUR for turn in turns)
    assert [next_turn(name, turn, HOUR) for name, turn in zip(names, turns, strict=True)] == [t + HOUR for t in turns]
    assert {int((turn - AT) / (HOUR / 4)) for turn in turns} == {0, 1, 2, 3}


def test_the_relay_raises_an_alarm_once(make: Make) -> None:
    """Two relays beside each other raise one; it is in the ledger."""
    stage = make()
    ends = datetime.now(UTC) + timedelta(days=5)
    account = Account("x-9", "x", "Example", ("en-GB",), {"base_url": f"{stage.far.url}/x"})
    accounts.add(stage.desk, account, Mode.EXERCISE, {"token": Secret("t")}, "ops-1", ends)

    async def main() -> None:
        stopping = asyncio.Event()
        tasks = [asyncio.create_task(tell_of_expiry(stage.desk, Mode.EXERCISE, stopping)) for _ in range(2)]
        await true(lambda: stage.ledger("credential.expires"), "the alarm", tasks=tasks)
        stopping.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    (entry,) = stage.ledger("credential.expires")
    assert (entry["account"], entry["days"]) == ("x-9", 7)
