"""What a hand-off asks two people to do: the contents of a packet.

Rules
  1. Everything comes from the signed rendering, the job and the account; nothing is written by hand at hand-off.
  2. Live: one post, its settings fixed, its link reported. A correction is a new post, then the old one is taken
     down; a withdrawal is the old one taken down: TikTok edits and deletes by hand only (reference: platforms 1.9).
  3. In an exercise nothing is posted: the steps say so, and what is reported is an address that cannot exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from channels.contract import Account, DeliveryKind, Job, Json, Part
from channels.tiktok import codes

SCHEMA = "tiktok-packet-contents/v1"

SETTINGS: Mapping[str, str] = {"comments": "off", "duet": "off", "stitch": "off"}
"""One-way use (reference: policy 1.4, M20)."""

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class ContentsError(ValueError):
    """The rendering or the document does not hold what a hand-off needs. The message names it."""


@dataclass(frozen=True, slots=True)
class PacketContents:
    """What the two operators see once the packet is open.

    ``captions`` are the exact texts to post (none for a withdrawal); ``original`` is the post that a correction or
    withdrawal mends; ``report`` says what to report back. Nothing may be posted at or after ``not_after``.
    """

    reference: str
    delivery: str
    kind: DeliveryKind
    exercise: bool
    handle: str
    captions: tuple[Part, ...]
    settings: Mapping[str, str]
    disclosure: str
    steps: tuple[str, ...]
    report: str
    valid_until: datetime
    not_after: datetime
    original: str | None = None

    def document(self) -> dict[str, Json]:
        """As the JSON document that is sealed."""
        return {
            "schema": SCHEMA,
            "reference": self.reference,
            "delivery": self.delivery,
            "kind": str(self.kind),
            "exercise": self.exercise,
            "handle": self.handle,
            "captions": [{"language": part.language, "text": part.text} for part in self.captions],
            "settings": dict(self.settings),
            "disclosure": self.disclosure,
            "steps": list(self.steps),
            "report": self.report,
            "valid_until": format_time(self.valid_until),
            "not_after": format_time(self.not_after),
            "original": self.original,
        }

    @classmethod
    def from_document(cls, document: Json) -> PacketContents:
        """Read what :meth:`document` wrote. Raises ContentsError on anything else."""
        try:
            contents = _read(document)
        except (KeyError, TypeError, ValueError) as error:
            raise ContentsError(f"not the contents of a packet: {error}") from error
        if contents.document() != document:
            raise ContentsError("not the contents of a packet: unexpected keys or values")
        return contents


def task_reference(delivery: str) -> str:
    """Return the name under which people speak of this hand-off: ``H-XXXXX-XXXXX``, the same on every attempt."""
    return f"H-{codes.spell_digest(b'tiktok-handoff/v1' + bytes(1) + delivery.encode())}"


def exercise_link(reference: str) -> str:
    """Return what a receipt of an exercise gives as the post's link: an address that cannot exist (RFC 2606)."""
    return f"https://exercise.invalid/{reference}"


def packet_contents(job: Job, account: Account, not_after: datetime) -> PacketContents:
    """Return what the operators must see to carry out ``job`` before ``not_after``, the end of its window.

    Raises ContentsError for a rendering that :meth:`Adapter.render` did not make, or a correction or withdrawal
    that does not say which post it mends.
    """
    rendering, options = job.rendering, job.rendering.options
    if rendering.kind is not DeliveryKind.PUBLISH and not job.original:
        raise ContentsError(f"a {rendering.kind} must name the post it mends")
    reference, exercise = task_reference(job.delivery), options.get("exercise")
    if not isinstance(exercise, bool):
        raise ContentsError("the rendering does not say whether this is an exercise")
    return PacketContents(
        reference=reference,
        delivery=job.delivery,
        kind=rendering.kind,
        exercise=exercise,
        handle=account.handle,
        captions=() if rendering.kind is DeliveryKind.WITHDRAW else rendering.parts,
        settings=SETTINGS,
        disclosure=_text(options, "disclosure"),
        steps=_exercise_steps(rendering.kind) if exercise else _live_steps(rendering.kind, account.handle),
        report=_report(rendering.kind, reference, exercise),
        valid_until=_time(options, "valid_until"),
        not_after=not_after,
        original=job.original,
    )


def format_time(value: datetime) -> str:
    """``2026-11-21T18:05:00.000000Z``. Raises ValueError for a naive time."""
    if value.tzinfo is None:
        raise ValueError("time without a zone")
    return value.astimezone(UTC).strftime(_TIME_FORMAT)


def parse_time(text: str) -> datetime:
    """Read what :func:`format_time` writes. Raises ValueError."""
    return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)


def _live_steps(kind: DeliveryKind, handle: str) -> tuple[str, ...]:
    account = f"Open TikTok on this device and check that the account is {handle}."
    take_down = (
        "Open the earlier post, whose link is on this page, and delete it.",
        "Open the link again: TikTok must say that the post is not available.",
    )
    if kind is DeliveryKind.WITHDRAW:
        return (account, *take_down)
    post = (
        account,
        "Start a new post with the approved video or picture; where there is none, start a text post.",
        "Copy the caption from this page and paste it. Change nothing.",
        "Make the settings what this page says they must be.",
        "The second operator compares the screen with this page, word by word. Then post.",
        "Open the post from the profile and copy its link.",
    )
    return (*post, *take_down) if kind is DeliveryKind.CORRECT else post


def _exercise_steps(kind: DeliveryKind) -> tuple[str, ...]:
    rehearsed = "the post that would be deleted" if kind is DeliveryKind.WITHDRAW else "the caption and the settings"
    return (
        "Do not open TikTok and post nothing: this is an exercise.",
        f"Read {rehearsed} to each other from this page.",
        "Say aloud what each of you would do, and who would press the last button.",
    )


def _report(kind: DeliveryKind, reference: str, exercise: bool) -> str:
    if exercise:
        return f"Report to the office: task {reference}, done. As the post's link, give {exercise_link(reference)}"
    if kind is DeliveryKind.WITHDRAW:
        return f"Report to the office: task {reference}, the post is gone. Both operators sign the receipt."
    return f"Report to the office: task {reference}, and the link of the new post. Both operators sign the receipt."


def _read(document: Json) -> PacketContents:
    if not isinstance(document, dict) or document["schema"] != SCHEMA:
        raise ContentsError("the schema is another one")
    captions, settings, steps = document["captions"], document["settings"], document["steps"]
    if not isinstance(captions, list) or not isinstance(settings, dict) or not isinstance(steps, list):
        raise ContentsError("captions and steps must be lists, settings an object")
    original = document["original"]
    return PacketContents(
        reference=_text(document, "reference"),
        delivery=_text(document, "delivery"),
        kind=DeliveryKind(_text(document, "kind")),
        exercise=document["exercise"] is True,
        handle=_text(document, "handle"),
        captions=tuple(_part(caption) for caption in captions),
        settings={key: str(value) for key, value in settings.items()},
        disclosure=_text(document, "disclosure"),
        steps=tuple(str(step) for step in steps),
        report=_text(document, "report"),
        valid_until=_time(document, "valid_until"),
        not_after=_time(document, "not_after"),
        original=None if original is None else _text(document, "original"),
    )


def _part(value: Json) -> Part:
    if not isinstance(value, dict):
        raise ContentsError("a caption must be an object")
    return Part(_text(value, "language"), _text(value, "text"))


def _text(document: Mapping[str, Json], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise ContentsError(f"{key} is missing or is not text")
    return value


def _time(document: Mapping[str, Json], key: str) -> datetime:
    try:
        return parse_time(_text(document, key))
    except ValueError as error:
        raise ContentsError(f"{key}: {error}") from error
