"""What goes wrong around a fan-out: a second ``up``, a killed Redis, killed roles. Nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from dispatcher.domain.statement import Mode
from tests.e2e.deployment import BOTH, LIST_SIZE, Cleared, Deployment
from tests.servers import until

pytestmark = pytest.mark.system

UNREACHABLE = 9
NAMES = ("x-city", "bluesky-city", "sms-city")


@pytest.fixture(scope="module")
def site(empty: Deployment) -> Iterator[Deployment]:
    """Three accounts and a list, and the roles running."""
    for channel, name in zip(("x", "bluesky", "notify"), NAMES, strict=True):
        empty.add(channel, name)
    empty.add_list("residents")
    with empty.up(Mode.EXERCISE) as running:
        yield running


def under_way(site: Deployment) -> Cleared:
    """A released plan whose messages are being sent: the text messages' answers take their time."""
    plan = site.cleared(*NAMES, languages=BOTH)
    before = len(site.requests("notify"))
    site.fault(provider="notify", kind="late", delay_s=0.5, times=LIST_SIZE)
    site.release(plan)
    until(lambda: len(site.requests("notify")) > before, "the first text message is under way")
    return plan


def killed(site: Deployment, name: str) -> None:
    """Kill Redis or a role by kill -9, and wait until ``up`` has started it again."""
    before = site.report()
    assert before is not None
    os.kill(before.redis if name == "redis" else before.roles[name], signal.SIGKILL)

    def again() -> bool:
        state = site.report()
        return state is not None and state.restarts[name] > before.restarts[name]

    until(again, f"{name} was started again", 30)


def shown(site: Deployment, plan: Cleared) -> dict[str, int]:
    """How often each platform's public record shows a plan."""
    return {provider: len(site.published(provider, plan.headline)) for provider in ("x", "bluesky", "notify")}


def doubled(site: Deployment) -> dict[str, int]:
    """What stands twice on a public record, by the platforms' own count."""
    return {name: count["doubled"] for name, count in site.journal()["counts"].items() if count["doubled"]}


ONCE_EACH = {"x": 1, "bluesky": 1, "notify": LIST_SIZE}


def test_a_second_up_is_refused_and_changes_nothing(site: Deployment) -> None:
    """It says who is running already, ends with the code of a part that cannot be had, and the first goes on."""
    before = site.report()
    done = site.run("up", "--mode", "exercise")
    assert before is not None
    assert done.returncode == UNREACHABLE
    assert f"is already running: process {before.supervisor} holds" in done.stderr
    assert site.report() == before


def test_redis_killed_during_the_fan_out_loses_nothing(site: Deployment) -> None:
    """Doorbells are lost, deliveries are not: every one is accepted, once."""
    plan = under_way(site)
    killed(site, "redis")
    assert site.ended(plan) == {"accepted": LIST_SIZE + 2}
    assert (shown(site, plan), doubled(site)) == (ONCE_EACH, {})


def test_a_release_goes_out_while_redis_hangs(site: Deployment) -> None:
    """No doorbell rings at all: the lanes look by themselves, and every delivery is accepted meanwhile."""
    state = site.report()
    assert state is not None
    plan = site.cleared(*NAMES, languages=BOTH)
    os.kill(state.redis, signal.SIGSTOP)
    try:
        site.release(plan)
        assert site.ended(plan) == {"accepted": LIST_SIZE + 2}
    finally:
        os.kill(state.redis, signal.SIGCONT)


@pytest.mark.parametrize("role", ["recipients", "relay"])
def test_a_role_killed_during_the_fan_out_loses_and_doubles_nothing(site: Deployment, role: str) -> None:
    """By kill -9: what it was sending is looked up on the platform, and each number got one message."""
    plan = under_way(site)
    killed(site, role)
    assert site.ended(plan) == {"accepted": LIST_SIZE + 2}
    assert (shown(site, plan), doubled(site)) == (ONCE_EACH, {})


def test_every_role_killed_at_once_loses_and_doubles_nothing(site: Deployment) -> None:
    """As after a power cut of the roles' machine."""
    plan = under_way(site)
    state = site.report()
    assert state is not None
    for pid in state.roles.values():
        os.kill(pid, signal.SIGKILL)
    assert site.ended(plan) == {"accepted": LIST_SIZE + 2}
    assert (shown(site, plan), doubled(site)) == (ONCE_EACH, {})
