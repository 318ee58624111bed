"""Times and durations as people type them.

2026-11-21T18:00+00:00    a moment, always with its offset (or Z)
+4h                       so long from now
90m  2h30m  1d            a duration: days, hours, minutes, seconds
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")


class Duration(click.ParamType[timedelta]):
    """``90m``, ``4h``, ``1d12h``: above zero."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it, or fail naming the form."""
        if isinstance(value, timedelta):
            return value
        match = _DURATION.fullmatch(value.strip().lower())
        days, hours, minutes, seconds = (int(part or 0) for part in (match.groups() if match else ("", "", "", "")))
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if not length:
            self.fail(f"{value!r} is no duration: write 90m, 4h or 1d12h", param, ctx)
        return length


class When(click.ParamType[datetime | timedelta]):
    """A moment with its offset, or ``+4h`` from now; :func:`at` turns either into a moment."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime | timedelta:
        """Read it, or fail naming the forms."""
        if isinstance(value, datetime | timedelta):
            return value
        if value.startswith("+"):
            return Duration().convert(value[1:], param, ctx)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-11-21T18:00+00:00, or +4h", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset: write {value}Z for UTC, or add one such as +01:00", param, ctx)
        return moment.astimezone(UTC)


def at(when: datetime | timedelta | None, now: datetime) -> datetime | None:
    """The moment meant, in UTC."""
    return now + when if isinstance(when, timedelta) else when
