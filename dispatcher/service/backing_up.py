"""Backing up: a deployment in one folder, whole or not at all, that says of itself what it holds.

Rules
  1. The ledger's outside copies first, then the database as of one moment, then everything else: so no copy of a
     head is newer than the database, and no row names a picture or a spent send that the backup lacks.
  2. Credentials are sealed files and go in as they are. The private keys that open them, and all others, only where
     somebody asks: who has both has the accounts.
  3. What senders have spent goes in for the day when their host is lost. It is never put over a newer file: a
     restore makes a new folder and nothing else.
  4. Redis is a doorbell, logs are the host's: neither is in it.
  5. It is made beside its place and moved there; a folder in use is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

from dispatcher.domain.canonical import format_time
from dispatcher.ledger import copies
from dispatcher.service.deploying import beside
from dispatcher.service.desk import Desk
from dispatcher.settings import Settings
from dispatcher.store import copying

FORMAT = "dispatcher/backup/1"
MANIFEST = "manifest.json"
PLACE = "files"
"""The folder of a backup that holds a deployment's folders, under the names they have there."""

FOLDERS = ("trust", "templates", "areas", "credentials", "sender", "feed", "hand-off")
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made. ``digest`` is its manifest's: what the ledger remembers it by."""

    folder: Path
    digest: str
    files: int
    size_bytes: int
    rows: int
    migration: str | None
    keys: bool
    took_ms: int


def back_up(desk: Desk, folder: Path, *, keys: bool = False) -> Backup:
    """Back a deployment up into ``folder``. Raises Invalid for a folder in use, Unavailable."""
    began, started = desk.now(), monotonic()
    with beside(folder) as building:
        _copy_heads(desk.settings, building)
        copied = copying.copy(desk.settings.database, building)
        for source, name in _sources(desk.settings, keys=keys):
            _copy_file(source, building / PLACE / name)
        took_ms = round((monotonic() - started) * 1000)
        listed = _listed(building)
        about = _about(desk, began, took_ms, keys=keys) | {"database": asdict(copied), "files": listed}
        written = json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False).encode()
        _write(building / MANIFEST, written)
        _settle(building)
    size = sum(int(entry["bytes"]) for entry in listed.values())
    digest = hashlib.sha256(written).hexdigest()
    made = Backup(
        folder, digest, len(listed), size, sum(copied.counts.values()), copied.migration, keys, round(took_ms)
    )
    with desk.store.write() as work:
        work.record(
            "backup.made",
            folder=folder.name,
            manifest=digest,
            schema=copied.migration,
            keys=keys,
            entries=copied.counts.get("ledger", 0),
            bytes=size,
            took_ms=took_ms,
        )
    return made


def digest_of(file: Path) -> tuple[int, str]:
    """A file's length and SHA-256. Raises OSError."""
    hashed, length = hashlib.sha256(), 0
    with file.open("rb") as source:
        while piece := source.read(PIECE):
            hashed.update(piece)
            length += len(piece)
    return length, hashed.hexdigest()


def _about(desk: Desk, began: datetime, took_ms: int, *, keys: bool) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "deployment": desk.trust.root.deployment,
        "root": desk.trust.root.digest,
        "made_at": format_time(began),
        "took_ms": took_ms,
        "dispatcher": version("dispatcher"),
        "keys": keys,
    }


def _copy_heads(settings: Settings, building: Path) -> None:
    """What stands in each of the folders that the ledger's heads are copied to, as one file: doubles do no harm."""
    target = copies.file_in(building / PLACE / "checkpoints", settings.deployment)
    target.parent.mkdir(parents=True, mode=0o700)
    found = [copies.file_in(settings.path(place), settings.deployment) for place in settings.checkpoints]
    _write(target, b"\n\n".join(file.read_bytes() for file in found if file.is_file()))


def _sources(settings: Settings, *, keys: bool) -> Iterator[tuple[Path, Path]]:
    """Each file that is backed up, and its name in a deployment. Links are not followed."""
    yield settings.path("deployment.toml"), Path("deployment.toml")
    if (procfile := settings.path("Procfile")).is_file():
        yield procfile, Path("Procfile")
    places = {name: settings.path(name) for name in FOLDERS} | {"media": settings.path(settings.media)}
    for name, place in places.items():
        yield from ((file, Path(name) / file.relative_to(place)) for file in _files(place))
    for file in _files(settings.path("data")):
        if file.suffix == ".json":  # the newest versions of the trust that were gone by: they never go back
            yield file, Path("data") / file.name
    for file in _files(settings.path("keys")):
        if keys or file.suffix == ".pub":
            yield file, Path("keys") / file.relative_to(settings.path("keys"))


def _files(place: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(place):
        for name in sorted(names):
            file = Path(folder, name)
            passing = name.startswith(".") and name.endswith((".new", ".lock"))
            if file.is_file() and not file.is_symlink() and not passing:
                yield file


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file, or the whole lines of a record that is appended to; nothing of one that is gone meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with source.open("rb") as reading, _private(target) as writing:
            while piece := reading.read(PIECE):
                writing.write(piece)
    except FileNotFoundError:
        return
    if source.suffix == ".jsonl":
        _end_at_a_line(target)


def _end_at_a_line(file: Path) -> None:
    data = file.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(file, whole)


def _write(file: Path, data: bytes) -> None:
    with _private(file) as writing:
        writing.write(data)


def _private(file: Path) -> Any:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _listed(building: Path) -> dict[str, Mapping[str, Any]]:
    listed: dict[str, Mapping[str, Any]] = {}
    for file in sorted(path for path in building.rglob("*") if path.is_file()):
        length, digest = digest_of(file)
        listed[file.relative_to(building).as_posix()] = {"bytes": length, "sha256": digest}
    return listed


def _settle(building: Path) -> None:
    """See everything onto the disk before the backup takes its name."""
    for path in (*building.rglob("*"), building):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
