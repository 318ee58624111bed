"""What a visitor typed into a form that only asks: read, checked, and kept as it was typed.

Rules
  1. Nothing is guessed: what cannot be read is a fault that names its field and says what to type instead.
  2. Times without an offset are UTC, as all times of the console are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dispatcher.domain import canonical
from dispatcher.domain.errors import DispatcherError

T = TypeVar("T")

LONGEST = 500
"""Characters of a value; the longest name of anything is a digest of 64."""

_AGO = re.compile(r"-([1-9]\d{0,4})([dhm])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the value of a field, and what to do about it."""

    field: str
    says: str


@dataclass
class Asked:
    """The values of a form as typed, and what is wrong with them."""

    values: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        """A value as documents hold it; None for one that is empty or was found faulty."""
        value = canonical.typed(self.values.get(name, ""))
        return value if value and not self.faulty(name) else None

    @property
    def given(self) -> bool:
        """Whether anything was asked for."""
        return any(self.values.values())

    @property
    def narrowed(self) -> bool:
        """Whether anything was asked for besides words."""
        return any(value for name, value in self.values.items() if name != "words")

    def faulty(self, name: str) -> bool:
        """Whether something is wrong with a field."""
        return any(fault.field == name for fault in self.faults)

    def fault(self, name: str, says: str) -> None:
        """Note what is wrong with a field."""
        self.faults.append(Fault(name, says))

    def read(self, name: str, reader: Callable[[str], T]) -> T | None:
        """A value as ``reader`` reads it; None for an empty one, and for one that it refuses, which is noted."""
        value = self.text(name)
        try:
            return None if value is None else reader(value)
        except DispatcherError as error:
            self.fault(name, f"{error.message}. {error.next_step}".removesuffix(". "))
        except ValueError as error:
            self.fault(name, str(error))
        return None


def asked(given: Mapping[str, str], names: Iterable[str]) -> Asked:
    """The values of these fields. Too long ones and ones that nothing can be named are faults."""
    made = Asked({name: given.get(name, "") for name in names})
    for name, value in made.values.items():
        if len(value) > LONGEST:
            made.fault(name, f"This is longer than {LONGEST} characters: no such thing has a name so long")
        elif "\0" in value:
            made.fault(name, "This holds a null character, which no name has: type it again")
    return made


def moment(now: datetime) -> Callable[[str], datetime]:
    """Reads a day, a time or ``-2h``. The reader raises ValueError."""

    def read(text: str) -> datetime:
        if ago := _AGO.fullmatch(text):
            return now - int(ago[1]) * _UNITS[ago[2]]
        try:
            found = datetime.fromisoformat(text)
            return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError("Write a day, a time such as 2026-11-21T18:00 (UTC), or -2h for two hours ago") from None

    return read


def one_of(words: Iterable[str], what: str) -> Callable[[str], str]:
    """Reads one of some words. The reader raises ValueError naming them."""
    known = [str(word) for word in words]

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"There is no such {what}: choose {', '.join(known)}")
        return text

    return read


def number(text: str) -> int:
    """A whole number above 0. Raises ValueError."""
    if not re.fullmatch(r"[1-9]\d{0,17}", text, re.ASCII):
        raise ValueError("This is no place to go on from: take the link, or leave it out")
    return int(text)
