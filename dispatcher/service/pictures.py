"""Pictures between the officer's file and the folder of media: made clean once, made to fit each channel.

Strip first, hash second, approve third (reference: policy M03): what is stored, signed and sent is the cleaned file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.capabilities import MediaLimit
from channels.contract import Medium, Part
from channels.media.structure import MediaError
from dispatcher.domain.errors import Invalid
from dispatcher.domain.statement import Mode
from dispatcher.sending.media import MediaFolder

if TYPE_CHECKING:  # Pillow is loaded by whoever attaches or previews a picture
    from channels.media import picture

ANOTHER = "give another file; see docs/operating.md, Pictures"


def stored(folder: MediaFolder, data: bytes, alt: tuple[Part, ...], mode: Mode) -> Medium:
    """A picture from outside, made clean and stored; EXERCISE stands on one for an exercise. Raises Invalid."""
    from channels.media import picture

    try:
        return _put(folder, picture.clean(data, exercise=mode is Mode.EXERCISE), alt)
    except MediaError as error:
        raise Invalid(str(error), ANOTHER) from error


def fitted(folder: MediaFolder, media: tuple[Medium, ...], limits: tuple[MediaLimit, ...]) -> tuple[Medium, ...]:
    """Stored pictures as a channel with these limits takes them, stored too; none where it takes none.

    Raises Invalid for one that cannot be made to fit, Unavailable for one that is not as it was stored.
    """
    return tuple(_fitted(folder, one, limit) for one in media for limit in limits if limit.kind is one.kind)


def _fitted(folder: MediaFolder, medium: Medium, limit: MediaLimit) -> Medium:
    from channels.media import picture

    data = folder.read(medium)
    try:
        made = picture.fit(picture.Cleaned(medium.kind, medium.mime, medium.width, medium.height, data), limit)
        return _put(folder, made, medium.alt)
    except MediaError as error:
        raise Invalid(str(error), ANOTHER) from error


def _put(folder: MediaFolder, made: picture.Cleaned, alt: tuple[Part, ...]) -> Medium:
    medium = Medium(made.digest, made.kind, made.mime, len(made.data), made.width, made.height, alt)
    folder.put(medium, made.data)
    return medium
