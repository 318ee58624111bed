"""What a hand-off asks two people to do: the contents of a packet.

Rules
  1. Everything comes from the signed rendering, the job and the account; nothing is written by hand at hand-off.
  2. Live: one post, its settings fixed, its link reported. A correction is a new post, then the old one is taken
     down; a withdrawal is the old one taken down: TikTok edits and deletes by hand only (reference: platforms 1.9).
  3. In an exercise nothing is posted: the steps say so, and what is reported is an address that cannot exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from channels.by_hand import HandOverError
from channels.contract import Account, DeliveryKind, Job, Json
from channels.tiktok import codes

SCHEMA = "tiktok-packet-contents/v1"

SETTINGS: Mapping[str, str] = {"comments": "off", "duet": "off", "stitch": "off"}
"""One-way use (reference: policy 1.4, M20)."""


def task_reference(delivery: str) -> str:
    """Return the name under which people speak of this hand-off: ``H-XXXXX-XXXXX``, the same on every attempt."""
    return f"H-{codes.spell_digest(b'tiktok-handoff/v1' + bytes(1) + delivery.encode())}"


def exercise_link(reference: str) -> str:
    """Return what a receipt of an exercise gives as the post's link: an address that cannot exist (RFC 2606)."""
    return f"https://exercise.invalid/{reference}"


def packet_contents(job: Job, account: Account, not_after: datetime) -> dict[str, Json]:
    """Return what the operators must see to carry out ``job`` before ``not_after``, the end of its window.

    ``captions`` are the exact texts to post (none for a withdrawal); ``original`` is the post that a correction or
    withdrawal mends; ``report`` says what to report back. Raises HandOverError for a rendering that
    :meth:`Adapter.render` did not make, or a correction or withdrawal that does not say which post it mends.
    """
    kind, options = job.rendering.kind, job.rendering.options
    if kind is not DeliveryKind.PUBLISH and not job.original:
        raise HandOverError(f"a {kind} must name the post it mends")
    reference, exercise = task_reference(job.delivery), options.get("exercise")
    if not isinstance(exercise, bool):
        raise HandOverError("the rendering does not say whether this is an exercise")
    parts = () if kind is DeliveryKind.WITHDRAW else job.rendering.parts
    draft = options.get("route") == "inbox_draft"
    steps = _exercise_steps(kind) if exercise else _live_steps(kind, account.handle, draft=draft)
    return {
        "schema": SCHEMA,
        "reference": reference,
        "delivery": job.delivery,
        "kind": str(kind),
        "exercise": exercise,
        "handle": account.handle,
        "captions": [{"language": part.language, "text": part.text} for part in parts],
        "settings": dict(SETTINGS),
        "disclosure": options.get("disclosure"),
        "steps": list(steps),
        "report": _report(kind, reference, exercise),
        "valid_until": options.get("valid_until"),
        "not_after": format_time(not_after),
        "original": job.original,
    }


def format_time(value: datetime) -> str:
    """``2026-11-21T18:05:00.000000Z``. Raises ValueError for a naive time."""
    if value.tzinfo is None:
        raise ValueError("time without a zone")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _live_steps(kind: DeliveryKind, handle: str, *, draft: bool) -> tuple[str, ...]:
    account = f"Open TikTok on this device and check that the account is {handle}."
    take_down = (
        "Open the earlier post, whose link is on this page, and delete it.",
        "Open the link again: TikTok must say that the post is not available.",
    )
    if kind is DeliveryKind.WITHDRAW:
        return (account, *take_down)
    new = "Start a new post with the approved video or picture; where there is none, start a text post."
    post = (
        account,
        "Open the inbox and the draft that waits there." if draft else new,
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
