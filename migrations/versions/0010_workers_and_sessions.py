"""Who works and who watches: the registry of processes, sessions of the console, traces, and an index to count by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COUNTED = ["plan", "state", "kind", "channel", "account", "attempts"]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "workers",
        sa.Column("owner", sa.Text(), nullable=False),
        *(_text(name) for name in ("role", "mode", "host", "version")),
        sa.Column("pid", sa.Integer(), nullable=False),
        _moment("started_at"),
        _moment("seen_at"),
        _text("doing"),
        _moment("doing_since", nullable=True),
        sa.Column("in_flight", sa.Integer(), nullable=False, server_default="0"),
        _moment("heard_at", nullable=True),
        _moment("stopped_at", nullable=True),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_seen", "workers", ["seen_at"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        *(_text(name) for name in ("person", "name", "role", "issuer", "subject")),
        _moment("made_at"),
        _moment("seen_at"),
        _moment("expires_at"),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.add_column("dispatches", sa.Column("traceparent", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_deliveries_counts", "deliveries", COUNTED)


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_index("ix_deliveries_counts", "deliveries")
    op.drop_column("dispatches", "traceparent")
    op.drop_table("sessions")
    op.drop_index("ix_workers_seen", "workers")
    op.drop_table("workers")
