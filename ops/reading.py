"""How a program plays the person who releases: it reads the plan and gives the token that it saw.

The demo, the exercises and the tests type their releases this way; nobody else may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

RELEASE, CONFIRM = "release", "--confirm"


def having_read(words: Sequence[str], read: Callable[..., Any]) -> tuple[str, ...]:
    """A command's words; a release's with its token, which ``read`` finds in the JSON of ``clearance read``."""
    if RELEASE not in words[:1] or CONFIRM in words:
        return tuple(words)
    return (*words, CONFIRM, read("clearance", "read", words[1])["token"])
