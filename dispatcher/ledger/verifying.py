"""Verifying the ledger: leaves, writers' chains, their one order, and every head that anybody kept of it.

Rules (reference: reliability 3.2; ux 5)
  1. What a checkpoint outside the database covers is anchored: nothing of it can have been edited, deleted, inserted,
     moved or numbered again. What only the database's own checkpoints cover is not: whoever has the relay's key and
     the database could have made both. What no checkpoint covers is not in the one order yet.
  2. Each fault is told with the place of the first entry it concerns; what follows from it alone is not told again.
  3. What nobody can know is said: whether entries were cut off after the last head that was kept elsewhere.
  4. A long record is checked in parts at once. A part takes each chain to stand where the database says, and the
     parts are put together only where that is where the part before left it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from dispatcher.domain.merkle import HASH, Frontier
from dispatcher.ledger.chain import UNREADABLE, Record, beginning

MOST_FAULTS = 100
"""Faults that are listed; of a record that was rewritten there would be millions."""

Ends = dict[str, tuple[int, bytes]]
"""By writer, the sequence number and the leaf of its last entry."""

LeafAt = Callable[[str, int], str | None]

_SAYABLE = re.compile(r"[a-z0-9_.:-]+")


@dataclass(frozen=True, slots=True)
class Head:
    """One head to be compared with: ``source`` says where it was kept, ``outside`` whether not in the database."""

    size: int
    root: bytes
    source: str
    outside: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at ``position``, the entry's place in the tree from 0, with its row's id; None where unknown."""

    position: int | None
    id: int | None
    what: str


@dataclass(slots=True)
class Part:
    """What was found in entries that follow each other, from ``position`` on.

    ``leaves`` one after another; ``assumed`` is where each chain was taken to stand before, ``ends`` where it stands
    after: its last sequence number and leaf. ``gone`` entries have no row any more.
    """

    position: int
    leaves: bytearray = field(default_factory=bytearray)
    faults: list[Fault] = field(default_factory=list)
    gone: int = 0
    assumed: Ends = field(default_factory=dict)
    ends: Ends = field(default_factory=dict)


class Chains:
    """Checks the records of one part, in the tree's order. Memory: some hundred bytes a writer, 32 bytes a record.

    ``leaf_at`` finds the stored leaf of a writer's entry before this part, which the part before answers for; without
    it the part is the first, and every chain begins in it.
    """

    def __init__(self, position: int = 0, leaf_at: LeafAt | None = None, ends: Ends | None = None) -> None:
        self.part = Part(position, ends=dict(ends or {}))
        self._leaf_at = leaf_at
        self._kinds: set[str] = set()

    def take(self, expected: Sequence[int], records: Sequence[Record]) -> None:
        """Check the records of these ids, which follow those taken before."""
        part = self.part
        position = part.position + len(part.leaves) // HASH
        if len(records) == len(expected):
            part.leaves += b"".join(self._leaves(records, position))
            return
        known = {record.id: record for record in records}
        for at, id_ in enumerate(expected, position):
            if id_ in known:
                part.leaves += self._leaf(known[id_], at)
            else:
                part.gone += 1
                self._fault("the entry is gone", at, id_)
                part.leaves += bytes(HASH)

    def look_at(self, waiting: Sequence[Record]) -> None:
        """Check records that are in no checkpoint yet: each still follows its writer's last."""
        for record in waiting:
            self._leaf(record, None)

    def _leaves(self, records: Sequence[Record], position: int) -> Iterator[bytes]:
        """The leaves of records: at a glance where nothing is wrong, because there are millions, else one by one."""
        ends, kinds = self.part.ends, self._kinds
        for at, record in enumerate(records, position):
            _, writer, sequence, named, stored, kind, incident, entry, _ = record
            if not named and kind in kinds and writer in ends and incident and type(entry) is bytes:
                before, prev = ends[writer]
                leaf = sha256(b"\x00" + prev + entry).digest()
                if leaf.hex() == stored and sequence == before + 1 and f'"incident":"{incident}"'.encode() in entry:
                    ends[writer] = (sequence, leaf)
                    yield leaf
                    continue
            yield self._leaf(record, at)

    def _leaf(self, record: Record, position: int | None) -> bytes:
        """The leaf as it is stored; where the record's parts make another, that is told."""
        fault, leaf = "", bytes(HASH)
        try:
            before, prev = self.part.ends.get(record.writer) or self._beginning(record)
            made, leaf = sha256(b"\x00" + prev + record.entry).digest(), _hash(record.leaf)
            if made != leaf or record.prev not in ("", prev.hex()):
                fault = f"the entry, or the one of {record.writer} before it, was changed"
            if record.sequence != before + 1:
                fault = f"{record.writer} goes from its entry {before} to {record.sequence}"
            self.part.ends[record.writer] = (int(record.sequence), leaf)
            fault = fault or self._column(record)
        except UNREADABLE:
            fault = "the row cannot be read"
        if fault:
            self._fault(fault, position, record.id)
        return leaf

    def _beginning(self, record: Record) -> tuple[int, bytes]:
        """Where the chain of a writer stands that this part meets for the first time."""
        before = self._leaf_at(record.writer, record.sequence - 1) if self._leaf_at else None
        if before is None:
            return 0, bytes.fromhex(beginning(record.writer))
        self.part.assumed[record.writer] = (record.sequence - 1, _hash(before))
        return self.part.assumed[record.writer]

    def _column(self, record: Record) -> str:
        """What is wrong with a column that is no part of the leaf, or could pass for another part of it."""
        if not (_SAYABLE.fullmatch(record.kind) and _SAYABLE.fullmatch(record.writer)):
            return "its kind or its writer is no name"
        self._kinds.add(record.kind)
        entry = json.loads(record.entry)
        said = {"incident": entry["facts"].get("incident")}
        if record.prev:  # a row of an older version holds these twice
            said |= {name: entry[name] for name in ("kind", "recorded_at", "sequence", "writer")}
        wrong = [name for name, value in said.items() if getattr(record, name) != value]
        return f"its row says another {' and '.join(wrong)} than the entry" if wrong else ""

    def _fault(self, what: str, position: int | None, id_: int) -> None:
        if len(self.part.faults) < MOST_FAULTS:
            self.part.faults.append(Fault(position, id_, what))


class Verifier:
    """Puts parts together in their order, and holds the tree against every head.

    Of ``size`` entries ``anchored`` are under a fitting head that was kept outside the database.
    """

    def __init__(self, heads: Iterable[Head]) -> None:
        self.faults: list[Fault] = []
        self.ends: Ends = {}
        self.anchored = 0
        self.gone = 0
        self._heads = sorted(heads, key=lambda head: head.size)
        self._compared = 0
        self._fits = 0
        self._unfit: dict[str, list[int]] = {}
        self._since: dict[str, int] = {}
        self._frontier = Frontier()

    @property
    def size(self) -> int:
        """Entries so far."""
        return self._frontier.size

    def add(self, part: Part) -> None:
        """Add the part that follows."""
        for writer, stood in part.assumed.items():
            if self.ends.get(writer) != stood:
                self.faults.append(Fault(part.position, None, f"{writer} does not go on where it stood"))
        self.ends |= part.ends
        self.gone += part.gone
        self.faults += part.faults[: MOST_FAULTS - len(self.faults)]
        self._grow(bytes(part.leaves))

    def done(self) -> None:
        """Tell of heads that do not fit, those that no part reached among them. Call it once, after the last part."""
        for head in self._heads[self._compared :]:
            self._note(head, self.size)
        for source, sizes in self._unfit.items():
            many = f"{len(sizes):,} heads of {source} do" if len(sizes) > 1 else f"the head of {source} does"
            to = f" to {sizes[-1]:,}" if len(sizes) > 1 else ""
            lost = f"; the last {sizes[-1] - self.size:,} entries are gone" if sizes[-1] > self.size else ""
            what = f"{many} not fit, of {sizes[0]:,}{to} entries{lost}: entries were changed, or are of another past"
            self.faults.append(Fault(self._since[source], None, what))

    def _grow(self, leaves: bytes) -> None:
        """Add leaves, stopping at each size that a head is known of."""
        start, first = 0, self.size
        for head in self._heads[self._compared :]:
            end = (head.size - first) * HASH
            if end > len(leaves):
                break
            self._frontier.extend(leaves[start:end])
            self._compare(head)
            start = end
        self._frontier.extend(leaves[start:])

    def _compare(self, head: Head) -> None:
        self._compared += 1
        if head.root == self._frontier.root:
            self._fits = head.size
            self.anchored = head.size if head.outside else self.anchored
        else:
            self._note(head, self._fits)

    def _note(self, head: Head, since: int) -> None:
        """Take down a head that does not fit, and up to where all is well."""
        self._since.setdefault(head.source, since)
        self._unfit.setdefault(head.source, []).append(head.size)


def _hash(text: str) -> bytes:
    """A hash from its hex. Raises ValueError, TypeError."""
    read = bytes.fromhex(text)
    if len(read) != HASH:
        raise ValueError("not a hash")
    return read
