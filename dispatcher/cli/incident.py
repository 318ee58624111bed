"""``dispatcher incident``: declare, activate, look, amend."""

from __future__ import annotations

from typing import Any

import click

from channels.contract import Json
from dispatcher.cli.commands import Moment, Names, Noun, Pairs, Text, identified, many, one_of, pairs, session
from dispatcher.cli.output import Table, facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.cli.times import When, at
from dispatcher.domain.errors import Invalid
from dispatcher.domain.incident import Incident, Severity
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents
from dispatcher.service.desk import Desk
from dispatcher.store import records

SEVERITY = click.option("--severity", type=one_of(Severity), help="S1 local to S4 whole-system.")
AREA = many("area", "A place it concerns, by name; may be repeated.")
FACT = pairs("fact", "NAME=VALUE", "Anything known of it.")


@click.group(cls=Noun)
def incident() -> None:
    """Declare incidents and say what is known of them."""


@incident.command()
@click.argument("kind", required=False)
@click.argument("title", required=False)
@click.option("--mode", type=one_of(Mode), help="Must be given; one is never converted into the other.")
@SEVERITY
@AREA
@FACT
@click.option("--from-cap", metavar="FILE|URL", help="Propose it from a CAP 1.2 alert: a file, or an https address.")
@click.option("--valid-until", "until", type=When(), help="For an alert without expiry, or to end it earlier.")
@click.option("--kind", "other", help="With --from-cap: the kind, where the suggested one is wrong.")
@identified
@session
def declare(session: Session, /, kind: Text, title: Text, mode: Mode | None, from_cap: Text, **given: Any) -> None:
    """Declare an incident of KIND with TITLE: it is active at once, everything else can follow.

    \b
    dispatcher incident declare disorder "Disorder in the Old Town" --mode live
    dispatcher incident declare --from-cap alert.xml --mode exercise
    """
    if mode is None:
        why = "neither is assumed: an exercise must never be taken for the real thing, nor the other way round"
        raise Invalid("say which: --mode live or --mode exercise", why)
    desk = session.desk()
    if from_cap:
        if kind or title or any(given[name] for name in ("severity", "areas", "fact")):
            what = "the alert gives title, severity, area and facts"
            raise Invalid(what, "declare it, then: dispatcher incident amend; for another kind: --kind")
        return _from_cap(session, desk, from_cap, given["until"], mode, given["other"])
    if not kind or not title:
        raise Invalid("an incident needs a kind and a title", 'dispatcher incident declare disorder "TITLE" --mode …')
    severity = given["severity"] or Severity.S2
    person = session.person(desk).id
    told = _known(given["areas"], given["fact"])
    made = incidents.declare(desk, kind=kind, title=title, mode=mode, person=person, severity=severity, facts=told)
    _show(session, desk, made)
    next_step(f"dispatcher message draft {made.id} --text en-GB=FILE --valid-until +6h", "what the public will read")
    return None


@incident.command()
@click.argument("name", metavar="INCIDENT")
@identified
@session
def activate(session: Session, name: str) -> None:
    """Make a proposed INCIDENT active: only then does the gate consider it."""
    desk = session.desk()
    made = incidents.activate(desk, name, session.person(desk).id)
    _show(session, desk, made)
    next_step(f"dispatcher message draft {made.id}")


@incident.command()
@click.argument("name", metavar="INCIDENT")
@SEVERITY
@AREA
@FACT
@identified
@session
def amend(session: Session, name: str, severity: Severity | None, areas: Names, fact: Pairs) -> None:
    """Add to what is known of INCIDENT; the ledger keeps every version."""
    if not severity and not areas and not fact:
        raise Invalid("nothing to amend", "give --severity, --area or --fact NAME=VALUE")
    desk = session.desk()
    _show(session, desk, incidents.amend(desk, name, session.person(desk).id, _known(areas, fact), severity))
    next_step("dispatcher status", "nothing; plans made before keep what they were signed with")


@incident.command()
@click.argument("name", metavar="INCIDENT")
@session
def show(session: Session, name: str) -> None:
    """What is known of INCIDENT, its messages and its plans."""
    with session.desk().store.read() as work:
        found = records.incident(work, name)
        messages = {revision.message: revision for revision in records.revisions_of(work, found.id)}
        plans = records.plans_of(work, found.id)
    written = [(revision.message, revision.number, revision.languages) for revision in messages.values()]
    stored = [(plan.digest, plan.state, plan.message) for plan in plans]
    session.show(
        "incident",
        {
            **facts(found),
            "messages": [{"message": m, "revision": number, "languages": tags} for m, number, tags in written],
            "plans": [{"plan": digest, "state": state, "message": m} for digest, state, m in stored],
        },
        Table(list(facts(found).items())),
        Table(written, ("message", "revision", "languages"), "Messages"),
        Table(stored, ("plan", "state", "message"), "Plans"),
    )
    next_step(_next(found, list(messages), plans))


@incident.command("list")
@click.option("-n", "--number", type=click.IntRange(1, 1000), default=50, show_default=True)
@session
def list_(session: Session, number: int) -> None:
    """The newest incidents first."""
    with session.desk().store.read() as work:
        found = records.incidents(work, number)
    session.rows("incidents", found, "id mode kind severity state declared_at title")
    next_step(f"dispatcher incident show {found[0].id}" if found else "dispatcher incident declare --help")


def _from_cap(session: Session, desk: Desk, source: str, until: Moment, mode: Mode, kind: Text) -> None:
    from dispatcher.cap.propose import propose
    from dispatcher.cli.alert import read_alert

    proposal = propose(read_alert(source, desk.settings), desk.now(), valid_until=at(until, desk.now()))
    made = incidents.propose(desk, proposal, mode=mode, person=session.person(desk).id, kind=kind)
    _show(session, desk, made)
    say(*(f"Note: {note}" for note in proposal.notes))
    next_step(f"dispatcher incident activate {made.id}", "an officer's confirmation of kind, severity and area")


def _known(areas: Names, fact: Pairs) -> dict[str, Json]:
    return {**fact, **({"area": list[Json](areas)} if areas else {})}


def _show(session: Session, desk: Desk, made: Incident) -> None:
    session.show("incident", made)
    version = desk.trust.policy.in_force(desk.now())
    kinds = sorted({kind for rule in version.channels.values() for kind in rule.incident_kinds}) if version else []
    if made.kind not in kinds:
        say(f"Warning: policy lists no channel for kind {made.kind}; its kinds: {', '.join(kinds)}")


def _next(found: Incident, messages: list[str], plans: list[records.StoredPlan]) -> str:
    if found.state is IncidentState.PROPOSED:
        return f"dispatcher incident activate {found.id}"
    if plans:
        return f"dispatcher clearance show {plans[-1].digest[:12]}"
    return f"dispatcher clearance submit {messages[-1]}" if messages else f"dispatcher message draft {found.id}"
