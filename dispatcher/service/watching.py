"""Alarms: posts not seen as they were approved, posts that nobody of ours made, processes that have fallen silent.

What is held, in doubt or fails its probe is found by ``dispatcher.service.stuck``, rows that are gone by ``missing``.

Each is raised once: an entry in the ledger with the change itself, a line in the log, and a notice to every duty
director and ops (reference: reliability 7, promise 26). ``alarms`` is what stands now, for as long as it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from dispatcher.domain.ids import short
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode
from dispatcher.service import notices
from dispatcher.service.alerts import waiting
from dispatcher.service.desk import Desk
from dispatcher.service.notices import Notice
from dispatcher.service.stuck import IN_DOUBT
from dispatcher.store import alive, foreign, sightings, stuck, whole, workers
from dispatcher.store.alive import RELAY, SEQUENCER, Silence
from dispatcher.store.database import Work
from dispatcher.store.workers import IDLE, Doing, Process

TOLD = (Role.DUTY_DIRECTOR, Role.OPS)
WITHDRAWAL: Mapping[str, str] = {"visible": "in effect", "missing": "not in effect"}
"""A withdrawal is not seen itself, but what came of it."""

HELD, DOUBTED, FAILING = "held", "in doubt", "failing its probe"
STUCK = (HELD, DOUBTED, FAILING)
"""Alarms about what goes no further by itself."""

_HELD = {IN_DOUBT: DOUBTED}

VERIFY = "dispatcher ledger verify"
"""Where rows are gone, the record says what there was."""

MOST_NAMED = 5
"""How many foreign posts of an account one notice names."""

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_MOMENT = "%Y-%m-%d %H:%M:%S UTC"
_SILENT = "{role} of {mode} is silent, and {what} for it"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong and about what (a delivery, a role or a post), since when, and what to type about it."""

    alarm: str
    about: str
    account: str | None
    since: datetime | None
    look: str
    mode: str


@dataclass(frozen=True, slots=True)
class Raised:
    """What one turn found: roles that fell silent, posts whose standing changed, and posts that are not ours."""

    silent: tuple[Silence, ...]
    changed: tuple[Any, ...]
    foreign: tuple[Any, ...] = ()


def alarms(desk: Desk, work: Work) -> list[Alarm]:
    """What stands now."""
    lasting = desk.settings.timing.lasting("silence")
    posts = [
        Alarm(
            seen_as(row.kind, row.seen),
            row.id,
            row.account,
            row.since,
            f"dispatcher delivery show {row.id}",
            row.mode,
        )
        for row in sightings.alarming(work)
    ]
    silent = [one for mode in Mode for one in alive.silences(work, str(mode), lasting)]
    roles = [Alarm("silent", f"{one.role} {one.mode}", None, one.since, "dispatcher log", one.mode) for one in silent]
    deleted = [
        Alarm("deleted", f"plan {short(plan)}: {facts['what']}", None, since, VERIFY, facts["mode"])
        for plan, (since, facts) in whole.standing(work).items()
    ]
    taken_over = [_taken_over(rows) for rows in _by_account(foreign.alarming(work))]
    theirs = [Alarm(one.what, one.about, None, one.since, one.command, one.mode) for one in waiting.found(work)]
    return deleted + _stuck(work) + taken_over + posts + theirs + roles


def _stuck(work: Work) -> list[Alarm]:
    """What the relay has on record as held, in doubt or failing."""
    return [
        Alarm(_HELD.get(reason, HELD) if incident else FAILING, account, account, since, _look(facts), facts["mode"])
        for (incident, account, reason), (since, facts) in stuck.told(work).items()
    ]


def _look(facts: Mapping[str, Any]) -> str:
    return str(facts.get("look") or f"dispatcher channel probe {facts['account']}")


def turn(desk: Desk, process: Process, doing: Doing = IDLE, *, waited: bool) -> Raised:
    """Say that a process is alive in its role and what it does, and take what nobody was told of yet.

    ``waited``: it has been there long enough to know who is silent. The relay tells of posts, and where it is silent
    the others do.
    """
    role, mode = process.role, process.mode
    with desk.store.write() as work:
        workers.beat(work, process, doing)
        if role != RELAY:
            alive.beat(work, role, mode, process.owner)
        lasting = desk.settings.timing.lasting("silence")
        silent = alive.silences(work, mode, lasting) if waited else []
        noticed = tuple(one for one in silent if alive.notice(work, one, lasting))
        for one in noticed:
            work.record("role.silent", role=one.role, mode=one.mode)
        tells = role == RELAY or (waited and RELAY in alive.quiet(work, mode, lasting))
        if not tells:
            return Raised(noticed, ())
        return Raised(noticed, tuple(sightings.news(work, mode)), tuple(foreign.news(work, mode)))


def tell(desk: Desk, mode: Mode, raised: Raised) -> list[Notice]:
    """Tell every duty director and ops, in one notice for each incident, account and role. Takes seconds."""
    people = notices.holding(desk, *TOLD)
    sent: list[Notice] = []
    for incident, rows in groupby(sorted(raised.changed, key=_incident_of), key=_incident_of):
        title, body = _letter(list(rows))
        sent += notices.tell(desk, mode, people, title, body, incident=incident)
    for posts in _by_account(raised.foreign):
        title, body = _warning(posts)
        sent += notices.tell(desk, mode, people, title, body, account=posts[0].account)
    for one in raised.silent:
        what = "the ledger's newest entries wait" if one.role == SEQUENCER else "a released plan waits"
        body = f"{_SILENT.format(role=one.role, mode=one.mode, what=what)}.\nLook: dispatcher status, dispatcher log"
        sent += notices.tell(desk, mode, people, f"Silent: {one.role}", body, silent=one.role)
    return sent


def in_words(row: Any, now: datetime) -> str:
    """What the public sees of a delivery, from its sighting: ``visible since …, seen 2 minutes ago``."""
    if not row.seen:
        said = "not known yet"
    else:
        said = f"{seen_as(row.kind, row.seen)} since {row.since:{_MOMENT}}, seen {ago(now - row.seen_at)}"
    return f"{said}; the last look could not tell: {row.doubt}" if row.doubt else said


def seen_as(kind: str, seen: str) -> str:
    """What was seen, in a word."""
    return WITHDRAWAL.get(seen, seen) if kind == TextKind.WITHDRAW else seen


def ago(age: timedelta) -> str:
    """``2 minutes ago``, in the largest unit that is full."""
    seconds = int(age.total_seconds())
    for size, unit in _UNITS:
        if count := max(0, seconds) // size:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _letter(rows: Sequence[Any]) -> tuple[str, str]:
    bad = any(row.seen in sightings.ALARMING for row in rows)
    lines = [
        f"{SPOKEN[TextKind(row.kind)]} to {row.account} ({row.channel}): {seen_as(row.kind, row.seen)} since "
        f"{row.since:{_MOMENT}}\nLook: dispatcher delivery show {short(row.id)}"
        for row in rows
    ]
    return f"{'Not seen as approved' if bad else 'Seen again'}: {rows[0].title}", "\n".join(lines)


def _taken_over(posts: Sequence[Any]) -> Alarm:
    """The alarm of one account: the newest of the posts that are not ours, and since when there are any."""
    newest, since = posts[0], min(post.found_at for post in posts)
    return Alarm("foreign", _link(newest), newest.account, since, _hold(newest.account), newest.mode)


def _warning(posts: Sequence[Any]) -> tuple[str, str]:
    account, channel, more = posts[0].account, posts[0].channel, len(posts) - MOST_NAMED
    lines = [f"{account} ({channel}) shows what was not sent from here. Unless a colleague posted it, others can."]
    lines += [f"{post.at:{_MOMENT}}: {_link(post)}" for post in posts[:MOST_NAMED]]
    lines += [f"and {more} more: dispatcher ledger tail --kind account.foreign_post"] if more > 0 else []
    lines += [f"Replace its credential: dispatcher account rotate {account} --secret-file NAME=FILE"]
    lines += [f"Have it wait until then: {_hold(account)}"]
    return f"Foreign post on {account}", "\n".join(lines)


def _hold(account: str) -> str:
    return f"dispatcher account hold {account} --reason TEXT"


def _link(post: Any) -> str:
    return str(post.url or post.reference)


def _by_account(posts: Iterable[Any]) -> list[list[Any]]:
    return [list(group) for _, group in groupby(posts, key=lambda post: post.account)]


def _incident_of(row: Any) -> str:
    return str(row.incident)
