"""Proving the ledger: verify it against every head that was kept of it, show its head, and bear witness to it.

Rules (reference: reliability 3.2; ux 5)
  1. Heads are kept in the database, in the copies that the relay made, in files that people bring, and in every
     statement, which holds the head that its signer saw. All but the database's own anchor what they cover.
  2. A head counts if its signature holds: with the status key of the trust root, or of one before it.
  3. A witness keeps the last head it saw, and signs a new one only if that grew from it.
  4. What was found is said with what nobody can know.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dispatcher.domain.errors import Forbidden, Invalid, NotFound
from dispatcher.domain.merkle import Tree, consistency_path, consistent
from dispatcher.domain.statement import Statement
from dispatcher.ledger import copies, notes
from dispatcher.ledger.chain import UNREADABLE
from dispatcher.ledger.notes import NoteRefused, read_note
from dispatcher.ledger.verifying import Chains, Fault, Head, Part, Verifier
from dispatcher.service import matching, tallying
from dispatcher.service.desk import Desk
from dispatcher.service.heads import signed_head
from dispatcher.service.tallying import Disagreement, Moves
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import checkpoints
from dispatcher.store.checkpoints import Ranges, StoredCheckpoint
from dispatcher.store.database import Store, Work, open_engine

DATABASE = "the database's own checkpoint"

NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Nothing in a part is judged by the time."""

LONG = 250_000
"""Entries that are worth a process of their own: it takes most of a second to start."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest head that a witness signed."""

    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """What verification found. ``witnesses`` says for each that was asked about what it signed, None for nothing.

    Of ``entries``, ``anchored`` are under a head kept outside the database and ``unanchored`` only under the
    database's own; ``waiting`` are not in the one order yet. ``heads`` counts those compared by where they were kept.
    """

    entries: int
    anchored: int
    unanchored: int
    waiting: int
    heads: Mapping[str, int]
    witnesses: Mapping[str, Seen | None]
    checkpoint: str | None
    faults: tuple[Fault, ...]
    cannot_know: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A head that a witness signed. ``grew_from`` is the size it had seen before, 0 for its first."""

    size: int
    grew_from: int
    at: datetime
    file: Path
    note: str


def verify(desk: Desk, files: Sequence[Path] = (), witnesses: Mapping[str, bytes] | None = None) -> Proof:
    """Verify all of the ledger against all heads there are, those in ``files`` included. Raises NotFound.

    ``witnesses`` are public keys by name: with them the witnesses' signatures are looked for.
    """
    held = _Held(desk)
    kept = list(_kept(desk, files, held.faults))  # first: what is copied meanwhile, the database has in any case
    try:
        with desk.store.read(at_once=True) as work:
            held.hold(work, kept)
    except UNREADABLE as error:
        held.faults.append(Fault(None, None, f"a table cannot be read as it was written: {error}"))
    found = held.verifier
    return Proof(
        entries=found.size - found.gone + held.waiting,
        anchored=found.anchored,
        unanchored=found.size - found.anchored,
        waiting=held.waiting,
        heads=Counter(head.source for head in held.heads),
        witnesses={name: _last_seen(name, point, kept) for name, point in (witnesses or {}).items()},
        checkpoint=held.newest.note if held.newest else None,
        faults=(*held.faults, *found.faults, *(Fault(None, one.id, one.what) for one in held.disagreements)),
        cannot_know=tuple(_cannot_know(found.anchored, found.size, held.waiting)),
    )


class _Held:
    """What the database holds, held against what was kept of it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.faults: list[Fault] = []
        self.disagreements: list[Disagreement] = []
        self.heads: list[Head] = []
        self.verifier = Verifier([])
        self.newest: StoredCheckpoint | None = None
        self.waiting = 0

    def hold(self, work: Work, kept: Sequence[tuple[str, str]]) -> None:
        """Verify everything against the notes that were kept, by source, and all others. Raises what bad rows do."""
        own = [(DATABASE, note) for _, note in checkpoints.notes(work)]
        self.heads += _heads(self.desk, [*own, *kept], self.faults)
        self.heads += _embedded(self.desk, tallying.statements(work, self.disagreements), self.faults)
        self.verifier = Verifier(self.heads)
        self.newest = checkpoints.newest(work)
        moves = Moves()
        for part, counted in _parts(self.desk, checkpoints.taken_by_all(work)):
            self.verifier.add(part)
            moves.add(counted)
        self.verifier.done()
        waiting = checkpoints.untaken(work, self.newest)
        chains = Chains(ends=self.verifier.ends)
        chains.look_at(waiting)
        moves.take(waiting)
        self.waiting = len(waiting)
        self.faults += chains.part.faults
        _inserted(work, self.newest, self.verifier.size - self.verifier.gone, self.faults)
        self.disagreements += moves.disagreements(work)
        self.disagreements += matching.disagreements(work)


def _parts(desk: Desk, taken: Ranges) -> Iterator[tuple[Part, Moves]]:
    """The parts of what checkpoints hold, in order; of a long record one for each processor, checked at once."""
    total = sum(count for _, count in taken)
    share = max(LONG, -(-total // (os.cpu_count() or 1)))
    jobs = [(desk.settings.database, ranges, start) for start, ranges in _shares(taken, share)]
    if len(jobs) < 2:
        yield from (_part(*job) for job in jobs)
        return
    with ProcessPoolExecutor(len(jobs), multiprocessing.get_context("spawn")) as processes:
        yield from processes.map(_part, *zip(*jobs, strict=True))


def _part(database: str, ranges: Ranges, position: int) -> tuple[Part, Moves]:
    """One part, read with a connection of its own: what a checkpoint holds never changes."""
    gc.disable()  # millions of tuples come and go, and none is part of a cycle
    store, moves = Store(open_engine(database), lambda: NO_TIME, "verify"), Moves()
    try:
        with store.read() as work, store.read() as other:
            chains = Chains(position, partial(checkpoints.leaf_at, other) if position else None)
            for ids, found in checkpoints.records(work, ranges):
                chains.take(ids, found)
                moves.take(found)
        return chains.part, moves
    finally:
        store.close()
        gc.enable()


def _shares(taken: Ranges, share: int) -> Iterator[tuple[int, Ranges]]:
    """Ranges of ids cut into shares of so many entries, each with its position in the tree."""
    position, mine, room = 0, list[list[int]](), share
    for first, count in taken:
        while count > 0:
            some = min(count, room)
            mine.append([first, some])
            first, count, room = first + some, count - some, room - some  # noqa: PLW2901 - what is left of it
            if not room:
                yield position, mine
                position, mine, room = position + share, [], share
    if mine:
        yield position, mine


def newest_note(desk: Desk) -> str:
    """The newest checkpoint's note, its signature checked. Raises NotFound before the first, Forbidden if false."""
    try:
        with desk.store.read() as work:
            stored = checkpoints.newest(work)
        if stored is None:
            raise NotFound("no checkpoint has been made yet", "dispatcher up")
        signed_head(desk.trust, stored.note)
    except UNREADABLE as error:  # a NoteRefused among them
        raise Forbidden(f"the newest checkpoint is false: {error}", "dispatcher ledger verify") from error
    return stored.note


def witness(desk: Desk, folder: Path, name: str, signer: KeyFileSigner) -> Witnessed:
    """Sign the newest checkpoint as a witness that keeps its own in ``folder``.

    Raises Forbidden where it did not grow from the one before, NotFound, and Invalid for a name or a folder that
    cannot be used.
    """
    note, file = newest_note(desk), folder / f"{name}.witness"
    head = read_note(note).checkpoint
    try:
        before = copies.last(file)
        seen = read_note(before).checkpoint if before else None
        if seen and not _grew(desk, (seen.size, seen.root), (head.size, head.root)):
            raise Forbidden(
                f"this ledger did not grow from what {name} saw at {seen.size:,} entries: its past was changed; "
                "keep the file, change nothing, call security",
                "dispatcher ledger verify",
            )
        at = desk.now()
        signed = notes.cosign(note, name, signer.point, signer.sign_plain, at)
        copies.append(file, [signed])
    except (OSError, NoteRefused) as error:
        raise Invalid(f"{file}: {error}", "name the witness without spaces, and a folder it can write to") from error
    return Witnessed(head.size, seen.size if seen else 0, at, file, signed)


def _grew(desk: Desk, old: tuple[int, bytes], new: tuple[int, bytes]) -> bool:
    """Whether the ledger's own leaves prove it."""
    try:
        with desk.store.read() as work:
            taken = checkpoints.taken_by_all(work)
            leaves = b"".join(bytes.fromhex(one.leaf) for _, page in checkpoints.records(work, taken) for one in page)
    except UNREADABLE:
        return False
    tree = Tree(leaves[: new[0] * 32])
    return old[0] <= tree.size and consistent(*old, *new, consistency_path(tree, old[0]))


def _kept(desk: Desk, files: Sequence[Path], faults: list[Fault]) -> Iterator[tuple[str, str]]:
    """Source and note of the copies, as far as there are any, and of files that people named, which must be there."""
    settings = desk.settings
    copied = [copies.file_in(settings.path(place), settings.deployment) for place in settings.checkpoints]
    for file in copied:
        try:
            yield from ((str(file), note) for note in (copies.every(file) if file.exists() else ()))
        except OSError as error:
            faults.append(
                Fault(None, None, f"{file} cannot be read ({error.strerror}): what it holds was not compared")
            )
    for file in files:
        found = _brought(file)
        if not found:
            raise NotFound(
                f"{file} holds no checkpoint that can be read", "name a file of notes, as they were written"
            )
        yield from ((str(file), note) for note in found)


def _brought(file: Path) -> list[str]:
    """The notes of a file, or the one of a document that ``ledger checkpoint --json`` printed."""
    try:
        with suppress(ValueError, KeyError, TypeError):
            return [str(json.loads(file.read_bytes())["note"])]
        return copies.every(file)
    except OSError:
        return []


def _last_seen(name: str, point: bytes, kept: Sequence[tuple[str, str]]) -> Seen | None:
    found = []
    for _, note in kept:
        with suppress(NoteRefused):
            read = read_note(note)
            found.append(Seen(read.checkpoint.size, read.seen_at(name, point)))
    return max(found, key=lambda seen: seen.size, default=None)


def _heads(desk: Desk, kept: Sequence[tuple[str, str]], faults: list[Fault]) -> list[Head]:
    """Those of notes whose signatures hold. One that was cut off is passed over where the same stands there whole."""
    heads, sound = [], set()
    refused: dict[str, list[tuple[str, str]]] = {}
    for source, note in kept:
        try:
            checkpoint = signed_head(desk.trust, note)
        except NoteRefused as refusal:
            refused.setdefault(source, []).append((_text(note), str(refusal)))
            continue
        sound.add((source, _text(note)))
        heads.append(Head(checkpoint.size, checkpoint.root, source, outside=source != DATABASE))
    for source, told in refused.items():
        false = [why for text, why in told if (source, text) not in sound]
        if false:
            faults.append(Fault(None, None, f"{len(false):,} of {source} does not count: {false[0]}"))
    return heads


def _text(note: str) -> str:
    return note.partition("\n\n")[0]


def _embedded(desk: Desk, said: Iterator[tuple[Statement, str]], faults: list[Fault]) -> Iterator[Head]:
    """The heads that signers of statements saw. Whose key it is, the roster says, and not the statement."""
    for statement, fingerprint in said:
        size, _, root = (statement.checkpoint or "").partition(":")
        if not size:
            continue
        person = desk.trust.roster.person_of_key(fingerprint)
        ours = person is not None and person.id == statement.person
        source = f"what {statement.person} saw when signing" if ours else f"a statement with {fingerprint}, nobody's"
        try:
            yield Head(int(size), bytes.fromhex(root), source, outside=ours)
        except ValueError:
            faults.append(Fault(None, None, f"statement {statement.id} holds no head: {statement.checkpoint}"))


def _inserted(work: Work, newest: StoredCheckpoint | None, present: int, faults: list[Fault]) -> None:
    """Rows below the last that was taken which nobody took, though nobody was late with them."""
    if newest is None:
        return
    late = sum(1 for record in checkpoints.untaken(work, newest) if record.id <= newest.last)
    if extra := checkpoints.count_to(work, newest.last) - present - late:
        faults.append(Fault(None, None, f"{extra:,} rows stand among the entries that are in no checkpoint"))


def _cannot_know(anchored: int, size: int, waiting: int) -> Iterator[str]:
    if not anchored:
        yield "nothing outside the database vouches for it: whoever has it and the relay's key could have made it all"
    elif anchored < size:
        yield f"the {size - anchored:,} entries after {anchored:,} are vouched for by the database alone"
    if waiting:
        yield f"the {waiting:,} newest entries are in no checkpoint: some of them may be lost, and nobody would know"
    yield "when an entry was written: its time is its writer's word; it was there by the first head above it"
    yield "whether entries were written after the newest head that was kept elsewhere, and then cut off"
