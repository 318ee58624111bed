"""The chaos campaign's count notices what it is there to notice, and its schedule is the seed's."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.chaos.count import Count, Sent, count
from ops.chaos.schedule import Fault, drawn

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TEXT = Sent("dly-1", "notify", "service", "Storm 00001", NOON, "accepted", "", [NOON])
POST = Sent("dly-2", "x", "1001", "Storm 00001", NOON, "accepted", "", [NOON])


def request(key: str, provider: str = "notify", account: str = "service", at: datetime = NOON + SECOND) -> Any:
    """A publishing request that the platform acted on."""
    seen = {"provider": provider, "account": account, "key": key, "at": at.isoformat()}
    return {**seen, "route": "publish", "kind": "published", "fault": ""}


def counted(sent: list[Sent], *requests: Any, expected: int = 1, effects: Any = None) -> Count:
    """The count where every request is an effect, unless other effects are given."""
    return count(sent, expected, {"requests": requests, "effects": requests if effects is None else effects})


def broken(found: Count) -> dict[str, int]:
    """The figures that must be 0 and are not."""
    figures = ("lost", "duplicated", "false_sent", "unmatched")
    return {name: getattr(found, name) for name in figures if getattr(found, name)}


def test_a_delivery_that_was_sent_once_is_well() -> None:
    """On a platform with a key of its own, and on one where the text is the key."""
    on_x = request("EXERCISE Storm 00001. Stay in.", "x", "1001")
    assert broken(counted([TEXT, POST], request("dly-1"), on_x, expected=2)) == {}


@pytest.mark.parametrize("state", ["ready", "in_doubt", "expired", "rejected"])
def test_what_neither_arrived_nor_waits_for_people_is_lost(state: str) -> None:
    """Whatever its row says."""
    assert broken(counted([replace(TEXT, state=state)])) == {"lost": 1}


def test_a_delivery_without_a_row_is_lost() -> None:
    """Two were released, and one is there."""
    assert broken(counted([TEXT], request("dly-1"), expected=2)) == {"lost": 1}


def test_what_is_held_is_not_lost() -> None:
    """It waits for people; that it was published is said."""
    found = counted([replace(TEXT, state="held", reason="ambiguous")], request("dly-1"))
    assert (broken(found), found.held, found.held_published) == ({}, {"ambiguous": 1}, 1)


def test_a_second_post_is_a_double() -> None:
    """Though two intents were committed before them."""
    twice = replace(TEXT, intended_at=[NOON, NOON])
    assert broken(counted([twice], request("dly-1"), request("dly-1"))) == {"duplicated": 1}


def test_accepted_without_a_post_is_false() -> None:
    """The request arrived, and the platform did not act on it."""
    assert broken(counted([TEXT], request("dly-1"), effects=[])) == {"false_sent": 1}


@pytest.mark.parametrize("at", [NOON - SECOND, NOON + SECOND])
def test_a_request_without_an_intent_before_it_is_unmatched(at: datetime) -> None:
    """Before the only one, or beside it."""
    first = [] if at < NOON else [request("dly-1")]
    assert counted([TEXT], *first, request("dly-1", at=at), effects=[]).unmatched == 1


def test_a_request_that_names_no_post_needs_an_intent_of_its_account() -> None:
    """A platform that hung up before it read anything knows the account only."""
    assert counted([TEXT], request("dly-1"), request(""), effects=[]).unmatched == 1


def test_a_post_that_nobody_ordered_is_unmatched() -> None:
    """It belongs to no delivery."""
    assert broken(counted([TEXT], request("dly-1"), effects=[request("dly-1"), request("dly-9")])) == {"unmatched": 1}


def test_a_seed_replays_its_schedule() -> None:
    """The same faults at the same moments; another seed has others."""
    first, again, other = (drawn(seed, 60, Fault, 5) for seed in (1, 1, 2))
    assert first == again != other


def test_every_kind_of_fault_strikes_and_is_over_in_time() -> None:
    """However short the campaign, and as often as the rate says in a long one."""
    short, hour = drawn(1, 10, Fault, 5), drawn(1, 3_600, Fault, 5)
    assert {strike.fault for strike in short} == set(Fault)
    assert all(strike.at_s + strike.lasting_s <= 10 for strike in short)
    assert Counter(strike.fault for strike in hour)[Fault.KILL] == 26 * 60
