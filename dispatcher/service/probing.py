"""Probing: what is known of each account's credential, how fresh that is, and the alarms before one ends.

Rules
  1. A probe warns and never stops: no gate asks for it, and what SQL says of one decides nothing.
  2. Only who holds a credential can probe. Whoever wants to know asks for it in SQL and reads what came of it.
  3. Live accounts are probed on schedule, every ``probe_ms`` or as often as their platform bears it; a result older
     than twice that is stale. In an exercise probes are
     made when somebody asks: nothing of an exercise wears out.
  4. The end of a credential is told 60, 30 and 7 days and 24 hours before, each once, by notice and in the ledger. A
     new credential begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels import registry
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import NotFound
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode
from dispatcher.service import notices
from dispatcher.service.desk import Desk
from dispatcher.service.notices import Notice
from dispatcher.service.watching import ago
from dispatcher.settings import Timing
from dispatcher.store import probes
from dispatcher.store.database import Work

DAY = timedelta(days=1)
ALARMS = (60, 30, 7, 1)
"""Days before the end of a credential."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known of one account. ``probe`` is the last one in words, ``days_left`` None where no end is known.

    ``stale``: it is older than twice what it may be. ``trouble``: its probe failed or is stale, or its credential
    ends within the longest alarm.
    """

    account: str
    channel: str
    mode: Mode
    ok: bool | None
    probe: str
    quota: str
    probed_at: datetime | None
    expires_at: datetime | None
    days_left: int | None
    stale: bool
    trouble: bool


def known(desk: Desk, accounts: Iterable[str] | None = None) -> list[Probed]:
    """What is known of these accounts, or of all, by name."""
    with desk.store.read() as work:
        found = known_now(work, desk.settings.timing)
    wanted = None if accounts is None else frozenset(accounts)
    return [one for one in found if wanted is None or one.account in wanted]


def known_now(work: Work, timing: Timing) -> list[Probed]:
    """What is known of every account, by name."""
    return [_probed(row, work.now, timing) for row in probes.rows(work)]


def every(timing: Timing, channel: str) -> timedelta:
    """How often a live account of a channel is probed."""
    try:
        least_s = registry.adapter(channel).capabilities.probe_every_s
    except registry.UnknownChannelError:
        least_s = 0.0
    return max(timing.lasting("probe"), timedelta(seconds=least_s))


def is_stale(timing: Timing, channel: str, mode: str, probed_at: datetime | None, now: datetime) -> bool:
    """Whether nobody knows any more how an account is; no adapter is loaded for what is fresh by ``probe_ms``."""
    if mode != Mode.LIVE:
        return False
    age = None if probed_at is None else now - probed_at
    return age is None or (age > 2 * timing.lasting("probe") and age > 2 * every(timing, channel))


def ask(desk: Desk, names: Sequence[str]) -> tuple[list[str], datetime]:
    """Have accounts probed: those named, or of the channels named, or all. Returns which, and since when.

    Raises NotFound.
    """
    with desk.store.write() as work:
        rows = probes.rows(work)
        wanted = {row.account for row in rows} if not names else {one for name in names for one in _meant(rows, name)}
        probes.ask(work, wanted)
        work.record("probe.asked", accounts=sorted(wanted))
        return sorted(wanted), work.now


def alarm(desk: Desk, mode: Mode) -> list[Notice]:
    """Raise the alarms that are due about credentials that end; returns what became of the notices."""
    with desk.store.write() as work:
        due = [(row, days) for row in probes.rows(work, mode) if (days := _alarm(row.expires_at, work.now))]
        raised = [(row, days) for row, days in due if probes.warn(work, row.account, row.expires_at, days)]
        for row, days in raised:
            about = {"channel": row.channel, "mode": row.mode, "expires_at": format_time(row.expires_at)}
            work.record("credential.expires", account=row.account, days=days, **about)
    people = notices.holding(desk, Role.OPS, Role.DUTY_DIRECTOR)
    return [told for row, _ in raised for told in _tell(desk, mode, people, row)]


def _tell(desk: Desk, mode: Mode, people: Iterable[Any], row: Any) -> list[Notice]:
    title = f"The credential of {row.account} ends on {row.expires_at:%Y-%m-%d}"
    body = f"{row.account} ({row.channel}) cannot send after {row.expires_at:%Y-%m-%d %H:%M} UTC.\n"
    body += f"Replace it: dispatcher account connect {row.account}, where somebody consents in a browser; else\n"
    body += f"dispatcher account rotate {row.account} --secret-file NAME=FILE"
    return notices.tell(desk, mode, people, title, body, account=row.account)


def _alarm(expires_at: datetime | None, now: datetime) -> int | None:
    """The shortest alarm that is due, in days."""
    if expires_at is None:
        return None
    return min((days for days in ALARMS if expires_at - now <= days * DAY), default=None)


def _meant(rows: Sequence[Any], name: str) -> list[str]:
    """The account of this name, or the accounts of this channel. Raises NotFound."""
    if any(row.account == name for row in rows):
        return [name]
    try:
        channel = registry.entry(name).name
    except registry.UnknownChannelError as error:
        raise NotFound(f"{name} is neither an account nor a channel", "dispatcher account list") from error
    found = [row.account for row in rows if row.channel == channel]
    if not found:
        raise NotFound(f"there is no account on {channel}", "dispatcher account list")
    return found


def _probed(row: Any, now: datetime, timing: Timing) -> Probed:
    stale = is_stale(timing, row.channel, row.mode, row.probed_at, now)
    return Probed(
        account=row.account,
        channel=row.channel,
        mode=Mode(row.mode),
        ok=row.ok,
        probe=_told(row, now, stale=stale),
        quota=row.quota or "",
        probed_at=row.probed_at,
        expires_at=row.expires_at,
        days_left=None if row.expires_at is None else (row.expires_at - now) // DAY,
        stale=stale,
        trouble=stale or row.ok is False or _alarm(row.expires_at, now) is not None,
    )


def _told(row: Any, now: datetime, *, stale: bool) -> str:
    if row.probed_at is None:
        return "not probed"
    result = "ok" if row.ok else f"FAILED: {row.detail}"
    return f"probed {ago(now - row.probed_at)}{', STALE' if stale else ''}: {result}"
