"""The groups that each account is in, such as all-police or wales."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("accounts", sa.Column("in_groups", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_column("accounts", "in_groups")
