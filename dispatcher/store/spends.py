"""What paid plans cost, one row per plan and channel: reserve → commit → reconcile, in integer pence.

Rules (reference: policy 6.9, story 10)
  1. What is reserved or committed counts whole, what is reconciled as billed, what was freed not at all.
  2. Who reserves holds the :func:`lock` until the end of the transaction, so that no two see the same room.
  3. Money that was committed comes back by reconciling alone; only what was never released is freed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, text

from dispatcher.domain.errors import NotFound, Stale
from dispatcher.domain.lifecycle import CLEARANCE, SpendState
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode
from dispatcher.store import records
from dispatcher.store.database import Work
from dispatcher.store.tables import CLEARANCES, DELIVERIES, SPENDS


@dataclass(frozen=True, slots=True)
class StoredSpend:
    """One row: the ``pence`` that were signed for, and once reconciled what was ``billed``."""

    plan: str
    channel: str
    incident: str
    mode: Mode
    case: str
    year: int
    pence: int
    state: SpendState
    billed: int | None
    invoice: str | None
    changed_at: datetime

    @property
    def taken(self) -> int:
        """How many pence of its caps it takes (rule 1)."""
        if self.state is SpendState.FREED:
            return 0
        return self.pence if self.billed is None else self.billed


def lock(work: Work) -> None:
    """Let nobody else reserve until this transaction ends; a SQLite write transaction keeps all others out anyway."""
    if work.dialect == "postgresql":
        work.execute(text("LOCK TABLE spends IN SHARE ROW EXCLUSIVE MODE"))


def add(work: Work, plan: Plan) -> None:
    """Reserve what a plan may cost."""
    begun = {"mode": str(plan.mode), "state": str(SpendState.RESERVED), "changed_at": work.now}
    for spend in plan.spend:
        facts: dict[str, Any] = {name: getattr(spend, name) for name in ("channel", "case", "year", "pence")}
        about = {"plan": plan.digest, "incident": plan.incident}
        work.execute(insert(SPENDS).values(**about, **facts, **begun))
        work.record("spend.reserved", **about, **facts)


def listed(work: Work, *where: Any) -> list[StoredSpend]:
    """The rows that fit, oldest change first."""
    query = select(SPENDS).where(*where).order_by(SPENDS.c.changed_at, SPENDS.c.plan, SPENDS.c.channel)
    return [
        StoredSpend(**{**row._mapping, "mode": Mode(row.mode), "state": SpendState(row.state)})
        for row in work.execute(query)
    ]


def find(work: Work, plan_digest: str, channel: str) -> StoredSpend:
    """What one channel of a plan may cost. Raises NotFound."""
    found = listed(work, SPENDS.c.plan == plan_digest, SPENDS.c.channel == channel)
    if not found:
        raise NotFound(f"plan {plan_digest[:12]} buys nothing on {channel}", "dispatcher spend list")
    return found[0]


def move(work: Work, spend: StoredSpend, target: SpendState, **values: Any) -> bool:
    """Move a row on; False when it is not in the state it was read in any more."""
    at = (SPENDS.c.plan == spend.plan, SPENDS.c.channel == spend.channel)
    subject = {"plan": spend.plan, "incident": spend.incident, "channel": spend.channel}
    return records.moved(work, SPENDS, at, spend.state, target, subject, changed_at=work.now, **values)


def commit(work: Work, plan: Plan) -> None:
    """Commit what a plan reserved, with its release. Raises Stale where it was freed meanwhile."""
    reserved = listed(work, SPENDS.c.plan == plan.digest, SPENDS.c.state == str(SpendState.RESERVED))
    moved = [spend for spend in reserved if move(work, spend, SpendState.COMMITTED)]
    if len(moved) != len(plan.spend):
        raise Stale("the money reserved for this plan was freed", "an author submits it again")


def committed(work: Work, plan_digest: str) -> set[str]:
    """The channels of a plan whose money is committed."""
    at = (SPENDS.c.plan == plan_digest, SPENDS.c.state == str(SpendState.COMMITTED))
    return set(work.execute(select(SPENDS.c.channel).where(*at)).scalars())


def free(work: Work) -> int:
    """Free what is reserved for plans that nobody can release any more: refused, taken back, or over."""
    of_plan, waiting = DELIVERIES.c.plan == SPENDS.c.plan, DELIVERIES.c.state == "ready"
    releasable = select(DELIVERIES.c.id).where(of_plan, waiting, DELIVERIES.c.expires_at > work.now)
    ended = select(CLEARANCES.c.plan).where(
        CLEARANCES.c.plan == SPENDS.c.plan, CLEARANCES.c.state.in_(CLEARANCE.final)
    )
    over = or_(~releasable.exists(), ended.exists())
    unspent = listed(work, SPENDS.c.state == str(SpendState.RESERVED), over)
    return sum(move(work, spend, SpendState.FREED) for spend in unspent)
