"""A whole deployment for the end-to-end tests: simulated platforms, real people's keys, roles as real processes.

The way of a test::

    with deployment_at(tmp_path) as site:         # the simulator, and what `dispatcher init` makes
        site.add("x", "x-city")
        with site.up():                           # `dispatcher up --mode exercise`
            plan = site.cleared("x-city")         # declared, drafted, signed by everybody whom policy asks
            site.release(plan)
            site.ended(plan)                      # waits until no machine has anything left to do

Declaring, clearing and releasing go through the use cases in this process, which is what the command line calls too;
where the command line itself is the subject, :meth:`Deployment.run` starts it. Waits are short and said so in the
deployment's settings. Every process is one that the kernel ends with the tests.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from channels.contract import Account, LanguageText, Secret
from channels.simulator.providers import example_of
from dispatcher.bootstrap import open_desk
from dispatcher.domain.incident import Item
from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.embedded.state import UpState, read_state
from dispatcher.sender_bootstrap import now
from dispatcher.service import (
    accounts,
    clearing,
    deploying,
    evidence,
    incidents,
    messages,
    recipients,
    releasing,
    submitting,
)
from dispatcher.service.areas import Where
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.evidence import AssessmentOutcome, Decision
from dispatcher.service.submitting import Wish
from dispatcher.store import deliveries, records, statements
from dispatcher.store.tables import LEDGER, STATEMENTS
from ops.exercise.stage import simulator_at
from tests.cast import RECORD
from tests.certificate import signing
from tests.deployments import deployed
from tests.e2e.processes import environment_of, process
from tests.office import FilePen
from tests.servers import program, until

DISPATCHER = Path(sys.executable).with_name("dispatcher")
TIMING = {
    "lease_ms": 6_000,
    "quiet_ms": 1_000,
    "look_again_ms": 600,
    "retry_ms": 100,
    "retry_most_ms": 500,
    "status_ms": 1_000,
    "stops_ms": 250,
    "poll_ms": 500,
    "sweep_ms": 300,
    "ring_again_ms": 500,
    "read_back_ms": 3_600_000,
}
CHANNELS = ("x", "bluesky", "webhook", "cap_feed", "notify", "tiktok")
CHANNEL_TIMING = {channel: {"timeout_ms": 2_000, "lag_ms": 300, "sends_per_minute": 0} for channel in CHANNELS}
CHUNK = 10
LIST_SIZE = 25
PROCFILE = Path(__file__).parents[2] / "Procfile"
SPARED = ("migrate", "console", "exporter")
FOR_TIKTOK = ("tiktok", "tiktok-sender", "egress")
CONFINED = "tiktok-sender"
CONFINING = f"python -m ops.deploy.confined {CONFINED}"
"""The role that runs live only where it is confined, and how that is started."""

SERVICE = "11111111-2222-4333-8444-5555555555{:02d}"
USERS = {"x-city": "450100002201", "x-dinas": "450100002202", "x-gov": "450100002204", "live-x": "950100002203"}
DEVICE = "phone-{}"
AUDIENCE = "people under 25, whom our other channels do not reach"
BOTH = ("en-GB", "cy-GB")
"""English and Welsh, which everything but single posts carries together."""

EVIDENCE = "0" * 64
APP_VERSION = "41.2"
ENDS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Drafted:
    """An armed message that nobody has submitted."""

    message: str
    incident: str
    headline: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """A plan that lacks its release only, and the words by which its posts are known."""

    digest: str
    incident: str
    headline: str


@dataclass
class Deployment:
    """One deployment and its far side."""

    folder: Path
    simulator: str
    desk: Desk
    pens: dict[str, FilePen] = field(default_factory=dict)
    devices: dict[str, Secret] = field(default_factory=dict)

    def pen(self, person: str) -> FilePen:
        """The pen of one of the example people."""
        if person not in self.pens:
            self.pens[person] = FilePen(self.folder / "keys" / "exercise" / person)
        return self.pens[person]

    def add(self, channel: str, name: str, mode: Mode = Mode.EXERCISE, *, attested: bool = True) -> str:
        """Add an account that reaches the simulator, assessed, exempted and attested where policy asks for it."""
        account, held = profile(self, channel, name)
        if channel == "cap_feed" and mode is Mode.LIVE:
            held = signing(begins=now() - timedelta(days=1))  # a live feed is signed
        accounts.add(self.desk, account, mode, held, "ops-1")
        director, security = self.pen("director-1"), self.pen("security-1")
        if channel in ("x", "bluesky", "tiktok"):
            permitted: dict[str, Any] = {
                "placement": Placement.ORGANIC,
                "outcome": AssessmentOutcome.PERMITTED,
                "record": RECORD,
                "evidence": EVIDENCE,
            }
            evidence.assess(self.desk, director, mode, channel=channel, **permitted)
        if channel == "tiktok":
            self.devices[name] = accounts.register(self.desk, DEVICE.format(name), name, "ops-1").secret
            scope: dict[str, Any] = {"channel": channel, "account": name}
            evidence.exempt(self.desk, security, mode, **scope, need="nothing else reaches young adults")
            if attested:
                self.attest(name, mode=mode)
        return name

    def attest(self, name: str, *codes: str, mode: Mode = Mode.EXERCISE, at: Desk | None = None) -> None:
        """The security team attests these mitigations of a hand-off account, else all; at another desk if given."""
        about = {"channel": "tiktok", "account": name, "device": DEVICE.format(name)}
        said = {"app_version": APP_VERSION, "evidence": EVIDENCE}
        evidence.attest(at or self.desk, self.pen("security-1"), mode, **about, **said, mitigations=codes)

    def add_list(self, name: str, size: int = LIST_SIZE, mode: Mode = Mode.EXERCISE) -> str:
        """Import a list of numbers from the range that is kept for drama."""
        file = self.folder.with_name(f"{name}.csv")
        file.write_text("phone\n" + "".join(f"07700900{300 + index:03d}\n" for index in range(size)))
        recipients.import_csv(self.desk, name, file, mode, "ops-1")
        file.unlink()
        return name

    def drafted(
        self, mode: Mode = Mode.EXERCISE, languages: Sequence[str] = ("en-GB",), kind: str = "severe_weather"
    ) -> Drafted:
        """An incident and an armed message, about something never heard of before."""
        headline = f"Storm {secrets.token_hex(4)}"
        about: dict[str, Any] = {"kind": kind, "title": headline, "mode": mode, "person": "author-1"}
        warning = Item("warning", "red", "national weather service", self.desk.now())
        incident = incidents.declare(self.desk, **about, evidence=(warning,)).id
        texts = tuple(LanguageText(tag, headline, f"Stay in ({tag}).", "Wait.") for tag in languages)
        until_then = self.desk.now() + timedelta(hours=6)
        written = messages.Draft(texts, valid_until=until_then, where=Where(("Example Bay",)))
        message = messages.draft(self.desk, incident, written, "author-1").message
        messages.arm(self.desk, message, {}, "author-1")
        return Drafted(message, incident, headline)

    def submitted(
        self,
        *names: str,
        mode: Mode = Mode.EXERCISE,
        lists: Mapping[str, Sequence[str]] | None = None,
        languages: Sequence[str] = ("en-GB",),
        window: timedelta = timedelta(hours=4),
    ) -> Cleared:
        """A submitted plan of such a message over these accounts."""
        drafted = self.drafted(mode, languages)
        wish = Wish(
            accounts=names,
            lists=lists or {"": ["residents"]},
            purpose="exceptional_public_safety",
            window=window,
            no_alternative=AUDIENCE,
        )
        standing = submitting.submit(self.desk, drafted.message, wish, self.pen("author-1"))
        return Cleared(standing.stored.digest, drafted.incident, drafted.headline)

    def cleared(self, *names: str, **wanted: Any) -> Cleared:
        """The same, signed by everybody whom policy asks, and every channel clear."""
        plan = self.submitted(*names, **wanted)
        for person in ("checker-1", "welsh-checker-1", "security-1", "director-1"):
            if person != "welsh-checker-1" or "cy-GB" in wanted.get("languages", ()):
                clearing.approve(self.desk, plan.digest, self.pen(person))
        if any("tiktok" in name for name in names):
            office = self.pen("private-office-1")
            decided = evidence.decide(self.desk, plan.digest, office, Decision.AGREED, ("tiktok",))
            assert decided.code is not None
            evidence.confirm(self.desk, plan.digest, office, decided.code.reveal())
        return plan

    def release(self, plan: Cleared, pen: Pen | None = None) -> str:
        """Release a plan, and return the dispatch; the relay rings the doorbells."""
        return releasing.release(self.desk, plan.digest, pen or self.pen("director-1")).id

    def rows(self, plan: Cleared) -> list[Any]:
        """The deliveries of a plan."""
        with self.desk.store.read() as work:
            return deliveries.listed(work, plan=plan.digest, limit=1_000)

    def states(self, plan: Cleared) -> dict[str, int]:
        """How many deliveries of a plan are in which state."""
        return dict(Counter(row.state for row in self.rows(plan)))

    def ended(self, plan: Cleared) -> dict[str, int]:
        """Wait until no delivery of the plan is left for a machine to move; return how many are in which state."""

        def over() -> dict[str, int] | None:
            states = self.states(plan)
            return None if UNSETTLED & states.keys() else states

        return until(over, f"every delivery of {plan.headline} has ended", ENDS_WITHIN_S)

    def entries(self, kind: str, **facts: str) -> list[dict[str, Any]]:
        """The facts of ledger entries of one kind that hold these facts, oldest first."""
        with self.desk.store.read() as work:
            query = select(LEDGER.c.body).where(LEDGER.c.kind == kind).order_by(LEDGER.c.id)
            found = [json.loads(body) for body in work.execute(query).scalars()]
        return [entry for entry in found if facts.items() <= entry.items()]

    def signed(self, statement: str) -> Envelope:
        """The envelope of a statement."""
        with self.desk.store.read() as work:
            (envelope,) = statements.envelopes(work, STATEMENTS.c.id == statement)
        return envelope

    def clauses(self, delivery: str) -> set[str]:
        """The clauses by which the ledger says a delivery was refused."""
        entries = self.entries("gate.refused", delivery=delivery)
        return {failure["clause"] for entry in entries for failure in entry["failures"]}

    def journal(self) -> dict[str, Any]:
        """What the simulated platforms saw."""
        document: dict[str, Any] = json.loads(self._ask("/_sim/journal"))
        return document

    def requests(self, provider: str = "") -> list[dict[str, Any]]:
        """Every request that asked a platform to publish, whether the platform did so or not."""
        asked = [request for request in self.journal()["requests"] if request["route"] == "publish"]
        return [request for request in asked if provider in ("", request["provider"])]

    def published(self, provider: str, text: str = "") -> list[dict[str, Any]]:
        """What a platform's public record shows, if its text holds these words."""
        effects = [effect for effect in self.journal()["effects"] if effect["provider"] == provider]
        return [effect for effect in effects if effect["kind"] == "published" and text in effect["text"]]

    def alerts(self) -> list[str]:
        """The texts of all alerts in all feeds."""
        return [file.read_text() for file in sorted((self.folder / "feed").glob("*/*.xml"))]

    def outgoing(self) -> tuple[int, int, int]:
        """All that ever left: publishing requests, alerts in feeds, packets."""
        packets = list((self.folder / "hand-off").glob("*"))
        return len(self.requests()), len(self.alerts()), len(packets)

    def fault(self, **order: object) -> None:
        """Arm one fault at the simulator."""
        self._ask("/_sim/faults", json.dumps(order).encode())

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.simulator + path, data=body), timeout=30) as answer:
            data: bytes = answer.read()
            return data

    def run(self, *words: str, person: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command, as a person if one is named, and return how it ended."""
        command: list[str | Path] = [DISPATCHER, "--deployment", self.folder, *words]
        environment = environment_of(self.folder / "keys" / "exercise" / person if person else None)
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)

    def told(self, *words: str, person: str | None = None) -> Any:
        """The JSON that a command answers, which must end well."""
        done = self.run("--json", *words, person=person)
        assert done.returncode == 0, f"dispatcher {' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout)

    @contextmanager
    def up(self, mode: Mode = Mode.EXERCISE, *, whole: bool = False) -> Iterator[Deployment]:
        """Run ``dispatcher up`` meanwhile, from when every role was started and the relay has signed its status.

        Roles without which this deployment sends the same are left out unless it is to be ``whole``: each takes a
        processor for most of a second. A live sender of TikTok is confined, as it must be.
        """
        lines = PROCFILE.read_text().splitlines()
        left_out = () if whole else self._spared()
        roles = "\n".join(line for line in lines if line.partition(":")[0] not in left_out)
        if mode is Mode.LIVE:
            program("bwrap")
            roles = roles.replace(f"dispatcher worker {CONFINED}", CONFINING)
        (self.folder / "Procfile").write_text(roles)
        with process([DISPATCHER, "--deployment", self.folder, "up", "--mode", str(mode)], self.log("up")):
            until(self.report, "the roles are up", 60)
            until(lambda: self.status(mode), "the relay signs", 60)
            yield self

    def _spared(self) -> tuple[str, ...]:
        on_tiktok = any(known.account.channel == "tiktok" for known in accounts.listed(self.desk))
        return SPARED if on_tiktok else (*SPARED, *FOR_TIKTOK)

    def status(self, mode: Mode) -> Envelope | None:
        """The newest signed status of a mode."""
        with self.desk.store.read() as work:
            return records.status(work, str(mode))

    @contextmanager
    def role(self, name: str, mode: Mode) -> Iterator[subprocess.Popen[bytes]]:
        """Run one role by itself meanwhile, as the Procfile would; a live sender of TikTok confined."""
        command: list[str | Path] = [DISPATCHER, "--deployment", self.folder, "worker", name, "--mode", str(mode)]
        if (name, mode) == (CONFINED, Mode.LIVE):
            program("bwrap")
            command = [sys.executable, *CONFINING.split()[1:], "--deployment", self.folder, "--mode", str(mode)]
        with process(command, self.log(f"{name}-{mode}")) as started:
            yield started

    def report(self) -> UpState | None:
        """What ``dispatcher up`` says of itself while it runs."""
        return read_state(self.folder)

    def log(self, name: str) -> Path:
        """Where a process of the tests writes."""
        return self.folder.with_name(f"{name}.log")


def profile(site: Deployment, channel: str, name: str) -> tuple[Account, Mapping[str, Secret]]:
    """An account of a channel as its simulator knows it, and what opens it."""
    calls = {"x": USERS.get(name, name), "bluesky": f"{name}.example.org", "notify": SERVICE.format(len(name))}
    settings, held = example_of(channel, site.simulator, calls.get(channel, name))
    if channel == "cap_feed":
        folder = site.folder / "feed" / name
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"folder": str(folder), "sender": "warnings@example.org"}
    languages = ("en-GB",) if channel in ("x", "bluesky", "tiktok") else BOTH
    return Account(name, channel, f"@{name}", languages, settings), held


@contextmanager
def deployment_at(
    root: Path,
    kind: DeploymentKind = DeploymentKind.TEST,
    timing: deploying.Figures | None = None,
    channels: Mapping[str, deploying.Figures] | None = None,
    age: timedelta = timedelta(0),
    **servers: str,
) -> Iterator[Deployment]:
    """Start a simulator and make a deployment beside it, without accounts.

    ``timing`` and ``channels`` go before this module's own waits; ``age`` is how long its people have had their keys;
    ``servers`` names a ``database`` and a ``redis`` in place of the deployment's own.
    """
    root.mkdir(parents=True, exist_ok=True)
    with simulator_at(root) as url:
        folder = root / "deployment"
        waits: dict[str, Any] = {"timing": {**TIMING, **(timing or {})}}
        waits["channels"] = {**CHANNEL_TIMING, **(channels or {})}
        waits = waits if kind is DeploymentKind.TEST else {}
        blueprint = deploying.Blueprint("example-city", kind, "Example City", url, chunk=CHUNK, **waits, **servers)
        deployed(folder, blueprint, age)
        site = Deployment(folder, url, open_desk(folder, "tests"))
        try:
            yield site
        finally:
            site.desk.store.close()


def shifted(desk: Desk, by: timedelta) -> Desk:
    """The same desk at another time."""
    return replace(desk, clock=lambda: now() + by)
