"""Who is alive: the processes of a lane say so, the relay by its term, the sequencer by the entries it takes in. And
whether anybody waits for them.

Somebody who is silent is no alarm while nothing waits: a deployment may rest. It is one once a plan was released and
has not moved for as long, or entries of the ledger are in no checkpoint. Each is noticed once, by whoever finds it
first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from channels.registry import Lane
from dispatcher.store import checkpoints, leading
from dispatcher.store.database import Work
from dispatcher.store.tables import DELIVERIES, DISPATCHES, LEADERS, OUTBOX, PLANS

RELAY = "relay"
SEQUENCER = "sequencer"
NOBODY = "nobody"
"""The owner of a role whose silence was noticed, until it speaks again."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A role that is waited for. ``since``: when it was last heard of, None where it never was."""

    role: str
    mode: str
    since: datetime | None


def beat(work: Work, role: str, mode: str, owner: str) -> None:
    """Say that a process of this role is alive."""
    name = _name(role, mode)
    if not work.execute(update(LEADERS).where(LEADERS.c.role == name).values(owner=owner, until=work.now)).rowcount:
        _insert(work, name, owner, work.now)


def silences(work: Work, mode: str, lasting: timedelta) -> list[Silence]:
    """The roles of a mode that are waited for, and that nobody has heard of for so long."""
    before = work.now - lasting
    found = [Silence(role, mode, since) for role, since in quiet(work, mode, lasting).items()]
    waited = [silence for silence in found if _waited_for(work, silence.role, mode, before)]
    heard = _heard(work).get(SEQUENCER)
    relay_lives, stands = RELAY not in (one.role for one in found), heard is None or heard <= before
    if relay_lives and stands and (checkpoints.waiting_since(work) or work.now) <= before:
        waited.append(Silence(SEQUENCER, mode, heard))
    return waited


def quiet(work: Work, mode: str, lasting: timedelta) -> dict[str, datetime | None]:
    """All roles of a mode that nobody has heard of for so long, waited for or not, and since when."""
    heard = _heard(work)
    since = {role: heard.get(_name(role, mode)) for role in (RELAY, *map(str, Lane))}
    return {role: last for role, last in since.items() if last is None or last <= work.now - lasting}


def notice(work: Work, silence: Silence, lasting: timedelta) -> bool:
    """Mark a silence as noticed; False where somebody did, or where the role has spoken meanwhile."""
    name = _name(silence.role, silence.mode)
    if silence.since is None:
        return _insert(work, name, NOBODY, work.now - lasting)
    at = (LEADERS.c.role == name, LEADERS.c.until == silence.since, LEADERS.c.owner != NOBODY)
    noticed: bool = work.execute(update(LEADERS).where(*at).values(owner=NOBODY)).rowcount == 1
    return noticed


def _heard(work: Work) -> dict[str, datetime]:
    return {role: until for role, _, until in leading.terms(work)}


def _name(role: str, mode: str) -> str:
    """There is one ledger, whatever the mode."""
    return role if role == SEQUENCER else f"{role}-{mode}"


def _insert(work: Work, name: str, owner: str, until: datetime) -> bool:
    """The first row of a role; False where another process wrote it."""
    with suppress(IntegrityError), work.connection.begin_nested():
        work.execute(insert(LEADERS).values(role=name, term=0, owner=owner, until=until))
        return True
    return False


def _waited_for(work: Work, role: str, mode: str, before: datetime) -> bool:
    """Whether a plan was released by then that is not settled and, for a lane, has something due since then."""
    released = (DISPATCHES.c.mode == mode, DISPATCHES.c.released_at <= before, PLANS.c.state == "released")
    query = select(DISPATCHES.c.id).join(PLANS, PLANS.c.digest == DISPATCHES.c.plan).where(*released)
    if role != RELAY:
        due = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == DISPATCHES.c.plan, DELIVERIES.c.lane == role)
        due = due.where(DELIVERIES.c.state == "ready", DELIVERIES.c.due_at <= before)
        query = query.join(OUTBOX, OUTBOX.c.dispatch == DISPATCHES.c.id).where(OUTBOX.c.lane == role, due.exists())
    return work.execute(query.limit(1)).first() is not None
