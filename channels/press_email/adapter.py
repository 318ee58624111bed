"""The press list adapter: one e-mail per recipient, handed to a submission server.

Rules
  1. One attempt hands over at most one message. Once the end of its data has left, only the server's reply says what
     became of it: a lost one is in doubt, and SMTP has no record that could be read (idempotency: none).
  2. The recipient's address goes into the envelope and the header ``To``, and nowhere else. Every address gets a
     message of its own: nobody sees who else is on the list.
  3. An e-mail cannot be taken back: a correction is a new one, in reply to the first, and a withdrawal is refused.
  4. Accepted means that the submission server took it. What it cannot deliver comes back to the address in ``from``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import ClassVar

from channels.capabilities import Address, Capabilities, Idempotency, IdempotencyKind, Rate, TextLimit, Unit
from channels.contract import (
    Account,
    Clock,
    Content,
    Finding,
    Found,
    Job,
    Json,
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
from channels.mail import Mailer, message_id
from channels.press_email import wire
from channels.smtp import Mail
from channels.text import EMAIL_BYTES, email_faults, emails, mailbox_fault, part_for


class Adapter:
    """One login at a submission server; see :class:`channels.contract.Channel`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.NONE),
        can_correct=True,
        can_withdraw=False,
        can_read_back=False,
        text=TextLimit(EMAIL_BYTES, Unit.BYTES),
        recipients=Address.EMAIL,
        timeout_s=30.0,
        rate=Rate(300, 60.0, burst=30),  # ours: every provider has its own; a deployment says sends_per_minute
        probe_every_s=900.0,  # a login each, which servers count
        source="RFC 5321, 6409, 4954, 8314; rate and wait ours",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Raises ValueError where the server's address, ``from`` or the login is missing or unsound."""
        del clock
        self._mailer = Mailer(account, credential, http)

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One e-mail per language of the account. Raises RenderError where one cannot be sent as written."""
        parts, subjects = emails(content, account)
        options: dict[str, Json] = {
            "exercise": content.exercise,
            "from": account.settings.get("from", ""),
            "from_name": unicodedata.normalize("NFC", content.sent_by),
            "subjects": subjects,
        }
        if account.settings.get("reply_to"):
            options["reply_to"] = account.settings["reply_to"]
        rendering = Rendering(account.channel, account.id, content.kind, parts, options)
        faults = cls.problems(rendering)
        if faults:
            raise RenderError("; ".join(faults), rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Addresses and names that are none, and per language: no subject, too long, an invisible letter, no mark."""
        return wire.option_faults(rendering) + email_faults(rendering)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Hand one e-mail over; its reference is its ``Message-ID``."""
        del note
        part, address = part_for(job), job.recipient.reveal() if job.recipient else ""
        if part is None:
            return Outcome(Verdict.REJECTED, reason=f"there is no text in {job.language}", code="recipient")
        if fault := mailbox_fault(address):
            return Outcome(Verdict.REJECTED, reason=fault, code="recipient")
        if faults := self.problems(job.rendering):
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        mail = Mail(str(job.rendering.options["from"]), address, wire.message(job, part, address))
        return await self._mailer.submit(mail, _message_id(job), job.timeout_s)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Send the correction as a new e-mail, in reply to the first, which stays with the recipient."""
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Refused: an e-mail cannot be taken back."""
        del job, note
        reason = "an e-mail cannot be taken back: send a correction to the same recipients"
        return Outcome(Verdict.REJECTED, reason=reason, code="unsupported")

    async def find(self, job: Job) -> Finding:
        """SMTP has no record that could be read: unknown, for people to settle."""
        name = _message_id(job)
        return Finding(Found.UNKNOWN, reason=f"SMTP has no record to read: look for {name} in the server's own log")

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """What a newsroom has in its mailbox is not ours to see."""
        del job, reference
        return ReadBack(Seen.UNKNOWN, reason="what is in a recipient's mailbox cannot be read back")

    async def probe(self) -> Probe:
        """Log in and offer the sender's address, and hand nothing over."""
        return await self._mailer.probe(self.capabilities.timeout_s)


def _message_id(job: Job) -> str:
    return message_id(job.delivery, str(job.rendering.options["from"]))
