"""Declaring incidents, by hand or from a CAP alert that proposes one, and adding to what is known of them.

Rules (reference: policy 4, the Manchester Arena Inquiry: what was recorded was what, and often not why)
  1. Nothing is edited. What is learnt later is one more entry, which holds when it happened beside its own time.
  2. What happened more than a quarter of an hour before (the project's own figure) says why it is recorded only now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Json
from dispatcher.cap.propose import Proposal
from dispatcher.domain import canonical, documents, lookalikes
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.incident import EVIDENCE, Incident, Item, Severity, items_of
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.statement import Mode
from dispatcher.service.areas import NOWHERE, Where, keep_shape, place_of
from dispatcher.service.desk import Desk
from dispatcher.store import records
from dispatcher.store.database import Work

LATE_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Occurred:
    """When something happened that is recorded now; ``late``: why only now."""

    at: datetime | None = None
    late: str = ""

    def facts(self, now: datetime) -> dict[str, Json]:
        """What of it goes into the ledger. Raises Invalid for the future, and for what is late without a reason."""
        said: dict[str, Json] = {"late": late} if (late := canonical.typed(self.late)) else {}
        if self.at is None:
            return said
        if self.at > now:
            raise Invalid("that has not happened yet", "give a time that is past: --occurred-at -20m")
        if now - self.at > LATE_AFTER and not said:
            raise Invalid("that happened over 15 minutes ago", "say why it is recorded only now: --late WHY")
        return {"occurred_at": format_time(self.at), **said}


NOW = Occurred()


def declare(
    desk: Desk,
    *,
    kind: str,
    title: str,
    mode: Mode,
    person: str,
    severity: Severity = Severity.S2,
    facts: Mapping[str, Json] | None = None,
    evidence: Sequence[Item] = (),
    where: Where = NOWHERE,
) -> Incident:
    """Declare an active incident; everything but its kind and title can be filled in later.

    The kind ``none`` opens a record for messages about no incident. Raises Invalid for a title that misleads the eye.
    """
    if fault := lookalikes.fault(title):
        raise Invalid(f"the title does not read as it is written: {fault}", "type it again in plain letters")
    id_, now = desk.new_id("inc"), desk.now()
    known = {**_plain(facts or {}), **where.facts(), **_listed(evidence)}
    return _add(desk, Incident(id_, mode, kind, severity, title, IncidentState.ACTIVE, now, person, {}, known))


def propose(desk: Desk, proposal: Proposal, *, mode: Mode, person: str, kind: str | None = None) -> Incident:
    """Record what a CAP alert proposes. An officer activates it. Raises Forbidden for a drill alert in live mode."""
    return _add(desk, proposed(desk, proposal, mode=mode, person=person, kind=kind))


def proposed(desk: Desk, proposal: Proposal, *, mode: Mode, person: str, kind: str | None = None) -> Incident:
    """The same, to be written by whoever has a transaction open. Raises Forbidden."""
    if mode is Mode.LIVE and not proposal.live_allowed:
        raise Forbidden(
            "this alert's status is not Actual: it can only open an exercise",
            "declare it with --mode exercise",
        )
    return Incident(
        id=desk.new_id("inc"),
        mode=mode,
        kind=kind or proposal.suggested.kind,
        severity=Severity[proposal.suggested.severity],
        title=proposal.headline,
        state=IncidentState.PROPOSED,
        declared_at=desk.now(),
        declared_by=person,
        source=_source(proposal),
        facts=_facts(proposal, desk.now()),
    )


def activate(desk: Desk, name: str, person: str) -> Incident:
    """Make a proposed incident active: only then does the gate consider it."""
    with desk.store.write() as work:
        incident = records.incident(work, name)
        records.move_incident(work, incident.id, IncidentState.PROPOSED, IncidentState.ACTIVE)
        work.record("incident.activated", incident=incident.id, actor=person)
    return replace(incident, state=IncidentState.ACTIVE)


def amend(
    desk: Desk,
    name: str,
    person: str,
    facts: Mapping[str, Json],
    severity: Severity | None = None,
    when: Occurred = NOW,
    where: Where = NOWHERE,
) -> Incident:
    """Add to what is known; the ledger keeps every version. A change of severity applies to plans made after it.

    ``where`` replaces the place, its shapes and its people. Raises Invalid.
    """
    occurred: dict[str, Any] = when.facts(desk.now())
    with desk.store.write() as work:
        incident = records.incident(work, name, lock=True)
        keep_shape(place_of(incident.facts).has_shape, where)
        facts = {**_plain(facts), **where.facts()}
        merged = {**incident.facts, **facts}
        level = severity or incident.severity
        records.update_facts(work, incident.id, merged, severity=int(level))
        known: dict[str, Any] = {"facts": facts, "severity": level.name}
        work.record("incident.amended", incident=incident.id, actor=person, **known, **occurred)
    return replace(incident, facts=merged, severity=level)


def note(desk: Desk, name: str, person: str, text: str, when: Occurred = NOW) -> Mapping[str, Any]:
    """Put words on an incident's record, whatever its state; they change nothing else. Returns what was recorded.

    Raises Invalid, NotFound.
    """
    said = canonical.typed(text)
    if not said:
        raise Invalid("a note says something", 'dispatcher incident note INCIDENT "TEXT"')
    occurred: dict[str, Any] = when.facts(desk.now())
    with desk.store.write() as work:
        noted: dict[str, Any] = {"incident": records.incident(work, name).id, "actor": person, "text": said}
        work.record("incident.noted", **noted, **occurred)
    return {**noted, **occurred}


def add_evidence(desk: Desk, name: str, person: str, item: Item, late: str = "") -> Incident:
    """Record one item of evidence beside those there are; plans made from now on carry it. Raises Invalid."""
    if not item.value.strip() or not item.source.strip():
        raise Invalid("an item of evidence says what is known, and who says so", "give its text and --source")
    occurred: dict[str, Any] = Occurred(item.at, late).facts(desk.now())
    with desk.store.write() as work:
        incident = records.incident(work, name, lock=True)
        facts = {**incident.facts, **_listed((*items_of(incident), item))}
        records.update_facts(work, incident.id, facts)
        work.record("incident.evidence", incident=incident.id, actor=person, item=documents.to_json(item), **occurred)
    return replace(incident, facts=facts)


def _plain(facts: Mapping[str, Json]) -> Mapping[str, Json]:
    if EVIDENCE in facts:
        raise Invalid(
            "evidence is recorded item by item, each with its source", "dispatcher incident evidence --help"
        )
    return facts


def _listed(items: Sequence[Item]) -> dict[str, Json]:
    return {EVIDENCE: [documents.to_json(item) for item in items]} if items else {}


def _add(desk: Desk, incident: Incident) -> Incident:
    with desk.store.write() as work:
        add(work, incident)
    return incident


def add(work: Work, incident: Incident) -> None:
    """Write a new incident with its ledger entry."""
    records.add_incident(work, incident)
    named = {"incident": incident.id, "actor": incident.declared_by, "mode": str(incident.mode)}
    known = {"incident_kind": incident.kind, "severity": incident.severity.name, "title": incident.title}
    told: dict[str, Any] = {"source": dict(incident.source), "facts": dict(incident.facts)}
    work.record("incident.declared", **named, **known, state=str(incident.state), **told)


def _source(proposal: Proposal) -> dict[str, Json]:
    source = {f"cap_{name}": getattr(proposal.source, name) for name in ("sender", "identifier", "sent")}
    return {**source, "cap_sha256": proposal.sha256}


def _facts(proposal: Proposal, at: datetime) -> dict[str, Json]:
    said = {name: getattr(proposal, name) for name in ("event", "urgency", "severity", "certainty")}
    return {
        "event": proposal.event,
        "expires": format_time(proposal.expires),
        "area": list(proposal.areas),
        "polygons": list(proposal.polygons),
        "circles": list(proposal.circles),
        "cap": {**said, "category": proposal.categories[0]},
        "texts": [asdict(text) for text in proposal.texts],
        **_listed([Item("warning", proposal.headline, proposal.source.sender, at, proposal.sha256)]),
        "notes": list(proposal.notes),
    }
