"""An account with its adapter, as a sender holds it; the facts of one delivery to it, and the adapter's job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from channels.capabilities import Idempotency
from channels.contract import Account, Channel, DeliveryKind, Job, Note, Outcome, Verdict
from dispatcher.domain.plan import Destination
from dispatcher.gate.evidence import DeliveryFacts
from dispatcher.sending.lists import Row
from dispatcher.sending.order import Order
from dispatcher.sending.prepared import Texts


@dataclass(frozen=True, slots=True)
class Outlet:
    """One account with its adapter. Times in seconds; settings may override the adapter's own."""

    account: Account
    adapter: Channel
    timeout_s: float
    idempotency: Idempotency


class Outlets(Protocol):
    """The accounts of a role, by id; one that was added after the start is found when it is asked for."""

    def __iter__(self) -> Iterator[str]:
        """Their names."""

    def get(self, account: str) -> Outlet | None:
        """The outlet of an account, or None: this sender does not hold it."""


async def call(outlet: Outlet, kind: DeliveryKind, job: Job, note: Note) -> Outcome:
    """Have the adapter act once; what it does not answer in time, or fails at, is in doubt (contract, rule 2)."""
    act = {
        DeliveryKind.PUBLISH: outlet.adapter.send,
        DeliveryKind.CORRECT: outlet.adapter.correct,
        DeliveryKind.WITHDRAW: outlet.adapter.withdraw,
    }[kind]
    try:
        async with asyncio.timeout(outlet.timeout_s + 1):
            return await act(job, note)
    except TimeoutError:
        return Outcome(Verdict.IN_DOUBT, "no answer in time", "timeout")
    except Exception as error:  # noqa: BLE001 - a bug of an adapter's says nothing of what the platform did
        structlog.get_logger("sender").error("adapter_failed", account=outlet.account.id, error=type(error).__name__)
        return Outcome(Verdict.IN_DOUBT, f"the adapter failed: {type(error).__name__}", "adapter")


def facts_of(
    texts: Texts,
    order: Order,
    outlet: Outlet,
    *,
    clock_fault: str | None,
    spent_fault: str | None,
    reaches: tuple[str, ...],
    recipient_fault: str | None = None,
    media_fault: str | None = None,
) -> DeliveryFacts:
    """What the gate is told of one delivery: from the bytes at hand, the sender's own files, and hints."""
    destination = texts.plan.destination(order.account)
    return DeliveryFacts(
        incident=order.incident,
        incident_state=order.incident_state,
        account=order.account,
        channel=outlet.account.channel,
        kind=order.kind,
        rendering=order.rendering if order.rendering in texts.renderings else "",
        needs=timedelta(seconds=outlet.timeout_s),
        recipient_fault=recipient_fault or _kind_fault(destination, order),
        media_fault=media_fault,
        spent_fault=spent_fault,
        spend_fault=order.spend_fault,
        purchase_fault=texts.purchase_fault(destination) if destination else None,
        clock_fault=clock_fault,
        reaches=reaches,
        trackers=texts.trackers(order.rendering),
        problems=texts.check(order.rendering, outlet.adapter) + texts.plan_problems,
        armed_problems=texts.armed_problems(destination, outlet.adapter) if destination else (),
        route=texts.route(order.rendering),
    )


def job_of(texts: Texts, order: Order, outlet: Outlet, row: tuple[str, Row] | None = None) -> Job:
    """What the adapter is told to do. ``row``: the leaf and the address of a recipient."""
    return Job(
        delivery=order.delivery,
        attempt=order.attempt,
        rendering=texts.renderings[order.rendering],
        intended_at=order.intended_at,
        timeout_s=outlet.timeout_s,
        recipient=row[1].address if row else None,
        language=row[1].language if row else None,
        original=order.original,
        handle=order.handle,
    )


def _kind_fault(destination: Destination | None, order: Order) -> str | None:
    if destination is None or bool(destination.lists) == (order.recipient is not None):
        return None
    return "this destination goes to the recipients of a signed list, one by one"
