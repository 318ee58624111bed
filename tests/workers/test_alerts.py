"""The relay watches feeds: from a list on a server to a proposed incident, on either database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.service.alerts import feeds, waiting
from dispatcher.service.desk import Desk
from dispatcher.store import cap_alerts, records
from tests.cap.conftest import CapBuilder
from tests.service.alerts.serving import serving
from tests.workers.conftest import Make
from workers.alerts import watch_feeds
from workers.pausing import rounds


def test_the_relay_takes_in_what_a_feed_lists(make: Make, story_url: str) -> None:
    """Two relays at once take it in once."""
    stage, cap, now = make(database=story_url, timing={"poll_ms": 20}), CapBuilder(), datetime.now(UTC)
    sent, expires = (f"{moment:%Y-%m-%dT%H:%M:%S}-00:00" for moment in (now, now + timedelta(hours=6)))
    with serving() as source:
        source.lists("1.xml")
        source.pages["/1.xml"] = cap.alert(cap.info(expires=expires), sent=sent)
        table = f'[feed.rivers]\nurl = "{source.address}/feed.atom"\nprofile = "open"\nmode = "exercise"\n'
        (stage.desk.settings.root / feeds.FILE).write_text(table)
        asyncio.run(_until_taken(stage.desk))
        assert source.asked == ["/feed.atom", "/1.xml"]
    with stage.desk.store.read() as work:
        (row,) = cap_alerts.listed(work)
        assert records.incident(work, row.incident).state == "proposed"


async def _until_taken(desk: Desk) -> None:
    stopping = asyncio.Event()

    async def look() -> None:
        if await asyncio.to_thread(_taken, desk):
            stopping.set()

    async with asyncio.timeout(20):
        relays = (watch_feeds(desk, Mode.EXERCISE, stopping) for _ in range(2))
        await asyncio.gather(*relays, rounds(stopping, look, 10, print))


def _taken(desk: Desk) -> bool:
    with desk.store.read() as work:
        return bool(cap_alerts.listed(work))


@pytest.mark.parametrize("text", ["not toml", '[feed.x]\nurl = 1\nmode = "live"'])
def test_a_broken_file_ends_no_relay(make: Make, text: str) -> None:
    """It is said in the alarms, and the relay goes on."""
    stage = make(timing={"poll_ms": 20})
    (stage.desk.settings.root / feeds.FILE).write_text(text)

    async def turns() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, stopping.set)
        await watch_feeds(stage.desk, Mode.EXERCISE, stopping)

    asyncio.run(turns())
    with stage.desk.store.read() as work:
        assert [one.what for one in waiting.found(work)] == ["failing"]
