"""The bench on which an adapter is tested: its subject, its far side, a clock that is moved by hand."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import zip_longest
from typing import Any, Protocol, TypeVar

from PIL import Image

from channels.capabilities import Capabilities, MediaKind, MediaLimit
from channels.contract import (
    Account,
    Caption,
    Channel,
    Clock,
    Content,
    DeliveryKind,
    Finding,
    Found,
    Job,
    LanguageText,
    Medium,
    Outcome,
    Part,
    Secret,
    Verdict,
)
from channels.http import Http, HttpPolicy
from channels.media.picture import MIN_EDGE, Cleaned, clean, fit
from channels.media.structure import digest_of
from channels.renewing import Renew, Renewing
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.provider import Provider, RouteKind
from channels.simulator.server import Simulator

Answer = TypeVar("Answer")
Check = Callable[["Bench"], Awaitable[None]]

SHORT_S = 0.8
LONG_S = 10.0
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class ConformanceError(Exception):
    """The adapter broke the contract; the message says how."""


class Make(Protocol):
    """How every adapter is made."""

    capabilities: Capabilities

    def __call__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> Channel:
        """Make the adapter of one account."""


@dataclass(frozen=True, slots=True)
class Documented:
    """A refusal as the platform documents it, and the ``verdict`` that it proves. ``body``: JSON, or SMTP's text."""

    status: int
    body: str
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.status} {self.body}".strip()


@dataclass(frozen=True, slots=True)
class Subject:
    """One adapter under test.

    ``account`` makes the account from the simulator's address of this provider. ``public`` names fields of the
    credential that are no secret. ``finds`` says whether the platform's record can be searched; ``reads_body``
    whether an answer's body decides, or a bare 2xx is enough; ``hints`` whether a throttled answer says how long to
    wait. ``pulls``: the platform fetches its pictures from us. ``made`` is what a post comes
    to: ``handed_over`` where people finish it. ``documented`` are the platform's refusals of a post, as its
    documentation has them.
    """

    make: Make
    simulator: type[Provider]
    account: Callable[[str], Account]
    credential: Mapping[str, Secret]
    public: frozenset[str] = frozenset()
    recipient: Secret | None = None
    language: str | None = None
    finds: bool = True
    reads_body: bool = True
    hints: bool = True
    pulls: bool = False
    made: Verdict = Verdict.ACCEPTED
    documented: tuple[Documented, ...] = ()

    def __str__(self) -> str:
        return self.simulator.name


@dataclass(slots=True)
class HandClock:
    """A clock that stands until it is moved; the adapter and its far side share it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Move it on."""
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Bench:
    """One adapter facing its far side; everything that it returns, notes or logs is searched for secrets."""

    subject: Subject
    far: Simulator
    account: Account
    channel: Channel
    time: HandClock
    noted: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def job(
        self,
        kind: DeliveryKind = DeliveryKind.PUBLISH,
        *,
        original: str | None = None,
        timeout_s: float = LONG_S,
        pictures: int = 0,
        more: str = "",
    ) -> Job:
        """A job of the same delivery each time it is asked for one kind; ``more`` lengthens its text.

        It carries so many ``pictures``, and never fewer than a post needs.
        """
        limit = next(iter(type(self.channel).capabilities.media), None)
        least = limit.least if limit and kind is DeliveryKind.PUBLISH else 0
        carried = [medium(limit, n, self.account.languages) for n in range(max(pictures, least))] if limit else []
        files = {digest: data for _, held in carried for digest, data in held.items()}
        if self.subject.pulls:
            found = {digest.removeprefix("sha256:"): data for digest, data in files.items()}
            self.far.provider(self.subject.simulator.name).media.update(found)
        asked = replace(content(self.account, kind, more=more), media=tuple(one for one, _ in carried))
        rendering = self.channel.render(asked, self.account)
        return Job(
            delivery=f"delivery-{kind}",
            attempt=1,
            rendering=rendering,
            intended_at=START,
            timeout_s=timeout_s,
            recipient=self.subject.recipient,
            language=self.subject.language,
            original=original,
            media=files,
        )

    def arm(self, kind: FaultKind, **more: Any) -> None:
        """Order a fault on this provider; ``more`` as :class:`Fault` has it."""
        self.far.arm(Fault(self.subject.simulator.name, kind, **more))

    @property
    def withdraws_on(self) -> str:
        """The kind of call that a withdrawal makes: where the platform has none for it, one that publishes."""
        routes = self.far.provider(self.subject.simulator.name).routes()
        return next((str(route.kind) for route in routes if route.kind is RouteKind.WITHDRAW), RouteKind.PUBLISH)

    async def note(self, handle: str) -> None:
        """Keep what the adapter notes."""
        self.noted.append(handle)

    async def send(self, job: Job) -> Outcome:
        """Send once."""
        return self.checked(await self.channel.send(job, self.note))

    async def find(self, job: Job) -> Finding:
        """Look the job up once the record has had time to catch up."""
        self.time.pass_s(type(self.channel).capabilities.idempotency.lag_s)
        return self.checked(await self.channel.find(job))

    def checked(self, answer: Answer) -> Answer:
        """Pass an answer on, unless a secret shows in it."""
        secrets = [
            secret.reveal() for name, secret in self.subject.credential.items() if name not in self.subject.public
        ]
        secrets += [self.subject.recipient.reveal()] if self.subject.recipient else []
        shown = "".join([repr(answer), repr(self.channel), *self.noted, *self.logged])
        found = any(secret in shown for secret in [*secrets, "Bearer"])
        expect(not found, "a secret shows in what was returned, noted or logged")
        return answer

    def published(self) -> int:
        """How many posts are up, by the far side's own count."""
        return len(self.far.journal.published(self.subject.simulator.name))


def medium(limit: MediaLimit, number: int, languages: tuple[str, ...]) -> tuple[Medium, Mapping[str, bytes]]:
    """The picture or video of that number, as a channel with this limit takes it, and its files by digest."""
    alt = tuple(Part(language, f"A map ({language})") for language in languages)
    if limit.kind is MediaKind.PICTURE:
        made = fit(picture(MIN_EDGE + number), limit)
        shown = Medium(made.digest, made.kind, made.mime, len(made.data), made.width, made.height, alt)
        return shown, {made.digest: made.data}
    film = b"\0\0\0\x18ftypmp42" + bytes([number]) * 1_000  # whoever sends it does not decode it
    spoken = {language: f"WEBVTT\n\n00:00.000 --> 00:02.000\n{language}\n".encode() for language in languages}
    captions = tuple(Caption(language, digest_of(data), len(data)) for language, data in spoken.items())
    name, (mime, *_) = digest_of(film), limit.mimes
    video = Medium(name, limit.kind, mime, len(film), 1_280, 720, alt, duration_ms=2_000, captions=captions)
    return video, {digest_of(data): data for data in (film, *spoken.values())}


def picture(width: int) -> Cleaned:
    """A small picture; another one for each width."""
    file = BytesIO()
    Image.new("RGB", (width, MIN_EDGE), "navy").save(file, "PNG")
    return clean(file.getvalue(), exercise=True)


def content(
    account: Account, kind: DeliveryKind = DeliveryKind.PUBLISH, *, exercise: bool = True, more: str = ""
) -> Content:
    """A short message in each of the account's languages; ``more`` lengthens the first."""
    texts = tuple(
        LanguageText(
            language, f"Test {kind} ({language})", f"Afon yn codi: River rising. {extra}".rstrip(), "Stay away."
        )
        for language, extra in zip_longest(account.languages, [more], fillvalue="")
    )
    valid_until = datetime(2026, 11, 22, tzinfo=UTC)
    return Content(
        kind, texts, valid_until, "Example Council", exercise=exercise, link="https://example.gov.uk/flood"
    )


async def on_bench(check: Check, subject: Subject) -> None:
    """Run a check on a fresh far side. Raises ConformanceError."""
    async with Simulator([subject.simulator], clock=(time := HandClock())) as far:
        base = far.address(subject.simulator.name)
        async with adapter_at(subject, base, time) as (account, channel):
            bench = Bench(subject, far, account, channel, time)
            with _overheard(bench.logged):
                await check(bench)


@contextmanager
def _overheard(lines: list[str]) -> Iterator[None]:
    """Keep all that is logged meanwhile, whoever logs it."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, ear = logging.getLogger(), Ear()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(ear)


@asynccontextmanager
async def adapter_at(
    subject: Subject, base: str, time: HandClock, hosts: frozenset[str] | None = None
) -> AsyncIterator[tuple[Account, Channel]]:
    """The adapter with its account at an address, allowed to reach that address or ``hosts``."""
    allowed = frozenset({base.split("/")[2]}) if hosts is None else hosts
    http = Http(HttpPolicy(allowed, allow_private=True, https_only=False))
    account = subject.account(base)
    channel = subject.make(account, subject.credential, http, time)
    if isinstance(channel, Renewing):
        channel.renew_by(at_once)
    try:
        yield account, channel
    finally:
        await http.close()


async def at_once(stale: Mapping[str, Secret], renew: Renew) -> Mapping[str, Secret]:
    """A renewal for one who is alone, and keeps nothing."""
    return await renew(stale)


def expect_verdict(outcome: Outcome, *allowed: Verdict) -> None:
    """Raises ConformanceError unless the outcome is one of these."""
    wanted = " or ".join(allowed)
    expect(outcome.verdict in allowed, f"expected {wanted}, got {outcome.verdict} ({outcome.code}: {outcome.reason})")


def expect_found(finding: Finding, *allowed: Found) -> None:
    """Raises ConformanceError unless the finding is one of these."""
    expect(finding.found in allowed, f"expected {' or '.join(allowed)}, got {finding.found} ({finding.reason})")


def expect(holds: bool, message: str) -> None:
    """Raises ConformanceError with the message unless it holds."""
    if not holds:
        raise ConformanceError(message)
