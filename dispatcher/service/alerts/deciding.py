"""What people decide about alerts that wait: a held one counts or does not, and a prompt has been acted upon.

Rules
  1. Every decision has a person and a reason, in the ledger.
  2. To accept a held Alert proposes its incident, as it would have by itself; a held Update or Cancel becomes a
     prompt of the incident it is about, which a person names where its references do not.
  3. To accept a prompt says that it was acted upon. A Cancel of an incident that nobody activated closes it.
  4. Accepting converts no drill and outlives no expiry: ``dispatcher.cap.propose`` has the last word.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from dispatcher.cap.alert import Alert, MsgType
from dispatcher.cap.changes import changes
from dispatcher.cap.propose import CapRefused, propose
from dispatcher.cap.validate import validate
from dispatcher.domain import canonical
from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.lifecycle import IncidentState, Standing
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents
from dispatcher.service.desk import Desk
from dispatcher.store import cap_alerts, records
from dispatcher.store.database import Work


@dataclass(frozen=True, slots=True)
class Known:
    """What a person adds: the incident that a held Update or Cancel is about where its references do not say.

    ``valid_until`` is how long an Alert without expiry holds, else as its profile said.
    """

    incident: str | None = None
    valid_until: datetime | None = None


def accept(desk: Desk, name: str, person: str, reason: str, known: Known | None = None) -> Any:
    """Let a held alert count, or say that a prompt was acted upon; returns its row.

    Raises Invalid, Forbidden, Stale, NotFound.
    """
    told = known or Known()
    with desk.store.write() as work:
        row = _waiting(work, name, reason)
        if row.standing == Standing.ATTACHED:
            _answered(work, row, person, reason)
        elif row.msg_type == MsgType.ALERT:
            _opened(desk, work, row, person, reason, told.valid_until)
        else:
            _attached(work, row, person, reason, told.incident)
        return cap_alerts.alert(work, row.id)


def dismiss(desk: Desk, name: str, person: str, reason: str) -> Any:
    """Say that an alert that waits does not count; returns its row. Raises Invalid, Stale."""
    with desk.store.write() as work:
        row = _waiting(work, name, reason)
        cap_alerts.decide(work, row, Standing.DISMISSED, person, canonical.typed(reason))
        return cap_alerts.alert(work, row.id)


def _waiting(work: Work, name: str, reason: str) -> Any:
    row = cap_alerts.alert(work, name, lock=True)
    if row.standing not in cap_alerts.WAITING:
        raise Invalid(f"alert {row.id} is {row.standing}: it waits for nobody", f"dispatcher cap show {row.id}")
    if not canonical.typed(reason):
        raise Invalid("a decision has a reason", f"dispatcher cap accept {row.id} --reason TEXT")
    return row


def _answered(work: Work, row: Any, person: str, reason: str) -> None:
    cap_alerts.decide(work, row, Standing.ANSWERED, person, canonical.typed(reason))
    found = records.incident(work, row.incident, lock=True)
    if row.msg_type == MsgType.CANCEL and found.state is IncidentState.PROPOSED:
        records.move_incident(work, found.id, IncidentState.PROPOSED, IncidentState.CLOSED)
        work.record("incident.closed", incident=found.id, actor=person, reason=f"alert {row.id} cancels it")


def _opened(desk: Desk, work: Work, row: Any, person: str, reason: str, valid_until: datetime | None) -> None:
    unless_said = desk.now() + timedelta(seconds=row.found["unless_said_s"])
    try:
        proposal = propose(_read(row), desk.now(), valid_until=valid_until or unless_said)
    except CapRefused as refusal:
        raise Forbidden(f"alert {row.id}: {refusal.message}", refusal.next_step) from refusal
    made = incidents.proposed(desk, proposal, mode=Mode(row.mode), person=person)
    incidents.add(work, made)
    cap_alerts.decide(work, row, Standing.OPENED, person, canonical.typed(reason), incident=made.id)


def _attached(work: Work, row: Any, person: str, reason: str, incident: str | None) -> None:
    about = incident or row.incident
    if about is None:
        advice = f"dispatcher cap accept {row.id} --incident INCIDENT --reason TEXT"
        raise Invalid(f"nobody knows which incident this {row.msg_type} is about", advice)
    found = records.incident(work, about)
    if found.mode != row.mode:
        raise Forbidden(f"incident {found.id} is {found.mode}, the alert {row.mode}", "name an incident of its mode")
    known = {**row.found, "changes": [asdict(one) for one in _changes(work, row)]}
    decided = (row, Standing.ATTACHED, person, canonical.typed(reason))
    cap_alerts.decide(work, *decided, incident=found.id, found=known)


def _changes(work: Work, row: Any) -> tuple[Any, ...]:
    parent = cap_alerts.alert(work, row.parent) if row.parent else None
    earlier = validate(parent.data).alert if parent is not None and parent.data else None
    return changes(earlier, _read(row)) if earlier else ()


def _read(row: Any) -> Alert:
    alert = validate(row.data).alert
    if alert is None:
        raise Forbidden(f"the bytes of alert {row.id} are not what they were", "compare it with its source")
    return alert
