"""What the exporter asks the database besides the look that the console takes. Every question is bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from channels.contract import Clock
from channels.registry import Lane
from dispatcher.domain.lifecycle import HeldReason
from dispatcher.domain.statement import Mode
from dispatcher.settings import Settings
from dispatcher.store import foreign, holds, sightings
from dispatcher.store.database import Work
from dispatcher.store.tables import ACCOUNTS, DELIVERIES, INCIDENTS, LEDGER
from ops.metrics.pages import Page

MOST_HELD = 10_000
MOST_MISSING = 200
WHOLE = ("deliveries.missing", "deliveries.whole")
REASONS = frozenset(HeldReason)


def put(page: Page, work: Work, settings: Settings, clock: Clock) -> None:
    """Put the answers."""
    before = clock()
    database = work.now  # read when this transaction began
    page.put("clock_offset_seconds", 0.0 if on_sqlite(work) else (database - before).total_seconds())
    accounts = work.execute(select(ACCOUNTS.c.id, ACCOUNTS.c.channel, ACCOUNTS.c.mode, ACCOUNTS.c.settings)).all()
    by_name = {row.id: row for row in accounts}
    _held(page, work)
    _posts(page, work)
    for row in foreign.alarming(work):
        page.add("foreign_posts", channel=row.channel, mode=by_name[row.account].mode)
    for mode in Mode:
        page.put("mode_leak", sum(_leaks(settings, row) for row in accounts if row.mode == mode), mode=str(mode))
    for account, until in holds.standing(work).broken.items():
        if until > work.now and account in by_name:
            page.put("rate_paused_until_timestamp_seconds", until, account=account, mode=by_name[account].mode)
    _missing(page, work)


def on_sqlite(work: Work) -> bool:
    """Whether the database is a file of this host, which has no clock of its own."""
    return work.connection.dialect.name == "sqlite"


def _held(page: Page, work: Work) -> None:
    """By index, lane by lane: where a million are held, the first ten thousand say so."""
    for lane, mode in product(Lane, Mode):
        at = (DELIVERIES.c.lane == str(lane), DELIVERIES.c.mode == str(mode), DELIVERIES.c.state == "held")
        rows = work.execute(select(DELIVERIES.c.channel, DELIVERIES.c.reason).where(*at).limit(MOST_HELD)).all()
        for channel, reason in rows:
            said = reason if reason in REASONS else "other"
            page.add("held_deliveries", channel=channel, mode=str(mode), reason=said)


def _posts(page: Page, work: Work) -> None:
    rows = sightings.alarming(work)
    names = {row.incident for row in rows}
    query = select(INCIDENTS.c.id, INCIDENTS.c.mode).where(INCIDENTS.c.id.in_(names))
    modes = {row.id: row.mode for row in work.execute(query).all()}
    for row in rows:
        page.add("posts_not_as_approved", channel=row.channel, mode=modes[row.incident], seen=row.seen)


def _missing(page: Page, work: Work) -> None:
    """By the newest of the ledger's entries that say so, and that say of some that they are back."""
    for mode in Mode:
        page.put("plans_missing_deliveries", 0, mode=str(mode))
    columns = (LEDGER.c.kind, LEDGER.c.body, INCIDENTS.c.mode)
    query = select(*columns).join(INCIDENTS, INCIDENTS.c.id == LEDGER.c.incident).where(LEDGER.c.kind.in_(WHOLE))
    newest: set[str] = set()
    for kind, body, mode in work.execute(query.order_by(LEDGER.c.id.desc()).limit(MOST_MISSING)).all():
        plan = str(json.loads(body).get("plan"))
        if plan not in newest and kind == WHOLE[0]:
            page.add("plans_missing_deliveries", mode=mode)
        newest.add(plan)


def _leaks(settings: Settings, account: Any) -> bool:
    """An exercise account that points past the simulator, or a live one that points to it outside a test."""
    targets = set(_targets(account.settings))
    if account.mode == Mode.EXERCISE:
        return bool(targets - settings.simulated)
    return bool(targets & settings.simulated) and str(settings.kind) != "test"


def _targets(said: Any) -> Iterator[str]:
    """The hosts that an account's settings name."""
    for value in said.values() if isinstance(said, dict) else ():
        if isinstance(value, str) and "://" in value:
            yield urlsplit(value).netloc
