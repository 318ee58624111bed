"""Live messages: what a viewer is sent, when, and what it costs; asked for as raw HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from dispatcher.sender_bootstrap import now
from dispatcher.service.desk import Desk
from dispatcher.service.operating.values import Tone
from ops.console import limits, streams
from ops.console.limits import Limits, TooMany
from ops.console.signing_in.cookies import SIGNED_IN
from tests.ops.console.seen import EMPTY, Scripted, channel, incident
from tests.ops.console.served import Served, deployment_at, served, signed_in
from tests.servers import until

VIEWERS = 500
SESSIONS = VIEWERS // limits.PER_SESSION
ALL_WITHIN_S = 10.0
"""Generous: two cores may be shared with other tests. The bench says how long it takes."""


@pytest.fixture
def fresh(tmp_path) -> Iterator[tuple[Served, Scripted]]:
    """A console of its own for what counts looks or streams."""
    looks = Scripted(replace(EMPTY, incidents=(incident(channel("x", "not released", Tone.NOTHING)),)), now)
    with served(deployment_at(tmp_path / "deployment"), looks, rest_s=0.1) as console:
        yield console, looks


@asynccontextmanager
async def stream(console: Served, page: str = "now", cookie: str = "", last: str = "") -> AsyncIterator[Any]:
    """One open stream: yields its status and a callable that waits for the next message."""
    host, port = console.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**22)
    asked = [f"GET /events?page={page} HTTP/1.1", f"Host: {host}:{port}"]
    asked += [f"Cookie: {SIGNED_IN}={cookie or console.cookie}"]
    asked += [f"Last-Event-ID: {last}"] if last else []
    writer.write(("\r\n".join(asked) + "\r\n\r\n").encode())
    status = int((await reader.readline()).split()[1])
    while (await reader.readline()).strip():
        pass

    async def message() -> dict[str, Any]:
        while not (line := await reader.readline()).startswith(b"data: "):
            assert line, "the stream ended"
        return json.loads(line[6:])

    try:
        yield status, message
    finally:
        writer.close()


def said(message: dict[str, Any]) -> str:
    """All fragments of a message."""
    return " ".join(message.get("fragments", {}).values())


def test_a_stream_begins_with_how_things_are_and_goes_on_with_what_changes(fresh: tuple[Served, Scripted]) -> None:
    """Every fragment first, and then only those that changed."""
    console, looks = fresh

    async def watched() -> tuple[dict[str, Any], dict[str, Any]]:
        async with stream(console) as (_status, message):
            first = await message()
            looks.put(replace(EMPTY, incidents=(incident(channel("x", "live since 14:03:07", Tone.DONE)),)))
            return first, await message()

    first, second = asyncio.run(watched())
    assert set(first["fragments"]) == {"marks", "attention-count", "incidents", "queues", "first-matters"}
    assert set(second["fragments"]) == {"incidents"}
    assert "live since 14:03:07" in said(second)


def test_whoever_comes_back_is_sent_what_changed_meanwhile(fresh: tuple[Served, Scripted]) -> None:
    """By the id of the last message, however long ago that was; an id of another process gets everything."""
    console, looks = fresh

    async def heard(last: str = "") -> dict[str, Any]:
        async with stream(console, last=last) as (_status, message):
            return await message()

    first = asyncio.run(heard())
    assert "fragments" not in asyncio.run(heard(first["id"]))
    looks.put(replace(EMPTY, incidents=()))
    until(lambda: "No incident is open" in console.get("/").text, "the change is seen")
    back = asyncio.run(heard(first["id"]))
    assert set(back["fragments"]) == {"incidents", "marks"}
    assert len(asyncio.run(heard("ffffffff-99"))["fragments"]) == 5


def test_polling_gives_the_same_messages(fresh: tuple[Served, Scripted]) -> None:
    """For whoever has no stream."""
    console, _looks = fresh
    first = json.loads(console.get("/fragments?page=now").text)
    again = json.loads(console.get(f"/fragments?page=now&since={first['id']}").text)
    assert "incidents" in first["fragments"]
    assert again["id"] == first["id"]
    assert "fragments" not in again


def test_time_that_goes_by_is_no_change(fresh: tuple[Served, Scripted]) -> None:
    """Ages are counted on by the page itself."""
    console, looks = fresh
    looks.put(replace(EMPTY, incidents=(incident(channel("x", "so", Tone.WAITING, unreached_since=now())),)))
    id_ = until(lambda: "not yet public" in (got := console.get("/fragments?page=now").text) and json.loads(got)["id"],
                "it is shown")  # fmt: skip
    began = console.console.live.looks
    until(lambda: console.console.live.looks > began + 12, "more than a second of looks")
    assert json.loads(console.get(f"/fragments?page=now&since={id_}").text)["id"] == id_


def test_a_database_that_is_away_is_said_and_what_was_seen_stays(fresh: tuple[Served, Scripted]) -> None:
    """Readiness goes by the age of the last look; live pages say since when."""
    console, looks = fresh
    looks.away = True
    until(lambda: console.console.live.away, "the reader notices")
    told = json.loads(console.get("/fragments?page=now").text)
    assert told["away"] is True
    assert "has not answered since" in console.get("/").text
    looks.away = False
    until(lambda: json.loads(console.get("/fragments?page=now").text)["away"] is False, "it is back")


def test_500_viewers_cost_one_reader_and_one_rendering(fresh: tuple[Served, Scripted]) -> None:
    """All of them have a change soon, and the reader looked no more often than for one."""
    console, looks = fresh
    desk = console.console.desk
    cookies = [signed_in(desk, person) for person in ("ops-1", "director-1") for _ in range((SESSIONS + 1) // 2 + 1)]

    async def all_see() -> tuple[float, int, int]:
        async with asyncio.TaskGroup() as group:
            begun, seen, all_seen = asyncio.Semaphore(0), [], asyncio.Event()

            async def watch(number: int) -> None:
                async with stream(console, cookie=cookies[number % len(cookies)]) as (status, message):
                    assert status == 200
                    await message()
                    begun.release()
                    while "live since 14:03:07" not in said(await message()):
                        pass
                    seen.append(time.monotonic())
                    if len(seen) == VIEWERS:
                        all_seen.set()

            for number in range(VIEWERS):
                group.create_task(watch(number))
            for _ in range(VIEWERS):
                await begun.acquire()
            looked, rendered = console.console.live.looks, console.console.fragments.renderings
            changed = time.monotonic()
            looks.put(replace(EMPTY, incidents=(incident(channel("x", "live since 14:03:07", Tone.DONE)),)))
            await all_seen.wait()
            took = max(seen) - changed
            return took, console.console.live.looks - looked, console.console.fragments.renderings - rendered

    took_s, looked, rendered = asyncio.run(all_see())
    assert took_s < ALL_WITHIN_S
    assert looked <= took_s / 0.1 + 2
    assert rendered <= looked + 1
    until(lambda: console.console.limits.open == 0, "whoever has gone holds no place")


def test_too_many_streams_are_refused_politely_and_pages_go_on_by_polling(fresh: tuple[Served, Scripted]) -> None:
    """503 with when to come back, for one session; another has its own."""
    console, _looks = fresh

    async def crowd() -> tuple[list[int], int]:
        async with asyncio.timeout(20):
            statuses, opened = [], []
            for _ in range(limits.PER_SESSION + 1):
                one = stream(console)
                status, message = await one.__aenter__()
                if status == 200:
                    await message()
                statuses.append(status)
                opened.append(one)
            async with stream(console, cookie=signed_in(console.console.desk, "director-1")) as (other, _):
                pass
            for one in opened:
                await one.__aexit__(None, None, None)
            return statuses, other

    statuses, other = asyncio.run(crowd())
    assert statuses == [200] * limits.PER_SESSION + [503]
    assert other == 200
    assert console.get("/fragments?page=now").status == 200


def test_all_streams_together_have_a_limit_too() -> None:
    """Whatever the sessions."""
    counted = Limits(per_session=2, in_all=3)
    with counted.place("a"), counted.place("a"), counted.place("b"):
        for session in ("a", "b", "c"):
            with pytest.raises(TooMany):
                counted.check(session)
    assert counted.open == 0


def test_a_session_that_ends_ends_its_streams(
    fresh: tuple[Served, Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is told, and loads again to the sign-in."""
    console, _looks = fresh
    monkeypatch.setattr(streams, "ASK_AGAIN_S", 0.0)

    async def told() -> bytes:
        host, port = console.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        asked = (
            f"GET /events?page=now HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {SIGNED_IN}={console.cookie}\r\n\r\n"
        )
        writer.write(asked.encode())
        await reader.readuntil(b"data: ")
        await asyncio.to_thread(_sign_out, console.console.desk, console.cookie)
        rest = await asyncio.wait_for(reader.readuntil(b"signed-out"), 10)
        writer.close()
        return rest

    assert asyncio.run(told()).endswith(b"event: signed-out")


def _sign_out(desk: Desk, cookie: str) -> None:
    from dispatcher.service import sessions

    visitor = sessions.visitor(desk, cookie)
    assert visitor is not None
    sessions.end(desk, visitor)
