"""Where the rows of an import wait on disk, so that a list of a million is never in memory nor half in the database.

SQLite removes the file itself, also after a crash. What waits there is sealed already.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from dispatcher.domain.errors import Unavailable

COLUMNS = ("position", "leaf", "language", "sealed")


class Spool:
    """Sealed recipients in the order they came, each once. Use it as a context manager. Raises Unavailable."""

    def __init__(self) -> None:
        with _room():
            self._rows = sqlite3.connect("", isolation_level=None)
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32000"):
                self._rows.execute(f"PRAGMA {pragma}")
            self._rows.execute(
                "CREATE TABLE rows (position INTEGER PRIMARY KEY, leaf, language, sealed, once UNIQUE)"
            )
            self._rows.execute("BEGIN")
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._rows.close()

    def add(self, once: bytes, leaf: str, language: str, sealed: bytes) -> bool:
        """Keep a row; False where one with the same ``once`` was kept before."""
        row = (self.count, leaf, language, sealed, once)
        with _room():
            kept = self._rows.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?)", row).rowcount == 1
        self.count += kept
        return kept

    def leaves(self) -> Iterator[str]:
        """The leaf of each row, in order."""
        yield from (leaf for (leaf,) in self._rows.execute("SELECT leaf FROM rows ORDER BY position"))

    def batches(self, size: int) -> Iterator[list[Mapping[str, Any]]]:
        """All rows in order, as many at a time."""
        cursor = self._rows.execute(f"SELECT {', '.join(COLUMNS)} FROM rows ORDER BY position")  # noqa: S608
        while rows := cursor.fetchmany(size):
            yield [dict(zip(COLUMNS, row, strict=True)) for row in rows]


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(
            f"the list cannot be sorted: {error}. Nothing was imported.",
            "make room in the folder for temporary files, or name another in SQLITE_TMPDIR, and import again",
        ) from error
