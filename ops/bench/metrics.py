"""What watching costs: the exporter over a million deliveries, and the trace of an attempt that is sent nowhere.

The night is that of ``ops.bench.review``. The exporter's own look is timed, first and again, and its scrapes over
HTTP while it goes on looking. The attempts are traced as an engine traces them, without an endpoint.
"""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from channels.contract import Outcome, Verdict
from dispatcher.bootstrap import open_desk
from dispatcher.sender_bootstrap import now
from dispatcher.service.desk import Desk
from dispatcher.store.leasing import Leased
from dispatcher.tracing.context import begun
from ops.bench.figures import Figure
from ops.bench.office import office_at
from ops.bench.review import MANY, NOWHERE, night
from ops.metrics.exporting import DATABASE, Exporter
from ops.metrics.serving import Serving
from ops.postgres import temporary_postgres
from workers.tracing import Tracing

DATABASES = ("sqlite", "postgresql")
LOOKS, SCRAPES = 10, 500
PASSES, CHUNK = 50, 500
SCRAPE_MS, ATTEMPT_US = 100, 20
STARTS_WITHIN_S = 60


def measure(root: Path, count: int = MANY, databases: tuple[str, ...] = DATABASES) -> list[Figure]:
    """Milliseconds of a look and of a scrape on each of the databases, and microseconds of an attempt's trace."""
    return [*(figure for name in databases for figure in _exporter(root / name, name, count)), _tracing()]


def _exporter(root: Path, name: str, count: int) -> list[Figure]:
    with ExitStack() as stack:
        server = stack.enter_context(temporary_postgres()) if name == "postgresql" else None
        database = server.create_database("bench") if server else ""
        office = stack.enter_context(office_at(root, NOWHERE, database=database))
        night(office, count)
        desk = open_desk(office.folder, "exporter")
        stack.callback(desk.store.close)
        exporter = Exporter(desk)
        first, *later = [_look_ms(exporter) for _ in range(LOOKS + 1)]
        url = stack.enter_context(_served(desk, exporter))
        return [
            Figure(f"metrics.{name}.first_look", "ms", [first]),
            Figure(f"metrics.{name}.look", "ms", later),
            Figure(f"metrics.{name}.scrape", "ms", [_scrape_ms(url) for _ in range(SCRAPES)], SCRAPE_MS, "p99"),
        ]


def _look_ms(exporter: Exporter) -> float:
    (part,) = (part for part in exporter.parts if part.name == DATABASE)
    began_s = time.perf_counter()
    part.look(now)
    if not part.up:
        raise RuntimeError("the exporter could not read the database")
    return (time.perf_counter() - began_s) * 1000


@contextmanager
def _served(desk: Desk, exporter: Exporter) -> Iterator[str]:
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(exporter.run(stopping)))
    serving = Serving(desk.settings, exporter.registry)
    thread.start()
    try:
        yield serving.url
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()
        serving.close()


def _scrape_ms(url: str) -> float:
    began_s = time.perf_counter()
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
        body = answer.read()
    if b"dispatcher_ledger_entries" not in body:
        raise RuntimeError("a scrape says nothing of the database")
    return (time.perf_counter() - began_s) * 1000


def _tracing() -> Figure:
    """Of chunks of one release, as lists are sent."""
    tracing, accepted, moment = Tracing("recipients", now), Outcome(Verdict.ACCEPTED, reference="ref-1"), now()
    release = begun().traceparent
    items = [_leased(number, moment, release) for number in range(CHUNK)]
    passes = [_pass_us(tracing, items, accepted, moment) for _ in range(PASSES)]
    return Figure("metrics.tracing.attempt", "us", passes, ATTEMPT_US)


def _pass_us(tracing: Tracing, items: list[Leased], outcome: Outcome, moment: datetime) -> float:
    began_s = time.perf_counter()
    chunk = tracing.chunk(items)
    said = [chunk.attempt(item, outcome, moment, moment) for item in items]
    chunk.ended()
    took_s = time.perf_counter() - began_s
    if not all(said):
        raise RuntimeError("an attempt has no trace")
    return took_s * 1_000_000 / len(items)


def _leased(number: int, at: datetime, traceparent: str) -> Leased:
    return Leased(
        id=f"dlv-{number}",
        fence=1,
        plan="plan",
        incident="incident",
        channel="notify",
        account="sms-1",
        lane="recipients",
        kind="publish",
        rendering="rendering",
        destination=f"leaf-{number}",
        list="city",
        position=number,
        original=None,
        attempts=0,
        failures=0,
        handle=None,
        due_at=at,
        expires_at=at,
        first_intent_at=None,
        looked=0,
        absent=0,
        reason="",
        intended_at=at,
        dispatch="dispatch",
        traceparent=traceparent,
    )
