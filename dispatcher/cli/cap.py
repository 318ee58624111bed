"""``dispatcher cap``: other people's CAP 1.2 alerts. Check them, take them in, and decide about those that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from dispatcher.cap.alert import Alert
from dispatcher.cap.reader import MAX_BYTES
from dispatcher.cap.report import Verdict
from dispatcher.cap.validate import validate as check
from dispatcher.cli.commands import Moment, Names, Noun, Reading, Text, at, moment, one_of, past, read
from dispatcher.cli.output import next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode

ALERT = click.argument("name", metavar="ALERT")
REASON = click.option("--reason", required=True, help="Why; goes into the ledger.")
LISTED = "alert mode source msg_type status verdict standing incident title received_at"

cap = Noun("cap")


@cap.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--profile", metavar="NAME|FILE", help="strict, open, one in the deployment's profiles/, or a file.")
@click.option("--at", "when", type=past, metavar="TIME", help="Judge as if received then; now unless given.")
@click.pass_context
def validate(context: click.Context, session: Session, files: Names, profile: Text, when: Moment) -> None:
    """Say whether each FILE is one sound CAP 1.2 alert; nothing is fetched and nothing recorded.

    With a profile, what it asks is judged too: signature, sender, jurisdiction, times, words, languages.

    Verdicts: ok, hold (a person decides), refuse (each fault is named), feed (several alerts: give one). Exit code 2
    if any is not ok.
    """
    data = {name: read(name, MAX_BYTES) for name in files}
    reports = _judged(session, data, profile, when) if profile else {name: check(one) for name, one in data.items()}
    found = [
        {"file": name, "verdict": one.verdict, "faults": one.faults, "signer": one.signer}
        for name, one in reports.items()
    ]
    session.show("cap-validation", {"files": found}, files="file verdict faults")
    bad = sum(report.verdict is not Verdict.OK for report in reports.values())
    if bad:
        next_step("mend what is named, or ask the sender for one sound alert", f"{bad} of {len(files)} not ok")
        context.exit(2)
    next_step(f"dispatcher incident declare --from-cap {files[0]} --mode exercise")


@cap.command()
@click.argument("source", metavar="FILE|URL")
@click.option("--mode", type=one_of(Mode), required=True, help="What it may open; a drill never opens live.")
@click.option("--source", "name", metavar="NAME", help="Whose it is, for the record; else the file's or host's name.")
@click.option("--profile", metavar="NAME|FILE", default="strict", show_default=True, help="What is asked of it.")
@click.pass_context
def ingest(context: click.Context, session: Session, source: str, mode: Mode, name: Text, profile: str) -> None:
    """Take in the alert at FILE or URL, as a watched feed would: an Alert proposes an incident and sends nothing.

    An Update or Cancel finds the incident it is about. What is odd is held for a person; exit code 2 where it is
    refused.
    """
    from dispatcher.service.alerts import intake, profiles

    desk, person = session.desk, session.person
    asked = profiles.load(profile, desk.settings.root)
    data = _bytes(source, is_test=desk.settings.kind is DeploymentKind.TEST)
    known = name or urlsplit(source).hostname or Path(source).name
    taken = intake.take(desk, intake.Arrival(data, known, source, mode, asked), person)
    if taken.row is None:
        raise _unusable(source, taken.report.verdict, taken.report.faults)
    session.show("cap-alert", _shown(taken.row) | {"new": taken.new})
    _next(session, taken.row)
    if taken.row.standing == "refused":
        context.exit(2)


@cap.command("list", cls=Reading)
@click.option("--held", is_flag=True, help="Only those that wait for a person.")
def list_(session: Session, held: bool) -> None:
    """Alerts as they came in, the newest first."""
    from dispatcher.store import cap_alerts

    with session.desk.store.read() as work:
        rows = cap_alerts.listed(work, cap_alerts.WAITING if held else ())
    found = [{"alert": row.id, **{name: getattr(row, name) for name in LISTED.split()[1:]}} for row in rows]
    session.show("cap-alerts", {"alerts": found}, alerts=LISTED)
    waiting = next((row for row in rows if row.standing in cap_alerts.WAITING), None)
    next_step(f"dispatcher cap show {waiting.id}" if waiting else "dispatcher cap feeds")


@cap.command(cls=Reading)
@ALERT
def show(session: Session, name: str) -> None:
    """What ALERT says, who signed it, what was found, what it changes, and what may be done about it."""
    from dispatcher.store import cap_alerts

    with session.desk.store.read() as work:
        row = cap_alerts.alert(work, name)
    session.show("cap-alert", _shown(row), faults="code verdict where message", changes=_CHANGED)
    _next(session, row)


@cap.command()
@ALERT
@REASON
@click.option("--incident", metavar="INCIDENT", help="What a held Update or Cancel is about, if it does not say.")
@click.option("--valid-until", "until", type=moment, help="Until when a held Alert without expiry holds.")
def accept(session: Session, name: str, reason: str, incident: Text, until: Moment) -> None:
    """Let a held ALERT count, or say that you acted upon an Update or Cancel.

    A held Alert proposes its incident; a held Update or Cancel is then shown as one to act upon.
    """
    from dispatcher.service.alerts import deciding

    desk = session.desk
    known = deciding.Known(incident, at(until, desk.now()))
    _decided(session, deciding.accept(desk, name, session.person, reason, known))


@cap.command()
@ALERT
@REASON
def dismiss(session: Session, name: str, reason: str) -> None:
    """Say that ALERT, which waits for a person, does not count."""
    from dispatcher.service.alerts import deciding

    _decided(session, deciding.dismiss(session.desk, name, session.person, reason))


@cap.command()
def feeds(session: Session) -> None:
    """The feeds that the relay watches (feeds.toml), when each was last read, and what is wrong with it."""
    from dispatcher.service.alerts.feeds import FILE, watched
    from dispatcher.store import cap_feeds

    desk = session.desk
    known = watched(desk.settings.root)
    with desk.store.read() as work:
        rows = {(row.name, row.mode): row for row in cap_feeds.rows(work)}
        late = {key for key, row in rows.items() if cap_feeds.overdue(row, work.now)}
    found = []
    for feed in known.feeds:
        row = rows.get((feed.name, str(feed.mode)))
        about = {"feed": feed.name, "mode": feed.mode, "url": feed.url, "profile": feed.profile.name}
        polled = {"ok_at": row and row.ok_at, "polled_at": row and row.polled_at}
        faults = row.found["faults"] if row else []
        overdue = (feed.name, str(feed.mode)) in late
        found.append({**about, "every_s": feed.every_s, **polled, "overdue": overdue, "faults": faults})
    faults = list((known.faults or {}).values())
    session.show("cap-feeds", {"feeds": found, "faults": faults}, feeds="feed mode profile ok_at overdue faults")
    next_step("dispatcher cap list --held" if found else f"write [feed.NAME] in {FILE} of the deployment")


_CHANGED = "field language before after"


def read_alert(source: str, *, is_test: bool) -> Alert:
    """The alert at ``source``, a file or an https address. Raises Invalid naming the faults, or Unavailable."""
    report = check(_bytes(source, is_test=is_test))
    if report.alert is None:
        raise _unusable(source, report.verdict, report.faults)
    return report.alert


def _bytes(source: str, *, is_test: bool) -> bytes:
    return asyncio.run(_fetch(source, is_test)) if "://" in source else read(source, MAX_BYTES)


async def _fetch(address: str, is_test: bool) -> bytes:
    from dispatcher.service.alerts.fetching import Fetcher

    async with Fetcher([urlsplit(address).netloc.lower()], is_test=is_test) as fetcher:
        return (await fetcher.get(address)).body


def _unusable(source: str, verdict: Verdict, faults: tuple[Any, ...]) -> Invalid:
    told = "; ".join(str(fault) for fault in faults[:3])
    return Invalid(f"{source}: {verdict}: {told}", f"dispatcher cap validate {source}")


def _judged(session: Session, data: Mapping[str, bytes], profile: str, when: Moment) -> dict[str, Any]:
    from dispatcher.cap.judge import judge
    from dispatcher.sender_bootstrap import now
    from dispatcher.service.alerts import profiles

    try:
        folder = session.folder
    except NotFound:
        folder = None  # a profile that ships, or a file, is judged by without a deployment
    asked, received_at = profiles.load(profile, folder), at(when, now()) or now()
    return {name: judge(one, asked, received_at) for name, one in data.items()}


def _shown(row: Any) -> dict[str, Any]:
    about = {"alert": row.id, **{name: getattr(row, name) for name in LISTED.split()[1:]}}
    named = {name: getattr(row, name) for name in ("sender", "identifier", "sent", "address", "profile", "signer")}
    decided = {name: getattr(row, name) for name in ("parent", "decided_by", "decided_at", "reason", "sha256")}
    known = {"faults": row.found["faults"], "changes": row.found["changes"]}
    alert = check(row.data).alert if row.data else None
    texts = [
        {
            "language": info.language,
            "event": info.event,
            "headline": info.headline,
            "description": info.description,
            "instruction": info.instruction,
            "area": [area.description for area in info.areas],
            "expires": info.expires,
        }
        for info in (alert.infos if alert else ())
    ]
    return {**about, **named, **decided, **known, "texts": texts}


def _decided(session: Session, row: Any) -> None:
    session.show("cap-alert", _shown(row), faults="code verdict message", changes=_CHANGED)
    _next(session, row)


def _next(session: Session, row: Any) -> None:
    """What is missing, and what to type, by what became of an alert."""
    from dispatcher.service.alerts import waiting

    match row.standing:
        case "opened":
            next_step(f"dispatcher incident show {row.incident}", "an officer's look at what it proposes")
        case "attached":
            with session.desk.store.read() as work:
                command = waiting.command(work, row)
            done = f"then: dispatcher cap accept {row.id} --reason TEXT"
            next_step(command, f"somebody who acts upon this {row.msg_type}, {done}")
        case "held":
            accept = f"dispatcher cap accept {row.id} --reason TEXT"
            next_step(f"{accept}  or  dispatcher cap dismiss {row.id} --reason TEXT", "a person's decision")
        case "refused":
            next_step("ask its sender for a sound alert", "an alert that may be believed")
        case _:
            next_step("dispatcher cap list")
