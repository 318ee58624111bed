"""How often tests that draw at random draw: ``make draws`` as often as the promises say, ``make test`` a tenth."""

from __future__ import annotations

import os

SHARE = 1 if os.environ.get("DRAWS") == "whole" else 10


def draws(promised: int) -> int:
    """How many of the promised draws are made here."""
    return promised // SHARE
