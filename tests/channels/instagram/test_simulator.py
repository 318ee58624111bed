"""Instagram's far side by itself: what it prepares and refuses, what it tells of a day's posts."""

import pytest

from channels.instagram.simulator import CAPTION_MOST
from channels.meta.simulator import ALT_MOST

ADDRESS = f"https://media.city.example/{'ab' * 32}.jpg"


async def call(line, method, path, **given):
    """One call with the account's own token; returns status and body."""
    graph = line.adapter._graph
    more = {"form": given} if method == "POST" else {"params": given}
    answer = await graph.call(method, path, graph.until(5.0), **more)
    return answer.status, answer.json()


def code(body):
    """Code and subcode of a refusal."""
    return body["error"]["code"], body["error"].get("error_subcode")


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"caption": "Flood"}, (100, None)),
        ({"image_url": ADDRESS, "video_url": "https://a.example/v.mp4"}, (100, None)),
        ({"image_url": ADDRESS, "caption": "#a" * 31}, (100, None)),
        ({"image_url": ADDRESS, "caption": "@a" * 21}, (100, None)),
        ({"image_url": ADDRESS, "caption": "a" * (CAPTION_MOST + 1)}, (36004, 2207010)),
        ({"image_url": ADDRESS, "alt_text": "a" * (ALT_MOST + 1)}, (100, None)),
        ({"image_url": ADDRESS.replace("https", "http")}, (9004, 2207052)),
        ({"image_url": ADDRESS.replace(".jpg", ".png")}, (9004, 2207052)),
        ({"image_url": ADDRESS.replace("ab", "zz")}, (9004, 2207052)),
    ],
)
def test_a_bad_post_is_not_prepared(on_line, given, refused):
    """No picture, a video, too many marks, too long, or an address that the media folder's files cannot have."""

    async def use(line):
        return await call(line, "POST", "3333/media", **given), line.platform.containers

    (status, body), containers = on_line(use)
    assert (status, code(body), containers) == (400, refused, {})


def test_a_container_says_its_status_code(on_line):
    """Under that name, and not under Threads'."""

    async def use(line):
        _, made = await call(line, "POST", "3333/media", image_url=ADDRESS)
        return made, await call(line, "GET", made["id"], fields="status_code")

    made, (status, body) = on_line(use)
    assert (status, body) == (200, {"status_code": "FINISHED", "id": made["id"]})


def test_what_is_used_of_a_day_is_told(on_line, make_job):
    """With the figure that holds."""

    async def use(line):
        await line.send(make_job())
        return await call(line, "GET", "3333/content_publishing_limit", fields="config,quota_usage")

    config = {"quota_total": 50, "quota_duration": 86400}
    assert on_line(use) == (200, {"data": [{"config": config, "quota_usage": 1}]})
