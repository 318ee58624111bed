"""Checkpoints: the ledger's signed head, in the formats that other people's tools read.

Rules (C2SP: signed-note, tlog-checkpoint, tlog-cosignature)
  1. A note is text, an empty line, and signature lines: ``— NAME BASE64(key id ‖ signature)``.
  2. A checkpoint's text is the log's origin, its size, its root in base64, and here the time as an extension line.
  3. A key id is the first four bytes of SHA-256 over name, newline, algorithm (1 a log's, 4 a witness's) and key.
  4. A witness signs ``cosignature/v1``, the time in seconds, and the text: that it saw this head, and none before it
     that this one did not grow from.

The same in a file, one note after another::

    dispatcher-ledger/example-city
    1207
    qqTb0rfyhBuZIBKKxGU6FZvRuKf8VDnlPDg9wdPU6pI=
    time 2026-11-22T18:05:00.123456Z

    — dispatcher-ledger/example-city 4n8f2Q…
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from dispatcher.domain.canonical import format_time, parse_time
from dispatcher.domain.merkle import HASH

LOG, WITNESS = b"\x01", b"\x04"
"""Algorithms of the specification: a log's Ed25519 signature, and a witness's."""

Sign = Callable[[bytes], bytes]
"""A plain Ed25519 signature over bytes."""

_KEY_ID, _SECONDS, _ED25519 = 4, 8, 64
_WHOLE = (_KEY_ID + _ED25519, _KEY_ID + _SECONDS + _ED25519)
"""Bytes of a log's signature line and of a witness's: one that was cut off is none."""
_NAME = re.compile(r"[^\s+]+")
_DASH = "— "
_NOTE = re.compile(rf"^[^\n]+\n[0-9]+\n(?:[^\n]+\n)+\n(?:{_DASH}[^\n]+\n)+", re.MULTILINE)


class NoteRefused(ValueError):
    """The text is no checkpoint, or not signed as it has to be; the message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: ``root`` is that of its first ``size`` entries."""

    origin: str
    size: int
    root: bytes
    at: datetime

    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\ntime {format_time(self.at)}\n"

    @property
    def head(self) -> str:
        """As a statement embeds it: ``SIZE:ROOT`` in hex."""
        return f"{self.size}:{self.root.hex()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint with its signature lines, as (name, key id ‖ signature)."""

    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes], ...]

    def verify(self, name: str, point: bytes) -> None:
        """See that the log of this name and public key signed it. Raises NoteRefused."""
        if self.checkpoint.origin != name:
            raise NoteRefused(f"it is a checkpoint of {self.checkpoint.origin}, not of {name}")
        for signed_by, raw in self.signatures:
            if signed_by == name and raw[:_KEY_ID] == key_id(name, LOG, point):
                _check(point, self.checkpoint.text().encode(), raw[_KEY_ID:])
                return
        raise NoteRefused(f"it is not signed with the key of {name}")

    def seen_at(self, name: str, point: bytes) -> datetime:
        """When the witness of this name and public key saw it. Raises NoteRefused."""
        for signed_by, raw in self.signatures:
            if signed_by == name and raw[:_KEY_ID] == key_id(name, WITNESS, point):
                seconds = raw[_KEY_ID : _KEY_ID + _SECONDS]
                at = datetime.fromtimestamp(int.from_bytes(seconds), UTC)
                _check(point, _witnessed(at, self.checkpoint), raw[_KEY_ID + _SECONDS :])
                return at
        raise NoteRefused(f"no witness {name} signed it with this key")


def origin_of(deployment: str) -> str:
    """The name of a deployment's log."""
    return f"dispatcher-ledger/{deployment}"


def key_id(name: str, algorithm: bytes, point: bytes) -> bytes:
    """Four bytes that say which key of a name signed."""
    return hashlib.sha256(name.encode() + b"\n" + algorithm + point).digest()[:_KEY_ID]


def seal(checkpoint: Checkpoint, point: bytes, sign: Sign) -> str:
    """The note of a checkpoint, signed by its log."""
    text = checkpoint.text()
    return f"{text}\n{_line(checkpoint.origin, key_id(checkpoint.origin, LOG, point) + sign(text.encode()))}"


def cosign(note: str, name: str, point: bytes, sign: Sign, at: datetime) -> str:
    """The note with a witness's signature below. Raises NoteRefused for a name that notes cannot hold."""
    if not _NAME.fullmatch(name):
        raise NoteRefused(f"{name!r} cannot name a witness: no spaces, no plus")
    signature = sign(_witnessed(at, read_note(note).checkpoint))
    seconds = int(at.timestamp()).to_bytes(_SECONDS)
    return note + _line(name, key_id(name, WITNESS, point) + seconds + signature)


def read_note(note: str) -> Note:
    """Read one note; whether a signature holds is asked of it. Raises NoteRefused."""
    text, _, lines = note.partition("\n\n")
    if not lines.endswith("\n"):
        raise NoteRefused("no signed checkpoint: text, an empty line, signatures")
    return Note(_read(f"{text}\n"), tuple(map(_signature, lines.splitlines())))


def split_notes(text: str) -> Iterator[str]:
    """The whole notes of a file that holds one after another; what was cut off in the middle is none."""
    return (found[0] for found in _NOTE.finditer(text))


def _read(text: str) -> Checkpoint:
    try:
        origin, size, root, time = text.splitlines()
        checkpoint = Checkpoint(origin, int(size), base64.b64decode(root), parse_time(time.removeprefix("time ")))
    except ValueError as error:
        raise NoteRefused(f"no checkpoint: {error}") from error
    if checkpoint.text() != text or len(checkpoint.root) != HASH or checkpoint.size < 1:
        raise NoteRefused("no checkpoint: not written as one is")
    return checkpoint


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise NoteRefused(f"no signature line: {error}") from error
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(raw) not in _WHOLE:
        raise NoteRefused("no signature line: a dash, a name, and a whole Ed25519 signature in base64")
    return name, raw


def _line(name: str, raw: bytes) -> str:
    return f"{_DASH}{name} {base64.b64encode(raw).decode()}\n"


def _witnessed(at: datetime, checkpoint: Checkpoint) -> bytes:
    return f"cosignature/v1\ntime {int(at.timestamp())}\n{checkpoint.text()}".encode()


def _check(point: bytes, message: bytes, signature: bytes) -> None:
    try:
        VerifyKey(point).verify(message, signature)
    except (BadSignatureError, ValueError) as error:
        raise NoteRefused("its signature does not hold over it") from error
