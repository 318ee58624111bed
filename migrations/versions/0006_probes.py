"""What probing an account last showed, when it is probed next, and when its credential ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Live accounts that there are already are probed at once."""
    op.create_table(
        "probes",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("quota", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_probes_account")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_probes")),
    )
    due = "CASE WHEN mode = 'live' THEN created_at END"
    op.execute(f"INSERT INTO probes (account, due_at, detail, quota) SELECT id, {due}, '', '' FROM accounts")  # noqa: S608


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_table("probes")
