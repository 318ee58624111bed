"""Holding: a person has an account wait, and ends that. Its deliveries stay ready, and expire by their window.

Rules
  1. No automation places or ends a person's hold; a circuit breaker's own row stands beside it (``store.holds``).
  2. A hold is for a platform that is ill or under repair. It is not signed and no sender asks for it: what must not
     leave is halted.
"""

from __future__ import annotations

from dispatcher.domain.errors import Invalid
from dispatcher.domain.people import Role
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import holds

HOLDING = (Role.OPS, Role.DUTY_DIRECTOR, Role.SECURITY)


def hold(desk: Desk, account: str, reason: str, pen: Pen) -> None:
    """Have an account wait. Raises Invalid, NotFound, SignatureNeeded for a role that may not."""
    if not reason.strip():
        raise Invalid("a hold needs a reason", "say why: --reason TEXT")
    person = _allowed(desk, pen)
    with desk.store.write() as work:
        holds.place(work, account, person, reason.strip())


def unhold(desk: Desk, account: str, pen: Pen) -> None:
    """End a person's hold of an account. Raises Invalid, NotFound, SignatureNeeded for a role that may not."""
    person = _allowed(desk, pen)
    with desk.store.write() as work:
        holds.lift(work, account, person)


def _allowed(desk: Desk, pen: Pen) -> str:
    person = desk.person(pen)
    desk.role(person, HOLDING)
    return person.id
