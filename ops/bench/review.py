"""The review of an incident with a million deliveries to recipients: how long it takes, and how much memory.

An exercise is cleared and released as ever. Its first recipient is then copied a million times in the database, with
an attempt and an outcome each and the ledger entries of such a night, because nobody measures the sending here. The
review is read by a process of its own, on each database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Text, case, cast, func, insert, literal, select, text

from dispatcher.store import deliveries, records
from dispatcher.store.database import Work
from dispatcher.store.tables import ATTEMPTS, DELIVERIES
from ops.bench.figures import Figure
from ops.bench.office import Office, office_at
from ops.postgres import temporary_postgres

NOWHERE = "http://127.0.0.1:9"
DATABASES = ("sqlite", "postgresql")
MANY, REFUSALS, GROUPS = 1_000_000, 60_000, 30_000
"""With so many refusals of the gate and groups of moves in the ledger."""

TARGET_S, TARGET_MB = 30, 500
AT_ONCE = 5_000

_READ = """
import json, re, sys, time
from pathlib import Path
began = time.monotonic()
from dispatcher.bootstrap import open_desk
from dispatcher.service.reviewing.review import review
found = review(open_desk(Path(sys.argv[1]), "bench"), sys.argv[2], "reviewer-1")
took_s = time.monotonic() - began
print(json.dumps({
    "seconds": took_s,
    "megabytes": int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024,
    "deliveries": sum(tally.total for tally in found.tallies),
}))
"""


def measure(root: Path, count: int = MANY, databases: tuple[str, ...] = DATABASES) -> list[Figure]:
    """Seconds and megabytes of one review, on each of the databases."""
    return [figure for name in databases for figure in _measured(root / name, name, count)]


def _measured(root: Path, name: str, count: int) -> list[Figure]:
    with ExitStack() as stack:
        server = stack.enter_context(temporary_postgres()) if name == "postgresql" else None
        database = server.create_database("bench") if server else ""
        office = stack.enter_context(office_at(root, NOWHERE, database=database))
        incident = night(office, count)
        command = [sys.executable, "-c", _READ, str(office.folder), incident]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own program
        read = json.loads(done.stdout)
        if read["deliveries"] < count:
            raise RuntimeError(f"the review has {read['deliveries']} deliveries of {count}")
        return [
            Figure(f"review.{name}.seconds", "s", [read["seconds"]], TARGET_S),
            Figure(f"review.{name}.memory", "MB", [read["megabytes"]], TARGET_MB),
        ]


def night(office: Office, count: int) -> str:
    """A released plan with so many deliveries; returns its incident."""
    office.add("notify", "sms-1")
    office.add("x", "x-1")
    office.add_list("city", range(10))
    plan = office.cleared(lists=["city"])
    office.release(plan)
    store = office.desk.store
    with store.write() as work:
        _multiply(work, plan, count)
        incident = records.plan(work, plan).plan.incident
    about = {"incident": incident, "plan": plan, "account": "sms-1"}
    refused = {"channel": "notify", "failures": [{"clause": "G16", "fact": "halted (all)", "mend": "two others"}]}
    moved = {"source": "sending", "target": "accepted", "count": 33, "digest": "0" * 64, "reasons": []}
    for kind, facts, number in (("gate.refused", refused, REFUSALS), ("deliveries.moved", moved, GROUPS)):
        for start in range(0, number * count // MANY, AT_ONCE):
            with store.write() as work:
                for place in range(start, start + AT_ONCE):
                    work.record(kind, **about, delivery=f"dlv-{place}", **facts)
    return incident


def _multiply(work: Work, plan: str, count: int) -> None:
    """Copy one delivery: most are accepted at the first attempt, 0.1 ms after each other."""
    _let_rows_begin_anywhere(work)
    (first,) = (row for row in deliveries.listed(work, plan=plan, channel="notify", limit=1))
    dispatch = deliveries.dispatch_of(work, plan)
    after = partial(_after, work, dispatch.released_at if dispatch else work.now)
    number = select(literal(0).label("i")).cte("numbers", recursive=True)
    number = number.union_all(select(number.c.i + 1).where(number.c.i < count - 1))
    i, table = number.c.i, DELIVERIES
    failed = i % 100 == 7
    own: dict[str, Any] = {
        "id": literal("dlv-").concat(cast(i, Text)),
        "destination": literal("leaf-").concat(cast(i, Text)),
        "position": i + 10,
        "state": case((failed, "rejected"), else_="accepted"),
        "reason": case((failed, "the number is not in service"), else_=""),
        "attempts": literal(1),
        "first_intent_at": after(i / 10),
        "accepted_at": case((failed, None), else_=after(i / 10 + 40 + i % 300)),
    }
    same = {c.name: literal(getattr(first, c.name), c.type) for c in table.columns if c.name not in own}
    columns = {**same, **own}
    work.execute(insert(DELIVERIES).from_select(list(columns), select(*columns.values()).select_from(number)))
    tried: dict[str, Any] = {
        "delivery": DELIVERIES.c.id,
        "number": literal(1),
        "fence": literal(1),
        "owner": literal("bench"),
        "intended_at": DELIVERIES.c.first_intent_at,
        "ended_at": func.coalesce(DELIVERIES.c.accepted_at, DELIVERIES.c.first_intent_at),
        "verdict": DELIVERIES.c.state,
        "code": case((DELIVERIES.c.state == "rejected", "recipient"), else_=""),
        "reason": DELIVERIES.c.reason,
        "status": literal(201),
        "provider_ms": 20 + DELIVERIES.c.position % 280,
    }
    rows = select(*tried.values()).where(DELIVERIES.c.attempts == 1)
    work.execute(insert(ATTEMPTS).from_select(list(tried), rows))


def _let_rows_begin_anywhere(work: Work) -> None:
    sqlite = work.connection.dialect.name == "sqlite"
    work.execute(text("DROP TRIGGER deliveries_begin" if sqlite else "DROP FUNCTION deliveries_begin() CASCADE"))


def _after(work: Work, start: datetime, ms: Any) -> Any:
    """A time so many milliseconds later, as the database keeps it."""
    if work.connection.dialect.name == "sqlite":
        moved = cast(ms / 1_000.0, Text).concat(" seconds")
        return func.strftime("%Y-%m-%d %H:%M:%f000", f"{start:%Y-%m-%d %H:%M:%S.%f}", literal("+").concat(moved))
    return literal(start, DELIVERIES.c.accepted_at.type) + func.make_interval(0, 0, 0, 0, 0, 0, ms / 1_000.0)
