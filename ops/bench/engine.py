"""From a release to the last recorded outcome, beside what others do with the same sends in the same run.

accounts     2,000 posts to as many accounts, at several latencies of the provider
recipients   20,000 texts at 50 ms and 100,000 at 5 ms
full         a million texts at 5 ms beside 100,000: the rate, and the most memory that any process took
first        from the release's commit to the first request at the provider, on a system that has nothing to do
release      the release itself: of a plan to all recipients, of either list, over that of a plan to ten

Ours runs as ``dispatcher up`` starts it, with the default waits, intent, gate and ledger; lists go out by a process
for each core. A run is from the release's commit, as a rival's is from its first call, to the last outcome's record.
Ratios are of seconds, or of sends a second, in one run.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from statistics import median

from sqlalchemy import select

from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import private_redis
from dispatcher.service import recipients
from dispatcher.store.tables import DELIVERIES
from ops.bench import rivals
from ops.bench.far import Far, far_side
from ops.bench.figures import Figure
from ops.bench.office import MODE, UNLIMITED, Office, hosts, office_at
from ops.bench.rivals import IN_FLIGHT, Course
from ops.exercise.stage import Stage, running, until
from ops.postgres import temporary_postgres

DATABASES = ("sqlite", "postgresql")
LATENCIES_MS = (0, 5, 50, 200)
FEW = 10
TIMEOUT_S = 1_800.0
CORES = os.cpu_count() or 1
CONNECTIONS = "400"
"""PostgreSQL's own limit: a rival's thread has one each."""

LOOK_S = 0.01
"""How often it is looked whether everything is recorded, once everything was sent: as true as a hundredth second."""

ARMED_S = 2.5
"""Longer than a worker's poll: it has read the plan, as it has while people approve."""

TARGETS = {
    "accounts.*.50ms.over_bare": (1.3, "median", False),
    "accounts.*.over_rival": (1 / 3, "median", False),
    "recipients.*.50ms.over_bare": (1.2, "median", False),
    "recipients.*.of_bare": (0.5, "median", True),
    "recipients.*.of_celery": (5, "median", True),
    "full.*.of_100k": (0.9, "median", True),
    "full.*.memory": (300, "max", False),
    "release.*.first_request": (15, "median", False),
    "release.*.first_request.slowest": (50, "p99", False),
    "release.*.many_over_few": (1.5, "median", False),
}
"""What is promised: the figure, the statistic that it is judged by, and whether it is the least that is promised."""

UNITS = {".seconds": "s", ".rate": "1/s", ".memory": "MB", ".first_request": "ms", ".slowest": "ms"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is sent, and how often."""

    accounts: int = 2_000
    recipients: int = 20_000
    many: int = 100_000
    rivals: int = 10_000
    repetitions: int = 3
    firsts: int = 20
    full: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One dispatch in seconds: from the release's commit to the last record, the release, the first request."""

    seconds: float
    release_s: float
    first_s: float


@dataclass(frozen=True, slots=True)
class Site:
    """One deployment, its far side, and where rivals may keep their rows and messages."""

    office: Office
    far: Far
    database: str
    kind: str

    def course(self, sends: int, delay_ms: float) -> Course:
        """The same sends for a rival."""
        redis = private_redis(Folder(self.office.folder)).url
        return Course(self.far, sends, delay_ms, self.database, redis)

    def sent(self, plan: str, sends: int, delay_ms: float) -> Sent:
        """Release a cleared plan and wait until everything is recorded. Raises RuntimeError for a send too many."""
        self.far.reset(delay_ms)
        began = time.monotonic()
        self.office.release(plan)  # the commit and its bell are the last that it does
        released = time.monotonic()
        until(lambda: self.far.counted().requests >= sends or None, "everything is sent", TIMEOUT_S)
        until(lambda: self._open(plan) == 0 or None, "everything is recorded", TIMEOUT_S, every_s=LOOK_S)
        ended, counted = time.monotonic(), self.far.counted()
        if (counted.requests, counted.doubled) != (sends, 0):
            raise RuntimeError(f"{counted.requests} requests, {counted.doubled} of them doubled, for {sends} sends")
        return Sent(ended - released, released - began, counted.first - released)

    def _open(self, plan: str) -> int:
        with self.office.desk.store.read() as work:
            of_plan = (DELIVERIES.c.plan == plan, DELIVERIES.c.kind == "publish")
            still = select(DELIVERIES.c.id).where(*of_plan, DELIVERIES.c.state.in_(UNSETTLED)).limit(1)
            return len(work.execute(still).all())


@dataclass(slots=True)
class Samples:
    """Figures as they come in: samples by name, and the settings that rivals were at their best with."""

    found: dict[str, list[float]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    few: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, value: float) -> None:
        """One more sample of a figure."""
        self.found.setdefault(name, []).append(value)

    def released(self, kind: str, sent: Sent) -> None:
        """One more release to a list, over those to a few accounts."""
        self.add(f"release.{kind}.many_over_few", sent.release_s / median(self.few[kind]))

    def best(self, rival: str, course: Course) -> float:
        """The fewest seconds of a rival; its setting is kept."""
        seconds, setting = rivals.best(rival, course)
        self.add(f"{rival}.{course.kind}.{course.sends}x{course.delay_ms:g}ms.seconds", seconds)
        self.settings[f"{rival}, {course.sends} sends at {course.delay_ms:g} ms"] = f"{setting}: {seconds:.2f} s"
        return seconds


def measure(kind: str, root: Path, size: Size | None = None) -> list[Figure]:
    """All figures of the engine on one of the databases."""
    return _measured(root, size or Size(), (kind,), (_accounts, _recipients))


def measure_full(root: Path, size: Size | None = None) -> list[Figure]:
    """What a million recipients take, on both databases."""
    return _measured(root, size or Size(), DATABASES, (_full,))


def _measured(root: Path, size: Size, kinds: Iterable[str], parts: Sequence[Part]) -> list[Figure]:
    samples = Samples()
    for kind in kinds:
        for part in parts:
            with _site(root / kind, kind) as site:
                part(site, size, samples)
    for course, setting in samples.settings.items():
        print(f"{course}: best with {setting}")
    return [_figure(name, values) for name, values in samples.found.items()]


def _figure(name: str, values: list[float]) -> Figure:
    unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), "ratio")
    target = next((target for pattern, target in TARGETS.items() if fnmatch(name, pattern)), None)
    figure = Figure(name, unit, values)
    return figure if target is None else replace(figure, target=target[0], judged_by=target[1], least=target[2])


Part = Callable[[Site, Size, Samples], None]


@contextmanager
def _site(root: Path, kind: str) -> Iterator[Site]:
    with ExitStack() as stack:
        far, database = stack.enter_context(far_side()), ""
        if kind == "postgresql":
            database = stack.enter_context(temporary_postgres(max_connections=CONNECTIONS)).create_database("bench")
        channels = {
            name: {**UNLIMITED.get(name, {}), "in_flight": IN_FLIGHT // CORES} for name in ("webhook", "notify")
        }
        office = stack.enter_context(office_at(root, far.url, database=database, channels=channels))
        rows = database or f"sqlite:///{office.folder.parent / 'rival.db'}"
        yield Site(office, far, rows, kind)


def _accounts(site: Site, size: Size, samples: Samples) -> None:
    for number in range(size.accounts):
        site.office.add("webhook", f"webhook-{number}")
    delays = [*LATENCIES_MS, *[50] * (size.repetitions - 1)]
    hosts(site.office, "accounts", CORES)
    with running(Stage(site.office.folder, site.far.url)):
        for number, delay_ms in enumerate(delays):
            plan = site.office.cleared(headline=f"Storm {number}")
            time.sleep(ARMED_S)
            ours = site.sent(plan, size.accounts, delay_ms)
            course = site.course(size.accounts, delay_ms)
            samples.add(f"accounts.{site.kind}.{delay_ms}ms.seconds", ours.seconds)
            samples.add(f"accounts.{site.kind}.{delay_ms}ms.over_bare", ours.seconds / samples.best("bare", course))
        course = site.course(size.accounts, 50)
        rival = min(samples.best(name, course) for name in ("dramatiq", "celery"))
        for seconds in samples.found[f"accounts.{site.kind}.50ms.seconds"]:
            samples.add(f"accounts.{site.kind}.over_rival", seconds / rival)
        if site.kind == "sqlite":  # it keeps no row anywhere
            samples.best("apprise", course)
        _firsts(site, size, samples)


def _firsts(site: Site, size: Size, samples: Samples) -> None:
    for number in range(size.firsts):
        plan = site.office.cleared(headline=f"Flood {number}", accounts=[f"webhook-{n}" for n in range(FEW)])
        time.sleep(ARMED_S)
        sent = site.sent(plan, FEW, 0)
        samples.add(f"release.{site.kind}.first_request", sent.first_s * 1000)
        samples.add(f"release.{site.kind}.first_request.slowest", sent.first_s * 1000)
        samples.few[site.kind].append(sent.release_s)


def _recipients(site: Site, size: Size, samples: Samples) -> None:
    site.office.add("notify", "sms-1")
    for name, count in (("city", size.recipients), ("country", size.many)):
        _import(site.office, name, count)
    hosts(site.office, "recipients", CORES)
    with running(Stage(site.office.folder, site.far.url)):
        for number, delay_ms in enumerate([*[50] * size.repetitions, 200]):
            plan = site.office.cleared(headline=f"Storm {number}", lists=["city"])
            time.sleep(ARMED_S)
            ours = site.sent(plan, size.recipients, delay_ms)
            bare = samples.best("bare", site.course(size.recipients, delay_ms))
            samples.add(f"recipients.{site.kind}.{delay_ms}ms.seconds", ours.seconds)
            samples.add(f"recipients.{site.kind}.{delay_ms}ms.over_bare", ours.seconds / bare)
            samples.released(site.kind, ours)
        plan = site.office.cleared(headline="Storm", lists=["country"])
        time.sleep(ARMED_S)
        many = site.sent(plan, size.many, 5)
        bare = samples.best("bare", site.course(size.many, 5))
        celery = samples.best("celery", site.course(size.rivals, 5))
    rate = size.many / many.seconds
    samples.add(f"recipients.{site.kind}.rate", rate)
    samples.add(f"recipients.{site.kind}.of_bare", rate / (size.many / bare))
    samples.add(f"recipients.{site.kind}.of_celery", rate / (size.rivals / celery))
    samples.released(site.kind, many)


def _full(site: Site, size: Size, samples: Samples) -> None:
    site.office.add("notify", "sms-1")
    hosts(site.office, "recipients", CORES)
    with running(Stage(site.office.folder, site.far.url)):
        few, whole = (_rate(site, name, count) for name, count in (("country", size.many), ("world", size.full)))
        samples.add(f"full.{site.kind}.rate", whole)
        samples.add(f"full.{site.kind}.of_100k", whole / few)
        for peak_mb in _peaks_mb(site.office.folder.parent):
            samples.add(f"full.{site.kind}.memory", peak_mb)


def _rate(site: Site, name: str, count: int) -> float:
    """Sends a second to a list of so many, at 5 ms."""
    _import(site.office, name, count)
    plan = site.office.cleared(headline=f"Storm over the {name}", lists=[name])
    time.sleep(ARMED_S)
    return count / site.sent(plan, count, 5).seconds


def _peaks_mb(root: Path) -> Iterator[float]:
    """The most memory that each process of the deployments below a folder has had, in MB."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_text().split("\0")
            if "worker" in words and any(word.startswith(str(root)) for word in words):
                status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
                yield int(status["VmHWM"].split()[0]) / 1024


def _import(office: Office, name: str, count: int) -> None:
    """A list of so many numbers; nothing but the far side is ever reached."""
    file = office.folder.with_name(f"{name}.csv")
    with file.open("w") as lines:
        lines.write("phone\n")
        lines.writelines(f"07400{number:06d}\n" for number in range(count))
    recipients.import_csv(office.desk, name, file, MODE, "ops-1")
