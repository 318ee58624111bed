"""What a look at the public record means, and when somebody looks again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from channels.contract import ReadBack, Seen
from dispatcher.domain import canonical
from dispatcher.domain.lifecycle import DELIVERY
from dispatcher.settings import ChannelFigures, Settings, Timing
from dispatcher.store.sightings import Look, Watched
from tests.builders import draft
from tests.cast import HOUR, NOW
from tests.workers.leases import a_lease
from workers.outcomes import REASONS
from workers.sighting import after_reading, first_looks, over_at, unread

TIMING = Timing()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
UNTIL = NOW + 30 * 24 * HOUR


def watched(state: str = "accepted", seen: str = "", **changes: Any) -> Watched:
    """A post that was accepted at NOW."""
    return Watched(a_lease(**changes), state, "ref-1", NOW, seen, NOW, overtaken=False)


def look(seen: Seen, at: datetime = NOW, before: Watched | None = None, **read: Any) -> Look:
    """What a look that long after comes to."""
    return after_reading(before or watched(), ReadBack(seen, **read), UNTIL, at, TIMING)


def test_looks_follow_each_other_fast_while_a_post_is_young_and_hourly_later() -> None:
    """Ten seconds, then four times its age each time, at most an hour."""
    at, waits = NOW, []
    for _ in range(6):
        due_at = look(Seen.VISIBLE, at).due_at
        assert due_at is not None
        waits.append((due_at - at) / SECOND)
        at = due_at
    assert waits == [10, 40, 200, 1_000, 3_600, 3_600]


def test_a_post_that_lay_unread_is_due_within_the_hour() -> None:
    """Whoever comes back after a day looks hourly, as for every old post."""
    assert look(Seen.VISIBLE, NOW + 24 * HOUR).due_at == NOW + 25 * HOUR


def test_nobody_looks_once_it_is_over() -> None:
    """The last look is the one before."""
    soon = NOW + 5 * SECOND
    post = watched()
    assert after_reading(post, ReadBack(Seen.VISIBLE), soon, NOW, TIMING).due_at is None
    assert unread(post, soon, NOW, TIMING) == Look(post, None, looked=False)


def test_a_message_is_watched_while_it_is_valid_and_its_way_back_as_long_as_it_may_be_sent() -> None:
    """So a withdrawal at the last minute is still seen to work."""
    plan = draft("x").plan
    assert {kind: over_at(plan, kind) for kind in ("publish", "correct", "withdraw", "all_clear")} == {
        "publish": plan.valid_until,
        "correct": plan.armed_not_after,
        "withdraw": plan.armed_not_after,
        "all_clear": plan.armed_not_after,
    }


@pytest.mark.parametrize(
    ("seen", "state", "before", "target"),
    [
        (Seen.VISIBLE, "accepted", "", "visible"),
        (Seen.MISSING, "accepted", "", "missing"),
        (Seen.ALTERED, "accepted", "", "missing"),
        (Seen.MISSING, "visible", "visible", "missing"),
        (Seen.ALTERED, "visible", "visible", "missing"),
        (Seen.VISIBLE, "missing", "missing", "visible"),
        (Seen.VISIBLE, "missing", "altered", "visible"),
        (Seen.MISSING, "missing", "altered", "missing"),
        (Seen.ALTERED, "missing", "missing", "missing"),
    ],
)
def test_what_is_new_is_a_move_of_the_lifecycle(seen: Seen, state: str, before: str, target: str) -> None:
    """With what was seen before and is seen now, for the ledger."""
    move = look(seen, before=watched(state, before)).move
    assert move is not None
    assert (move.source, move.target) == (state, target)
    assert state == target or DELIVERY.allows(state, target)
    assert (move.facts["seen"], move.facts["before"]) == (str(seen), before or None)


@pytest.mark.parametrize(
    ("state", "seen"), [("visible", Seen.VISIBLE), ("missing", Seen.MISSING), ("missing", Seen.ALTERED)]
)
def test_what_was_known_is_no_move(state: str, seen: Seen) -> None:
    """Only the time of the look is new."""
    found = look(seen, before=watched(state, str(seen)))
    assert (found.move, found.seen, found.looked) == (None, str(seen), True)


@pytest.mark.parametrize(("state", "seen"), [("accepted", ""), ("visible", "visible"), ("missing", "missing")])
def test_a_look_that_cannot_tell_changes_nothing(state: str, seen: str) -> None:
    """It is kept with its reason, cut as everything is that a platform says."""
    found = look(Seen.UNKNOWN, before=watched(state, seen), reason="busy\n" + "x" * 1_000)
    assert (found.move, found.seen, found.looked) == (None, "", True)
    assert found.doubt.startswith("busy x")
    assert len(found.doubt) == REASONS


def test_a_look_that_says_nothing_is_told_apart_from_one_that_knows() -> None:
    """An empty reason would read as knowledge."""
    assert look(Seen.UNKNOWN).doubt == "the channel could not tell"


@pytest.mark.parametrize(
    ("kind", "seen", "reason"),
    [
        ("publish", Seen.MISSING, "the post is gone"),
        ("correct", Seen.ALTERED, "the post says something else"),
        ("withdraw", Seen.MISSING, "the post can still be seen"),
        ("publish", Seen.VISIBLE, ""),
        ("withdraw", Seen.VISIBLE, ""),
    ],
)
def test_the_reason_says_what_is_wrong(kind: str, seen: Seen, reason: str) -> None:
    """A withdrawal is wrong for the opposite reason."""
    move = look(seen, before=watched(kind=kind)).move
    assert move is not None
    assert move.reason == reason


def test_why_nobody_sees_a_post_is_said_where_the_channel_knows() -> None:
    """A video that is locked needs another remedy than one that was deleted."""
    move = look(Seen.MISSING, before=watched(kind="publish"), reason="the video is private").move
    assert move is not None
    assert move.reason == "the video is private"


def test_what_an_altered_post_says_is_kept_whole_and_fit_for_the_record() -> None:
    """Line by line, composed, without what no record can carry; nothing is cut."""
    text = "Cafe\u0301\n\tgo out\x00\ud800 " + "x" * 5_000
    found = look(Seen.ALTERED, text=text)
    assert found.shown == "Caf\u00e9\n\tgo out " + "x" * 5_000
    assert found.move is not None
    assert canonical.decode(canonical.encode(found.move.facts)) == found.move.facts


def test_what_a_sound_post_says_is_not_written_down_again() -> None:
    """It is what was signed."""
    assert look(Seen.VISIBLE, text="Stay in.").shown is None


def settings(**figures: ChannelFigures) -> Settings:
    """A deployment's settings with these figures of channels."""
    return Settings(None, "city", None, "", timing=Timing(read_back_ms=10_000), channels=figures)  # type: ignore[arg-type]


def test_a_new_post_is_left_alone_until_its_channels_record_may_show_it() -> None:
    """X lags twenty seconds, Bluesky does not; nobody looks at a webhook, a telephone or a channel that is gone."""
    waits = first_looks(settings(), ["x", "bluesky", "webhook", "notify", "wechat", "gone"])
    assert waits == {"x": 20 * SECOND, "bluesky": 10 * SECOND}


def test_a_deployment_may_know_its_channels_lag_better() -> None:
    """Its figure counts."""
    assert first_looks(settings(x=ChannelFigures(lag_ms=60_000)), ["x"]) == {"x": MINUTE}
