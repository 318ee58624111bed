"""Recipient lists: a CSV file of telephone numbers or e-mail addresses becomes encrypted rows under one signed root.

Rules
  1. What is taken from the file, and how, stands in ``recipient_file``. Of two equal numbers, or e-mail
     addresses that differ in capitals only, the first stays.
  2. A row that is left out is reported by its number in the file, with the reason, never with what it holds.
  3. What is stored opens with the recipients' sender's key only. The ledger gets name, root and count.
  4. Rows are sealed one by one into a spool on disk, then copied in turns, and the list gets its key at the end: a
     long list is never in memory, others write meanwhile, and one that was broken off cannot be named in a plan.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.contract import Secret
from dispatcher.domain.errors import Forbidden, Invalid, NotFound, Unavailable
from dispatcher.domain.ids import RandomBytes, is_name
from dispatcher.domain.merkle import Tree, block_roots, leaf_hash
from dispatcher.domain.statement import Mode
from dispatcher.sending.lists import ListKey, Row
from dispatcher.service.desk import Desk
from dispatcher.service.recipient_file import NUMBERS, Entry, Kind, entries
from dispatcher.store import history, recipients
from dispatcher.store.spool import Spool

ROLE = "recipients"
SHOWN = ("mode", "count", "root", "created_at", "created_by", "purged_at")


@dataclass(frozen=True, slots=True)
class Imported:
    """A list as it was stored, and how many rows were left out of it: why, and where each is named."""

    name: str
    mode: Mode
    count: int
    root: str
    duplicates: int
    bad: int
    reasons: Mapping[str, int]
    report: str | None


class Report:
    """The rows that were left out, as a CSV file that is begun with the first of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reasons = Counter[str]()
        self.first = ""
        self._file: Any = None

    def add(self, row: int, reason: str) -> None:
        """Name one row. Raises Unavailable where it cannot be written down."""
        with self._writing():
            if self._file is None:
                self._file = self.path.open("w", newline="", encoding="utf-8")
                self._file.write("row,reason\n")
                self.first = f"row {row}: {reason}"
            csv.writer(self._file, lineterminator="\n").writerow((row, reason))
        self.reasons[reason] += 1

    def close(self) -> None:
        """Have it on disk. Raises Unavailable."""
        if self._file is not None:
            with self._writing():
                self._file.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(
                f"{self.path}: the report of bad rows cannot be written ({error.strerror}). Nothing was imported.",
                "name another place for it: --report FILE",
            ) from error


def import_csv(
    desk: Desk,
    name: str,
    path: Path,
    mode: Mode,
    person: str,
    default_region: str = "GB",
    language: str = "en-GB",
    report: Path | None = None,
    kind: Kind = NUMBERS,
) -> Imported:
    """Import a list; ``report`` names the rows left out, beside the file unless said.

    Raises Invalid for a file that is no such CSV or holds no usable row, NotFound for no file, Unavailable.
    """
    if not is_name(name):
        raise Invalid(
            f"{name!r} cannot name a list", "use lower case letters, digits, dot, dash, underscore; 63 at most"
        )
    doubled = f"the same {kind.one} as in an earlier row"
    key, left_out = ListKey(desk.random_bytes(32)), Report(report or path.with_name(f"{name}.bad-rows.csv"))
    with Spool() as spool:
        try:
            found = entries(path, kind, default_region, language)
            _fill(spool, found, key, desk.random_bytes, left_out, doubled)
        finally:
            left_out.close()
        if not spool.count:
            raise Invalid(f"{path.name} has no usable row", left_out.first or "the file has a header only")
        root = _store(desk, spool, {"id": name, "mode": str(mode), "created_by": person}, key)
    duplicates = left_out.reasons.pop(doubled, 0)
    kept = str(left_out.path) if left_out.first else None
    return Imported(name, mode, spool.count, root, duplicates, left_out.reasons.total(), dict(left_out.reasons), kept)


def listed(desk: Desk, mode: Mode | None = None) -> list[dict[str, Any]]:
    """The recipient lists of one mode, or of both: what is known of each, and when it is purged.

    ``purge_at`` is None for one that was purged, and for one to which a released plan still sends: ``sending``.
    ``retained_for`` is an incident under a legal hold, which keeps it whatever ``purge_at`` says.
    """
    with desk.store.read() as work:
        rows = recipients.lists(work, mode)
        kept = [row for row in rows if row.purged_at is None]
        ends = recipients.kept_until(work, kept, desk.settings.keep_lists)
        retained = recipients.lists_of(work, history.retained(work))
    return [
        {
            "name": row.id,
            **{key: getattr(row, key) for key in SHOWN},
            "purge_at": ends.get(row.id),
            "sending": row.id in ends and ends[row.id] is None,
            "retained_for": retained.get(row.id),
        }
        for row in rows
    ]


def purge(desk: Desk, name: str, person: str, reason: str) -> dict[str, Any]:
    """Purge a list before its time; returns what is still known of it.

    Raises NotFound, Invalid for one that was purged, Forbidden while a plan may still send to it or a legal hold
    keeps it.
    """
    found = next((row for row in listed(desk) if row["name"] == name), None)
    if found is None:
        raise NotFound(f"there is no recipient list {name}", "dispatcher recipients list")
    if found["sending"]:
        raise Forbidden(
            f"a released plan still sends to {name}: wait until it has settled, or revoke it", "dispatcher status"
        )
    with desk.store.write() as work:
        recipients.purge(work, name, reason=reason, actor=person)
    while True:
        with desk.store.write() as work:
            if not recipients.delete_rows(work):
                break
    return next(row for row in listed(desk) if row["name"] == name)


def _fill(
    spool: Spool, rows: Iterable[Entry], key: ListKey, random_bytes: RandomBytes, left_out: Report, doubled: str
) -> None:
    """Seal addresses with their languages into the spool; report what is left out."""
    salt = random_bytes(32)
    for row in rows:
        if row.fault:
            left_out.add(row.row, row.fault)
            continue
        made = key.seal(Row(Secret(row.address), row.language), random_bytes)
        once = hashlib.blake2b(row.address.lower().encode(), key=salt, digest_size=16).digest()
        if not spool.add(once, made.leaf, row.language, made.sealed):
            left_out.add(row.row, doubled)


def _store(desk: Desk, spool: Spool, header: Mapping[str, str], key: ListKey) -> str:
    """Copy the spool into the database; returns the root."""
    name, person = header["id"], header["created_by"]
    roots = block_roots(leaf_hash(bytes.fromhex(leaf)) for leaf in spool.leaves())
    known: dict[str, Any] = {"mode": header["mode"], "root": Tree(roots).root.hex(), "count": spool.count}
    sealed_key = key.sealed_to(desk.settings.vault(Mode(header["mode"]), ROLE).recipient())
    with desk.store.write() as work:
        recipients.begin(work, {"id": name, **known, "created_by": person, "block_roots": roots})
        work.record("recipients.begun", actor=person, list=name, **known)
    for batch in spool.batches(recipients.TURN):
        with desk.store.write() as work:
            recipients.add(work, name, batch)
    with desk.store.write() as work:
        recipients.finish(work, name, sealed_key)
        work.record("recipients.imported", actor=person, list=name, **known)
    return str(known["root"])
