"""Rows that are gone: the relay counts what each plan was made of, and has people told where there is less.

Rules
  1. What there must be is read from the plan's signed bytes, once per plan: one delivery for each account, or one for
     each row of its lists. What a way back adds is not counted: no signed document says how many those are.
  2. Plans are counted while something of them may go out, and once more when they have ended: a plan without rows
     looks settled. A relay that has just started counts what was released within a day as well.
  3. Counting takes a fiftieth of the relay's time at most, as long as one count takes under 0.6 s; then it is every
     ``silence_ms``. A million deliveries on SQLite took 0.23 to 0.45 s on two busy cores (1.5 s at first, from a cold
     disk), so they are counted every 12 to 23 s.
  4. It is on record once, again when twice as much is gone, and again when the rows are back.
  5. That a plan's own row or a statement about it is gone is noticed in the same turn by a relay that has seen it
     before; whoever starts later finds it with ``dispatcher ledger verify``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dispatcher.domain.ids import short
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode
from dispatcher.service import notices
from dispatcher.service.desk import Desk
from dispatcher.service.notices import Notice
from dispatcher.store import whole
from dispatcher.store.database import Work
from dispatcher.store.whole import Waiting

SHARE = 50
"""A count may take one part of so many of the time."""

DAY = timedelta(days=1)
TOLD = (Role.DUTY_DIRECTOR, Role.OPS)


@dataclass(frozen=True, slots=True)
class Gone:
    """What is gone of one plan: ``what`` in words, ``facts`` as recorded."""

    plan: str
    incident: str
    what: str
    facts: Mapping[str, Any]


@dataclass(slots=True)
class _Known:
    """What a plan's signed bytes say, and the most statements about it that were seen."""

    wanted: Mapping[str, int] | None
    until: datetime | None
    incident: str
    statements: int = 0


class Counting:
    """See the module. One per relay; ``elapsed`` is a clock in seconds that nobody sets."""

    def __init__(self, desk: Desk, mode: Mode, owner: str, elapsed: Callable[[], float]) -> None:
        self._desk = desk
        self._mode = mode
        self._owner = owner
        self._elapsed = elapsed
        self._known: dict[str, _Known] = {}
        self._first = True
        self._next_s = 0.0

    def turn(self) -> list[Gone]:
        """Count, where it is time to, and write down what is gone; returns what nobody was told of yet."""
        began_s = self._elapsed()
        if began_s < self._next_s:
            return []
        with self._desk.store.read(at_once=True) as work:
            found, seen = self._look(work)
            told = whole.told(work)
        ended_s = self._elapsed()
        self._next_s = ended_s + min(SHARE * (ended_s - began_s), self._desk.settings.timing.silence_ms / 1000)
        short_of = {one.plan for one in found}
        back = [p for p, (_, facts) in told.items() if "missing" in facts and p in seen and p not in short_of]
        if not back and all(_same(one, told) for one in found):
            return []
        return self._record(found, back)

    def tell(self, found: Sequence[Gone]) -> list[Notice]:
        """Tell every duty director and ops, in one notice for each plan. Takes seconds."""
        people = notices.holding(self._desk, *TOLD) if found else []
        sent: list[Notice] = []
        for one in found:
            body = f"Of plan {short(one.plan)}: {one.what}. Nobody here deletes any: somebody changed the database.\n"
            body += "Look: dispatcher ledger verify, dispatcher status. What is stopped stays so: dispatcher halt"
            title = f"Rows are gone from the database: {short(one.plan)}"
            sent += notices.tell(self._desk, self._mode, people, title, body, incident=one.incident)
        return sent

    def _look(self, work: Work) -> tuple[list[Gone], set[str]]:
        since = work.now - DAY if self._first else None
        rows = {one.digest: one for one in whole.waiting(work, str(self._mode), self._known.keys(), since)}
        self._first = False
        lost = [self._lost(plan, known) for plan, known in self._known.items() if plan not in rows]
        self._learn(work, rows)
        counts = whole.counted(work, [plan for plan in rows if self._counts(rows[plan], work.now)])
        found = [gone for plan, row in rows.items() if (gone := self._gone(row, counts.get(plan, {}), work.now))]
        for row in rows.values():
            self._known[row.digest].statements = max(row.statements, self._known[row.digest].statements)
        ended = {plan for plan, row in rows.items() if row.state not in whole.WAITING}
        self._known = {plan: known for plan, known in self._known.items() if plan in rows and plan not in ended}
        return lost + found, set(rows)

    def _learn(self, work: Work, rows: Mapping[str, Waiting]) -> None:
        new = rows.keys() - self._known.keys()
        for digest, body in whole.bodies(work, new).items() if new else ():
            self._known[digest] = _read(digest, body, rows[digest].incident)

    def _counts(self, row: Waiting, now: datetime) -> bool:
        """A plan that nobody released in its window goes nowhere: it is not counted for ever."""
        until = self._known[row.digest].until
        return row.state != "submitted" or until is None or now < until

    def _gone(self, row: Waiting, counts: Mapping[str, int], now: datetime) -> Gone | None:
        known = self._known[row.digest]
        if known.wanted is None:
            return Gone(row.digest, row.incident, "its bytes are not those that were signed", {})
        wanted = known.wanted if self._counts(row, now) else {}
        short_of = {name: count for name, count in wanted.items() if counts.get(name, 0) < count}
        said, facts = list[str](), dict[str, Any]()
        if short_of:
            missing = sum(count - counts.get(name, 0) for name, count in short_of.items())
            said.append(f"{missing} of {sum(wanted.values())} deliveries are gone")
            each = [{"account": n, "wanted": c, "found": counts.get(n, 0)} for n, c in sorted(short_of.items())]
            facts |= {"missing": missing, "accounts": each}
        if row.statements < known.statements:
            said.append(f"{known.statements - row.statements} of {known.statements} statements are gone")
            facts["statements"] = known.statements - row.statements
        return Gone(row.digest, row.incident, ", ".join(said), facts) if said else None

    def _lost(self, plan: str, known: _Known) -> Gone:
        return Gone(plan, known.incident, "the plan itself is gone", {})

    def _record(self, found: Sequence[Gone], back: Sequence[str]) -> list[Gone]:
        with self._desk.store.write() as work:
            if not whole.leads(work, str(self._mode), self._owner):
                return []
            told = whole.told(work)
            new = [one for one in found if not _same(one, told)]
            for one in new:
                about = {"incident": one.incident, "plan": one.plan, "mode": str(self._mode)}
                work.record("deliveries.missing", **about, what=one.what, **one.facts)
            for plan in back:
                if plan in told:
                    work.record("deliveries.whole", incident=told[plan][1].get("incident"), plan=plan)
            return new


def _same(one: Gone, told: Mapping[str, tuple[datetime, Mapping[str, Any]]]) -> bool:
    """Whether people know of it: who deletes row by row makes no notice for each, but for twice as many."""
    before = told[one.plan][1] if one.plan in told else {}
    if before.get("what") == one.what:
        return True
    more = [
        one.facts.get(name, 0) >= 2 * before.get(name, 0) for name in ("missing", "statements") if name in one.facts
    ]
    return bool(before and more) and not any(more)


def _read(digest: str, body: bytes, incident: str) -> _Known:
    try:
        plan = Plan.decode(body)
    except ValueError:
        return _Known(None, None, incident)
    wanted = {one.account: sum(signed.count for signed in one.lists) or 1 for one in plan.destinations}
    return _Known(wanted if plan.digest == digest else None, plan.not_after, incident)
