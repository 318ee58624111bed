"""``dispatcher clearance``: submit a plan, approve, reject, suspend or revoke it, and see where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from dispatcher.cli import cards, only, wording
from dispatcher.cli import spend as paid
from dispatcher.cli.awaiting import what_next
from dispatcher.cli.commands import Names, Noun, Pairs, Reading, Signed, Text, duration, many, one_of, pairs
from dispatcher.cli.output import facts, next_step, say, untold
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.incident import conflicts
from dispatcher.domain.money import pounds
from dispatcher.domain.people import OF_PEOPLE, Role
from dispatcher.domain.plan import OnAmbiguous, Placement, Plan
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.evidence import Failure
from dispatcher.gate.stops import HaltScope
from dispatcher.service import (
    areas,
    clearing,
    confirming,
    estimating,
    notices,
    previewing,
    probing,
    stopping,
    submitting,
)
from dispatcher.service.clearing import Standing
from dispatcher.service.desk import Desk
from dispatcher.service.judging import who_can
from dispatcher.store import records

PLAN = click.argument("plan")
ROLE = click.option("--role", type=click.Choice(OF_PEOPLE, case_sensitive=False), help="Sign in this role of yours.")
CHANNEL = many("channel", "Only this channel; may be repeated.")
REASON = click.option("--reason", default="", help="Why.")

clearance = Noun("clearance")


@clearance.command(cls=Signed)
@only.MESSAGE
@many("account", "To this account; else to all of the mode.")
@many("group", "To all accounts of this group; may be repeated, beside --account.")
@many("list", "Recipients; may be repeated.", "[ACCOUNT=]LIST")
@click.option("--purpose", default="public_safety", show_default=True)
@click.option("--window", type=duration, default="4h", show_default=True, help="How long it may be sent.")
@pairs("on-ambiguous", "CHANNEL=hold|resend", "Where nobody can tell whether a post went out; else hold.")
@many("flag", "A legal flag, such as arrest; policy says who approves then.")
@pairs("not-flag", "FLAG=WHY", "A legal flag that the wording calls for and that does not apply; approvers read why.")
@click.option("--no-alternative", default="", metavar="TEXT", help="Which audience no other channel reaches.")
@click.option("--placement", type=one_of(Placement), default=Placement.ORGANIC, help="Organic unless said.")
@pairs("spend", paid.FORM, "What a paid channel may cost, all fees in; £160,000.00 will do.")
def submit(
    session: Session,
    message: Text,
    accounts: Names,
    lists: Names,
    on_ambiguous: Pairs,
    spend: Pairs,
    not_flag: Pairs,
    **wish: Any,
) -> None:
    """Freeze MESSAGE into a plan, which people then sign. Any edit afterwards is a new plan.

    Without MESSAGE it is the only one that no plan carries yet.
    """
    by_account: dict[str, list[str]] = {}
    for given in lists:
        account, _, name = given.rpartition("=")
        by_account.setdefault(account, []).append(name)
    if set(on_ambiguous.values()) - set(OnAmbiguous):
        raise click.BadParameter("say hold or resend", param_hint="--on-ambiguous")
    choices = {channel: OnAmbiguous(word) for channel, word in on_ambiguous.items()}
    bought = paid.orders(spend, session.desk.now())
    about: dict[str, Any] = {"on_ambiguous": choices, "spend": bought, "not_flags": not_flag}
    wanted = submitting.Wish(accounts or None, by_account, **about, **wish)
    named = only.message(session, message, "clearance submit")
    wording.tell_armed_earlier(session, named)
    _show(session, submitting.submit(session.desk, named, wanted, session.pen), StatementKind.SUBMIT, "Submitted")


@clearance.command(cls=Signed)
@PLAN
@click.option("--window", type=duration, default="4h", show_default=True, help="How long it may be sent from now.")
def renew(session: Session, plan: str, window: timedelta) -> None:
    """Submit PLAN's message again with a new window: a new plan, which people sign anew."""
    _show(session, submitting.renew(session.desk, plan, window, session.pen), StatementKind.SUBMIT, "Submitted anew")


@clearance.command(cls=Signed)
@PLAN
@ROLE
@CHANNEL
def approve(session: Session, plan: str, role: Role | None, channels: Names) -> None:
    """Approve PLAN, for all its channels unless some are named."""
    _show(session, clearing.approve(session.desk, plan, session.pen, role, channels), did="Approved")


@clearance.command(cls=Signed)
@PLAN
@REASON
@ROLE
@CHANNEL
def reject(session: Session, plan: str, reason: str, role: Role | None, channels: Names) -> None:
    """Reject PLAN, with a reason. One rejection stops."""
    standing = clearing.reject(session.desk, plan, session.pen, reason, role, channels)
    _show(session, standing, StatementKind.REJECT, "Rejected")


@clearance.command(cls=Signed)
@PLAN
@REASON
def revoke(session: Session, plan: str, reason: str) -> None:
    """Take back PLAN's clearance, at once. The reason may follow."""
    standing = clearing.revoke(session.desk, plan, session.pen, reason)
    session.ring_stops(standing.stored.plan.mode)
    _show(session, standing, StatementKind.REVOKE, "Revoked")


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
    made = stopping.halt(session.desk, HaltScope.PLAN, stored.digest, session.pen, stored.plan.mode, reason)
    session.ring_stops(stored.plan.mode)
    _show(session, clearing.show(session.desk, stored.digest), StatementKind.HALT)
    say(f"Two others end the suspension: dispatcher resume {short(made.statement)}")


@clearance.command(cls=Signed)
@only.PLAN
def show(session: Session, plan: Text) -> None:
    """Where PLAN stands, channel by channel. With --to-sign FILE: what you would sign to approve it."""
    named = only.plan(session, plan, "clearance show", only.WAITING, only.SENT)
    if session.to_sign:
        clearing.approve(session.desk, named, session.pen)
    _show(session, clearing.show(session.desk, named))


@clearance.command(cls=Reading)
@only.PLAN
@cards.HTML
def read(session: Session, plan: Text, page: Path | None) -> None:
    """What approving PLAN signs, word for word: every account's message and media, then its armed texts.

    Last, while it waits, what its release would do, and the token that `dispatcher release` asks for.

    \b
    dispatcher clearance read 4f21 --html plan.html
    """
    named = only.plan(session, plan, "clearance read", only.WAITING, only.SENT)
    sheet = previewing.of_plan(session.desk, named)
    with session.desk.store.read() as work:
        stored = records.plan(work, named)
    asked = confirming.ask(session.desk, stored) if stored.state == "submitted" else None
    end = [*confirming.consequence(asked, session.desk.now()), f"Token: {asked.token}"] if asked else []
    shown: dict[str, Any] = {
        "mode": sheet.incident.mode,
        "where": areas.told(sheet.revision),
        "texts": [cards.document(session, card) for card in sheet.cards],
        "remarks": wording.rows(sheet.remarks),
        "flags": stored.plan.flags,
        "not_flags": stored.plan.unflagged,
        "reach": asked and asked.reach,
        "token": asked and asked.token,
    }
    lines = [cards.read_aloud(session, sheet), *_flags(stored.plan), *end]
    session.read_out("texts", facts(shown), "\n".join(lines))
    if page:
        cards.write_page(session, sheet, page)
    verb = "clearance show"
    if asked:
        is_clear = all(finding.clear for finding in clearing.show(session.desk, named).findings)
        verb = "release" if is_clear else "clearance approve"
    next_step(f"dispatcher {verb} {short(named)}")


def _flags(plan: Plan) -> list[str]:
    """The legal flags of a plan, and those that its submitter denies."""
    raised = [f"LEGAL FLAGS: {', '.join(plan.flags)}"] if plan.flags else []
    return raised + [f"NOT FLAGGED as {denied.flag}, though worded so: {denied.why}" for denied in plan.unflagged]


def _show(session: Session, standing: Standing, signed: StatementKind | None = None, did: str = "") -> None:
    """Show a plan, and tell whom it concerns what was just signed about it; ``did``: in a word, what changed."""
    names = ("incident", "mode", "purpose", "languages", "not_before", "not_after", "valid_until", "contributors")
    stored = standing.stored
    about: dict[str, Any] = {"plan": stored.digest, "state": stored.state, "message": stored.message}
    about |= areas.of_plan(session.desk, stored.digest)
    about |= {name: getattr(stored.plan, name) for name in names} | {"spend": paid.bought(stored.plan)}
    about |= {"flags": stored.plan.flags, "not_flags": [f"{one.flag}: {one.why}" for one in stored.plan.unflagged]}
    about["minutes_left"] = max(0, int((stored.plan.not_after - session.desk.now()).total_seconds() // 60))
    items = stored.plan.evidence
    if stored.state == "submitted":
        found = estimating.of_plan(session.desk, stored.digest)
        accounts = [place.account for place in stored.plan.destinations]
        about["probes"] = facts(probing.known(session.desk, accounts))
        about["estimate"] = estimating.total(found)
        about["estimates"] = [facts(one) | {"cost": _cost(one.pence)} for one in found]
    about["evidence"] = [facts(item) | {"conflict": item in conflicts(items)} for item in items]
    show_channels(session, "clearance", standing, **about)
    if signed:
        untold(notices.signed(session.desk, standing, signed))
    if did:
        say(_changed(did, standing))
    next_step(*what_next(session.desk, standing))


def _changed(did: str, standing: Standing) -> str:
    """What a signature came to: which channels are clear by now, and which wait."""
    by_state: dict[str, list[str]] = {}
    for finding in standing.findings:
        by_state.setdefault("clear" if finding.clear else finding.state, []).append(finding.channel)
    stands = "; ".join(f"{state}: {', '.join(channels)}" for state, channels in by_state.items())
    return f"{did}: plan {short(standing.stored.digest)}. Now {stands}"


def _cost(pence: int | None) -> str:
    return "unknown" if pence is None else pounds(pence)


def show_channels(session: Session, schema: str, standing: Standing, **about: Any) -> None:
    """Show what the gate says of each channel, after what else there is to show."""
    plan = standing.stored.plan
    channels = [
        facts(finding)
        | {"clear": finding.clear, "failures": facts(finding.lacking)}
        | {"missing": [f"{failure.clause} {failure.fact}" for failure in finding.lacking]}
        | {"who": _who(session.desk, finding.lacking, plan)}
        for finding in standing.findings
    ]
    columns = {"channels": "channel state signed missing who"}
    columns |= {"evidence": "name value source at conflict"} if about.get("evidence") else {}
    columns |= {"probes": "account probe quota days_left"} if about.get("probes") else {}
    columns |= {"estimates": "account deliveries seconds cost warnings"} if about.get("estimates") else {}
    session.show(schema, {**about, "channels": channels}, **columns)


def _who(desk: Desk, lacking: Iterable[Failure], plan: Plan) -> list[str]:
    return [f"{role}: {', '.join(people)}" for role, people in who_can(desk, lacking, plan).items()]
