"""The Merkle tree of a recipient list, kept from its import on, and when its rows were purged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("recipient_lists", sa.Column("block_roots", sa.LargeBinary(), nullable=True))
    op.add_column("recipient_lists", sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_column("recipient_lists", "purged_at")
    op.drop_column("recipient_lists", "block_roots")
