"""``dispatcher watch``: follow a released plan until no machine has anything left to do."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Verb, session
from dispatcher.cli.errors import Partial
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.service.desk import Desk
from dispatcher.store import deliveries, records

POLL_S = 0.25
HEARTBEAT_S = 30.0
ENDED_WELL = frozenset({"accepted", "visible", "handed_over"})

Counts = list[tuple[str, str, str, int, int]]


@click.command(cls=Verb)
@click.argument("plan", required=False)
@session
def watch(session: Session, plan: str | None) -> None:
    """Follow PLAN, or the plan released last, until every delivery has ended or waits for people.

    On a terminal a table that changes in place; with ACCESSIBLE=1, TERM=dumb or elsewhere, a line per change.
    Exit code 6 when some did not end well.
    """
    desk = session.desk()
    digest = _released(desk, plan)
    with desk.store.read() as work:
        incident = records.plan(work, digest).plan.incident
    counts: Counts = []
    with _screen(session) as draw:
        for counts in _changes(desk, digest):
            draw(digest, counts)
    by_state = _by_state(counts)
    badly = {state: count for state, count in by_state.items() if state not in ENDED_WELL}
    if badly:
        held = "held" if "held" in badly else next(iter(badly))
        told = ", ".join(f"{count} {state}" for state, count in badly.items())
        look = f"dispatcher delivery list --plan {short(digest)} --state {held}"
        raise Partial(f"not everything ended well: {told}", look)
    if "handed_over" in by_state:
        output.next_step("dispatcher handoff open DELIVERY", f"{by_state['handed_over']} to be finished by hand")
    else:
        output.next_step(f"dispatcher review {incident}")


def _released(desk: Desk, plan: str | None) -> str:
    with desk.store.read() as work:
        if plan is not None:
            digest = records.plan(work, plan).digest
            if deliveries.dispatch_of(work, digest) is None:
                raise Invalid(f"plan {short(digest)} is not released", f"dispatcher clearance show {short(digest)}")
            return digest
        known = (
            stored.digest for incident in records.incidents(work) for stored in records.plans_of(work, incident.id)
        )
        released = [made for digest in known if (made := deliveries.dispatch_of(work, digest))]
    if not released:
        raise Invalid("nothing has been released yet", "dispatcher status")
    return str(max(released, key=attrgetter("released_at")).plan)


def _changes(desk: Desk, digest: str) -> Iterator[Counts]:
    """The deliveries by account and state: now, at every change, every 30 s, and at the end."""
    last: Counts = []
    told_at = 0.0
    while True:
        with desk.store.read() as work:
            counts = deliveries.counts(work, digest)
        if counts != last or time.monotonic() - told_at >= HEARTBEAT_S:
            yield counts
            last, told_at = counts, time.monotonic()
        if not UNSETTLED & _by_state(counts).keys():
            return
        time.sleep(POLL_S)


@contextmanager
def _screen(session: Session) -> Iterator[Callable[[str, Counts], None]]:
    """How a change is shown: JSON lines, lines for people, or a table in place."""
    if output.wants_json(session.json):
        yield _json_line
    elif os.environ.get("ACCESSIBLE") or os.environ.get("TERM") == "dumb":
        yield _text_line
    else:
        from rich.live import Live

        with Live(auto_refresh=False) as live:
            yield lambda digest, counts: live.update(output.drawn(_table(digest, counts)), refresh=True)


def _json_line(digest: str, counts: Counts) -> None:
    rows = [{"channel": c, "account": a, "state": s, "count": n, "attempts": t} for c, a, s, n, t in counts]
    output.document("watch", {"plan": digest, "by_state": _by_state(counts), "deliveries": rows})


def _text_line(_digest: str, counts: Counts) -> None:
    by_state = _by_state(counts)
    left = sum(by_state[state] for state in UNSETTLED & by_state.keys())
    told = ", ".join(f"{count} {state}" for state, count in by_state.items())
    click.echo(f"{f'still sending, {left} left' if left else 'ended'}: {told}")


def _table(digest: str, counts: Counts) -> output.Table:
    columns = ("channel", "account", "state", "deliveries", "attempts")
    return output.Table(counts, columns, f"Plan {short(digest)}")


def _by_state(counts: Counts) -> dict[str, int]:
    found: Counter[str] = Counter()
    for _, _, state, count, _ in counts:
        found[state] += count
    return dict(sorted(found.items()))
