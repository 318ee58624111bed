"""``dispatcher evidence``: assessments, exemptions, attestations, the minister's decision; and packs of it all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatcher.cli.awaiting import what_next
from dispatcher.cli.clearance import show_channels
from dispatcher.cli.commands import Names, Noun, Signed, many, one_of
from dispatcher.cli.output import next_step, say, untold
from dispatcher.cli.packs import export, redact
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Mode
from dispatcher.service import evidence as service
from dispatcher.service.evidence import AssessmentOutcome, Decided, Decision, Recorded

MODE = click.option("--mode", type=one_of(Mode), required=True)
FILE = click.option("--evidence", "file", required=True, metavar="FILE", help="Its SHA-256 is signed; keep the file.")
ACCOUNT = click.option("--account", required=True, help="One of ours; there are no wildcards.")

evidence = Noun("evidence")
evidence.add_command(export)
evidence.add_command(redact)


@evidence.command(cls=Signed)
@click.argument("channel")
@click.option("--outcome", type=one_of(AssessmentOutcome), required=True)
@click.option("--placement", type=one_of(Placement), default=Placement.ORGANIC, help="Organic unless said.")
@click.option("--record", required=True, metavar="FILE", help="TOML; what it says and its SHA-256 are signed.")
@MODE
def assess(session: Session, mode: Mode, record: str, **said: Any) -> None:
    """Sign the assessment record of CHANNEL for a placement.

    \b
    The record is a TOML file; the first four are answered where the channel is permitted:
      safety = "…"  ads_context = "…"  freedom_of_speech = "…"  ethics = "…"
      fifth = "…"  conditions = "…"  review_at = 2027-03-01T00:00:00Z
    """
    said |= {"record": service.read_record(Path(record)), "evidence": service.file_digest(Path(record))}
    _show_recorded(session, service.assess(session.desk, session.pen, mode, **said))


@evidence.command(cls=Signed)
@click.argument("channel")
@ACCOUNT
@click.option("--need", required=True, help="The need that it meets, in words.")
@MODE
def exempt(session: Session, mode: Mode, **said: Any) -> None:
    """Sign a standing exemption for one account on CHANNEL."""
    _show_recorded(session, service.exempt(session.desk, session.pen, mode, **said))


@evidence.command(cls=Signed)
@click.argument("channel")
@ACCOUNT
@click.option("--device", default="", help="The device registered for the account, if it has one.")
@click.option("--app-version", default="", help="The version of the app that is installed there.")
@many("mitigation", "Only this; else all that policy asks people to attest. May be repeated.")
@FILE
@MODE
def attest(session: Session, mode: Mode, file: str, **said: Any) -> None:
    """Sign that mitigations hold for an account on CHANNEL and its device; one signature covers the profile."""
    digest = service.file_digest(Path(file))
    _show_recorded(session, service.attest(session.desk, session.pen, mode, evidence=digest, **said))


@evidence.command()
@click.argument("plan")
@click.option("--decision", type=one_of(Decision), required=True)
@many("channel", "Else all of the plan's; may be repeated.")
def decide(session: Session, plan: str, decision: Decision, channels: Names) -> None:
    """Record the minister's decision about PLAN.

    A read-back code goes to the minister's own contact. Where none takes it, it is shown here, this once: bring it
    to the minister by another route. It is signed here, with a key or the agent, because the code is made in the same
    moment.
    """
    _show_decision(session, service.decide(session.desk, plan, session.pen, decision, channels))


@evidence.command(cls=Signed)
@click.argument("plan")
@click.option("--code", required=True, help="The code as the minister read it back.")
def confirm(session: Session, plan: str, code: str) -> None:
    """Confirm the recorded decision about PLAN with the minister's read-back code."""
    _show_decision(session, Decided(service.confirm(session.desk, plan, session.pen, code)))


def _show_recorded(session: Session, made: Recorded) -> None:
    session.show("evidence", made)
    next_step("dispatcher status")


def _show_decision(session: Session, made: Decided) -> None:
    stored, code = made.standing.stored, made.code.reveal() if made.code else None
    sent_to = list(dict.fromkeys(notice.person for notice in made.told if notice.sent))
    about = {"plan": stored.digest, "state": stored.state, "code": code, "sent_to": sent_to}
    show_channels(session, "decision", made.standing, **about)
    untold(made.told)
    if not code and not sent_to:
        next_step(*what_next(session.desk, made.standing))
        return
    if code:
        say("Warning: no contact of the minister took the code, shown this once: bring it by another route")
    missing = f"the code, as the minister reads it back within 24 hours ({', '.join(sent_to) or 'not sent'})"
    next_step(f"dispatcher evidence confirm {short(stored.digest)} --code CODE", missing)
