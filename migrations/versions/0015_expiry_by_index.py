"""What has run out of time is found by an index, however much waits that has not.

The leader asks every second, with SQLite's write lock in its hand, and read whatever was ready: all of a million.
Nothing that waits is leased, so its entries stand together in the index of leases, and now in the order of their end.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _lease_index("state", "lease_until", "expires_at")


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    _lease_index("state", "lease_until")


def _lease_index(*columns: str) -> None:
    op.drop_index("ix_deliveries_lease", "deliveries")
    op.create_index("ix_deliveries_lease", "deliveries", list(columns))
