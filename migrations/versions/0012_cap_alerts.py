"""Other people's CAP alerts as received, and the feeds that are watched for them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "cap_alerts",
        *(_text(name) for name in ("id", "mode", "source", "address", "profile")),
        _moment("received_at"),
        *(_text(name) for name in ("received_by", "sha256", "content")),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        *(_text(name) for name in ("sender", "identifier", "sent")),
        _moment("sent_at", nullable=True),
        *(_text(name) for name in ("status", "msg_type", "title", "signer", "verdict")),
        sa.Column("found", sa.JSON(), nullable=False),
        _text("standing"),
        _text("parent", nullable=True),
        _text("incident", nullable=True),
        _moment("decided_at", nullable=True),
        *(_text(name) for name in ("decided_by", "reason")),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_cap_alerts_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap_alerts")),
        sa.UniqueConstraint("mode", "sha256", name=op.f("uq_cap_alerts_mode_sha256")),
    )
    op.create_index("ix_cap_alerts_named", "cap_alerts", ["mode", "sender", "identifier"])
    op.create_index("ix_cap_alerts_standing", "cap_alerts", ["standing"])
    op.create_table(
        "cap_feeds",
        *(_text(name) for name in ("name", "mode")),
        sa.Column("every_s", sa.Integer(), nullable=False),
        _moment("began_at"),
        _moment("due_at"),
        *(_moment(name, nullable=True) for name in ("polled_at", "ok_at")),
        *(_text(name) for name in ("etag", "modified")),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", "mode", name=op.f("pk_cap_feeds")),
    )


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_table("cap_feeds")
    op.drop_index("ix_cap_alerts_standing", "cap_alerts")
    op.drop_index("ix_cap_alerts_named", "cap_alerts")
    op.drop_table("cap_alerts")
