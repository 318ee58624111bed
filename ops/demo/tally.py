"""The tally: what our rows say against what the simulated platforms themselves counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ENDED_WELL = frozenset({"accepted", "visible", "handed_over", "held"})
REACHED = frozenset({"accepted", "visible"})


@dataclass(frozen=True, slots=True)
class Tally:
    """The figures of ``build/demo.json``. ``lost`` and ``doubled`` are by the far sides' own count."""

    deliveries: int
    by_state: dict[str, int]
    attempts: int
    provider_requests: int
    lost: int
    doubled: int
    held: dict[str, int]
    refused_before_clearance: int
    release_to_first_request_ms: float
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost or doubled and every delivery ended where it may."""
        return self.lost == 0 and self.doubled == 0 and set(self.by_state) <= ENDED_WELL

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def count(
    rows: Sequence[Mapping[str, Any]],
    journal: Mapping[str, Any],
    feeds: Sequence[Path],
    *,
    released_at: datetime,
    refused: int,
    seconds: float,
) -> Tally:
    """Compare delivery rows with the simulators' journal and the feeds' folders."""
    publishes = [r for r in journal["requests"] if r["route"] == "publish"]
    first = min(datetime.fromisoformat(r["at"]) for r in publishes)
    held = Counter(row["reason"] for row in rows if row["state"] == "held")
    return Tally(
        deliveries=len(rows),
        by_state=dict(Counter(row["state"] for row in rows)),
        attempts=sum(row["attempts"] for row in rows),
        provider_requests=len(publishes),
        lost=_lost(rows, journal, feeds),
        doubled=sum(c["doubled"] for c in journal["counts"].values()) + _surplus(rows, feeds),
        held=dict(held),
        refused_before_clearance=refused,
        release_to_first_request_ms=round((first - released_at).total_seconds() * 1000, 1),
        seconds=round(seconds, 1),
    )


def _lost(rows: Sequence[Mapping[str, Any]], journal: Mapping[str, Any], feeds: Sequence[Path]) -> int:
    """Deliveries that ended badly, or that we call accepted and that no far side has."""
    shown: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for effect in journal["effects"]:
        if effect["kind"] == "published":
            shown[effect["provider"]].add((effect["account"], effect["key"]))
    wanted = Counter(row["channel"] for row in rows if row["state"] in REACHED)
    missing = sum(max(0, wanted[channel] - len(shown[channel])) for channel in wanted if channel != "cap_feed")
    missing += max(0, wanted["cap_feed"] - _alerts(feeds))
    return missing + sum(1 for row in rows if row["state"] not in ENDED_WELL)


def _surplus(rows: Sequence[Mapping[str, Any]], feeds: Sequence[Path]) -> int:
    return max(0, _alerts(feeds) - sum(1 for row in rows if row["channel"] == "cap_feed"))


def _alerts(feeds: Sequence[Path]) -> int:
    return sum(len(list(feed.glob("*.xml"))) for feed in feeds)
