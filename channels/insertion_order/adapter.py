"""The insertion order adapter: what is bought goes to the agency by e-mail, and people sign that it was confirmed.

Rules
  1. ``send`` e-mails the order to the agency; ``correct`` and ``withdraw`` e-mail the stop order to the kill contact.
     What is signed is what is sent: addresses, cap, dates and texts are all in the rendering.
  2. A mail server that took it has handed it over. That the agency confirmed, or stopped, is in people's signed
     receipt and nowhere else: ``find`` and ``read_back`` do not know.
  3. Once the end of the data has left, a lost reply is in doubt (``channels.mail``), and only people may settle it:
     an order that comes twice may be bought twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from channels.capabilities import Capabilities, Idempotency, IdempotencyKind, TextLimit, Unit
from channels.contract import (
    PURCHASE,
    Account,
    Clock,
    Content,
    Finding,
    Found,
    Job,
    Note,
    Outcome,
    Probe,
    ReadBack,
    RenderError,
    Rendering,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Http
from channels.insertion_order import order, pdf
from channels.insertion_order.message import letter
from channels.mail import Mailer
from channels.smtp import Mail

_ONLY_PEOPLE_KNOW = "ordered from an agency: only people's signed receipt says what became of it"
_TO = {"agency": "agency_address", "kill contact": "kill_contact"}


class Adapter:
    """One media agency; see :class:`channels.contract.Channel` and :class:`channels.contract.HandedOver`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.NONE),
        can_correct=True,
        can_withdraw=True,
        can_read_back=False,
        text=TextLimit(order.ORDER_BYTES, Unit.BYTES),
        by_hand=True,
        acts_unconfirmed=True,
        max_in_flight=1,
        timeout_s=30.0,
        probe_every_s=900.0,  # a login each, which servers count
        source="reference: policy 0.4, 2; platforms 2; RFC 5321; figures ours",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Raises ValueError where a setting or the login is missing or unsound."""
        del clock
        if faults := order.term_faults(account.channel, order.terms(account)):
            raise ValueError(f"account {account.id}: {'; '.join(faults)}")
        self._mailer = Mailer(account, credential, http)

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """The order, or the stop order, in the account's languages. Raises RenderError naming every fault."""
        rendering = order.order(content, account)
        if faults := cls.problems(rendering):
            raise RenderError("; ".join(faults), rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Text that is not what the data says, unsound terms, too long, letters that the PDF cannot show."""
        return order.faults(rendering) or pdf.faults(rendering.parts[0].text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """E-mail the order to the agency."""
        del note
        return await self._mail(job, "agency")

    async def correct(self, job: Job, note: Note) -> Outcome:
        """E-mail the stop order to the kill contact."""
        del note
        return await self._mail(job, "kill contact")

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """E-mail the stop order to the kill contact."""
        del note
        return await self._mail(job, "kill contact")

    async def find(self, job: Job) -> Finding:
        """Unknown, always: what the agency has is known to the agency."""
        del job
        return Finding(Found.UNKNOWN, reason=f"{_ONLY_PEOPLE_KNOW}: ask the agency")

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Unknown, always."""
        del job, reference
        return ReadBack(Seen.UNKNOWN, reason=_ONLY_PEOPLE_KNOW)

    async def probe(self) -> Probe:
        """Log in and offer the sender's address, and hand nothing over."""
        return await self._mailer.probe(self.capabilities.timeout_s)

    @staticmethod
    def exercise_receipt(delivery: str) -> str:
        """What stands in for the agency's reference in an exercise."""
        return f"https://exercise.invalid/{delivery}"

    async def _mail(self, job: Job, who: str) -> Outcome:
        said = job.rendering.options
        if faults := self.problems(job.rendering):
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        if said[PURCHASE] is None:
            return Outcome(Verdict.REJECTED, reason="the order says nothing of what is bought", code="rendering")
        address = str(said[_TO[who]])
        made = await asyncio.to_thread(letter, job, address)
        outcome = await self._mailer.submit(
            Mail(str(said["from"]), address, made.data), str(said["number"]), job.timeout_s
        )
        if outcome.verdict is not Verdict.ACCEPTED:
            return outcome
        reason = f"e-mailed to the {who}, whose confirmation an operator signs"
        digests = f"SHA-256 of the PDF {made.pdf_sha256}, of the JSON {made.json_sha256}"
        return replace(outcome, verdict=Verdict.HANDED_OVER, reason=f"{reason}; {digests}")
