"""A place in a trace: the traceparent that a release stores, and its attempts are linked to (W3C Trace Context)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache

from dispatcher.domain.ids import RandomBytes

VARIABLE = "TRACEPARENT"
"""The environment variable by which a caller hands its own trace to a command."""

SAMPLED = 1
_PARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Place:
    """One span's place in its trace. ``sampled``: whoever began the trace wants it kept."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """As it is stored and sent."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    def beside(self, random_bytes: RandomBytes = os.urandom) -> Place:
        """Another span of the same trace."""
        return Place(self.trace_id, random_bytes(8).hex(), self.sampled)


@lru_cache(maxsize=256)
def place_in(traceparent: str) -> Place | None:
    """What a traceparent says; None where it is none, whoever wrote it."""
    found = _PARENT.fullmatch(traceparent)
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    return Place(found[2], found[3], bool(int(found[4], 16) & SAMPLED))


def begun(random_bytes: RandomBytes = os.urandom, *, sampled: bool = True) -> Place:
    """The first span of a new trace."""
    return Place(random_bytes(16).hex(), random_bytes(8).hex(), sampled)


def continued(traceparent: str, random_bytes: RandomBytes = os.urandom) -> Place:
    """The next span of a caller's trace, or the first of a new one where there is none."""
    parent = place_in(traceparent)
    return begun(random_bytes) if parent is None else parent.beside(random_bytes)
