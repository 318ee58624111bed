"""Whose Update or Cancel this is: the earlier alert it names, and what keeps it from counting by itself.

Rules (reference: cap 3.3)
  1. A reference finds an alert by sender, identifier and the instant it was sent, in the same mode.
  2. A reference to another sender's alert, to none that is known, or to alerts of several incidents is held.
  3. What was signed is changed only by what the same key signed; anything else is held.
  4. What names an alert that opened nothing here (expired, refused, dismissed) has nothing to change: a Cancel of it
     is kept, an Update held, for it may be what matters now.
  5. An incident that was declared from an alert's file is known by what it keeps of that alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.cap.alert import Alert, MsgType
from dispatcher.cap.report import Fault, Verdict, quoted
from dispatcher.cap.values import read_time
from dispatcher.domain.lifecycle import Standing
from dispatcher.store import cap_alerts, records
from dispatcher.store.database import Work

MOST_INCIDENTS = 200
"""The newest incidents, which are looked through for one that a person declared from a file."""

_WHERE = "alert/references"


@dataclass(frozen=True, slots=True)
class Chain:
    """``parent`` is the newest alert named that is known; ``idle``: it opened nothing and this only cancels it."""

    parent: Any = None
    incident: str | None = None
    faults: tuple[Fault, ...] = ()
    idle: bool = False


def find(work: Work, mode: str, alert: Alert, signer: str) -> Chain:
    """What an Update or Cancel is about."""
    named = [
        cap_alerts.named(work, mode, one.sender, one.identifier, read_time(one.sent)) for one in alert.references
    ]
    known = [row for row in named if row is not None]
    parent = max(known, key=lambda row: (row.incident is not None, row.sent_at), default=None)
    incident = parent.incident if parent else _declared(work, mode, alert)
    faults = (*_foreign(alert), *(() if known or incident else _unknown(alert)), *_unlike(known, signer))
    if parent is None or faults:
        return Chain(parent, incident, faults)
    if incident is None and alert.msg_type is MsgType.CANCEL and parent.standing != Standing.HELD:
        return Chain(parent, idle=True)
    if incident is None:
        what = f"the alert it names ({parent.id}) opened no incident here: name one, or dismiss it"
        return Chain(parent, faults=(_hold("parent-idle", what),))
    return Chain(parent, incident)


def _foreign(alert: Alert) -> Iterator[Fault]:
    others = {one.sender for one in alert.references} - {alert.source.sender}
    if others:
        who = ", ".join(map(quoted, sorted(others)))
        yield _hold("foreign-reference", f"it refers to an alert of {who}: ask both senders what holds")


def _unknown(alert: Alert) -> Iterator[Fault]:
    yield _hold("parent-unknown", f"this {alert.msg_type} names no alert that is known: find what it is about")


def _declared(work: Work, mode: str, alert: Alert) -> str | None:
    """An incident that a person declared from the file of an alert that this one names."""
    named = {(one.sender, one.identifier, read_time(one.sent)) for one in alert.references}
    for incident in records.incidents(work, MOST_INCIDENTS):
        told = tuple(str(incident.source.get(f"cap_{name}", "")) for name in ("sender", "identifier", "sent"))
        if incident.mode == mode and all(told) and (told[0], told[1], read_time(told[2])) in named:
            return incident.id
    return None


def _unlike(known: Sequence[Any], signer: str) -> Iterator[Fault]:
    incidents = {row.incident for row in known if row.incident}
    if len(incidents) > 1:
        yield _hold("parents-differ", f"it names alerts of several incidents ({', '.join(sorted(incidents))})")
    if any(row.signer and row.signer != signer for row in known):
        yield _hold("signer-differs", "what it changes was signed by another key: ask its sender which is right")


def _hold(code: str, message: str) -> Fault:
    return Fault(code, _WHERE, message, Verdict.HOLD)
