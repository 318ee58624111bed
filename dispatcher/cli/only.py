"""What a command is about where nobody said: the only one that it can be. Of several none is guessed.

A plan is never taken for what signs approval of words: who approves names what they have read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import click

from dispatcher.cli.output import say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.ids import short
from dispatcher.domain.incident import Incident
from dispatcher.domain.lifecycle import SUPERSEDED, IncidentState
from dispatcher.store import records
from dispatcher.store.database import Work

PLAN = click.argument("plan", required=False)
MESSAGE = click.argument("message", required=False)

WAITING = ("submitted",)
SENDING = ("released",)
SENT = ("released", "settled", "settled_with_gaps")


def plan(session: Session, given: str | None, verb: str, *choices: Collection[str]) -> str:
    """The digest of the plan named, else of the only one whose state is among the first choice, else the second.

    Raises NotFound, and Invalid with all of them where there are several.
    """
    with session.desk.store.read() as work:
        if given:
            return records.plan(work, given).digest
        found = [(case, stored) for case in _open(work) for stored in records.plans_of(work, case.id)]
    for states in choices:
        names = {stored.digest: _about(case) for case, stored in found if stored.state in states}
        if names:
            return _one(names, "plan", f"dispatcher {verb}")
    raise NotFound(f"there is no plan to {verb} now", "dispatcher status")


def message(session: Session, given: str | None, verb: str) -> str:
    """The message named, else the only one of an active incident that no plan carries. Raises as :func:`plan`."""
    if given:
        return given
    with session.desk.store.read() as work:
        names = {name: _about(case) for case in _open(work) for name in _unsubmitted(work, case)}
    if not names:
        raise NotFound(f"there is no message to {verb} now", "dispatcher status")
    return _one(names, "message", f"dispatcher {verb}")


def _open(work: Work) -> list[Incident]:
    return [case for case in records.incidents(work) if case.state is not IncidentState.CLOSED]


def _unsubmitted(work: Work, case: Incident) -> Iterator[str]:
    taken = {stored.message for stored in records.plans_of(work, case.id) if stored.state not in SUPERSEDED}
    named = dict.fromkeys(revision.message for revision in records.revisions_of(work, case.id))
    return (name for name in named if case.state is IncidentState.ACTIVE and name not in taken)


def _about(case: Incident) -> str:
    return f"{case.mode.upper()} “{case.title}”"


def _one(names: dict[str, str], noun: str, command: str) -> str:
    listed = [f"{short(name) if noun == 'plan' else name} ({about})" for name, about in names.items()]
    if len(names) > 1:
        raise Invalid(f"there are {len(names)} {noun}s: {', '.join(listed)}; name one", f"{command} {noun.upper()}")
    say(f"The only {noun} there is: {listed[0]}")
    return next(iter(names))
