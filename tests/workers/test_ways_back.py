"""What went out is corrected, taken back or ended by one signature, on every channel that can."""

from __future__ import annotations

from collections import Counter

import pytest

from channels.simulator.faults import FaultKind
from channels.simulator.journal import EffectKind
from dispatcher.domain.message import TextKind
from dispatcher.gate.stops import HaltScope
from dispatcher.service import taking_back
from dispatcher.service.taking_back import TakenBack
from dispatcher.store import ways_back
from tests.stage import CHANNELS, Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

LIST = 12


@pytest.fixture
def city(make: Make, redis_url: str, story_url: str) -> Stage:
    """An account on every channel, and a short list of numbers; on either database."""
    stage = make(redis=redis_url, database=story_url)
    for channel in CHANNELS:
        stage.account(channel)
    stage.numbers(LIST, "ward")
    return stage


def order(stage: Stage, plan: str, kind: TextKind) -> TakenBack:
    """One officer signs."""
    return taking_back.take_back(stage.desk, plan, kind, stage.pen("director-1"))


def released(stage: Stage) -> str:
    """A plan that was just released."""
    plan = stage.cleared(lists=["ward"])
    stage.release(plan)
    return plan


def states(stage: Stage, plan: str, kind: str) -> Counter[str]:
    """How many deliveries of one kind are in which state."""
    return Counter(row.state for row in stage.rows(plan) if row.kind == kind)


def changes(stage: Stage, kind: EffectKind) -> Counter[str]:
    """How often the public record changed that way, per provider."""
    return Counter(effect.provider for effect in stage.far.journal.effects if effect.kind is kind)


def test_a_withdrawal_takes_every_post_back_and_leaves_the_rest_to_a_person(city: Stage) -> None:
    """X and Bluesky delete, the webhook is told; text messages cannot be taken back, so one task opens for them."""
    plan = released(city)
    city.work(lambda: city.states(plan)["accepted"] == LIST + 3)
    made = order(city, plan, TextKind.WITHDRAW)
    city.work(lambda: states(city, plan, "withdraw") == {"accepted": 3})
    gone = changes(city, EffectKind.WITHDRAWN)
    assert (made.made, gone["x"], gone["bluesky"], gone["webhook"], gone["notify"]) == (3, 1, 1, 1, 0)
    assert [(task.channel, task.kind, task.done_at) for task in made.tasks] == [("notify", "withdraw", None)]


def test_an_all_clear_may_follow_a_correction(city: Stage) -> None:
    """Each is a text of its own, and reaches everybody whom the message reached, once."""
    plan = released(city)
    city.work(lambda: city.states(plan)["accepted"] == LIST + 3)
    for kind in (TextKind.CORRECT, TextKind.ALL_CLEAR):
        order(city, plan, kind)
        city.work(lambda kind=kind: states(city, plan, kind) == {"accepted": LIST + 3})
    assert (city.published()["notify"], city.doubled()) == (3 * LIST, 0)


def test_what_is_still_under_way_is_followed_once_it_is_public(city: Stage) -> None:
    """What had not begun is cancelled; exactly what turned out to be public is corrected."""
    city.fault("notify", FaultKind.LATE, times=100, delay_s=0.5)
    plan = released(city)

    def ordered() -> bool:
        if not city.far.journal.effects:
            return False
        order(city, plan, TextKind.CORRECT)
        return True

    city.work(ordered, lambda: not open_orders(city, plan) and city.ended(plan))
    public = states(city, plan, "publish")["accepted"]
    assert states(city, plan, "correct") == {"accepted": public}


def open_orders(stage: Stage, plan: str) -> int:
    """Orders of a plan that may still find something to follow."""
    with stage.desk.store.read() as work:
        return sum(way.ended_at is None for way in ways_back.of(work, plan))


def test_a_channel_whose_original_failed_gets_no_correction_and_keeps_no_other_waiting(city: Stage) -> None:
    """There is nothing to correct there."""
    city.fault("webhook", FaultKind.REFUSE, times=50, status=404)
    plan = released(city)
    city.work(lambda: city.ended(plan))
    order(city, plan, TextKind.CORRECT)
    city.work(lambda: states(city, plan, "correct") == {"accepted": LIST + 2})
    assert {row.channel for row in city.rows(plan) if row.kind == "correct"} == {"x", "bluesky", "notify"}


def test_the_way_back_passes_a_halt_of_everything_else(city: Stage) -> None:
    """A halt stops messages, not what mends them."""
    plan = released(city)
    city.work(lambda: city.states(plan)["accepted"] == LIST + 3)
    city.halt(HaltScope.ALL)
    order(city, plan, TextKind.WITHDRAW)
    city.work(lambda: states(city, plan, "withdraw") == {"accepted": 3})
    assert changes(city, EffectKind.WITHDRAWN)["x"] == 1


def test_a_lost_answer_to_a_withdrawal_is_found_out_about(city: Stage) -> None:
    """It took effect; nothing is done twice."""
    plan = released(city)
    city.work(lambda: city.states(plan)["accepted"] == LIST + 3)
    city.fault("x", FaultKind.ACT_THEN_DROP)
    order(city, plan, TextKind.WITHDRAW)
    city.work(lambda: states(city, plan, "withdraw") == {"accepted": 3})
    assert changes(city, EffectKind.WITHDRAWN)["x"] == 1
