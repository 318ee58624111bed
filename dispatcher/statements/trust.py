"""What a sender goes by, read from its own disk and from nowhere else: trust root, roster, policy.

Rules (reference: gate 4 and 13, reliability 2.2 and 2.3)
  1. ``root.json`` is canonical JSON, put there by people; it names the policy owners and the relay's status key.
  2. ``roster.toml`` and ``policy.toml`` count only with enough owners' signatures over their digests.
  3. Root, roster and signatures are for one deployment, and no key stands under two people or for two purposes.
  4. Nothing older than what this sender has gone by before (``floor.json``) is taken again.

A folder::

    root.json   roster.toml  roster.sigs.json   policy.toml  policy.sigs.json   floor.json

``load_trust`` reads it all or raises; there is no partly trusted state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

from channels.contract import Json
from dispatcher.domain import canonical, documents
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.people import ROOT_SCHEMA, Owner, Roster, TrustRoot
from dispatcher.domain.statement import Envelope, Statement, StatementError
from dispatcher.statements.errors import StatementRefused, TrustError
from dispatcher.statements.floor import Floor, Mark, raise_floor
from dispatcher.statements.keys import admitted
from dispatcher.statements.owned import owner_statements
from dispatcher.statements.roster import check_head, check_name, parse_roster, refuse_repeats
from dispatcher.statements.toml import MAX_FILE, parse_toml

POLICY_SCHEMA = "policy/v1"
LEAST_OWNERS = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Trust(Generic[P]):
    """``policy`` is what the caller's reader made of the policy file."""

    root: TrustRoot
    roster: Roster
    policy: P
    policy_digest: str


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
    root = parse_root(_read(folder / "root.json"))
    roster = parse_roster(_text(folder / "roster.toml"))
    document = parse_toml(_text(folder / "policy.toml"), "policy.toml")
    digest = policy_digest(document)
    _check_together(root, roster)
    _signed(folder / "roster.sigs.json", roster.digest, root, now)
    signed_at = min(said.not_before for said in _signed(folder / "policy.sigs.json", digest, root, now))
    try:
        policy = read_policy(document, digest)
    except ValueError as error:
        raise TrustError(f"policy.toml: {error}", "Mend it and have two policy owners sign again.") from error
    policy_mark = Mark((signed_at - _EPOCH) // timedelta(microseconds=1), digest)
    reached = Floor(Mark(root.version, root.digest), Mark(roster.version, roster.digest), policy_mark)
    raise_floor(floor or folder / "floor.json", reached)
    return Trust(root, roster, policy, digest)


def parse_root(data: bytes, where: str = "root.json") -> TrustRoot:
    """Read a trust root strictly. Raises TrustError naming the place and what to do."""
    try:
        root = documents.from_document(TrustRoot, ROOT_SCHEMA, _canonical(data, where), where)
        check_head(root.version, root.deployment, where)
        owners = tuple(_owner(owner, f"{where}.owners[{index}]") for index, owner in enumerate(root.owners))
        (status_key,) = admitted((root.status_key,), f"{where}.status_key")
    except DocumentError as error:
        raise TrustError(str(error), "Make the trust root again and have it installed.") from error
    root = replace(root, owners=owners, status_key=status_key)
    _check_root(root, where)
    return root


def policy_digest(document: Json) -> str:
    """The digest that policy owners sign: over the canonical JSON of the policy file's values."""
    return canonical.digest(POLICY_SCHEMA, canonical.encode(document))


def read_envelopes(data: bytes, where: str) -> tuple[Envelope, ...]:
    """Read a file of signed statements (a canonical JSON list). Raises TrustError."""
    document = _canonical(data, where)
    if not isinstance(document, list):
        raise TrustError(f"{where}: expected a list of signed statements", "Collect the signatures again.")
    try:
        return tuple(Envelope.from_document(item) for item in document)
    except StatementError as error:
        raise TrustError(f"{where}: {error}", "Collect the signatures again.") from error


def write_envelopes(envelopes: Iterable[Envelope]) -> bytes:
    """The bytes that :func:`read_envelopes` reads."""
    return canonical.encode([envelope.document() for envelope in envelopes])


def _check_root(root: TrustRoot, where: str) -> None:
    people = [owner.person for owner in root.owners]
    refuse_repeats(people, f"{where}: owner", "Name each owner once, with all of their keys.")
    keys = [key.fingerprint for owner in root.owners for key in owner.keys]
    refuse_repeats([*keys, root.status_key.fingerprint], f"{where}: key", "Give each purpose and person its own key.")
    if not LEAST_OWNERS <= root.threshold <= len(people):
        raise TrustError(
            f"{where}.threshold: {root.threshold} of {len(people)} owners",
            "Two people at the least, all of them at most.",
        )


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
            person = roster.person_of_key(key.fingerprint)
            if person is not None and person.id != owner.person:
                raise TrustError(
                    f"{key.fingerprint} is {owner.person}'s in root.json and {person.id}'s in roster.toml",
                    "A key speaks for one person; use one id for them in both files.",
                )


def _signed(path: Path, digest: str, root: TrustRoot, now: datetime | None) -> tuple[Statement, ...]:
    try:
        return owner_statements(digest, read_envelopes(_read(path), path.name), root, now=now)
    except StatementRefused as refusal:
        raise TrustError(f"{path.name}: {refusal.message}", refusal.next_step) from refusal


def _owner(owner: Owner, where: str) -> Owner:
    check_name(owner.person, f"{where}.person")
    if not owner.keys:
        raise DocumentError(f"{where}.keys: {owner.person} has no key to sign with")
    return replace(owner, keys=admitted(owner.keys, f"{where}.keys"))


def _canonical(data: bytes, where: str) -> Json:
    try:
        return canonical.decode(data.removesuffix(b"\n"))
    except canonical.CanonicalError as error:
        raise TrustError(f"{where}: {error}", "Restore it as it was made; do not edit it by hand.") from error


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError as error:
        raise TrustError(f"{path.name}: not UTF-8 ({error.reason})", "Save it as UTF-8.") from error


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
