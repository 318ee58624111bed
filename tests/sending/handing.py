"""A sender that holds a TikTok account with its device, and a plan that is cleared for it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from channels.contract import Outcome, Verdict
from channels.http import Http, HttpPolicy
from channels.tiktok.adapter import Adapter
from channels.tiktok.codes import device_secret
from dispatcher.domain import canonical
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role, Roster
from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.sending.issuing import CODE_LIFE
from dispatcher.sending.order import Order
from dispatcher.sending.outlets import Outlet
from dispatcher.sending.permit import HandOff, Refusal
from dispatcher.sending.prepared import RENDERING_SCHEMA
from tests.builders import ACCOUNTS, Drafted, draft, revision, status
from tests.cast import NOW, signed
from tests.sending.kit import NEITHER, House, told

DEVICE = "device-1"
DEVICE_SECRET = device_secret(random.Random(4).randbytes)
ACCOUNT = replace(ACCOUNTS["tiktok"], settings={"device": DEVICE})
MINUTE = timedelta(minutes=1)


def drafted(**changes: Any) -> Drafted:
    """A plan for TikTok, with the renderings that its adapter makes, and for a webhook that could disavow it."""
    made = draft("tiktok", "webhook", **changes)
    written, (destination, webhook) = revision(), made.plan.destinations
    rendered = {kind: Adapter.render(written.content(kind, exercise=False), ACCOUNT) for kind in TextKind}
    bodies = {kind: canonical.encode(rendering.document()) for kind, rendering in rendered.items()}
    digests = {kind: canonical.digest(RENDERING_SCHEMA, body) for kind, body in bodies.items()}
    plan = replace(made.plan, destinations=(replace(destination, renderings=digests), webhook))
    return Drafted(plan, {**made.renderings, **{digests[kind]: body for kind, body in bodies.items()}})


class Office(House):
    """The house of the TikTok sender."""

    def __init__(self, folder: Path, *, roster: Roster | None = None, **changes: Any) -> None:
        super().__init__(folder, drafted(**changes), idempotency=NEITHER, roster=roster)
        self.hold(Adapter)

    def hold(self, adapter: type[Adapter]) -> Adapter:
        """Put an adapter of this class in the place of the account's."""
        http = Http(HttpPolicy(hosts=frozenset()))
        made = adapter(ACCOUNT, {f"device:{DEVICE}": DEVICE_SECRET}, http, self.clock)
        self._outlets[ACCOUNT.id] = Outlet(ACCOUNT, made, 2.0, NEITHER)
        return made

    def order(self, text: TextKind = TextKind.PUBLISH, **changes: Any) -> Order:
        """The delivery of one text."""
        return self.drafted.order("tiktok", text, **changes)

    async def fresh(self, *stops: Envelope) -> None:
        """Tell the sender of stops, and that there are no others now."""
        await told(self.sender, *stops, status=status(at=self.clock.now))

    async def hand_over(self, order: Order) -> None:
        """Send an order, which must be handed over."""
        await self.fresh()
        outcome = await self.deliver(order)
        assert isinstance(outcome, Outcome), outcome
        assert outcome.verdict is Verdict.HANDED_OVER

    async def issue(self, order: Order | None = None, envelope: Envelope | None = None, device: str = DEVICE) -> Any:
        """Issue; by default what was ordered, on an operator's fresh receipt."""
        wanted = order or self.order()
        return await self.sender.issue(self.bundle, wanted, device, envelope or opening(wanted, device=device))

    async def issued(self, order: Order | None = None) -> HandOff:
        """Issue what must be issued."""
        answer = await self.issue(order)
        assert isinstance(answer, HandOff), answer
        return answer

    async def not_issued(self, *args: Any, **more: Any) -> tuple[str, ...]:
        """Issue what must be refused: the clauses that failed."""
        answer = await self.issue(*args, **more)
        assert isinstance(answer, Refusal), answer
        return answer.clauses


def opening(
    order: Order,
    person: str = "operator-1",
    role: Role | None = None,
    *,
    ago: timedelta = MINUTE,
    device: str = DEVICE,
    kind: StatementKind = StatementKind.RECEIPT,
    **body: Any,
) -> Envelope:
    """An operator's signed wish to open a delivery on a device."""
    said = {"delivery": order.delivery, "step": "open", "device": device} | body
    return signed(kind, person, role, at=NOW - ago, expires=NOW + 5 * CODE_LIFE, **said)
