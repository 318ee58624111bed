"""The CAP feed: one alert file per delivery, and an index of them.

Rules
  1. The identifier comes from the delivery and the time from the release, so a repeat makes the same bytes and finds
     its file there: nothing is published twice.
  2. A correction is an Update and a withdrawal a Cancel. Both name every related alert in the folder (reference:
     cap 3.3), even one whose own sending was never confirmed.
  3. The references are settled when the file is first written; a repeat takes them from that file.
  4. ``deferred`` is said only while no file of this identifier stands in the folder.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from channels.cap_feed import rules, wire
from channels.cap_feed.folder import Folder, chain, unexpired
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
from channels.text import EXERCISE_LINE, texts_for

_ROOM = 100_000  # bytes that an alert and the index may need


class Adapter:
    """One CAP feed; see :class:`channels.contract.Channel`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=30 * 86_400.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        max_in_flight=1,
        timeout_s=10.0,
        source="CAP 1.2; reference: cap 3",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """A feed needs no credential and no network: both are there because every adapter is made alike.

        Raises ValueError where the account has no folder or no sender.
        """
        del credential, http
        self._clock = clock
        self._base_url = account.settings.get("public_base_url", "").rstrip("/")
        self._folder = Folder(Path(_setting(account, "folder")), _setting(account, "sender"), self._base_url)

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
        """Compare the file with the rendering, and see whether the index names it."""
        del reference
        return await asyncio.to_thread(self._read_back, job)

    async def probe(self) -> Probe:
        """Whether the folder is there, can be written, and has room."""
        return await asyncio.to_thread(self._probe)

    def _publish(self, job: Job) -> Outcome:
        faults = self.problems(job.rendering)
        if faults:
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        if job.rendering.kind is DeliveryKind.WITHDRAW and not job.original:
            return Outcome(Verdict.REJECTED, reason="no published alert is named: there is nothing to cancel")
        try:
            with self._folder.locked(job.timeout_s):
                return self._write(job)
        except OSError as error:
            return Outcome(
                Verdict.DEFERRED, reason=f"the feed folder cannot be used: {_why(error)}", code=_why(error)
            )

    def _write(self, job: Job) -> Outcome:
        name = wire.identifier(job.delivery)
        try:
            alerts = self._folder.alerts()
            if any(alert.status != wire.word(job.rendering.options, "status") for alert in alerts):
                return Outcome(Verdict.REJECTED, reason=_MIXED, code="mixed_feed")
            present, data = self._folder.get(name), self._bytes(job, alerts)
            if present not in (None, data):
                return Outcome(Verdict.REJECTED, reason=_OTHER_BYTES, code="conflict")
            if present is None:
                self._folder.put(name, data)
            self._folder.rebuild(self._clock())
        except OSError as error:
            return self._failed(name, error)
        return Outcome(Verdict.ACCEPTED, reference=self._reference(job), url=self._url(name))

    def _failed(self, name: str, error: OSError) -> Outcome:
        try:
            absent = self._folder.get(name) is None
        except OSError:
            absent = False
        if absent:
            return Outcome(Verdict.DEFERRED, reason=f"nothing was published: {_why(error)}", code=_why(error))
        return Outcome(Verdict.IN_DOUBT, reason=f"written, perhaps not listed: {_why(error)}", code=_why(error))

    def _find(self, job: Job) -> Finding:
        name = wire.identifier(job.delivery)
        try:
            with self._folder.locked(job.timeout_s):
                present = self._folder.get(name)
                if present is None:
                    return Finding(Found.ABSENT)
                if present != self._bytes(job, self._folder.alerts()):
                    return Finding(Found.UNKNOWN, reason=_OTHER_BYTES)
                self._folder.rebuild(self._clock())
        except OSError as error:
            return Finding(Found.UNKNOWN, reason=f"the feed folder cannot be used: {_why(error)}")
        return Finding(Found.FOUND, reference=self._reference(job), url=self._url(name))

    def _read_back(self, job: Job) -> ReadBack:
        name = wire.identifier(job.delivery)
        try:
            data, alerts, listed = self._folder.get(name), self._folder.alerts(), self._folder.lists(name)
        except OSError as error:
            return ReadBack(Seen.UNKNOWN, reason=f"the feed folder cannot be used: {_why(error)}")
        if data is None:
            return ReadBack(Seen.MISSING, reason="the alert's file is gone from the folder")
        ours = next((alert for alert in alerts if alert.identifier == name), None)
        text = "\n\n".join(map(wire.text_of, ours.infos)) if ours else None
        if data != self._bytes(job, alerts):
            return ReadBack(Seen.ALTERED, text=text, reason="the alert's file differs from what was signed")
        if not listed and ours in unexpired(alerts, self._clock()):
            return ReadBack(Seen.MISSING, text=text, reason="the alert's file is there, but no index lists it")
        return ReadBack(Seen.VISIBLE, text=text)

    def _probe(self) -> Probe:
        path = self._folder.path
        if fault := rules.sender_fault(self._folder.title):
            return Probe(ok=False, detail=fault)
        try:
            with tempfile.TemporaryFile(dir=path) as file:
                file.write(bytes(_ROOM))
        except OSError as error:
            return Probe(ok=False, detail=f"the feed folder {path} cannot be written: {_why(error)}")
        return Probe(ok=True, detail=f"the feed folder {path} can be written")

    def _bytes(self, job: Job, alerts: list[wire.Read]) -> bytes:
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

    def _url(self, name: str) -> str | None:
        return f"{self._base_url}/{self._folder.file(name).name}" if self._base_url else None


_MIXED = "this folder holds alerts of the other mode: live and exercise alerts never share a feed"
_OTHER_BYTES = (
    "a file of this identifier is there with other bytes: an identifier is never used again, look at the file"
)


def _setting(account: Account, key: str) -> str:
    value = account.settings.get(key, "")
    if not value:
        raise ValueError(f"account {account.id}: the setting {key} is missing")
    return value


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


def _why(error: OSError) -> str:
    return error.strerror or str(error)
