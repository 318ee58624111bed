"""Alerts of others move as their lifecycle says, like everything else that moves."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BEGIN = "NEW.standing NOT IN ('opened', 'attached', 'held', 'recorded', 'refused')"
MOVE = (
    "OLD.standing <> NEW.standing AND (OLD.standing || '>' || NEW.standing) NOT IN ("
    "'refused>held', 'refused>recorded', 'refused>opened', 'refused>attached', 'held>opened', 'held>attached', "
    "'held>recorded', 'held>dismissed', 'attached>answered', 'attached>dismissed')"
)


def upgrade() -> None:
    """Apply."""
    _refuse("begin", "INSERT", BEGIN, "a row cannot begin in this state")
    _refuse("move", "UPDATE", MOVE, "the lifecycle has no such move")


def _refuse(name: str, action: str, when: str, message: str) -> None:
    if _sqlite():
        body = f"BEGIN SELECT RAISE(ABORT, 'cap_alerts: {message}'); END"
        op.execute(f"CREATE TRIGGER cap_alerts_{name} BEFORE {action} ON cap_alerts WHEN {when} {body}")
        return
    body = f"$$ BEGIN RAISE EXCEPTION 'cap_alerts: {message}'; END $$"
    op.execute(f"CREATE FUNCTION cap_alerts_{name}() RETURNS trigger LANGUAGE plpgsql AS {body}")
    row = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION cap_alerts_{name}()"
    op.execute(f"CREATE TRIGGER cap_alerts_{name} BEFORE {action} ON cap_alerts {row}")


def downgrade() -> None:
    """Undo: for tests and empty databases only."""
    for name in ("begin", "move"):
        op.execute(f"DROP TRIGGER cap_alerts_{name}" + ("" if _sqlite() else " ON cap_alerts"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION cap_alerts_{name}()")


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")
