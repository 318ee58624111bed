"""Counters from the ledger: each look reads what was written since the last one, and nothing twice.

Rules
  1. The cursor begins at the ledger's end: a restart begins at zero. One look takes so many entries at the most; the
     next goes on from there.
  2. On PostgreSQL an id may be committed after a higher one. Ids that were passed over are asked for again for a
     while, then given up.
  3. Recipients are recorded in groups, so a million of them are some thousand rows here. What the sweeper moved names
     some of its deliveries; where these are on several channels, the rest counts as ``various``.
  4. An armed text is timed from its own order. A group of recipients does not say its text: once a way back was
     ordered for a plan, its groups are not timed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import and_, func, or_, select

from channels.contract import Verdict
from dispatcher.domain.lifecycle import DeliveryState
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.service.judging import CLAUSES
from dispatcher.store.database import Work
from dispatcher.store.tables import (
    ACCOUNTS,
    ATTEMPTS,
    DELIVERIES,
    DISPATCHES,
    INCIDENTS,
    LEDGER,
    STATEMENTS,
    WAYS_BACK,
)
from ops.metrics.pages import Page

MOST = 5_000
AT_ONCE = 500
"""Names in one question to the database."""

PATIENCE_S = 20.0
MOST_HOLES = 1_000
MOST_KNOWN = 20_000
"""Incidents and plans that are remembered; then forgotten together, and asked for again."""

LOST = "lost"
"""The verdict of an attempt whose process was lost."""

UNDER_WAY = frozenset({"ready", "leased", "sending"})
OUTCOMES = tuple(sorted(set(map(str, DeliveryState)) - UNDER_WAY))
VERDICTS = {"ready": "deferred", "held": "deferred", "expired": "deferred"}
"""What an attempt came to, by where its delivery went; elsewhere the two have the same name."""

REFUSALS = {
    "gate.refused": "gate",
    "submission.refused": "submission",
    "release.refused": "release",
    "hand_off.refused": "hand_off",
}
NOTICES = {"notice.sent": "sent", "notice.failed": "failed"}
MOVES = ("delivery.moved", "deliveries.moved", "deliveries.swept")
KINDS = (*MOVES, *REFUSALS, *NOTICES)


@dataclass(frozen=True, slots=True)
class Started:
    """When a plan was approved for good and released; ``way_back`` whether anything was ordered about it since."""

    approved_at: datetime | None
    released_at: datetime | None
    orders: dict[str, datetime]


class Counted:
    """What was counted since this process began; ``page`` has it."""

    def __init__(self) -> None:
        self.page = Page()
        self._last: int | None = None
        self._holes: dict[int, float] = {}
        self._modes: dict[str, str] = {}
        self._accounts: dict[str, tuple[str, str]] = {}
        self._plans: dict[str, Started] = {}
        self._named: set[tuple[str, str]] = set()
        for outcome in NOTICES.values():
            self.page.add("notices_total", 0, outcome=outcome)
        for mode in map(str, Mode):
            for other in {*map(str, Mode)} - {mode}:
                self.page.add("mode_leaks_total", 0, account_mode=other, mode=mode)
            for at, clause in product(REFUSALS.values(), CLAUSES):
                self.page.add("refusals_total", 0, at=at, mode=mode, clause=clause)

    def read(self, work: Work) -> int:
        """Take in what is new; returns how many entries that were."""
        self._begin_at_zero(work)
        if self._last is None:
            self._last = work.execute(select(func.max(LEDGER.c.id))).scalar() or 0
            return 0
        found = self._fresh(work)
        if not found:
            return 0
        rows = self._rows(work, found)
        self._learn(work, rows)
        posts = self._posts(work, [body for _, body in rows])
        for row, body in rows:
            self._count(row, body, posts)
        return len(found)

    def _begin_at_zero(self, work: Work) -> None:
        """Name what may be counted: of a counter that appears with its first event, nobody sees an increase."""
        rows = work.execute(select(ACCOUNTS.c.channel, ACCOUNTS.c.mode).distinct()).all()
        for channel, mode in {tuple(row) for row in rows} - self._named:
            self._named.add((channel, mode))
            for outcome in OUTCOMES:
                self.page.add("deliveries_total", 0, channel=channel, mode=mode, outcome=outcome)
            for verdict in (*map(str, Verdict), LOST):
                self.page.add("attempts_total", 0, channel=channel, mode=mode, verdict=verdict)

    def _fresh(self, work: Work) -> frozenset[int]:
        last = self._last or 0
        unseen = or_(LEDGER.c.id > last, LEDGER.c.id.in_(list(self._holes)))
        found = work.execute(select(LEDGER.c.id).where(unseen).order_by(LEDGER.c.id).limit(MOST)).scalars().all()
        now_s = time.monotonic()
        self._last = max([last, *found])
        for id_ in [*set(range(last + 1, self._last)).difference(found)][:MOST_HOLES]:
            self._holes[id_] = now_s
        kept = {id_: at for id_, at in self._holes.items() if id_ not in found and now_s - at < PATIENCE_S}
        self._holes = dict(list(kept.items())[-MOST_HOLES:])
        return frozenset(found)

    def _rows(self, work: Work, found: frozenset[int]) -> list[tuple[Any, dict[str, Any]]]:
        between = and_(LEDGER.c.id >= min(found), LEDGER.c.id <= max(found), LEDGER.c.kind.in_(KINDS))
        columns = (LEDGER.c.id, LEDGER.c.kind, LEDGER.c.incident, LEDGER.c.recorded_at, LEDGER.c.body)
        rows = work.execute(select(*columns).where(between).order_by(LEDGER.c.id)).all()
        return [(row, _read(row.body)) for row in rows if row.id in found]

    def _learn(self, work: Work, rows: Sequence[tuple[Any, dict[str, Any]]]) -> None:
        """Find out, in few questions, what these entries are about."""
        incidents = {row.incident for row, _ in rows if row.incident} - self._modes.keys()
        for chunk in _chunks(incidents):
            query = select(INCIDENTS.c.id, INCIDENTS.c.mode).where(INCIDENTS.c.id.in_(chunk))
            self._modes |= {row.id: row.mode for row in work.execute(query).all()}
        if {body["account"] for _, body in rows if "account" in body} - self._accounts.keys():
            known = select(ACCOUNTS.c.id, ACCOUNTS.c.channel, ACCOUNTS.c.mode)
            self._accounts = {id_: (channel, mode) for id_, channel, mode in work.execute(known).all()}
        ended = {body["plan"] for row, body in rows if row.kind in MOVES and body.get("target") == "accepted"}
        for chunk in _chunks(ended):
            self._plans |= _starts(work, chunk)  # asked for each time: a way back may have been ordered meanwhile
        if len(self._modes) + len(self._plans) > MOST_KNOWN:
            self._modes, self._plans = {}, {}

    def _posts(self, work: Work, bodies: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """The deliveries that entries name, with the text, the channel and how long each attempt took."""
        named = {body["delivery"] for body in bodies if body.get("source") == "sending" and "delivery" in body}
        named |= {body["delivery"] for body in bodies if body.get("target") == "accepted" and "delivery" in body}
        named |= {id_ for body in bodies for id_ in body.get("deliveries", ())}
        posts: dict[str, Any] = {}
        for chunk in _chunks(named):
            query = select(DELIVERIES.c.id, DELIVERIES.c.kind, DELIVERIES.c.channel).where(DELIVERIES.c.id.in_(chunk))
            posts |= {row.id: (row.kind, row.channel, {}) for row in work.execute(query).all()}
            took = select(ATTEMPTS.c.delivery, ATTEMPTS.c.number, ATTEMPTS.c.provider_ms)
            for delivery, number, provider_ms in work.execute(took.where(ATTEMPTS.c.delivery.in_(chunk))).all():
                if delivery in posts:
                    posts[delivery][2][number] = provider_ms
        return posts

    def _count(self, row: Any, body: dict[str, Any], posts: dict[str, Any]) -> None:
        mode = self._modes.get(row.incident or "", "unknown")
        if row.kind in NOTICES:
            self.page.add("notices_total", outcome=NOTICES[row.kind])
        elif row.kind in REFUSALS:
            for clause in {str(failure.get("clause", "")) for failure in body.get("failures", ())}:
                self.page.add("refusals_total", at=REFUSALS[row.kind], mode=mode, clause=clause)
        elif row.kind == "deliveries.swept":
            self._swept(body, mode, posts)
        else:
            self._moved(row, body, mode, posts)

    def _swept(self, body: dict[str, Any], mode: str, posts: dict[str, Any]) -> None:
        channels = [posts[id_][1] for id_ in body.get("deliveries", ()) if id_ in posts]
        rest = int(body.get("count", 0)) - len(channels)
        channels += [channels[0] if len(set(channels)) == 1 else "various"] * max(0, rest)
        for channel in channels:
            self._ended(body, mode, channel, 1, LOST)

    def _moved(self, row: Any, body: dict[str, Any], mode: str, posts: dict[str, Any]) -> None:
        channel, account_mode = self._accounts.get(body.get("account", ""), (body.get("channel", "unknown"), mode))
        if account_mode != mode:
            self.page.add("mode_leaks_total", account_mode=account_mode, mode=mode)
        self._ended(body, mode, channel, int(body.get("count", 1)), body.get("verdict"))
        post = posts.get(body.get("delivery", ""))
        about = {"channel": channel, "mode": mode}
        took = post[2].get(body.get("attempt")) if post else None
        if body.get("source") == "sending" and took is not None:
            self.page.observe("delivery_seconds", took / 1000, **about, stage="provider")
        if body.get("target") == "accepted":
            self._timed(row.recorded_at, body, post[0] if post else None, about)

    def _ended(self, body: dict[str, Any], mode: str, channel: str, count: int, verdict: str | None) -> None:
        source, target = str(body.get("source")), str(body.get("target"))
        about = {"channel": channel, "mode": mode}
        if target not in UNDER_WAY:
            self.page.add("deliveries_total", count, **about, outcome=target)
        if source == "sending":
            self.page.add("attempts_total", count, **about, verdict=verdict or VERDICTS.get(target, target))

    def _timed(self, at: datetime, body: dict[str, Any], text: str | None, about: dict[str, str]) -> None:
        start = self._plans.get(body.get("plan", ""))
        if start is None or (text is None and start.orders):
            return
        publishes = text in (None, TextKind.PUBLISH)
        released = start.released_at if publishes else start.orders.get(str(text))
        approved = start.approved_at if publishes else None
        for stage, since in (("release_to_accepted", released), ("approval_to_accepted", approved)):
            if since is not None:
                seconds = max(0.0, (at - since).total_seconds())
                self.page.observe("delivery_seconds", seconds, int(body.get("count", 1)), **about, stage=stage)


def _starts(work: Work, plans: Sequence[str]) -> dict[str, Started]:
    released = select(DISPATCHES.c.plan, DISPATCHES.c.released_at).where(DISPATCHES.c.plan.in_(plans))
    began = {row.plan: row.released_at for row in work.execute(released).all()}
    approve = (STATEMENTS.c.kind == str(StatementKind.APPROVE), STATEMENTS.c.subject.in_(plans))
    said = select(STATEMENTS.c.subject, STATEMENTS.c.recorded_at).where(*approve)
    approved: dict[str, datetime] = {}
    for plan, at in work.execute(said).all():
        if plan in began and at <= began[plan]:
            approved[plan] = max(at, approved.get(plan, at))
    orders: dict[str, dict[str, datetime]] = {}
    ways = select(WAYS_BACK.c.plan, WAYS_BACK.c.kind, WAYS_BACK.c.ordered_at).where(WAYS_BACK.c.plan.in_(plans))
    for plan, kind, at in work.execute(ways).all():
        orders.setdefault(plan, {})[kind] = at
    return {plan: Started(approved.get(plan), began.get(plan), orders.get(plan, {})) for plan in plans}


def _read(body: bytes) -> dict[str, Any]:
    """An entry's facts; none where somebody wrote what is no entry: verifying says so, and counting goes on."""
    try:
        facts = json.loads(body)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _chunks(names: Iterable[str]) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[place : place + AT_ONCE] for place in range(0, len(ordered), AT_ONCE)]
