"""``dispatcher policy``: the rules there are, what changed between them, and what they said at another moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from dispatcher.cli.commands import Moment, Noun, Reading, Text, at, moment
from dispatcher.cli.output import facts, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.gate.policy import Policies, PolicyVersion
from dispatcher.gate.policy_diff import Direction, differences
from dispatcher.gate.policy_file import PolicyError, load
from dispatcher.service import policies
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import policy_digest, read_text

TABLES = {
    "tier": "name approvals window_max_minutes severity_min hold_when_stale break_glass",
    "channel": "name tier placements purposes accounts minister exemption",
    "evidence": "name base serious max_age_hours exceptional approvals",
    "mitigation": "name checked_by source",
}
VERSIONS = "version effective_from recorded_at digest tighter looser"

policy = Noun("policy")


def _date(text: str) -> datetime | timedelta:
    """A moment, or a day, which begins at midnight UTC. Raises BadParameter."""
    return moment(f"{text}T00:00+00:00" if text.count("-") == 2 and len(text) == len("2025-02-10") else text)


@policy.command()
@click.argument("version", required=False)
def show(session: Session, version: Text) -> None:
    """The rules in force, or those of VERSION; what it inherits stands in it."""
    desk = session.desk
    known = desk.trust.policy
    _show(session, policies.named(known, version) if version else policies.in_force(known, desk.now()))


@policy.command("at")
@click.argument("date", type=_date)
def at_date(session: Session, date: Moment) -> None:
    """The rules in force at DATE: a day such as 2025-02-10 (from midnight UTC), a moment, or +4h from now."""
    desk = session.desk
    _show(session, policies.in_force(desk.trust.policy, at(date, desk.now()) or desk.now()))


@policy.command()
@click.argument("before")
@click.argument("after")
def diff(session: Session, before: str, after: str) -> None:
    """What version AFTER changes against version BEFORE, per channel: tighter, looser, or neutral."""
    known = session.desk.trust.policy
    found = differences(policies.named(known, before), policies.named(known, after))
    body = {"before": before, "after": after, "differences": found}
    session.show("policy-diff", body, differences="channel rule before after direction")
    next_step(f"dispatcher policy show {after}")


@policy.command()
@click.argument("file")
def check(session: Session, file: str) -> None:
    """Check a policy FILE that is being written, and count what each version tightens and loosens."""
    document = parse_toml(read_text(Path(file)), file)
    try:
        known = load(document, policy_digest(document))
    except PolicyError as error:
        raise Invalid(f"{file}: {error}", "mend it there; nothing was changed") from error
    session.show("policy-check", {"digest": known.digest, "versions": list(_changes(known))}, versions=VERSIONS)
    next_step(f"dispatcher roster rotate FOLDER --with {file}", "the signatures of two policy owners")


@policy.command(cls=Reading)
@click.argument("name", metavar="PLAN|DELIVERY")
@click.option("--at", "date", type=_date, help="A day, a moment, or +4h from now; else now.")
def replay(session: Session, name: str, date: Moment) -> None:
    """What the gate would have said at a moment: under the versions in force then, of what was signed by then.

    By today's roster, and without what only the sender knows: its clock and its spent file.
    """
    desk = session.desk
    found = policies.replay(desk, name, at(date, desk.now()) or desk.now())
    session.show("policy-replay", found, answers="channel account permitted policy failures")
    next_step(f"dispatcher gate explain {name}")


def _show(session: Session, version: PolicyVersion) -> None:
    body: dict[str, Any] = facts(version)
    tables = {name: [{"name": key, **rule} for key, rule in body[name].items()] for name in TABLES}
    session.show("policy", {**body, **tables}, **TABLES)
    next_step(f"dispatcher policy diff BEFORE {version.version}")


def _changes(known: Policies) -> Iterator[dict[str, Any]]:
    for before, version in zip((None, *known.versions), known.versions, strict=False):
        found = [one.direction for one in differences(before, version)] if before else []
        ways = {str(way): found.count(way) for way in (Direction.TIGHTER, Direction.LOOSER)}
        yield {name: getattr(version, name) for name in VERSIONS.split()[:4]} | ways
