"""The tally: what our rows say against what the simulated platforms themselves counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ENDED_WELL = frozenset({"accepted", "visible", "handed_over", "held"})
REACHED = frozenset({"accepted", "visible"})
FEED = "cap_feed"
CHANGES = ("published", "altered", "withdrawn")


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries by state, attempts at them, and ``lost`` and ``doubled`` by the far sides' own count."""

    deliveries: int
    by_state: Mapping[str, int]
    attempts: int
    lost: int
    doubled: int

    @property
    def good(self) -> bool:
        """Whether nothing was lost or doubled."""
        return self.lost == 0 and self.doubled == 0


def since(journal: Mapping[str, Any], began: datetime) -> dict[str, list[dict[str, Any]]]:
    """Requests and effects of a journal from a moment on: far sides may have served others before."""
    return {
        name: [one for one in journal[name] if datetime.fromisoformat(one["at"]) >= began]
        for name in ("requests", "effects")
    }


def count(rows: Sequence[Mapping[str, Any]], journal: Mapping[str, Any], feeds: Sequence[Path]) -> Tally:
    """Compare delivery rows with the simulators' journal and the feeds' folders.

    Lost is a delivery that we call accepted and that its far side does not show by the reference it gave (a feed: by
    the delivery's id), or one that a platform rejected. Doubled is what is public more often than once.
    """
    shown = {one["reference"] for one in journal["effects"] if one["kind"] in CHANGES}
    shown |= {file.stem for feed in feeds for file in feed.glob("*.xml")}
    wanted = [row for row in rows if row["state"] in REACHED]
    missing = [row for row in wanted if row["id" if row["channel"] == FEED else "reference"] not in shown]
    posts = Counter((one["provider"], one["account"], one["key"]) for one in journal["effects"] if _public(one))
    rejected = sum(row["state"] == "rejected" for row in rows)
    return Tally(
        deliveries=len(rows),
        by_state=dict(Counter(str(row["state"]) for row in rows)),
        attempts=sum(row["attempts"] for row in rows),
        lost=len(missing) + rejected,
        doubled=sum(number - 1 for number in posts.values()),
    )


def _public(effect: Mapping[str, Any]) -> bool:
    return bool(effect["kind"] == "published")
