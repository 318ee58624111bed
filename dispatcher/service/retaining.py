"""Legal hold: while it is in force, nothing of an incident is purged (reference: policy 4, Inquiries Act 2005).

Rules
  1. It is begun by whoever first hears that somebody will ask: legal, propriety, the reviewer or a duty director. To
     keep something too long can be mended, to destroy it cannot.
  2. Only legal ends it: what it protects may then be destroyed, and that is a question of law.
  3. It has no table. The ledger's last word on it counts, which nobody can take back or change.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.domain import canonical
from dispatcher.domain.errors import Invalid
from dispatcher.domain.people import Role
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import history, recipients, records

BEGINS = (Role.LEGAL, Role.PROPRIETY, Role.REVIEWER, Role.DUTY_DIRECTOR)
ENDS = (Role.LEGAL,)


@dataclass(frozen=True, slots=True)
class Retained:
    """A legal hold as it stands now. ``lists`` are the recipient lists of the incident that are not purged yet."""

    incident: str
    retained: bool
    reason: str
    person: str
    lists: tuple[str, ...]


def retain(desk: Desk, incident: str, reason: str, pen: Pen) -> Retained:
    """Put an incident under a legal hold. Raises NotFound, SignatureNeeded, Invalid where it is already."""
    return _say(desk, incident, reason, pen, retained=True)


def unretain(desk: Desk, incident: str, reason: str, pen: Pen) -> Retained:
    """End the legal hold of an incident. Raises NotFound, SignatureNeeded, Invalid where there is none."""
    return _say(desk, incident, reason, pen, retained=False)


def _say(desk: Desk, name: str, reason: str, pen: Pen, *, retained: bool) -> Retained:
    said = canonical.typed(reason)
    if not said:
        raise Invalid("a legal hold begins and ends with a reason", "say why: --reason TEXT")
    person = desk.person(pen)
    role = desk.role(person, BEGINS if retained else ENDS)
    with desk.store.write() as work:
        incident = records.incident(work, name, lock=True).id
        if (incident in history.retained(work)) is retained:
            state = "is under a legal hold already" if retained else "is under no legal hold"
            raise Invalid(f"incident {incident} {state}", f"dispatcher incident show {incident}")
        kind = "incident.retained" if retained else "incident.unretained"
        work.record(kind, incident=incident, actor=person.id, role=str(role), reason=said)
        return Retained(incident, retained, said, person.id, tuple(sorted(recipients.lists_of(work, [incident]))))
