"""The floor: the newest trust documents this sender has gone by, so that older ones cannot come back.

Rules (reference: reliability 2.1, TUF's rollback defence)
  1. A lower version of root or roster is refused, and so is the same version with other content.
  2. A policy file has no version of its own: another document whose owners signed no later than the one last used
     (earliest of the counted signatures) is refused.
  3. The floor only rises, is written whole or not at all, and one that cannot be read refuses everything.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.statements.errors import TrustError

SCHEMA = "floor/v1"
GIVE_FOLDER = "Give this process the folder of its floor, to read and write."

T = TypeVar("T", int, datetime)


@dataclass(frozen=True, slots=True)
class Mark(Generic[T]):
    """How far a document has come (a version, or when it was signed), and which document that was."""

    at: T
    digest: str

    def raised_to(self, other: Mark[T], name: str) -> Mark[T]:
        """Return ``other`` unless it is older, or as old and another document. Raises TrustError."""
        if other.at < self.at or (other.at == self.at and other.digest != self.digest):
            raise TrustError(
                f"{name}: this host has gone by {_shown(self.at)}; this is {_shown(other.at)}, or was changed",
                f"Install the newest {name} with its signatures; a change needs a new version.",
            )
        return other


@dataclass(frozen=True, slots=True)
class Floor:
    """The marks of root, roster and policy."""

    root: Mark[int]
    roster: Mark[int]
    policy: Mark[datetime]

    def raised_to(self, other: Floor) -> Floor:
        """Return ``other``. Raises TrustError if any of its documents is older than this floor's."""
        return Floor(
            self.root.raised_to(other.root, "root.json"),
            self.roster.raised_to(other.roster, "roster.toml"),
            self.policy_raised_to(other.policy),
        )

    def policy_raised_to(self, other: Mark[datetime]) -> Mark[datetime]:
        """As :meth:`Mark.raised_to`; the same policy under other signatures never lowers the mark."""
        if other.digest == self.policy.digest:
            return max(self.policy, other, key=lambda mark: mark.at)
        return self.policy.raised_to(other, "policy.toml")

    def encoded(self) -> bytes:
        """The canonical bytes of the file."""
        return canonical.encode(
            {
                "schema": SCHEMA,
                "root": {"at": self.root.at, "digest": self.root.digest},
                "roster": {"at": self.roster.at, "digest": self.roster.digest},
                "policy": {"at": format_time(self.policy.at), "digest": self.policy.digest},
            }
        )


def raise_floor(path: Path, reached: Floor) -> None:
    """Hold ``reached`` against the floor at ``path`` and write it there if it is higher.

    Raises TrustError where it is lower; then nothing is written. Processes may share a floor.
    """
    if _after(path, reached) is None:
        return
    with _alone(path):
        after = _after(path, reached)
        if after is not None:
            _write(path, after.encoded())


def _after(path: Path, reached: Floor) -> Floor | None:
    """The floor to be written, or None where it stands there already."""
    before = _read(path)
    after = before.raised_to(reached) if before else reached
    return None if after == before else after


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the floor's lock, so that a slower process cannot write an older floor over a newer one."""
    try:
        lock = path.with_name(f".{path.name}.lock").open("wb")
    except OSError as error:
        raise TrustError(f"{path.name}: cannot be written ({error.strerror})", GIVE_FOLDER) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> Floor | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TrustError(f"{path.name}: cannot be read ({error.strerror})", GIVE_FOLDER) from error
    try:
        reader = Reader(canonical.decode(data), path.name)
        reader.schema(SCHEMA)
        number, time = _mark(Reader.integer), _mark(Reader.time)
        marks = number(reader.raw("root")), number(reader.raw("roster")), time(reader.raw("policy"))
        reader.done()
    except (canonical.CanonicalError, DocumentError) as error:
        raise TrustError(
            f"{path.name}: damaged: {error}", "Restore it from the host's backup; do not delete it."
        ) from error
    return Floor(*marks)


def _mark(read_at: Callable[[Reader, str], T]) -> Callable[[Json], Mark[T]]:
    def read(document: Json) -> Mark[T]:
        reader = Reader(document, "mark")
        mark = Mark(read_at(reader, "at"), reader.text("digest"))
        reader.done()
        return mark

    return read


def _write(path: Path, data: bytes) -> None:
    whole = path.with_name(f".{path.name}.new")
    try:
        with whole.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        whole.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise TrustError(f"{path.name}: cannot be written ({error.strerror})", GIVE_FOLDER) from error


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _shown(at: int | datetime) -> str:
    return format_time(at) if isinstance(at, datetime) else f"version {at}"
