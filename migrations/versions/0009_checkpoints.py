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
    _unique_by("uq_ledger_writer_sequence", "uq_ledger_sequence_writer", ["sequence", "writer"])
    for name, action, message in GUARDS:
        _refuse("checkpoints", name, action, message)


def _unique_by(old: str, new: str, columns: list[str]) -> None:
    """By its sequence first a row goes to the index's end, whoever wrote it: that halves the index on PostgreSQL.

    SQLite can only do that to a copy of the table, which takes its triggers along.
    """
    with op.batch_alter_table("ledger") as batch:
        batch.drop_constraint(op.f(old), type_="unique")
        batch.create_unique_constraint(op.f(new), columns)
    if op.get_bind().dialect.name == "sqlite":
        for name, action, message in GUARDS:
            _refuse("ledger", name, action, message)


def _refuse(table: str, name: str, action: str, message: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        body = f"BEGIN SELECT RAISE(ABORT, '{table}: {message}'); END"
        op.execute(f"CREATE TRIGGER {table}_{name} BEFORE {action} ON {table} {body}")
        return
    body = f"$$ BEGIN RAISE EXCEPTION '{table}: {message}'; END $$"
    op.execute(f"CREATE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS {body}")
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {action} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_{name}()"
    )


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    for name, _, _ in GUARDS:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER checkpoints_{name}")
        else:
            op.execute(f"DROP FUNCTION checkpoints_{name}() CASCADE")
    op.drop_table("checkpoints")
    _unique_by("uq_ledger_sequence_writer", "uq_ledger_writer_sequence", ["writer", "sequence"])
