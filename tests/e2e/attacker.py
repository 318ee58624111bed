"""Somebody with full write access to SQL and Redis, and with no key that the roster knows.

A forgery is a named function of an attacker and a plan that honest people made first (``prepare``): it writes what it
likes, and returns the deliveries that must be refused, by default all of the plan's. A module's forgeries are a
:class:`Campaign`; one is carried out so::

    plan = prepare(attacker)              # honest: submitted, cleared, released, sent …
    attack(attacker, plan)                # written past every trigger and foreign key
    the rest of what makes a lane look    # a dispatch, a doorbell, deliveries that are due
    refused(…)                            # every delivery, on record, with the clause
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import redis
from sqlalchemy import Connection, Executable, Table, insert, select, text, update

from dispatcher.domain.ids import new_id
from dispatcher.domain.statement import Envelope, Statement, StatementKind
from dispatcher.statements.signing import KeyFileSigner, Signer, sign
from dispatcher.store.database import open_engine
from dispatcher.store.tables import DELIVERIES, DISPATCHES, OUTBOX, PLANS, STATEMENTS
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

    def row(self, table: Table, *where: Any) -> dict[str, Any]:
        """The first row that fits, as values."""
        found = self.does(select(table).where(*where)).first()
        assert found is not None
        return dict(found._mapping)

    def inserts(self, table: Table, like: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Insert a row like another one, with changes; returns it."""
        values = {**like, **changes}
        self.does(insert(table).values(**values))
        return values

    def delivery(self, plan: Cleared, /, **changes: Any) -> str:
        """Insert a delivery like the plan's first, due now, under a new id; returns the id."""
        like = self.row(DELIVERIES, DELIVERIES.c.plan == plan.digest)
        fresh = {"id": new_id("dly", DRAWN), "state": "ready", "due_at": self.site.desk.now()}
        made: str = self.inserts(DELIVERIES, like, **{**fresh, **changes})["id"]
        return made

    def holds_back(self, plan: Cleared) -> None:
        """Put a plan's deliveries off, so that what follows happens before any of them is looked at."""
        self._due(plan, timedelta(days=1))

    def lets_go(self, plan: Cleared) -> None:
        """Make a plan's deliveries due."""
        self._due(plan, timedelta(0))

    def dispatches(self, plan: Cleared, **changes: Any) -> None:
        """Release a plan by hand: a dispatch in the name of whoever submitted it, and a doorbell for each lane."""
        about_it = self.row(STATEMENTS, STATEMENTS.c.subject == plan.digest)
        about = self.row(PLANS, PLANS.c.digest == plan.digest)
        values = {
            "id": new_id("dsp", DRAWN),
            "plan": plan.digest,
            "incident": plan.incident,
            "mode": about["mode"],
            "released_at": self.site.desk.now(),
            "released_by": "director-1",
            "statement": about_it["id"],
        }
        dispatch = self.inserts(DISPATCHES, values, **changes)
        self.does(update(PLANS).where(PLANS.c.digest == plan.digest).values(state="released"))
        for lane in ("accounts", "recipients", "tiktok"):
            bell = {"lane": lane, "mode": dispatch["mode"], "dispatch": dispatch["id"]}
            self.does(insert(OUTBOX).values(**bell, created_at=self.site.desk.now()))

    def statement(self, kind: StatementKind | str, *where: Any, **about: str) -> Statement:
        """What the first row that fits says."""
        named = [STATEMENTS.c[key] == value for key, value in about.items()]
        row = self.row(STATEMENTS, STATEMENTS.c.kind == str(kind), *named, *where)
        return Statement.decode(self.site.signed(row["id"]).payload)

    def key(self, person: str) -> Signer:
        """The key file of one of the example people: what that person signed elsewhere, he can copy from there."""
        return KeyFileSigner(self.site.folder / "keys" / "exercise" / person)

    def says(self, like: Statement, signer: Signer, **changes: Any) -> Envelope:
        """A statement like another one, with changes and a nonce of its own, signed."""
        return sign(replace(like, **{"nonce": DRAWN(16).hex(), **changes}), signer)

    def files(self, envelope: Envelope | Mapping[str, Any], like: Statement, **changes: Any) -> None:
        """Insert a statement's row; the columns say what ``like`` says, whatever the envelope holds."""
        same = {name: getattr(like, name) for name in ("subject", "person", "role", "not_before", "expires")}
        words = {"id": new_id("stm", DRAWN), "kind": str(like.kind), "mode": str(like.mode), "incident": None}
        document = envelope.document() if isinstance(envelope, Envelope) else dict(envelope)
        values = {**same, **words, "envelope": document, "recorded_at": self.site.desk.now()}
        self.does(insert(STATEMENTS).values(**{**values, **changes}))

    def said(self, plan: Cleared, **changes: Any) -> Statement:
        """What the checker would have said of the plan, with changes."""
        like = self.statement(StatementKind.APPROVE, subject=plan.digest, person="director-1")
        return replace(like, **{"person": "checker-1", "role": "checker", "nonce": DRAWN(16).hex(), **changes})

    def signs_release(self, plan: Cleared, **changes: Any) -> None:
        """The director's own signature under a release, filed without asking whether the plan is clear."""
        like = self.statement(StatementKind.APPROVE, subject=plan.digest, person="director-1")
        about: dict[str, Any] = {"kind": StatementKind.RELEASE, "body": {"kinds": ["publish"]}, **changes}
        envelope = self.says(like, self.key("director-1"), **about)
        self.files(envelope, Statement.decode(envelope.payload))

    def released(self, plan: Cleared) -> bool:
        """Whether the plan has a dispatch."""
        return self.does(select(DISPATCHES.c.id).where(DISPATCHES.c.plan == plan.digest)).first() is not None

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
        self.does(update(DELIVERIES).where(DELIVERIES.c.plan == plan.digest).values(due_at=due))


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


Prepare = Callable[[Attacker], Cleared]
Attack = Callable[[Attacker, Cleared], Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Forgery:
    """One forgery: what honest people did before, what the attacker does, the clauses that each delivery meets."""

    prepare: Prepare
    attack: Attack
    clauses: frozenset[str]

    @property
    def name(self) -> str:
        """The name of its function, in words."""
        return self.attack.__name__.replace("_", " ")

    def strike(self, attacker: Attacker) -> set[str]:
        """Carry it out: nothing leaves, and every delivery's refusal is on record; returns the clauses all have."""
        plan = self.prepare(attacker)
        with nothing_leaves(attacker.site):
            named = self.attack(attacker, plan)
            if not attacker.released(plan):
                attacker.dispatches(plan)
            if named is None:
                attacker.lets_go(plan)
            return refused(attacker.site, plan, *(named or ()))


@dataclass
class Campaign:
    """The table of a module's forgeries."""

    forgeries: list[Forgery] = field(default_factory=list)

    def forgery(self, prepare: Prepare, *clauses: str) -> Callable[[Attack], Attack]:
        """Enter a function into the table, to be refused by at least these clauses."""

        def entered(attack: Attack) -> Attack:
            self.forgeries.append(Forgery(prepare, attack, frozenset(clauses)))
            return attack

        return entered


@contextmanager
def nothing_leaves(site: Deployment) -> Iterator[None]:
    """Hold a block to this: no platform is asked to publish, no alert and no packet appears."""
    before = site.outgoing()
    yield
    assert site.outgoing() == before


def refused(site: Deployment, plan: Cleared, *names: str) -> set[str]:
    """Wait until a refusal of every delivery of a plan, or of those named, is on record; the clauses all have."""
    wanted = names or tuple(row.id for row in site.rows(plan))

    def found() -> set[str] | None:
        known = on_record(site)
        clauses = [known.get(name) for name in wanted]
        return set.intersection(*(c for c in clauses if c)) if all(clauses) else None

    return until(found, f"{len(wanted)} deliveries of {plan.headline} are refused", 60)


def on_record(site: Deployment) -> dict[str, set[str]]:
    """By which clauses each delivery was refused, as the ledger or the sender's own record has it."""
    said = [(entry["delivery"], entry["failures"]) for entry in site.entries("gate.refused")]
    for file in site.folder.glob("sender/*/*/decisions.jsonl"):
        written = file.read_text().rpartition("\n")[0].splitlines()
        lines = [json.loads(line) for line in written if '"refusal"' in line]
        said += [(line["delivery"], line["failures"]) for line in lines]
    known: dict[str, set[str]] = {}
    for delivery, failures in said:
        known.setdefault(delivery, set()).update(failure["clause"] for failure in failures)
    return known
