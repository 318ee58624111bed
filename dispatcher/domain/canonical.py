"""Canonical JSON: one document has exactly one sequence of bytes, so that a digest names it.

Rules (reference: approval integrity, 2.2)
  1. UTF-8, keys sorted by code point, no insignificant space, no escapes that JSON does not demand.
  2. Text is NFC. Integers lie within ±(2^53 - 1). No floats, no NaN, no Infinity.
  3. Reading is strict: duplicate keys are refused, and so are bytes that do not re-encode to themselves.
  4. A digest is SHA-256 over ``schema NUL bytes``: a plan can never be mistaken for a statement.
  5. A time is UTC text with six digits of a second; one instant has one spelling.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

from channels.contract import Json

K = TypeVar("K")
MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32


class CanonicalError(ValueError):
    """The value or the bytes cannot be canonical JSON; the message names the place."""


def encode(value: Json) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises CanonicalError for floats, integers beyond 2^53 - 1, text that is not NFC, and depth over 32.
    """
    _check(value, "$", 0)
    return _written(value)


def decode(data: bytes) -> Json:
    """Read canonical JSON strictly. Raises CanonicalError for anything that is not its own canonical form."""
    try:
        text = data.decode("utf-8")
        value: Json = _DECODER.decode(text)
    except CanonicalError:
        raise
    except (ValueError, RecursionError) as error:
        raise CanonicalError(f"not JSON in UTF-8: {error}") from error
    if not (unicodedata.is_normalized("NFC", text) and _is_shallow(value)):
        _check(value, "$", 0)  # a part of NFC is NFC, and the decoder has refused numbers: nothing else is left
    if _written(value) != data:
        raise CanonicalError("not in canonical form: keys unsorted, space, escapes or number forms differ")
    return value


def typed(text: str) -> str:
    """What a person typed, as a document can hold it: in NFC, of letters that UTF-8 has, without space around it."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()).strip()


def digest(schema: str, data: bytes) -> str:
    """Return the hex SHA-256 that names canonical ``data`` of this ``schema``."""
    return hashlib.sha256(schema.encode() + b"\0" + data).hexdigest()


def format_time(value: datetime) -> str:
    """``2026-11-21T18:05:00.123456Z``; always UTC, always six digits. Raises ValueError for a naive time."""
    if value.tzinfo is None:
        raise ValueError("time without a zone")
    return f"{value.astimezone(UTC).isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def parse_time(value: Json) -> datetime:
    """Read exactly what :func:`format_time` writes. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("a time must be text")  # noqa: TRY004 - one error type for every malformed time
    parsed = datetime.fromisoformat(value)
    if f"{value[:-1]}+00:00" != parsed.isoformat(timespec="microseconds") or value[-1] != "Z":
        raise ValueError(f"time not in canonical form: {value}")
    return parsed


def _written(value: Json) -> bytes:
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise CanonicalError("text holds a lone surrogate, which UTF-8 cannot carry") from error


def _is_shallow(value: Json) -> bool:
    """Whether a value is nested no deeper than it may be; level by level, because that is the fast way."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for outer in level
            if isinstance(outer, (dict, list))
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if not isinstance(item, str)
        ]
        if not level:
            return True
    return False


def _check(value: Json, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CanonicalError(f"{path}: nested deeper than {MAX_DEPTH}")
    match value:
        case str():
            _check_text(value, path)
        case int() if abs(value) > MAX_INTEGER:
            raise CanonicalError(f"{path}: integer beyond 2^53 - 1")
        case bool() | int() | None:
            return
        case dict():
            for key in value:
                _check_text(key, path)
            for key, item in _notable(value.items(), depth):
                _check(item, f"{path}.{key}", depth + 1)
        case list():
            for index, item in _notable(enumerate(value), depth):
                _check(item, f"{path}[{index}]", depth + 1)
        case _:
            raise CanonicalError(f"{path}: {type(value).__name__} has no canonical form")


def _notable(items: Iterable[tuple[K, Json]], depth: int) -> list[tuple[K, Json]]:
    """Those in which there is anything to check: most of what is signed is plain ASCII."""
    return [(k, item) for k, item in items if type(item) is not str or not item.isascii() or depth >= MAX_DEPTH]


def _check_text(value: object, path: str) -> None:
    if not isinstance(value, str):
        raise CanonicalError(f"{path}: keys must be text")
    if not value.isascii() and not unicodedata.is_normalized("NFC", value):
        raise CanonicalError(f"{path}: text is not in Unicode NFC; normalise it before it is signed")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise CanonicalError("an object names the same key twice")
    return result


def _integer(token: str) -> int:
    value = int(token)
    if abs(value) > MAX_INTEGER:
        raise CanonicalError(f"{token}: integer beyond 2^53 - 1")
    return value


def _no_float(token: str) -> NoReturn:
    raise CanonicalError(f"{token}: floats have no canonical form; use integers with a unit in the name")


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
)
