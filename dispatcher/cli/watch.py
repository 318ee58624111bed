"""``dispatcher watch``: follow a released plan until every delivery has ended or waits for people.

Nothing is kept here: whoever loses their terminal, or presses Ctrl-C, types it again, and the sending goes on anyway.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli import only, output
from dispatcher.cli.commands import Text, Verb
from dispatcher.cli.errors import Interrupted, Partial
from dispatcher.cli.output import facts, in_place, next_step, plain, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.domain.ids import short
from dispatcher.service import watching
from dispatcher.service.progress import Counts, Progress, Watcher
from dispatcher.store import records, sightings

if TYPE_CHECKING:
    from rich.console import Group

POLL_S = 0.25
LINE_S = 1.0
"""A line is said no sooner after the last, unless all has ended: a list of a million moves all the time."""

HEARTBEAT_S = 30.0
ENDED_WELL = {"accepted", "visible", "handed_over"}
COUNTED = ("kind", "channel", "account", "state", "count", "attempts")
FAILING = ("channel", "state", "count", "reason")
MOST_ACCOUNTS = 60
"""So many lines of accounts are drawn; beyond that the channels' lines say enough."""


@click.command(cls=Verb)
@only.PLAN
def watch(session: Session, plan: Text) -> None:
    """Follow PLAN until every delivery has ended or waits for people; without PLAN the only one that is being sent.

    On a terminal a table that changes in place; with ACCESSIBLE=1, TERM=dumb or elsewhere, a line per change. Ctrl-C
    ends the watching and not the sending; type it again at any time. Exit code 6 when some did not end well.
    """
    named = only.plan(session, plan, "watch", only.SENDING, only.SENT)
    with session.desk.store.read() as work:
        stored = records.plan(work, named)
    name = short(stored.digest)
    if stored.state == "submitted":
        raise Invalid(f"plan {name} is not released", f"dispatcher clearance show {name}")
    try:
        last = _follow(session, stored.digest)
    except KeyboardInterrupt as stopped:
        told = "you stopped watching; the sending goes on without you (dispatcher halt stops it)"
        raise Interrupted(told, f"dispatcher watch {name}") from stopped
    _end(session, stored.digest, stored.plan.incident, last)


def _end(session: Session, digest: str, incident: str, last: Progress) -> None:
    """What came of it, and what to type. Raises Partial where not all went well."""
    name, by_state = short(digest), _by_state(last.counts)
    for seen in _public(session, digest):
        say(f"Seen by the public: {seen['account']} ({seen['kind']}) {seen['public']}")
    badly = {state: count for state, count in by_state.items() if state not in ENDED_WELL}
    listed = f"dispatcher delivery list --plan {name} --state"
    if badly:
        say(
            *(f"{one.channel}: {one.count:,} {one.state}: {one.reason or 'no reason given'}" for one in last.failures)
        )
        worst = "held" if "held" in badly else next(iter(badly))
        raise Partial(f"not everything ended well: {_counted(badly)}", f"{listed} {worst}")
    if "handed_over" in by_state:
        next_step(f"{listed} handed_over", "operators, to finish it by hand")
    else:
        next_step(f"dispatcher review {incident}")


def _follow(session: Session, digest: str) -> Progress:
    """Show every change, as JSON lines, lines for people, or tables in place, until no machine has work left.

    A line is said again every 30 s. Gives the last look.
    """
    from rich.live import Live

    as_json = output.wants_json(session.json)
    watcher, told_at = Watcher(session.desk, digest), -HEARTBEAT_S
    told: Counts = ()
    with Live(auto_refresh=False) if in_place() and not as_json else nullcontext() as live:
        while True:
            now = watcher.look()
            since = time.monotonic() - told_at
            if live:
                live.update(_drawn(digest, now), refresh=True)
            elif since >= HEARTBEAT_S or (now.counts != told and (as_json or since >= LINE_S or not now.left)):
                told, told_at = now.counts, time.monotonic()
                _say(session, digest, now, as_json=as_json)
            if not now.left:
                return now
            time.sleep(POLL_S)


def _say(session: Session, digest: str, now: Progress, *, as_json: bool) -> None:
    if not as_json:
        click.echo(plain(f"{now.sentence}: {_counted(_by_state(now.counts))}"))
        return
    rows = [dict(zip(COUNTED, row, strict=True)) for row in now.counts]
    about = {"plan": digest, "by_state": _by_state(now.counts), "deliveries": rows}
    about |= {"channels": [facts(one) for one in now.channels], "failures": facts(list(now.failures))}
    output.document("watch", {**about, "public": _public(session, digest)})


def _drawn(digest: str, now: Progress) -> Group:
    """The dashboard: how it stands, channel by channel, then what failed and why, then each account."""
    from rich.console import Group
    from rich.text import Text as Line

    return Group(*map(Line, map(plain, _headed(digest, now))), *_tables(now))


def _headed(digest: str, now: Progress) -> Iterator[str]:
    yield f"plan {short(digest)}: {now.sentence}"
    yield from (f"  {_bar(one.total - one.left, one.total)} {one.sentence}" for one in now.channels)


def _tables(now: Progress) -> Iterator[Any]:
    if now.failures:
        rows = [[getattr(one, name) for name in FAILING] for one in now.failures]
        yield output.table("not as it should be", FAILING, rows)
    if len(now.counts) <= MOST_ACCOUNTS:
        yield output.table("accounts", COUNTED, now.counts)


def _bar(done: int, total: int, width: int = 20) -> str:
    full = width * done // total if total else width
    return f"[{'#' * full}{'.' * (width - full)}]"


def _public(session: Session, digest: str) -> list[dict[str, Any]]:
    """What the public sees of a plan's posts by now; the first look comes seconds after a post was accepted."""
    names = ("delivery", "account", "kind", "seen", "seen_at", "since")
    with session.desk.store.read() as work:
        rows = sightings.by_delivery(work, plan=digest).values()
        known = [({name: getattr(row, name) for name in names}, watching.in_words(row, work.now)) for row in rows]
    return [{**values, "public": words} for values, words in known]


def _by_state(counts: Counts) -> dict[str, int]:
    found: Counter[str] = Counter()
    for _, _, _, state, count, _ in counts:
        found[state] += count
    return dict(sorted(found.items()))


def _counted(by_state: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in by_state.items())
