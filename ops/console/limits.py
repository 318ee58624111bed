"""How many streams may be open: so many per session, so many in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from dispatcher.domain.errors import Unavailable

PER_SESSION = 20
IN_ALL = 1_000


class TooMany(Unavailable):
    """No more streams are opened; the page goes on by asking now and then."""

    word = "too_many"


class Limits:
    """Counts the streams that are open."""

    def __init__(self, per_session: int = PER_SESSION, in_all: int = IN_ALL) -> None:
        self._per_session, self._in_all = per_session, in_all
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many are open now."""
        return self._open.total()

    def check(self, session: str) -> None:
        """Raises TooMany where one more would be too many."""
        if self._open[session] >= self._per_session:
            raise TooMany(
                f"{self._per_session} live pages are open in this session", "close some; this one asks now and then"
            )
        if self.open >= self._in_all:
            raise TooMany(f"{self._in_all} live pages are open on this console", "this one asks now and then instead")

    @contextmanager
    def place(self, session: str) -> Iterator[None]:
        """Hold one place while a stream is open. Raises TooMany."""
        self.check(session)
        self._open[session] += 1
        try:
            yield
        finally:
            self._open[session] -= 1
            self._open += Counter()  # sessions that are gone leave nothing behind
