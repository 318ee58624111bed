"""A stage for the workers: a real deployment on the real clock, all far sides beside it, and everybody's key files.

The way of a test::

    stage = stage_at(tmp_path, far, redis=redis_url)      # folders, keys, trust, database
    stage.account("x"); stage.numbers(60)                 # accounts and a list
    plan = stage.cleared()                                # declared, drafted, armed, submitted, approved
    stage.release(plan)                                   # the last signature
    stage.work(lambda: stage.ended(plan))                 # the roles themselves, until that is so
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from channels.contract import Account, LanguageText
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.provider import Provider
from channels.simulator.providers import PROVIDERS, example_of
from channels.simulator.server import Simulator
from dispatcher.bootstrap import open_desk
from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.plan import OnAmbiguous, Placement
from dispatcher.domain.statement import Envelope, Mode, Statement
from dispatcher.gate.stops import HaltScope
from dispatcher.sender_bootstrap import now
from dispatcher.service import (
    accounts,
    clearing,
    deploying,
    evidence,
    incidents,
    messages,
    recipients,
    stopping,
    submitting,
)
from dispatcher.service.areas import Where
from dispatcher.service.desk import Desk
from dispatcher.service.evidence import AssessmentOutcome
from dispatcher.service.media import Given
from dispatcher.service.releasing import Dispatch, Ring, release
from dispatcher.service.submitting import Wish
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.store import deliveries, records
from dispatcher.store.tables import LEDGER
from tests.cast import RECORD
from tests.deployments import deployed
from workers.main import ROLES

MODE = Mode.EXERCISE
SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
CHANNELS = ("x", "bluesky", "webhook", "notify")
TIMING: Mapping[str, int] = {
    "lease_ms": 20_000,
    "quiet_ms": 250,
    "look_again_ms": 150,
    "retry_ms": 50,
    "retry_most_ms": 200,
    "status_ms": 300,
    "stops_ms": 50,
    "poll_ms": 100,
    "sweep_ms": 50,
    "ring_again_ms": 300,
    "read_back_ms": 3_600_000,
    "foreign_ms": 1_000_000_000,
}
NOWHERE = "unix:///nowhere/redis.sock"
UNSETTLED = frozenset({"ready", "leased", "sending", "in_doubt"})


@contextmanager
def far_sides(*more: type[Provider]) -> Iterator[Simulator]:
    """All simulated platforms, and ``more``, served from a thread of their own."""
    started, stop = threading.Event(), threading.Event()
    simulator = Simulator([*PROVIDERS, *more])

    async def serve() -> None:
        async with simulator:
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10), "the simulator did not start"
    try:
        yield simulator
    finally:
        stop.set()
        thread.join(10)


class FilePen:
    """Signs with a key file of the deployment."""

    def __init__(self, path: Path) -> None:
        self._signer = KeyFileSigner(path)
        self.fingerprint = self._signer.fingerprint

    def sign(self, statement: Statement) -> Envelope:
        """As the Pen protocol says."""
        return sign(statement, self._signer)


@dataclass
class Stage:
    """One deployment with its far sides."""

    folder: Path
    desk: Desk
    far: Simulator
    pens: dict[str, FilePen] = field(default_factory=dict)

    def pen(self, person: str) -> FilePen:
        """The pen of one of the example people."""
        if person not in self.pens:
            self.pens[person] = FilePen(self.folder / "keys" / "exercise" / person)
        return self.pens[person]

    def account(self, channel: str, number: int = 1, **more: str) -> str:
        """Add an account of a channel, ``more`` being settings; assessed where that is needed. Returns its id."""
        name = f"{channel}-{number}"
        called = {"bluesky": name, "webhook": name, "notify": SERVICE, "youtube": f"UC{number}"}.get(
            channel, str(number)
        )
        settings, held = example_of(channel, self.far.url, called)
        if channel == "cap_feed":
            folder = self.folder / "feed" / name
            folder.mkdir(parents=True)
            settings = {"folder": str(folder)}
        made = Account(name, channel, f"Example on {channel}", ("en-GB",), {**settings, **more})
        accounts.add(self.desk, made, MODE, held, "ops-1")
        if channel in ("x", "bluesky", "mastodon", "facebook", "instagram", "youtube") and number == 1:
            self._assess(channel)
        return name

    def numbers(self, count: int, name: str = "city") -> None:
        """Import a list of that many numbers that reach nobody."""
        path = self.folder / f"{name}.csv"
        path.write_text("phone\n" + "".join(f"07700 900{300 + number}\n" for number in range(count)))
        recipients.import_csv(self.desk, name, path, MODE, "ops-1")

    def declared(self) -> str:
        """An incident of which there was a warning."""
        return incidents.declare(
            self.desk,
            kind="severe_weather",
            title="Storm",
            mode=MODE,
            person="author-1",
            severity=Severity.S3,
            evidence=(Item("warning", "red", "national weather service", now()),),
        ).id

    def submitted(
        self,
        *,
        incident: str = "",
        lists: Sequence[str] = (),
        resend: Sequence[str] = (),
        attached: Given | None = None,
        area: tuple[str, ...] = (),
        **more: Any,
    ) -> str:
        """A plan over all accounts that waits for signatures; returns its digest. ``more`` is wished besides.

        It is about an incident of its own unless one is named.
        """
        text = LanguageText("en-GB", "Storm tonight", f"Stay indoors ({secrets.token_hex(4)}).")
        written = messages.Draft((text,), valid_until=now() + timedelta(hours=6), where=Where(area or ("Old Town",)))
        message = messages.draft(self.desk, incident or self.declared(), written, "author-1").message
        messages.arm(self.desk, message, {}, "author-1")
        if attached:
            messages.attach(self.desk, message, attached, "author-1")
        wish = Wish(lists={"": tuple(lists)}, on_ambiguous=dict.fromkeys(resend, OnAmbiguous.RESEND), **more)
        return submitting.submit(self.desk, message, wish, self.pen("author-1")).stored.digest

    def cleared(self, **given: Any) -> str:
        """The same, with every signature but the release."""
        plan = self.submitted(**given)
        for person in ("checker-1", "director-1"):
            clearing.approve(self.desk, plan, self.pen(person))
        return plan

    def release(self, plan: str, ring: Ring | None = None) -> Dispatch:
        """Release a cleared plan."""
        return release(self.desk, plan, self.pen("director-1"), ring)

    def revoke(self, plan: str) -> None:
        """Take its clearance back."""
        clearing.revoke(self.desk, plan, self.pen("director-2"))

    def halt(self, scope: HaltScope = HaltScope.ALL, target: str = "") -> str:
        """Halt; returns the halt's name."""
        return stopping.halt(self.desk, scope, target, self.pen("ops-1"), MODE).statement

    def resume(self, halt: str) -> None:
        """Two others end a halt."""
        for person in ("director-1", "director-2"):
            stopping.resume(self.desk, halt, self.pen(person))

    def fault(self, provider: str, kind: FaultKind, times: int = 1, **more: Any) -> None:
        """Arm a fault at a far side."""
        self.far.arm(Fault(provider, kind, times, **more))

    def rows(self, plan: str) -> list[Any]:
        """The deliveries of a plan."""
        with self.desk.store.read() as work:
            return deliveries.listed(work, plan=plan, limit=1_000)

    def states(self, plan: str) -> Counter[str]:
        """How many deliveries of a plan are in which state."""
        return Counter(row.state for row in self.rows(plan))

    def ended(self, plan: str) -> bool:
        """Whether no machine has anything left to do for a plan."""
        return not UNSETTLED & self.states(plan).keys()

    def refusals(self, plan: str) -> set[str]:
        """The clauses that the sender refused deliveries of a plan with, as the ledger has them."""
        entries = [entry for entry in self.ledger("gate.refused") if entry["plan"] == plan]
        return {failure["clause"] for entry in entries for failure in entry["failures"]}

    def plan_state(self, plan: str) -> str:
        """Where a plan stands."""
        with self.desk.store.read() as work:
            return records.plan(work, plan).state

    def ledger(self, *kinds: str) -> list[dict[str, Any]]:
        """The bodies of the ledger's entries of these kinds, in order."""
        query = select(LEDGER.c.body).where(LEDGER.c.kind.in_(kinds)).order_by(LEDGER.c.id)
        with self.desk.store.read() as work:
            return [json.loads(body) for body in work.execute(query).scalars()]

    def published(self) -> Counter[str]:
        """What stands on the public record, per provider."""
        return Counter(effect.provider for effect in self.far.journal.effects)

    def doubled(self) -> int:
        """What stands there twice."""
        return sum(self.far.journal.doubled(channel) for channel in CHANNELS)

    def _assess(self, channel: str) -> None:
        evidence.assess(
            self.desk,
            self.pen("director-1"),
            MODE,
            channel=channel,
            placement=Placement.ORGANIC,
            outcome=AssessmentOutcome.PERMITTED,
            record=RECORD,
            evidence="ab" * 32,
        )

    def work(
        self,
        *until: Callable[[], object],
        roles: Sequence[str] = ("relay", "accounts", "recipients"),
        timeout_s: float = 20.0,
    ) -> None:
        """Run roles until each of these has become true in turn, then let them drain."""

        async def whole() -> None:
            stop = asyncio.Event()
            tasks = [
                asyncio.create_task(ROLES[name](self.desk.settings, MODE, f"{name}:test", stop), name=name)
                for name in roles
            ]
            try:
                for number, condition in enumerate(until, 1):
                    await true(condition, f"condition {number}", timeout_s, tasks)
            finally:
                stop.set()
                await asyncio.gather(*tasks)

        asyncio.run(whole())


async def true(
    condition: Callable[[], object],
    what: str,
    timeout_s: float = 20.0,
    tasks: Sequence[asyncio.Task[None]] = (),
) -> None:
    """Wait for a condition without holding the loop up. Fails naming what did not come, or when a task ended."""
    deadline = time.monotonic() + timeout_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        for task in tasks:
            assert not task.done(), f"{task.get_name()} ended by itself"
        await asyncio.sleep(0.01)


def stage_at(
    root: Path,
    far: Simulator,
    *,
    redis: str = NOWHERE,
    database: str = "",
    chunk: int = 20,
    timing: Mapping[str, int] = {},
    timeout_ms: int = 2_000,
    limits: Mapping[str, Mapping[str, int]] = {},
    fresh: bool = False,
) -> Stage:
    """Make a deployment under ``root``; without ``redis`` there is none. ``limits`` are figures by channel.

    A ``fresh`` one is no copy, for a test that changes how deployments are made.
    """
    folder = root / "deployment"
    blueprint = deploying.Blueprint(
        "example-city",
        DeploymentKind.TEST,
        "Example City",
        far.url,
        database=database,
        redis=redis,
        chunk=chunk,
        timing={**TIMING, **timing},
        channels={
            name: {"timeout_ms": timeout_ms, "lag_ms": 100, **limits.get(name, {})}
            for name in (*CHANNELS, "mastodon", "facebook", "instagram", "youtube")
        },
    )
    if fresh:
        deploying.init(folder, blueprint, now(), secrets.token_bytes)
    else:
        deployed(folder, blueprint)
    return Stage(folder, open_desk(folder), far)
