"""An incident: the real-world event we speak about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from channels.contract import Json
from dispatcher.domain import documents
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.statement import Mode

EVIDENCE = "evidence"
"""The fact of an incident that lists its items of evidence."""

NO_INCIDENT = "none"
"""The kind of a record that stands for no incident: routine messages, where policy lets any of them pass."""


METHANE = ("major_incident", "exact_location", "type", "hazards", "access", "casualties", "emergency_services")
"""The items of the joint services' incident form (reference: policy 3)."""


class Severity(IntEnum):
    """S1 local, S2 significant, S3 serious, S4 whole-system (scale: reference, policy 6.3)."""

    S1 = 1
    S2 = 2
    S3 = 3
    S4 = 4


@dataclass(frozen=True, slots=True)
class Item:
    """One item of evidence for an incident: what it says, who says so, since when, and the digest of its file.

    ``name`` is a word of the policy. Two items of one name that say different things are a conflict, and are shown.
    """

    name: str
    value: str
    source: str
    at: datetime
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """``kind`` is a word of the policy (disorder, terror, severe_weather, …), never an enum in code.

    ``source`` says where a proposal came from (for CAP: sender, identifier, sent and digest); ``facts`` holds what
    is known of the event, such as area and METHANE fields.
    """

    id: str
    mode: Mode
    kind: str
    severity: Severity
    title: str
    state: IncidentState
    declared_at: datetime
    declared_by: str
    source: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)


def conflicts(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items that another of the same name contradicts."""
    return tuple(i for i in items if any(other.name == i.name and other.value != i.value for other in items))


def items_of(incident: Incident) -> tuple[Item, ...]:
    """The items of evidence that were recorded for an incident, oldest first. Raises DocumentError."""
    found: tuple[Item, ...] = documents.read(tuple[Item, ...], incident.facts.get(EVIDENCE, []), EVIDENCE)
    return found
