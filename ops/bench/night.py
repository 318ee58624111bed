"""The machine's share of a night: from what an officer types to what the public sees, on the simulated platforms.

published    from the start of `dispatcher release`, its token given, to the first post that its platform took, and to
             the last of fifty accounts
corrected    from the start of `dispatcher correct`, which is one command, to the first corrected account and the last

Every request to a platform is answered after 200 ms. Both begin with the process of the command and end when the
platform's answer is on record. Sources of the promises: false alarms took 38 minutes to correct in Hawaii, 5 at NHK.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from dispatcher.sender_bootstrap import now
from dispatcher.store.tables import DELIVERIES
from ops.bench.engine import ARMED_S
from ops.bench.figures import Figure
from ops.bench.office import UNLIMITED, Office, office_at
from ops.exercise.stage import Stage, running, simulator_at, until

CHANNELS = ("x", "bluesky", "webhook")
ACCOUNTS = 50
NIGHTS = 5
LATENCY_S = 0.2
TIMES = 100_000
TIMEOUT_S = 120.0

PROMISES = {
    "night.published.first": 1.0,
    "night.published.all": 5.0,
    "night.corrected.first": 10.0,
    "night.corrected.all": 60.0,
}
"""Seconds, each by its median (source: issue 8, figures)."""


def measure(root: Path, accounts: int = ACCOUNTS, nights: int = NIGHTS) -> list[Figure]:
    """Seconds to the first and to the last account, of a message and of its correction."""
    root.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[float]] = {name: [] for name in PROMISES}
    with simulator_at(root) as url, office_at(root / "site", url, channels=UNLIMITED) as office:
        for number in range(accounts):
            channel = CHANNELS[number % len(CHANNELS)]
            office.add(channel, f"{channel}-{number}")
        stage = Stage(office.folder, url)
        with running(stage):
            for channel in CHANNELS:
                stage.fault(provider=channel, kind="late", delay_s=LATENCY_S, times=TIMES)
            for number in range(nights):
                plan = office.cleared(headline=f"Storm {number}", correction=f"Storm {number} was a mistake.")
                time.sleep(ARMED_S)
                for kind, name, words in _acts(stage, plan):
                    first, last = _timed(office, stage, plan, kind, words, accounts)
                    found[f"night.{name}.first"].append(first)
                    found[f"night.{name}.all"].append(last)
    return [Figure(name, "s", samples, PROMISES[name]) for name, samples in found.items()]


def _acts(stage: Stage, plan: str) -> list[tuple[str, str, Sequence[str]]]:
    """What is typed, in order, and the deliveries that it makes."""
    token = stage.act("director-1", "clearance", "read", plan, quiet=True)["token"]
    return [
        ("publish", "published", ("release", plan, "--confirm", token)),
        ("correct", "corrected", ("correct", plan)),
    ]


def _timed(
    office: Office, stage: Stage, plan: str, kind: str, words: Sequence[str], accounts: int
) -> tuple[float, float]:
    """Seconds from a command's start to the first and to the last answer on record."""
    began = now()
    stage.act("director-1", *words, quiet=True)
    ended = until(lambda: _ended(office, plan, kind, accounts), f"every {kind} is on record", TIMEOUT_S)
    return (min(ended) - began).total_seconds(), (max(ended) - began).total_seconds()


def _ended(office: Office, plan: str, kind: str, accounts: int) -> list[datetime] | None:
    """When each delivery of a text was accepted, once all are."""
    with office.desk.store.read() as work:
        columns = select(DELIVERIES.c.accepted_at).where(DELIVERIES.c.plan == plan, DELIVERIES.c.kind == kind)
        found = [at for (at,) in work.execute(columns.where(DELIVERIES.c.accepted_at.is_not(None))).all()]
    return found if len(found) >= accounts else None
