"""Posts on accounts of ours that this deployment did not send, and when each account is looked at for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "timelines",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_timelines_account")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_timelines")),
    )
    op.create_table(
        "foreign_posts",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_foreign_posts_account")),
        sa.PrimaryKeyConstraint("account", "reference", name=op.f("pk_foreign_posts")),
    )


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_table("foreign_posts")
    op.drop_table("timelines")
