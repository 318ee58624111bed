"""The Notify adapter: one text message per recipient, looked up by reference when an answer was lost.

Rules (reference: emergency-alerts 4)
  1. One attempt is one POST, and a repeat would be a second text message. So a lost answer and a 5xx are in doubt,
     and only the list of messages under our reference settles them.
  2. The recipient's number goes into the request's body and nowhere else.
  3. Notify cannot take a message back: a correction is a new message, and a withdrawal is refused.
"""

from __future__ import annotations

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
from channels.text import EXERCISE_LINE, NOTIFY_SMS_CHARACTERS, texts_for

_PROBE_TEXT = "Probe"


class Adapter:
    """One Notify service; see :class:`channels.contract.Channel`."""

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
        options: dict[str, Json] = {"template_id": account.settings.get("template_id", "")}
        if account.settings.get("sms_sender_id"):
            options["sms_sender_id"] = account.settings["sms_sender_id"]
        options["exercise"] = content.exercise
        parts = tuple(Part(text.language, wire.message(text, content)) for text in texts_for(content, account))
        rendering = Rendering(account.channel, account.id, content.kind, parts, options)
        faults = cls.problems(rendering)
        if faults:
            raise RenderError("; ".join(faults))
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Ids that are none, and per language: too long, letters or spaces that Notify would change, no mark."""
        faults = wire.option_faults(rendering)
        exercise = rendering.options.get("exercise") is True
        for part in rendering.parts:
            faults += [f"{part.language}: {fault}" for fault in wire.text_faults(part.text)]
            if part.text.startswith(EXERCISE_LINE) is not exercise:
                faults.append(f"{part.language}: an exercise, and nothing else, begins with {EXERCISE_LINE}")
        return faults if rendering.parts else [*faults, "there is no text"]

    async def send(self, job: Job, note: Note) -> Outcome:
        """Send one text message; its reference is Notify's id."""
        del note
        text = wire.part_for(job)
        if job.recipient is None or text is None:
            reason = "no recipient is given" if text is not None else f"there is no text in {job.language}"
            return Outcome(Verdict.REJECTED, reason=reason, code="recipient")
        faults = self.problems(job.rendering)
        if faults:
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        try:
            body = wire.payload(job, text, job.recipient)
            answer = await self._call("POST", "/v2/notifications/sms", job.timeout_s, json=body)
        except TransportError as error:
            return error.outcome()
        return wire.outcome(answer, text, job.recipient, self._clock())

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Send the correction as a new text message: the first one stays on the recipient's phone."""
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Refused: a text message cannot be taken back."""
        del job, note
        reason = "a text message cannot be taken back: send a correction to the same recipients"
        return Outcome(Verdict.REJECTED, reason=reason, code="unsupported")

    async def find(self, job: Job) -> Finding:
        """List the messages under this delivery's reference."""
        params = {"reference": job.delivery, "template_type": "sms"}
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
        return wire.read_back(answer, wire.part_for(job))

    async def probe(self) -> Probe:
        """Have Notify preview the template: checks key, clock and template, and sends nothing."""
        path = f"/v2/template/{self._template}/preview"
        body: dict[str, Json] = {"personalisation": {"message": _PROBE_TEXT}}
        try:
            answer = await self._call("POST", path, self.capabilities.timeout_s, json=body)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        return wire.previewed(answer, _PROBE_TEXT)

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
