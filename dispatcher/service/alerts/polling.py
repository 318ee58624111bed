"""Polling a watched feed: its list, then the alerts that are new in it, each judged and taken in.

Rules (reference: cap 3.8)
  1. What an entry says is a hint; the alert is fetched from its address, on the feed's hosts only.
  2. A list that did not change is not sent again (ETag, Last-Modified), an alert that was taken is not fetched again.
  3. One bad entry is a fault in words, and the others go on. A poll has one time limit for all it fetches.
  4. Whoever is on call is told once of what opened, of what changed and of what is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dispatcher.cap.feed import Entry, Listed, read_list
from dispatcher.cap.report import Unreadable, Verdict
from dispatcher.cap.validate import validate
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.lifecycle import Standing
from dispatcher.domain.people import DeploymentKind, Role
from dispatcher.domain.statement import Mode
from dispatcher.service import notices
from dispatcher.service.alerts import intake
from dispatcher.service.alerts.feeds import EVERY_S, Feed, Watched, watched
from dispatcher.service.alerts.fetching import NOT_MODIFIED, Fetcher
from dispatcher.service.alerts.intake import Arrival
from dispatcher.service.desk import Desk
from dispatcher.store import cap_feeds

TOTAL_S = 30.0
"""The time for one poll of one feed, whatever it lists."""

MOST_FETCHED = 50
"""Alerts that one poll fetches; the others come with the next."""

MOST_FAULTS = 20
RELAY = "relay"
"""Who takes an alert in from a feed."""

_NEWS: Mapping[str, str] = {
    Standing.OPENED: "An alert proposes an incident",
    Standing.ATTACHED: "An alert changes an incident",
    Standing.HELD: "An alert is held for a person",
}


@dataclass
class Polled:
    """How a poll went. ``values`` are what changed of the feed's row; ``taken`` the alerts that are new."""

    feed: Feed
    faults: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    taken: list[Any] = field(default_factory=list)


async def turn(desk: Desk, mode: Mode) -> list[Polled]:
    """Poll every feed of a mode that is due, all at once. Raises Unavailable where the database is away."""
    listed = await asyncio.to_thread(watched, desk.settings.root)
    due = await asyncio.to_thread(_due, desk, mode, listed)
    feeds = [(feed, due[feed.name]) for feed in listed.feeds if feed.mode is mode and feed.name in due]
    polled = await asyncio.gather(*(_poll(desk, feed, row) for feed, row in feeds))
    for one in polled:
        await asyncio.to_thread(_record, desk, one)
    return list(polled)


def _due(desk: Desk, mode: Mode, listed: Watched) -> dict[str, Any]:
    """Those that are due. What cannot be used is said in every mode: nobody knows which it was meant for."""
    faults = listed.faults or {}
    every = {feed.name: feed.every_s for feed in listed.feeds if feed.mode is mode} | dict.fromkeys(faults, EVERY_S)
    with desk.store.read() as work:
        rows = cap_feeds.rows(work, str(mode))
        if {row.name: row.every_s for row in rows} == every and all(row.due_at > work.now for row in rows):
            return {}
    with desk.store.write() as work:
        cap_feeds.keep(work, str(mode), every)
        taken = {row.name: row for row in cap_feeds.take(work, str(mode), every)}
        for name in faults.keys() & taken.keys():
            cap_feeds.put(work, str(mode), name, [faults[name]])
    return taken


async def _poll(desk: Desk, feed: Feed, row: Any) -> Polled:
    polled = Polled(feed)
    is_test = desk.settings.kind is DeploymentKind.TEST
    try:
        async with asyncio.timeout(TOTAL_S), Fetcher(feed.hosts, is_test=is_test) as fetcher:
            await _fetch_all(desk, fetcher, polled, row)
    except TimeoutError:
        polled.faults.insert(0, f"the poll took more than {TOTAL_S:g} s: what it did not reach comes with the next")
    return polled


async def _fetch_all(desk: Desk, fetcher: Fetcher, polled: Polled, row: Any) -> None:
    feed, headers = polled.feed, {"If-None-Match": row.etag, "If-Modified-Since": row.modified}
    try:
        answer = await fetcher.get(feed.url, {name: value for name, value in headers.items() if value})
        if answer.status == NOT_MODIFIED:
            polled.values["ok_at"] = desk.now()
            return
        listed = await _listed(desk, polled, answer.body)
    except DispatcherError as error:
        polled.faults.append(error.message)
        return
    polled.values["ok_at"] = desk.now()
    polled.faults += listed.faults
    before = set(row.found["seen"])
    fresh = [entry for entry in _newest_last(listed.entries) if entry.mark not in before]
    done = {entry.mark for entry in listed.entries} & before
    polled.values["seen"] = sorted(done)
    for entry in fresh[:MOST_FETCHED]:
        if await _take(desk, fetcher, polled, entry):
            done.add(entry.mark)
            polled.values["seen"] = sorted(done)
    if len(done) == len({entry.mark for entry in listed.entries}):  # else the same list is wanted again
        said = {"etag": answer.headers.get("ETag", ""), "modified": answer.headers.get("Last-Modified", "")}
        polled.values |= {name: value[:500] for name, value in said.items()}
    else:
        polled.values |= {"etag": "", "modified": ""}


async def _listed(desk: Desk, polled: Polled, data: bytes) -> Listed:
    """The list; nothing to fetch where the address answers with one alert, which is taken, or with anything else."""
    try:
        return await asyncio.to_thread(read_list, data, polled.feed.url)
    except Unreadable as error:
        if (await asyncio.to_thread(validate, data)).verdict is Verdict.OK:
            await _arrived(desk, polled, data, polled.feed.url)
            return Listed((), ())
        return Listed((), tuple(str(fault) for fault in error.faults))


def _newest_last(entries: Iterable[Entry]) -> Sequence[Entry]:
    """Lists begin with the newest; what an Update refers to should be known before it."""
    return list(dict.fromkeys(reversed(list(entries))))


async def _take(desk: Desk, fetcher: Fetcher, polled: Polled, entry: Entry) -> bool:
    """Fetch one alert and take it in; whether it need not be fetched again."""
    try:
        answer = await fetcher.get(entry.address)
    except DispatcherError as error:
        polled.faults.append(error.message)
        return False
    await _arrived(desk, polled, answer.body, entry.address)
    return True


async def _arrived(desk: Desk, polled: Polled, data: bytes, address: str) -> None:
    feed = polled.feed
    arrival = Arrival(data, feed.name, address, feed.mode, feed.profile)
    taken = await asyncio.to_thread(intake.take, desk, arrival, RELAY)
    if taken.row is None:
        polled.faults.append(f"{address}: {'; '.join(map(str, taken.report.faults[:3]))}")
    elif taken.new:
        polled.taken.append(taken.row)


def _record(desk: Desk, polled: Polled) -> None:
    with desk.store.write() as work:
        cap_feeds.put(work, str(polled.feed.mode), polled.feed.name, polled.faults[:MOST_FAULTS], **polled.values)
    for row in polled.taken:
        if row.standing in _NEWS:
            people = notices.holding(desk, Role.DUTY_DIRECTOR, Role.OPS)
            body = f"From {row.source}, {row.msg_type}\nLook: dispatcher cap show {row.id}"
            notices.tell(desk, polled.feed.mode, people, _NEWS[row.standing], body, incident=row.incident)
