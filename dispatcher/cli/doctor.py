"""``dispatcher doctor``: examine a deployment, the worst finding first."""

from __future__ import annotations

import secrets
from itertools import groupby
from typing import Any

import click

from dispatcher.cli.commands import Verb
from dispatcher.cli.errors import Unwell
from dispatcher.cli.output import say
from dispatcher.cli.session import Session
from dispatcher.settings import Settings

REDIS_S = 2.0


@click.command(cls=Verb)
@click.option("--strict", is_flag=True, help="Take warnings for failures.")
@click.option("--all", "everything", is_flag=True, help="Say what is well too.")
def doctor(session: Session, *, strict: bool, everything: bool) -> None:
    """Examine a deployment: settings, keys, trust, database, Redis, clock, disk, workers, credentials, console.

    It changes nothing and writes one entry into the ledger. It goes on with what it has: without a database, without
    Redis, with a broken deployment.toml, as a user who may not read the keys. Exit code 11 where something fails.
    """
    from dispatcher.domain.ids import new_id
    from dispatcher.sender_bootstrap import network, now
    from dispatcher.service.examining.examine import examine
    from dispatcher.service.examining.findings import Level
    from dispatcher.service.examining.site import open_site

    with open_site(session.folder, now, new_id("doctor", secrets.token_bytes), network, dial) as site:
        made = examine(site)
        about = {"deployment": site.settings.deployment, "kind": site.settings.kind}
    shown = made.findings if everything else made.of(Level.FAILING, Level.WARNING, Level.NOTE)
    body = {**about, "counts": made.counts, "unrecorded": made.unrecorded, "findings": made.findings}
    session.read_out("doctor", body, _told(shown, made.counts))
    if made.unrecorded:
        say(f"Not in the ledger: {made.unrecorded}")
    bad = made.of(Level.FAILING, Level.WARNING) if strict else made.of(Level.FAILING)
    if bad:
        raise Unwell(f"{_things(len(bad))} to mend first: {bad[0].what}", bad[0].fix)


def dial(settings: Settings) -> Any:
    """A client of the Redis of this deployment, which nobody has spoken to yet. Raises EmbeddedError, Invalid."""
    from workers.doorbell import redis_url
    from workers.redis_clients import open_redis

    return open_redis(
        redis_url(settings), decode_responses=True, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S
    )


def _told(findings: Any, counts: dict[str, int]) -> str:
    """The findings for people, by level, the summary last, where the eye is."""
    lines: list[str] = []
    for level, group in groupby(findings, key=lambda one: one.level):
        lines += ["", str(level).upper()]
        for one in group:
            lines.append(f"  {one.family}: {one.what}")
            lines += [f"      Why: {one.why}"] if one.why else []
            lines += [f"      Fix: {one.fix}"] if one.fix else []
    lines += ["", ", ".join(f"{count} {level}" for level, count in counts.items())]
    return "\n".join(lines[1:])


def _things(count: int) -> str:
    return "1 thing" if count == 1 else f"{count} things"
