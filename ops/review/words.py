"""Times, durations, counts and names as every document here writes them. Times are UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

NONE = "–"
EMPTY: tuple[Any, ...] = (None, "", [], (), {})
MINUTE_MS, HOUR_S = 60_000, 3_600


def second(at: datetime | None) -> str:
    """A moment to the second; the document's head says that it is UTC."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def millisecond(at: datetime | None) -> str:
    """A moment to the millisecond."""
    return NONE if at is None else f"{second(at)}.{at.microsecond // 1000:03}"


def milliseconds(span: timedelta) -> int:
    """A duration as whole milliseconds."""
    return round(span.total_seconds() * 1000)


def took(ms: int | None) -> str:
    """A duration in the two largest units that say something: 340 ms, 4.2 s, 11 min 5 s, 3 h 20 min.

    >>> took(340), took(4_200), took(665_000), took(7_200_000), took(None)
    ('340 ms', '4.2 s', '11 min 5 s', '2 h', '–')
    """
    if ms is None:
        return NONE
    if ms < 1000:
        return f"{ms} ms"
    if ms < MINUTE_MS:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    (large, name), (small, rest) = ((HOUR_S, "h"), (60, "min")) if seconds >= HOUR_S else ((60, "min"), (1, "s"))
    whole, left = divmod(seconds, large)
    return f"{whole} {name} {left // small} {rest}" if left // small else f"{whole} {name}"


def counted(number: int, thing: str, things: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "delivery", "deliveries"), counted(1200, "post")
    ('1 delivery', '1,200 posts')
    """
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def listed(words: Iterable[object]) -> str:
    """Words in a row, with what is there once only once; a dash where there is none."""
    return ", ".join(dict.fromkeys(map(str, words))) or NONE


def told(value: Any) -> str:
    """A fact of any shape in one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{spaced(key)}: {told(item)}" for key, item in value.items() if item not in EMPTY)
    if isinstance(value, list | tuple):
        return (" | " if any(isinstance(item, Mapping) for item in value) else ", ").join(map(told, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NONE if value in EMPTY else str(value)


def capitalised(sentence: str) -> str:
    """A sentence that begins with a capital and ends with a full stop."""
    return f"{sentence[:1].upper()}{sentence[1:]}{'' if sentence.endswith(('.', '!', '?')) else '.'}"


def spaced(word: str) -> str:
    """A stored word as people read it."""
    return word.replace("_", " ").replace(".", " ")


def who(person: str, role: str) -> str:
    """A person in the role they acted in."""
    return f"{person} ({spaced(role)})" if role else person
