"""A database with the roles that the operations' page tells people to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.postgres import PostgresServer
from tests.ops.guarded import guarded_database


@pytest.fixture
def guarded(postgres_server: PostgresServer) -> Iterator[str]:
    """A database where every kind of process has its own role; everybody's address but for the role."""
    with guarded_database(postgres_server) as url:
        yield url
