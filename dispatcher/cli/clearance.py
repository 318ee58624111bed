"""``dispatcher clearance`` and ``dispatcher evidence``: what different people sign before anything leaves.

Submit a plan, approve, reject or revoke it; sign what it rests on: assessments, exemptions, attestations, decisions.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from textwrap import indent
from typing import Any

import click

from dispatcher.cli import spend as paid
from dispatcher.cli.commands import Names, Noun, Pairs, Signed, duration, many, one_of, pairs
from dispatcher.cli.output import facts, next_step, say, untold
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.incident import conflicts
from dispatcher.domain.people import Role
from dispatcher.domain.plan import OnAmbiguous, Placement
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, notices, stopping, submitting
from dispatcher.service import evidence as service
from dispatcher.service.clearing import Standing
from dispatcher.service.desk import Desk
from dispatcher.service.evidence import AssessmentOutcome, Decided, Decision, Recorded
from dispatcher.service.judging import who_can

PLAN = click.argument("plan")
ROLE = click.option("--role", type=one_of(Role), help="Sign in this role of yours.")
CHANNEL = many("channel", "Only this channel; may be repeated.")
REASON = click.option("--reason", default="", help="Why.")
MODE = click.option("--mode", type=one_of(Mode), required=True)
FILE = click.option("--evidence", "file", required=True, metavar="FILE", help="Its SHA-256 is signed; keep the file.")
ACCOUNT = click.option("--account", required=True, help="One of ours; there are no wildcards.")

COMMANDS = {
    "G03": "dispatcher release {plan}",
    "G08": "dispatcher clearance approve {plan}",
    "G09": "dispatcher evidence assess {channel} --outcome permitted --evidence FILE --mode {mode}",
    "G10": "dispatcher evidence exempt {channel} --account ACCOUNT --need TEXT --mode {mode}",
    "G11": "dispatcher evidence attest {channel} --account ACCOUNT --device DEVICE --app-version VERSION"
    " --evidence FILE --mode {mode}",
    "G12": "dispatcher evidence decide {plan} --decision agreed --channel {channel}",
}
"""What to type for a clause that a signature mends."""

clearance = Noun("clearance")
evidence = Noun("evidence")


@clearance.command(cls=Signed)
@click.argument("message")
@many("account", "To this account; else to all of the mode.")
@many("list", "Recipients; may be repeated.", "[ACCOUNT=]LIST")
@click.option("--purpose", default="public_safety", show_default=True)
@click.option("--window", type=duration, default="4h", show_default=True, help="How long it may be sent.")
@pairs("on-ambiguous", "CHANNEL=hold|resend", "Where nobody can tell whether a post went out; else hold.")
@many("flag", "A legal flag, such as arrest; policy says who approves then.")
@click.option("--no-alternative", default="", metavar="TEXT", help="Which audience no other channel reaches.")
@click.option("--placement", type=one_of(Placement), default=Placement.ORGANIC, help="Organic unless said.")
@pairs("spend", paid.FORM, "What a paid channel may cost, all fees in; £160,000.00 will do.")
def submit(
    session: Session, message: str, accounts: Names, lists: Names, on_ambiguous: Pairs, spend: Pairs, **wish: Any
) -> None:
    """Freeze MESSAGE into a plan, which people then sign. Any edit afterwards is a new plan."""
    by_account: dict[str, list[str]] = {}
    for given in lists:
        account, _, name = given.rpartition("=")
        by_account.setdefault(account, []).append(name)
    if set(on_ambiguous.values()) - set(OnAmbiguous):
        raise click.BadParameter("say hold or resend", param_hint="--on-ambiguous")
    choices = {channel: OnAmbiguous(word) for channel, word in on_ambiguous.items()}
    bought = paid.orders(spend, session.desk.now())
    wanted = submitting.Wish(accounts or None, by_account, on_ambiguous=choices, spend=bought, **wish)
    _show(session, submitting.submit(session.desk, message, wanted, session.pen), StatementKind.SUBMIT)


@clearance.command(cls=Signed)
@PLAN
@click.option("--window", type=duration, default="4h", show_default=True, help="How long it may be sent from now.")
def renew(session: Session, plan: str, window: timedelta) -> None:
    """Submit PLAN's message again with a new window: a new plan, which people sign anew."""
    _show(session, submitting.renew(session.desk, plan, window, session.pen), StatementKind.SUBMIT)


@clearance.command(cls=Signed)
@PLAN
@ROLE
@CHANNEL
def approve(session: Session, plan: str, role: Role | None, channels: Names) -> None:
    """Approve PLAN, for all its channels unless some are named."""
    _show(session, clearing.approve(session.desk, plan, session.pen, role, channels))


@clearance.command(cls=Signed)
@PLAN
@REASON
@ROLE
@CHANNEL
def reject(session: Session, plan: str, reason: str, role: Role | None, channels: Names) -> None:
    """Reject PLAN, with a reason. One rejection stops."""
    standing = clearing.reject(session.desk, plan, session.pen, reason, role, channels)
    _show(session, standing, StatementKind.REJECT)


@clearance.command(cls=Signed)
@PLAN
@REASON
def revoke(session: Session, plan: str, reason: str) -> None:
    """Take back PLAN's clearance, at once. The reason may follow."""
    _show(session, clearing.revoke(session.desk, plan, session.pen, reason), StatementKind.REVOKE)


@clearance.command("break-glass", cls=Signed)
@PLAN
@click.option("--reason", required=True, help="What threatens life, now.")
@CHANNEL
def break_glass(session: Session, plan: str, reason: str, channels: Names) -> None:
    """Sign that life is in immediate danger: two people, one hour, fewer approvals, and a review within a day.

    Never for TikTok, paid placement or what policy does not name; never without the director.
    """
    standing = clearing.break_glass(session.desk, plan, session.pen, reason, channels)
    _show(session, standing, StatementKind.BREAK_GLASS)


@clearance.command(cls=Signed)
@PLAN
@REASON
def suspend(session: Session, plan: str, reason: str) -> None:
    """Freeze PLAN's clearance, at once. Two others end that: dispatcher resume."""
    stored = clearing.show(session.desk, plan).stored
    stopping.halt(session.desk, HaltScope.PLAN, stored.digest, session.pen, stored.plan.mode, reason)
    _show(session, clearing.show(session.desk, stored.digest), StatementKind.HALT)


@clearance.command(cls=Signed)
@PLAN
def show(session: Session, plan: str) -> None:
    """Where PLAN stands, channel by channel. With --to-sign FILE: what you would sign to approve it."""
    if session.to_sign:
        clearing.approve(session.desk, plan, session.pen)
    _show(session, clearing.show(session.desk, plan))


@clearance.command()
@PLAN
def read(session: Session, plan: str) -> None:
    """What approving PLAN signs, word for word: every account's message, then its armed texts."""
    found = [
        {"account": place.account, "channel": place.channel, "text": kind, "parts": facts(list(rendering.parts))}
        for place, kind, rendering in clearing.texts(session.desk, plan)
    ]
    session.read_out("texts", {"texts": found}, "\n".join(map(_told, found)))
    next_step(f"dispatcher clearance approve {plan}")


@evidence.command(cls=Signed)
@click.argument("channel")
@click.option("--outcome", type=one_of(AssessmentOutcome), required=True)
@click.option("--placement", type=one_of(Placement), default=Placement.ORGANIC, help="Organic unless said.")
@click.option("--conditions", default="", help="What it is permitted under.")
@FILE
@MODE
def assess(session: Session, mode: Mode, file: str, **said: Any) -> None:
    """Sign the assessment record of CHANNEL for a placement."""
    digest = service.file_digest(Path(file))
    _show_recorded(session, service.assess(session.desk, session.pen, mode, evidence=digest, **said))


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
@click.option("--device", required=True, help="The device registered for the account.")
@click.option("--app-version", required=True, help="The version of the app that is installed.")
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


def _told(made: dict[str, Any]) -> str:
    parts = [f"[{part['language']}]\n{indent(part['text'], '    ')}\n" for part in made["parts"]]
    return "\n".join([f"{made['text']}: {made['account']} ({made['channel']})", *parts])


def _show(session: Session, standing: Standing, signed: StatementKind | None = None) -> None:
    """Show a plan, and tell whom it concerns what was just signed about it."""
    names = ("incident", "mode", "purpose", "languages", "not_before", "not_after", "valid_until", "contributors")
    stored = standing.stored
    about: dict[str, Any] = {"plan": stored.digest, "state": stored.state, "message": stored.message}
    about |= {name: getattr(stored.plan, name) for name in names} | {"spend": paid.bought(stored.plan)}
    about["minutes_left"] = max(0, int((stored.plan.not_after - session.desk.now()).total_seconds() // 60))
    items = stored.plan.evidence
    about["evidence"] = [facts(item) | {"conflict": item in conflicts(items)} for item in items]
    _show_channels(session, "clearance", standing, **about)
    if signed:
        untold(notices.signed(session.desk, standing, signed))
    next_step(*what_next(session.desk, standing))


def _show_channels(session: Session, schema: str, standing: Standing, **about: Any) -> None:
    """Show what the gate says of each channel, after what else there is to show."""
    channels = [
        facts(finding)
        | {"clear": finding.clear, "failures": facts(finding.lacking)}
        | {"missing": [f"{failure.clause} {failure.fact}" for failure in finding.lacking]}
        | {"who": [f"{role}: {', '.join(people)}" for role, people in who_can(session.desk, finding.lacking).items()]}
        for finding in standing.findings
    ]
    columns = {"channels": "channel state signed missing who"}
    columns |= {"evidence": "name value source at conflict"} if about.get("evidence") else {}
    session.show(schema, {**about, "channels": channels}, **columns)


def what_next(desk: Desk, standing: Standing) -> tuple[str, str]:
    """The command to type next for a plan, and who or what is missing."""
    plan, name = standing.stored.plan, short(standing.stored.digest)
    if standing.stored.state != "submitted":
        return f"dispatcher watch {name}", ""
    waiting = [finding for finding in standing.findings if not finding.clear] or standing.findings
    failures = [failure for finding in waiting for failure in finding.lacking or finding.failures]
    people = "; ".join(f"{role} ({', '.join(found)})" for role, found in who_can(desk, failures).items())
    command = COMMANDS.get(failures[0].clause, f"{failures[0].mend}; then: dispatcher clearance show {name}")
    return command.format(plan=name, channel=waiting[0].channel, mode=plan.mode), people or failures[0].fact


def _show_recorded(session: Session, made: Recorded) -> None:
    session.show("evidence", made)
    next_step("dispatcher status")


def _show_decision(session: Session, made: Decided) -> None:
    stored, code = made.standing.stored, made.code.reveal() if made.code else None
    sent_to = list(dict.fromkeys(notice.person for notice in made.told if notice.sent))
    about = {"plan": stored.digest, "state": stored.state, "code": code, "sent_to": sent_to}
    _show_channels(session, "decision", made.standing, **about)
    untold(made.told)
    if not code and not sent_to:
        next_step(*what_next(session.desk, made.standing))
        return
    if code:
        say("Warning: no contact of the minister took the code, shown this once: bring it by another route")
    missing = f"the code, as the minister reads it back within 24 hours ({', '.join(sent_to) or 'not sent'})"
    next_step(f"dispatcher evidence confirm {short(stored.digest)} --code CODE", missing)
