"""The webhook adapter: one event per delivery, repeated under one id until the endpoint takes it.

Rules (reference: platforms 10)
  1. A repeat is harmless, because the receiver knows the event by its id: a lost answer, or a 5xx that proves
     nothing, is in doubt and settled by sending again.
  2. A redirect is a refusal. 410 means that the endpoint is closed.
  3. A correction and a withdrawal are events of their own; what they do is in the receiver's hands.
  4. Only the rendering decides what is said. The adapter adds the ids and the times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from channels.capabilities import Capabilities, Idempotency, IdempotencyKind
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
from channels.http import Http, TransportError
from channels.text import EXERCISE_LINE, check_text, texts_for
from channels.webhook import wire


class Adapter:
    """One partner's endpoint; see :class:`channels.contract.Channel`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=86_400.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=False,
        timeout_s=15.0,
        source="Standard Webhooks 1.0; reference: platforms 10",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Raises ValueError where the account has no ``base_url`` or the credential no sound ``secret``."""
        self._url = account.settings.get("base_url", "")
        if not self._url:
            raise ValueError(f"account {account.id}: the setting base_url, the endpoint's address, is missing")
        self._key = wire.key(credential.get("secret", Secret("")))
        self._http = http
        self._clock = clock

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """Every language of the account as text and as data. Raises RenderError where one is missing."""
        data = wire.data(content, texts_for(content, account))
        options: dict[str, Json] = {"type": wire.TYPES[content.kind], "data": data}
        rendering = Rendering(account.channel, account.id, content.kind, wire.parts(data), options)
        faults = cls.problems(rendering)
        if faults:
            raise RenderError("; ".join(faults), rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """A missing or empty text, a type that does not fit the kind, texts that differ from the parts."""
        data, faults = rendering.options.get("data"), []
        try:
            told = wire.parts(data)
        except ValueError as error:
            return [str(error)]
        if told != rendering.parts:
            faults.append("the texts in the data differ from the rendering's parts")
        if not told or any(not part.text.strip() for part in told):
            faults.append("a text is missing or empty")
        if rendering.options.get("type") != wire.TYPES[rendering.kind]:
            faults.append(f"the event type of a {rendering.kind} must be {wire.TYPES[rendering.kind]}")
        faults += [f"{part.language}: {fault}" for part in told for fault in check_text(part.text)]
        exercise = isinstance(data, dict) and data.get("exercise") is True
        if any(part.text.startswith(EXERCISE_LINE) is not exercise for part in told):
            faults.append(f"an exercise, and nothing else, begins every text with {EXERCISE_LINE}")
        return faults

    async def send(self, job: Job, note: Note) -> Outcome:
        """Post the event; its reference is the ``webhook-id``."""
        del note
        faults = self.problems(job.rendering)
        if faults:
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        name, body = wire.event_id(job.delivery), wire.body(job)
        headers = wire.headers(self._key, name, self._clock(), body)
        try:
            answer = await self._http.request("POST", self._url, headers=headers, data=body, timeout_s=job.timeout_s)
        except TransportError as error:
            return error.outcome()
        return wire.outcome(answer, name, self._clock())

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Post ``alert.corrected``, naming the event that it corrects."""
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Post ``alert.withdrawn``, naming the event that it withdraws."""
        return await self.send(job, note)

    async def find(self, job: Job) -> Finding:
        """A receiver has no record that we can read: unknown, and a repeat is harmless."""
        del job
        return Finding(Found.UNKNOWN, reason="a webhook's receiver shows no record: send the same event again")

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """What the receiver made of the event is not ours to see."""
        del job, reference
        return ReadBack(Seen.UNKNOWN, reason="a webhook's receiver shows no record")

    async def probe(self) -> Probe:
        """Ask for the endpoint's head, without an event: any answer but 410 and 5xx shows that it is reached."""
        try:
            answer = await self._http.request("HEAD", self._url, timeout_s=self.capabilities.timeout_s)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        ok = answer.status < 500 and answer.status != 410
        return Probe(ok, f"the endpoint answered {answer.status} to a request without an event")
