"""What the public sees of the posts: read back on a schedule, by the role that holds the credential."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from channels.bluesky.simulator import BlueskySimulator
from channels.simulator.faults import FaultKind
from channels.simulator.journal import EffectKind
from channels.x.simulator import XSimulator
from dispatcher.domain.message import TextKind
from dispatcher.service import taking_back, watching
from dispatcher.store.sightings import SIGHTINGS
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

OFTEN = {"read_back_ms": 100, "read_back_most_ms": 100, "poll_ms": 50}
ROLES = ("relay", "accounts")


@pytest.fixture
def watched(make: Make, redis_url: str, story_url: str) -> Stage:
    """An account on X, Bluesky and a webhook, on either database; posts are read back ten times a second."""
    stage = make(redis=redis_url, database=story_url, timing=OFTEN)
    for channel in ("x", "bluesky", "webhook"):
        stage.account(channel)
    return stage


def visible(stage: Stage) -> str:
    """A plan whose posts on X and Bluesky the public sees; a webhook's receiver shows nobody anything."""
    plan = stage.cleared()
    stage.release(plan)
    stage.work(lambda: stage.states(plan) == {"visible": 2, "accepted": 1}, roles=ROLES)
    return plan


def delivery(stage: Stage, plan: str, channel: str, kind: str = "publish") -> Any:
    """One delivery as it stands."""
    return next(row for row in stage.rows(plan) if (row.channel, row.kind) == (channel, kind))


def sighting(stage: Stage, plan: str, channel: str, kind: str = "publish") -> Any:
    """What was seen of it."""
    query = select(SIGHTINGS).where(SIGHTINGS.c.delivery == delivery(stage, plan, channel, kind).id)
    with stage.desk.store.read() as work:
        return work.execute(query).one()


def moves(stage: Stage, plan: str, channel: str) -> list[tuple[str, str, str]]:
    """What the ledger says of an account's post since it was accepted."""
    name = delivery(stage, plan, channel).id
    said = [entry for entry in stage.ledger("delivery.moved") if entry["delivery"] == name and "seen" in entry]
    return [(entry["source"], entry["target"], entry["seen"]) for entry in said]


def looks(stage: Stage, channel: str) -> int:
    """How often a platform was asked for a post."""
    return sum(arrival.route == "read" for arrival in stage.far.journal.arrivals if arrival.provider == channel)


def delete_on_x(stage: Stage) -> None:
    """Somebody deletes the post in the app."""
    x = stage.far.provider("x")
    assert isinstance(x, XSimulator)
    x.posts[0].deleted = True


def alter_on_bluesky(stage: Stage, text: str) -> None:
    """Somebody puts another text there."""
    bluesky = stage.far.provider("bluesky")
    assert isinstance(bluesky, BlueskySimulator)
    ((key, stored),) = bluesky.records.items()
    bluesky.records[key] = replace(stored, record={**stored.record, "text": text})


def order(stage: Stage, plan: str, kind: TextKind) -> None:
    """One officer signs the way back."""
    taking_back.take_back(stage.desk, plan, kind, stage.pen("director-1"))


def test_what_the_public_sees_is_on_record_once(watched: Stage) -> None:
    """However often it is looked at, the ledger has the change and no more."""
    plan = visible(watched)
    before = looks(watched, "x")
    watched.work(lambda: looks(watched, "x") > before + 3, roles=ROLES)
    assert moves(watched, plan, "x") == [("accepted", "visible", "visible")]


def test_a_deleted_post_is_noticed_once(watched: Stage) -> None:
    """It is missing from then on, and nobody is told again at the next look."""
    plan = visible(watched)
    delete_on_x(watched)
    watched.work(lambda: delivery(watched, plan, "x").state == "missing", roles=ROLES)
    before = looks(watched, "x")
    watched.work(lambda: looks(watched, "x") > before + 3, roles=ROLES)
    assert moves(watched, plan, "x")[1:] == [("visible", "missing", "missing")]
    assert delivery(watched, plan, "x").reason == "the post is gone"


def test_a_post_that_is_back_is_visible_again(watched: Stage) -> None:
    """The platform had lost it for a while."""
    plan = visible(watched)
    delete_on_x(watched)
    watched.work(lambda: delivery(watched, plan, "x").state == "missing", roles=ROLES)
    x = watched.far.provider("x")
    assert isinstance(x, XSimulator)
    x.posts[0].deleted = False
    watched.work(lambda: delivery(watched, plan, "x").state == "visible", roles=ROLES)
    assert moves(watched, plan, "x")[-1] == ("missing", "visible", "visible")


def test_an_altered_post_is_noticed_with_what_it_says(watched: Stage) -> None:
    """The exact words are kept: a reviewer wants to know what the public read."""
    plan = visible(watched)
    alter_on_bluesky(watched, "All is well.\nGo out.")
    watched.work(lambda: delivery(watched, plan, "bluesky").state == "missing", roles=ROLES)
    assert sighting(watched, plan, "bluesky").shown == "All is well.\nGo out."
    assert watched.ledger("delivery.moved")[-1]["shown"] == "All is well.\nGo out."


def test_an_altered_post_that_is_then_deleted_is_a_change(watched: Stage) -> None:
    """Its state is the same, what the public sees is not."""
    plan = visible(watched)
    alter_on_bluesky(watched, "All is well.")
    watched.work(lambda: sighting(watched, plan, "bluesky").seen == "altered", roles=ROLES)
    bluesky = watched.far.provider("bluesky")
    assert isinstance(bluesky, BlueskySimulator)
    bluesky.records.clear()
    watched.work(lambda: sighting(watched, plan, "bluesky").seen == "missing", roles=ROLES)
    assert moves(watched, plan, "bluesky")[1:] == [
        ("visible", "missing", "altered"),
        ("missing", "missing", "missing"),
    ]


def test_a_withdrawn_post_is_right_when_it_is_gone(watched: Stage) -> None:
    """The withdrawal is visible; the post it took back is no alarm, before or after."""
    plan = visible(watched)
    order(watched, plan, TextKind.WITHDRAW)
    watched.work(lambda: delivery(watched, plan, "x", "withdraw").state == "visible", roles=ROLES)
    before = looks(watched, "x")
    watched.work(lambda: looks(watched, "x") > before + 3, roles=ROLES)
    assert delivery(watched, plan, "x").state == "visible"
    assert [entry["target"] for entry in watched.ledger("delivery.moved")].count("missing") == 0


def test_a_withdrawal_whose_post_is_still_there_is_noticed(watched: Stage) -> None:
    """The platform said yes and shows the post all the same."""
    plan = visible(watched)
    order(watched, plan, TextKind.WITHDRAW)
    watched.work(lambda: delivery(watched, plan, "x", "withdraw").state == "visible", roles=ROLES)
    x = watched.far.provider("x")
    assert isinstance(x, XSimulator)
    x.posts[0].deleted = False
    watched.work(lambda: delivery(watched, plan, "x", "withdraw").state == "missing", roles=ROLES)
    assert delivery(watched, plan, "x", "withdraw").reason == "the post can still be seen"


def test_a_corrected_post_keeps_being_looked_at_where_the_correction_is_another(watched: Stage) -> None:
    """On X both stand side by side, and either may go missing."""
    plan = visible(watched)
    order(watched, plan, TextKind.CORRECT)
    watched.work(lambda: delivery(watched, plan, "x", "correct").state == "visible", roles=ROLES)
    delete_on_x(watched)
    watched.work(lambda: delivery(watched, plan, "x").state == "missing", roles=ROLES)
    assert delivery(watched, plan, "x", "correct").state == "visible"


def test_a_post_that_was_edited_in_its_place_must_show_the_correction(make: Make, redis_url: str) -> None:
    """The correction answers for it: that the first text is gone is right."""
    stage = make(redis=redis_url, timing={**OFTEN, "lease_ms": 75_000})
    stage.account("mastodon")
    plan = stage.cleared()
    stage.release(plan)
    stage.work(lambda: stage.states(plan) == {"visible": 1}, roles=ROLES)
    order(stage, plan, TextKind.CORRECT)
    stage.work(lambda: delivery(stage, plan, "mastodon", "correct").state == "visible", roles=ROLES)
    before = looks(stage, "mastodon")
    stage.work(lambda: looks(stage, "mastodon") > before + 3, roles=ROLES)
    assert delivery(stage, plan, "mastodon").state == "visible"
    assert len([e for e in stage.far.journal.effects if e.kind is EffectKind.ALTERED]) == 1


def test_a_look_that_cannot_tell_changes_nothing_and_is_kept(watched: Stage) -> None:
    """The platform answers with an error: that is no news of the post, and the reason stands beside what is known."""
    plan = visible(watched)
    watched.fault("x", FaultKind.REFUSE, times=1_000, on="read", status=503)
    watched.work(lambda: sighting(watched, plan, "x").doubt != "", roles=ROLES)
    found = sighting(watched, plan, "x")
    assert (found.seen, found.looked_at > found.seen_at, delivery(watched, plan, "x").state) == (
        "visible",
        True,
        "visible",
    )
    assert len(moves(watched, plan, "x")) == 1


def test_nobody_looks_at_a_list_or_a_channel_that_shows_nothing(watched: Stage) -> None:
    """Recipients are never looked at, nor is a webhook's receiver."""
    watched.account("notify")
    watched.numbers(3)
    plan = watched.cleared(lists=["city"])
    watched.release(plan)
    done = {"visible": 2, "accepted": 4}
    watched.work(lambda: watched.states(plan) == done, roles=(*ROLES, "recipients"))
    with watched.desk.store.read() as work:
        names = set(work.execute(select(SIGHTINGS.c.delivery)).scalars())
    assert names == {delivery(watched, plan, channel).id for channel in ("x", "bluesky")}


def test_a_look_that_its_reader_did_not_live_to_record_is_made_again(watched: Stage) -> None:
    """Whoever took it is gone; its lease is over and another looks."""
    plan = visible(watched)
    delete_on_x(watched)
    with watched.desk.store.write() as work:
        soon = work.now + timedelta(milliseconds=300)
        work.execute(update(SIGHTINGS).values(due_at=soon))
    watched.work(lambda: delivery(watched, plan, "x").state == "missing", roles=ROLES)


def test_a_halt_keeps_nobody_from_looking(watched: Stage) -> None:
    """To read is not to send."""
    plan = visible(watched)
    watched.halt()
    delete_on_x(watched)
    watched.work(lambda: delivery(watched, plan, "x").state == "missing", roles=ROLES)


def test_what_went_missing_is_withdrawn_all_the_same(watched: Stage) -> None:
    """The platform may show it again tomorrow; and the alarm is over, because it is as it should be."""
    plan = visible(watched)
    delete_on_x(watched)
    watched.work(lambda: delivery(watched, plan, "x").state == "missing", roles=ROLES)
    order(watched, plan, TextKind.WITHDRAW)
    watched.work(lambda: delivery(watched, plan, "x", "withdraw").state == "visible", roles=ROLES)
    assert alarms(watched) == []


def alarms(stage: Stage) -> list[tuple[str, str]]:
    """What stands, as status lists it."""
    with stage.desk.store.read() as work:
        return [(alarm.alarm, alarm.about) for alarm in watching.alarms(stage.desk, work)]
