"""The pictures of a post: as a rendering carries them, and what speaks against them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from channels.capabilities import MediaLimit
from channels.contract import Account, Content, DeliveryKind, Medium, Outcome, Part, RenderError, Rendering, Verdict
from channels.text import EXERCISE_LINE, check_text

_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}


def carried(content: Content, account: Account) -> tuple[Medium, ...]:
    """The content's pictures, each with one alternative text in the account's languages. Raises RenderError."""
    return tuple(replace(medium, alt=(_alt(medium, content, account),)) for medium in content.media)


def media_problems(rendering: Rendering, limits: tuple[MediaLimit, ...]) -> list[str]:
    """What a channel with these limits would refuse in a rendering's pictures."""
    found = [f"picture {n}: {fault}" for n, one in enumerate(rendering.media, 1) for fault in _faults(one, limits)]
    for limit in limits:
        count = sum(one.kind is limit.kind for one in rendering.media)
        if count > limit.most:
            found.append(f"the post has {count} of at most {limit.most} pictures; detach some")
        if count < limit.least and rendering.kind is DeliveryKind.PUBLISH:
            found.append("this channel takes no post without a picture; attach one: dispatcher message attach")
    return found


def file_name(medium: Medium) -> str:
    """The name of a medium's file in the folder of media: the digest of its bytes."""
    return f"{medium.digest.removeprefix('sha256:')}{_SUFFIXES.get(medium.mime, '')}"


def address_of(medium: Medium, base_url: str) -> str:
    """Where a platform that fetches its pictures finds one, by where the folder of media is served."""
    return f"{base_url.rstrip('/')}/{file_name(medium)}"


def unpublished(outcome: Outcome) -> Outcome:
    """What came of an upload, as the post's own outcome: it publishes nothing, so nothing is in doubt."""
    return replace(outcome, verdict=Verdict.DEFERRED) if outcome.verdict is Verdict.IN_DOUBT else outcome


def _alt(medium: Medium, content: Content, account: Account) -> Part:
    texts = {part.language: part.text for part in medium.alt}
    if missing := [language for language in account.languages if language not in texts]:
        raise RenderError(
            f"{account.handle} posts in {', '.join(missing)}, and a picture has no alternative text for it: "
            "attach the same file again with --alt in every language"
        )
    blocks = [EXERCISE_LINE] if content.exercise else []
    blocks += [texts[language].strip() for language in account.languages]
    language = account.languages[0] if len(account.languages) == 1 else "mul"
    return Part(language, unicodedata.normalize("NFC", "\n\n".join(blocks)))


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
        yield f"{medium.width} by {medium.height} pixels, and this channel takes pictures {taken}; attach another"
    if len(medium.alt) != 1 or not medium.alt[0].text.strip():
        yield "its alternative text is one text, and this is none or several"
        return
    text = medium.alt[0].text
    if len(text) > limit.alt_characters:
        yield f"its alternative text has {len(text)} of at most {limit.alt_characters} characters; shorten it"
    yield from check_text(text)
