"""The simulated TikTok is as strict as the documented one (reference: platforms 1.14)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web

from channels.conformance.bench import HandClock
from channels.http import Answer, Http, HttpPolicy
from channels.simulator.server import Simulator
from channels.tiktok.simulator import CLIENT_KEY, CLIENT_SECRET, TikTokSimulator
from tests.channels.tiktok.machine import PICTURE

T = TypeVar("T")
POST = "/v2/post/publish"
INFO = {
    "description": "River rising",
    "privacy_level": "SELF_ONLY",
    "disable_comment": True,
    "brand_content_toggle": False,
    "brand_organic_toggle": False,
}
FILM = {"source": "FILE_UPLOAD", "video_size": 12_000_000, "chunk_size": 5_000_000, "total_chunk_count": 2}


class Client:
    """A client with a token, and the far side that it talks to."""

    def __init__(self, far: Simulator, http: Http, time: HandClock) -> None:
        self.far, self.http, self.time = far, http, time
        self.url = far.address("tiktok")
        self.token = ""

    async def log_in(self, **changes: str) -> Answer:
        """Trade the refresh token for an access token."""
        form = {"client_key": CLIENT_KEY, "client_secret": CLIENT_SECRET, "grant_type": "refresh_token"}
        form |= {"refresh_token": "refresh-council", **changes}
        answer = await self.http.request("POST", f"{self.url}/v2/oauth/token/", form=form, timeout_s=5)
        self.token = (answer.json() or {}).get("access_token", "")
        return answer

    async def ask(self, path: str, body: Any = None) -> tuple[int, str, dict[str, Any]]:
        """Status, code and data of one call."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.http.request("POST", self.url + path, headers=headers, json=body or {}, timeout_s=5)
        said = json.loads(answer.body)
        return answer.status, said["error"]["code"], said["data"]

    async def pictures(self, *urls: str, **info: Any) -> tuple[int, str, dict[str, Any]]:
        """Post the pictures at these addresses."""
        source = {"source": "PULL_FROM_URL", "photo_images": list(urls), "photo_cover_index": 0}
        told = {name: value for name, value in {**INFO, **info}.items() if value is not None}
        body = {"media_type": "PHOTO", "post_mode": "DIRECT_POST", "post_info": told, "source_info": source}
        return await self.ask(f"{POST}/content/init/", body)

    async def film(self, **source: Any) -> tuple[int, str, dict[str, Any]]:
        """Begin a draft of a video."""
        return await self.ask(f"{POST}/inbox/video/init/", {"source_info": {**FILM, **source}})

    async def put(self, url: str, start: int, end: int) -> int:
        """Put the bytes ``[start, end)`` of the video; the answer's status."""
        headers = {"Content-Range": f"bytes {start}-{end - 1}/12000000", "Content-Type": "video/mp4"}
        sent = await self.http.request("PUT", url, headers=headers, data=bytes(end - start), timeout_s=5)
        return sent.status


def against(work: Callable[[Client], Awaitable[T]]) -> T:
    """Run a test's work with a client that has logged in."""

    async def main() -> T:
        time = HandClock()
        async with Simulator([TikTokSimulator], clock=time) as far:
            host = far.address("tiktok").split("/")[2]
            http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
            client = Client(far, http, time)
            await client.log_in()
            try:
                return await work(client)
            finally:
                await http.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("creator_info/query", 20),
        ("content/init", 6),
        ("video/init", 6),
        ("inbox/video/init", 6),
        ("status/fetch", 30),
    ],
)
def test_each_call_has_a_window_of_a_minute(path: str, most: int) -> None:
    """One call more is too many; a minute later it is not."""

    async def work(client: Client) -> None:
        statuses = [(await client.ask(f"{POST}/{path}/"))[0] for _ in range(most + 1)]
        assert [status == 429 for status in statuses] == [*[False] * most, True]
        client.time.pass_s(60)
        assert (await client.ask(f"{POST}/{path}/"))[0] != 429

    against(work)


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"client_secret": "no"}, "invalid_client"), ({"refresh_token": "no"}, "invalid_grant")],
)
def test_a_wrong_login_is_refused_flat(changes: dict[str, str], error: str) -> None:
    """OAuth answers have another shape than all others."""

    async def work(client: Client) -> None:
        answer = await client.log_in(**changes)
        assert (answer.status, (answer.json() or {})["error"]) == (400, error)

    against(work)


def test_a_refresh_answers_with_another_refresh_token_and_spends_the_first() -> None:
    """Whoever keeps the newest goes on; nobody else does."""

    async def work(client: Client) -> None:
        first = (await client.log_in(refresh_token="refresh-other")).json() or {}
        second = (await client.log_in(refresh_token=first["refresh_token"])).json() or {}
        assert first["refresh_token"] != second["refresh_token"]
        assert (second["open_id"], second["expires_in"]) == ("other", 86_400)
        spent = (await client.log_in(refresh_token=first["refresh_token"])).json() or {}
        assert spent["error"] == "invalid_grant"

    against(work)


def test_a_token_lives_a_day() -> None:
    """Then it is invalid."""

    async def work(client: Client) -> None:
        client.time.pass_s(86_400)
        assert (await client.ask(f"{POST}/creator_info/query/"))[:2] == (401, "access_token_invalid")

    against(work)


@pytest.mark.parametrize(
    "info",
    [
        {"disable_comment": None},
        {"brand_content_toggle": None},
        {"brand_organic_toggle": "no"},
        {"description": "a" * 4_001},
        {"description": "🌊" * 2_001},
        {"title": "a" * 91},
    ],
)
def test_a_post_that_says_too_little_or_too_much_is_refused(info: dict[str, Any]) -> None:
    """Flags are said, and texts counted in UTF-16 units."""

    async def work(client: Client) -> None:
        assert (await client.pictures("https://media.example/a.jpg", **info))[:2] == (400, "invalid_param")

    against(work)


@pytest.mark.parametrize("level", [None, "EVERYBODY", "FOLLOWER_OF_CREATOR"])
def test_a_privacy_level_that_is_not_offered_is_refused(level: str | None) -> None:
    """None is one of those."""

    async def work(client: Client) -> None:
        said = await client.pictures("https://media.example/a.jpg", privacy_level=level)
        assert said[:2] == (403, "privacy_level_option_mismatch")

    against(work)


@pytest.mark.parametrize("count", [0, 36])
def test_a_post_has_one_to_35_pictures(count: int) -> None:
    """No more, no less."""

    async def work(client: Client) -> None:
        assert (await client.pictures(*["https://media.example/a.jpg"] * count))[:2] == (400, "invalid_param")

    against(work)


@pytest.mark.parametrize(
    ("data", "state", "reason"),
    [(PICTURE.data, "PUBLISH_COMPLETE", None), (b"\x89PNG", "FAILED", "file_format_check_failed")],
)
def test_pictures_are_fetched_from_their_addresses(
    tmp_path: Path, data: bytes, state: str, reason: str | None
) -> None:
    """From any server; a PNG fails, though the post was taken."""
    (tmp_path / "a.jpg").write_bytes(data)

    async def work(client: Client) -> None:
        app = web.Application()
        app.router.add_static("/", tmp_path)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            status, code, data = await client.pictures(f"http://127.0.0.1:{runner.addresses[0][1]}/a.jpg")
        finally:
            await runner.cleanup()
        assert (status, code) == (200, "ok")
        _, _, said = await client.ask(f"{POST}/status/fetch/", data)
        assert (said["status"], said.get("fail_reason")) == (state, reason)

    against(work)


def test_a_picture_that_nobody_serves_fails_the_post() -> None:
    """Later, as TikTok would say it: the post itself was taken."""

    async def work(client: Client) -> None:
        _, _, data = await client.pictures("http://127.0.0.1:1/a.jpg")
        _, _, said = await client.ask(f"{POST}/status/fetch/", data)
        assert (said["status"], said["fail_reason"]) == ("FAILED", "photo_pull_failed")

    against(work)


@pytest.mark.parametrize(
    "source",
    [
        {"total_chunk_count": 3},
        {"total_chunk_count": 1},
        {"chunk_size": 4_999_999},
        {"chunk_size": 67_108_865, "video_size": 70_000_000, "total_chunk_count": 1},
        {"video_size": 0, "total_chunk_count": 0},
        {"video_size": "12000000"},
        {"source": "PULL_FROM_URL"},
    ],
)
def test_a_file_that_is_cut_wrong_is_refused(source: dict[str, Any]) -> None:
    """The count is rounded down, and chunks have their bounds."""

    async def work(client: Client) -> None:
        assert (await client.film(**source))[:2] == (400, "invalid_param")

    against(work)


def test_chunks_arrive_in_order_and_the_last_ends_it() -> None:
    """206 while more is wanted, 201 at the end; a draft waits in the inbox then."""

    async def work(client: Client) -> None:
        _, _, data = await client.film()
        url = data["upload_url"]
        assert await client.put(url, 5_000_000, 12_000_000) == 416
        assert await client.put(url, 0, 4_000_000) == 400
        assert await client.put(url, 0, 5_000_000) == 206
        assert await client.put(url, 0, 5_000_000) == 416
        assert await client.put(url, 5_000_000, 12_000_000) == 201
        _, _, said = await client.ask(f"{POST}/status/fetch/", {"publish_id": data["publish_id"]})
        assert (said["status"], said["uploaded_bytes"]) == ("SEND_TO_USER_INBOX", 12_000_000)
        assert not client.far.journal.effects

    against(work)


def test_an_upload_address_lives_an_hour_and_is_a_secret() -> None:
    """403 after it, 404 for a guess."""

    async def work(client: Client) -> None:
        _, _, data = await client.film()
        assert await client.put(data["upload_url"].partition("?")[0], 0, 5_000_000) == 404
        client.time.pass_s(3_600)
        assert await client.put(data["upload_url"], 0, 5_000_000) == 403

    against(work)


def test_a_publish_id_is_its_accounts_own() -> None:
    """Another's token is refused, and so is an id that never was."""

    async def work(client: Client) -> None:
        _, _, data = await client.film()
        await client.log_in(refresh_token="refresh-another")
        asked = {"publish_id": data["publish_id"]}
        assert (await client.ask(f"{POST}/status/fetch/", asked))[
            1
        ] == "token_not_authorized_for_specified_publish_id"
        assert (await client.ask(f"{POST}/status/fetch/", {"publish_id": "x"}))[1] == "invalid_publish_id"

    against(work)


def test_fifteen_posts_are_a_day() -> None:
    """Then TikTok takes the account for a spammer; a day later it does not."""

    async def work(client: Client) -> None:
        tiktok = client.far.provider("tiktok")
        tiktok.media["a"] = PICTURE.data
        codes = []
        for _ in range(16):
            codes.append((await client.pictures("https://media.example/a.jpg"))[1])
            client.time.pass_s(60)
        assert codes == [*["ok"] * 15, "spam_risk_too_many_posts"]

    against(work)
