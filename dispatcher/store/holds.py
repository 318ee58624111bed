"""Accounts that get nothing for now: held by a person until a person ends it, or left alone by a circuit breaker.

The two are rows of their own: what the breaker writes and takes away never touches a person's hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import Invalid
from dispatcher.store import accounts
from dispatcher.store.database import Work
from dispatcher.store.tables import HOLDS

BREAKER = ""
"""Who placed it, where no person did."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is closed: held accounts with the reason, and until when breakers are open."""

    held: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, datetime] = field(default_factory=dict)

    def closed(self, now: datetime) -> frozenset[str]:
        """The accounts that get nothing now."""
        return frozenset(self.held) | {account for account, until in self.broken.items() if until > now}

    def open_s(self, account: str, now: datetime) -> float | None:
        """For how many seconds yet a breaker is open, as its finder wrote; None where no breaker is."""
        until = self.broken.get(account)
        return None if until is None else (until - now).total_seconds()


def rows(work: Work) -> list[Any]:
    """All there are, oldest first."""
    return list(work.execute(select(HOLDS).order_by(HOLDS.c.placed_at, HOLDS.c.account)).all())


def standing(work: Work) -> Standing:
    """What is closed now, as engines read it."""
    found = rows(work)
    held = {row.account: row.reason for row in found if row.person != BREAKER}
    return Standing(held, {row.account: row.until for row in found if row.person == BREAKER and row.until})


def place(work: Work, account: str, person: str, reason: str, **facts: str) -> None:
    """Hold an account; ``facts`` go into the ledger too. Raises NotFound, Invalid where somebody holds it already."""
    row = accounts.row(work, account)
    if (held := standing(work).held.get(account)) is not None:
        raise Invalid(f"account {account} is held already: {held}", f"dispatcher account unhold {account}")
    values = {"account": account, "person": person, "reason": reason, "placed_at": work.now}
    work.execute(insert(HOLDS).values(**values))
    work.record("account.held", actor=person, account=account, mode=row.mode, reason=reason, **facts)


def lift(work: Work, account: str, person: str) -> None:
    """End a person's hold. Raises NotFound, Invalid where nobody holds it."""
    row = accounts.row(work, account)
    gone = delete(HOLDS).where(HOLDS.c.account == account, HOLDS.c.person != BREAKER)
    if not work.execute(gone).rowcount:
        raise Invalid(f"nobody holds account {account}", "dispatcher status")
    work.record("account.unheld", actor=person, account=account, mode=row.mode)


def broke(work: Work, account: str, open_s: float | None, reason: str) -> None:
    """Write down that an account's breaker opened for so long, or, with None, that it closed."""
    about = {"account": account, "reason": reason}
    if open_s is None:
        work.record("breaker.closed", **about)
    else:
        work.record("breaker.opened", **about, until=format_time(work.now + timedelta(seconds=open_s)))
    work.execute(delete(HOLDS).where(HOLDS.c.account == account, HOLDS.c.person == BREAKER))
    if open_s is not None:
        until = work.now + timedelta(seconds=open_s)
        values = {"account": account, "person": BREAKER, "reason": reason, "placed_at": work.now, "until": until}
        work.execute(insert(HOLDS).values(**values))
