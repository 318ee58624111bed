"""What a reader wants of a record, whether of the ledger's entries or of the roles' log lines. Pure.

Rules
  1. Everything that is asked must fit; what is not asked fits.
  2. Incidents, plans and deliveries are found by a beginning of their names, wherever an entry names its subject:
     under the thing's own name, its plural, ``subject`` or ``target``. Accounts, channels and clauses by their whole
     names.
  3. A person is found wherever their id stands, whatever it stands under.
  4. Words are looked for in everything that an entry says, in capitals or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PLURALS = {
    "incident": "incidents",
    "channel": "channels",
    "account": "accounts",
    "delivery": "deliveries",
    "plan": "plans",
    "clause": "clauses",
}
"""What can be asked for by name, with what a list of such is called."""

WHOLE = ("channel", "account", "clause")
"""Names too short to be shortened: ``x`` is a channel."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """``kinds`` are whole kinds (``plan.released``) or families (``statement.``); times are [since, until)."""

    incident: str | None = None
    channel: str | None = None
    account: str | None = None
    delivery: str | None = None
    plan: str | None = None
    clause: str | None = None
    person: str | None = None
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()

    def fits(self, kind: str, at: datetime, facts: Mapping[str, Any]) -> bool:
        """Whether an entry of this kind, at this time, that says this, is wanted."""
        return self._in_time(at) and self._of_kind(kind) and (not self._asks or self._said(kind, facts))

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are asked for and that JSON writes as they are: only an entry with all of them can fit."""
        asked = (self.person, *(getattr(self, name) for name in PLURALS))
        return tuple(name for name in asked if name and re.fullmatch(r"[\w.:-]+", name, re.ASCII))

    def _in_time(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def _of_kind(self, kind: str) -> bool:
        families = tuple(family for family in self.kinds if family.endswith("."))
        return not self.kinds or kind in self.kinds or kind.startswith(families)

    @property
    def _asks(self) -> bool:
        """Whether anything is asked of what an entry says."""
        return bool(self.person or self.words or any(getattr(self, name) for name in PLURALS))

    def _said(self, kind: str, facts: Mapping[str, Any]) -> bool:
        told = list(_told(facts))
        if self.person and all(value != self.person for _, value in told):
            return False
        text = "\n".join([kind, *(value for _, value in told)]).casefold()
        return all(word.casefold() in text for word in self.words) and all(
            self._names(name, asked, told) for name in PLURALS if (asked := getattr(self, name))
        )

    def _names(self, name: str, asked: str, told: list[tuple[str, str]]) -> bool:
        under = (name, PLURALS[name], "subject", "target")
        found = (value for key, value in told if key in under)
        return any(value == asked if name in WHOLE else value.startswith(asked) for value in found)


def _told(value: Any, under: str = "") -> Iterator[tuple[str, str]]:
    """Every plain value, as text, with the name it stands under."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _told(item, key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _told(item, under)
    elif value is not None:
        yield under, str(value)
