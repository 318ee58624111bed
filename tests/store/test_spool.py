"""The spool of an import: each row once, in order, on a disk that may be full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dispatcher.store.spool import Spool
from tests.servers import small_disk


def test_a_row_is_kept_once_and_in_order() -> None:
    """The first of two with the same mark stays."""
    with Spool() as spool:
        kept = [spool.add(once, once.decode(), "cy", b"") for once in (b"b", b"a", b"b")]
        assert (kept, spool.count) == ([True, True, False], 2)
        assert list(spool.leaves()) == ["b", "a"]


def test_rows_come_back_in_batches() -> None:
    """As many at a time as asked, the rest at the end."""
    with Spool() as spool:
        for number in range(5):
            spool.add(bytes([number]), str(number), "cy", b"sealed")
        batches = list(spool.batches(2))
    assert [[row["position"] for row in batch] for batch in batches] == [[0, 1], [2, 3], [4]]
    assert batches[2] == [{"position": 4, "leaf": "4", "language": "cy", "sealed": b"sealed"}]


FILLING = """
from dispatcher.store.spool import Spool
with Spool() as spool:
    for number in range(1_000):
        spool.add(str(number).encode(), "", "cy", bytes(64 * 1024))
"""


def test_a_full_disk_is_said_with_what_to_do(tmp_path: Path) -> None:
    """The list may be larger than the room for temporary files, which SQLite looks for once in a process."""
    with small_disk(tmp_path / "small", 1024 * 1024) as place:
        environment = os.environ | {"SQLITE_TMPDIR": str(place)}
        words = [sys.executable, "-c", FILLING]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert "Unavailable: the list cannot be sorted: database or disk is full" in done.stderr
