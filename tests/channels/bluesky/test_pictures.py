"""Pictures on Bluesky: the record names them by their bytes, so an upload that came out otherwise is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.bluesky import wire
from channels.bluesky.adapter import Adapter
from channels.bluesky.simulator import BlueskySimulator
from channels.contract import Seen, Verdict
from channels.simulator.server import Simulator
from tests.channels.bluesky.test_adapter import NOON, answer, job, note, on_bluesky
from tests.pictured import ALT, DIGESTS, pictured

JOB = pictured(job())
MEDIUM = JOB.rendering.media[0]


def test_the_record_names_pictures_by_their_bytes() -> None:
    """It is written without an upload's answer, and so is the same on every attempt."""
    embed = wire.record(JOB)["embed"]
    assert embed["$type"] == "app.bsky.embed.images"
    assert [image["alt"] for image in embed["images"]] == list(ALT)
    assert embed["images"][0]["image"] == wire.blob(MEDIUM)
    assert embed["images"][0]["aspectRatio"] == {"width": 64, "height": 64}


def test_a_blobs_name_is_a_cid_of_raw_bytes() -> None:
    """As every implementation writes the digest of the empty text: version 1, raw, SHA-256, in base32."""
    empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    link = wire.blob(replace(MEDIUM, digest=empty))["ref"]["$link"]
    assert link == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_the_pictures_are_there_before_the_record() -> None:
    """What the public repository shows are the bytes that were signed."""

    async def work(far: Simulator, _pds: BlueskySimulator, bluesky: Adapter) -> None:
        assert (await bluesky.send(JOB, note)).verdict is Verdict.ACCEPTED
        routes = [arrival.route for arrival in far.journal.arrivals]
        assert routes == ["session", "upload", "upload", "publish"]

    assert on_bluesky(work).journal.effects[0].media == DIGESTS


@pytest.mark.parametrize(
    ("status", "body", "verdict", "code"),
    [
        (200, {"blob": {**wire.blob(MEDIUM), "size": 1}}, Verdict.REJECTED, "blob_altered"),
        (200, {}, Verdict.DEFERRED, "http_200"),
        (400, {"error": "BlobTooLarge"}, Verdict.REJECTED, "BlobTooLarge"),
        (429, {"error": "RateLimitExceeded"}, Verdict.DEFERRED, "RateLimitExceeded"),
        (502, "<html>", Verdict.DEFERRED, "http_502"),
    ],
)
def test_what_each_answer_to_an_upload_means(status: int, body: object, verdict: Verdict, code: str) -> None:
    """Nothing is in doubt, for nothing is published by it."""
    outcome = wire.uploaded(answer(status, body), MEDIUM, NOON)
    assert outcome is not None
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_an_upload_that_came_out_as_sent_lets_the_record_be_written() -> None:
    """By its very name, form and size."""
    assert wire.uploaded(answer(200, {"blob": wire.blob(MEDIUM)}), MEDIUM, NOON) is None


def test_a_record_with_other_pictures_is_altered() -> None:
    """Though its text is the same."""
    shown = {"value": {**wire.record(JOB), "embed": None}}
    assert wire.read(answer(200, shown), JOB.rendering).seen is Seen.ALTERED
    assert wire.read(answer(200, {"value": wire.record(JOB)}), JOB.rendering).seen is Seen.VISIBLE
    assert wire.read(answer(200, {"value": wire.record(job())}), job().rendering).seen is Seen.VISIBLE
