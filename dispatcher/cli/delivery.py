"""``dispatcher delivery``, ``handoff`` and ``recover``: what became of each destination, and what people finish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import click

from dispatcher.cli.commands import Noun, Signed, Text, Verb, one_of
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import GateClosed
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import UNSETTLED, DeliveryState
from dispatcher.domain.statement import Mode
from dispatcher.sending import Refusal
from dispatcher.service import handing_off, recovering, resolving
from dispatcher.service.desk import Desk
from dispatcher.service.handing_off import Issue
from dispatcher.service.resolving import Answer
from dispatcher.store import accounts, deliveries, holds, records

HIDDEN = {"fence", "owner", "lease_until", "handle", "destination", "leases", "looked", "absent", "failures"}
"""Columns of the machinery, and the keyed digest that stands for a recipient."""

NAME = click.argument("name", metavar="DELIVERY")

delivery = Noun("delivery")
handoff = Noun("handoff")


@delivery.command("list")
@click.option("--plan")
@click.option("--incident")
@click.option("--channel")
@click.option("--account")
@click.option("--state", type=one_of(DeliveryState))
@click.option("-n", "--number", type=click.IntRange(1, 100_000), default=200, show_default=True)
def list_(session: Session, plan: Text, incident: Text, number: int, **columns: Any) -> None:
    """Deliveries, all or those asked for."""
    with session.desk.store.read() as work:
        digest = records.plan(work, plan).digest if plan else None
        named = records.incident(work, incident).id if incident else None
        rows = deliveries.listed(work, limit=number, plan=digest, incident=named, **columns)
        held = holds.standing(work).held
    found = [_document(row, held) for row in rows]
    session.show("deliveries", {"deliveries": found}, deliveries="id account kind state attempts reason")
    waiting = next((d for d in found if d["state"] in (DeliveryState.HELD, DeliveryState.HANDED_OVER)), None)
    next_step(*_after(waiting) if waiting else ("dispatcher status",))


@delivery.command()
@NAME
def show(session: Session, name: str) -> None:
    """One DELIVERY with every attempt."""
    with session.desk.store.read() as work:
        found = _document(deliveries.find(work, name), holds.standing(work).held)
        tried = [_document(row) for row in deliveries.attempts(work, found["id"])]
    columns = "number intended_at verdict code status provider_ms reason"
    session.show("delivery", {**found, "tried": tried}, tried=columns)
    next_step(*_after(found))


@delivery.command(cls=Signed)
@NAME
@click.argument("answer", type=one_of(Answer))
@click.option("--url", help="Where it was seen.")
def resolve(session: Session, name: str, answer: Answer, url: Text) -> None:
    """Sign your ANSWER about a held DELIVERY.

    seen: it is there. not_seen: it is not, send it again. cancel: leave it. Where bytes may have left, two people
    must give the same answer.
    """
    made = resolving.resolve(session.desk, name, answer, session.pen, url)
    session.show("resolution", made)
    if made.needed:
        again = f"dispatcher delivery resolve {made.delivery} {made.answer}"
        next_step(again, f"{made.needed} more person who gives the same answer")
    else:
        next_step(f"dispatcher delivery show {made.delivery}")


@handoff.command("open", cls=Signed)
@NAME
def open_(session: Session, name: str) -> None:
    """Have the packet of DELIVERY sealed. The code that opens it is shown this once and lives ten minutes.

    There is one packet and one code for a delivery, and none after a halt or a revocation.
    """
    desk = session.desk
    with desk.store.read() as work:
        row = deliveries.find(work, name)
        device = accounts.device_of(work, row.account) or ""
    made = handing_off.open_packet(desk, row.id, device, session.pen, _issuer(desk, Mode(row.mode)))
    session.show("packet", {**facts(made), "code": made.code.reveal()})
    say("Carry the packet to the device and read the code out; both operators then sign the receipt.")
    link = f"https://exercise.invalid/{row.reference}" if row.mode == Mode.EXERCISE else "LINK"
    step = f"dispatcher handoff receipt {made.delivery} --url {link}"
    next_step(step, "two operators' receipts, within ten minutes")


@handoff.command(cls=Signed)
@NAME
@click.option("--url", required=True, help="The post's own link.")
def receipt(session: Session, name: str, url: str) -> None:
    """Sign that DELIVERY was posted by hand at a link. It is accepted when two operators have signed."""
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
    if made.unsettled and not yes:
        next_step("dispatcher recover --yes", "nothing was changed: --yes marks these deliveries as in doubt")
    else:
        next_step("dispatcher up, and then: dispatcher delivery list --state in_doubt")


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
            raise GateClosed("no packet was issued", "mend what is named; then: dispatcher status", reasons)
        return answer

    return issue


def _after(found: dict[str, Any]) -> tuple[str, str]:
    if found["state"] == DeliveryState.HELD:
        who = "two people's answer" if found["reason"] == "ambiguous" else "somebody's answer"
        return f"dispatcher delivery resolve {found['id']} seen|not_seen|cancel", f"{who}: held ({found['reason']})"
    if found["state"] == DeliveryState.HANDED_OVER:
        return f"dispatcher handoff open {found['id']}", "two operators, to finish it by hand"
    if found["state"] in UNSETTLED:
        return f"dispatcher watch {short(found['plan'])}", ""
    return f"dispatcher review {found['incident']}", ""


def _document(row: Any, held: Mapping[str, str] = {}) -> dict[str, Any]:
    """A row's columns. What waits for a held account says so, though nobody wrote that into a million rows."""
    known = {name: value for name, value in row._mapping.items() if name not in HIDDEN}
    if known.get("state") == DeliveryState.READY and (reason := held.get(row.account)) is not None:
        known["reason"] = f"the account is held: {reason}"
    return known
