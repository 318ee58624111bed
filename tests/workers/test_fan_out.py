"""The whole way of released plans through the roles themselves, against faulty far sides."""

from __future__ import annotations

from channels.simulator.faults import FaultKind
from tests.stage import CHANNELS, Stage


def test_nothing_is_lost_and_nothing_doubled(stage: Stage) -> None:
    """Drops after and before acting, throttling and 503s: every delivery is accepted, and stands there once."""
    for channel in CHANNELS:
        stage.fault(channel, FaultKind.ACT_THEN_DROP)
        stage.fault(channel, FaultKind.DROP)
        stage.fault(channel, FaultKind.THROTTLE, delay_s=1)
        stage.fault(channel, FaultKind.REFUSE, status=503)
    stage.fault("notify", FaultKind.ACT_THEN_DROP, times=5)
    stage.fault("notify", FaultKind.DROP, times=5)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    assert stage.states(plan) == {"accepted": 63}
    assert stage.published() == {"x": 1, "bluesky": 1, "webhook": 1, "notify": 60}
    assert stage.doubled() == 0
