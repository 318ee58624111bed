"""What the public was seen to see of account posts, and when somebody looks again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sightings",
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown", sa.Text(), nullable=True),
        sa.Column("doubt", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name=op.f("fk_sightings_delivery")),
        sa.PrimaryKeyConstraint("delivery", name=op.f("pk_sightings")),
    )
    op.create_index(op.f("ix_sightings_due_at"), "sightings", ["due_at"])


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_table("sightings")
