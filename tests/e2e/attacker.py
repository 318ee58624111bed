"""Somebody with full write access to SQL and Redis, and with no key that the roster knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis
from sqlalchemy import Connection, Executable, insert, select, text, update

from dispatcher.domain.ids import new_id
from dispatcher.store.database import open_engine
from dispatcher.store.tables import Base, DeliveryRow, DispatchRow, OutboxRow, PlanRow, StatementRow
from tests.builders import drawn
from tests.e2e.deployment import Cleared, Deployment
from tests.servers import until
from workers.broker import NAMESPACE, bell_key, queue_name
from workers.doorbell import redis_url

DRAWN = drawn("attacker")


@dataclass
class Attacker:
    """Writes what he likes past every trigger and foreign key, as the database's owner could."""

    site: Deployment
    connection: Connection
    redis: redis.Redis

    def does(self, statement: Executable) -> Any:
        """Run one SQL statement, committed at once."""
        return self.connection.execute(statement)

    def row(self, table: type[Base], *where: Any) -> dict[str, Any]:
        """The first row that fits, as values."""
        found = self.does(select(table.__table__).where(*where)).first()
        assert found is not None
        return dict(found._mapping)

    def inserts(self, table: type[Base], like: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Insert a row like another one, with changes; returns it."""
        values = {**like, **changes}
        self.does(insert(table).values(**values))
        return values

    def delivery(self, plan: Cleared, **changes: Any) -> str:
        """Insert a delivery like the plan's first, due now, under a new id; returns the id."""
        like = self.row(DeliveryRow, DeliveryRow.plan == plan.digest)
        fresh = {"id": new_id("dly", DRAWN), "state": "ready", "due_at": self.site.desk.now()}
        made: str = self.inserts(DeliveryRow, like, **{**fresh, **changes})["id"]
        return made

    def holds_back(self, plan: Cleared) -> None:
        """Put a plan's deliveries off, so that what follows happens before any of them is looked at."""
        self._due(plan, timedelta(days=1))

    def lets_go(self, plan: Cleared) -> None:
        """Make a plan's deliveries due."""
        self._due(plan, timedelta(0))

    def dispatches(self, plan: Cleared, **changes: Any) -> None:
        """Release a plan by hand: a dispatch in the name of whoever submitted it, and a doorbell for each lane."""
        submit = self.row(StatementRow, StatementRow.subject == plan.digest, StatementRow.kind == "submit")
        about = self.row(PlanRow, PlanRow.digest == plan.digest)
        values = {
            "id": new_id("dsp", DRAWN),
            "plan": plan.digest,
            "incident": plan.incident,
            "mode": about["mode"],
            "released_at": self.site.desk.now(),
            "released_by": "director-1",
            "statement": submit["id"],
        }
        dispatch = self.inserts(DispatchRow, values, **changes)
        self.does(update(PlanRow).where(PlanRow.digest == plan.digest).values(state="released"))
        for lane in ("accounts", "recipients", "tiktok"):
            bell = {"lane": lane, "mode": dispatch["mode"], "dispatch": dispatch["id"]}
            self.does(insert(OutboxRow).values(**bell, created_at=self.site.desk.now()))

    def pushes(self, name: str, message: bytes, lane: str = "accounts") -> None:
        """Put bytes into a lane's queue as Dramatiq's broker would, and ring its bell."""
        queue = f"{NAMESPACE}:{queue_name(lane, 'exercise')}"
        self.redis.hset(f"{queue}.msgs", name, message)
        self.redis.rpush(queue, name)
        self.redis.lpush(bell_key(queue_name(lane, "exercise")), 1)

    def heard(self, lane: str = "accounts") -> None:
        """Wait until the lane has taken everything out of its queue."""
        queue = f"{NAMESPACE}:{queue_name(lane, 'exercise')}"
        until(lambda: not self.redis.llen(queue), f"the lane {lane} has emptied its queue")

    def _due(self, plan: Cleared, wait: timedelta) -> None:
        due = self.site.desk.now() + wait
        self.does(update(DeliveryRow).where(DeliveryRow.plan == plan.digest).values(due_at=due))


@contextmanager
def attacker_on(site: Deployment) -> Iterator[Attacker]:
    """Break in: all triggers dropped, foreign keys off."""
    engine = open_engine(site.desk.settings.database)
    with engine.connect() as connection, redis.Redis.from_url(redis_url(site.desk.settings)) as client:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
            connection.execute(text(f'DROP TRIGGER "{name}"'))
        yield Attacker(site, connection, client)
    engine.dispose()


@contextmanager
def nothing_leaves(site: Deployment) -> Iterator[None]:
    """Hold a block to this: no platform is asked to publish, no alert and no packet appears."""
    before = site.outgoing()
    yield
    assert site.outgoing() == before


def refused(site: Deployment, plan: Cleared, *names: str) -> set[str]:
    """Wait until the ledger has a refusal of every delivery of a plan, or of those named; the clauses all name."""
    wanted = names or tuple(row.id for row in site.rows(plan))

    def found() -> set[str] | None:
        clauses = [site.clauses(name) for name in wanted]
        return set.intersection(*clauses) if all(clauses) else None

    return until(found, f"{len(wanted)} deliveries of {plan.headline} are refused", 30)
