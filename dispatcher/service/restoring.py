"""Restoring: a new deployment folder from a backup, and the rehearsal that says whether a backup is good.

Rules
  1. Every file is held against its digest before anything is made; one that is damaged, missing or foreign ends it.
  2. A restore makes a new folder and fills an empty database. It never writes over anything, so what a sender that
     still stands has spent since is never replaced by what it had spent at the backup.
  3. A rehearsal restores, migrates, counts and verifies in a place of its own, starts nothing, and takes it all away.
     It ends badly unless all of that went well: a backup that nobody has restored is not one.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Any, ClassVar

from dispatcher.domain.errors import DispatcherError, Invalid
from dispatcher.service import proving
from dispatcher.service.backing_up import FORMAT, MANIFEST, PLACE, digest_of
from dispatcher.service.deploying import DATABASE, beside
from dispatcher.service.desk import Desk
from dispatcher.store import copying, migrate

SCRATCH_DATABASE = "data/dispatcher.db"


class Damaged(DispatcherError):
    """A backup is not what was written."""

    exit_code: ClassVar[int] = 10
    word: ClassVar[str] = "backup_damaged"


@dataclass(frozen=True, slots=True)
class Restored:
    """A deployment that stands again. ``missing_keys`` are private keys that the backup does not hold."""

    folder: Path
    deployment: str
    made_at: str
    database: str
    migration: str | None
    rows: int
    missing_keys: tuple[str, ...]
    elsewhere: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rehearsal found. ``faults`` is empty for a good backup; ``took_ms`` from reading it to the last check.

    ``anchored`` of the ledger's ``entries`` are under a signed head that was kept outside the database.
    """

    backup: Path
    deployment: str
    made_at: str
    files: int
    size_bytes: int
    rows: int
    before: str | None
    now: str | None
    entries: int
    anchored: int
    waiting: int
    took_ms: int
    faults: tuple[str, ...]


OpenDesk = Callable[[Path], Desk]
"""Opens the desk of a deployment folder, as a command does."""


def restore(backup: Path, folder: Path, database: str = "") -> Restored:
    """Make ``folder`` what was backed up. ``database`` is an empty one in place of the backup's own address.

    Raises NotFound, Damaged, Invalid for a folder or database in use, Unavailable.
    """
    manifest = checked(backup)
    with beside(folder) as building:
        wanted = _place(backup, manifest, building, database)
        copied = manifest["database"]
        own = wanted.replace("sqlite:///data/", f"sqlite:///{building / 'data'}/")
        copying.load(backup / copying.FILES[copied["kind"]], copied["kind"], copied["tools"], own)
    return Restored(
        folder=folder,
        deployment=manifest["deployment"],
        made_at=manifest["made_at"],
        database=copying.shown(wanted),
        migration=copied["migration"],
        rows=sum(copied["counts"].values()),
        missing_keys=tuple(_missing_keys(folder)),
        elsewhere=tuple(_elsewhere(folder)),
    )


def rehearse(backup: Path, open_desk: OpenDesk, database: str = "") -> Rehearsal:
    """Restore a backup where nobody looks, and say whether it is good. A PostgreSQL one wants an empty ``database``.

    Raises as :func:`restore` does; what the restored deployment itself lacks is among the faults.
    """
    started = monotonic()
    manifest = checked(backup)
    kind = manifest["database"]["kind"]
    if kind != "sqlite" and not database:
        raise Invalid(
            "the backup is of PostgreSQL: a rehearsal needs an empty database of its own",
            "make one on a server that nothing else needs: createdb NAME; then --database URL",
        )
    with tempfile.TemporaryDirectory(prefix="dispatcher-rehearsal-") as scratch:
        folder = Path(scratch, "deployment")
        own = database if kind != "sqlite" else f"sqlite:///{SCRATCH_DATABASE}"
        restore(backup, folder, own)
        _keep_inside(folder)
        with _emptied_after(database if kind != "sqlite" else ""):
            faults, proof, now = _held(folder, manifest, open_desk)
    return Rehearsal(
        backup=backup,
        deployment=manifest["deployment"],
        made_at=manifest["made_at"],
        files=len(manifest["files"]),
        size_bytes=sum(entry["bytes"] for entry in manifest["files"].values()),
        rows=sum(manifest["database"]["counts"].values()),
        before=manifest["database"]["migration"],
        now=now,
        entries=proof.entries if proof else 0,
        anchored=proof.anchored if proof else 0,
        waiting=proof.waiting if proof else 0,
        took_ms=round((monotonic() - started) * 1000),
        faults=tuple(faults),
    )


def note_rehearsal(desk: Desk, found: Rehearsal) -> bool:
    """Have it on record in the deployment that the backup is of; False for another's."""
    if desk.trust.root.deployment != found.deployment:
        return False
    manifest = hashlib.sha256((found.backup / MANIFEST).read_bytes()).hexdigest()
    with desk.store.write() as work:
        work.record(
            "backup.rehearsed",
            folder=found.backup.name,
            manifest=manifest,
            good=not found.faults,
            faults=list(found.faults[:5]),
            took_ms=found.took_ms,
        )
    return True


def checked(backup: Path) -> dict[str, Any]:
    """The manifest of a backup whose files are all as it says. Raises Invalid for no backup, Damaged."""
    manifest = _manifest(backup)
    listed: Mapping[str, Any] = manifest["files"]
    faults = [fault for name, entry in listed.items() if (fault := _fault(backup, name, entry))]
    there = {path.relative_to(backup).as_posix() for path in backup.rglob("*") if not path.is_dir()}
    faults += [f"{name} is not in the manifest" for name in sorted(there - {MANIFEST, *listed})]
    if faults:
        raise Damaged(
            f"{backup} is not what was backed up; first of {len(faults)}: {faults[0]}; take an older one",
            "dispatcher ledger tail --kind backup.made",
        )
    return manifest


def _manifest(backup: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((backup / MANIFEST).read_bytes())
        ours = manifest["format"] == FORMAT and copying.FILES[manifest["database"]["kind"]] in manifest["files"]
    except OSError as error:
        raise Invalid(
            f"{backup} is no backup: {error.strerror}", "name a folder that a backup was written into"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{backup} is damaged: {error}", "take an older backup") from error
    if not ours:
        raise Damaged(f"{backup} is damaged: its manifest is none of ours", "take an older backup")
    if (found := manifest["database"]["migration"]) not in migrate.known():
        raise Invalid(
            f"the backup was made by a newer version (migration {found}): this one goes to {migrate.head()}",
            f"install dispatcher {manifest['dispatcher']} or later",
        )
    return manifest


def _fault(backup: Path, name: str, entry: Mapping[str, Any]) -> str:
    parts, file = PurePosixPath(name), backup / name
    if parts.is_absolute() or ".." in parts.parts or file.is_symlink():
        return f"{name} leads out of it"
    try:
        length, digest = digest_of(file)
    except OSError as error:
        return f"{name} cannot be read ({error.strerror})"
    if length != entry["bytes"]:
        return f"{name} has {length:,} bytes and had {entry['bytes']:,}"
    return "" if digest == entry["sha256"] else f"{name} says something else than it did"


def _place(backup: Path, manifest: Mapping[str, Any], building: Path, database: str) -> str:
    """Put every file in its place but the database's; returns the address that the deployment now has."""
    for name in manifest["files"]:
        if name.startswith(f"{PLACE}/"):
            target = building / name.removeprefix(f"{PLACE}/")
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(backup / name, target)
            target.chmod(0o600)
    for name in ("data", "run", "logs", "redis", "keys", "sender"):
        (building / name).mkdir(mode=0o700, exist_ok=True)
    settings = building / "deployment.toml"
    text = settings.read_text()
    found = re.search(r'^database\s*=\s*"(.*)"', text, re.MULTILINE)
    wanted = database or (found[1] if found else DATABASE)
    if manifest["database"]["kind"] == "sqlite" and not wanted.startswith("sqlite:///data/"):
        wanted = DATABASE  # into the new folder, wherever the old one had it
    settings.write_text(_said(text, "database", json.dumps(wanted)))
    return wanted


def _said(text: str, name: str, value: str) -> str:
    """Settings in which a top-level key has this value."""
    line = f"{name} = {value}"
    changed, count = re.subn(rf"^{name}\s*=.*$", lambda _: line, text, count=1, flags=re.MULTILINE)
    return changed if count else f"{line}\n{text}"


def _keep_inside(folder: Path) -> None:
    """Have a rehearsed deployment look at no folder but its own."""
    settings = folder / "deployment.toml"
    text = _said(_said(settings.read_text(), "media", '"media"'), "checkpoints", '["checkpoints"]')
    settings.write_text(text)


def _held(
    folder: Path, manifest: Mapping[str, Any], open_desk: OpenDesk
) -> tuple[list[str], proving.Proof | None, str | None]:
    """What is wrong with a restored deployment, what verification found, and its migration after an upgrade."""
    faults: list[str] = []
    try:
        desk = open_desk(folder)
    except DispatcherError as error:
        return [f"its trust files do not hold: {error.message}"], None, None
    try:
        held = copying.look(desk.settings.database)
        faults += _differing(manifest["database"]["counts"], held.counts)
        if (desk.trust.root.deployment, desk.trust.root.digest) != (manifest["deployment"], manifest["root"]):
            faults.append("the trust root is not that of the manifest")
        _, now = migrate.migrate(desk.store)
        proof = proving.verify(desk)
        faults += [fault.what for fault in proof.faults]
        return faults, proof, now
    except DispatcherError as error:
        return [*faults, error.message], None, None
    finally:
        desk.store.close()


def _differing(was: Mapping[str, int], now: Mapping[str, int]) -> Iterator[str]:
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield f"{name} has {now.get(name, 0):,} rows and had {was.get(name, 0):,}"


@contextmanager
def _emptied_after(database: str) -> Iterator[None]:
    try:
        yield
    finally:
        if database:
            with suppress(DispatcherError):
                copying.empty(database)


def _missing_keys(folder: Path) -> Iterator[str]:
    """Private keys whose public halves, or whose sealed files, say that there were such."""
    for public in sorted((folder / "keys").rglob("*.pub")):
        if public.parent.name != "exercise" and not public.with_suffix("").exists():
            yield public.with_suffix("").relative_to(folder).as_posix()


def _elsewhere(folder: Path) -> Iterator[str]:
    """Folders that the settings place outside the deployment, whose files came back into it."""
    text = (folder / "deployment.toml").read_text()
    for name in ("media", "checkpoints"):
        if (found := re.search(rf"^{name}\s*=\s*(.*)$", text, re.MULTILINE)) and "/" in found[1]:
            yield f"{name} = {found[1]}: what was there is in {folder / name}"
