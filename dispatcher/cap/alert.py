"""The typed alert.

Rules
  1. ``identifier``, ``sender`` and every ``sent`` stay the strings that were read: references are built from those.
  2. ``sha256`` is over the bytes as received, so that the alert on file can be shown to be this one.
  3. Times beside them are UTC and aware. Areas stay CAP strings (lat,lon) with single spaces.
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
class NamedValue:
    """A geocode, event code or parameter: opaque to us."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Area:
    """One described area; polygons are closed rings of ``lat,lon`` pairs, circles ``lat,lon radius_km``."""

    description: str
    polygons: tuple[str, ...]
    circles: tuple[str, ...]
    geocodes: tuple[NamedValue, ...]


@dataclass(frozen=True, slots=True)
class Info:
    """The alert in one language. ``language`` is en-US where the sender wrote none (the standard's default)."""

    language: str
    categories: tuple[str, ...]
    event: str
    response_types: tuple[str, ...]
    urgency: str
    severity: Severity
    certainty: str
    effective: datetime | None
    onset: datetime | None
    expires: datetime | None
    sender_name: str
    headline: str
    description: str
    instruction: str
    web: str
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One CAP 1.2 message. ``signed`` says that a signature is present, not that it is good."""

    identifier: str
    sender: str
    sent: str
    sent_at: datetime
    status: Status
    msg_type: MsgType
    scope: Scope
    note: str
    references: tuple[Reference, ...]
    infos: tuple[Info, ...]
    signed: bool
    sha256: str

    @property
    def triple(self) -> Reference:
        """What another alert would write to mean this one."""
        return Reference(self.sender, self.identifier, self.sent)
