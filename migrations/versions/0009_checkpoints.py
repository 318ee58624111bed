"""The ledger's signed heads, and which entries each took in. Rows of the ledger keep each part of an entry once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

GUARDS = (
    ("fixed", "UPDATE", "rows of this table never change"),
    ("kept", "DELETE", "rows of this table are never deleted"),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoints")),
    )
    for name, action, message in GUARDS:
        _refuse(name, action, f"checkpoints: {message}")


def _refuse(name: str, action: str, message: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        body = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        op.execute(f"CREATE TRIGGER checkpoints_{name} BEFORE {action} ON checkpoints {body}")
        return
    body = f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    op.execute(f"CREATE FUNCTION checkpoints_{name}() RETURNS trigger LANGUAGE plpgsql AS {body}")
    row = f"FOR EACH ROW EXECUTE FUNCTION checkpoints_{name}()"
    op.execute(f"CREATE TRIGGER checkpoints_{name} BEFORE {action} ON checkpoints {row}")


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    for name, _, _ in GUARDS:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER checkpoints_{name}")
        else:
            op.execute(f"DROP FUNCTION checkpoints_{name}() CASCADE")
    op.drop_table("checkpoints")
