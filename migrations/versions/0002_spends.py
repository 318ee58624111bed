"""What paid plans may cost: reserved, committed, reconciled or freed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BEGIN = "NEW.state <> 'reserved'"
MOVE = (
    "OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN "
    "('reserved>committed', 'reserved>freed', 'committed>reconciled')"
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "spends",
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("billed", sa.BigInteger(), nullable=True),
        sa.Column("invoice", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["plan"], ["plans.digest"], name=op.f("fk_spends_plan")),
        sa.PrimaryKeyConstraint("plan", "channel", name=op.f("pk_spends")),
    )
    _refuse("begin", "INSERT", BEGIN, "a row cannot begin in this state")
    _refuse("move", "UPDATE", MOVE, "the lifecycle has no such move")


def _refuse(name: str, action: str, when: str, message: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        body = f"BEGIN SELECT RAISE(ABORT, 'spends: {message}'); END"
        op.execute(f"CREATE TRIGGER spends_{name} BEFORE {action} ON spends WHEN {when} {body}")
        return
    body = f"$$ BEGIN RAISE EXCEPTION 'spends: {message}'; END $$"
    op.execute(f"CREATE FUNCTION spends_{name}() RETURNS trigger LANGUAGE plpgsql AS {body}")
    row = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION spends_{name}()"
    op.execute(f"CREATE TRIGGER spends_{name} BEFORE {action} ON spends {row}")


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    op.drop_table("spends")
    if op.get_bind().dialect.name != "sqlite":
        for name in ("begin", "move"):
            op.execute(f"DROP FUNCTION spends_{name}()")
