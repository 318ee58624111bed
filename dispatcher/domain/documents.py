"""Signed documents: a frozen dataclass is its document, field by field, and reads back from it.

Rules
  1. A dataclass is an object, a tuple a list, a word or time its canonical text, None null. Nothing else is written.
  2. Reading is strict: every field named, none unknown, each of its kind; no value is converted from another kind.
  3. Nothing is defaulted, except in files that people write by hand (``defaults``); there, a numbered word may stand
     by its name. A field marked ``SPARSE`` is written, and may be read, only where it is not its default.

    data = encode("plan/v1", plan)                    # the canonical bytes that people sign
    assert decode(Plan, "plan/v1", data) == plan
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from channels.medium import SPARSE, Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time, parse_time

T = TypeVar("T")
Read: TypeAlias = Callable[[Any], Any]
"""Reads one value of a type out of JSON. Raises _Fault."""


class DocumentError(ValueError):
    """The document is not what its schema says; the message names the key."""


def encode(schema: str, value: object) -> bytes:
    """The canonical bytes of a dataclass as a document of this schema. Raises CanonicalError."""
    return canonical.encode({"schema": schema, **to_json(value)})


def decode(kind: type[T], schema: str, data: bytes) -> T:
    """Read what :func:`encode` wrote. Raises DocumentError or CanonicalError for anything else."""
    return from_document(kind, schema, canonical.decode(data), schema.partition("/")[0])


def from_document(kind: type[T], schema: str, value: Json, where: str, *, defaults: bool = False) -> T:
    """Read a document of this schema; ``where`` names it in messages. Raises DocumentError."""
    if not isinstance(value, dict) or value.get("schema") != schema:
        raise DocumentError(f"{where}: not a {schema} document")
    rest = {key: item for key, item in value.items() if key != "schema"}
    return read(kind, rest, where, defaults=defaults)


def read(kind: type[T], value: Json, where: str, *, defaults: bool = False) -> T:
    """Read a value of a type as rule 1 writes it: a dataclass, enum, time, str, int, bool, and what holds these.

    With ``defaults``, a field that has a default may be left out. Raises DocumentError naming the place.
    """
    found: T = _read(kind, value, where, defaults)
    return found


def to_json(value: Any) -> dict[str, Json]:
    """A dataclass as rules 1 and 3 write it, its fields in order."""
    return {
        field.name: _write(found)
        for field in fields(value)
        if (found := getattr(value, field.name)) != field.default or field.metadata != SPARSE
    }


def _write(value: object) -> Json:
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case datetime():
            return format_time(value)
        case Mapping():
            return {str(key): _write(item) for key, item in value.items()}
        case tuple() | list():
            return [_write(item) for item in value]
        case _:
            return to_json(value)


def _read(kind: Any, value: Any, where: str, defaults: bool) -> Any:
    try:
        return _reader(kind, defaults)(value)
    except _Fault as fault:
        raise DocumentError(f"{where}{fault.place}: {fault.what}") from fault


class _Fault(Exception):
    """What is wrong, and the way to it, which is put together on the way out: most documents have no fault."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.place = ""

    def inside(self, step: str | int) -> _Fault:
        """The same fault, a key or an index further out."""
        self.place = f"[{step}]{self.place}" if isinstance(step, int) else f".{step}{self.place}"
        return self


@cache
def _reader(kind: Any, defaults: bool) -> Read:
    """How a value of this type is read: worked out once for each type, because a sender reads before it sends."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return _optional([one for one in inner if one is not NoneType], defaults)
    if origin is tuple:
        return _tuple(_reader(inner[0], defaults))
    if origin is Mapping:
        return _mapping(_reader(inner[0], False), _reader(inner[1], defaults))
    if is_dataclass(kind):
        return _fields(kind, defaults)
    if kind is datetime:
        return _time
    return _word(kind, defaults) if issubclass(kind, Enum) else _exactly(kind, _NAMES[kind])


def _optional(given: list[Any], defaults: bool) -> Read:
    if len(given) > 1:
        return lambda value: value  # any JSON
    read_one = _reader(given[0], defaults)
    return lambda value: None if value is None else read_one(value)


def _tuple(read_one: Read) -> Read:
    def read_all(value: Any) -> Any:
        items, at = _expect(list, value, "a list"), 0
        try:
            return tuple([read_one(items[at := index]) for index in range(len(items))])
        except _Fault as fault:
            raise fault.inside(at) from None

    return read_all


def _mapping(read_key: Read, read_one: Read) -> Read:
    def read_all(value: Any) -> Any:
        pairs, at = _expect(dict, value, "an object").items(), ""
        try:
            return {read_key(at := key): read_one(item) for key, item in pairs}
        except _Fault as fault:
            raise fault.inside(at) from None

    return read_all


def _fields(kind: Any, defaults: bool) -> Read:
    hints = get_type_hints(kind)
    sparse = {field.name: field.default for field in fields(kind) if field.metadata == SPARSE}
    needed = {f.name for f in fields(kind) if defaults is False or (f.default is MISSING is f.default_factory)}
    needed -= sparse.keys()
    readers = {field.name: _reader(hints[field.name], defaults) for field in fields(kind)}

    def read_all(value: Any) -> Any:
        given, at = _expect(dict, value, "an object").keys(), ""
        if given != readers.keys():
            _compare(given, readers.keys(), needed)
        try:
            made = kind(**{(at := key): readers[key](item) for key, item in value.items()})
        except _Fault as fault:
            raise fault.inside(at) from None
        except ValueError as error:  # the dataclass itself refuses what it was given
            raise _Fault(str(error)) from error
        for key in sparse.keys() & given:
            if getattr(made, key) == sparse[key]:
                raise _Fault(f"{key} is left out where there is none")
        return made

    return read_all


def _compare(given: Set[str], known: Set[str], needed: Set[str]) -> None:
    if unknown := given - known:
        raise _Fault(f"unknown key {min(unknown)!r}")
    if missing := needed - given:
        raise _Fault(f"{min(missing)} is missing")


def _word(kind: type[Enum], defaults: bool) -> Read:
    words: dict[Any, Enum] = {word.value: word for word in kind}
    if defaults and issubclass(kind, int):
        words |= {word.name: word for word in kind}

    def read_one(value: Any) -> Any:
        if type(value) not in (str, int) or value not in words:
            raise _Fault(f"{value!r} is none of {', '.join(map(str, words))}")
        return words[value]

    return read_one


def _exactly(kind: type[T], name: str) -> Read:
    return lambda value: _expect(kind, value, name)


def _time(value: Any) -> datetime:
    try:
        return parse_time(value)
    except ValueError as error:
        raise _Fault(str(error)) from error


_NAMES = {str: "text", int: "an integer", bool: "true or false"}


def _expect(kind: type[T], value: Any, name: str) -> T:
    if type(value) is not kind:  # an exact type: true is no integer
        raise _Fault(f"expected {name}")
    return value


def _given(kind: type[T], value: Any, where: str, name: str) -> T:
    try:
        return _expect(kind, value, name)
    except _Fault as fault:
        raise DocumentError(f"{where}: {fault.what}") from fault


class Reader:
    """Takes typed values out of one JSON object; :meth:`done` refuses what was not asked for."""

    __slots__ = ("_left", "_where")

    def __init__(self, document: Json, where: str) -> None:
        self._left: dict[str, Json] = dict(_given(dict, document, where, "an object"))
        self._where = where

    def raw(self, key: str) -> Json:
        """The value as it is."""
        if key not in self._left:
            raise DocumentError(f"{self._where}: {key} is missing")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        """Whether the key is there and not yet taken."""
        return key in self._left

    def of(self, kind: Any, key: str) -> Any:
        """A value of this type, as :func:`read` reads it."""
        return _read(kind, self.raw(key), f"{self._where}.{key}", False)

    def text(self, key: str) -> str:
        """A text value."""
        return str(self.of(str, key))

    def text_or_none(self, key: str) -> str | None:
        """A text value or null."""
        found: str | None = self.of(str | None, key)
        return found

    def integer(self, key: str) -> int:
        """An integer; booleans are not integers."""
        return int(self.of(int, key))

    def flag(self, key: str) -> bool:
        """True or false."""
        return bool(self.of(bool, key))

    def time(self, key: str) -> datetime:
        """A canonical time."""
        found: datetime = self.of(datetime, key)
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self.of(tuple[str, ...], key))

    def each(self, key: str, read: Callable[[Json, str], T]) -> tuple[T, ...]:
        """A list, each item read by ``read(item, where)``."""
        where = f"{self._where}.{key}"
        items = enumerate(_given(list, self.raw(key), where, "a list"))
        return tuple(read(item, f"{where}[{index}]") for index, item in items)

    def mapping(self, key: str) -> Mapping[str, str]:
        """An object whose values are texts."""
        return dict(self.of(Mapping[str, str], key))

    def schema(self, expected: str) -> None:
        """The document's schema must be ``expected``."""
        if self.text("schema") != expected:
            raise DocumentError(f"{self._where}: not a {expected} document")

    def done(self) -> None:
        """Refuse whatever has not been taken out."""
        if self._left:
            raise DocumentError(f"{self._where}: unknown key {min(self._left)}")
