"""Recovering: after the database was restored from a backup, nothing that it calls unsettled is believed.

Rules (design: architecture 8; reference: reliability 1.3)
  1. Whatever a machine would move on by itself, of released plans, becomes in doubt: the backup does not know what
     was sent after it was made. What waits for people, and what has ended, stays.
  2. What was sent is not sent again: its sender's own spent file says so, whatever SQL says. Marking finds it out by
     looking at the platform instead of by trying.
  3. Nobody may be moving rows meanwhile: neither ``up`` on this host nor a relay on another.
  4. A second run finds nothing to mark. Each turn is one transaction with its ledger entries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dispatcher.domain.errors import Forbidden
from dispatcher.domain.people import Role
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.lock import Lock
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import leading, sweep

MISSED = 4
"""Renewals of a relay's term that have to fail to come before it counts as stopped."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is not believed, in deliveries by state, and how many were marked in doubt; 0 where only asked."""

    unsettled: Mapping[str, int]
    marked: int


def recover(desk: Desk, pen: Pen, wait_s: Callable[[float], None], *, act: bool) -> Recovery:
    """Mark everything unsettled as in doubt, or without ``act`` only count it. ``wait_s`` waits so many seconds.

    Raises AlreadyRunning, Forbidden while a relay leads somewhere, SignatureNeeded.
    """
    person = desk.person(pen)
    desk.role(person, (Role.OPS, Role.DUTY_DIRECTOR))
    folder = Folder(desk.settings.root)
    folder.prepare(free_floor_bytes=0)
    with Lock(folder.run / "up.lock", "`dispatcher up` for this deployment"):
        _refuse_while_led(desk, wait_s)
        with desk.store.read() as work:
            unsettled = sweep.doubted(work)
        marked = _mark(desk, person.id, unsettled) if act else 0
        return Recovery(unsettled, marked)


def _mark(desk: Desk, person: str, unsettled: Mapping[str, int]) -> int:
    with desk.store.write() as work:
        work.record("database.restored", actor=person, unsettled=dict(unsettled))
    marked = 0
    while True:
        with desk.store.write() as work:
            turn = sweep.doubt(work, desk.settings.timing.lasting("quiet"))
        marked += turn
        if not turn:
            return marked


def _refuse_while_led(desk: Desk, wait_s: Callable[[float], None]) -> None:
    """A relay renews its term with every tick: one that is renewed while we wait is alive, wherever it runs."""
    before = _terms(desk)
    if before:
        wait_s(desk.settings.timing.sweep_ms * MISSED / 1000)
    if alive := [role for role, until in _terms(desk).items() if before.get(role) != until]:
        raise Forbidden(
            f"{', '.join(sorted(alive))} runs on some host and moves rows",
            "stop `dispatcher up` and every worker on all hosts, then run this again",
        )


def _terms(desk: Desk) -> dict[str, str]:
    with desk.store.read() as work:
        return {role: f"{owner} {until}" for role, owner, until in leading.terms(work)}
