"""Posts that stand on our accounts and that nobody of ours made: looked for by the roles, against the simulators."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from channels import registry
from channels.conformance import content
from channels.contract import Job
from channels.http import Http, HttpPolicy
from channels.simulator.faults import FaultKind
from dispatcher.domain.message import TextKind
from dispatcher.sender_bootstrap import now
from dispatcher.service import taking_back, watching
from dispatcher.store.foreign import TIMELINES
from tests.stage import MODE, Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

OFTEN = {"foreign_ms": 100, "poll_ms": 50}
ROLES = ("relay", "accounts")
LISTED = ("x", "bluesky", "mastodon", "facebook")


@pytest.fixture
def city(make: Make, redis_url: str, story_url: str) -> Stage:
    """An account on X, on either database; it is looked at ten times a second."""
    stage = make(redis=redis_url, database=story_url, timing=OFTEN)
    stage.account("x")
    return stage


def post_as_another(stage: Stage, name: str = "x-1") -> str:
    """Post with an account's own credential, past this deployment; returns the post's reference."""
    found = stage.desk.settings.vault(MODE, "accounts").open(name)
    made = registry.adapter(found.account.channel)
    rendering = made.render(content(found.account, more=f" {secrets.token_hex(4)}"), found.account)
    job = Job(secrets.token_hex(8), 1, rendering, now(), timeout_s=5.0)

    async def note(handle: str) -> None:
        del handle

    async def send() -> str:
        policy = HttpPolicy(frozenset({stage.far.url.split("/")[2]}), allow_private=True, https_only=False)
        http = Http(policy)
        try:
            outcome = await made(found.account, found.secrets, http, now).send(job, note)
        finally:
            await http.close()
        assert outcome.reference, outcome
        return outcome.reference

    return asyncio.run(send())


def marked(stage: Stage, count: int = 1) -> bool:
    """Whether so many accounts had their first look."""
    with stage.desk.store.read() as work:
        return len(work.execute(select(TIMELINES.c.account)).all()) == count


def looks(stage: Stage, channel: str = "x") -> int:
    """How often a platform was asked for a list."""
    paths = ("/tweets", "/statuses", "/published_posts", "listRecords")
    arrivals = (one for one in stage.far.journal.arrivals if (one.provider, one.route) == (channel, "read"))
    return sum(one.path.endswith(paths) for one in arrivals)


def looked(stage: Stage, *channels: str) -> Callable[[], bool]:
    """Whether three more looks have begun on each channel since this was first asked: two are written down."""
    before: dict[str, int] = {}

    def so() -> bool:
        return all(looks(stage, name) > before.setdefault(name, looks(stage, name)) + 2 for name in channels)

    return so


def entries(stage: Stage) -> list[tuple[str, str]]:
    """What the ledger has of foreign posts: account and reference."""
    return [(entry["account"], entry["reference"]) for entry in stage.ledger("account.foreign_post")]


def test_a_post_by_somebody_else_raises_one_alarm_and_one_entry(city: Stage) -> None:
    """However often it is looked at; the alarm has the link and what to do, the entry what the public read."""
    city.work(lambda: marked(city), roles=ROLES)
    name = post_as_another(city)
    with capture_logs() as logs:
        city.work(lambda: entries(city), looked(city, "x"), roles=ROLES)
    (entry,) = city.ledger("account.foreign_post")
    assert (entry["account"], entry["reference"], entry["shown"].split()[0]) == ("x-1", name, "EXERCISE")
    with city.desk.store.read() as work:
        (alarm,) = watching.alarms(city.desk, work)
    assert (alarm.alarm, alarm.about) == ("foreign", f"https://x.com/Example on x/status/{name}")
    assert alarm.look == "dispatcher account hold x-1 --reason TEXT"
    (line,) = [one for one in logs if one["event"] == "foreign_post"]
    assert (line["log_level"], line["account"], line["reference"]) == ("warning", "x-1", name)


def test_an_accounts_own_past_is_no_alarm(city: Stage) -> None:
    """What stood there in the second before its first look, or earlier."""
    post_as_another(city)
    later = now() + timedelta(seconds=1)
    city.work(lambda: now() > later, roles=("relay",))
    city.work(lambda: marked(city), looked(city, "x"), roles=ROLES)
    assert entries(city) == []


def test_what_we_sent_is_no_alarm_and_what_others_sent_is(make: Make, redis_url: str) -> None:
    """Posts, corrections and withdrawals of ours; then one of somebody else's on each account."""
    stage = make(redis=redis_url, timing={**OFTEN, "lease_ms": 75_000})
    names = [stage.account(channel) for channel in LISTED]
    plan = stage.cleared()

    def sent(*kinds: TextKind) -> bool:
        return stage.states(plan) == {"accepted": (1 + len(kinds)) * len(LISTED)}

    def order(kind: TextKind) -> Any:
        return taking_back.take_back(stage.desk, plan, kind, stage.pen("director-1"))

    stage.work(
        lambda: marked(stage, len(LISTED)),
        lambda: stage.release(plan),
        sent,
        lambda: order(TextKind.CORRECT),
        lambda: sent(TextKind.CORRECT),
        lambda: order(TextKind.WITHDRAW),
        lambda: sent(TextKind.CORRECT, TextKind.WITHDRAW),
        looked(stage, *LISTED),
        roles=ROLES,
    )
    assert entries(stage) == []
    posts = [(name, post_as_another(stage, name)) for name in names]
    stage.work(lambda: len(entries(stage)) == len(posts), roles=ROLES)
    assert sorted(entries(stage)) == sorted(posts)


def test_a_post_whose_answer_was_lost_is_no_alarm(make: Make, redis_url: str) -> None:
    """Neither while nobody knows what became of it, nor once it is found."""
    stage = make(redis=redis_url, timing={**OFTEN, "quiet_ms": 1_500})
    stage.account("x")
    stage.fault("x", FaultKind.ACT_THEN_DROP)
    plan = stage.cleared()
    told: list[tuple[str, str]] = []
    stage.work(
        lambda: marked(stage),
        lambda: stage.release(plan),
        lambda: stage.states(plan) == {"in_doubt": 1},
        looked(stage, "x"),
        lambda: told.extend(entries(stage)) or stage.states(plan) == {"in_doubt": 1},
        lambda: stage.states(plan) == {"accepted": 1},
        looked(stage, "x"),
        roles=ROLES,
    )
    assert told + entries(stage) == []


def test_a_look_that_fails_is_said_and_is_no_alarm(city: Stage) -> None:
    """The next that works goes back as far, after a new start too: what was posted meanwhile is found."""
    city.work(lambda: marked(city), roles=ROLES)
    city.fault("x", FaultKind.REFUSE, times=1_000, on="read", status=503)
    name = post_as_another(city)
    with capture_logs() as logs:
        city.work(looked(city, "x"), roles=ROLES)
    said = [(one["account"], one["reason"]) for one in logs if one["event"] == "not_listed"]
    assert (said[0], entries(city)) == (("x-1", "X answered 503 instead of the timeline"), [])
    city.far.disarm()
    city.work(lambda: entries(city), roles=ROLES)
    assert entries(city) == [("x-1", name)]
