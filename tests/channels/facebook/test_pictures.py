"""Pictures on a Page: unpublished until the one post that shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from channels.contract import Account, Content, Verdict
from channels.facebook.adapter import Adapter
from tests.pictured import ALT, DIGESTS, PICTURES, pictured

Run = Callable[..., Any]


def test_one_post_shows_them_all(on_line: Run, make_job: Callable[..., Any]) -> None:
    """In order, each with its text; no photo is a post of its own."""

    async def use(line: Any) -> None:
        assert (await line.send(pictured(make_job()))).verdict is Verdict.ACCEPTED
        assert [effect.media for effect in line.far.journal.effects] == [DIGESTS]
        assert [photo.text for photo in line.platform.photos.values()] == list(ALT)

    on_line(use)


def test_a_picture_that_is_refused_is_not_left_out(on_line: Run, make_job: Callable[..., Any]) -> None:
    """The post is rejected with it, saying why."""

    async def use(line: Any) -> None:
        job = pictured(make_job())
        spoilt = replace(job, media={**job.media, PICTURES[1].digest: b"no picture"})
        outcome = await line.send(spoilt)
        assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "100.1366046")
        assert line.far.journal.effects == []

    on_line(use)


def test_a_post_with_pictures_has_no_preview_of_its_link(content: Content, make_job: Callable[..., Any]) -> None:
    """Facebook shows one or the other; the link stays in the text."""
    media = pictured(make_job()).rendering.media
    account = Account("a1", "facebook", "City", ("en",), {"page_id": "1"})
    rendering = Adapter.render(replace(content, media=media), account)
    assert "link" not in rendering.options
    assert "https://city.example/flood" in rendering.parts[0].text
    assert rendering.media == media
