"""The floor: the newest trust documents this sender has gone by, so that older ones cannot come back.

Rules (reference: reliability 2.1, TUF's rollback defence)
  1. A lower version of root or roster is refused, and so is the same version with other content.
     A higher root is taken only where the one last gone by is among those it follows from.
  2. A policy file has no version of its own: another document whose owners signed no later than the one last used
     (earliest of the counted signatures) is refused.
  3. Another policy file keeps every version that has begun as it was (reference: policy 6.8). That what loosens a
     rule begins after its owners signed is seen to where a change is installed: every change is signed anew, so a
     host that missed one cannot tell from the signatures when an older version was agreed on.
  4. The floor only rises, is written whole or not at all, and one that cannot be read refuses everything.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dispatcher.domain import documents
from dispatcher.domain.canonical import CanonicalError
from dispatcher.domain.documents import DocumentError
from dispatcher.gate.policy import Beginning
from dispatcher.statements.errors import TrustError

SCHEMA = "floor/v1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GIVE_FOLDER = "Give this process the folder of its floor, to read and write."


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a document has come (a version, or microseconds since 1970), and which document that was."""

    at: int
    digest: str

    def raised_to(self, other: Mark, name: str) -> Mark:
        """Return the higher of the two. Raises TrustError where ``other`` is older, or as old and not the same."""
        if other.digest == self.digest:
            return max(self, other, key=lambda mark: mark.at)  # the same policy, perhaps signed anew
        if other.at <= self.at:
            raise TrustError(
                f"{name}: this host has gone by a newer one ({self.at}, and this is {other.at}), or it was changed",
                f"Install the newest {name} with its signatures; a change needs a new version.",
            )
        return other


@dataclass(frozen=True, slots=True)
class Floor:
    """The marks of root, roster and policy, and the versions of the policy file."""

    root: Mark
    roster: Mark
    policy: Mark
    versions: tuple[Beginning, ...] = ()

    def raised_to(self, other: Floor, roots: Collection[Mark], now: datetime | None = None) -> Floor:
        """Return the higher of the two. Raises TrustError where ``other`` is older, or rewrites rules in force."""
        if self.root.at < other.root.at and self.root not in roots:
            raise TrustError(
                f"root.json: no signed steps lead from root {self.root.at}, which this host has gone by, "
                f"to {other.root.at}",
                "Install the roots.json that belongs to it; a root of another origin is never taken.",
            )
        reached = Floor(
            self.root.raised_to(other.root, "root.json"),
            self.roster.raised_to(other.roster, "roster.toml"),
            self.policy.raised_to(other.policy, "policy.toml"),
            other.versions,
        )
        _check_versions(self.versions, other.versions, now or EPOCH + timedelta(microseconds=other.policy.at))
        return reached


def _check_versions(before: Collection[Beginning], after: Collection[Beginning], now: datetime) -> None:
    kept = {one.digest for one in after}
    for one in before:
        if one.at <= now and one.digest not in kept:
            raise TrustError(
                f"policy.toml: version {one.version} has been in force, and was changed or is gone",
                "Put it back as it was; a change is a new version that begins later.",
            )


def raise_floor(path: Path, reached: Floor, roots: Collection[Mark] = (), now: datetime | None = None) -> None:
    """Hold ``reached`` against the floor at ``path`` and write it there if it is higher.

    ``roots`` are those that the root follows from, each signed for the next. Without ``now``, the time is that of the
    policy's signatures.

    Raises TrustError where it is lower; then nothing is written. Processes may share a floor: they take turns, so
    that a slower one cannot write an older floor over a newer one.
    """
    try:
        with path.with_name(f".{path.name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = _read(path)
            after = before.raised_to(reached, roots, now) if before else reached
            if after != before:
                _write(path, documents.encode(SCHEMA, after))
    except OSError as error:
        raise TrustError(f"{path.name}: cannot be read or written ({error.strerror})", _GIVE_FOLDER) from error


def _read(path: Path) -> Floor | None:
    try:
        return documents.decode(Floor, SCHEMA, path.read_bytes())
    except FileNotFoundError:
        return None
    except (CanonicalError, DocumentError) as error:
        raise TrustError(
            f"{path.name}: damaged: {error}", "Restore it from the host's backup; do not delete it."
        ) from error


def _write(path: Path, data: bytes) -> None:
    whole = path.with_name(f".{path.name}.new")
    with whole.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    whole.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
