"""What probing accounts showed, and which are due for it. Any number of processes ask: a row is claimed by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Update, insert, select, text, update

from channels.contract import Probe
from dispatcher.domain.statement import Mode
from dispatcher.store.database import Work
from dispatcher.store.tables import ACCOUNTS, PROBES

_BEGIN = """
    INSERT INTO probes (account, detail, quota) SELECT id, '', '' FROM accounts WHERE TRUE ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Due:
    """An account that is due, and since when."""

    account: str
    channel: str
    due_at: datetime


def add(work: Work, account: str, mode: Mode, expires_at: datetime | None) -> None:
    """Begin an account's row: a live one is probed at once, one for exercises when somebody asks."""
    due_at = work.now if mode is Mode.LIVE else None
    work.execute(insert(PROBES).values(account=account, due_at=due_at, expires_at=expires_at))


def renew(work: Work, account: str, expires_at: datetime | None) -> None:
    """Forget what the credential before showed, and have the new one probed now."""
    fresh = {"due_at": work.now, "probed_at": None, "ok": None, "detail": "", "quota": ""}
    ends = {"expires_at": expires_at, "warned_days": None}
    work.execute(update(PROBES).where(PROBES.c.account == account).values(**fresh, **ends))


def ask(work: Work, accounts: Iterable[str]) -> None:
    """Have accounts probed now, those too that an older version added without a row here."""
    work.execute(text(_BEGIN))
    work.execute(update(PROBES).where(PROBES.c.account.in_(list(accounts))).values(due_at=work.now))


def due(work: Work, lane: str, mode: str) -> list[Due]:
    """The accounts of a lane that are due, longest first."""
    query = select(PROBES.c.account, ACCOUNTS.c.channel, PROBES.c.due_at).join(
        ACCOUNTS, ACCOUNTS.c.id == PROBES.c.account
    )
    mine = (ACCOUNTS.c.lane == lane, ACCOUNTS.c.mode == mode, PROBES.c.due_at <= work.now)
    return [Due(*row) for row in work.execute(query.where(*mine).order_by(PROBES.c.due_at, PROBES.c.account)).all()]


def claim(work: Work, wanted: Iterable[Due], again: timedelta) -> list[Due]:
    """Those of the due that nobody else has claimed; due ``again`` from now should this process die over them."""
    until = work.now + again
    return [replace(one, due_at=until) for one in wanted if work.execute(_as(one).values(due_at=until)).rowcount]


def put(work: Work, claimed: Due, probe: Probe, due_at: datetime | None) -> None:
    """Write down what a probe showed, unless it was asked for anew meanwhile: the credential may be another.

    When a credential ends, as its platform tells, goes before what people said; so does that it is renewed by itself.
    """
    if probe.expires_at is not None or probe.renews:
        other = PROBES.c.expires_at.is_distinct_from(probe.expires_at)
        work.execute(_as(claimed).where(other).values(expires_at=probe.expires_at, warned_days=None))
    shown = {"ok": probe.ok, "detail": probe.detail, "quota": probe.quota}
    work.execute(_as(claimed).values(probed_at=work.now, due_at=due_at, **shown))


def rows(work: Work, mode: Mode | None = None) -> list[Any]:
    """Every account with its last probe, by name."""
    columns = [column for column in PROBES.columns if column.name != "account"]
    about = (ACCOUNTS.c.id.label("account"), ACCOUNTS.c.channel, ACCOUNTS.c.mode)
    query = select(*about, *columns).outerjoin(PROBES, ACCOUNTS.c.id == PROBES.c.account).order_by(ACCOUNTS.c.id)
    return list(work.execute(query if mode is None else query.where(ACCOUNTS.c.mode == str(mode))).all())


def warn(work: Work, account: str, expires_at: datetime, days: int) -> bool:
    """Whether the alarm of so many days is to be raised: once for an end, and none that is longer than the last."""
    unsaid = PROBES.c.warned_days.is_(None) | (PROBES.c.warned_days > days)
    at = (PROBES.c.account == account, PROBES.c.expires_at == expires_at, unsaid)
    return bool(work.execute(update(PROBES).where(*at).values(warned_days=days)).rowcount)


def _as(one: Due) -> Update:
    """A change of an account's row, as it was."""
    return update(PROBES).where(PROBES.c.account == one.account, PROBES.c.due_at == one.due_at)
