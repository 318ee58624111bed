"""The desk: what every use case needs, and how a person's sentence is composed, signed and recorded.

Who is at the keyboard is known from the key that signs, never from a name typed. A statement is composed first,
signed by whatever holds the key (agent, file, or somewhere else), verified like anybody's, and only then recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from channels.contract import Clock, Json
from dispatcher.domain.errors import Forbidden, SignatureNeeded
from dispatcher.domain.ids import RandomBytes, new_id
from dispatcher.domain.people import Person, Role
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.gate.policy import Policies, PolicyVersion
from dispatcher.settings import Settings
from dispatcher.statements.trust import Trust
from dispatcher.statements.verify import Verifier
from dispatcher.store import statements
from dispatcher.store.database import Store, Work

DEFAULT_LIFE = timedelta(days=7)
FEW = 4
"""Of so many roles, who holds each is said to whoever holds none of them."""

"""How long a statement holds unless a rule says otherwise; the plan's window bounds what it allows."""

Send = Callable[[str, str, str], bool]
"""Sends one notice to a contact's URL, with title and body; whether it was accepted."""


class Pen(Protocol):
    """Whoever signs at this keyboard."""

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint."""

    def sign(self, statement: Statement) -> Envelope:
        """Sign exactly these bytes. Raises SignatureNeeded where the signature has to come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One process's access to a deployment. ``verifiers`` are those in use, one for each mode."""

    settings: Settings
    trust: Trust[Policies]
    store: Store
    clock: Clock
    random_bytes: RandomBytes
    send: Send
    verifiers: dict[Mode, Verifier] = field(default_factory=dict, repr=False, compare=False)

    def new_id(self, prefix: str) -> str:
        """A fresh identifier."""
        return new_id(prefix, self.random_bytes)

    def person(self, pen: Pen) -> Person:
        """Who holds this pen. Raises SignatureNeeded for a key that is not on the roster, or not valid now."""
        person = self.trust.roster.person_of_key(pen.fingerprint)
        if person is None:
            raise SignatureNeeded(
                f"key {pen.fingerprint} is nobody's on roster {self.trust.roster.version}",
                "sign with a key on the roster, or ask two policy owners to add this one",
            )
        key, now = self.trust.roster.key(pen.fingerprint), self.clock()
        if key is None or key.revoked_by(now) or not key.valid_at(now):
            raise SignatureNeeded(
                f"{person.id}'s key {pen.fingerprint} is revoked, expired or not valid yet",
                "sign with another key, or ask two policy owners for a new one",
            )
        return person

    def role(self, person: Person, wanted: tuple[Role, ...]) -> Role:
        """The role to sign in: the first of ``wanted`` that the person holds now. Raises SignatureNeeded."""
        now = self.clock()
        for role in wanted:
            if self.trust.roster.holds(person.id, role, now):
                return role
        own = ", ".join(held.role for held in person.roles if held.valid_at(now)) or "nothing"
        names = " or ".join(wanted) if len(wanted) <= FEW else "any role that signs this"
        raise SignatureNeeded(f"{person.id} ({own}) does not hold {names} now", self._who_does(wanted, now))

    def _who_does(self, wanted: tuple[Role, ...], now: datetime) -> str:
        """Whom to ask for a signature in one of these roles; where they are many, what says which one."""
        if len(wanted) > FEW:
            return "dispatcher status"
        held = {role: [one.id for one in self.trust.roster.holders(role, now)] or ["nobody now"] for role in wanted}
        return "ask " + "; ".join(f"{role}: {', '.join(people)}" for role, people in held.items())

    def policy(self) -> PolicyVersion:
        """The policy in force. Raises Forbidden where there is none."""
        version = self.trust.policy.in_force(self.clock())
        if version is None:
            raise Forbidden("no policy is in force", "two policy owners sign one")
        return version

    def sign(
        self,
        pen: Pen,
        roles: tuple[Role, ...],
        kind: StatementKind,
        subject: str,
        mode: Mode,
        body: Mapping[str, Json],
        life: timedelta = DEFAULT_LIFE,
    ) -> Envelope:
        """Compose a statement by whoever holds the pen, in the first of ``roles`` they hold now, and sign it."""
        from dispatcher.service.heads import head_seen  # commands that only look load no keys of the ledger

        person, now = self.person(pen), self.clock()
        statement = Statement(
            kind=kind,
            subject=subject,
            deployment=self.trust.root.deployment,
            mode=mode,
            person=person.id,
            role=str(self.role(person, roles)),
            roster=self.trust.roster.version,
            not_before=now,
            expires=now + life,
            nonce=self.random_bytes(16).hex(),
            checkpoint=head_seen(self.trust, self.store, now),
            body=body,
        )
        return pen.sign(statement)

    def verifier(self, mode: Mode) -> Verifier:
        """Reads signatures as the senders of a mode do; the same one as long as roster and deployment are the same.

        It remembers which signatures hold. Roster, revocation and time are judged each time.
        """
        known, deployment = self.verifiers.get(mode), self.trust.root.deployment
        if known is None or known.roster is not self.trust.roster or known.deployment != deployment:
            known = self.verifiers[mode] = Verifier(self.trust.roster, deployment, mode)
        return known

    def record(self, work: Work, envelope: Envelope, mode: Mode, incident: str | None) -> Statement:
        """Verify an envelope and write it down. Raises StatementRefused."""
        verified = self.verifier(mode).verify(envelope, self.clock())
        statements.add(work, verified, envelope, incident)
        return verified.statement

    def said(self, work: Work, kind: StatementKind, subject: str, mode: Mode) -> list[Statement]:
        """The authentic statements of one kind about one subject, oldest first. Unverifiable rows do not count."""
        verified, _ = self.verifier(mode).verify_all(statements.envelopes_about(work, kind, subject), work.now)
        return [v.statement for v in verified if (v.statement.kind, v.statement.subject) == (kind, subject)]

    def now(self) -> datetime:
        """The time now."""
        return self.clock()
