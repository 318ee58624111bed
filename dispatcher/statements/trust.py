"""What a sender goes by, read from its own disk and from nowhere else: trust root, roster, policy.

Rules (reference: gate 4 and 13, reliability 2.2 and 2.3)
  1. ``root.json`` names the policy owners and the relay's status key; it follows from the roots before it
     (``dispatcher.statements.root``), and the one this host went by last is among those.
  2. ``roster.toml`` and ``policy.toml`` count only with enough owners' signatures over their digests. Who the owners
     are, and with which keys, the newest root says, whenever they signed. So a key that was rotated out counts for
     nothing, and a new root needs roster and policy signed again where too few of their signatures are left.
  3. Root, roster and signatures are for one deployment, and no key stands under two people or for two purposes. An
     owner's key is not one that the roster revokes, and an owner holds no role that policy owners may not.
  4. Nothing older than what this sender has gone by before (``floor.json``) is taken again, and no policy that
     rewrites the rules of a time that has begun.

A folder, where ``roots.json`` is there from the second root on::

    root.json roots.json   roster.toml roster.sigs.json   policy.toml policy.sigs.json   floor.json

``load_trust`` reads it all or raises; there is no partly trusted state. ``read_documents`` is for who prepares one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.people import Owner, Person, PublicKey, Role, RoleHeld, Roster, TrustRoot
from dispatcher.domain.statement import Envelope, Statement, StatementError
from dispatcher.gate.policy import Beginning
from dispatcher.statements.errors import StatementRefused, TrustError
from dispatcher.statements.floor import EPOCH, Floor, Mark, raise_floor
from dispatcher.statements.owned import owner_statements
from dispatcher.statements.root import Step, follow, parse_root, parse_steps, read_canonical
from dispatcher.statements.roster import clashing, parse_roster
from dispatcher.statements.toml import MAX_FILE, parse_toml

POLICY_SCHEMA = "policy/v1"


class Dated(Protocol):
    """A policy file as it was read."""

    @property
    def beginnings(self) -> tuple[Beginning, ...]:
        """Its versions, oldest first."""


P = TypeVar("P", bound=Dated)


@dataclass(frozen=True, slots=True)
class Documents(Generic[P]):
    """What a trust folder says, whoever signed it. ``policy`` is what the caller's reader made of the policy file."""

    root: TrustRoot
    roster: Roster
    policy: P
    policy_digest: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Trust(Documents[P]):
    """The same, signed and no older than before: what to go by. ``signed`` has who signed roster and policy."""

    signed: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict)


def load_trust(
    folder: Path,
    read_policy: Callable[[Json, str], P],
    *,
    floor: Path | None = None,
    now: datetime | None = None,
) -> Trust[P]:
    """Read and check everything in ``folder``, then raise the floor.

    ``read_policy(document, digest)`` makes the typed policy and raises ValueError where it has no sense. ``floor`` is
    the floor's file where the folder itself is read-only. With ``now``, owners' signatures must be in force.
    Raises TrustError, the floor left as it was.
    """
    found = read_documents(folder, read_policy)
    root, roster = found.root, found.roster
    roots = follow(found.steps, root)
    roster_signed = _signed(folder / "roster.sigs.json", roster.digest, root, now)
    policy_signed = _signed(folder / "policy.sigs.json", found.policy_digest, root, now)
    signed_at = min(said.not_before for said in policy_signed)
    policy_mark = Mark((signed_at - EPOCH) // timedelta(microseconds=1), found.policy_digest)
    reached = Floor(roots[-1], Mark(roster.version, roster.digest), policy_mark, found.policy.beginnings)
    raise_floor(floor or folder / "floor.json", reached, roots, now)
    signed = {"roster": roster_signed, "policy": policy_signed}
    return Trust(root, roster, found.policy, found.policy_digest, found.steps, signed)


def read_documents(folder: Path, read_policy: Callable[[Json, str], P]) -> Documents[P]:
    """Read what ``folder`` says and check that it fits together, but not who signed it. Raises TrustError."""
    root = parse_root(_read(folder / "root.json"))
    earlier = folder / "roots.json"
    steps = parse_steps(_read(earlier)) if earlier.exists() else ()
    roster = parse_roster(read_text(folder / "roster.toml"))
    document = parse_toml(read_text(folder / "policy.toml"), "policy.toml")
    digest = policy_digest(document)
    _check_together(root, roster)
    try:
        policy = read_policy(document, digest)
    except ValueError as error:
        raise TrustError(f"policy.toml: {error}", "Mend it and have two policy owners sign again.") from error
    return Documents(root, roster, policy, digest, steps)


def read_text(path: Path) -> str:
    """A trust file that people edit. Raises TrustError."""
    try:
        return _read(path).decode()
    except UnicodeDecodeError as error:
        raise TrustError(f"{path.name}: not UTF-8 ({error.reason})", "Save it as UTF-8.") from error


def policy_digest(document: Json) -> str:
    """The digest that policy owners sign: over the canonical JSON of the policy file's values."""
    return canonical.digest(POLICY_SCHEMA, canonical.encode(document))


def read_envelopes(data: bytes, where: str) -> tuple[Envelope, ...]:
    """Read a file of signed statements (a canonical JSON list). Raises TrustError."""
    document = read_canonical(data, where)
    if not isinstance(document, list):
        raise TrustError(f"{where}: expected a list of signed statements", "Collect the signatures again.")
    try:
        return tuple(Envelope.from_document(item) for item in document)
    except StatementError as error:
        raise TrustError(f"{where}: {error}", "Collect the signatures again.") from error


def write_envelopes(envelopes: Iterable[Envelope]) -> bytes:
    """The bytes that :func:`read_envelopes` reads."""
    return canonical.encode([envelope.document() for envelope in envelopes])


def _check_together(root: TrustRoot, roster: Roster) -> None:
    if roster.deployment != root.deployment:
        raise TrustError(
            f"roster.toml is for deployment {roster.deployment}, root.json for {root.deployment}",
            "Install the files of this deployment.",
        )
    if roster.person_of_key(root.status_key.fingerprint):
        raise TrustError("roster.toml: the relay's status key stands under a person", "Give the relay its own key.")
    for owner in root.owners:
        for key in owner.keys:
            _check_owners_key(owner, key, roster)
        if clash := clashing((*_roles(roster.person(owner.person)), RoleHeld(Role.POLICY_OWNER, EPOCH))):
            raise TrustError(f"roster.toml: {owner.person}, an owner, holds {clash}", "Give that role to another.")


def _check_owners_key(owner: Owner, key: PublicKey, roster: Roster) -> None:
    person, known = roster.person_of_key(key.fingerprint), roster.key(key.fingerprint)
    if person is not None and person.id != owner.person:
        raise TrustError(
            f"{key.fingerprint} is {owner.person}'s in root.json and {person.id}'s in roster.toml",
            "A key speaks for one person; use one id for them in both files.",
        )
    if known is not None and known.revoked_by(None):
        raise TrustError(
            f"{key.fingerprint} of {owner.person} stands in root.json and is revoked in roster.toml: replace it",
            f"dispatcher roster rotate FOLDER --new {owner.person}=FILE.pub",
        )


def _roles(person: Person | None) -> tuple[RoleHeld, ...]:
    return person.roles if person else ()


def _signed(path: Path, digest: str, root: TrustRoot, now: datetime | None) -> tuple[Statement, ...]:
    try:
        return owner_statements(digest, read_envelopes(_read(path), path.name), root, now=now)
    except StatementRefused as refusal:
        raise TrustError(f"{path.name}: {refusal.message}", refusal.next_step) from refusal


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise TrustError(
            f"{path}: cannot be read ({error.strerror})", "Install the deployment's trust files."
        ) from error
    if len(data) > MAX_FILE:
        raise TrustError(f"{path.name}: larger than {MAX_FILE} bytes", "Restore it from its source.")
    return data
