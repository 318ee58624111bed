"""What a campaign breaks: a deployment on several hosts, its Redis and database, its far sides and its plans.

Every way in which a platform can be asked after a doubt is there: Bluesky (a repeat is harmless), X and Notify (can
be looked up), and webhooks that keep no ids and whose keys are worth nothing: nobody can tell, people must look.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, select

from channels.simulator.faults import FaultKind
from channels.webhook.simulator import FORGETFUL
from dispatcher.domain.errors import Stale, Unavailable
from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import RedisServer, private_redis
from dispatcher.store.database import Store
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, DISPATCHES
from ops.bench.office import Office, called, office_at
from ops.chaos.count import AMBIGUOUS, Sent
from ops.chaos.crew import Host, Part
from ops.exercise.stage import Stage
from ops.postgres import PostgresServer, temporary_postgres

CALL_MS = 1_200
LEASE_MS = 5_000
TIMING = {
    "lease_ms": LEASE_MS,
    "quiet_ms": 1_500,
    "look_again_ms": 500,
    "retry_ms": 100,
    "retry_most_ms": 1_000,
    "status_ms": 500,
    "stops_ms": 200,
    "poll_ms": 500,
    "sweep_ms": 200,
    "ring_again_ms": 500,
    "read_back_ms": 3_600_000,
    "foreign_ms": 3_600_000,
}
CHANNELS = ("x", "bluesky", "webhook", "notify")
CALLS = {channel: {"timeout_ms": CALL_MS, "lag_ms": 300, "sends_per_minute": 0} for channel in CHANNELS}
CALLS["webhook"]["ttl_ms"] = 1

CREWS = (("relay", "accounts", "recipients"), ("relay", "recipients"), ("recipients",))
POSTS = 6
"""Accounts on each of X, Bluesky and webhook that a plan of a campaign goes to."""

X_PLANS = 80
"""Plans per set of X accounts: X takes 100 posts of an account in a quarter of an hour."""

NUMBERS = range(300, 500)
AMBIGUOUS_EVERY = {"notify": 60, "x": 15, "bluesky": 15, "webhook": 15}
"""Each of five kinds of ambiguous answer comes once in so many requests: 8 % together, as the reference has it
(reliability 7), and a third where only one delivery in twelve goes."""

LATE_EVERY, LATE_S = 3, 0.15
ALWAYS = 10**9


@dataclass(slots=True)
class Site:
    """One deployment and its far sides. ``plans`` are cleared, by mark; ``expected`` deliveries are theirs."""

    office: Office
    far: Stage
    hosts: list[Host]
    servers: dict[str, Part]
    redis: RedisServer
    plans: dict[str, str]
    expected: int

    @property
    def store(self) -> Store:
        """The deployment's database, seen from this process."""
        return self.office.desk.store

    @property
    def parts(self) -> list[Part]:
        """Every process that is kept alive."""
        return [*self.servers.values(), *self.workers]

    @property
    def workers(self) -> list[Part]:
        """Every worker on every host."""
        return [part for host in self.hosts for part in host.parts]

    def release(self, mark: str) -> None:
        """Release a plan, however often it takes while the database comes and goes."""
        while True:
            try:
                self.office.release(self.plans[mark])
            except Unavailable:
                continue
            except Stale:  # an earlier try had come through, though nobody could say so
                return
            return

    def misbehave(self) -> None:
        """Have every platform answer some requests ambiguously and some late, from now on."""
        for provider, every in AMBIGUOUS_EVERY.items():
            for kind in AMBIGUOUS:
                self.far.fault(provider=provider, kind=kind, times=ALWAYS, every=every, status=500)
            late = {"kind": FaultKind.LATE, "times": ALWAYS, "every": LATE_EVERY, "delay_s": LATE_S}
            self.far.fault(provider=provider, **late)

    @property
    def all_begun(self) -> bool:
        """Whether every delivery was begun at least once, or waits for people."""
        return self._none((DELIVERIES.c.attempts == 0) & (DELIVERIES.c.state != "held"))

    @property
    def settled(self) -> bool:
        """Whether no machine has anything left to move."""
        return self._none(DELIVERIES.c.state.in_(UNSETTLED))

    def _none(self, where: ColumnElement[bool]) -> bool:
        """Whether there is no such delivery; no while nobody can say."""
        try:
            with self.store.read() as work:
                return work.execute(select(DELIVERIES.c.id).where(where).limit(1)).first() is None
        except Unavailable:
            return False

    def sent(self) -> list[Sent]:
        """Every delivery of a released plan with its attempts."""
        marks = {digest: mark for mark, digest in self.plans.items()}
        with self.store.read() as work:
            intents: dict[str, list[datetime]] = defaultdict(list)
            for delivery, at in work.execute(select(ATTEMPTS.c.delivery, ATTEMPTS.c.intended_at)):
                intents[delivery].append(at)
            columns = (DELIVERIES.c.id, DELIVERIES.c.channel, DELIVERIES.c.account, DELIVERIES.c.plan)
            query = select(*columns, DELIVERIES.c.state, DELIVERIES.c.reason, DISPATCHES.c.released_at)
            rows = work.execute(query.join(DISPATCHES, DISPATCHES.c.plan == DELIVERIES.c.plan)).all()
        return [
            Sent(id_, channel, _far(channel, account), marks[plan], released_at, state, reason, intents[id_])
            for id_, channel, account, plan, state, reason, released_at in rows
        ]


@contextmanager
def site_at(
    root: Path,
    database: str,
    far: Stage,
    *,
    plans: int,
    hosts: int = 1,
    posts: int = POSTS,
    numbers: range = NUMBERS,
    **waits: int,
) -> Iterator[Site]:
    """Make a deployment, its PostgreSQL running and nothing else of it, with so many cleared plans.

    A plan goes to ``posts`` accounts on each of three channels and to ``numbers``. ``waits`` go before this module's
    own, in milliseconds.
    """
    with ExitStack() as stack:
        url, postgres = f"sqlite:///{root.absolute() / 'dispatcher.db'}", None
        if database == "postgresql":
            postgres = stack.enter_context(temporary_postgres())
            url = postgres.create_database("chaos")
        folder = root.absolute() / "deployment"
        redis = private_redis(Folder(folder))
        more = {"database": url, "chunk": 20, "timing": {**TIMING, **waits}, "channels": CALLS}
        office = stack.enter_context(office_at(root, far.simulator, redis.url, **more))
        Folder(folder).prepare()
        made, each = _plans(office, plans, posts, numbers), 3 * posts + len(numbers)
        yield Site(office, far, _hosts(folder, hosts), _servers(redis, postgres), redis, made, plans * each)


def _plans(office: Office, number: int, posts: int, numbers: range) -> dict[str, str]:
    office.add_list("city", numbers)
    office.add("notify", "sms-1")
    fixed = [f"{channel}-{post}" for channel in ("bluesky", FORGETFUL) for post in range(posts)]
    for name in fixed:
        office.add("webhook" if name.startswith(FORGETFUL) else "bluesky", name)
    plans = {}
    for plan in range(number):
        first = plan // X_PLANS * posts
        own = [f"x-{post}" for post in range(first, first + posts)]
        if plan % X_PLANS == 0:
            for name in own:
                office.add("x", name)
        mark = f"Storm {plan:05d}"
        plans[mark] = office.cleared(lists=["city"], headline=mark, accounts=[*own, *fixed, "sms-1"])
    return plans


def _hosts(folder: Path, number: int) -> list[Host]:
    """The deployment's own folder, and copies of it on other machines: the same keys, sender files of their own."""
    hosts = [Host(folder, CREWS[0])]
    for extra, roles in enumerate(CREWS[1:number], 2):
        copy = folder.with_name(f"host-{extra}")
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("data", "redis", "run"))
        (copy / "data").mkdir()
        hosts.append(Host(copy, roles))
    return hosts


def _servers(redis: RedisServer, postgres: PostgresServer | None) -> dict[str, Part]:
    def empty_redis() -> subprocess.Popen[bytes]:
        shutil.rmtree(redis.data / "appendonlydir", ignore_errors=True)
        return redis.spawn()

    parts = {"redis": Part("redis", empty_redis)}
    if postgres is not None:
        parts["postgresql"] = Part("postgresql", postgres.launch, postgres.process)
    return parts


def _far(channel: str, account: str) -> str:
    """An account as its platform's journal names it."""
    return f"did:plc:sim-{account}" if channel == "bluesky" else called(channel, account)
