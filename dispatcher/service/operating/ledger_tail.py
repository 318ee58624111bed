"""What the ledger's newest entries say: which incidents changed, whether anything was signed, how fast lanes work.

An entry is read once, whichever order its writers commit in. Whoever looks so rarely that a crowd has come meanwhile
believes that everything changed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.store import history
from dispatcher.store.database import Work

MOST = 5_000
"""Entries that one look takes apart."""

MOVES = ("delivery.moved", "deliveries.moved", "deliveries.swept")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Ended:
    """Deliveries of one account that ended, as one entry has them."""

    at: datetime
    account: str
    target: str
    count: int


@dataclass(slots=True)
class LedgerTail:
    """See the module. ``everything`` and ``incidents`` are what the last reading found changed."""

    ended: deque[Ended] = field(default_factory=deque)
    last: dict[str, Ended] = field(default_factory=dict)
    everything: bool = True
    incidents: frozenset[str] = frozenset()
    signed: bool = True
    newest: int = 0
    _known: set[int] | None = None

    def read(self, work: Work) -> None:
        """Take in what has come since the last reading."""
        before = self._known
        ids = history.ids_above(work, max(before, default=0) if before else None)
        fresh = sorted(ids - before if before is not None else ids)
        self._known, self.newest = ids, max(ids, default=0)
        self.everything = before is None or len(fresh) > MOST
        lines = [line_of(row) for row in history.entries_by_id(work, fresh[-MOST:])]
        self.incidents = frozenset(line.incident for line in lines if line.incident)
        self.signed = self.everything or any(not line.kind.startswith("deliver") for line in lines)
        for line in lines:
            self._take(line)
        while self.ended and self.ended[0].at < work.now - MINUTE:
            self.ended.popleft()

    def per_minute(self, accounts: frozenset[str]) -> int:
        """How many deliveries of these accounts ended in the last minute."""
        return sum(one.count for one in self.ended if one.account in accounts)

    def last_of(self, accounts: frozenset[str]) -> Ended | None:
        """The last acceptance by one of these accounts, as far as anybody looked back."""
        return max((self.last[name] for name in accounts & self.last.keys()), key=_at, default=None)

    def _take(self, line: LedgerLine) -> None:
        facts: Any = line.facts
        if line.kind not in MOVES or facts.get("target") in UNSETTLED or "account" not in facts:
            return
        one = Ended(line.at, str(facts["account"]), str(facts["target"]), int(facts.get("count", 1)))
        self.ended.append(one)
        if one.target == "accepted":
            self.last[one.account] = one


def _at(one: Ended) -> datetime:
    return one.at
