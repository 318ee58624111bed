"""Money: whole pence, how people write and read it, and the year it is counted in.

>>> pounds(16_000_000), read_pence("£160,000.00"), read_pence("16000000")
('£160,000.00', 16000000, 16000000)
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

LONDON = "Europe/London"
APRIL = 4
FORM = "whole pence (16000000) or pounds (£160,000.00)"

_AMOUNT = re.compile(
    r"(?P<pence>[0-9]{1,14})|£(?P<pounds>[0-9]{1,12}|[0-9]{1,3}(,[0-9]{3}){1,3})(\.(?P<rest>[0-9]{2}))?"
)


def pounds(pence: int) -> str:
    """An amount as people read it."""
    whole, rest = divmod(abs(pence), 100)
    return f"{'-' if pence < 0 else ''}£{whole:,}.{rest:02}"


def read_pence(text: str) -> int:
    """An amount as people write it, in pence; without ``£`` it is pence. Raises ValueError naming the form."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no amount: write {FORM}")
    if match["pence"]:
        return int(match["pence"])
    return int(match["pounds"].replace(",", "")) * 100 + int(match["rest"] or 0)


def financial_year(at: datetime) -> int:
    """The year in which the financial year begins that ``at`` lies in: it runs from 1 April, London time."""
    there = at.astimezone(ZoneInfo(LONDON))
    return there.year - (there.month < APRIL)


def year_name(year: int) -> str:
    """A financial year as people say it: 2026/27."""
    return f"{year}/{(year + 1) % 100:02}"
