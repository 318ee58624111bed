"""``dispatcher incident``: declare, activate, look, amend, keep for an inquiry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatcher.areas.words import described
from dispatcher.cli import suggesting
from dispatcher.cli.area import place, placed
from dispatcher.cli.commands import (
    Moment,
    Noun,
    Pairs,
    Reading,
    Signed,
    Text,
    at,
    moment,
    one_of,
    pairs,
    past,
)
from dispatcher.cli.onward import what_next
from dispatcher.cli.output import facts, next_step, say, wants_json
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.domain.incident import Incident, Item, Severity
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.service import closing, incidents, retaining
from dispatcher.service.areas import SHAPES, place_of
from dispatcher.service.closing import Owed
from dispatcher.service.evidence import file_digest
from dispatcher.service.incidents import Occurred
from dispatcher.service.retaining import Retained
from dispatcher.store import history, records

SEVERITY = click.option("--severity", type=one_of(Severity), help="S1 local to S4 whole-system; S2 unless said.")
FACT = pairs("fact", "NAME=VALUE", "Anything known of it.")
NAME = click.argument("name", metavar="INCIDENT")
SINCE = click.option(
    *("--occurred-at", "--at", "occurred_at"),
    type=past,
    metavar="TIME",
    help="When it happened or was said, with its offset, or -20m; now unless given.",
)
LATE = click.option("--late", default="", metavar="WHY", help="Why it is recorded only now, after over 15 minutes.")
REASON = click.option("--reason", required=True, help="Why; goes into the ledger.")

SLIP = 0.85
"""How alike a kind and one of policy's are, as difflib counts, that was meant to be it."""

incident = Noun("incident")


@incident.command()
@click.argument("kind", required=False)
@click.argument("title", required=False)
@click.option("--mode", type=one_of(Mode), required=True, help="For good: one is never converted into the other.")
@SEVERITY
@place
@FACT
@pairs("evidence", "ITEM=TEXT", "What policy wants known of its kind, such as warning or police_report.")
@click.option("--source", default="", help="Who says that evidence: a force, a department, a warning service.")
@click.option("--from-cap", metavar="FILE|URL", help="Propose it from a CAP 1.2 alert: a file, or an https address.")
@click.option("--valid-until", "until", type=moment, help="For an alert without expiry, or to end it earlier.")
def declare(
    session: Session,
    kind: Text,
    title: Text,
    mode: Mode,
    from_cap: Text,
    until: Moment,
    evidence: Pairs,
    source: str,
    **told: Any,
) -> None:
    """Declare an incident of KIND with TITLE: it is active at once, everything else can follow.

    From an alert it is proposed, to be activated; KIND is given only where the one suggested is wrong.

    \b
    dispatcher incident declare disorder "Disorder in the Old Town" --mode live --area "Old Town"
    dispatcher incident declare severe_weather "Storm" --mode exercise --evidence warning=red --source "met office"
    dispatcher incident declare --from-cap alert.xml --mode exercise
    """
    if from_cap:
        if title or any(told.values()) or evidence:
            raise Invalid(
                "the alert gives title, severity, area, facts and evidence; what it leaves open is added afterwards",
                f"dispatcher incident declare --from-cap {from_cap} --mode {mode}",
            )
        return _from_cap(session, from_cap, mode, kind, until)
    if not kind or not title:
        raise Invalid("an incident needs a kind and a title", 'dispatcher incident declare disorder "TITLE" --mode …')
    _known(session, kind)
    about = {"severity": told["severity"] or Severity.S2, "facts": told["fact"], "where": placed(session, told)}
    about["evidence"] = _evidence(session, evidence, source)
    made = incidents.declare(session.desk, kind=kind, title=title, mode=mode, person=session.person, **about)
    return _show(session, made)


@incident.command()
@NAME
def activate(session: Session, name: str) -> None:
    """Make a proposed INCIDENT active: only then does the gate consider it."""
    _show(session, incidents.activate(session.desk, name, session.person))


@incident.command()
@NAME
@SEVERITY
@place
@FACT
@SINCE
@LATE
def amend(session: Session, name: str, occurred_at: Moment, late: str, **told: Any) -> None:
    """Add to what is known of INCIDENT; plans made before keep what they were signed with."""
    if not any(told.values()):
        raise Invalid("nothing to amend", "give --severity, --area or --fact NAME=VALUE")
    when, where = _when(session, occurred_at, late), placed(session, told)
    made = incidents.amend(session.desk, name, session.person, told["fact"], told["severity"], when, where)
    _show(session, made)


@incident.command()
@NAME
@click.argument("text")
@SINCE
@LATE
def note(session: Session, name: str, text: str, occurred_at: Moment, late: str) -> None:
    """Put TEXT on the record of INCIDENT: why something was decided, who rang, what was considered.

    It changes nothing else, and nothing changes it: what is wrong is corrected by another note.
    """
    made = incidents.note(session.desk, name, session.person, text, _when(session, occurred_at, late))
    session.show("note", made)
    next_step(f"dispatcher ledger tail --incident {made['incident']} --kind incident.noted")


@incident.command("evidence")
@NAME
@click.argument("item")
@click.argument("text")
@click.option("--source", required=True, help="Who says so: a force, a department, a warning service.")
@SINCE
@LATE
@click.option("--file", metavar="FILE", help="Its SHA-256 is recorded; keep the file.")
def add_evidence(
    session: Session, name: str, item: str, text: str, source: str, occurred_at: Moment, late: str, file: Text
) -> None:
    """Record ITEM of evidence for INCIDENT, such as police_report, warning, or a line of METHANE.

    What policy wants known of each kind of incident: dispatcher policy show.
    """
    digest = file_digest(Path(file)) if file else None
    when = _when(session, occurred_at, late)
    known = Item(item, text, source, when.at or session.desk.now(), digest)
    _show(session, incidents.add_evidence(session.desk, name, session.person, known, late))


@incident.command("stand-down", cls=Signed)
@NAME
@click.option("--reason", default="", help="Why; may follow later.")
def stand_down(session: Session, name: str, reason: str) -> None:
    """End INCIDENT's messaging, at once: what has not begun is cancelled, corrections still pass."""
    found = closing.stand_down(session.desk, name, session.pen, reason)
    session.ring_stops(found.incident.mode)
    _show_owed(session, found)


@incident.command()
@NAME
def obligations(session: Session, name: str) -> None:
    """What INCIDENT leaves to do, until when, and by which command."""
    _show_owed(session, closing.owed(session.desk, name))


@incident.command(cls=Signed)
@click.argument("name", metavar="INCIDENT/hot|INCIDENT/formal|PLAN")
@click.option("--finding", required=True, metavar="TEXT", help="What was found.")
@click.option("--evidence", "file", required=True, metavar="FILE", help="Its SHA-256 is signed; keep the file.")
def review(session: Session, name: str, finding: str, file: str) -> None:
    """Sign a review that is owed: of an incident stood down, or of a plan for which the glass was broken."""
    _show_owed(session, closing.review(session.desk, name, session.pen, finding, file_digest(Path(file))))


@incident.command()
@NAME
def close(session: Session, name: str) -> None:
    """Close INCIDENT for good. Refused, with what is owed, while anything is."""
    _show_owed(session, closing.close(session.desk, name, session.person))


@incident.command()
@NAME
@REASON
def retain(session: Session, name: str, reason: str) -> None:
    """Put INCIDENT under a legal hold: nothing of it is purged, however old, until `unretain`.

    By legal, propriety, the reviewer or a duty director.
    """
    _show_retained(session, retaining.retain(session.desk, name, reason, session.pen))


@incident.command()
@NAME
@REASON
def unretain(session: Session, name: str, reason: str) -> None:
    """End the legal hold of INCIDENT: what is past its time is purged again. By legal only."""
    _show_retained(session, retaining.unretain(session.desk, name, reason, session.pen))


@incident.command(cls=Reading)
@NAME
def show(session: Session, name: str) -> None:
    """What is known of INCIDENT, its messages and its plans."""
    with session.desk.store.read() as work:
        found = records.incident(work, name)
    _show(session, found)


@incident.command("list", cls=Reading)
def list_(session: Session) -> None:
    """The newest incidents first."""
    with session.desk.store.read() as work:
        found = records.incidents(work)
    session.show("incidents", {"incidents": found}, incidents="id mode severity state title")
    next_step(f"dispatcher incident show {found[0].id}" if found else "dispatcher incident declare --help")


def _from_cap(session: Session, source: str, mode: Mode, kind: Text, until: Moment) -> None:
    from dispatcher.cap.propose import propose
    from dispatcher.cli.cap import read_alert

    desk = session.desk
    alert = read_alert(source, is_test=desk.settings.kind is DeploymentKind.TEST)
    proposal = propose(alert, desk.now(), valid_until=at(until, desk.now()))
    _show(session, incidents.propose(desk, proposal, mode=mode, person=session.person, kind=kind))


def _evidence(session: Session, given: Pairs, source: str) -> tuple[Item, ...]:
    """What is known from the beginning, by one source. Raises Invalid where nobody is named."""
    if given and not source:
        raise Invalid("evidence needs who says so", "name them: --source WHO")
    return tuple(Item(item, text, source, session.desk.now(), None) for item, text in given.items())


def _show_owed(session: Session, found: Owed) -> None:
    about = {"incident": found.incident.id, "mode": found.incident.mode, "state": found.incident.state}
    listed = [facts(one) for one in found.obligations]
    session.show("obligations", {**about, "obligations": listed}, obligations="what due_at done")
    if found.open:
        next_step(found.open[0].command, found.open[0].what)
    else:
        next_step(f"dispatcher incident close {found.incident.id}" if found.obligations else "dispatcher status")


def _place(found: Incident) -> dict[str, str]:
    """The shapes and people of an incident's area in words; nothing where it has no shape."""
    known = place_of(found.facts)
    if not known.has_shape:
        return {}
    return {"shape": described(known.polygons, known.circles), "reach": known.reach}


def _when(session: Session, occurred_at: Moment, late: str) -> Occurred:
    return Occurred(at(occurred_at, session.desk.now()), late)


def _show_retained(session: Session, made: Retained) -> None:
    session.show("retained", made)
    next_step("dispatcher recipients list")


def _show(session: Session, found: Incident) -> None:
    desk = session.desk
    with desk.store.read() as work:
        messages = dict.fromkeys(revision.message for revision in records.revisions_of(work, found.id))
        plans = [plan.digest for plan in records.plans_of(work, found.id)]
        step = what_next(work, found)
        retained = found.id in history.retained(work)
    about = {"retained": retained, "messages": list(messages), "plans": plans}
    told = facts(found)
    if not wants_json(session.json):  # an alert's outline may have thousands of corners
        told["facts"] = {key: value for key, value in told["facts"].items() if key not in (*SHAPES, "population")}
    session.show("incident", {**told, **_place(found), **about})
    kinds = _kinds(session)
    if found.kind not in kinds:
        say(f"Warning: policy lists no channel for kind {found.kind}; its kinds: {', '.join(kinds)}")
    next_step(*step)


def _kinds(session: Session) -> list[str]:
    """The kinds of incident for which policy has a channel."""
    version = session.desk.trust.policy.in_force(session.desk.now())
    return sorted({kind for rule in version.channel.values() for kind in rule.incident_kinds}) if version else []


def _known(session: Session, kind: str) -> None:
    """Refuse a kind that is one of policy's but for a slip; any other is taken, and warned of. Raises Invalid."""
    kinds = _kinds(session)
    if kind not in kinds and (meant := suggesting.close(kind, kinds, SLIP)):
        raise Invalid(
            f"{kind} is not a kind that policy knows, and much like {meant[0]}; nothing was declared",
            f"dispatcher incident declare {meant[0]} …; all kinds: {', '.join(kinds)}",
        )
