"""Every destination of a plan, and each chunk of its list, with its state, attempts and time from release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
CHUNK = 20


def show(rows: Sequence[Row], released_at: datetime) -> None:
    """Print the table: posts one by one, a list in chunks."""
    print(f"\n{'destination':<24}{'channel':<10}{'state':<14}{'tries':>5}{'seconds':>9}  reason")
    lists = sorted((row for row in rows if row["list"]), key=lambda row: int(row["position"]))
    for row in sorted((row for row in rows if not row["list"]), key=lambda row: str(row["account"])):
        _line(row["account"], row["channel"], row["state"], row["attempts"], _after(row, released_at), row["reason"])
    for start in range(0, len(lists), CHUNK):
        chunk = lists[start : start + CHUNK]
        states = ", ".join(f"{n} {s}" for s, n in sorted(Counter(str(row["state"]) for row in chunk).items()))
        last = max((_after(row, released_at) or 0.0 for row in chunk), default=0.0)
        name = f"{chunk[0]['account']} {start + 1}-{start + len(chunk)}"
        _line(name, "notify", states, sum(row["attempts"] for row in chunk), last, "")


def _line(name: str, channel: str, state: str, attempts: int, seconds: float | None, reason: str) -> None:
    shown = "" if seconds is None else f"{seconds:.2f}"
    print(f"{name:<24}{channel:<10}{state:<14}{attempts:>5}{shown:>9}  {reason}")


def _after(row: Row, released_at: datetime) -> float | None:
    at: datetime | None = row["accepted_at"]
    return None if at is None else (at - released_at).total_seconds()
