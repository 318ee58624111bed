"""Pictures and videos between the officer's file and the folder of media: made clean once, made to fit each channel.

Strip first, hash second, approve third (reference: policy M03): what is stored, signed and sent is the cleaned file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from channels.capabilities import MediaKind, MediaLimit
from channels.contract import Caption, Medium, Part
from channels.media import captions
from channels.media.structure import MediaError, digest_of, film_form
from dispatcher.domain.errors import Invalid
from dispatcher.domain.statement import Mode
from dispatcher.sending.media import MediaFolder

if TYPE_CHECKING:  # Pillow and FFmpeg are loaded by whoever attaches or previews
    from channels.media import picture

ANOTHER = "give another file; see docs/operating.md, Pictures and videos"


@dataclass(frozen=True, slots=True)
class Given:
    """A file from outside, what it shows in each language, and a video's captions in each language."""

    data: bytes = field(repr=False)
    alt: Mapping[str, str]
    captions: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def stored(folder: MediaFolder, given: Given, languages: Sequence[str], mode: Mode) -> Medium:
    """A picture or video from outside, made clean and stored, for a message in these languages.

    In an exercise EXERCISE stands on the picture, or on every cue of the video's captions. Raises Invalid for a file
    that cannot be taken, and for a language without a text in its place or without captions for its sound.
    """
    kind = MediaKind.VIDEO if film_form(given.data) else MediaKind.PICTURE
    if lacking := [tag for tag in languages if not given.alt.get(tag, "").strip()]:
        raise Invalid(
            f"the {kind} has no alternative text in {lacking[0]}", f"say what it shows: --alt {lacking[0]}=…"
        )
    if given.captions and kind is MediaKind.PICTURE:
        raise Invalid("a picture has no captions", "say what it shows with --alt")
    alt = tuple(Part(tag, text.strip()) for tag, text in given.alt.items())
    try:
        if kind is MediaKind.VIDEO:
            return _video(folder, given, alt, languages, mode)
        return _picture(folder, given.data, alt, mode)
    except MediaError as error:
        raise Invalid(str(error), ANOTHER) from error


def fitted(folder: MediaFolder, media: tuple[Medium, ...], limits: tuple[MediaLimit, ...]) -> tuple[Medium, ...]:
    """Stored media as a channel with these limits takes them, stored too; none of a kind that it does not take.

    A post carries one kind: where a channel takes several, the first of its limits that the message has. A picture is
    made to fit; a video is never encoded again, and lint says where it does not fit.
    Raises Invalid for one that cannot be made to fit, Unavailable for one that is not as it was stored.
    """
    limit = next((limit for limit in limits if any(one.kind is limit.kind for one in media)), None)
    return tuple(_fitted(folder, one, limit) for one in media if limit and one.kind is limit.kind)


def _fitted(folder: MediaFolder, medium: Medium, limit: MediaLimit) -> Medium:
    data = folder.read(medium)
    if medium.kind is MediaKind.VIDEO:
        for caption in medium.captions:
            folder.read(caption)
        return medium
    from channels.media import picture

    try:
        made = picture.fit(picture.Cleaned(medium.kind, medium.mime, medium.width, medium.height, data), limit)
        return _put(folder, made, medium.alt)
    except MediaError as error:
        raise Invalid(str(error), ANOTHER) from error


def _picture(folder: MediaFolder, data: bytes, alt: tuple[Part, ...], mode: Mode) -> Medium:
    from channels.media import picture

    return _put(folder, picture.clean(data, exercise=mode is Mode.EXERCISE), alt)


def _put(folder: MediaFolder, made: picture.Cleaned, alt: tuple[Part, ...]) -> Medium:
    medium = Medium(made.digest, made.kind, made.mime, len(made.data), made.width, made.height, alt)
    folder.put(medium, made.data)
    return medium


def _video(folder: MediaFolder, given: Given, alt: tuple[Part, ...], languages: Sequence[str], mode: Mode) -> Medium:
    from channels.media import video

    made, exercise = video.clean(given.data), mode is Mode.EXERCISE
    if made.sound:
        _need_captions(given, languages, "it has sound")
    elif exercise:
        _need_captions(given, languages, "in an exercise they carry the word")
    elif given.captions:
        _need_captions(given, languages, "it has some in another language")
    held = tuple(
        _caption(folder, tag, data, made.duration_ms, exercise=exercise) for tag, data in given.captions.items()
    )
    shape = (len(made.data), made.width, made.height)
    medium = Medium(made.digest, made.kind, made.mime, *shape, alt, made.duration_ms, held)
    folder.put(medium, made.data)
    return medium


def _need_captions(given: Given, languages: Sequence[str], why: str) -> None:
    if lacking := [tag for tag in languages if tag not in given.captions]:
        raise Invalid(
            f"the video has no captions in {lacking[0]}, and {why}",
            f"give them in every language of the message: --captions {lacking[0]}=FILE.vtt",
        )


def _caption(folder: MediaFolder, tag: str, data: bytes, duration_ms: int, *, exercise: bool) -> Caption:
    try:
        written = captions.clean(data, duration_ms, exercise=exercise)
    except MediaError as error:
        raise MediaError(f"captions in {tag}: {error}") from error
    made = Caption(tag, digest_of(written), len(written))
    folder.put(made, written)
    return made
