"""Where the rows of an import wait on disk, so that a list of a million is never in memory nor half in the database.

SQLite removes the file itself, also after a crash. What waits there is sealed already.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Self

COLUMNS = ("position", "leaf", "language", "sealed")


class Spool:
    """Sealed recipients in the order they came, each once. Use it as a context manager."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")
        self._rows.execute("CREATE TABLE rows (position INTEGER PRIMARY KEY, leaf, language, sealed, once UNIQUE)")
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._rows.close()

    def add(self, once: bytes, leaf: str, language: str, sealed: bytes) -> bool:
        """Keep a row; False where one with the same ``once`` was kept before."""
        row = (self.count, leaf, language, sealed, once)
        kept = self._rows.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?)", row).rowcount == 1
        self.count += kept
        return kept

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """All rows in order, one at a time."""
        for row in self._rows.execute("SELECT position, leaf, language, sealed FROM rows ORDER BY position"):
            yield dict(zip(COLUMNS, row, strict=True))
