"""SSH's binary encoding (RFC 4251, 5): lengths in four bytes, big end first; nothing may trail."""

from __future__ import annotations

from dispatcher.statements.errors import SshsigError


def uint32(value: int) -> bytes:
    """Four bytes, big end first."""
    return value.to_bytes(4, "big")


def string(data: bytes) -> bytes:
    """A length, then the bytes."""
    return uint32(len(data)) + data


class WireReader:
    """Takes values off the front of a blob. Raises SshsigError for a short read and, in :meth:`end`, for a rest."""

    __slots__ = ("_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what

    def take(self, length: int) -> bytes:
        """Exactly ``length`` bytes."""
        if length > len(self._data):
            raise SshsigError(f"{self._what} is cut short", "Copy it again, whole.")
        taken, self._data = self._data[:length], self._data[length:]
        return taken

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def uint32(self) -> int:
        """Four bytes, big end first."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """A length, then that many bytes."""
        return self.take(self.uint32())

    def end(self) -> None:
        """Refuse bytes that nobody asked for."""
        if self._data:
            raise SshsigError(f"{self._what} has {len(self._data)} bytes too many", "Copy it again, whole.")
