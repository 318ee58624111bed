"""Lost and doubled by the far sides' own count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ops.exercise.tally import count
from tests.ops.exercise.built import Night


def delivery(name: str, state: str = "accepted", channel: str = "x") -> dict[str, Any]:
    """A delivery's row; its reference is its name."""
    return {"id": name, "channel": channel, "state": state, "attempts": 1, "reference": name}


def shown(*keys: str) -> dict[str, Any]:
    """What a platform shows."""
    night = Night()
    for key in keys:
        night.shows(1, key)
    return night.far


def test_what_the_far_side_does_not_show_is_lost() -> None:
    """Whatever our own row says."""
    assert count([delivery("a"), delivery("b")], shown("a"), []).lost == 1


def test_what_stands_there_twice_is_doubled() -> None:
    """By account and key."""
    made = count([delivery("a")], shown("a", "a"), [])
    assert (made.lost, made.doubled, made.good) == (0, 1, False)


def test_what_a_platform_rejected_is_lost() -> None:
    """Nobody will read it."""
    assert count([delivery("a", "rejected")], shown(), []).lost == 1


def test_what_waits_for_people_is_neither() -> None:
    """It is told by its state."""
    made = count([delivery("a", "held"), delivery("b", "handed_over")], shown(), [])
    assert (made.lost, made.by_state) == (0, {"held": 1, "handed_over": 1})


def test_a_feed_shows_its_alerts_as_files(tmp_path: Path) -> None:
    """By the delivery's id."""
    (tmp_path / "a.xml").touch()
    rows = [delivery("a", channel="cap_feed"), delivery("b", channel="cap_feed")]
    assert count(rows, shown(), [tmp_path]).lost == 1
