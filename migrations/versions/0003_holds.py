"""Accounts that get nothing for now, and a way to the next deliveries that reads no others."""

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
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index("ix_deliveries_due", "deliveries", ["lane", "mode", "state", "due_at", "id"])
    ready = sa.text("state = 'ready'")
    columns = ["plan", "account", "due_at", "id"]
    op.create_index("ix_deliveries_ready", "deliveries", columns, postgresql_where=ready, sqlite_where=ready)


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_index("ix_deliveries_ready", "deliveries")
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index("ix_deliveries_due", "deliveries", ["lane", "mode", "state", "due_at"])
    op.drop_table("holds")
