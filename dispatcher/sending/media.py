"""The folder of media: each file under the digest of its bytes, written once, read with the digest checked.

Whoever attaches and whoever sends share it; where they are different hosts, it is on storage that they share. It is
never in SQL, and nobody believes it: what is signed is the digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from channels.contract import Caption, Medium, Rendering
from channels.media.carried import file_name
from channels.media.residue import residue
from channels.media.structure import digest_of
from dispatcher.domain.errors import Unavailable
from dispatcher.sending.credentials import write_private

MEND = "put the media folder back as it was, or attach the file again and submit a new plan"


class MediaFolder:
    """Files by digest, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sound: set[tuple[str, int, int, int]] = set()

    def file(self, stored: Medium | Caption) -> Path:
        """Where the bytes of a medium or of captions are, or would be."""
        return self._folder / file_name(stored)

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
        """Why the media of a rendering cannot be sent, or None. A file that was read before is not read again.

        It is asked of every order, and a video is large; whoever sends reads the bytes once more.
        """
        try:
            for stored in _stored(rendering) if rendering else ():
                stamp = self._stamp(stored)
                if stamp is None or stamp not in self._sound:
                    self.read(stored)
                    self._sound |= {stamp} if stamp else set()
        except Unavailable as error:
            return error.message
        return None

    def _stamp(self, stored: Medium | Caption) -> tuple[str, int, int, int] | None:
        """What a file's bytes are known again by; None where there is no file."""
        try:
            found = self.file(stored).stat()
        except OSError:
            return None
        return (stored.digest, found.st_ino, found.st_mtime_ns, found.st_size)


def _stored(rendering: Rendering) -> Iterator[Medium | Caption]:
    for medium in rendering.media:
        yield medium
        yield from medium.captions


def _name(stored: Medium | Caption) -> str:
    kind = f"file of captions in {stored.language}," if isinstance(stored, Caption) else stored.kind
    return f"the {kind} {stored.digest.removeprefix('sha256:')[:12]}"
