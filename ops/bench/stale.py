"""How old the signed status is when a T3 send still starts, after the feed of statuses was cut.

A sender that has just started is told one status and then no more. Its clock is given to it, and the counter that it
holds its clock against goes with it: nobody waits two minutes here, and the sixty seconds are the gate's own. Permit
and send come within a hundredth of a second of the age that is looked at.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from channels.contract import Verdict
from dispatcher.domain.statement import Envelope
from dispatcher.gate.clauses import STALE_AFTER
from dispatcher.sender_bootstrap import VaultOutlets, now
from dispatcher.sending import Permit
from dispatcher.sending.order import Bundle, Order
from dispatcher.sending.status import sign_status
from dispatcher.service.accounts import SENT_BY
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import deliveries, queue, records
from ops.bench.figures import Figure
from ops.bench.office import MODE, Office, office_at, sender_at

STEP_S = 0.1
LOOKED_FOR_S = 2 * STALE_AFTER.total_seconds()
NEARLY = timedelta(milliseconds=10)
NOWHERE = "http://127.0.0.1:9"


def measure(root: Path, step_s: float = STEP_S) -> list[Figure]:
    """The ages, in seconds, at which a T3 send started."""
    with office_at(root, NOWHERE) as office:
        office.add("webhook", "webhook-1")
        office.add("tiktok", "tiktok-1")
        plan = office.cleared()
        made_at = now()
        status = sign_status("example-city", MODE, made_at, (), KeyFileSigner(office.folder / "keys" / "status"))
        with office.desk.store.write() as work:
            records.put_status(work, str(MODE), status)  # as the relay's leader does: a release wants one
        office.release(plan)
        ages = asyncio.run(_started(office, plan, status, made_at, step_s))
    return [Figure("status.t3_start_age", "s", ages, STALE_AFTER.total_seconds() + step_s, "max")]


async def _started(office: Office, plan: str, status: Envelope, made_at: datetime, step_s: float) -> list[float]:
    """The release was a moment after the status; the first look is two seconds after it."""
    bundle, order = _asked(office, plan)
    ages = [number * step_s for number in range(max(1, round(2 / step_s)), round(LOOKED_FOR_S / step_s))]
    return [age for age in ages if await _starts(office, bundle, order, status, made_at, timedelta(seconds=age))]


async def _starts(
    office: Office, bundle: Bundle, order: Order, status: Envelope, made_at: datetime, age: timedelta
) -> bool:
    moment = [made_at]
    vault = office.desk.settings.vault(MODE, SENT_BY["tiktok"])
    sender = sender_at(office, VaultOutlets(office.desk.settings, vault), lambda: moment[0])
    await sender.tell((), status)
    moment[0] = made_at + age - NEARLY
    (answer,) = await sender.permit(bundle, [order])
    moment[0] = made_at + age
    sent = isinstance(answer, Permit) and (await sender.send(answer, _note)).verdict is Verdict.HANDED_OVER
    await sender.close()
    return sent


def _asked(office: Office, plan: str) -> tuple[Bundle, Order]:
    with office.desk.store.read() as work:
        (row,) = [
            row for row in deliveries.listed(work, plan=plan) if row.channel == "tiktok" and row.kind == "publish"
        ]
        return records.bundle(work, plan), replace(queue.order(row, "active", work.now, 1), asked_at=None)


async def _note(_handle: str) -> None:
    """A hand-off has no handle to keep."""
