"""Whether somebody works at every queue that has accounts, and whether the record is kept up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from dispatcher.domain.ids import short
from dispatcher.domain.statement import Mode
from dispatcher.ledger import copies
from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.store import accounts, alive, checkpoints, doorbells, whole
from dispatcher.store.alive import RELAY
from dispatcher.store.database import Work

DEAF = "Redis is away or the doorbell is broken: sending goes on by polling, up to 2 s slower"


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    if site.store is None:
        return
    lasting = site.settings.timing.lasting("silence")
    with site.store.read() as work:
        for mode in site.modes:
            lanes: dict[str, int] = {}
            for row in accounts.rows(work, mode):
                lanes[row.lane] = lanes.get(row.lane, 0) + 1
            yield from lane_findings(mode, lanes, alive.quiet(work, str(mode), lasting))
        for one in doorbells.deaf(work, lasting):
            what = f"no doorbell reached {one.lane} of {one.mode} since {one.since:%Y-%m-%d %H:%M:%S} UTC"
            yield warning(what, DEAF, "look at the findings about Redis; then start the lane again")
        yield from _record(work, lasting)
        for plan, (since, facts) in whole.standing(work).items():
            what = f"plan {short(plan)}: {facts['what']}, found {since:%Y-%m-%d %H:%M:%S} UTC"
            yield failing(
                what, "somebody changed the database", "dispatcher ledger verify, then docs/operating.md, Alarms"
            )
        yield from _copies(site, work)


def lane_findings(mode: Mode, lanes: Mapping[str, int], quiet: Mapping[str, datetime | None]) -> Iterator[Finding]:
    """What is said of one mode, by its lanes with how many accounts, and by who is quiet since when."""
    silent, start = sorted(set(lanes) & set(quiet)), f"dispatcher up --mode {mode}"
    if not lanes:
        return
    if RELAY in quiet and len(silent) == len(lanes):
        how = warning if mode is Mode.LIVE else note
        yield how(f"nothing runs in mode {mode}", f"nothing is sent there ({sum(lanes.values())} accounts)", start)
        return
    if RELAY in quiet:
        why = "nothing is rung again, settled, or signed; without its status nothing leaves for TikTok"
        yield failing(f"no relay leads in mode {mode}", why, f"dispatcher worker relay --mode {mode}")
    for lane in silent:
        why = f"{lanes[lane]} accounts wait for it"
        yield failing(f"nobody works at {lane} of {mode}", why, f"dispatcher worker {lane} --mode {mode}")
    if not silent and RELAY not in quiet:
        yield ok(f"relay and {', '.join(sorted(lanes))} of {mode} are alive")


def _record(work: Work, lasting: timedelta) -> Iterator[Finding]:
    newest, since = checkpoints.newest(work), checkpoints.waiting_since(work)
    if since is not None and since < work.now - lasting:
        why = "what was recorded since is in no signed head: it could be changed unseen"
        what = f"entries of the ledger wait for a signed head since {since:%Y-%m-%d %H:%M:%S} UTC"
        yield warning(what, why, "start the relay; where it runs, dispatcher log --role relay")
    elif newest is not None:
        yield ok("every entry of the ledger is under a signed head")


def _copies(site: Site, work: Work) -> Iterator[Finding]:
    if site.production and all(not at.startswith("/") for at in site.settings.checkpoints):
        why = "whoever takes over this host can change the record and its copies together"
        yield warning(
            "the ledger's heads are copied to this deployment's own folder only", why, 'checkpoints = ["/mnt/…"]'
        )
    for at in site.settings.checkpoints:
        folder = site.folder / at
        last = copies.last(copies.file_in(folder, site.settings.deployment))
        if not folder.is_dir():
            how = warning if checkpoints.newest(work) else note
            yield how(
                f"{folder} is not there", "no copy of the ledger's heads is kept there", "mount it, or name another"
            )
        elif last is not None and not checkpoints.knows(work, last):
            why = "the database was restored or changed since that copy was written"
            fix = "dispatcher ledger verify; after a restored backup: dispatcher recover"
            yield failing(f"{folder} has a head that the database does not know", why, fix)
        elif last is not None:
            yield ok(f"the copy in {folder} agrees")
