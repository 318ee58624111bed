"""The value kinds of CAP: what may stand inside an element.

Rules
  1. A pattern is matched before Python parses anything: ``fromisoformat`` and ``float`` accept far more than CAP
     (``Z``, week dates, ``nan``, ``1e3``, ``1_000``; reference: cap 3.2).
  2. Surrounding XML space is legal in times, numbers and languages, and nowhere else.
  3. A kind answers None, or says in words what to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dispatcher.cap.report import quoted

XML_SPACE = " \t\r\n"
DEFAULT_LANGUAGE = "en-US"
MAX_OFFSET = timedelta(hours=14)

Kind = Callable[[str], str | None]
"""Takes an element's text; returns what is wrong with it, or None."""

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([+-])(\d\d):([0-5]\d)", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*+")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)")


def read_time(text: str) -> datetime:
    """Read ``2026-11-21T18:05:00-00:00`` as UTC. Raises ValueError saying how to write it.

    ``24:00:00`` is the next midnight, as in XML Schema. Times that leave the years 1 to 9999 are refused.
    """
    value = text.strip(XML_SPACE)
    match = _TIME.fullmatch(value)
    if match is None:
        raise ValueError(_time_advice(value))
    year, month, day, hour, minute, second, offset_h, offset_min = map(int, match.group(1, 2, 3, 4, 5, 6, 8, 9))
    offset = timedelta(hours=offset_h, minutes=offset_min)
    if offset > MAX_OFFSET:
        raise ValueError(f"{quoted(value)} is more than 14 hours from UTC: correct the offset")
    midnight = (hour, minute, second) == (24, 0, 0)
    try:
        local = datetime(year, month, day, 0 if midnight else hour, minute, second, tzinfo=UTC)
        return local + timedelta(days=midnight) + (offset if match[7] == "-" else -offset)
    except (ValueError, OverflowError):
        raise ValueError(f"{quoted(value)} is not a date and time that exists: correct it") from None


def tag(language: str) -> str:
    """A language tag in its usual case (en-GB, zh-Hant-TW), so that one language is written one way (BCP 47)."""
    primary, *rest = language.split("-")
    return "-".join([primary.lower(), *(_SUBTAG_CASE.get(len(part), str.lower)(part) for part in rest)])


_SUBTAG_CASE: dict[int, Callable[[str], str]] = {2: str.upper, 4: str.title}


def time(value: str) -> str | None:
    """A time with seconds and a numeric offset."""
    try:
        read_time(value)
    except ValueError as error:
        return str(error)
    return None


def words(vocabulary: type[StrEnum] | tuple[str, ...]) -> Kind:
    """One of a fixed set; case counts and no space may surround it."""
    allowed = tuple(vocabulary)

    def kind(value: str) -> str | None:
        if value in allowed:
            return None
        return f"{quoted(value)} is not one of {', '.join(allowed)}; write one of them exactly so"

    return kind


def language(value: str) -> str | None:
    """A language tag; empty means the default, en-US."""
    if value == "" or _LANGUAGE.fullmatch(value.strip(XML_SPACE)):
        return None
    return f"{quoted(value)} is not a language tag: write one like en-GB or cy-GB, with a hyphen"


def integer(value: str) -> str | None:
    """A whole number."""
    if _INTEGER.fullmatch(value.strip(XML_SPACE)):
        return None
    return f"{quoted(value)} is not a whole number: write digits only"


def decimal(value: str) -> str | None:
    """A decimal number without an exponent."""
    if _DECIMAL.fullmatch(value.strip(XML_SPACE)):
        return None
    return f"{quoted(value)} is not a number: write one like 120 or 120.5"


def _time_advice(value: str) -> str:
    if value.endswith(("Z", "z")):
        return f"{quoted(value)} ends in Z: write UTC as -00:00"
    if re.search(r"\d\.\d", value):
        return f"{quoted(value)} has fractions of a second: leave them out"
    if re.fullmatch(r"[^+]*T\d\d:\d\d:\d\d", value, re.ASCII):
        return f"{quoted(value)} has no offset from UTC: add one, such as -00:00"
    return f"{quoted(value)} is not a CAP time: write it like 2026-11-21T18:05:00-00:00"
