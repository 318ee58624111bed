"""Changing what senders go by: who is on the roster, whose keys count, who the policy owners are.

Rules (reference: reliability 2.3; TUF's rotation)
  1. A change is proposed in a folder of its own, signed there by policy owners, and installed from there. It needs no
     network and no database: the folder can be carried.
  2. An owner signs one file, which names the digests of root, roster and policy as they are to be, whichever of them
     changes: so nothing that was signed with a key that is gone has to be found and signed again.
     Who has one key by the root before and another by the new one has a file for each (``….old-key.statement``).
  3. What changes gets the next version. A key that is replaced is revoked at once, for whoever holds it can write any
     date; a root that changes follows from the one before (``dispatcher.statements.root``).
  4. Installing reads the new files as a sender would, against a copy of this host's floor, and then swaps the two
     folders in one step of the file system. Where it is refused, nothing has changed.

A lost key, in three commands::

    $ dispatcher roster rotate change --new director-1=new.pub
    $ ssh-keygen -Y sign -n dispatcher-live-v1 -f KEY change/owner-1.statement     # as does owner-2
    $ dispatcher roster install change                                             # on every host
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from dispatcher.domain.errors import Invalid, NotFound, SignatureNeeded, Unavailable
from dispatcher.domain.ids import RandomBytes
from dispatcher.domain.people import (
    OF_PEOPLE,
    Key,
    KeyType,
    Owner,
    Person,
    PublicKey,
    Role,
    Roster,
    TrustRoot,
    on_call,
)
from dispatcher.domain.statement import Envelope, Statement, StatementError
from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_file import load
from dispatcher.service.deploying import beside
from dispatcher.service.desk import Pen
from dispatcher.statements.errors import TrustError
from dispatcher.statements.owned import owner_statement, owners_of
from dispatcher.statements.root import Step, write_steps
from dispatcher.statements.roster import roster_toml
from dispatcher.statements.signing import attach, read_signature, to_sign
from dispatcher.statements.trust import Documents, Trust, load_trust, read_documents, write_envelopes

IN_FORCE, NOT_YET = "in force", "not yet"
OLD_KEY = ".old-key"
DOCUMENTS = ("root.json", "roster.toml", "policy.toml")
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux

D = TypeVar("D", Roster, TrustRoot)


@dataclass(frozen=True, slots=True)
class Change:
    """Root, roster and policy as they are to be. ``people`` are those whose entry is another than before.

    ``to_sign`` are the files for the owners, ``threshold`` of whom must sign: by the root before, and by the new one.
    """

    folder: Path
    root: int
    root_digest: str
    roster: int
    roster_digest: str
    policy_digest: str
    people: tuple[str, ...]
    threshold: int
    to_sign: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyHeld:
    """A person's key as it stands now: in force, not yet, expired or revoked."""

    person: str
    fingerprint: str
    hardware: bool
    state: str
    not_before: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class RoleShown:
    """A role, or a time on call for one."""

    person: str
    role: Role
    on_call: bool
    not_before: datetime
    expires: datetime | None
    deputy_for: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A roster at a glance: what it says, who could be locked out by losing one key, and when nobody would come."""

    version: int
    deployment: str
    digest: str
    one_key: tuple[str, ...]
    nobody_on_call: tuple[Role, ...]
    roles: tuple[RoleShown, ...]
    keys: tuple[KeyHeld, ...]


def propose(
    folder: Path,
    trust: Path,
    files: Collection[Path],
    keys: Mapping[str, PublicKey],
    now: datetime,
    random_bytes: RandomBytes,
) -> Change:
    """Write into a new ``folder`` the trust files as they are to be, and for each owner what they are to sign.

    ``files`` replace those of the same name in ``trust``; ``keys`` replace all keys of a person. Raises Invalid,
    NotFound, TrustError; then nothing is written.
    """
    before = read_documents(trust, load)
    if others := sorted({path.name for path in files} - set(DOCUMENTS)):
        raise Invalid(
            f"{others[0]} is no trust file", f"name the files as they are named there: {', '.join(DOCUMENTS)}"
        )
    with beside(folder) as building:
        for source in (*(trust / name for name in DOCUMENTS), *files):
            _copy(source, building)
        found = read_documents(building, load)
        known = {person.id for person in (*owners_of(found.root).people, *found.roster.people)}
        if strangers := sorted(keys.keys() - known):
            raise NotFound(f"{strangers[0]} is not on the roster", "dispatcher roster check lists who is")
        root = _next(before.root, _owners_keys(found.root, keys))
        roster = _next(before.roster, _peoples_keys(found.roster, keys, now))
        steps = before.steps if root == before.root else (*before.steps, Step(before.root, ()))
        if steps:
            (building / "roots.json").write_bytes(write_steps(steps))
        (building / "root.json").write_bytes(root.encoded())
        if roster != found.roster:
            (building / "roster.toml").write_text(roster_toml(roster))
        after = read_documents(building, load)
        names = [one.person for one in root.owners]
        names += [f"{one.person}{OLD_KEY}" for one in before.root.owners if one not in root.owners]
        for name in names:
            person, nonce = name.removesuffix(OLD_KEY), random_bytes(16).hex()
            statement = owner_statement(person, root, after.roster, after.policy_digest, now, nonce)
            (building / f"{name}.statement").write_bytes(to_sign(statement))
    return _change(folder, before, after)


def sign(folder: Path, pen: Pen) -> Path:
    """Sign what ``folder`` proposes, as the owner whose key this is; gives the signature's file.

    Raises SignatureNeeded for a key that is no owner's, Invalid where the files are not those that were proposed.
    """
    found = read_documents(folder, load)
    person = owners(found).person_of_key(pen.fingerprint)
    if person is None:
        raise SignatureNeeded(f"key {pen.fingerprint} is no policy owner's", "have a policy owner sign")
    old = "" if owners_of(found.root).person_of_key(pen.fingerprint) else OLD_KEY
    path = folder / f"{person.id}{old}.statement"
    statement = _statement(path)
    made = owner_statement(
        person.id, found.root, found.roster, found.policy_digest, statement.not_before, statement.nonce
    )
    if statement != made:
        raise Invalid(f"{path} is not about the files beside it", "have it proposed again; nothing was signed")
    target = path.with_name(f"{path.name}.sig")
    signature = pen.sign(statement).signature
    try:
        target.write_text(signature)
    except OSError as error:
        raise Invalid(
            f"{target}: cannot be written ({error.strerror})", "copy the folder to where you may"
        ) from error
    return target


def _refuse_back_dated(before: Policies, after: Policies, envelopes: Collection[Envelope]) -> None:
    """What was forbidden yesterday stays forbidden yesterday, whatever a file says of when it was recorded."""
    signed_at = min(Statement.decode(envelope.payload).not_before for envelope in envelopes)
    known = {version.digest for version in before.versions}
    for one in after.beginnings:
        if one.loosens and one.digest not in known and one.at < signed_at:
            raise TrustError(
                f"policy.toml: version {one.version} loosens a rule, and begins before its owners signed it",
                "Let it begin after they have signed; on a host that missed a change, install that one first.",
            )


def install(folder: Path, trust: Path, floor: Path, now: datetime) -> Trust[Policies]:
    """Put what ``folder`` proposes, with the signatures found there, in the place of the folder ``trust``.

    ``floor`` is read and left as it is: it rises when the files are next gone by. Raises TrustError, SigningError,
    Unavailable; then nothing has changed.
    """
    found = read_documents(folder, load)
    envelopes = tuple(_signed(path) for path in sorted(folder.glob("*.statement.sig")))
    try:
        with tempfile.TemporaryDirectory(dir=trust.parent, prefix=".trust.", ignore_cleanup_errors=True) as place:
            staged = shutil.copytree(trust, Path(place) / "trust")
            _write(folder, found, envelopes, staged)
            if floor.exists():
                shutil.copyfile(floor, Path(place) / "floor.json")
            installed = load_trust(staged, load, floor=Path(place) / "floor.json", now=now)
            _refuse_back_dated(read_documents(trust, load).policy, installed.policy, envelopes)
            _flush(staged)
            _exchange(staged, trust)
    except OSError as error:
        raise Unavailable(f"{trust} cannot be replaced: {error}", "mend that; nothing has changed") from error
    return installed


def owners(found: Documents[Policies]) -> Roster:
    """Everybody who may sign a change: the owners by the new root, and by the one it is to follow."""
    return owners_of(found.root, *(step.root for step in found.steps if not step.signatures))


def checked(roster: Roster, now: datetime) -> Checked:
    """A roster at a glance, as it stands at ``now``."""
    keys = tuple(key for person in roster.people for key in keys_of(person, now))
    usable = [key.person for key in keys if key.state in (IN_FORCE, NOT_YET)]
    return Checked(
        version=roster.version,
        deployment=roster.deployment,
        digest=roster.digest,
        one_key=tuple(person.id for person in roster.people if usable.count(person.id) == 1),
        nobody_on_call=tuple(r for r in OF_PEOPLE if not any(on_call(p, r, now) for p in roster.holders(r, now))),
        roles=tuple(shown for person in roster.people for shown in roles_of(person)),
        keys=keys,
    )


def roles_of(person: Person) -> tuple[RoleShown, ...]:
    """What a person may do and when, then when they are on call."""
    held = (*((False, one) for one in person.roles), *((True, one) for one in person.on_call))
    return tuple(
        RoleShown(person.id, one.role, called, one.not_before, one.expires, one.deputy_for) for called, one in held
    )


def keys_of(person: Person, now: datetime) -> tuple[KeyHeld, ...]:
    """A person's keys as they stand at ``now``."""
    return tuple(
        KeyHeld(
            person.id, key.fingerprint, key.type is KeyType.SK_ED25519, _state(key, now), key.not_before, key.expires
        )
        for key in person.keys
    )


def _state(key: Key, now: datetime) -> str:
    if key.revoked_by(now):
        return "revoked"
    if now < key.not_before:
        return NOT_YET
    return IN_FORCE if key.valid_at(now) else "expired"


def _copy(source: Path, folder: Path) -> None:
    try:
        shutil.copyfile(source, folder / source.name)
    except OSError as error:
        raise Invalid(f"{source}: cannot be read ({error.strerror})", "name a file that is there") from error


def _next(before: D, after: D) -> D:
    """``after`` under the version that it must have: one more, or the same where nothing else changed."""
    same = replace(after, version=before.version)
    return same if same == before else replace(after, version=before.version + 1)


def _owners_keys(root: TrustRoot, keys: Mapping[str, PublicKey]) -> TrustRoot:
    owners = (Owner(one.person, (keys[one.person],)) if one.person in keys else one for one in root.owners)
    return replace(root, owners=tuple(owners))


def _peoples_keys(roster: Roster, keys: Mapping[str, PublicKey], now: datetime) -> Roster:
    people = (_rekeyed(person, keys[person.id], now) if person.id in keys else person for person in roster.people)
    return replace(roster, people=tuple(people))


def _rekeyed(person: Person, key: PublicKey, now: datetime) -> Person:
    gone = (one if one.revoked_at else replace(one, revoked_at=now) for one in person.keys)
    return replace(person, keys=(*gone, Key(key.public, now)))


def _statement(path: Path) -> Statement:
    try:
        return Statement.decode(path.read_bytes())
    except (OSError, StatementError) as error:
        raise Invalid(f"{path}: {error}", "restore it as it was proposed, or have it proposed again") from error


def _signed(path: Path) -> Envelope:
    return attach(_statement(path.with_suffix("")), read_signature(path))


def _write(folder: Path, found: Documents[Policies], envelopes: tuple[Envelope, ...], staged: Path) -> None:
    for name in DOCUMENTS:
        shutil.copyfile(folder / name, staged / name)
    if steps := [replace(step, signatures=step.signatures or envelopes) for step in found.steps]:
        (staged / "roots.json").write_bytes(write_steps(steps))
    for name in ("roster", "policy"):
        (staged / f"{name}.sigs.json").write_bytes(write_envelopes(envelopes))


def _change(folder: Path, before: Documents[Policies], after: Documents[Policies]) -> Change:
    people = {person.id for person in {*before.roster.people} ^ {*after.roster.people}}
    names = tuple(sorted(path.name for path in folder.glob("*.statement")))
    root, roster = after.root, after.roster
    digests = {"root_digest": root.digest, "roster_digest": roster.digest, "policy_digest": after.policy_digest}
    return Change(
        folder,
        root.version,
        roster=roster.version,
        **digests,
        people=tuple(sorted(people)),
        threshold=root.threshold,
        to_sign=names,
    )


def _flush(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders in one step; after a crash both are whole, and each is in one place or the other."""
    system = ctypes.CDLL(None, use_errno=True)
    if system.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
