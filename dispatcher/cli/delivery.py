"""``dispatcher delivery``, ``handoff`` and ``recover``: what became of each destination, and what people finish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import click

from channels import registry
from dispatcher.cli.commands import Names, Noun, Reading, Signed, Text, Verb, one_of
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import UNSETTLED, DeliveryState, HeldReason
from dispatcher.domain.statement import Mode
from dispatcher.sending import Refusal
from dispatcher.service import handing_off, many, recovering, resolving, watching
from dispatcher.service.desk import Desk
from dispatcher.service.handing_off import Issue
from dispatcher.service.many import Acted, Choice
from dispatcher.service.resolving import Answer
from dispatcher.store import accounts, deliveries, holds, records, sightings

HIDDEN = {"fence", "owner", "lease_until", "handle", "destination", "leases", "looked", "absent", "failures"}
"""Columns of the machinery, and the keyed digest that stands for a recipient."""

PARTIAL = 6
"""The exit code where more fitted a choice than one act is about."""

NAME = click.argument("name", metavar="DELIVERY")

delivery = Noun("delivery")
handoff = Noun("handoff")


@delivery.command("list", cls=Reading)
@click.option("--plan")
@click.option("--incident")
@click.option("--channel")
@click.option("--account")
@click.option("--state", type=one_of(DeliveryState))
@click.option("--held", "reason", type=one_of(HeldReason), help="Only what is held for this reason.")
@click.option("-n", "--number", type=click.IntRange(1, 100_000), default=200, show_default=True)
def list_(
    session: Session, plan: Text, incident: Text, number: int, reason: HeldReason | None, **columns: Any
) -> None:
    """Deliveries, all or those asked for, and how many there are."""
    columns |= {"state": DeliveryState.HELD, "reason": reason} if reason else {}
    with session.desk.store.read() as work:
        columns["plan"] = records.plan(work, plan).digest if plan else None
        columns["incident"] = records.incident(work, incident).id if incident else None
        rows = deliveries.listed(work, limit=number, **columns)
        count = deliveries.number(work, **columns)
        held = holds.standing(work).held
    found = [_document(row, held) for row in rows]
    session.show(
        "deliveries", {"count": count, "deliveries": found}, deliveries="id account kind state attempts reason"
    )
    waiting = next((d for d in found if d["state"] in (DeliveryState.HELD, DeliveryState.HANDED_OVER)), None)
    next_step(*_after(waiting) if waiting else ("dispatcher status",))


@delivery.command(cls=Reading)
@NAME
def show(session: Session, name: str) -> None:
    """One DELIVERY with every attempt."""
    with session.desk.store.read() as work:
        found = _document(deliveries.find(work, name), holds.standing(work).held)
        tried = [_document(row) for row in deliveries.attempts(work, found["id"])]
        if (seen := sightings.by_delivery(work, id=found["id"]).get(found["id"])) is not None:
            found |= {"public": watching.in_words(seen, work.now), "seen": seen.seen, "seen_at": seen.seen_at}
            found |= {"seen_text": seen.shown, "next_look": seen.due_at}
    columns = "number intended_at verdict code status provider_ms reason"
    session.show("delivery", {**found, "tried": tried}, tried=columns)
    next_step(*_after(found))


def chosen(command: Any) -> Any:
    """The options that choose many deliveries, and say which set of them is meant and why."""
    for option in (
        click.option("--reason", default="", help="Why; goes into the ledger, and into what is signed."),
        click.option("--set", "named", default="", metavar="NAME", help="The set to act on, as it was shown."),
        click.option("--held", type=one_of(HeldReason), help="Only what is held for this reason."),
        click.option("--account"),
        click.option("--channel"),
        click.option("--incident"),
        click.option("--plan", help="A choice needs a plan or an incident."),
    ):
        command = option(command)
    return command


@delivery.command(cls=Signed)
@click.argument("words", nargs=-1, required=True, metavar="[DELIVERY] ANSWER")
@click.option("--url", help="Where it was seen.")
@chosen
def resolve(session: Session, words: Names, url: Text, named: str, reason: str, **choice: Any) -> None:
    """Sign your ANSWER about a held DELIVERY, or about all that --plan or --incident and the other options choose.

    seen: it is there. not_seen: it is not, send it again. cancel: leave it. Where bytes may have left, two people
    must give the same answer. Many are first counted and named as a set; --set and --reason then sign about exactly
    that one.
    """
    *name, last = words
    answer = one_of(Answer).convert(last, None, click.get_current_context())
    if not name:
        held = choice["held"] or HeldReason.AMBIGUOUS
        meant = Choice(**{**choice, "held": held})
        act = partial(many.resolve, session.desk, meant, answer)
        _many(session, f"resolve {answer}", meant, named, reason, partial(act, held=held), (held,))
        return
    made = resolving.resolve(session.desk, _one(name, choice, named), answer, session.pen, url)
    session.show("resolution", made)
    if made.needed:
        again = f"dispatcher delivery resolve {made.delivery} {made.answer}"
        next_step(again, f"{made.needed} more person who gives the same answer")
    else:
        next_step(f"dispatcher delivery show {made.delivery}")


@delivery.command(cls=Signed)
@click.argument("name", nargs=-1, metavar="[DELIVERY]")
@chosen
def retry(session: Session, name: Names, named: str, reason: str, **choice: Any) -> None:
    """Make ready again what is held though no byte left: exhausted, refused, stale_status or poison.

    One DELIVERY at once; many are first counted and named as a set; --set and --reason then retry exactly that one.
    """
    if not name:
        _many(
            session,
            "retry",
            Choice(**choice),
            named,
            reason,
            partial(many.retry, session.desk, Choice(**choice)),
            many.UNSENT,
        )
        return
    made = many.retry_one(session.desk, _one(name, choice, named), session.pen)
    session.show("resolution", made)
    next_step(f"dispatcher delivery show {made.delivery}")


@delivery.command()
@click.argument("name", nargs=-1, metavar="[DELIVERY]")
@chosen
def reconcile(session: Session, name: Names, named: str, reason: str, **choice: Any) -> None:
    """Have what is in doubt looked for on its platform now instead of when it is due; no quiet period is cut short.

    One DELIVERY at once; many are first counted and named as a set.
    """
    if name:
        made = many.reconcile_one(session.desk, _one(name, choice, named), reason, session.pen)
        session.show("act", made)
        next_step("dispatcher delivery show " + name[0])
        return
    meant = Choice(**choice)
    _many(session, "reconcile", meant, named, reason, partial(many.reconcile, session.desk, meant), None)


def _one(names: Sequence[str], choice: Mapping[str, Any], named: str) -> str:
    """The one delivery named. Raises Invalid where something else chooses as well."""
    if len(names) > 1 or named or any(choice.values()):
        raise Invalid("a delivery is named, and others are chosen", "give one DELIVERY, or --plan or --incident")
    return names[0]


def _many(
    session: Session,
    verb: str,
    choice: Choice,
    named: str,
    reason: str,
    act: Callable[..., Acted],
    reasons: Sequence[HeldReason] | None,
) -> None:
    """Count and name a set, or act on the one that was named."""
    typed = [f"--{key} {value}" for key, value in facts(choice).items() if value]
    words = " ".join(["dispatcher delivery", verb, *typed])
    if not named:
        look = (
            many.look_doubtful(session.desk, choice) if reasons is None else many.look(session.desk, choice, reasons)
        )
        session.show("choice", look)
        next_step(f"{words} --set {short(look.set)} --reason TEXT", f"nothing was done: {look.count} deliveries")
        return
    if not reason:
        raise Invalid("no reason is given", f"{words} --set {named} --reason TEXT")
    made = act(named=named, reason=reason, pen=session.pen)
    session.show("act", made)
    if made.waiting and verb.startswith("resolve"):
        again = f"{words} --set {named} --reason TEXT"
        next_step(again, f"another person who gives the same answer about {made.waiting} deliveries")
    else:
        next_step(words if made.left else "dispatcher delivery list", f"{made.left} more fit" if made.left else "")
    if made.left:
        click.get_current_context().exit(PARTIAL)


@handoff.command("open", cls=Signed)
@NAME
def open_(session: Session, name: str) -> None:
    """Show the text of DELIVERY to whoever posts it, or have its packet sealed where the channel wants one.

    The code that opens a packet is shown this once and lives ten minutes. There is one packet and one code for a
    delivery, and neither these nor a text after a halt or a revocation.
    """
    desk = session.desk
    with desk.store.read() as work:
        row = deliveries.find(work, name)
        device = accounts.device_of(work, row.account) or ""
    if registry.is_shown(row.channel):
        session.show("hand_off", handing_off.shown(desk, row.id))
        next_step(_receipt(row), "the receipt of whoever has done it")
        return
    made = handing_off.open_packet(desk, row.id, device, session.pen, _issuer(desk, Mode(row.mode)))
    session.show("packet", {**facts(made), "code": made.code.reveal()})
    say("Carry the packet to the device and read the code out; both operators then sign the receipt.")
    next_step(_receipt(row), "two operators' receipts, within ten minutes")


@handoff.command(cls=Signed)
@NAME
@click.option("--url", required=True, help="The post's own link, or the agency's reference.")
def receipt(session: Session, name: str, url: str) -> None:
    """Sign that DELIVERY was posted by hand at a link. A packet needs the receipts of two operators."""
    made = handing_off.receipt(session.desk, name, session.pen, url)
    session.show("receipt", made)
    if made.late:
        say("ALARM: signed more than ten minutes after the code was issued. Tell the duty director.")
    if made.needed:
        next_step(f"dispatcher handoff receipt {made.delivery} --url {url}", f"{made.needed} more operator's receipt")
    else:
        next_step(f"dispatcher delivery show {made.delivery}")


@click.command(cls=Verb)
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
def recover(session: Session, yes: bool) -> None:
    """After the database was restored from a backup: mark everything unsettled of released plans as in doubt.

    The backup does not know what was sent since. Each such delivery is then looked for on its platform, or held for
    two people; what was sent is not sent again. Stop all roles on all hosts first; then start them again.
    """
    made = recovering.recover(session.desk, session.pen, time.sleep, act=yes)
    session.show("recovery", made)
    if not yes:
        next_step(
            "dispatcher recover --yes", "nothing was changed: --yes marks these in doubt and records the restore"
        )
    else:
        next_step("dispatcher up")


def _issuer(desk: Desk, mode: Mode) -> Issue:
    """Asks the process that holds the credential. Raises GateClosed with what its gate refused, Unavailable."""
    from workers.tiktok_sender import remote

    async def ask(*about: Any) -> Any:
        sender = remote(desk.settings, mode)
        try:
            return await sender.issue(*about)
        finally:
            await sender.close()

    def issue(*about: Any) -> Any:
        answer = asyncio.run(ask(*about))
        if isinstance(answer, Refusal):
            reasons = tuple((failure.clause, failure.fact, failure.mend) for failure in answer.failures)
            raise GateClosed("no packet was issued", "dispatcher status", reasons)
        return answer

    return issue


def _receipt(row: Any) -> str:
    link = registry.exercise_receipt(row.channel, row.id) if row.mode == Mode.EXERCISE else "LINK"
    return f"dispatcher handoff receipt {row.id} --url {link}"


def _after(found: dict[str, Any]) -> tuple[str, str]:
    if found["state"] == DeliveryState.HELD:
        who = "two people's answer" if found["reason"] == "ambiguous" else "somebody's answer"
        return f"dispatcher delivery resolve {found['id']} seen|not_seen|cancel", f"{who}: held ({found['reason']})"
    if found["state"] == DeliveryState.HANDED_OVER:
        return f"dispatcher handoff open {found['id']}", "operators, to finish it by hand"
    if found["state"] in UNSETTLED:
        return f"dispatcher watch {short(found['plan'])}", ""
    return f"dispatcher review {found['incident']}", ""


def _document(row: Any, held: Mapping[str, str] = {}) -> dict[str, Any]:
    """A row's columns. What waits for a held account says so, though nobody wrote that into a million rows."""
    known = {name: value for name, value in row._mapping.items() if name not in HIDDEN}
    if known.get("state") == DeliveryState.READY and (reason := held.get(row.account)) is not None:
        known["reason"] = f"the account is held: {reason}"
    return known
