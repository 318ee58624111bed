"""People: who they are, what they may do and when, and which keys speak for them.

Rules
  1. A key speaks for one person. A person may have several keys and still counts once.
  2. Roles and keys hold within ``[not_before, expires)``; a revoked key holds nothing from ``revoked_at`` on.
  3. A roster and a trust root are named by the digest of their canonical JSON, whatever file they were read from.
  4. A role may be held in somebody's stead (``deputy_for``): then the two are one voice, and what bars the one bars
     the other (reference: policy 6.2).
  5. The trust root names the policy owners and how many of them, as people, sign a roster or a policy.

These are values. Admission (which keys, which windows) is checked where files are read: ``dispatcher.statements``.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from dispatcher.domain import canonical, documents

ROSTER_SCHEMA = "roster/v1"
ROOT_SCHEMA = "root/v1"


class Role(StrEnum):
    """What a person may be in a case; the gate counts people by these.

    ``console`` is no person: it is the ops console, whose key stops things in the name of who is signed in, and does
    nothing else (``dispatcher.statements.verify``, rule 6).
    """

    AUTHOR = "author"
    TRANSLATOR = "translator"
    CHECKER = "checker"
    LANGUAGE_CHECKER = "language_checker"
    DUTY_DIRECTOR = "duty_director"
    SECURITY = "security"
    MINISTER = "minister"
    PRIVATE_OFFICE = "private_office"
    LEGAL = "legal"
    PROPRIETY = "propriety"
    FINANCE = "finance"
    OPERATOR = "operator"
    OPS = "ops"
    POLICY_OWNER = "policy_owner"
    REVIEWER = "reviewer"
    CONSOLE = "console"


class KeyType(StrEnum):
    """The OpenSSH key types that may sign (reference: gate 3)."""

    ED25519 = "ssh-ed25519"
    SK_ED25519 = "sk-ssh-ed25519@openssh.com"


class DeploymentKind(StrEnum):
    """Only a test deployment may point a live adapter at a private address."""

    PRODUCTION = "production"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``public`` is the OpenSSH line without a comment."""

    public: str

    @property
    def type(self) -> KeyType:
        """The type that the line begins with."""
        return KeyType(self.public.split(" ")[0])

    @property
    def blob(self) -> bytes:
        """The key's binary form."""
        return base64.b64decode(self.public.split(" ")[1])

    @property
    def fingerprint(self) -> str:
        """OpenSSH's ``SHA256:…``."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Key(PublicKey):
    """A public key with the time in which it speaks for its person."""

    not_before: datetime
    expires: datetime | None = None
    revoked_at: datetime | None = None

    def valid_at(self, at: datetime) -> bool:
        """Whether ``at`` lies in the key's window; says nothing of revocation."""
        return _within(self.not_before, self.expires, at)

    def revoked_by(self, at: datetime | None) -> bool:
        """Whether the key is revoked at ``at``; with no time given, whether it ever was."""
        return self.revoked_at is not None and (at is None or self.revoked_at <= at)


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role and the time in which it is held; ``deputy_for`` names the person in whose stead."""

    role: Role
    not_before: datetime
    expires: datetime | None = None
    deputy_for: str | None = None

    def valid_at(self, at: datetime) -> bool:
        """Whether ``at`` lies in the window."""
        return _within(self.not_before, self.expires, at)


@dataclass(frozen=True, slots=True)
class Person:
    """``contacts`` are notification URLs; ``languages`` those a language checker speaks natively (BCP 47).

    ``on_call``: when the person is the first to be asked, and in which role.
    """

    id: str
    name: str
    roles: tuple[RoleHeld, ...]
    keys: tuple[Key, ...] = ()
    contacts: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    on_call: tuple[RoleHeld, ...] = ()


@dataclass(frozen=True)  # without slots, so that digest and look-ups are worked out once
class Roster:
    """Who may do what in one deployment."""

    version: int
    deployment: str
    people: tuple[Person, ...]

    def encoded(self) -> bytes:
        """The canonical bytes that the digest names."""
        return documents.encode(ROSTER_SCHEMA, self)

    @cached_property
    def digest(self) -> str:
        """The digest that names this roster."""
        return canonical.digest(ROSTER_SCHEMA, self.encoded())

    @cached_property
    def _people(self) -> dict[str, Person]:
        return {person.id: person for person in self.people}

    @cached_property
    def _keys(self) -> dict[str, tuple[Person, Key]]:
        return {key.fingerprint: (person, key) for person in self.people for key in person.keys}

    def person(self, person_id: str) -> Person | None:
        """The person of this id."""
        return self._people.get(person_id)

    def person_of_key(self, fingerprint: str) -> Person | None:
        """The person for whom this key speaks."""
        return self._keys[fingerprint][0] if fingerprint in self._keys else None

    def key(self, fingerprint: str) -> Key | None:
        """The key of this fingerprint, with its window."""
        return self._keys[fingerprint][1] if fingerprint in self._keys else None

    def holds(self, person_id: str, role: Role, at: datetime) -> bool:
        """Whether the person holds the role at this time."""
        person = self._people.get(person_id)
        return person is not None and any(held.role == role and held.valid_at(at) for held in person.roles)

    def roles_of(self, person_id: str, at: datetime) -> tuple[Role, ...]:
        """The roles that the person holds at this time; none for who is not on the roster."""
        return tuple(role for role in Role if self.holds(person_id, role, at))

    def holders(self, role: Role, at: datetime) -> tuple[Person, ...]:
        """Everybody who holds the role at this time, those on call first."""
        held = (person for person in self.people if self.holds(person.id, role, at))
        return tuple(sorted(held, key=lambda person: not on_call(person, role, at)))

    def voice(self, person_id: str, at: datetime) -> frozenset[str]:
        """The people who count as one with this person: those they stand in for, those who stand in for them."""
        pairs = [
            {person.id, held.deputy_for}
            for person in self.people
            for held in person.roles
            if held.deputy_for is not None and held.valid_at(at)
        ]
        voice = {person_id}
        while joined := [pair for pair in pairs if pair & voice and not pair <= voice]:
            voice.update(*joined)
        return frozenset(voice)


@dataclass(frozen=True, slots=True)
class Owner:
    """A policy owner, who signs rosters, policies and trust roots."""

    person: str
    keys: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """What a sender believes before it reads anything else.

    ``threshold`` counts people, two at the least. ``status_key`` is the relay's status signer.
    """

    version: int
    deployment: str
    kind: DeploymentKind
    owners: tuple[Owner, ...]
    threshold: int
    status_key: PublicKey

    def encoded(self) -> bytes:
        """The canonical bytes of ``root.json``."""
        return documents.encode(ROOT_SCHEMA, self)

    @property
    def digest(self) -> str:
        """The digest that names this trust root: read aloud when it is installed."""
        return canonical.digest(ROOT_SCHEMA, self.encoded())


def on_call(person: Person, role: Role, at: datetime) -> bool:
    """Whether the person is on call in a role at this time."""
    return any(shift.role is role and shift.valid_at(at) for shift in person.on_call)


def _within(not_before: datetime, expires: datetime | None, at: datetime) -> bool:
    return not_before <= at and (expires is None or at < expires)
