"""Small damage to bytes and documents, drawn at random; never nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from dispatcher.domain import canonical

Damage = Callable[[random.Random, bytes], bytes]


def flipped(random_: random.Random, data: bytes) -> bytes:
    """One bit the other way."""
    at = random_.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random_.randrange(8)]) + data[at + 1 :]


def cut(random_: random.Random, data: bytes) -> bytes:
    """Up to four bytes gone."""
    at = random_.randrange(len(data))
    return data[:at] + data[at + random_.randint(1, 4) :]


def put_in(random_: random.Random, data: bytes) -> bytes:
    """Up to four bytes more, of any value or of the document's own."""
    at, size = random_.randrange(len(data) + 1), random_.randint(1, 4)
    own = random_.randrange(len(data) - size)
    more = random_.choice([random_.randbytes(size), data[own : own + size]])
    return data[:at] + more + data[at:]


def swapped(random_: random.Random, data: bytes) -> bytes:
    """Two pieces of one length in each other's place."""
    size = random_.randint(1, 8)
    one, other = sorted(random_.sample(range(len(data) - size), 2))
    other = max(other, one + size)
    between = data[one + size : other]
    return data[:one] + data[other : other + size] + between + data[one : one + size] + data[other + size :]


def retyped(random_: random.Random, data: bytes) -> bytes:
    """Another letter for a letter, another digit for a digit: still a word, still a number."""
    places = [at for at, byte in enumerate(data) if chr(byte).isalnum() and byte < 128]
    at = random_.choice(places)
    words = "0123456789" if chr(data[at]).isdigit() else "abcdefghijklmnopqrstuvwxyz"
    return data[:at] + random_.choice(words).encode() + data[at + 1 :]


def rewritten(random_: random.Random, data: bytes) -> bytes:
    """Another value, a key less, a list in another order: canonical JSON as before."""
    document = json.loads(data)
    at, key = random_.choice(list(_places(document)))
    if isinstance(at, dict) and random_.random() < 0.15:
        del at[key]
    else:
        at[key] = _other(random_, at[key])
    return canonical.encode(document)


BYTES: tuple[Damage, ...] = (flipped, flipped, cut, put_in, swapped, retyped)
JSON: tuple[Damage, ...] = (*BYTES, rewritten, rewritten, rewritten)


def damaged(random_: random.Random, data: bytes, ways: tuple[Damage, ...]) -> bytes:
    """The data, damaged in one of these ways, and never as it was."""
    while (made := random_.choice(ways)(random_, data)) == data:
        pass
    return made


def _places(document: Any) -> Any:
    """Every value in the document: what holds it, and under which key."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(entries):
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _other(random_: random.Random, value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + random_.choice([-1, 1, 1000])
        case str():
            return random_.choice(
                [value + "x", value[1:], "", None, retyped(random_, b"a" + value.encode()).decode()]
            )
        case list():
            return random_.choice([value[::-1], value[1:], value * 2])
        case dict():
            return dict(list(value.items())[1:])
        case _:
            return random_.choice(["", 0, [], "x"])
