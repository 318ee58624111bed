"""``dispatcher clearance``: submit a plan; different people approve, reject or revoke it."""

from __future__ import annotations

from typing import Any

import click

from dispatcher.cli.commands import Names, Noun, Pairs, many, one_of, pairs, session, signing
from dispatcher.cli.output import Table, facts, next_step
from dispatcher.cli.session import Session
from dispatcher.cli.times import Duration
from dispatcher.domain.ids import short
from dispatcher.domain.people import Role
from dispatcher.domain.plan import OnAmbiguous, Placement
from dispatcher.service import clearing
from dispatcher.service.clearing import Standing
from dispatcher.service.desk import Desk
from dispatcher.service.judging import who_can

ROLE = click.option("--role", type=one_of(Role), help="Sign in this role of yours.")
CHANNEL = many("channel", "Only this channel; may be repeated.")
REASON = click.option("--reason", default="", help="Why.")

COMMANDS = {
    "G08": "dispatcher clearance approve {plan}",
    "G09": "dispatcher evidence assess {channel} --outcome permitted --evidence FILE --mode {mode}",
    "G10": "dispatcher evidence exempt {channel} --account ACCOUNT --need TEXT --mode {mode}",
    "G11": "dispatcher evidence attest {channel} --account ACCOUNT --device DEVICE --evidence FILE --mode {mode}",
    "G12": "dispatcher evidence decide {plan} --decision agreed --channel {channel}",
}
"""What to type for a clause that a signature mends."""


@click.group(cls=Noun)
def clearance() -> None:
    """Submit a plan, and approve, reject, revoke or look at it."""


@clearance.command()
@click.argument("message")
@many("account", "To this account; else to all of the mode.")
@many("list", "Recipients; may be repeated.", "[ACCOUNT=]LIST")
@click.option("--purpose", default="public_safety", show_default=True)
@click.option("--window", type=Duration(), default="4h", show_default=True, help="How long it may be sent.")
@pairs("on-ambiguous", "CHANNEL=hold|resend", "Where nobody can tell whether a post went out; else hold.")
@many("flag", "A legal flag, such as arrest; policy says who approves then.")
@click.option("--placement", type=one_of(Placement), default=Placement.ORGANIC, help="Organic unless said.")
@signing
@session
def submit(session: Session, /, message: str, lists: Names, on_ambiguous: Pairs, **wish: Any) -> None:
    """Freeze MESSAGE into a plan, which people then sign. Any edit afterwards is a new plan."""
    wanted = clearing.Wish(
        accounts=wish["accounts"] or None,
        lists=_lists(lists),
        purpose=wish["purpose"],
        window=wish["window"],
        on_ambiguous={channel: _choice(channel, word) for channel, word in on_ambiguous.items()},
        placement=wish["placement"],
        flags=wish["flags"],
    )
    desk = session.desk()
    _show(session, desk, clearing.submit(desk, message, wanted, session.pen(desk)))


@clearance.command()
@click.argument("plan")
@ROLE
@CHANNEL
@signing
@session
def approve(session: Session, plan: str, role: Role | None, channels: Names) -> None:
    """Approve PLAN, for all its channels unless some are named."""
    desk = session.desk()
    _show(session, desk, clearing.approve(desk, plan, session.pen(desk), role, channels))


@clearance.command()
@click.argument("plan")
@REASON
@ROLE
@CHANNEL
@signing
@session
def reject(session: Session, plan: str, reason: str, role: Role | None, channels: Names) -> None:
    """Reject PLAN, with a reason. One rejection stops."""
    desk = session.desk()
    _show(session, desk, clearing.reject(desk, plan, session.pen(desk), reason, role, channels))


@clearance.command()
@click.argument("plan")
@REASON
@signing
@session
def revoke(session: Session, plan: str, reason: str) -> None:
    """Take back PLAN's clearance, at once. The reason may follow."""
    desk = session.desk()
    _show(session, desk, clearing.revoke(desk, plan, session.pen(desk), reason))


@clearance.command()
@click.argument("plan")
@ROLE
@CHANNEL
@signing
@session
def show(session: Session, plan: str, role: Role | None, channels: Names) -> None:
    """Where PLAN stands, channel by channel. With --to-sign FILE: what you would sign to approve it."""
    desk = session.desk()
    if session.to_sign:
        clearing.approve(desk, plan, session.pen(desk), role, channels)
    _show(session, desk, clearing.show(desk, plan), channels)


def _show(session: Session, desk: Desk, standing: Standing, channels: Names = ()) -> None:
    names = ("incident", "mode", "purpose", "languages", "not_before", "not_after", "valid_until", "contributors")
    stored = standing.stored
    known = {"plan": stored.digest, "state": stored.state, "message": stored.message}
    known |= {name: getattr(stored.plan, name) for name in names}
    session.show(
        "clearance",
        {**known, "channels": [item for item in findings(standing) if not channels or item["channel"] in channels]},
        Table(list(known.items())),
        channel_table(standing, channels),
    )
    next_step(*what_next(desk, standing))


def findings(standing: Standing) -> list[dict[str, Any]]:
    """What the gate says of each channel, as JSON."""
    return [
        {**facts(finding), "clear": finding.clear, "failures": facts(finding.lacking)}
        for finding in standing.findings
    ]


def channel_table(standing: Standing, channels: Names = ()) -> Table:
    """The same for people."""
    rows = [
        (finding.channel, finding.state, finding.accounts, "\n".join(f"{f.clause} {f.fact}" for f in finding.lacking))
        for finding in standing.findings
        if not channels or finding.channel in channels
    ]
    return Table(rows, ("channel", "clearance", "accounts", "missing"), "Channels")


def what_next(desk: Desk, standing: Standing) -> tuple[str, str]:
    """The command to type next for a plan, and who or what is missing."""
    plan, name = standing.stored.plan, short(standing.stored.digest)
    if standing.stored.state != "submitted":
        return f"dispatcher watch {name}", ""
    waiting = [finding for finding in standing.findings if not finding.clear]
    if not waiting:
        return f"dispatcher release {name}", "the release, by who may release"
    failures = tuple(dict.fromkeys(failure for finding in waiting for failure in finding.lacking))
    people = who_can(desk, failures)
    missing = "; ".join(f"{role} ({', '.join(found)})" for role, found in people.items()) or failures[0].fact
    command = COMMANDS.get(failures[0].clause, f"{failures[0].mend}; then: dispatcher clearance show {name}")
    return command.format(plan=name, channel=waiting[0].channel, mode=plan.mode), missing


def _lists(given: Names) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in given:
        account, _, name = value.rpartition("=")
        found.setdefault(account, []).append(name)
    return found


def _choice(channel: str, word: str) -> OnAmbiguous:
    if word not in set(OnAmbiguous):
        raise click.BadParameter(f"{channel}={word}: say hold or resend", param_hint="--on-ambiguous")
    return OnAmbiguous(word)
