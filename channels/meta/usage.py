"""How much of its calls an account has used, by the headers of the Graph API's answers (reference: platforms 4.1).

X-App-Usage: {"call_count": 12, "total_cputime": 3, "total_time": 4}                          percent
X-Page-Usage: the same, older
X-Business-Use-Case-Usage: {"<id>": [{"type": "pages", "call_count": 100, "total_cputime": 1, "total_time": 1,
                            "estimated_time_to_regain_access": 5}]}                           percent, minutes
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from channels.http import Answer

NEAR_PERCENT = 95.0
REST_S = 60.0
LONGEST_S = 86_400.0  # the limits are counted over a day
_PERCENT = ("call_count", "total_cputime", "total_time")


@dataclass(frozen=True, slots=True)
class Pace:
    """When an account rests: from ``near_percent`` of a limit on, for ``rest_s`` where Meta names no time."""

    near_percent: float = NEAR_PERCENT
    rest_s: float = REST_S


@dataclass(frozen=True, slots=True)
class Usage:
    """The fullest of the limits that an answer names, and in how many seconds access comes back; 0 where open."""

    percent: float = 0.0
    regain_s: float = 0.0


def usage(answer: Answer) -> Usage:
    """Read the headers; what is not as documented counts for nothing."""
    found = list(_entries(answer))
    percent = max((_number(entry.get(name)) for entry in found for name in _PERCENT), default=0.0)
    minutes = max((_number(entry.get("estimated_time_to_regain_access")) for entry in found), default=0.0)
    return Usage(percent, min(60.0 * minutes, LONGEST_S))


def rest_s(answer: Answer, pace: Pace, *, throttled: bool) -> float | None:
    """For how long the account should send nothing; None where it may go on."""
    used = usage(answer)
    if used.regain_s:
        return used.regain_s
    return pace.rest_s if throttled or used.percent >= pace.near_percent else None


def calls_left(answer: Answer) -> str:
    """What is left of the fullest of the limits, in words; empty where the answer names none."""
    named = any(name in entry for entry in _entries(answer) for name in _PERCENT)
    return f"{max(0.0, 100 - usage(answer).percent):.0f} % of its calls" if named else ""


def _entries(answer: Answer) -> Iterator[dict[str, Any]]:
    for name in ("X-App-Usage", "X-Page-Usage"):
        yield _object(answer.headers.get(name, ""))
    for entries in _object(answer.headers.get("X-Business-Use-Case-Usage", "")).values():
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                yield entry


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    """A sensible number, or 0; what is no number, endless or negative is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value <= 1_000_000 else 0.0
