"""Handing off: a packet is opened for two operators, who post by hand and sign the receipt.

Rules (reference: policy 0.3, 6.6; design: domain, lifecycles)
  1. A packet and its code are issued once per delivery, by the sender, which asks its own gate; never after a halt
     or a revocation. The code is shown once and written nowhere.
  2. A delivery is accepted when two different operators have signed for the same link, or the same reference of an
     agency's confirmation. In an exercise that is an address that cannot exist; a live receipt may not give one.
  3. A receipt signed more than ten minutes after the issue raises an alarm, because no revocation reaches the
     device: the receipt's own time is what shows a code used late.
  4. A receipt for a delivery that has moved on is kept, in the ledger too, and moves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from channels import registry
from channels.contract import Json, Secret
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import DispatcherError, Forbidden, GateClosed, Invalid, NotFound
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.sending import HandOff
from dispatcher.sending.credentials import write_private
from dispatcher.sending.order import Bundle, Order
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import accounts, deliveries, queue, records
from dispatcher.store.database import Work
from dispatcher.store.queue import Move

Issue = Callable[[Bundle, Order, str, Envelope], HandOff]
"""Asks the sender for a packet: bundle, order, device, the operator's signed request."""

OPERATORS = (Role.OPERATOR,)
OPERATORS_NEEDED = 2


@dataclass(frozen=True, slots=True)
class Opened:
    """A packet in its file, and the code that opens it: shown once."""

    delivery: str
    device: str
    code: Secret
    packet: Path
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a signed receipt came to. ``late`` is an alarm; ``needed`` more operators must sign for the same link."""

    delivery: str
    state: str
    url: str
    signed_by: tuple[str, ...]
    needed: int
    late: bool


def open_packet(desk: Desk, delivery_name: str, device: str, pen: Pen, issue: Issue) -> Opened:
    """Have a packet sealed for a device. Raises Invalid, Forbidden, NotFound, and whatever the sender refuses."""
    desk.role(desk.person(pen), OPERATORS)
    with desk.store.read() as work:
        row = deliveries.find(work, delivery_name)
        _refuse_unless_open(work, row, device)
        bundle, order = records.bundle(work, row.plan), _order(work, row)
    mode = Mode(row.mode)
    body: dict[str, Json] = {"delivery": row.id, "step": "open", "device": device}
    envelope = desk.sign(pen, OPERATORS, StatementKind.RECEIPT, _subject(row.id), mode, body)
    with desk.store.write() as work:
        person = desk.record(work, envelope, mode, row.incident).person
    about = {"incident": row.incident, "actor": person, "plan": row.plan, "delivery": row.id}
    try:
        made = issue(bundle, order, device, envelope)  # takes its time: nothing is locked meanwhile
    except DispatcherError as error:
        reasons = error.reasons if isinstance(error, GateClosed) else ()
        failures = [dict(zip(("clause", "fact", "mend"), reason, strict=True)) for reason in reasons]
        with desk.store.write() as work:
            work.record("hand_off.refused", **about, reason=error.message, failures=failures)
        raise
    path = _write(desk, row.id, made.packet)
    packet = {"device": device, "packet": hashlib.sha256(made.packet).hexdigest()}
    times = {"issued_at": made.issued_at, "expires_at": made.expires_at}
    with desk.store.write() as work:
        deliveries.add_hand_off(work, delivery=row.id, opened_by=person, **packet, **times)
        work.record("hand_off.opened", **about, **packet, **{name: format_time(at) for name, at in times.items()})
    return Opened(row.id, device, Secret(made.code), path, made.issued_at, made.expires_at)


def receipt(desk: Desk, delivery_name: str, pen: Pen, url: str, at: datetime | None = None) -> Receipt:
    """Sign that the post is out at ``url``, or confirmed under that reference; ``at`` is when, now unless given.

    Raises Invalid.
    """
    desk.role(desk.person(pen), OPERATORS)
    with desk.store.read() as work:
        row = deliveries.find(work, delivery_name)
        issued = deliveries.hand_off(work, row.id)
    if issued is None:
        _refuse_unless_handed(row)
    mode = Mode(row.mode)
    _check_link(url, mode, row)
    posted_at = format_time(at or desk.now())
    body: dict[str, Json] = {"delivery": row.id, "step": "posted", "url": url, "at": posted_at}
    envelope = desk.sign(pen, OPERATORS, StatementKind.RECEIPT, _subject(row.id), mode, body)
    with desk.store.write() as work:
        current = deliveries.find(work, row.id, lock=True)
        said = desk.record(work, envelope, mode, row.incident)
        about = {"incident": row.incident, "actor": said.person, "plan": row.plan, "delivery": row.id}
        late = issued is not None and registry.receipt_is_late(row.channel, issued.issued_at, said.not_before)
        if issued is not None and late:
            work.record("hand_off.late", **about, issued_at=format_time(issued.issued_at), posted_at=posted_at)
        people, state = _signed_for(desk, work, current, url), str(current.state)
        needed = max(0, OPERATORS_NEEDED - len(people))
        if state != "handed_over":
            work.record("hand_off.no_effect", **about, state=state)
        elif not needed:
            state = "accepted"
            move = Move(current, "handed_over", state, "two operators signed", url=url, actor=said.person)
            queue.settle(work, [move])
    return Receipt(row.id, state, url, people, needed, late)


def _refuse_unless_open(work: Work, row: Any, device: str) -> None:
    if row.state != "handed_over":
        raise Invalid(
            f"delivery {row.id} is {row.state}, not handed over", f"look: dispatcher delivery show {row.id}"
        )
    if registry.has_no_packet(row.channel):
        raise Invalid(f"delivery {row.id} has no packet", f"sign for it: dispatcher handoff receipt {row.id}")
    if deliveries.hand_off(work, row.id):
        raise Forbidden(
            f"the packet of delivery {row.id} was issued already: once is all there is",
            "submit a new plan, or sign the receipt if it was posted",
        )
    registered = accounts.device_of(work, row.account)
    if registered != device:
        raise NotFound(
            f"{device} is not the device of account {row.account}",
            f"use {registered}" if registered else "register it: dispatcher device register",
        )


def _refuse_unless_handed(row: Any) -> None:
    if not registry.has_no_packet(row.channel):
        raise Invalid(f"no packet was opened for delivery {row.id}", f"open it: dispatcher handoff open {row.id}")
    if row.reference is None:
        raise Invalid(f"delivery {row.id} was not handed to anybody", f"look: dispatcher delivery show {row.id}")


def _order(work: Work, row: Any) -> Order:
    dispatch = deliveries.dispatch_of(work, row.plan)
    if dispatch is None:
        raise Forbidden(f"the plan of delivery {row.id} was never released", "a duty director releases it")
    state = str(records.incident(work, row.incident).state)
    return queue.order(row, state, dispatch.released_at, row.attempts)


def _write(desk: Desk, delivery: str, packet: bytes) -> Path:
    folder = desk.settings.path("hand-off")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{delivery}.html"
    write_private(path, packet)
    return path


def _check_link(url: str, mode: Mode, row: Any) -> None:
    if mode is Mode.EXERCISE:
        rehearsed = registry.exercise_receipt(row.channel, row.id)
        if url != rehearsed:
            raise Invalid("nothing is posted in an exercise", f"give this address: --url {rehearsed}")
        return
    if fault := registry.receipt_fault(row.channel, url):
        raise Invalid(fault, "sign again with what was given: --url")


def _signed_for(desk: Desk, work: Work, row: Any, url: str) -> tuple[str, ...]:
    said = desk.said(work, StatementKind.RECEIPT, _subject(row.id), Mode(row.mode))
    return tuple(sorted({s.person for s in said if _says_posted(s, row.id, url)}))


def _says_posted(statement: Statement, delivery: str, url: str) -> bool:
    body = statement.body
    said = (statement.role, body.get("delivery"), body.get("step"), body.get("url"))
    return said == (Role.OPERATOR, delivery, "posted", url)


def _subject(delivery: str) -> str:
    return canonical.digest("receipt/v1", canonical.encode({"delivery": delivery}))
