"""Sessions of the console: who is looking at it, since when, and with which right.

Rules
  1. A session is known by a random value in a cookie; the table has its SHA-256 alone.
  2. It ends ``session_minutes`` after it began, ``idle_minutes`` after the last page was asked for, or when
     somebody signs out. News that a page asks for by itself do not count.
  3. Whoever came by a one-time link has the role that the roster gives them now, read at each request; whoever came
     by an identity provider the role that a group of theirs was mapped to, as long as the settings name that role.
  4. A link is a statement that its holder signed less than a minute ago, and opens one session.
  5. Signing in, out, being refused and reading stand in the ledger; reading once in ten minutes for each person, kind
     of page and incident.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from dispatcher.domain import canonical
from dispatcher.domain.errors import Forbidden
from dispatcher.domain.people import Person, Role
from dispatcher.domain.statement import Mode, StatementKind, Verified
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import sessions, statements
from dispatcher.store.database import Work

BY_LINK = "dispatcher"
"""The issuer of sessions that were opened by a one-time link."""

LINK_LIFE = timedelta(seconds=60)
TOUCHED_EVERY = timedelta(minutes=1)
READ_AGAIN = timedelta(minutes=10)
REFUSALS_EVERY = timedelta(minutes=1)
REFUSALS_MOST = 30
"""Refusals that one process records in :data:`REFUSALS_EVERY`: whoever is nobody must not fill the ledger."""

SECRET_BYTES = 32
LONGEST = 100
"""Characters of a cookie or a token; longer ones are nobody's."""

ROLES = (
    *(Role.OPS, Role.DUTY_DIRECTOR, Role.SECURITY, Role.AUTHOR, Role.OPERATOR, Role.REVIEWER),
    *(Role.CHECKER, Role.LANGUAGE_CHECKER, Role.TRANSLATOR, Role.LEGAL, Role.PROPRIETY, Role.FINANCE),
    *(Role.PRIVATE_OFFICE, Role.MINISTER, Role.POLICY_OWNER),
)
"""The roles of people, in the order in which one is chosen for the console."""

TIGHTENING = frozenset({Role.OPS, Role.DUTY_DIRECTOR, Role.SECURITY, Role.AUTHOR, Role.OPERATOR})
"""Who may stop things on the console; everybody else reads."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is signed in. ``session`` is the session's id, which signs nobody in."""

    person: str
    name: str
    role: Role
    session: str
    may_tighten: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whose sign-in was checked: by a link (issuer :data:`BY_LINK`) or by an identity provider."""

    person: str
    name: str
    role: Role
    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link that may be used now, and whose it is."""

    statement: str
    known: Known
    until: datetime


def chosen(roles: Collection[Role]) -> Role | None:
    """The role on the console of whoever has these; None where they have none of a person's."""
    return next((role for role in ROLES if role in roles), None)


def may_tighten(desk: Desk, person: str, role: Role) -> bool:
    """Whether a person may stop things: by their role, and by a name that the roster knows.

    Whoever halts may not sign for the end of it, and that can only be seen to where the roster knows who it was.
    """
    return role in TIGHTENING and desk.trust.roster.person(person) is not None


def begin(desk: Desk, known: Known) -> str:
    """Open a session; returns the cookie's value, which is kept nowhere else."""
    cookie = _text(desk.random_bytes(SECRET_BYTES))
    with desk.store.write() as work:
        _add(desk, work, known, cookie)
    return cookie


def visitor(desk: Desk, cookie: str, *, touch: bool = True) -> Visitor | None:
    """Who a cookie's value stands for now; None for nobody, whatever it is. Raises Unavailable.

    Without ``touch`` it is no sign that somebody is there: pages that show news ask by themselves.
    """
    id_ = _id(cookie)
    if id_ is None:
        return None
    with desk.store.read() as work:
        found, now = sessions.find(work, id_), work.now
    if found is None or now >= found.expires_at or now - found.seen_at >= _idle(desk):
        return None
    role = _role_now(desk, found, now)
    if role is None:
        _lost(desk, found)
        return None
    if touch and now - found.seen_at >= TOUCHED_EVERY:
        with desk.store.write() as work:
            sessions.touch(work, id_)
    return Visitor(found.person, found.name, role, id_, may_tighten(desk, found.person, role))


def end(desk: Desk, visitor: Visitor) -> None:
    """Sign out."""
    with desk.store.write() as work:
        if sessions.end(work, visitor.session):
            work.record("console.signed_out", actor=visitor.person)


def sign_link(desk: Desk, pen: Pen) -> tuple[str, datetime]:
    """Sign a one-time link's token, and record the statement; returns the token and until when it holds.

    Raises SignatureNeeded for a key that is nobody's, and for who holds no role.
    """
    token, until = _text(desk.random_bytes(SECRET_BYTES)), desk.now() + LINK_LIFE
    envelope = desk.sign(pen, ROLES, StatementKind.SIGN_IN, _subject(token), Mode.LIVE, {}, LINK_LIFE)
    with desk.store.write() as work:
        desk.record(work, envelope, Mode.LIVE, None)
    return token, until


def read_link(desk: Desk, token: str) -> Link:
    """Whose link this is, if it may be used now; uses nothing up. Raises Forbidden."""
    if len(token) > LONGEST:
        raise Forbidden("this is no link of ours", AGAIN)
    subject = _subject(token)
    with desk.store.read() as work:
        envelopes, now = statements.envelopes_about(work, StatementKind.SIGN_IN, subject), work.now
    verified, _ = desk.verifier(Mode.LIVE).verify_all(envelopes, now)
    for one in verified:
        said = one.statement
        if (said.kind, said.subject) == (StatementKind.SIGN_IN, subject):
            if not said.holds_at(now) or said.expires - said.not_before > LINK_LIFE:
                raise Forbidden("this link is over: it holds for a minute", AGAIN)
            return Link(said.id, _by_link(desk, one, now), said.expires)
    raise Forbidden("nobody on the roster signed this link", AGAIN)


def use_link(desk: Desk, token: str) -> str:
    """Open the one session that a link is for; returns the cookie's value. Raises Forbidden."""
    link = read_link(desk, token)
    cookie = _text(desk.random_bytes(SECRET_BYTES))
    with desk.store.write() as work:
        if not sessions.use(work, link.statement, link.known.person, link.until):
            raise Forbidden(f"this link of {link.known.person} has been used", AGAIN)
        _add(desk, work, link.known, cookie, link=link.statement)
    return cookie


@dataclass
class Noting:
    """What one process of the console records of reading and refusals, each at most so often."""

    desk: Desk
    _read: dict[tuple[str, str, str | None], datetime] = field(default_factory=dict)
    _refused: list[datetime] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def read(self, visitor: Visitor, page: str, incident: str | None = None) -> None:
        """Somebody reads a kind of page, about an incident or none. Raises Unavailable."""
        now, what = self.desk.now(), (visitor.person, page, incident)
        with self._lock:
            self._read = {key: at for key, at in self._read.items() if now - at < READ_AGAIN}
            if what in self._read:
                return
            self._read[what] = now
        try:
            with self.desk.store.write() as work:
                work.record("console.read", incident=incident, actor=visitor.person, page=page, role=visitor.role)
        except BaseException:
            with self._lock:
                self._read.pop(what, None)
            raise

    def refused(self, reason: str, person: str | None = None, **facts: str) -> bool:
        """Somebody was refused; False where so many were lately that it is not recorded. Raises Unavailable."""
        now = self.desk.now()
        with self._lock:
            self._refused = [at for at in self._refused if now - at < REFUSALS_EVERY]
            if len(self._refused) >= REFUSALS_MOST:
                return False
            self._refused.append(now)
        with self.desk.store.write() as work:
            work.record("console.refused", actor=person, reason=reason, **facts)
        return True


def _add(desk: Desk, work: Work, known: Known, cookie: str, **facts: str) -> None:
    now, id_ = work.now, _id(cookie) or ""
    until = now + timedelta(minutes=desk.settings.console.session_minutes)
    about = (known.person, known.name, str(known.role), known.issuer, known.subject)
    sessions.add(work, sessions.Stored(id_, *about, now, now, until))
    said = {"role": str(known.role), "issuer": known.issuer, "subject": known.subject}
    work.record("console.signed_in", actor=known.person, **said, **facts)


def _role_now(desk: Desk, found: sessions.Stored, now: datetime) -> Role | None:
    """The role in which somebody is signed in, if they still have it."""
    if found.issuer != BY_LINK:
        console = desk.settings.console
        mapped = found.issuer == console.issuer and found.role in console.groups.values()
        return chosen(frozenset({Role(found.role)})) if mapped and found.role in frozenset(Role) else None
    roster = desk.trust.roster
    person, key = roster.person_of_key(found.subject), roster.key(found.subject)
    if person is None or key is None or person.id != found.person or key.revoked_by(now) or not key.valid_at(now):
        return None
    return chosen(frozenset(roster.roles_of(person.id, now)))


def _lost(desk: Desk, found: sessions.Stored) -> None:
    with desk.store.write() as work:
        if sessions.end(work, found.id):
            work.record("console.signed_out", actor=found.person, reason="no role any more")


def _by_link(desk: Desk, verified: Verified, now: datetime) -> Known:
    said = verified.statement
    role = chosen(frozenset(desk.trust.roster.roles_of(said.person, now)))
    person: Person | None = desk.trust.roster.person(said.person)
    if role is None or person is None:
        raise Forbidden(f"{said.person} has no role on the console", "ask two policy owners for one")
    return Known(said.person, person.name, role, BY_LINK, verified.key)


def _idle(desk: Desk) -> timedelta:
    return timedelta(minutes=desk.settings.console.idle_minutes)


def _subject(token: str) -> str:
    return canonical.digest("sign-in/v1", token.encode())


def _id(cookie: str) -> str | None:
    """A cookie's value as the table knows it; None for what was never one."""
    if not cookie or len(cookie) > LONGEST or not cookie.isascii():
        return None
    return hashlib.sha256(cookie.encode()).hexdigest()


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


AGAIN = "get a new one: dispatcher console"
