"""The CAP feed: one signed alert file per delivery, and a signed index of them.

Rules
  1. The identifier comes from the delivery and the time from the release, so a repeat makes the same bytes and finds
     its file there: nothing is published twice. A file that stands there with our signature is never touched again,
     whatever became of key or clock since.
  2. A correction is an Update and a withdrawal a Cancel. Both name every related alert in the folder (reference:
     cap 3.3), even one whose own sending was never confirmed.
  3. The references are settled when the file is first written; a repeat takes them from that file.
  4. ``deferred`` is said only while no file of this identifier stands in the folder.
  5. An Actual alert is signed or is not published; only an exercise may go without, where the account has no key.
  6. Where the folder is served at a known address, what the public gets is fetched from there and compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import ClassVar

from channels.cap_feed import rules, wire
from channels.cap_feed.folder import INDEX, Folder, chain, file_of, listed, shown
from channels.cap_feed.signing import LEAST_LEFT, SignatureFault, signer_of
from channels.capabilities import Capabilities, Idempotency, IdempotencyKind
from channels.contract import (
    Account,
    Clock,
    Content,
    DeliveryKind,
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
from channels.http import Http
from channels.served import Served, setting, unusable, why
from channels.text import EXERCISE_LINE, texts_for


class Adapter:
    """One CAP feed; see :class:`channels.contract.Channel`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=30 * 86_400.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        withdraws_in_words=True,
        max_in_flight=1,
        timeout_s=10.0,
        source="CAP 1.2; reference: cap 3",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Load the key, once. Raises ValueError without a folder or a sender, or where a key is not whole."""
        self._clock, self._http = clock, http
        self._signer = signer_of(credential)
        self._refuses = ""
        self._served = Served.of(account)
        self._folder = Folder(self._served, setting(account, "sender"))

    def serve(self, *, exercise: bool) -> str:
        """Why this key cannot be started with for a mode; see :class:`channels.modes.OfOneMode`."""
        self._refuses = self._key_fault(exercise=exercise)
        if self._signer and not self._refuses and self._signer.ends - self._clock() < LEAST_LEFT:
            self._refuses = (
                f"the certificate ends at {self._signer.ends:%Y-%m-%d %H:%M} UTC: a feed does not start with less "
                "than 24 hours left; rotate the account to a new one"
            )
        return self._refuses

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One info per language of the account. Raises RenderError naming every fault."""
        infos = [wire.info(text, exercise=content.exercise) for text in texts_for(content, account)]
        rendering = Rendering(
            channel=account.channel,
            account=account.id,
            kind=content.kind,
            parts=tuple(Part(tag, wire.text_of(info)) for tag, info in zip(account.languages, infos, strict=True)),
            options=_options(content, account, [asdict(info) for info in infos]),
        )
        faults = cls.problems(rendering)
        if faults:
            raise RenderError("; ".join(faults), rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What CAP or its readers would refuse."""
        return rules.faults(rendering)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Write the alert and list it; the reference is ``sender,identifier,sent``."""
        del note
        return await asyncio.to_thread(self._publish, job)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Publish an Update of ``job.original``; without an original it becomes an Alert of its own."""
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Publish a Cancel of ``job.original``."""
        return await self.send(job, note)

    async def find(self, job: Job) -> Finding:
        """Look for the alert's file; where it stands, list it if a crash left it unlisted."""
        return await asyncio.to_thread(self._find, job)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Compare the file with what was signed, see whether the index names it; then the same of what is served."""
        del reference
        seen, data, expected = await asyncio.to_thread(self._read_back, job)
        if seen.seen is not Seen.VISIBLE or not self._served.base_url:
            return seen
        name = wire.identifier(job.delivery)
        fetched = await self._served.fetched(self._http, {file_of(name): data}, job.timeout_s / 2)
        if fetched.seen is Seen.VISIBLE and expected:
            fetched = await self._served.names(
                self._http, INDEX, lambda index: name in listed(index), job.timeout_s / 2
            )
        return replace(fetched, text=seen.text)

    async def probe(self) -> Probe:
        """Whether the key can sign, and the folder is there, can be written, and has room; and when the key ends."""
        return await asyncio.to_thread(self._probe)

    def _publish(self, job: Job) -> Outcome:
        faults = self.problems(job.rendering)
        if faults:
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        if job.rendering.kind is DeliveryKind.WITHDRAW and not job.original:
            return Outcome(Verdict.REJECTED, reason="no published alert is named: there is nothing to cancel")
        try:
            with self._served.locked(job.timeout_s):
                return self._write(job)
        except OSError as error:
            return Outcome(Verdict.DEFERRED, reason=unusable(error), code=why(error))

    def _write(self, job: Job) -> Outcome:
        name = wire.identifier(job.delivery)
        try:
            alerts = self._folder.alerts()
            if any(alert.status != wire.word(job.rendering.options, "status") for alert in alerts):
                return Outcome(Verdict.REJECTED, reason=_MIXED, code="mixed_feed")
            present, document = self._folder.get(name), self._document(job, alerts)
            if present is None:
                if fault := self._refuses or self._key_fault(exercise=_is_exercise(job)):
                    return Outcome(Verdict.REJECTED, reason=fault, code="signature")
                self._folder.put(name, self._sign(document))
            elif fault := self._standing_fault(present, document, job):
                return Outcome(Verdict.REJECTED, reason=f"{_OTHER_BYTES}: {fault}", code="conflict")
            self._folder.rebuild(self._clock(), self._sign)
        except SignatureFault as error:
            return Outcome(Verdict.REJECTED, reason=str(error), code="signature")
        except OSError as error:
            return self._served.broken(file_of(name), error, "written, perhaps not listed")
        return Outcome(Verdict.ACCEPTED, reference=self._reference(job), url=self._served.url(file_of(name)))

    def _find(self, job: Job) -> Finding:
        name = wire.identifier(job.delivery)
        try:
            with self._served.locked(job.timeout_s):
                present = self._folder.get(name)
                if present is None:
                    return Finding(Found.ABSENT)
                if fault := self._standing_fault(present, self._document(job, self._folder.alerts()), job):
                    return Finding(Found.UNKNOWN, reason=f"{_OTHER_BYTES}: {fault}")
                self._folder.rebuild(self._clock(), self._sign)
        except SignatureFault as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        except OSError as error:
            return Finding(Found.UNKNOWN, reason=unusable(error))
        return Finding(Found.FOUND, reference=self._reference(job), url=self._served.url(file_of(name)))

    def _read_back(self, job: Job) -> tuple[ReadBack, bytes, bool]:
        """What is seen in the folder, the file's bytes, and whether the index should name it."""
        name = wire.identifier(job.delivery)
        try:
            data, alerts, is_listed = self._folder.get(name), self._folder.alerts(), self._folder.lists(name)
        except OSError as error:
            return ReadBack(Seen.UNKNOWN, reason=unusable(error)), b"", False
        if data is None:
            return ReadBack(Seen.MISSING, reason="the alert's file is gone from the folder"), b"", False
        ours = next((alert for alert in alerts if alert.identifier == name), None)
        text, expected = _text_of(ours), ours in shown(alerts, self._clock())
        if fault := self._standing_fault(data, self._document(job, alerts), job):
            reason = f"the alert's file differs from what was signed: {fault}"
            return ReadBack(Seen.ALTERED, text=text, reason=reason), data, expected
        if expected and not is_listed:
            reason = "the alert's file is there, but no index lists it"
            return ReadBack(Seen.MISSING, text=text, reason=reason), data, expected
        return ReadBack(Seen.VISIBLE, text=text), data, expected

    def _probe(self) -> Probe:
        if fault := rules.sender_fault(self._folder.title):
            return Probe(ok=False, detail=fault)
        folder = self._served.probe()
        if self._signer is None:
            return replace(folder, ok=folder.ok and not self._refuses, detail=self._refuses or folder.detail)
        fault = self._refuses or self._key_fault(exercise=self._signer.is_exercise)
        return replace(
            folder, ok=folder.ok and not fault, detail=fault or folder.detail, expires_at=self._signer.ends
        )

    def _key_fault(self, *, exercise: bool) -> str:
        """Why nothing can be signed for a mode now; "" where it can, or need not be."""
        if self._signer is None:
            return "" if exercise else _UNSIGNED
        return self._signer.fault(self._clock(), exercise=exercise)

    def _sign(self, document: bytes) -> bytes:
        return self._signer.signed(document) if self._signer else document

    def _standing_fault(self, present: bytes, document: bytes, job: Job) -> str:
        """Why a file is not what this job publishes; "" where it is, also under a key that was replaced since."""
        if present == document and (self._signer is None or _is_exercise(job)):
            return ""
        if self._signer is None:
            return "it has other bytes"
        try:
            self._signer.check(present, document)
        except SignatureFault as error:
            return str(error)
        return ""

    def _document(self, job: Job, alerts: list[wire.Read]) -> bytes:
        """The alert's bytes before they are signed."""
        name = wire.identifier(job.delivery)
        return wire.build(job.rendering, name, job.intended_at, self._references(job, alerts))

    def _references(self, job: Job, alerts: list[wire.Read]) -> tuple[str, ...]:
        if not job.original or job.rendering.kind is DeliveryKind.PUBLISH:
            return ()
        settled = next((alert for alert in alerts if alert.identifier == wire.identifier(job.delivery)), None)
        if settled is not None and job.original in settled.references:
            return settled.references
        before = wire.cap_time(job.intended_at)
        earlier = [alert for alert in chain(alerts, job.original) if wire.cap_time(alert.sent) < before]
        named = [name for alert in earlier for name in (*alert.references, alert.triple)]
        return tuple(dict.fromkeys([*named, job.original]))

    def _reference(self, job: Job) -> str:
        return wire.triple(self._folder.title, wire.identifier(job.delivery), job.intended_at)


_MIXED = "this folder holds alerts of the other mode: live and exercise alerts never share a feed"
_OTHER_BYTES = (
    "a file of this identifier is there with other bytes: an identifier is never used again, look at the file"
)
_UNSIGNED = (
    "the account has no signing key: a live alert is signed or not published; "
    "rotate it with --secret-file signing_key=FILE --secret-file certificate=FILE"
)


def _is_exercise(job: Job) -> bool:
    return job.rendering.options.get("status") == "Exercise"


def _text_of(alert: wire.Read | None) -> str | None:
    return "\n\n".join(map(wire.text_of, alert.infos)) if alert else None


def _options(content: Content, account: Account, infos: list[Json]) -> dict[str, Json]:
    codes: dict[str, Json] = {code: content.cap.get(code, "") for code in wire.CODES}
    return codes | {
        "sender": account.settings.get("sender", ""),
        "sender_name": content.sent_by,
        "status": "Exercise" if content.exercise else "Actual",
        "note": f"{EXERCISE_LINE}. This alert is part of an exercise." if content.exercise else "",
        "category": list[Json](content.cap.get("category", "").split()),
        "expires": wire.cap_time(content.valid_until),
        "web": content.link or "",
        "area": list(content.area),
        "polygons": list(content.polygons),
        "circles": list(content.circles),
        "infos": infos,
    }
