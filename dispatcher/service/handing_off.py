"""Handing off: operators post by hand and sign the receipt, from a sealed packet or from a text that is shown.

Rules (reference: policy 0.3, 6.6; design: domain, lifecycles)
  1. A packet and its code are issued once per delivery, by the sender, which asks its own gate; never after a halt
     or a revocation. The code is shown once and written nowhere.
  2. Where nothing is sealed, the text is shown as often as somebody asks, while the delivery waits and the gate,
     asked again from here, lets it out.
  3. A delivery is accepted when two different operators have signed for the same link; where nothing is sealed, when
     one has. In an exercise that link is an address that cannot exist; a live receipt may not give such an address.
     What mends the post later names that link. Who was sent an order confirms it under a reference of their own,
     which stands in the link's place.
  4. A receipt signed more than ten minutes after the issue raises an alarm, because no revocation reaches the
     device: the receipt's own time is what shows a code used late.
  5. A receipt for a delivery that has moved on is kept, in the ledger too, and moves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from channels import registry
from channels.contract import Json, Secret
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import DispatcherError, Forbidden, GateClosed, Invalid, NotFound
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.gate.decide import decide
from dispatcher.sending import HandOff
from dispatcher.sending.credentials import write_private
from dispatcher.sending.order import Bundle, Order
from dispatcher.sending.prepared import read_texts
from dispatcher.service import judging
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import accounts, deliveries, queue, records
from dispatcher.store.database import Work
from dispatcher.store.queue import Move

Issue = Callable[[Bundle, Order, str, Envelope], HandOff]
"""Asks the sender for a packet: bundle, order, device, the operator's signed request."""

OPERATORS = (Role.OPERATOR,)
OPERATORS_NEEDED = 2
"""Of a sealed packet: one who opens it, one who compares."""

LONGEST_REFERENCE = 200
"""Characters of what an agency confirms an order under."""

NOT_YET = ("ready", "leased", "sending")


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
class Shown:
    """What a person is to do by hand: ``reason`` says it, ``original`` is the post that it mends."""

    delivery: str
    channel: str
    account: str
    kind: TextKind
    reason: str
    original: str | None
    texts: dict[str, str]


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


def shown(desk: Desk, delivery_name: str) -> Shown:
    """The text of a delivery that nothing seals. Raises Invalid, NotFound, and GateClosed for what may not go out."""
    with desk.store.read() as work:
        row = deliveries.find(work, delivery_name)
        _refuse_unless_waiting(row)
        if not registry.is_shown(row.channel):
            raise Invalid(f"the text of {row.channel} is in its packet", f"dispatcher handoff open {row.id}")
        bundle, kind = records.bundle(work, row.plan), TextKind(row.kind)
        case = next(one for one in judging.cases_of(desk, work, bundle, kind) if one.facts.account == row.account)
    failures = tuple((one.clause, one.fact, one.mend) for one in decide(case.evidence, case.facts, case.now).failures)
    if failures:
        raise GateClosed(f"post nothing of delivery {row.id}", f"dispatcher gate explain {row.id}", failures)
    parts = read_texts(bundle).renderings[case.facts.rendering].parts
    texts = {part.language: part.text for part in parts}
    return Shown(row.id, row.channel, row.account, kind, row.reason, row.original, texts)


def receipt(desk: Desk, delivery_name: str, pen: Pen, url: str, at: datetime | None = None) -> Receipt:
    """Sign that the post is out at ``url``; ``at`` is when it was posted, now unless given. Raises Invalid."""
    desk.role(desk.person(pen), OPERATORS)
    with desk.store.read() as work:
        row = deliveries.find(work, delivery_name)
        issued = deliveries.hand_off(work, row.id)
    is_shown = registry.is_shown(row.channel)
    if issued is None and (not is_shown or row.state in NOT_YET):
        raise Invalid(f"nothing of delivery {row.id} was opened yet", f"dispatcher handoff open {row.id}")
    mode = Mode(row.mode)
    _check_link(url, mode, row)
    posted_at = format_time(at or desk.now())
    body: dict[str, Json] = {"delivery": row.id, "step": "posted", "url": url, "at": posted_at}
    envelope = desk.sign(pen, OPERATORS, StatementKind.RECEIPT, _subject(row.id), mode, body)
    with desk.store.write() as work:
        current = deliveries.find(work, row.id, lock=True)
        said = desk.record(work, envelope, mode, row.incident)
        about = {"incident": row.incident, "actor": said.person, "plan": row.plan, "delivery": row.id}
        late = False
        if issued is not None and registry.receipt_is_late(row.channel, issued.issued_at, said.not_before):
            late = True
            work.record("hand_off.late", **about, issued_at=format_time(issued.issued_at), posted_at=posted_at)
        people, state = _signed_for(desk, work, current, url), str(current.state)
        needed = max(0, (1 if is_shown else OPERATORS_NEEDED) - len(people))
        if state != "handed_over":
            work.record("hand_off.no_effect", **about, state=state)
        elif not needed:
            state = "accepted"
            why = f"signed by {', '.join(people)}"
            move = Move(current, "handed_over", state, why, reference=url, url=url, actor=said.person)
            queue.settle(work, [move])
    return Receipt(row.id, state, url, people, needed, late)


def _refuse_unless_waiting(row: Any) -> None:
    if row.state != "handed_over":
        raise Invalid(f"delivery {row.id} is {row.state}, not handed over", f"dispatcher delivery show {row.id}")


def _refuse_unless_open(work: Work, row: Any, device: str) -> None:
    _refuse_unless_waiting(row)
    if deliveries.hand_off(work, row.id):
        raise Forbidden(
            f"the packet of delivery {row.id} was issued already: once is all there is",
            "submit a new plan, or sign the receipt if it was posted",
        )
    registered = accounts.device_of(work, row.account)
    if registered != device:
        raise NotFound(
            f"{device} is not the device of account {row.account}",
            f"use {registered}" if registered else f"dispatcher device register {device} --account {row.account}",
        )


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
            raise Invalid(
                "nothing is posted in an exercise", f"give the address that stands for a post: --url {rehearsed}"
            )
        return
    if registry.acts_unconfirmed(row.channel):
        _check_confirmed(url)
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or "." not in host or host.endswith(".invalid"):
        raise Invalid(f"{url} is not the link of a post", "give the post's own link: --url https://…")


def _check_confirmed(reference: str) -> None:
    if not reference.strip() or not reference.isprintable() or len(reference) > LONGEST_REFERENCE:
        raise Invalid("this is no reference of a confirmation", "give the agency's own: --url REFERENCE")
    if ".invalid" in reference:
        raise Invalid("this is an exercise's reference", "give the agency's own: --url REFERENCE")


def _signed_for(desk: Desk, work: Work, row: Any, url: str) -> tuple[str, ...]:
    said = desk.said(work, StatementKind.RECEIPT, _subject(row.id), Mode(row.mode))
    return tuple(sorted({s.person for s in said if _says_posted(s, row.id, url)}))


def _says_posted(statement: Statement, delivery: str, url: str) -> bool:
    body = statement.body
    said = (statement.role, body.get("delivery"), body.get("step"), body.get("url"))
    return said == (Role.OPERATOR, delivery, "posted", url)


def _subject(delivery: str) -> str:
    return canonical.digest("receipt/v1", canonical.encode({"delivery": delivery}))
