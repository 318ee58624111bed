"""People: who they are, what they may do and when, and which keys speak for them.

Rules
  1. A key speaks for one person. A person may have several keys and still counts once.
  2. Roles and keys hold within ``[not_before, expires)``; a revoked key holds nothing from ``revoked_at`` on.
  3. A roster and a trust root are named by the digest of their canonical JSON, whatever file they were read from.
  4. The trust root names the policy owners and how many of them, as people, sign a roster or a policy.

These are values. Admission (which keys, which windows) is checked where files are read: ``dispatcher.statements``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time

ROSTER_SCHEMA = "roster/v1"
ROOT_SCHEMA = "root/v1"


class Role(StrEnum):
    """What a person may be in a case; the gate counts people by these."""

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
    """``fingerprint`` is OpenSSH's ``SHA256:…``; ``public`` the OpenSSH line without a comment."""

    type: KeyType
    fingerprint: str
    public: str


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
    """A role and the time in which it is held."""

    role: Role
    not_before: datetime
    expires: datetime | None = None

    def valid_at(self, at: datetime) -> bool:
        """Whether ``at`` lies in the window."""
        return _within(self.not_before, self.expires, at)


@dataclass(frozen=True, slots=True)
class Person:
    """``contacts`` are notification URLs; ``languages`` those a language checker speaks natively (BCP 47)."""

    id: str
    name: str
    roles: tuple[RoleHeld, ...]
    keys: tuple[Key, ...] = ()
    contacts: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()

    def document(self) -> dict[str, Json]:
        """As JSON, with roles and keys in one fixed order."""
        return {
            "id": self.id,
            "name": self.name,
            "contacts": list(self.contacts),
            "languages": list(self.languages),
            "roles": [
                {"role": str(held.role), **_window(held)}
                for held in sorted(self.roles, key=lambda held: (held.role, held.not_before))
            ],
            "keys": [
                {"public": key.public, **_window(key), "revoked_at": _time(key.revoked_at)}
                for key in sorted(self.keys, key=lambda key: key.fingerprint)
            ],
        }


@dataclass(frozen=True, slots=True)
class Roster:
    """Who may do what in one deployment. ``digest`` is computed, so that it cannot disagree with the rest."""

    version: int
    deployment: str
    people: tuple[Person, ...]
    digest: str = field(init=False)
    _people: dict[str, Person] = field(init=False, repr=False, compare=False)
    _owners: dict[str, tuple[Person, Key]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", canonical.digest(ROSTER_SCHEMA, canonical.encode(self.document())))
        object.__setattr__(self, "_people", {person.id: person for person in self.people})
        owners = {key.fingerprint: (person, key) for person in self.people for key in person.keys}
        object.__setattr__(self, "_owners", owners)

    def document(self) -> dict[str, Json]:
        """The flattened document whose canonical bytes the digest names; people ordered by id."""
        people = sorted(self.people, key=lambda person: person.id)
        return {
            "schema": ROSTER_SCHEMA,
            "version": self.version,
            "deployment": self.deployment,
            "people": [person.document() for person in people],
        }

    def person(self, person_id: str) -> Person | None:
        """The person of this id."""
        return self._people.get(person_id)

    def person_of_key(self, fingerprint: str) -> Person | None:
        """The person for whom this key speaks."""
        found = self._owners.get(fingerprint)
        return found[0] if found else None

    def key(self, fingerprint: str) -> Key | None:
        """The key of this fingerprint, with its window."""
        found = self._owners.get(fingerprint)
        return found[1] if found else None

    def holds(self, person_id: str, role: Role, at: datetime) -> bool:
        """Whether the person holds the role at this time."""
        person = self._people.get(person_id)
        return person is not None and any(held.role == role and held.valid_at(at) for held in person.roles)

    def holders(self, role: Role, at: datetime) -> tuple[Person, ...]:
        """Everybody who holds the role at this time."""
        return tuple(person for person in self.people if self.holds(person.id, role, at))


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

    def document(self) -> dict[str, Json]:
        """The JSON document of ``root.json``."""
        return {
            "schema": ROOT_SCHEMA,
            "version": self.version,
            "deployment": self.deployment,
            "kind": str(self.kind),
            "owners": [{"person": owner.person, "keys": [key.public for key in owner.keys]} for owner in self.owners],
            "threshold": self.threshold,
            "status_key": self.status_key.public,
        }

    @property
    def digest(self) -> str:
        """The digest that names this trust root: read aloud when it is installed."""
        return canonical.digest(ROOT_SCHEMA, canonical.encode(self.document()))


def _within(not_before: datetime, expires: datetime | None, at: datetime) -> bool:
    return not_before <= at and (expires is None or at < expires)


def _window(held: RoleHeld | Key) -> dict[str, Json]:
    return {"not_before": format_time(held.not_before), "expires": _time(held.expires)}


def _time(value: datetime | None) -> str | None:
    return None if value is None else format_time(value)
