"""Verifying the ledger: leaves, writers' chains, their one order, and every head that anybody kept of it.

Rules (reference: reliability 3.2; ux 5)
  1. What a checkpoint outside the database covers is anchored: nothing of it can have been edited, deleted, inserted,
     moved or numbered again. What only the database's own checkpoints cover is not: whoever has the relay's key and
     the database could have made both. What no checkpoint covers is not in the one order yet.
  2. Each fault is told with the place of the first entry it concerns; what follows from it alone is not told again.
  3. What nobody can know is said: whether entries were cut off after the last head that was kept elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from dispatcher.domain.merkle import HASH, Frontier
from dispatcher.ledger.chain import Record, beginning

MOST_FAULTS = 100
"""Faults that are listed; of a record that was rewritten there would be millions."""

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
class Verification:
    """What was found. Of ``size`` entries in the tree ``anchored`` are under a fitting head kept outside.

    ``gone`` are those that have no row any more.
    """

    size: int = 0
    gone: int = 0
    anchored: int = 0
    faults: list[Fault] = field(default_factory=list)

    def fault(self, what: str, position: int | None = None, id_: int | None = None) -> None:
        """Take down a fault."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(position, id_, what))


class Verifier:
    """Takes records in the tree's order, then says what was found. Memory: some hundred bytes a writer and a head."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self.found = Verification()
        self._heads = sorted(heads, key=lambda head: head.size)
        self._compared = 0
        self._fits = 0
        self._differs = False
        self._frontier = Frontier()
        self._chains: dict[str, tuple[int, bytes]] = {}
        self._kinds: set[str] = set()

    def take(self, expected: Sequence[int], records: Sequence[Record]) -> None:
        """Check the records of these ids, which follow those taken before."""
        position = self._frontier.size
        if len(records) == len(expected):
            self._grow(b"".join(self._leaves(records, position)))
            return
        known = {record.id: record for record in records}
        leaves = bytearray()
        for at, id_ in enumerate(expected, position):
            if id_ in known:
                leaves += self._leaf(known[id_], at)
            else:
                self.found.gone += 1
                self.found.fault("the entry is gone", at, id_)
                leaves += bytes(HASH)
        self._grow(bytes(leaves))

    def _leaves(self, records: Sequence[Record], position: int) -> Iterator[bytes]:
        """The leaves of records: at a glance where nothing is wrong, because there are millions, else one by one."""
        chains, kinds = self._chains, self._kinds
        for at, record in enumerate(records, position):
            _, writer, sequence, named, stored, kind, incident, entry = record
            if not named and kind in kinds and writer in chains and incident and type(entry) is bytes:
                before, prev = chains[writer]
                leaf = sha256(b"\x00" + prev + entry).digest()
                if leaf.hex() == stored and sequence == before + 1 and f'"incident":"{incident}"'.encode() in entry:
                    chains[writer] = (sequence, leaf)
                    yield leaf
                    continue
            yield self._leaf(record, at)

    def look_at(self, waiting: Sequence[Record]) -> None:
        """Check records that are in no checkpoint yet: each may still follow its writer's last."""
        for record in waiting:
            self._leaf(record, None)

    def done(self) -> Verification:
        """Compare the heads that are left. Call it once, after the last record."""
        self.found.size = self._frontier.size
        for head in self._heads[self._compared :]:
            lost = head.size - self._frontier.size
            what = f"{head.source} is of {head.size:,} entries: the last {lost:,} are gone, or of another past"
            self.found.fault(what, self._frontier.size)
        return self.found

    def _leaf(self, record: Record, position: int | None) -> bytes:
        """The leaf of one record as its parts make it, or as it is stored where they have a fault, which is told."""
        fault, leaf = "", bytes(HASH)
        try:
            before, prev = self._chains.get(record.writer) or (0, bytes.fromhex(beginning(record.writer)))
            made, leaf = sha256(b"\x00" + prev + record.entry).digest(), _hash(record.leaf)
            if made != leaf or record.prev not in ("", prev.hex()):
                fault = f"the entry, or the one of {record.writer} before it, was changed"
            if record.sequence != before + 1:
                fault = f"{record.writer} goes from its entry {before} to {record.sequence}"
            self._chains[record.writer] = (int(record.sequence), leaf)
            fault = fault or self._column(record)
        except (ValueError, TypeError, AttributeError, LookupError):  # SQLite keeps anything in any column
            fault = "the row cannot be read"
        if fault:
            self.found.fault(fault, position, record.id)
        return leaf

    def _column(self, record: Record) -> str:
        """What is wrong with a column that is no part of the leaf, or could pass for another part of it."""
        if not (_SAYABLE.fullmatch(record.kind) and _SAYABLE.fullmatch(record.writer)):
            return "its kind or its writer is no name"
        self._kinds.add(record.kind)
        said = json.loads(record.entry)["facts"].get("incident")
        return "" if said == record.incident else f"its row says incident {record.incident}, and the entry {said}"

    def _grow(self, leaves: bytes) -> None:
        """Add leaves, stopping at each size that a head is known of."""
        start, first = 0, self._frontier.size
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
            self.found.anchored = head.size if head.outside else self.found.anchored
        elif not self._differs:
            self._differs = True
            self.found.fault(f"the first {head.size:,} entries are not those of {head.source}", self._fits)


def _hash(text: str) -> bytes:
    """A hash from its hex. Raises ValueError, TypeError."""
    read = bytes.fromhex(text)
    if len(read) != HASH:
        raise ValueError("not a hash")
    return read
