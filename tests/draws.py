"""How much of what could be tried is tried: ``make draws`` tries all that the promises say, ``make test`` a share.

Of random draws that share is a tenth. A story that the workers play on either database is played on one of them,
which its name decides; what the store itself does is tried on both every time.
"""

from __future__ import annotations

import os
import zlib

WHOLE = os.environ.get("DRAWS") == "whole"
BOTH = ("sqlite", "postgres")
PLAYED_ON = BOTH if WHOLE else ("either",)
"""The parameters of a story's database."""


def draws(promised: int) -> int:
    """How many of the promised draws are made here."""
    return promised if WHOLE else promised // 10


def database_of(story: str, played_on: str) -> str:
    """The kind of database that the story of this name is played on."""
    return BOTH[zlib.crc32(story.encode()) % 2] if played_on == "either" else played_on
