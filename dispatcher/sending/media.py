"""The folder of media: each file under the digest of its bytes, written once, read with the digest checked.

Whoever attaches and whoever sends share it; where they are different hosts, it is on storage that they share. It is
never in SQL, and nobody believes it: what is signed is the digest.
"""

from __future__ import annotations

from pathlib import Path

from channels.contract import Medium, Rendering
from channels.media.carried import file_name
from channels.media.structure import digest_of, residue
from dispatcher.domain.errors import Unavailable
from dispatcher.sending.credentials import write_private

MEND = "put the media folder back as it was, or attach the file again and submit a new plan"


class MediaFolder:
    """Files by digest, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, medium: Medium) -> Path:
        """Where a medium's bytes are, or would be."""
        return self._folder / file_name(medium)

    def put(self, medium: Medium, data: bytes) -> None:
        """Write a medium's bytes, whole and to the disk; nothing to do where they are there."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self.read(medium)
        except Unavailable:
            write_private(self.file(medium), data)

    def read(self, medium: Medium) -> bytes:
        """A medium's bytes: of this digest, and nothing in them but pixels. Raises Unavailable."""
        try:
            data = self.file(medium).read_bytes()
        except OSError as error:
            raise Unavailable(f"{_name(medium)} cannot be read ({error.strerror})", MEND) from error
        if digest_of(data) != medium.digest or len(data) != medium.size:
            raise Unavailable(f"{_name(medium)} is not what it was when it was attached", MEND)
        if found := residue(data):
            raise Unavailable(f"{_name(medium)} carries {', '.join(found)}", MEND)
        return data

    def read_all(self, rendering: Rendering) -> dict[str, bytes]:
        """The bytes of a rendering's media by digest. Raises Unavailable."""
        return {medium.digest: self.read(medium) for medium in rendering.media}

    def fault(self, rendering: Rendering | None) -> str | None:
        """Why the media of a rendering cannot be sent, or None."""
        try:
            for medium in rendering.media if rendering else ():
                self.read(medium)
        except Unavailable as error:
            return error.message
        return None


def _name(medium: Medium) -> str:
    return f"the {medium.kind} {medium.digest.removeprefix('sha256:')[:12]}"
