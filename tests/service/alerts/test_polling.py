"""Watched feeds against a real server: what is taken, what is a fault, and what that keeps from nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.service.alerts import feeds, polling, waiting
from dispatcher.service.alerts.polling import Polled
from dispatcher.store import cap_feeds
from tests.service.alerts.conftest import Desk
from tests.service.alerts.serving import Source, serving


@pytest.fixture
def source() -> Iterator[Source]:
    """A server of one's own."""
    with serving() as made:
        yield made


def watch(desk: Desk, *tables: str) -> None:
    """Write ``feeds.toml``."""
    (desk.office.desk.settings.root / feeds.FILE).write_text("\n".join(tables))


def rivers(source: Source, **more: str) -> str:
    """A feed at a source, with an interval of a minute."""
    known = {"url": f'"{source.address}/feed.atom"', "profile": '"open"', "mode": '"exercise"'} | more
    return "[feed.rivers]\n" + "\n".join(f"{name} = {value}" for name, value in known.items())


def poll(desk: Desk, mode: Mode = Mode.EXERCISE) -> Polled:
    """One turn of the relay over one feed that is due."""
    (polled,) = asyncio.run(polling.turn(desk.office.desk, mode))
    return polled


def test_what_a_feed_lists_is_fetched_and_taken_in_once(desk: Desk, source: Source) -> None:
    """A later poll gets nothing again: the list by its tag, the alert by its entry."""
    source.lists("1.xml")
    source.pages["/1.xml"] = desk.alert()
    watch(desk, rivers(source))
    assert [row.standing for row in poll(desk).taken] == ["opened"]
    desk.later()
    assert poll(desk).taken == []
    assert source.asked == ["/feed.atom", "/1.xml", "/feed.atom"]
    assert "If-None-Match" in source.headers[-1]


def test_a_feed_is_polled_when_it_is_due(desk: Desk, source: Source) -> None:
    """Not before its interval has passed."""
    source.lists()
    watch(desk, rivers(source))
    poll(desk)
    assert asyncio.run(polling.turn(desk.office.desk, Mode.EXERCISE)) == []


def test_a_chain_in_one_list_is_taken_oldest_first(desk: Desk, source: Source) -> None:
    """The newest stands first in a list, and refers to what stands after it."""
    first = desk.alert()
    about = f"alerts@wylan.example,wylan-1,{desk.time()}"
    source.lists("2.xml", "1.xml")
    source.pages |= {"/1.xml": first, "/2.xml": desk.alert(2, about=about, msgType="Update", ends=400)}
    watch(desk, rivers(source))
    assert [row.standing for row in poll(desk).taken] == ["opened", "attached"]


def test_people_are_told_once_and_never_the_text(desk: Desk, source: Source) -> None:
    """Only that there is something to look at."""
    source.lists("1.xml")
    source.pages["/1.xml"] = desk.alert()
    watch(desk, rivers(source))
    poll(desk)
    desk.later()
    poll(desk)
    titles = {title for _, title, _ in desk.office.notices}
    assert titles <= {"EXERCISE An alert proposes an incident"}
    assert not any("Wylan" in body for _, _, body in desk.office.notices)


def test_bad_entries_keep_nothing_from_the_others(desk: Desk, source: Source) -> None:
    """Gone, elsewhere, moved, no alert, no link: each is a fault in words."""
    source.lists("gone.xml", "https://elsewhere.example/1.xml", "moved.xml", "page.xml", "", "1.xml")
    source.moved["/moved.xml"] = "/1.xml"
    source.pages |= {"/1.xml": desk.alert(), "/page.xml": b"<html/>"}
    watch(desk, rivers(source))
    polled = poll(desk)
    assert [row.standing for row in polled.taken] == ["opened"]
    told = " | ".join(polled.faults)
    for piece in (
        "status 404",
        "not on this account's list of allowed hosts",
        "it moved",
        "not a CAP alert",
        "entry 5",
    ):
        assert piece in told


def test_what_could_not_be_fetched_is_tried_again(desk: Desk, source: Source) -> None:
    """The list is asked for in whole until everything in it was seen."""
    source.lists("1.xml")
    watch(desk, rivers(source))
    assert poll(desk).taken == []
    source.pages["/1.xml"] = desk.alert()
    desk.later()
    assert [row.standing for row in poll(desk).taken] == ["opened"]


def test_another_host_counts_where_it_is_listed(desk: Desk, source: Source) -> None:
    """``hosts`` names those that alerts may be on besides."""
    with serving() as other:
        source.lists(f"{other.address}/1.xml")
        other.pages["/1.xml"] = desk.alert()
        watch(desk, rivers(source, hosts=f'["{other.address.removeprefix("http://")}"]'))
        assert [row.standing for row in poll(desk).taken] == ["opened"]


def test_an_alert_that_is_too_large_is_a_fault(desk: Desk, source: Source) -> None:
    """It is cut off at the limit, not read to its end."""
    source.lists("1.xml")
    source.pages["/1.xml"] = b" " * 5_000_001
    watch(desk, rivers(source))
    assert "larger than 5000000 bytes" in poll(desk).faults[0]


def test_a_list_that_is_too_large_is_a_fault(desk: Desk, source: Source) -> None:
    """A million bytes are more than any list of alerts."""
    source.pages["/feed.atom"] = b" " * 1_000_001
    watch(desk, rivers(source))
    assert "1000000 at most" in poll(desk).faults[0]


def test_a_slow_source_ends_with_the_polls_time(desk: Desk, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before is kept, and the rest comes with the next poll."""
    monkeypatch.setattr(polling, "TOTAL_S", 0.5)
    source.lists("2.xml", "1.xml")
    source.pages |= {"/1.xml": desk.alert(), "/2.xml": desk.alert(2)}
    source.slow = "/2.xml"
    watch(desk, rivers(source))
    polled = poll(desk)
    assert [row.identifier for row in polled.taken] == ["wylan-1"]
    assert "more than 0.5 s" in polled.faults[0]


def test_an_address_that_answers_with_one_alert_is_as_good_as_a_list(desk: Desk, source: Source) -> None:
    """Some sources publish one file and no list."""
    source.pages["/feed.atom"] = desk.alert()
    watch(desk, rivers(source))
    assert [row.standing for row in poll(desk).taken] == ["opened"]


def test_a_live_feed_opens_nothing_from_a_drill_and_an_exercise_feed_nothing_live(desk: Desk, source: Source) -> None:
    """Each mode's relay polls its own feeds only."""
    source.lists("1.xml")
    source.pages["/1.xml"] = desk.alert(status="Exercise", note="Exercise Wylan")
    watch(desk, rivers(source, mode='"live"'))
    assert asyncio.run(polling.turn(desk.office.desk, Mode.EXERCISE)) == []
    assert [row.standing for row in poll(desk, Mode.LIVE).taken] == ["recorded"]


def test_a_feed_that_fails_is_an_alarm_and_on_record(desk: Desk, source: Source) -> None:
    """At once as failing, after three intervals as not heard, and gone when it answers again."""
    watch(desk, rivers(source))
    poll(desk)
    assert _alarms(desk) == [("failing", "dispatcher cap feeds")]
    desk.office.clock.now += timedelta(minutes=4)
    assert _alarms(desk) == [("not heard", "dispatcher cap feeds")]
    source.lists()
    poll(desk)
    assert _alarms(desk) == []
    assert [line.kind for line in desk.office.ledger("cap.feed_failing", "cap.feed_mended")] == [
        "cap.feed_failing",
        "cap.feed_mended",
    ]


def test_a_wrong_table_keeps_no_other_feed_from_being_polled(desk: Desk, source: Source) -> None:
    """It is an alarm by its name, with the key that is wrong."""
    source.lists("1.xml")
    source.pages["/1.xml"] = desk.alert()
    watch(desk, rivers(source), '[feed.other]\nurl = "https://other.example/"\nmode = "both"')
    assert [row.standing for row in poll(desk).taken] == ["opened"]
    with desk.office.desk.store.read() as work:
        faults = {row.name: row.found["faults"] for row in cap_feeds.rows(work)}
    assert faults["rivers"] == []
    assert "mode must be live or exercise" in faults["other"][0]


def test_a_feed_that_was_taken_off_the_list_is_forgotten(desk: Desk, source: Source) -> None:
    """Nothing rings for what nobody watches."""
    watch(desk, rivers(source))
    poll(desk)
    watch(desk)
    asyncio.run(polling.turn(desk.office.desk, Mode.EXERCISE))
    assert _alarms(desk) == []


def _alarms(desk: Desk) -> list[tuple[str, str]]:
    with desk.office.desk.store.read() as work:
        return [(one.what, one.command) for one in waiting.found(work)]
