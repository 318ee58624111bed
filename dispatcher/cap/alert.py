"""The typed alert.

Rules
  1. ``identifier``, ``sender`` and ``sent`` stay the strings that were read: references are built from those.
  2. ``sha256`` is over the bytes as received, so that the alert on file can be shown to be this one.
  3. Times are UTC and aware. Areas stay CAP strings (lat,lon) with single spaces.
  4. An ``Alert`` exists only where the reader found no fault (reference: cap 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """What the alert is for; decides live or exercise."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    """What the alert does to earlier ones; all but ``Alert`` must name them."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """Who may see it."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Severity(StrEnum):
    """CAP's own scale; ours is S1 to S4."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Reference:
    """The triple that names one alert, as its sender wrote it."""

    sender: str
    identifier: str
    sent: str

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent}"


@dataclass(frozen=True, slots=True)
class Area:
    """One described area; polygons are closed rings of ``lat,lon`` pairs, circles ``lat,lon radius_km``.

    ``geocodes`` are names of a code list, each with a code of it; what they mean only the list says.
    """

    description: str
    polygons: tuple[str, ...]
    circles: tuple[str, ...]
    geocodes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Info:
    """The alert in one language. ``language`` is en-US where the sender wrote none (the standard's default)."""

    language: str
    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: Severity
    certainty: str
    expires: datetime | None
    headline: str
    description: str
    instruction: str
    areas: tuple[Area, ...]
    effective: datetime | None = None
    event_codes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One CAP 1.2 message, as far as an incident needs it; ``source`` is how another alert would refer to it.

    ``references`` name the earlier messages it is about. ``signatures`` counts those it carries, unchecked.
    """

    source: Reference
    status: Status
    msg_type: MsgType
    scope: Scope
    infos: tuple[Info, ...]
    sha256: str
    references: tuple[Reference, ...] = ()
    note: str = ""
    signatures: int = 0
