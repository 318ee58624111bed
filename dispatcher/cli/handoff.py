"""``dispatcher device`` and ``dispatcher handoff``: what two operators finish by hand on a standalone device."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from dispatcher.cli.commands import Moment, Noun, Text, identified, session, signing
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.cli.times import When, at
from dispatcher.domain.errors import GateClosed
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.service import accounts, handing_off
from dispatcher.store import accounts as account_store
from dispatcher.store import deliveries

if TYPE_CHECKING:
    from dispatcher.sending import HandOff
    from dispatcher.sending.order import Bundle, Order
    from dispatcher.service.handing_off import Issue
    from dispatcher.settings import Settings


@click.group(cls=Noun)
def device() -> None:
    """Register standalone devices for hand-off."""


@device.command()
@click.argument("name")
@click.option("--account", required=True, help="Whose packets it opens.")
@identified
@session
def register(session: Session, name: str, account: str) -> None:
    """Register device NAME. Its secret is shown this once: type it into the device's record, by hand."""
    desk = session.desk()
    made = accounts.register(desk, name, account, session.person(desk).id)
    session.show("device", {**facts(made), "secret": made.secret.reveal()})
    say("The secret is shown this once. Keep it with the device, and nowhere else.")
    step = (
        f"dispatcher evidence attest CHANNEL --account {account} --device {name} --evidence FILE --mode {made.mode}"
    )
    next_step(step, "the security team's attestation of its mitigations")


@click.group(cls=Noun)
def handoff() -> None:
    """Open a hand-off packet and give its receipt."""


@handoff.command("open")
@click.argument("delivery")
@click.option("--device", "device_name", help="Else the one registered for the account.")
@identified
@session
def open_(session: Session, delivery: str, device_name: Text) -> None:
    """Have the packet of DELIVERY sealed. The code that opens it is shown this once and lives ten minutes.

    There is one packet and one code for a delivery, and none after a halt or a revocation.
    """
    desk = session.desk()
    with desk.store.read() as work:
        row = deliveries.find(work, delivery)
        chosen = device_name or account_store.device_of(work, row.account) or ""
    made = handing_off.open_packet(desk, row.id, chosen, session.pen(desk), _issuer(desk.settings, Mode(row.mode)))
    session.show("packet", {**facts(made), "code": made.code.reveal()})
    say("Carry the packet to the device and read the code out; both operators then sign the receipt.")
    link = f"https://exercise.invalid/{row.reference}" if row.mode == Mode.EXERCISE else "LINK"
    next_step(
        f"dispatcher handoff receipt {made.delivery} --url {link}", "two operators' receipts, within ten minutes"
    )


@handoff.command()
@click.argument("delivery")
@click.option("--url", required=True, help="The post's own link.")
@click.option("--at", "posted", type=When(), help="When it was posted; now unless said.")
@signing
@session
def receipt(session: Session, delivery: str, url: str, posted: Moment) -> None:
    """Sign that DELIVERY was posted by hand at a link. It is accepted when two operators have signed."""
    desk = session.desk()
    made = handing_off.receipt(desk, delivery, session.pen(desk), url, at(posted, desk.now()))
    session.show("receipt", made)
    if made.late:
        say("ALARM: signed more than ten minutes after the code was issued. Tell the duty director.")
    if made.needed:
        next_step(f"dispatcher handoff receipt {made.delivery} --url {url}", f"{made.needed} more operator's receipt")
    else:
        next_step(f"dispatcher delivery show {made.delivery}")


def _issuer(settings: Settings, mode: Mode) -> Issue:
    """Asks the process that holds the credential. Raises GateClosed with what its gate refused, Unavailable."""
    from workers.tiktok_sender import remote

    def issue(bundle: Bundle, order: Order, device_name: str, envelope: Envelope) -> HandOff:
        from dispatcher.sending import Refusal

        async def ask() -> HandOff | Refusal:
            sender = remote(settings, mode)
            try:
                return await sender.issue(bundle, order, device_name, envelope)
            finally:
                await sender.close()

        answer = asyncio.run(ask())
        if isinstance(answer, Refusal):
            reasons = tuple((failure.clause, failure.fact, failure.mend) for failure in answer.failures)
            raise GateClosed("no packet was issued", f"look: dispatcher delivery show {order.delivery}", reasons)
        return answer

    return issue
