"""The trust root and the way it came: every root is signed by enough owners of the one before, and of its own.

Rules (reference: reliability 2.3; TUF's root rotation)
  1. ``root.json`` is canonical JSON. It names two owners at the least, and no key for two people or purposes.
  2. The next root counts only when the threshold of the root before and its own threshold, as people, signed it.
  3. Steps are taken one at a time: the next version, the same deployment, the same kind.
  4. ``roots.json`` holds the earlier roots, oldest first, each with the signatures over the one that followed it.

A host that went by root 1, where version 3 is installed::

    roots.json   [{"root": 1, "signatures": over 2}, {"root": 2, "signatures": over 3}]
    root.json    3
    follow(parse_steps(…), root)        # the marks of 1, 2 and 3; the floor finds its own among them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from channels.contract import Json
from dispatcher.domain import canonical, documents
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.people import ROOT_SCHEMA, Owner, TrustRoot
from dispatcher.domain.statement import Envelope, StatementError
from dispatcher.statements.errors import StatementRefused, TrustError
from dispatcher.statements.floor import Mark
from dispatcher.statements.keys import admitted
from dispatcher.statements.owned import owner_statements
from dispatcher.statements.roster import check_head, check_name, refuse_repeats

LEAST_OWNERS = 2
_RESTORE = "Restore it from a host that has gone by this trust root."
_MEND = "Make the trust root again and have it installed."


@dataclass(frozen=True, slots=True)
class Step:
    """An earlier root, with the signatures over the one that followed it."""

    root: TrustRoot
    signatures: tuple[Envelope, ...]


def parse_root(data: bytes, where: str = "root.json") -> TrustRoot:
    """Read a trust root strictly. Raises TrustError naming the place and what to do."""
    return _root(read_canonical(data, where), where)


def parse_steps(data: bytes, where: str = "roots.json") -> tuple[Step, ...]:
    """Read the earlier roots. Raises TrustError; whether they are steps is for :func:`follow` to say."""
    document = read_canonical(data, where)
    if not isinstance(document, list):
        raise TrustError(f"{where}: expected a list of earlier roots", _RESTORE)
    return tuple(_step(item, f"{where}[{index}]") for index, item in enumerate(document))


def write_steps(steps: Iterable[Step]) -> bytes:
    """The bytes that :func:`parse_steps` reads."""
    written: list[Json] = []
    for step in steps:
        signatures: list[Json] = [envelope.document() for envelope in step.signatures]
        written.append({"root": canonical.decode(step.root.encoded()), "signatures": signatures})
    return canonical.encode(written)


def follow(steps: tuple[Step, ...], newest: TrustRoot) -> tuple[Mark, ...]:
    """Check every step up to ``newest``. Gives the marks of all roots, oldest first. Raises TrustError."""
    roots = (*(step.root for step in steps), newest)
    for step, (before, after) in zip(steps, pairwise(roots), strict=True):
        _check_step(before, after, step.signatures)
    return tuple(Mark(root.version, root.digest) for root in roots)


def read_canonical(data: bytes, where: str) -> Json:
    """Read a trust file that is canonical JSON. Raises TrustError."""
    try:
        return canonical.decode(data.removesuffix(b"\n"))
    except canonical.CanonicalError as error:
        raise TrustError(f"{where}: {error}", "Restore it as it was made; do not edit it by hand.") from error


def _check_step(before: TrustRoot, after: TrustRoot, signatures: tuple[Envelope, ...]) -> None:
    where = f"roots.json: from root {before.version} to {after.version}"
    if after.version != before.version + 1:
        raise TrustError(f"{where}: not the next version", "Install every version between, in order.")
    if (after.deployment, after.kind) != (before.deployment, before.kind):
        raise TrustError(f"{where}: another deployment or kind; neither ever changes", "Install this one's own root.")
    for judge in (before, after):
        try:
            owner_statements(after.digest, signatures, judge)
        except StatementRefused as refusal:
            message = f"{where}, judged by root {judge.version}: {refusal.message}"
            raise TrustError(message, "Enough owners of both roots must sign the new one.") from refusal


def _step(document: Json, where: str) -> Step:
    try:
        reader = documents.Reader(document, where)
        root = _root(reader.raw("root"), f"{where}.root")
        signatures = reader.each("signatures", lambda item, _: Envelope.from_document(item))
        reader.done()
    except DocumentError as error:
        raise TrustError(str(error), _RESTORE) from error
    except StatementError as error:
        raise TrustError(f"{where}.signatures: {error}", _RESTORE) from error
    return Step(root, signatures)


def _root(document: Json, where: str) -> TrustRoot:
    try:
        root = documents.from_document(TrustRoot, ROOT_SCHEMA, document, where)
        check_head(root.version, root.deployment, where)
        owners = tuple(_owner(owner, f"{where}.owners[{index}]") for index, owner in enumerate(root.owners))
        (status_key,) = admitted((root.status_key,), f"{where}.status_key")
    except DocumentError as error:
        raise TrustError(str(error), _MEND) from error
    root = replace(root, owners=owners, status_key=status_key)
    _check_root(root, where)
    return root


def _owner(owner: Owner, where: str) -> Owner:
    check_name(owner.person, f"{where}.person")
    if not owner.keys:
        raise DocumentError(f"{where}.keys: {owner.person} has no key to sign with")
    return replace(owner, keys=admitted(owner.keys, f"{where}.keys"))


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
