"""The Notify adapters, of text messages and of e-mail: one message per recipient, looked up when an answer was lost.

Rules (reference: emergency-alerts 4)
  1. One attempt is one POST, and a repeat would be a second message. So a lost answer and a 5xx are in doubt, and
     only the list of messages under our reference settles them.
  2. The recipient's number or address goes into the request's body and nowhere else.
  3. Notify cannot take a message back: a correction is a new message, and a withdrawal is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
    Part,
    Probe,
    ReadBack,
    RenderError,
    Rendering,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Answer, Http, TransportError
from channels.notify import wire
from channels.text import EMAIL_BYTES, NOTIFY_SMS_CHARACTERS, email_faults, emails, part_for, texts_for

_PROBE_TEXT = "Probe"


class Adapter:
    """Text messages of one Notify service; see :class:`channels.contract.Channel`."""

    notification: ClassVar[wire.Notification] = wire.SMS
    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=5.0),
        can_correct=True,
        can_withdraw=False,
        can_read_back=True,
        text=TextLimit(NOTIFY_SMS_CHARACTERS, Unit.CHARACTERS),
        recipients=Address.PHONE,
        max_in_flight=64,
        timeout_s=15.0,
        rate=Rate(3000, 60.0, burst=1000, daily=250_000),  # Notify's own token bucket, per service and kind of key
        hosts=(wire.HOST,),
        source="GOV.UK Notify REST API; reference: emergency-alerts 4",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Raises ValueError where the credential holds no sound ``api_key``."""
        self._base_url = account.settings.get("base_url", f"https://{wire.HOST}").rstrip("/")
        self._template = account.settings.get("template_id", "")
        self._key = wire.ApiKey.parse(credential.get("api_key", Secret("")))
        self._http = http
        self._clock = clock

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One text message per language of the account. Raises RenderError where one cannot be sent as written."""
        parts = tuple(Part(text.language, wire.message(text, content)) for text in texts_for(content, account))
        return cls._sound(content, account, parts)

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Ids that are none, and per language: too long, letters or spaces that Notify would change, no mark."""
        return wire.option_faults(rendering, cls.notification) + wire.sms_faults(rendering)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Send one message; its reference is Notify's id."""
        del note
        part = part_for(job)
        if job.recipient is None or part is None:
            reason = "no recipient is given" if part is not None else f"there is no text in {job.language}"
            return Outcome(Verdict.REJECTED, reason=reason, code="recipient")
        faults = self.problems(job.rendering)
        if faults:
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        try:
            body = wire.payload(job, part, job.recipient, self.notification)
            answer = await self._call("POST", f"/v2/notifications/{self.notification.type}", job.timeout_s, json=body)
        except TransportError as error:
            return error.outcome()
        return wire.outcome(answer, part.text, job.recipient, self._clock())

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Send the correction as a new message: the first one stays with the recipient."""
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Refused: neither a text message nor an e-mail can be taken back."""
        del job, note
        reason = f"{self.notification.named} cannot be taken back: send a correction to the same recipients"
        return Outcome(Verdict.REJECTED, reason=reason, code="unsupported")

    async def find(self, job: Job) -> Finding:
        """List the messages under this delivery's reference."""
        params = {"reference": job.delivery, "template_type": self.notification.type}
        try:
            return wire.finding(await self._call("GET", "/v2/notifications", job.timeout_s, params=params))
        except TransportError as error:
            return Finding(Found.UNKNOWN, reason=str(error))

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one message's record by Notify's id."""
        try:
            answer = await self._call("GET", f"/v2/notifications/{reference}", job.timeout_s)
        except TransportError as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        part = part_for(job)
        return wire.read_back(answer, part.text if part else None)

    async def probe(self) -> Probe:
        """Have Notify preview the template: checks key, clock and template, and sends nothing."""
        path = f"/v2/template/{self._template}/preview"
        body: dict[str, Json] = {"personalisation": dict.fromkeys(self.notification.placeholders, _PROBE_TEXT)}
        try:
            answer = await self._call("POST", path, self.capabilities.timeout_s, json=body)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        return wire.previewed(answer, _PROBE_TEXT, self.notification)

    @classmethod
    def _sound(cls, content: Content, account: Account, parts: tuple[Part, ...], **more: Json) -> Rendering:
        template = account.settings.get("template_id", "")
        options: dict[str, Json] = {"template_id": template, "exercise": content.exercise, **more}
        if sender := account.settings.get(cls.notification.sender):
            options[cls.notification.sender] = sender
        rendering = Rendering(account.channel, account.id, content.kind, parts, options)
        if faults := cls.problems(rendering):
            raise RenderError("; ".join(faults), rendering)
        return rendering

    async def _call(
        self,
        method: str,
        path: str,
        timeout_s: float,
        *,
        json: dict[str, Json] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        headers = self._key.headers(self._clock())
        url = f"{self._base_url}{path}"
        return await self._http.request(method, url, headers=headers, json=json, params=params, timeout_s=timeout_s)


class EmailAdapter(Adapter):
    """E-mail of one Notify service: the same calls, with a subject, and Markdown instead of letters to heed."""

    notification: ClassVar[wire.Notification] = wire.EMAIL
    capabilities: ClassVar[Capabilities] = replace(
        Adapter.capabilities, text=TextLimit(EMAIL_BYTES, Unit.BYTES), recipients=Address.EMAIL
    )

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One e-mail per language of the account. Raises RenderError where one cannot be sent as written."""
        parts, subjects = emails(content, account)
        return cls._sound(content, account, parts, subjects=subjects)

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Ids that are none, and per language: no subject, too long, invisible letters, Markdown, no mark."""
        faults = wire.option_faults(rendering, cls.notification) + email_faults(rendering)
        return faults + wire.markdown_faults(rendering)
