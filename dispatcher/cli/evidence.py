"""``dispatcher evidence``: what people sign about channels, accounts and devices, and the minister's decision."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import click

from dispatcher.cli.clearance import channel_table, findings, what_next
from dispatcher.cli.commands import Names, Noun, Text, identified, many, one_of, session, signing
from dispatcher.cli.output import Table, next_step
from dispatcher.cli.pens import NeedsTerminal
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Mode
from dispatcher.service import evidence as service
from dispatcher.service.clearing import Standing
from dispatcher.service.evidence import AssessmentOutcome, Decision, Recorded

MODE = click.option("--mode", type=one_of(Mode), required=True)
FILE = click.option("--evidence", "file", required=True, metavar="FILE", help="Its SHA-256 is signed; keep the file.")
ACCOUNT = click.option("--account", required=True, help="One of ours; there are no wildcards.")


@click.group(cls=Noun)
def evidence() -> None:
    """Sign assessments, exemptions, attestations and the minister's decision."""


@evidence.command()
@click.argument("channel")
@click.option("--outcome", type=one_of(AssessmentOutcome), required=True)
@click.option("--placement", type=one_of(Placement), default=Placement.ORGANIC, help="Organic unless said.")
@click.option("--conditions", default="", help="What it is permitted under.")
@FILE
@MODE
@signing
@session
def assess(
    session: Session, /, mode: Mode, file: str, placement: Placement, outcome: AssessmentOutcome, **said: str
) -> None:
    """Sign the assessment record of CHANNEL for a placement."""
    desk, digest = session.desk(), service.file_digest(Path(file))
    pen = session.pen(desk)
    _show(session, service.assess(desk, pen, mode, placement=placement, outcome=outcome, evidence=digest, **said))


@evidence.command()
@click.argument("channel")
@ACCOUNT
@click.option("--need", required=True, help="The need that it meets, in words.")
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True)
@MODE
@signing
@session
def exempt(session: Session, mode: Mode, channel: str, account: str, need: str, days: int) -> None:
    """Sign a standing exemption for one account on CHANNEL."""
    desk, life = session.desk(), timedelta(days=days)
    pen = session.pen(desk)
    _show(session, service.exempt(desk, pen, mode, channel=channel, account=account, need=need, life=life))


@evidence.command()
@click.argument("channel")
@ACCOUNT
@click.option("--device", required=True, help="The device registered for the account.")
@many("mitigation", "Only this; else all that policy asks for. May be repeated.")
@FILE
@MODE
@signing
@session
def attest(
    session: Session, mode: Mode, file: str, channel: str, account: str, device: str, mitigations: Names
) -> None:
    """Sign that mitigations hold for an account on CHANNEL and its device; one signature covers the profile."""
    desk = session.desk()
    scope = {"channel": channel, "account": account, "device": device, "evidence": service.file_digest(Path(file))}
    _show(session, service.attest(desk, session.pen(desk), mode, mitigations=mitigations, **scope))


@evidence.command()
@click.argument("plan")
@click.option("--decision", type=one_of(Decision), required=True)
@many("channel", "Else all of the plan's; may be repeated.")
@identified
@session
def decide(session: Session, plan: str, decision: Decision, channels: Names) -> None:
    """Record the minister's decision about PLAN.

    The private office gets a read-back code, shown this once: tell it to the minister by another route. It is signed
    here, with a key or the agent, because the code is made in the same moment.
    """
    desk = session.desk()
    made = service.decide(desk, plan, session.pen(desk), decision, channels)
    _show_standing(session, made.standing, made.code.reveal() if made.code else None)
    if made.code is None:
        next_step(*what_next(desk, made.standing))
    else:
        confirm_it = f"dispatcher evidence confirm {short(made.standing.stored.digest)}"
        next_step(confirm_it, "the code as the minister reads it back, within 24 hours")


@evidence.command()
@click.argument("plan")
@click.option("--code", help="The code as the minister read it back; else it is asked for.")
@signing
@session
def confirm(session: Session, plan: str, code: Text) -> None:
    """Confirm the recorded decision about PLAN with the minister's read-back code."""
    desk = session.desk()
    standing = service.confirm(desk, plan, session.pen(desk), code or _asked())
    _show_standing(session, standing, None)
    next_step(*what_next(desk, standing))


def _asked() -> str:
    if not sys.stdin.isatty():
        raise NeedsTerminal("no code was given, and there is no terminal to ask for it", "give --code CODE")
    typed: str = click.prompt("Code", err=True)
    return typed


def _show(session: Session, made: Recorded) -> None:
    session.show("evidence", made)
    next_step("dispatcher status")


def _show_standing(session: Session, standing: Standing, code: Text) -> None:
    stored = standing.stored
    body = {"plan": stored.digest, "state": stored.state, "code": code, "channels": findings(standing)}
    shown_once = [Table([("Read-back code, shown this once", code)])] if code else []
    session.show("decision", body, channel_table(standing), *shown_once)
