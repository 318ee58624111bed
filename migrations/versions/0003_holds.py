"""Accounts that get nothing for now, and the way to the deliveries of those that do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "holds",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account", "person", name=op.f("pk_holds")),
    )
    ready = sa.text("state = 'ready'")
    columns = ["plan", "account", "due_at"]
    op.create_index("ix_deliveries_ready", "deliveries", columns, postgresql_where=ready, sqlite_where=ready)


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_index("ix_deliveries_ready", "deliveries")
    op.drop_table("holds")
