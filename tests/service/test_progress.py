"""How a released plan comes along: per channel how far, how fast and how long still, and what failed and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.service.progress import Progress, Watcher
from dispatcher.service.releasing import release
from dispatcher.service.submitting import Wish
from tests.office import Office

ACCOUNTS = 4


@pytest.fixture
def plan(office: Office) -> str:
    """A released plan to four webhooks."""
    for number in range(ACCOUNTS):
        office.account("webhook", f"webhook-{number}")
    made = office.approved(wish=Wish())
    release(office.desk, made, office.pen("director-1"))
    return made


def sent(office: Office, plan: str, *accounts: int) -> None:
    """These accounts have it."""
    for number in accounts:
        office.set_state(office.delivery(plan, f"webhook-{number}"), "leased", "sending", "accepted")


def looked(watcher: Watcher, office: Office, seconds: float) -> Progress:
    """A look so many seconds later."""
    office.clock.now += timedelta(seconds=seconds)
    return watcher.look()


def test_the_first_look_counts_from_the_release(office: Office, plan: str) -> None:
    """Two of four in ten seconds: 0.2 a second, and ten seconds still. So it is after a lost terminal."""
    sent(office, plan, 0, 1)
    found = looked(Watcher(office.desk, plan), office, 10)
    (channel,) = found.channels
    assert (channel.reached, channel.left, channel.total) == (2, 2, ACCOUNTS)
    assert (channel.per_s, channel.left_s) == (0.2, 10)
    assert found.sentence == "still sending, 0 of 1 channels done, 2 of 4 out, about 10 s left"


def test_later_the_rate_is_of_the_last_ten_seconds(office: Office, plan: str) -> None:
    """What stood still for a while is not told as if it were fast."""
    watcher = Watcher(office.desk, plan)
    sent(office, plan, 0, 1, 2)
    looked(watcher, office, 1)
    looked(watcher, office, 1)
    for _ in range(3):
        found = looked(watcher, office, 10)
    assert found.channels[0].per_s == 0


def test_where_nothing_has_ended_the_platforms_limits_say_how_long(office: Office, plan: str) -> None:
    """No guess is made of a rate that nobody has seen."""
    found = looked(Watcher(office.desk, plan), office, 5)
    assert found.channels[0].left_s == 1


def test_failures_are_told_with_their_reasons(office: Office, plan: str) -> None:
    """Channel, state, reason and number; a failure is not left for a machine."""
    sent(office, plan, 0, 1)
    office.set_state(office.delivery(plan, "webhook-2"), "leased", "sending", "rejected", reason="too_long")
    office.set_state(office.delivery(plan, "webhook-3"), "leased", "held", reason="ambiguous")
    found = looked(Watcher(office.desk, plan), office, 1)
    told = [(one.state, one.reason, one.count) for one in found.failures]
    assert sorted(told) == [("held", "ambiguous", 1), ("rejected", "too_long", 1)]
    assert found.left == 0
    assert found.sentence == "ended, 1 of 1 channels done, 2 of 4 out, 2 failed or held"
