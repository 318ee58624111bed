"""An account with its adapter, as a sender holds it, and the facts of one delivery to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from channels.contract import Account, Channel, Idempotency
from dispatcher.domain.plan import Destination
from dispatcher.gate.evidence import DeliveryFacts
from dispatcher.sending.order import Order
from dispatcher.sending.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Outlet:
    """One account with its adapter. Times in seconds; settings may override the adapter's own."""

    account: Account
    adapter: Channel
    timeout_s: float
    idempotency: Idempotency


class Outlets(Protocol):
    """The accounts of a role, by id; one that was added after the start is found when it is asked for."""

    def get(self, account: str) -> Outlet | None:
        """The outlet of an account, or None: this sender does not hold it."""


def facts_of(
    prepared: Prepared,
    order: Order,
    outlet: Outlet,
    *,
    clock_fault: str | None,
    spent_fault: str | None,
    reaches: tuple[str, ...],
    recipient_fault: str | None = None,
) -> DeliveryFacts:
    """What the gate is told of one delivery: from the bytes at hand, the sender's own files, and hints."""
    destination = prepared.plan.destination(order.account)
    return DeliveryFacts(
        delivery=order.delivery,
        incident=order.incident,
        incident_state=order.incident_state,
        account=order.account,
        channel=outlet.account.channel,
        kind=order.kind,
        rendering=order.rendering if order.rendering in prepared.renderings else "",
        needs=timedelta(seconds=outlet.timeout_s),
        recipient_fault=recipient_fault or _kind_fault(destination, order),
        spent_fault=spent_fault,
        spend_fault=order.spend_fault,
        clock_fault=clock_fault,
        reaches=reaches,
        trackers=prepared.trackers(order.rendering),
        problems=prepared.check(order.rendering, outlet.adapter) + prepared.plan_problems,
        armed_problems=prepared.armed_problems(destination, outlet.adapter) if destination else (),
    )


def _kind_fault(destination: Destination | None, order: Order) -> str | None:
    if destination is None or bool(destination.lists) == (order.recipient is not None):
        return None
    return "this destination goes to the recipients of a signed list, one by one"
