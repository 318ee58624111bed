"""The database: whether it takes writes, and whether what it took outlasts a power cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from dispatcher.service.examining.findings import Finding, failing, note, ok
from dispatcher.service.examining.site import Site, database_file

LEAST_POSTGRES = 150_000
SHARED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs", "lustre"}
)
"""File systems on which SQLite's locks and its shared memory cannot be relied on (source: its FAQ, question 5)."""


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    if site.store is None:
        yield failing(
            f"the database cannot be reached: {site.store_fault}",
            "nothing can be recorded, so nothing is sent",
            "start it, or mend database in deployment.toml",
        )
        return
    with site.store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            yield from _sqlite(site, connection)
        else:
            yield from _postgres(connection)


def _sqlite(site: Site, connection: Connection) -> Iterator[Finding]:
    mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
    full = int(connection.exec_driver_sql("PRAGMA synchronous").scalar() or 0)
    if mode != "wal" or full < 2:
        why = "a power cut may lose what was recorded, or readers hold up writers"
        yield failing(f"SQLite runs with journal_mode {mode}, synchronous {full}", why, "put it on a local disk")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.rollback()
        yield ok("SQLite takes writes")
    except Exception as error:  # noqa: BLE001 - whatever hinders a write is what is to be said
        reason = str(getattr(error, "orig", error))
        yield failing(
            f"SQLite takes no writes: {reason}", "nothing is sent", "look at the folder data, its owner and its disk"
        )
    path = database_file(site.settings)
    kind = file_system(path, Path("/proc/mounts").read_text()) if path else None
    if kind in SHARED:
        why = "SQLite's locks do not hold there: two writers may destroy it"
        yield failing(
            f"{path} lies on a shared file system ({kind})", why, "move it to a local disk, or use PostgreSQL"
        )
    if site.settings.processes > 1 or site.settings.redis != "embedded":
        why = "an SQLite database is for one host"
        yield note("the settings are those of several processes or hosts, the database is SQLite", why, "PostgreSQL")


def _postgres(connection: Connection) -> Iterator[Finding]:
    def said(name: str) -> str:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar())

    version = int(said("server_version_num"))
    if version < LEAST_POSTGRES:
        yield failing(f"PostgreSQL is {said('server_version')}", "15 or later is tested", "upgrade it")
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
        why = "it takes no writes, so nothing is sent"
        yield failing("the database is a standby", why, "point database at the primary, or promote this one")
    elif said("transaction_read_only") == "on":
        yield failing(
            "the database takes no writes", "nothing is sent", "ALTER DATABASE … RESET default_transaction_read_only"
        )
    else:
        yield ok(f"PostgreSQL {said('server_version')} takes writes")
    if said("synchronous_commit") == "off":
        yield failing(
            "synchronous_commit is off", "a crash loses what was recorded", "take it out of the address's options"
        )
    for name in ("fsync", "full_page_writes"):
        if said(name) == "off":
            yield failing(
                f"{name} is off", "a power cut may destroy the database", f"ALTER SYSTEM SET {name} = on; then reload"
            )


def file_system(path: Path, mounts: str) -> str | None:
    """The kind of file system that a path lies on, by the text of ``/proc/mounts``."""
    found, longest = None, -1
    resolved = path.resolve()
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        if resolved.is_relative_to(point.replace("\\040", " ")) and len(point) > longest:
            found, longest = kind, len(point)
    return found
