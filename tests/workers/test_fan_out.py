"""The whole way of released plans, through the roles themselves and over HTTP, against faulty far sides."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from types import ModuleType

import pytest

from channels.simulator.faults import FaultKind
from dispatcher.gate.stops import HaltScope
from dispatcher.settings import Timing
from dispatcher.store import leasing, queue
from tests.stage import CHANNELS, Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

RELEASES = int(os.environ.get("RELEASES", "4"))
"""Releases of sixty deliveries without Redis; the promise is made of a thousand deliveries: 17."""

ALL = {"x": 1, "bluesky": 1, "webhook": 1, "notify": 60}


def everything(stage: Stage) -> Stage:
    """An account on every channel, and a list of sixty numbers."""
    for channel in CHANNELS:
        stage.account(channel)
    stage.numbers(60)
    return stage


def slow(stage: Stage, times: int = 200, delay_s: float = 0.3) -> None:
    """Make Notify answer late, so that there is time to interfere."""
    stage.fault("notify", FaultKind.LATE, times=times, delay_s=delay_s)


def test_nothing_is_lost_and_nothing_doubled(make: Make, redis_url: str, story_url: str) -> None:
    """Drops after and before acting, throttling and 503s: every delivery is accepted, and stands there once."""
    stage = everything(make(redis=redis_url, database=story_url))
    for channel in CHANNELS:
        stage.fault(channel, FaultKind.ACT_THEN_DROP)
        stage.fault(channel, FaultKind.DROP)
        stage.fault(channel, FaultKind.THROTTLE, delay_s=1)
        stage.fault(channel, FaultKind.REFUSE, status=503)
    stage.fault("notify", FaultKind.ACT_THEN_DROP, times=5)
    stage.fault("notify", FaultKind.DROP, times=5)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    stage.work(lambda: stage.ended(plan), lambda: stage.plan_state(plan) != "released")
    assert stage.states(plan) == {"accepted": 63}
    assert (stage.published(), stage.doubled()) == (ALL, 0)
    assert stage.plan_state(plan) == "settled"


def test_redis_is_not_needed(make: Make) -> None:
    """With Redis away from the start to the end everything is delivered all the same."""
    stage = everything(make())
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    assert (stage.published(), stage.doubled()) == (ALL, 0)


def test_without_redis_sending_starts_within_three_seconds(make: Make) -> None:
    """Nothing rings from the start to the end, and the lane looks as seldom as it does by itself.

    The first send of each release counts, and the middle one of these: how long the rest takes is the machine's.
    """
    stage = make(timing={"poll_ms": Timing().poll_ms, "sweep_ms": Timing().sweep_ms})
    stage.account("notify")
    stage.numbers(60)
    plans = [stage.cleared(lists=["city"]) for _ in range(RELEASES)]
    released: dict[str, datetime] = {}

    def sent(plan: str) -> bool:
        if plan not in released:
            released[plan] = stage.release(plan).released_at
        return stage.ended(plan)

    stage.work(*(partial(sent, plan) for plan in plans), roles=["relay", "recipients"])
    plan_of = {row.id: plan for plan in plans for row in stage.rows(plan)}
    sent_at = [(plan_of[effect.key], effect.at) for effect in stage.far.journal.published("notify")]
    assert (len(sent_at), stage.doubled()) == (60 * RELEASES, 0)
    waits = [min(at for of, at in sent_at if of == plan) - released[plan] for plan in plans]
    assert median(waits) <= timedelta(seconds=3)


def test_the_first_of_a_plan_are_called_before_others_are_leased(
    make: Make, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease of hundreds would keep their intent waiting for the database."""
    stage = make(redis=redis_url, chunk=100)
    stage.account("notify")
    stage.numbers(60)
    steps: list[tuple[str, int]] = []

    def noted(module: ModuleType, name: str) -> None:
        step = getattr(module, name)

        def noting(*given: object) -> object:
            steps.append((name, len(taken := step(*given))))
            return taken

        monkeypatch.setattr(module, name, noting)

    noted(leasing, "lease")
    noted(queue, "intend")
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    stage.work(lambda: stage.ended(plan), roles=["relay", "recipients"])
    assert [step for step in steps if step[1]][:3] == [("lease", 16), ("intend", 16), ("lease", 44)]


def test_a_drain_ends_what_is_in_flight(stage: Stage) -> None:
    """Asked to stop in the middle, a role answers for all it has begun; the next one does the rest."""
    slow(stage)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    stage.work(lambda: len(stage.far.journal.effects) > 5, roles=["recipients"])
    assert stage.states(plan).keys() <= {"accepted", "ready"}
    stage.far.disarm()
    stage.work(lambda: stage.ended(plan))
    assert (stage.published(), stage.doubled()) == (ALL, 0)


def test_a_revocation_stops_the_rest(make: Make, redis_url: str) -> None:
    """Revoked in the middle, what has not begun is cancelled and never sent."""
    stage = make(redis=redis_url, chunk=10)
    stage.account("notify")
    stage.numbers(120)
    slow(stage, delay_s=0.5)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)

    def revoked() -> bool:
        if len(stage.far.journal.effects) < 5:
            return False
        stage.revoke(plan)
        return True

    stage.work(revoked, lambda: stage.ended(plan))
    states = stage.states(plan)
    assert states["cancelled"] > 0
    assert states["accepted"] == stage.published()["notify"] == 120 - states["cancelled"]


def test_a_halt_holds_and_a_resume_continues(stage: Stage) -> None:
    """While halted nothing leaves and nothing is lost; after two others resumed, all is delivered."""
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    halt = stage.halt(HaltScope.CHANNEL, "notify")
    seen: list[int] = []

    def resumed() -> bool:
        if stage.states(plan)["accepted"] < 3 or "G16" not in stage.refusals(plan):
            return False
        seen.append(stage.published()["notify"])
        stage.resume(halt)
        return True

    stage.work(resumed, lambda: stage.ended(plan))
    assert seen == [0]
    assert (stage.published(), stage.doubled()) == (ALL, 0)


def test_what_keeps_being_refused_is_held(stage: Stage) -> None:
    """A platform that never takes it is asked eight times, then people are."""
    stage.fault("webhook", FaultKind.THROTTLE, times=50)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (row,) = [row for row in stage.rows(plan) if row.channel == "webhook"]
    assert (row.state, row.reason, row.attempts) == ("held", "exhausted", 8)


def test_a_record_that_cannot_be_read_leaves_it_to_people(stage: Stage) -> None:
    """After an answer that was lost, with a timeline that answers nothing, the post is held and never repeated."""
    stage.fault("x", FaultKind.ACT_THEN_DROP)
    stage.fault("x", FaultKind.REFUSE, times=50, on="read")
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (row,) = [row for row in stage.rows(plan) if row.channel == "x"]
    assert (row.state, row.reason, row.attempts) == ("held", "ambiguous", 1)
    assert stage.published()["x"] == 1
