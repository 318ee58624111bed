"""Packing the evidence of an incident: what is taken from the record, and in which order it is written.

Rules (docs/evidence-pack.md; reference: ux 5, policy 4)
  1. Every entry about the incident goes in, and those of other incidents' none: each with its place and its proof, or
     marked as not in the tree yet. Beside them go entries about what its plans rested on: standing statements and
     halts of its mode, policy and roster.
  2. Statements are those that these entries name, as they were signed: a row that nobody recorded is no evidence.
  3. The ledger is read once, in the tree's order, and nothing of it is kept but 1 byte an entry; rows of deliveries
     are written as they come. Recipients are named by their keyed digest.
  4. What the record names and nobody has any more is named in the manifest. The export itself is in the ledger.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from channels.contract import Caption, Json, Medium
from channels.media.carried import file_name
from dispatcher.domain import canonical, documents
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.incident import Incident
from dispatcher.domain.merkle import BLOCK, HASH, Tree, block_roots
from dispatcher.domain.plan import Plan
from dispatcher.ledger.chain import Record, beginning
from dispatcher.sending.prepared import Renderings
from dispatcher.service.desk import Desk
from dispatcher.service.pack import LeftOut, PackWriter, digest_of, line, pretty, written
from dispatcher.statements.toml import parse_toml
from dispatcher.store import checkpoints, records, sightings, slices
from dispatcher.store.checkpoints import StoredCheckpoint
from dispatcher.store.database import Work

GOVERNING = ("policy.", "roster.", "root.")
"""Families of entries about what everybody goes by."""

CHUNK = 1024 * 1024
_TRUST = ("root.json", "roots.json", "roster.toml", "roster.sigs.json", "policy.toml", "policy.sigs.json")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_INCIDENT, _STATEMENT = "incident", "statement"


@dataclass(frozen=True, slots=True)
class Exported:
    """A pack that was made: ``size`` is the tree's, of which ``proved`` entries are in the pack with a proof."""

    incident: str
    file: str
    sha256: str
    size: int
    proved: int
    unproved: int
    left_out: tuple[LeftOut, ...]


def export(
    desk: Desk, incident_name: str, target: Path, pages: Mapping[str, bytes], person: str, *, media: bool = True
) -> Exported:
    """Write the evidence pack of an incident to a new file. ``pages`` go in as they are, first.

    Raises NotFound, Invalid, Unavailable; then there is no file.
    """
    with desk.store.read() as work, tempfile.TemporaryFile() as leaves, tempfile.TemporaryFile() as lines:
        incident = records.incident(work, incident_name)
        head = checkpoints.newest(work)
        ledger = _Slice(work, incident, head, leaves, lines)
        with written(target) as pack:
            for name, body in pages.items():
                pack.add(name, body)
            _add_ledger(pack, work, ledger)
            _add_trust(pack, desk)
            left_out = [*_add_documents(pack, desk, work, incident, media=media)]
            _add_reports(pack, work, incident)
            pack.close(_about(desk, work, incident, head, person), left_out)
    digest, size = digest_of(target), head.size if head else 0
    made = Exported(incident.id, str(target), digest, size, ledger.proved, ledger.unproved, tuple(left_out))
    with desk.store.write() as work:
        known: dict[str, Any] = {"sha256": digest, "size": size, "entries": made.proved + made.unproved}
        work.record("evidence.exported", incident=incident.id, actor=person, **known)
    return made


def _about(
    desk: Desk, work: Work, incident: Incident, head: StoredCheckpoint | None, person: str
) -> Mapping[str, Json]:
    on_host = work.dialect == "sqlite"
    return {
        "deployment": desk.trust.root.deployment,
        "incident": incident.id,
        "mode": str(incident.mode),
        "made_at": format_time(work.now),
        "made_by": person,
        "clock": "the exporting host's, UTC" if on_host else "the database's, UTC",
        "tool": f"dispatcher {metadata.version('dispatcher')}",
        "checkpoint": head.note if head else None,
        "redacted_from": None,
    }


class _Slice:
    """One reading of the ledger: leaves and wanted lines in files of their own, lines still without their proofs."""

    def __init__(
        self, work: Work, incident: Incident, head: StoredCheckpoint | None, leaves: IO[bytes], lines: IO[bytes]
    ) -> None:
        self.head, self.leaves, self.lines = head, leaves, lines
        self.proved = self.unproved = 0
        self.statements: dict[str, None] = {}
        self._incident = incident.id
        self._context = slices.context(work, str(incident.mode), incident.declared_at)
        self._heads: dict[str, str] = {}
        for position, record in enumerate(_in_order(work, head.size if head else 0)):
            leaves.write(_leaf(record))
            self.proved += self._take(record, position) if record else 0
        for record in checkpoints.untaken(work, head):
            self.unproved += self._take(record, None)

    def with_proofs(self) -> Iterator[bytes]:
        """The lines, each with its proof."""
        path = self._paths()
        self.lines.seek(0)
        for raw in self.lines:
            one = json.loads(raw)
            place = one["position"]
            yield line({**one, "proof": None if place is None else path(place)})

    def _paths(self) -> Callable[[int], list[Json]]:
        self.leaves.seek(0)
        upper = Tree(block_roots(iter(lambda: self.leaves.read(HASH), b"")))
        known: dict[int, Tree] = {}

        def path(position: int) -> list[Json]:
            block, index = divmod(position, BLOCK)
            if block not in known:
                known.clear()
                self.leaves.seek(block * BLOCK * HASH)
                known[block] = Tree(self.leaves.read(BLOCK * HASH))
            steps = (*known[block].path(index), *upper.path(block))
            return [base64.b64encode(step).decode() for step in steps]

        return path

    def _take(self, record: Record, position: int | None) -> bool:
        """Write an entry down if it belongs here."""
        prev = record.prev or self._heads.get(record.writer) or beginning(record.writer)
        self._heads[record.writer] = record.leaf
        if not self._belongs(record):
            return False
        place = {"position": position, "prev": prev, "leaf": record.leaf}
        self.lines.write(line({**place, "entry": _text(record.entry)}))
        if record.kind.startswith(f"{_STATEMENT}."):
            self.statements[str(_facts(record).get(_STATEMENT))] = None
        return True

    def _belongs(self, record: Record) -> bool:
        if record.incident is not None:
            return record.incident == self._incident
        if record.kind.startswith(GOVERNING):
            return True
        about = record.kind.startswith(f"{_STATEMENT}.") or record.kind == "halt.ended"
        return about and not self._context.isdisjoint(map(str, _facts(record).values()))


def _text(entry: bytes | object) -> str:
    """An entry's text; whatever else somebody wrote into the row is told apart by the verifier."""
    return entry.decode(errors="replace") if isinstance(entry, bytes) else str(entry)


def _leaf(record: Record | None) -> bytes:
    """An entry's leaf; where it is gone or no hash, something that no proof leads to."""
    try:
        leaf = bytes.fromhex(record.leaf) if record else b""
    except (ValueError, TypeError):
        leaf = b""
    return leaf if len(leaf) == HASH else bytes(HASH)


def _facts(record: Record) -> Mapping[str, Any]:
    try:
        found = json.loads(record.entry)["facts"]
    except (ValueError, KeyError, TypeError):  # somebody wrote into the row: the verifier says so
        return {}
    return found if isinstance(found, dict) else {}


def _in_order(work: Work, size: int) -> Iterator[Record | None]:
    """The tree's first entries, in its order; None where one is gone."""
    for ids, page in checkpoints.records(work, slices.in_tree(work, size)):
        found = {record.id: record for record in page}
        yield from map(found.get, ids)


def _pause(work: Work) -> None:
    """End the transaction before long work of our own: PostgreSQL ends one whose client is silent for 30 seconds."""
    work.connection.rollback()


def _add_ledger(pack: PackWriter, work: Work, ledger: _Slice) -> None:
    _pause(work)
    pack.add("ledger.jsonl", ledger.with_proofs())
    if ledger.head:
        ledger.leaves.seek(0)
        pack.add("leaves.bin", iter(lambda: ledger.leaves.read(CHUNK), b""))
        pack.add("checkpoint.txt", ledger.head.note.encode())
        notes = (note for size, note in checkpoints.notes(work) if size <= ledger.head.size)
        pack.add("checkpoints.txt", (f"{note}\n".encode() for note in notes))
    signed = slices.statements(work, ledger.statements)
    pack.add("statements.jsonl", (line({"id": id_, **envelope}) for id_, envelope in signed))


def _add_trust(pack: PackWriter, desk: Desk) -> None:
    folder, roster = desk.settings.path("trust"), desk.trust.roster
    try:
        found = {name: (folder / name).read_bytes() for name in _TRUST if (folder / name).exists()}
    except OSError as error:
        raise Unavailable(f"{folder} cannot be read ({error.strerror})", "put the trust files back") from error
    policy = parse_toml(found["policy.toml"].decode(), "policy.toml")
    found |= {"roster.json": roster.encoded(), "policy.json": canonical.encode(dict(policy))}
    names = ("id", "name", "roles", "keys")
    people: list[Json] = [{name: documents.to_json(one)[name] for name in names} for one in roster.people]
    pack.add("keys.json", pretty({"roster": roster.version, "people": people}))
    for name in sorted(found):
        pack.add(f"trust/{name}", found[name])


def _add_documents(pack: PackWriter, desk: Desk, work: Work, incident: Incident, *, media: bool) -> Iterator[LeftOut]:
    plans, named = slices.plans(work, incident.id), set[str]()
    for digest, body in plans:
        pack.add(f"plans/{digest}.json", body)
        named.update(_renderings_in(body))
    for digest, body in slices.revisions(work, incident.id):
        pack.add(f"revisions/{digest}.json", body)
    bodies = slices.renderings(work, sorted(named))
    for digest, body in bodies:
        pack.add(f"renderings/{digest}.json", body)
    _pause(work)
    shown = {file_name(one): one for one in _media_of(Renderings(dict(bodies)))}
    for name, stored in sorted(shown.items()):
        why = _add_medium(pack, desk, name, stored) if media else ("not asked for", "the export was told to leave it")
        if why:
            yield LeftOut(f"media/{name}", *why, sha256=stored.digest.removeprefix("sha256:"))


def _renderings_in(body: bytes) -> list[str]:
    try:
        return [digest for one in Plan.decode(body).destinations for digest in one.renderings.values()]
    except ValueError:  # the verifier says so
        return []


def _media_of(renderings: Renderings) -> Iterator[Medium | Caption]:
    for rendering in renderings.values():
        for medium in rendering.media:
            yield medium
            yield from medium.captions


def _add_medium(pack: PackWriter, desk: Desk, name: str, stored: Medium | Caption) -> tuple[str, str] | None:
    try:
        source = desk.settings.media_folder.file(stored).open("rb")
    except OSError as error:
        return "absent", f"the folder of media does not have it any more ({error.strerror})"
    with source:
        pack.add(f"media/{name}", iter(lambda: source.read(CHUNK), b""))
    return None


def _add_reports(pack: PackWriter, work: Work, incident: Incident) -> None:
    pack.add("deliveries.csv", _csv(slices.DELIVERED, slices.deliveries(work, incident.id)))
    pack.add("attempts.csv", _csv(slices.TRIED, slices.attempts(work, incident.id)))
    seen = sightings.by_delivery(work, incident=incident.id)
    pack.add("read-backs.jsonl", (line(_said(row._mapping)) for _, row in sorted(seen.items())))


def _said(row: Mapping[str, Any]) -> Json:
    return {name: format_time(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _csv(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A table as CSV, some hundred rows at a time."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    for row in rows:
        writer.writerow(map(_cell, row))
        if text.tell() > CHUNK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula (reference: ux 5)."""
    if isinstance(value, datetime):
        return format_time(value)
    told = "" if value is None else str(value)
    return f"'{told}" if told.startswith(_FORMULA) else told
