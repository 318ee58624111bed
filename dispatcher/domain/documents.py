"""Reading signed documents strictly: every key named, none unknown, each of its kind.

A document that reads back to the same canonical bytes is the document that was signed; nothing is defaulted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from channels.contract import Json
from dispatcher.domain.statement import parse_time

T = TypeVar("T")


class DocumentError(ValueError):
    """The document is not what its schema says; the message names the key."""


class Reader:
    """Takes typed values out of one JSON object; :meth:`done` refuses what was not asked for."""

    __slots__ = ("_left", "_where")

    def __init__(self, document: Json, where: str) -> None:
        if not isinstance(document, dict):
            raise DocumentError(f"{where}: expected an object")
        self._left: dict[str, Json] = dict(document)
        self._where = where

    def raw(self, key: str) -> Json:
        """The value as it is."""
        if key not in self._left:
            raise DocumentError(f"{self._where}: {key} is missing")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        """Whether the key is there and not yet taken."""
        return key in self._left

    def text(self, key: str) -> str:
        """A text value."""
        value = self.raw(key)
        if not isinstance(value, str):
            raise DocumentError(f"{self._where}.{key}: expected text")
        return value

    def text_or_none(self, key: str) -> str | None:
        """A text value or null."""
        value = self.raw(key)
        if value is not None and not isinstance(value, str):
            raise DocumentError(f"{self._where}.{key}: expected text or null")
        return value

    def integer(self, key: str) -> int:
        """An integer; booleans are not integers."""
        value = self.raw(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise DocumentError(f"{self._where}.{key}: expected an integer")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.raw(key)
        if not isinstance(value, bool):
            raise DocumentError(f"{self._where}.{key}: expected true or false")
        return value

    def time(self, key: str) -> datetime:
        """A canonical time."""
        try:
            return parse_time(self.raw(key))
        except ValueError as error:
            raise DocumentError(f"{self._where}.{key}: {error}") from error

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return self.each(key, _as_text)

    def each(self, key: str, read: Callable[[Json, str], T]) -> tuple[T, ...]:
        """A list, each item read by ``read(item, where)``."""
        value = self.raw(key)
        if not isinstance(value, list):
            raise DocumentError(f"{self._where}.{key}: expected a list")
        return tuple(read(item, f"{self._where}.{key}[{index}]") for index, item in enumerate(value))

    def mapping(self, key: str) -> Mapping[str, str]:
        """An object whose values are texts."""
        value = self.raw(key)
        if not isinstance(value, dict):
            raise DocumentError(f"{self._where}.{key}: expected an object")
        return {name: _as_text(item, f"{self._where}.{key}.{name}") for name, item in value.items()}

    def schema(self, expected: str) -> None:
        """The document's schema must be ``expected``."""
        if self.text("schema") != expected:
            raise DocumentError(f"{self._where}: not a {expected} document")

    def done(self) -> None:
        """Refuse whatever has not been taken out."""
        if self._left:
            raise DocumentError(f"{self._where}: unknown key {min(self._left)}")


def _as_text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise DocumentError(f"{where}: expected text")
    return value
