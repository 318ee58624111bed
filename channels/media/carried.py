"""The pictures and videos of a post: as a rendering carries them, and what speaks against them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace

from channels.capabilities import MediaLimit
from channels.contract import (
    Account,
    Caption,
    Content,
    DeliveryKind,
    Medium,
    Outcome,
    Part,
    RenderError,
    Rendering,
    Verdict,
)
from channels.media.structure import MP4
from channels.text import EXERCISE_LINE, check_text

_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", MP4: ".mp4"}


def carried(content: Content, account: Account) -> tuple[Medium, ...]:
    """The content's media, each with one alternative text, and its captions, in the account's languages.

    Raises RenderError where one of these is missing. A video without any captions is one without sound.
    """
    return tuple(
        replace(medium, alt=(_alt(medium, content, account),), captions=_captions(medium, account))
        for medium in content.media
    )


def media_problems(rendering: Rendering, limits: tuple[MediaLimit, ...]) -> list[str]:
    """What a channel with these limits would refuse in a rendering's media."""
    found = [f"{one.kind} {n}: {fault}" for n, one in enumerate(rendering.media, 1) for fault in _faults(one, limits)]
    if len({one.kind for one in rendering.media} & {limit.kind for limit in limits}) > 1:
        found.append("a post carries pictures or a video, not both; detach them, and attach one kind")
    for limit in limits:
        count = sum(one.kind is limit.kind for one in rendering.media)
        if count > limit.most:
            found.append(f"the post has {count} of at most {limit.most} {limit.kind}s; detach them, and attach fewer")
    needed = [limit for limit in limits if limit.least]
    if needed and rendering.kind is DeliveryKind.PUBLISH and not any(_has(rendering, limit) for limit in needed):
        kinds = " or a ".join(limit.kind for limit in needed)
        found.append(f"this channel takes no post without a {kinds}; attach one: dispatcher message attach")
    return found


def file_name(stored: Medium | Caption) -> str:
    """The name of a medium's or captions' file in the folder of media: the digest of its bytes."""
    suffix = ".vtt" if isinstance(stored, Caption) else _SUFFIXES.get(stored.mime, "")
    return f"{stored.digest.removeprefix('sha256:')}{suffix}"


def address_of(medium: Medium, base_url: str) -> str:
    """Where a platform that fetches its pictures finds one, by where the folder of media is served."""
    return f"{base_url.rstrip('/')}/{file_name(medium)}"


def unpublished(outcome: Outcome) -> Outcome:
    """What came of an upload, as the post's own outcome: it publishes nothing, so nothing is in doubt."""
    return replace(outcome, verdict=Verdict.DEFERRED) if outcome.verdict is Verdict.IN_DOUBT else outcome


def _has(rendering: Rendering, limit: MediaLimit) -> bool:
    return sum(one.kind is limit.kind for one in rendering.media) >= limit.least


def _alt(medium: Medium, content: Content, account: Account) -> Part:
    texts = {part.language: part.text for part in medium.alt}
    _need(texts, account, f"a {medium.kind} has no alternative text", "--alt")
    blocks = [EXERCISE_LINE] if content.exercise else []
    blocks += [texts[language].strip() for language in account.languages]
    language = account.languages[0] if len(account.languages) == 1 else "mul"
    return Part(language, unicodedata.normalize("NFC", "\n\n".join(blocks)))


def _captions(medium: Medium, account: Account) -> tuple[Caption, ...]:
    by_language = {caption.language: caption for caption in medium.captions}
    if not by_language:
        return ()
    _need(by_language, account, "a video has no captions", "--captions")
    return tuple(by_language[language] for language in account.languages)


def _need(given: Mapping[str, object], account: Account, lacking: str, option: str) -> None:
    if missing := [language for language in account.languages if language not in given]:
        raise RenderError(
            f"{account.handle} posts in {', '.join(missing)}, and {lacking} for it: "
            f"attach the same file again with {option} in every language"
        )


def _faults(medium: Medium, limits: tuple[MediaLimit, ...]) -> Iterator[str]:
    limit = next((limit for limit in limits if limit.kind is medium.kind), None)
    if limit is None:
        yield "this channel takes none"
        return
    if medium.mime not in limit.mimes:
        yield f"this channel takes no {medium.mime}"
    if medium.size > limit.max_bytes:
        yield f"{medium.size:,} of at most {limit.max_bytes:,} bytes"
    if medium.width > limit.max_width or medium.height > limit.max_height:
        yield f"{medium.width} by {medium.height} of at most {limit.max_width} by {limit.max_height} pixels"
    if not limit.narrowest * medium.height <= medium.width <= limit.widest * medium.height:
        taken = f"from {limit.narrowest:g} to {limit.widest:g} times as wide as high"
        pixels = f"{medium.width} by {medium.height} pixels"
        yield f"{pixels}, and this channel takes {medium.kind}s {taken}; attach another"
    if not limit.shortest_s * 1_000 <= medium.duration_ms <= limit.longest_s * 1_000:
        taken = f"from {limit.shortest_s:g} to {limit.longest_s:g} seconds"
        yield f"{medium.duration_ms / 1_000:g} seconds, and this channel takes {medium.kind}s {taken}; attach another"
    if len(medium.alt) != 1 or not medium.alt[0].text.strip():
        yield "its alternative text is one text, and this is none or several"
        return
    text = medium.alt[0].text
    if len(text) > limit.alt_characters:
        yield f"its alternative text has {len(text)} of at most {limit.alt_characters} characters; shorten it"
    yield from check_text(text)
