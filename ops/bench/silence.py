"""From a fault to the alarm that is on record, with the waits of the reference and the roles themselves (promise 26).

The relay is a process of this bench's own, because ``dispatcher up`` would start a killed one again at once, and that
is no alarm but its mending. The sequencer is part of the relay's process: it is ended by a copy of the ledger's head
that the database does not know, on which it refuses to sign while the relay lives. Rows go at a random moment.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom

from sqlalchemy import delete, func, select

from channels.simulator.providers import example_of
from dispatcher.embedded.process import ending_with
from dispatcher.ledger import copies
from dispatcher.ledger.notes import Checkpoint, origin_of, seal
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import alive
from dispatcher.store.foreign import TIMELINES
from dispatcher.store.tables import DELIVERIES, LEADERS, LEDGER
from ops.bench.figures import Figure
from ops.bench.office import MODE, Office, called, office_at
from ops.exercise.stage import DISPATCHER, Stage, running, simulator_at, until

TARGET_S = 60
LONGEST_S = 120
ACCOUNT = "x-1"
LISTS = ("list-1",)
DRAWN = SystemRandom().uniform

Draw = Callable[[float, float], float]
"""A random number between two."""


def measure(root: Path, times: int = 2, draw: Draw = DRAWN) -> list[Figure]:
    """Seconds from each kind of fault to its alarm; deletions and foreign posts so many times."""
    root.mkdir(parents=True, exist_ok=True)
    with simulator_at(root) as url, office_at(root / "site", url) as office:
        office.add("x", ACCOUNT)
        office.add("notify", "sms-1")
        office.add_list(LISTS[0])
        (office.folder / "Procfile").write_text("accounts: dispatcher worker accounts\n")  # recipients: nobody
        with running(Stage(office.folder, url)):
            bench = _Bench(office, url, draw)
            with _relay(office.folder):
                bench.until_heard("relay")
                deleted = [bench.deleted() for _ in range(times)]
                foreign = [bench.foreign() for _ in range(times)]
                sequencer = bench.sequencer()
                relay = bench.released()
            killed = relay()  # the block's end killed it, just now
    return [
        Figure("silence.deleted_rows", "s", deleted, TARGET_S, "max"),
        Figure("silence.killed_relay", "s", [killed], TARGET_S, "max"),
        Figure("silence.killed_sequencer", "s", [sequencer], TARGET_S, "max"),
        Figure("silence.foreign_post", "s", foreign, TARGET_S, "max"),
    ]


class _Bench:
    """Does harm, and waits until it is on record."""

    def __init__(self, office: Office, simulator: str, draw: Draw) -> None:
        self._office = office
        self._draw = draw
        self._simulator = simulator

    def until_heard(self, role: str) -> None:
        """Wait until a role says that it lives, and whoever watches has watched for long enough."""

        def heard() -> bool | None:
            with self._office.desk.store.read() as work:
                name = select(LEADERS.c.owner).where(LEADERS.c.role == f"{role}-{MODE}")
                return work.execute(name).first() is not None or None

        until(heard, f"the {role} lives", LONGEST_S)
        time.sleep(self._office.desk.settings.timing.silence_ms / 1000)

    def deleted(self) -> float:
        """One row of a plan that waits to be released is gone."""
        plan = self._office.cleared(lists=LISTS)
        timing = self._office.desk.settings.timing
        time.sleep(2 * timing.poll_ms / 1000 + self._draw(0, timing.silence_ms / 1000))
        one = select(DELIVERIES.c.id).where(DELIVERIES.c.plan == plan, DELIVERIES.c.account == "sms-1").limit(1)
        waited = self._waiting("deliveries.missing")
        with self._office.desk.store.write() as work:
            work.execute(delete(DELIVERIES).where(DELIVERIES.c.id.in_(one)))
        return waited()

    def foreign(self) -> float:
        """Somebody who has the credential posts past us, once the account has been looked at."""

        def looked() -> bool | None:
            with self._office.desk.store.read() as work:
                return work.execute(select(TIMELINES.c.account)).first() is not None or None

        until(looked, "the account was looked at", LONGEST_S)
        _, held = example_of("x", self._simulator, called("x", ACCOUNT))
        headers = {"Authorization": f"Bearer {held['token'].reveal()}", "Content-Type": "application/json"}
        body = json.dumps({"text": f"Not ours ({time.monotonic_ns()})"}).encode()
        address = f"{self._simulator}/x/2/tweets"
        waited = self._waiting("account.foreign_post")
        request = urllib.request.Request(address, data=body, headers=headers)  # noqa: S310 - the simulator's own address
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            return waited()

    def released(self) -> Callable[[], float]:
        """A plan is released; call the answer once the relay was killed."""
        self._office.release(self._office.cleared(lists=LISTS))
        return self._waiting("role.silent", role=alive.RELAY)

    def sequencer(self) -> float:
        """The sequencer signs nothing from now on, though entries wait; at the end it works again."""
        settings = self._office.desk.settings
        key = KeyFileSigner(settings.path("keys", "status"))
        head = Checkpoint(origin_of(settings.deployment), 1_000_000_000, bytes(32), self._office.desk.now())
        file = copies.file_in(settings.path(*settings.checkpoints), settings.deployment)
        before, waited = file.read_bytes(), self._waiting("role.silent", role=alive.SEQUENCER)
        copies.append(file, [seal(head, key.point, key.sign_plain)])
        self._office.cleared(lists=LISTS)  # entries that wait
        seconds = waited()
        file.write_bytes(before)
        until(lambda: self._sequencer_leads() or None, "the sequencer signs again", LONGEST_S)
        return seconds

    def _sequencer_leads(self) -> bool:
        with self._office.desk.store.read() as work:
            owner = work.execute(select(LEADERS.c.owner).where(LEADERS.c.role == alive.SEQUENCER)).scalar()
        return owner not in (None, alive.NOBODY)

    def _waiting(self, kind: str, **facts: str) -> Callable[[], float]:
        """Begin to count seconds; the answer gives them once there is a new entry of this kind with these facts."""
        before, began_s = self._newest(), time.monotonic()

        def waited() -> float:
            until(lambda: self._found(kind, before, facts), f"{kind} {facts}", LONGEST_S)
            return time.monotonic() - began_s

        return waited

    def _newest(self) -> int:
        with self._office.desk.store.read() as work:
            return int(work.execute(select(func.max(LEDGER.c.id))).scalar() or 0)

    def _found(self, kind: str, above: int, facts: dict[str, str]) -> bool | None:
        query = select(LEDGER.c.body).where(LEDGER.c.kind == kind, LEDGER.c.id > above)
        with self._office.desk.store.read() as work:
            bodies = [json.loads(body) for body in work.execute(query).scalars()]
        return any(facts.items() <= body.items() for body in bodies) or None


@contextmanager
def _relay(folder: Path) -> Iterator[None]:
    """A relay, killed at the end of the block without a word."""
    words = [str(DISPATCHER), "--deployment", str(folder), "worker", "relay", "--mode", str(MODE)]
    with (folder.parent / "relay.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            words,
            stdout=log,
            stderr=log,
            preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - one prctl call, prepared before the fork
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()
