"""Threads' far side by itself: what it prepares, publishes, lists and limits."""

from datetime import timedelta

import pytest

from channels.meta.simulator import ALT_MOST
from channels.simulator.faults import FaultKind
from channels.threads.simulator import DELETIONS_A_DAY, TEXT_MOST, counted

ADDRESS = f"https://media.city.example/{'ab' * 32}.png"


async def call(line, method, path, **given):
    """One call with the profile's own token; returns status and body."""
    graph = line.adapter._graph
    more = {"form": given} if method == "POST" else {"params": given}
    answer = await graph.call(method, path, graph.until(5.0), **more)
    return answer.status, answer.json()


def code(body):
    """Code and subcode of a refusal."""
    return body["error"]["code"], body["error"].get("error_subcode")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"media_type": "TEXT"},
        {"media_type": "IMAGE", "text": "Flood"},
        {"media_type": "TEXT", "text": "a" * (TEXT_MOST + 1)},
        {"media_type": "TEXT", "text": "🌊" * 126},
        {"media_type": "TEXT", "text": "Flood", "auto_publish_text": "true"},
        {"media_type": "TEXT", "text": "Flood", "reply_to_id": "5"},
        {"media_type": "TEXT", "text": "Flood", "image_url": ADDRESS},
        {"media_type": "IMAGE", "image_url": ADDRESS, "alt_text": "a" * (ALT_MOST + 1)},
    ],
)
def test_a_bad_post_is_not_prepared(on_line, given):
    """No text or picture, too long, a shortcut that is not to be taken, a reply to nothing, a picture with a text."""

    async def use(line):
        return await call(line, "POST", "2222/threads", **given), line.platform.containers

    (status, body), containers = on_line(use)
    assert (status, code(body)[0], containers) == (400, 100, {})


def test_a_picture_is_one_of_the_media_folders(on_line):
    """An address that none of its files can have is not fetched."""

    async def use(line):
        given = {"media_type": "IMAGE", "image_url": ADDRESS.replace(".png", ".gif")}
        return await call(line, "POST", "2222/threads", **given)

    status, body = on_line(use)
    assert (status, code(body)) == (400, (9004, 2207052))


def test_a_container_is_published_once(on_line):
    """Then it says so, and is of no use any more."""

    async def use(line):
        _, made = await call(line, "POST", "2222/threads", media_type="TEXT", text="Flood")
        ready = await call(line, "GET", made["id"], fields="status")
        _, post = await call(line, "POST", "2222/threads_publish", creation_id=made["id"])
        _, again = await call(line, "POST", "2222/threads_publish", creation_id=made["id"])
        shown = await call(line, "GET", post["id"], fields="id,text,timestamp")
        return made, ready, await call(line, "GET", made["id"]), code(again), post, shown

    made, ready, done, again, post, shown = on_line(use)
    assert ready == (200, {"status": "FINISHED", "id": made["id"]})
    assert (done[1]["status"], again) == ("PUBLISHED", (24, 2207006))
    assert shown == (200, {"id": post["id"], "text": "Flood", "timestamp": "2026-11-21T12:00:00+0000"})


def test_a_container_lives_a_day(on_line):
    """One that nobody published in time is expired."""

    async def use(line):
        _, made = await call(line, "POST", "2222/threads", media_type="TEXT", text="Flood")
        line.clock.now += timedelta(days=1)
        _, status = await call(line, "GET", made["id"])
        return status["status"], code((await call(line, "POST", "2222/threads_publish", creation_id=made["id"]))[1])

    assert on_line(use) == ("EXPIRED", (24, 2207006))


def test_posts_and_replies_are_listed_apart(on_line, make_job):
    """Each list is newest first."""

    async def use(line):
        first = await line.send(make_job("One"))
        line.noted.clear()
        await line.send(make_job("Two"))
        _, made = await call(line, "POST", "2222/threads", media_type="TEXT", text="Re", reply_to_id=first.reference)
        await call(line, "POST", "2222/threads_publish", creation_id=made["id"])
        return [(await call(line, "GET", f"2222/{edge}"))[1]["data"] for edge in ("threads", "replies")]

    posts, replies = on_line(use)
    assert [post["text"] for post in posts] == ["Two", "One"]
    assert [post["text"] for post in replies] == ["Re"]


def test_a_hundred_deletions_are_a_days(on_line, make_job):
    """The next one is refused, a day later it is not."""

    async def use(line):
        outcome = await line.send(make_job())
        line.platform.deletions += [("2222", line.clock.now)] * DELETIONS_A_DAY
        _, refused = await call(line, "DELETE", outcome.reference)
        line.clock.now += timedelta(days=1, seconds=1)
        return code(refused), await call(line, "DELETE", outcome.reference), outcome.reference

    refused, deleted, reference = on_line(use)
    assert (refused, deleted) == ((9, 2207042), (200, {"success": True, "deleted_id": reference}))


def test_a_throttle_says_how_long_to_wait(on_line, make_job):
    """Code 4, with the minutes until access comes back."""

    async def use(line):
        line.arm(FaultKind.THROTTLE, delay_s=30)
        return await line.send(make_job())

    outcome = on_line(use)
    assert (outcome.code, outcome.retry_after_s, outcome.account_wide) == ("4", 30.0, True)


@pytest.mark.parametrize(
    ("text", "count"), [("ŵ汉", 2), ("🌊", 4), ("👨‍👩‍👧‍👦", 25), ("👍🏽", 8), ("❤️", 6), ("#1", 2)]
)
def test_an_emoji_counts_as_its_bytes(text, count):
    """Counted here apart from what the adapter believes."""
    assert counted(text) == count
