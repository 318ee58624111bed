"""The form of an evidence pack: a zip whose every byte follows from its members' names and contents.

Rules (docs/evidence-pack.md; reference: ux 5)
  1. Members are stored, in the order in which they are written, with no time, no gap and no comment: the same record
     gives the same bytes, and no byte can be changed unseen. ``MANIFEST.json`` comes last.
  2. The manifest names each member's size and SHA-256, and everything that was left out, with its reason.
  3. Members are written as they come: a pack of a million deliveries is never in memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from channels.contract import Json
from dispatcher.domain.errors import Invalid, Unavailable

SCHEMA = "evidence-pack/v1"
MANIFEST = "MANIFEST.json"
MOST = 2**31 - 2**24
"""Bytes of all members: what a zip without extensions holds, as the standard library writes it."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is not in a pack though the record names it: a file, ``entry LEAF`` or ``statement ID``, and why."""

    what: str
    grounds: str
    reason: str
    sha256: str = ""

    def document(self) -> dict[str, Json]:
        """As the manifest says it."""
        return {"what": self.what, "class": self.grounds, "reason": self.reason, "sha256": self.sha256}


@dataclass
class PackWriter:
    """A pack being written; see :func:`written`."""

    container: zipfile.ZipFile
    files: list[Json] = field(default_factory=list)
    room: int = MOST

    def add(self, name: str, content: bytes | Iterable[bytes]) -> None:
        """Add a member, from its bytes or chunk by chunk. Raises Invalid where the pack gets too large."""
        info = zipfile.ZipInfo(name, _EPOCH)
        info.external_attr, info.create_system = _READABLE, _UNIX
        size, digest = 0, hashlib.sha256()
        with self.container.open(info, "w") as member:
            for chunk in [content] if isinstance(content, bytes) else content:
                self.room -= len(chunk)
                if self.room < 0:
                    raise Invalid("the pack would be larger than 2 GiB", "leave the media out: --without-media")
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.files.append({"name": name, "size": size, "sha256": digest.hexdigest()})

    def close(self, about: Mapping[str, Json], left_out: Iterable[LeftOut]) -> None:
        """Write the manifest. ``about`` is what it says of the pack as a whole."""
        rest: list[Json] = [one.document() for one in left_out]
        document = {"schema": SCHEMA, **about, "files": [*self.files], "left_out": rest}
        self.add(MANIFEST, pretty(document))


def pretty(document: Json) -> bytes:
    """A document as people read it, always spelled the same."""
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def line(document: Json) -> bytes:
    """A document on one line of ASCII, so that every reader splits a file of them alike."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@contextmanager
def written(target: Path) -> Iterator[PackWriter]:
    """Write a pack to a new file, whole or not at all. Raises Invalid, Unavailable."""
    if target.exists():
        raise Invalid(f"{target} is there already", "name a new file: a pack is never written over")
    part = target.with_name(f".{target.name}.part")
    try:
        part.touch(mode=0o600)
        with part.open("w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as container:
                yield PackWriter(container)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written ({error.strerror})", "name another place") from error
    finally:
        part.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
