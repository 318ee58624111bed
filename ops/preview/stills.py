"""The pictures of a page: small copies, as ``data:`` addresses, of what is stored under a rendering's digests.

A copy is for looking at a layout. The page says under each what is sent: its pixels, bytes and digest.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING

from channels.capabilities import MediaKind, MediaLimit
from channels.contract import Medium
from channels.media.structure import MediaError
from dispatcher.domain.errors import Unavailable
from dispatcher.sending.media import MediaFolder

if TYPE_CHECKING:  # Pillow and FFmpeg are loaded where there is a picture
    from channels.media import picture

COPY = MediaLimit(MediaKind.PICTURE, ("image/jpeg", "image/png"), 150_000, 640, 960, 1, 0)
"""A copy is at most so large, in bytes and pixels: twice as wide as a card, for sharp screens."""

PAGE_BYTES = 6_000_000
"""All copies of one page together: it goes by e-mail. Beyond that a picture is its alternative text."""


class Stills:
    """The copies of one page, together within its limit; what several accounts carry counts each time."""

    def __init__(self, folder: MediaFolder) -> None:
        self._left = PAGE_BYTES
        self._made = cache(lambda medium: _copied(folder, medium))

    def address(self, medium: Medium) -> str:
        """The ``data:`` address of a copy; empty where the file cannot be read or the page is full."""
        made = self._made(medium)
        if made is None or len(made.data) > self._left:
            return ""
        self._left -= len(made.data)
        return f"data:{made.mime};base64,{b64encode(made.data).decode()}"


def _copied(folder: MediaFolder, medium: Medium) -> picture.Cleaned | None:
    from channels.media import picture

    try:
        data = folder.read(medium)
        if medium.kind is MediaKind.VIDEO:
            from channels.media.video import still

            whole = picture.clean(still(data), exercise=False)
        else:
            whole = picture.Cleaned(medium.kind, medium.mime, medium.width, medium.height, data)
        return picture.fit(whole, COPY)
    except (Unavailable, MediaError):
        return None
