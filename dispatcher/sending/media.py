"""The folder of media: each file under the digest of its bytes, written once, read with the digest checked.

Whoever attaches and whoever sends share it; where they are different hosts, it is on storage that they share. It is
never in SQL, and nobody believes it: what is signed is the digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from channels.contract import Caption, Medium, Rendering
from channels.media.residue import residue
from channels.media.structure import MP4, digest_of
from dispatcher.domain.errors import Unavailable
from dispatcher.sending.credentials import write_private

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", MP4: ".mp4"}
MEND = "put the media folder back as it was, or attach the file again and submit a new plan"


class MediaFolder:
    """Files by digest, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, stored: Medium | Caption) -> Path:
        """Where the bytes of a medium or of captions are, or would be."""
        suffix = ".vtt" if isinstance(stored, Caption) else SUFFIXES.get(stored.mime, "")
        return self._folder / f"{stored.digest.removeprefix('sha256:')}{suffix}"

    def put(self, stored: Medium | Caption, data: bytes) -> None:
        """Write the bytes of a medium or of captions, whole and to the disk; nothing to do where they are there."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self.read(stored)
        except Unavailable:
            write_private(self.file(stored), data)

    def read(self, stored: Medium | Caption) -> bytes:
        """The bytes of a medium or of captions: of this digest, and nothing in them but what is shown.

        Raises Unavailable.
        """
        try:
            data = self.file(stored).read_bytes()
        except OSError as error:
            raise Unavailable(f"{_name(stored)} cannot be read ({error.strerror})", MEND) from error
        if digest_of(data) != stored.digest or len(data) != stored.size:
            raise Unavailable(f"{_name(stored)} is not what it was when it was attached", MEND)
        if found := residue(data):
            raise Unavailable(f"{_name(stored)} carries {', '.join(found)}", MEND)
        return data

    def read_all(self, rendering: Rendering) -> dict[str, bytes]:
        """The bytes of a rendering's media and captions by digest. Raises Unavailable."""
        return {stored.digest: self.read(stored) for stored in _stored(rendering)}

    def fault(self, rendering: Rendering | None) -> str | None:
        """Why the media of a rendering cannot be sent, or None."""
        try:
            for stored in _stored(rendering) if rendering else ():
                self.read(stored)
        except Unavailable as error:
            return error.message
        return None


def _stored(rendering: Rendering) -> Iterator[Medium | Caption]:
    for medium in rendering.media:
        yield medium
        yield from medium.captions


def _name(stored: Medium | Caption) -> str:
    kind = f"file of captions in {stored.language}," if isinstance(stored, Caption) else stored.kind
    return f"the {kind} {stored.digest.removeprefix('sha256:')[:12]}"
