"""The contract between the dispatcher and a channel adapter: all that either sees of the other.

Rules
  1. ``render`` is pure and is the one function that lint, preview, approval and send all use.
  2. ``send``, ``correct`` and ``withdraw`` never raise for what a platform or a network does; they return an
     :class:`Outcome`. An exception is a bug and leaves the delivery in doubt.
  3. ``deferred`` and ``rejected`` claim that the platform did **not** act. An adapter that cannot prove it says
     ``in_doubt``. A wrong ``in_doubt`` costs a look-up; a wrong ``deferred`` publishes twice.
  4. What makes a repeat harmless (idempotency keys, record keys, timestamps) is a function of the job, never of
     the attempt, so that it is the same bytes on every try.
  5. ``find`` answers ``absent`` only when the platform's own record was read and the post was not in it.

One delivery, seen from an adapter::

    rendering = Adapter.render(content, account)      # at draft; its digest is what people sign
    outcome = await adapter.send(job, note)           # after the gate; accepted | deferred | rejected | in_doubt
    finding = await adapter.find(job)                 # only when in doubt, after the quiet period
    seen = await adapter.read_back(job, reference)    # what the public sees now
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from channels.capabilities import Capabilities
from channels.medium import Caption as Caption  # noqa: PLC0414 - belongs to the contract
from channels.medium import Json as Json  # noqa: PLC0414 - belongs to the contract
from channels.medium import Medium as Medium  # noqa: PLC0414 - belongs to the contract
from channels.medium import Part as Part  # noqa: PLC0414 - belongs to the contract
from channels.medium import read_medium, read_part, read_text

Clock = Callable[[], datetime]
"""Returns the time now: UTC and aware."""

Note = Callable[[str], Awaitable[None]]
"""Durably records a platform's handle (an upload session, a publish id) before the next byte is sent."""

RandomBytes = Callable[[int], bytes]
"""Returns that many bytes from a cryptographic source."""


class DeliveryKind(StrEnum):
    """What a delivery does to the public record."""

    PUBLISH = "publish"
    CORRECT = "correct"
    WITHDRAW = "withdraw"


class Verdict(StrEnum):
    """What became of one attempt; see rule 3 of the module."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    HANDED_OVER = "handed_over"


class Secret:
    """A value that never shows itself: not in ``repr``, not in ``str``, not in a log."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value. Call it only where the value leaves for its one purpose."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class Account:
    """One destination of ours on a platform. ``settings`` holds nothing secret.

    ``languages`` are BCP 47 tags in the order in which a post carries them.
    """

    id: str
    channel: str
    handle: str
    languages: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LanguageText:
    """The message in one language."""

    language: str
    headline: str
    body: str
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What one channel of a paid plan may buy: ``pence`` at most, all fees in, to run within ``[starts, ends)``.

    ``case`` was agreed before it was needed; ``approval`` refers to the central approval, where there is one.
    ``nonce`` is the plan's own, so that what is numbered after it belongs to no other plan.
    """

    case: str
    pence: int
    approval: str | None
    starts: datetime
    ends: datetime
    nonce: str


PURCHASE = "purchase"
"""The option under which a rendering that orders space says what is bought; senders compare it with the plan."""


@dataclass(frozen=True, slots=True)
class Content:
    """A revision as channels see it, before it takes a channel's form.

    ``area`` lists names; ``polygons`` and ``circles`` are CAP strings (lat,lon). ``sent_by`` is the public name of
    the sender. ``exercise`` marks content that must carry EXERCISE; ``cap`` carries the CAP code values
    (category, event, urgency, severity, certainty). ``media`` are of the size that the channel takes, and there are
    none where it takes none. ``purchase``: what is bought, once a plan names it. ``thread`` is the same for all that
    belongs together in public, and says nothing else; ``all_clear`` marks a correction that ends what went before.
    """

    kind: DeliveryKind
    texts: tuple[LanguageText, ...]
    valid_until: datetime
    sent_by: str
    exercise: bool
    link: str | None = None
    area: tuple[str, ...] = ()
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    cap: Mapping[str, str] = field(default_factory=dict)
    media: tuple[Medium, ...] = ()
    purchase: Purchase | None = None
    thread: str = ""
    all_clear: bool = False


@dataclass(frozen=True, slots=True)
class Rendering:
    """A revision as one account will carry it: what people sign and what leaves, character for character.

    ``options`` holds whatever else the platform is told (CAP fields, template ids, privacy settings): plain JSON
    values without floats, because the document is signed as canonical JSON.
    """

    channel: str
    account: str
    kind: DeliveryKind
    parts: tuple[Part, ...]
    options: Mapping[str, Json] = field(default_factory=dict)
    media: tuple[Medium, ...] = ()

    def text(self, language: str) -> str | None:
        """The exact text for a language, or None where this rendering has none."""
        return next((part.text for part in self.parts if part.language == language), None)

    def document(self) -> dict[str, Json]:
        """This rendering as the JSON document whose canonical bytes are signed; no key for media that it has not."""
        return {
            "schema": "rendering/v1",
            "channel": self.channel,
            "account": self.account,
            "kind": str(self.kind),
            "parts": [asdict(part) for part in self.parts],
            "options": dict(self.options),
            **({"media": [medium.document() for medium in self.media]} if self.media else {}),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> Rendering:
        """Read back what :meth:`document` wrote. Raises KeyError, TypeError or ValueError on anything else."""
        if set(document) - {"media"} != {"schema", "channel", "account", "kind", "parts", "options"}:
            raise ValueError("not a rendering/v1 document: unexpected or missing keys")
        if document["schema"] != "rendering/v1" or document.get("media") == []:
            raise ValueError("not a rendering/v1 document")
        parts, options, media = document["parts"], document["options"], document.get("media", [])
        if not isinstance(parts, list) or not isinstance(options, dict) or not isinstance(media, list):
            raise TypeError("rendering parts and media must be lists and options an object")
        return cls(
            channel=read_text(document["channel"]),
            account=read_text(document["account"]),
            kind=DeliveryKind(read_text(document["kind"])),
            parts=tuple(read_part(part) for part in parts),
            options=options,
            media=tuple(read_medium(one) for one in media),
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery to be made, by one attempt.

    ``delivery`` and ``intended_at`` (the signed release's time) are the same on every attempt: derive every
    idempotency key from them. ``recipient`` is set for recipient channels, with ``language`` saying which part of
    the rendering is theirs. ``original`` names the post that a correction or withdrawal mends. ``handle`` is what
    an earlier attempt noted. ``media`` holds the rendering's media and captions by digest, verified; empty where
    nothing is sent.
    """

    delivery: str
    attempt: int
    rendering: Rendering
    intended_at: datetime
    timeout_s: float
    recipient: Secret | None = None
    language: str | None = None
    original: str | None = None
    handle: str | None = None
    media: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to.

    ``reason`` is for people and holds no secret and no personal data. ``code`` is the platform's error code or the
    transport fault. ``retry_after_s`` is the platform's wish; ``account_wide`` says it concerns all that this
    account sends. ``status`` is the HTTP status where there was one; ``provider_ms`` the time the platform took.
    """

    verdict: Verdict
    reason: str = ""
    code: str = ""
    reference: str | None = None
    url: str | None = None
    retry_after_s: float | None = None
    account_wide: bool = False
    status: int | None = None
    provider_ms: float | None = None


class Found(StrEnum):
    """What a look-up came to."""

    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of :meth:`Channel.find`."""

    found: Found
    reference: str | None = None
    url: str | None = None
    reason: str = ""


class Seen(StrEnum):
    """What the public sees of a post now."""

    VISIBLE = "visible"
    MISSING = "missing"
    ALTERED = "altered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the public sees now; ``text`` as read, where the platform shows it."""

    seen: Seen
    text: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether this account could send now, found out without publishing.

    ``detail`` is for people and holds no secret. Where the platform tells, ``expires_at`` is when the credential ends
    and ``quota`` what is left of a limit or balance, in words. ``renews``: it is renewed by itself, and has no end.
    """

    ok: bool
    detail: str
    expires_at: datetime | None = None
    quota: str = ""
    renews: bool = False


class RenderError(ValueError):
    """The content cannot take this channel's form. The message says what is wrong and what to change.

    ``rendering`` is what would have come of it, where there is one: for people to look at, never to sign or send.
    """

    def __init__(self, message: str, rendering: Rendering | None = None) -> None:
        super().__init__(message)
        self.rendering = rendering


class Channel(Protocol):
    """One account on one platform. Made with its credential by the registry, inside the sender only."""

    capabilities: ClassVar[Capabilities]

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """Give the content this channel's form. Raises RenderError where it does not fit; never cuts text."""

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What a platform would refuse in this rendering; empty when it is sendable. Needs no credential."""

    async def send(self, job: Job, note: Note) -> Outcome:
        """Publish once."""

    async def find(self, job: Job) -> Finding:
        """Say whether an earlier attempt at this job reached the public record."""

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read what the public sees of an accepted post."""

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Publish the correction of ``job.original`` as this platform can."""

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Take ``job.original`` back as this platform can."""

    async def probe(self) -> Probe:
        """Check credential and reach without publishing."""
