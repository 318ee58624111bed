"""The names of what there is, for a shell that completes them: a glance, without SQLAlchemy, never a wait.

Only what is in a database of this machine or within a second's reach is told; whatever goes wrong, nothing is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

AT_MOST = 30
WAIT_S = 0.05
CONNECT_S = 1
END = "\U0010ffff"
QUERIES = {
    "incident": "SELECT id, title FROM incidents WHERE id >= {0} AND id < {0} || {1} ORDER BY declared_at DESC",
    "message": (
        "SELECT message, max(incident) FROM revisions WHERE message >= {0} AND message < {0} || {1} "
        "GROUP BY message ORDER BY max(created_at) DESC"
    ),
    "plan": (
        "SELECT substr(digest, 1, 12), state FROM plans WHERE digest >= {0} AND digest < {0} || {1} "
        "ORDER BY created_at DESC"
    ),
    "account": "SELECT id, channel FROM accounts WHERE id >= {0} AND id < {0} || {1} ORDER BY id",
    "device": "SELECT id, account FROM devices WHERE id >= {0} AND id < {0} || {1} ORDER BY id",
    "list": "SELECT id, mode FROM recipient_lists WHERE id >= {0} AND id < {0} || {1} ORDER BY id",
    "delivery": "SELECT id, account FROM deliveries WHERE id >= {0} AND id < {0} || {1} ORDER BY id",
    "task": "SELECT id, kind FROM tasks WHERE id >= {0} AND id < {0} || {1} ORDER BY id",
}
"""Names and what helps to know them, by kind; the newest first where people work with the newest."""


def names(database: str, kind: str, begins: str) -> Sequence[tuple[str, str]]:
    """Names of a kind that begin so, each with a word about it, by a database's URL. Raises what that raises."""
    scheme, _, place = database.partition("://")
    if scheme.startswith("postgresql"):
        return _of_postgresql(f"postgresql://{place}", kind, begins)
    # A relative file would be made where it is missing; read only, it is not.
    address = f"{Path(place.removeprefix('/')).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=WAIT_S)) as connection:
        return _rows(connection.execute(_query(kind, "?1", "?2"), (begins, END)).fetchall())


def _of_postgresql(address: str, kind: str, begins: str) -> Sequence[tuple[str, str]]:
    import psycopg

    with psycopg.connect(address, connect_timeout=CONNECT_S) as connection:
        query = _query(kind, "%(begins)s::text", "%(end)s::text")
        return _rows(connection.execute(query.encode(), {"begins": begins, "end": END}).fetchall())


def _query(kind: str, begins: str, end: str) -> str:
    return f"{QUERIES[kind].format(begins, end)} LIMIT {AT_MOST}"


def _rows(found: Sequence[Any]) -> Sequence[tuple[str, str]]:
    return [(str(name), str(about)) for name, about in found]
