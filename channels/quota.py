"""What is left of a platform's limits, as a probe tells people; and until when nothing is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from channels.contract import Probe

FAR_S = 366 * 86_400.0
"""Longer than any limit lasts: a time further away is a slip of the platform's, and is not told."""


@dataclass(frozen=True, slots=True)
class Left:
    """So many are left of ``most``, such as posts in 24 hours; ``until`` says, in words, when there are more."""

    count: int
    most: int
    of: str
    until: str = ""

    def __str__(self) -> str:
        return f"{max(0, self.count)} of {self.most} {self.of}"


def judged(probe: Probe, *limits: Left) -> Probe:
    """A probe with what is left; not ok where the first limit, of which a post takes one, is used up."""
    if not limits:
        return probe
    first, quota = limits[0], ", ".join(map(str, limits))
    if first.count > 0:
        return replace(probe, quota=quota)
    until = f" until {first.until}" if first.until else ""
    return replace(probe, ok=False, detail=f"all {first.most} {first.of} are used up{until}", quota=quota)


def put_off(reason: str, wait_s: float | None, now: datetime) -> Probe:
    """What a probe came to that the platform put off for so long, if it said."""
    until = after(wait_s, now)
    return Probe(ok=False, detail=f"{reason} until {until}" if until else reason)


def after(wait_s: float | None, now: datetime) -> str:
    """The time after so many seconds, in words; empty where nobody told it, or not in earnest."""
    if wait_s is None or not 0 <= wait_s <= FAR_S:
        return ""
    return f"{now + timedelta(seconds=wait_s):%Y-%m-%d %H:%M} UTC"
