"""The public pages of one account: a page per incident and language, and an index.

Rules
  1. What a delivery says is kept once, in a record named by it; pages and index are made from the records. A repeat
     finds its record and makes the same pages, so nothing is published twice.
  2. A correction, an all-clear and a withdrawal change the message in its place: its reference and address stay.
  3. A correction of nothing is a message of its own; a withdrawal of nothing is refused.
  4. ``deferred`` is said only while no record of this delivery stands in the folder.
  5. Where the folder is served at a known address, what the public gets is fetched from there and compared.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

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
    LanguageText,
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
from channels.public_page import pages
from channels.public_page.record import (
    FOLDER,
    INDEX,
    NotARecord,
    Record,
    Standing,
    main_tag,
    record_of,
    text_of,
    texts,
    word,
    words,
    written,
)
from channels.served import Served, unusable, why
from channels.text import EXERCISE_LINE, check_text, texts_for

_STANDING = {
    DeliveryKind.PUBLISH: Standing.IN_FORCE,
    DeliveryKind.CORRECT: Standing.CORRECTED,
    DeliveryKind.WITHDRAW: Standing.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class _Stands:
    """What stands in the folder for a job: how it is seen, its page's files, and whether the index should link it."""

    seen: ReadBack
    files: Mapping[str, bytes]
    expected: bool = False


class Adapter:
    """Pages in one folder; see :class:`channels.contract.Channel`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=30 * 86_400.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        withdraws_in_words=True,
        edits=True,
        max_in_flight=1,
        timeout_s=10.0,
        source="our own pages; WCAG 2.2 AA",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Pages need no credential. Raises ValueError where the account has no folder."""
        del credential
        self._clock, self._http = clock, http
        self._served = Served.of(account)
        self._first = main_tag(account.languages[0]) if account.languages else pages.languages()[0]

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One text per language of the account. Raises RenderError naming every fault."""
        shown = [_shown(text, exercise=content.exercise) for text in texts_for(content, account)]
        standing = Standing.ALL_CLEAR if content.all_clear else _STANDING[content.kind]
        options: dict[str, Json] = {
            "texts": [asdict(text) for text in shown],
            "standing": str(standing),
            "thread": content.thread,
            "exercise": content.exercise,
            "valid_until": written(content.valid_until),
            "sent_by": content.sent_by,
            "link": content.link or "",
            "area": list(content.area),
        }
        parts = tuple(Part(text.language, text_of(text)) for text in shown)
        rendering = Rendering(account.channel, account.id, content.kind, parts, options)
        if faults := cls.problems(rendering):
            raise RenderError("; ".join(faults), rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What cannot become a page."""
        try:
            return _faults(rendering)
        except ValueError as error:
            return [str(error)]

    async def send(self, job: Job, note: Note) -> Outcome:
        """Keep the record, then make its page and the index; the reference is ``page#message``."""
        del note
        return await asyncio.to_thread(self._publish, job)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Put the text in the place of ``job.original``, and what was said before below it."""
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Say on the page that ``job.original`` is withdrawn; it is not shown again."""
        if not job.original:
            reason = "no published message is named: there is nothing to withdraw"
            return Outcome(Verdict.REJECTED, reason=reason, code="no_original")
        return await self.send(job, note)

    async def find(self, job: Job) -> Finding:
        """Look for the record; where it stands, make its pages if a crash left them unmade."""
        return await asyncio.to_thread(self._find, job)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Compare the pages with what the records make of them; then the same of what is served."""
        del reference
        stands = await asyncio.to_thread(self._stands, job)
        if stands.seen.seen is not Seen.VISIBLE or not self._served.base_url:
            return stands.seen
        wait_s = job.timeout_s / (len(stands.files) + 1)
        fetched = await self._served.fetched(self._http, stands.files, wait_s)
        if fetched.seen is Seen.ALTERED and (await asyncio.to_thread(self._stands, job)).files != stands.files:
            return ReadBack(Seen.UNKNOWN, reason="the page changed while it was fetched")
        if fetched.seen is Seen.VISIBLE and stands.expected:
            page = record_of(job).page
            fetched = await self._served.names(
                self._http, _index_of(job), lambda index: pages.links(index, page), wait_s
            )
        return replace(fetched, text=stands.seen.text)

    async def probe(self) -> Probe:
        """Whether the folder is there, can be written, and has room."""
        return await asyncio.to_thread(self._served.probe)

    def _publish(self, job: Job) -> Outcome:
        if faults := self.problems(job.rendering):
            return Outcome(Verdict.REJECTED, reason="; ".join(faults), code="rendering")
        try:
            with self._served.locked(job.timeout_s):
                return self._write(record_of(job))
        except OSError as error:
            return Outcome(Verdict.DEFERRED, reason=unusable(error), code=why(error))

    def _write(self, record: Record) -> Outcome:
        file = f"{FOLDER}/{record.name}.json"
        try:
            records = self._records()
            if any(one.exercise is not record.exercise for one in records):
                return Outcome(Verdict.REJECTED, reason=_MIXED, code="mixed_mode")
            present = self._served.get(file)
            if present not in (None, record.encoded()):
                return Outcome(Verdict.REJECTED, reason=_OTHER, code="conflict")
            if present is None:
                (self._served.path / FOLDER).mkdir(exist_ok=True)
                self._served.put(file, record.encoded())
            self._make(record)
        except OSError as error:
            return self._served.broken(file, error, "kept, perhaps not on its page")
        return Outcome(Verdict.ACCEPTED, reference=record.reference, url=self._url(record))

    def _find(self, job: Job) -> Finding:
        record = record_of(job)
        try:
            with self._served.locked(job.timeout_s):
                present = self._served.get(f"{FOLDER}/{record.name}.json")
                if present is None:
                    return Finding(Found.ABSENT)
                if present != record.encoded():
                    return Finding(Found.UNKNOWN, reason=_OTHER)
                self._make(record)
        except OSError as error:
            return Finding(Found.UNKNOWN, reason=unusable(error))
        return Finding(Found.FOUND, reference=record.reference, url=self._url(record))

    def _make(self, record: Record) -> None:
        """Make a page and the index anew. Raises OSError with what was there in place."""
        records = self._records()
        for name, data in pages.pages(records, record.page).items():
            self._served.put(name, data)
        for name, data in pages.index(records, self._clock(), self._first).items():
            self._served.put(name, data)

    def _stands(self, job: Job) -> _Stands:
        record = record_of(job)
        try:
            with self._served.locked(job.timeout_s):
                records = self._records()
                files = pages.pages(records, record.page)
                present = {name: self._served.get(name) for name in files}
                front = self._served.get(_index_of(job)) or b""
        except OSError as error:
            return _Stands(ReadBack(Seen.UNKNOWN, reason=unusable(error)), {})
        kept = next((one for one in records if one.name == record.name), None)
        if kept is None or None in present.values():
            return _Stands(ReadBack(Seen.MISSING, reason="the message or its page is gone from the folder"), {})
        text = "\n\n".join(part.text for part in record.rendering.parts)
        if kept != record or present != files:
            reason = "the page differs from what was signed"
            return _Stands(ReadBack(Seen.ALTERED, text=None, reason=reason), {})
        expected = record.page in pages.listed(records, self._clock())
        if expected and not pages.links(front, record.page):
            reason = "the page is there, but the index does not link to it"
            return _Stands(ReadBack(Seen.MISSING, text=text, reason=reason), {})
        return _Stands(ReadBack(Seen.VISIBLE, text=text), files, expected)

    def _records(self) -> list[Record]:
        """Every readable record. Raises OSError where the folder cannot be listed."""
        found: list[Record] = []
        for file in self._served.path.iterdir():
            if file.name == FOLDER:
                for one in sorted(file.glob("*.json")):
                    with suppress(NotARecord):
                        found.append(Record.decode(one.read_bytes()))
        return found

    def _url(self, record: Record) -> str | None:
        language = texts(record.rendering)[0].language
        address = self._served.url(pages.file_of(record.page, language))
        return f"{address}#{record.message}" if address else None


_MIXED = "this folder holds pages of the other mode: live and exercise pages never share a folder"
_OTHER = "a record of this delivery is there with other content: look at the file"


def _index_of(job: Job) -> str:
    """The index in a language that the message is in."""
    return pages.file_of(INDEX, texts(job.rendering)[0].language)


def _shown(text: LanguageText, *, exercise: bool) -> LanguageText:
    headline = f"{EXERCISE_LINE} {text.headline}" if exercise else text.headline
    pieces = (unicodedata.normalize("NFC", piece) for piece in (headline, text.body, text.instruction))
    return LanguageText(text.language, *pieces)


def _faults(rendering: Rendering) -> list[str]:
    """Every reason why a rendering cannot become a page. Raises ValueError where its options cannot be read."""
    shown = texts(rendering)
    faults = [_language_fault(text) for text in shown] + [_mark_fault(rendering, text) for text in shown]
    if [text_of(text) for text in shown] != [part.text for part in rendering.parts]:
        faults.append("the page's texts differ from the rendering's parts")
    if urlsplit(word(rendering, "link")).scheme not in {"", "http", "https"}:
        faults.append("the link is no web address: write https://…")
    Standing(word(rendering, "standing"))
    datetime.fromisoformat(word(rendering, "valid_until"))
    free = [*map(text_of, shown), *words(rendering, "area"), word(rendering, "sent_by"), word(rendering, "link")]
    return [fault for fault in faults if fault] + [fault for text in free for fault in check_text(text)]


def _language_fault(text: LanguageText) -> str:
    if main_tag(text.language) not in pages.languages():
        return f"pages exist in {', '.join(pages.languages())}, and not in {text.language}"
    if not text.headline.strip() or not text.body.strip():
        return f"{text.language}: the headline or the text is empty"
    return ""


def _mark_fault(rendering: Rendering, text: LanguageText) -> str:
    exercise, marked = rendering.options.get("exercise"), text.headline.startswith(EXERCISE_LINE)
    if exercise is True and not marked:
        return f"an exercise must begin every headline with {EXERCISE_LINE}"
    if exercise is False and marked:
        return "a live page carries exercise words: readers would take it for a drill"
    return "" if isinstance(exercise, bool) else "the option exercise must be true or false"
