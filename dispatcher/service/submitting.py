"""Submitting: an author freezes a plan, and with it everything that people then sign.

Rules
  1. Submitting makes every delivery row at once, so that a release is one small transaction however many there are.
     Rows of a plan that has no signed release cannot be leased, and no sender would take them.
  2. The gate is asked first. What no signature about this plan can mend is refused here, and recorded: nobody is
     asked to approve what can never leave.
  3. The lint of wording is asked as well: what it refuses is not submitted, and the legal flags that it finds are in
     the plan unless the submitter says why not.
  4. A renewal is a new plan of the same revision with a new window, which says what it renews; it is signed anew.

The way of a submission::

    revision + incident's evidence + accounts → plan → gate → sign → plan, renderings, deliveries, statement → commit
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NoReturn

from channels.contract import Account, DeliveryKind, Json, Purchase
from channels.registry import Lane
from dispatcher.domain.errors import GateClosed, Invalid, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.incident import Incident, items_of
from dispatcher.domain.message import Revision, TextKind
from dispatcher.domain.money import financial_year
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Destination, OnAmbiguous, Placement, Plan, SignedList, Spend
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.evidence import Failure
from dispatcher.sending.order import Bundle
from dispatcher.service import linting, messages, spending
from dispatcher.service.accounts import lane_of
from dispatcher.service.clearing import Standing, show
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.judging import findings
from dispatcher.store import accounts, deliveries, recipients, records, statements
from dispatcher.store.database import Work


@dataclass(frozen=True, slots=True)
class Wish:
    """What a submission asks for: every account of the mode unless some, or groups of them, are named; recipient
    lists per account, or for "".

    ``no_alternative``: which audience no other channel reaches. ``spend``: what is bought, in the plan's own year.
    ``not_flags``: legal flags that the wording calls for and that do not apply, and why.
    """

    accounts: Sequence[str] | None = None
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    purpose: str = "public_safety"
    window: timedelta = timedelta(hours=4)
    on_ambiguous: Mapping[str, OnAmbiguous] = field(default_factory=dict)
    placement: Placement = Placement.ORGANIC
    flags: tuple[str, ...] = ()
    not_flags: Mapping[str, str] = field(default_factory=dict)
    spend: tuple[Spend, ...] = ()
    no_alternative: str = ""
    renews: str | None = None
    renewal: int = 0
    groups: Sequence[str] = ()


def submit(desk: Desk, message: str, wish: Wish, pen: Pen) -> Standing:
    """Freeze a plan, make its deliveries, and sign the submission.

    Raises Invalid, GateClosed with every reason that no signature can mend, Stale, SignatureNeeded.
    """
    person = desk.person(pen).id
    with desk.store.read() as work:
        revision = records.newest_revision(work, message)
        incident = records.incident(work, revision.incident)
        chosen = records.accounts(work, incident.mode, _named(work, incident.mode, wish))
        lists = {account.id: _lists(work, incident.mode, account, wish) for account in chosen}
        generation = records.generation(work, revision.message)
    plan, bodies = _plan(desk, incident, revision, person, chosen, lists, wish, generation)
    _ask(desk, plan, bodies, person)
    channels: dict[str, Json] = {"channels": list(plan.channels)}
    roles = (Role.AUTHOR, Role.TRANSLATOR)
    envelope = desk.sign(pen, roles, StatementKind.SUBMIT, plan.digest, plan.mode, channels)
    try:
        with desk.store.write() as work:
            if records.generation(work, revision.message) != generation:
                raise Stale("somebody else submitted this message meanwhile", "dispatcher status")
            records.add_renderings(work, bodies)
            records.add_plan(work, plan, revision.message)
            spending.reserve(work, plan, desk.policy())
            records.add_clearances(work, plan.digest, plan.channels)
            count = _add_deliveries(desk, work, plan)
            desk.record(work, envelope, plan.mode, plan.incident)
            work.record("plan.submitted", incident=plan.incident, actor=person, plan=plan.digest, deliveries=count)
    except spending.NoRoom as lost:
        _refuse(desk, plan, person, lost.failures)
    return show(desk, plan.digest)


def _named(work: Work, mode: Mode, wish: Wish) -> list[str] | None:
    """The accounts wished for, those of groups among them, each once; None for all."""
    if wish.accounts is None and not wish.groups:
        return None
    return list(dict.fromkeys((*(wish.accounts or ()), *accounts.members(work, mode, wish.groups))))


def renew(desk: Desk, plan_name: str, window: timedelta, pen: Pen) -> Standing:
    """Submit a plan's message again, with a new window and otherwise unchanged. Raises what :func:`submit` raises."""
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
    plan = stored.plan
    same = ("purpose", "flags", "spend", "no_alternative")
    wish = Wish(
        accounts=[d.account for d in plan.destinations],
        lists={d.account: [signed.id for signed in d.lists] for d in plan.destinations},
        window=window,
        on_ambiguous={d.channel: d.on_ambiguous for d in plan.destinations},
        placement=plan.destinations[0].placement,
        renews=plan.digest,
        renewal=plan.renewal + 1,
        not_flags={denied.flag: denied.why for denied in plan.unflagged},
        **{name: getattr(plan, name) for name in same},
    )
    return submit(desk, stored.message, wish, pen)


def _ask(desk: Desk, plan: Plan, bodies: Mapping[str, bytes], person: str) -> None:
    """Ask the gate about a plan that nobody has signed."""
    with desk.store.read() as work:
        bundle = Bundle(plan.encoded(), bodies, tuple(statements.envelopes_for(work, plan.digest, str(plan.mode))))
        final = [(finding.channel, f) for finding in findings(desk, work, bundle, {}) for f in finding.final]
    if final:
        _refuse(desk, plan, person, final)


def _refuse(desk: Desk, plan: Plan, person: str, final: Sequence[tuple[str, Failure]]) -> NoReturn:
    """Record a refusal, then raise it: channel and failure each."""
    failures: list[Json] = [{**failure.document(), "channel": channel} for channel, failure in final]
    with desk.store.write() as work:
        about = {"incident": plan.incident, "actor": person, "plan": plan.digest}
        work.record("submission.refused", **about, purpose=plan.purpose, failures=failures)
    raise GateClosed(
        f"plan {short(plan.digest)} can never pass the gate; nothing was submitted, and nobody is asked to sign",
        "mend what is named, then submit again",
        tuple((f.clause, f"{channel}: {f.fact}", f.mend) for channel, f in final),
    )


def _with_submitter(revision: Revision, person: str) -> Mapping[str, tuple[str, ...]]:
    """Who contributed to a plan: the revision stays as it is stored, so that its digest finds it."""
    deeds = tuple(dict.fromkeys((*revision.contributors.get(person, ()), "submitter")))
    return {**revision.contributors, person: deeds}


def _plan(
    desk: Desk,
    incident: Incident,
    revision: Revision,
    person: str,
    chosen: Sequence[Account],
    lists: Mapping[str, tuple[SignedList, ...]],
    wish: Wish,
    generation: int,
) -> tuple[Plan, dict[str, bytes]]:
    if not chosen:
        raise Invalid("the plan has no account", "dispatcher account add --help")
    if revision.missing_armed:
        raise Invalid("the armed texts are missing", f"dispatcher message arm {revision.message}")
    if not revision.area:
        raise Invalid(
            "the message names no area, and no area never means everywhere",
            f"dispatcher message edit {revision.message} --area NAME",
        )
    found = linting.remarks_on(desk, revision, incident.mode)
    linting.refuse(found, revision.message)
    policy, now, nonce = desk.policy(), desk.now(), desk.random_bytes(16).hex()
    flags, unflagged = linting.flagged(found, policy, wish.flags, wish.not_flags)
    not_after = min(now + wish.window, revision.valid_until)
    spend = tuple(replace(one, year=financial_year(now)) for one in wish.spend)
    purchases = {one.channel: one.purchase(now, not_after, nonce) for one in spend}
    renderings, bodies = _renderings(desk, revision, chosen, incident.mode, purchases)
    destinations = (
        Destination(
            account=account.id,
            channel=account.channel,
            placement=wish.placement,
            on_ambiguous=wish.on_ambiguous.get(account.channel, OnAmbiguous.HOLD),
            renderings=renderings[account.id],
            lists=lists[account.id],
        )
        for account in chosen
    )
    plan = Plan(
        deployment=desk.trust.root.deployment,
        mode=incident.mode,
        incident=incident.id,
        incident_kind=incident.kind,
        severity=incident.severity,
        purpose=wish.purpose,
        revision=revision.digest,
        languages=revision.languages,
        destinations=tuple(destinations),
        area=revision.area,
        not_before=now,
        not_after=not_after,
        armed_not_after=revision.valid_until + policy.armed_for,
        valid_until=revision.valid_until,
        policy=policy.digest,
        contributors=_with_submitter(revision, person),
        generation=generation,
        nonce=nonce,
        flags=flags,
        unflagged=unflagged,
        spend=spend,
        evidence=items_of(incident),
        no_alternative=wish.no_alternative,
        renews=wish.renews,
        renewal=wish.renewal,
    )
    return plan, bodies


def _renderings(
    desk: Desk, revision: Revision, chosen: Sequence[Account], mode: Mode, purchases: Mapping[str, Purchase]
) -> tuple[dict[str, dict[TextKind, str]], dict[str, bytes]]:
    """Per account the digests by kind of text, and the bytes by digest. Raises GateClosed for what lint refuses."""
    digests: dict[str, dict[TextKind, str]] = {account.id: {} for account in chosen}
    bodies: dict[str, bytes] = {}
    faults = []
    for preview in messages.previews(desk, revision, chosen, mode, purchases):
        if preview.rendering is None or preview.problems:
            faults.append(("G17", f"{preview.account.id} {preview.kind}: {'; '.join(preview.problems)}", "author"))
            continue
        digest, body = messages.encode(preview.rendering)
        digests[preview.account.id][preview.kind] = digest
        bodies[digest] = body
    if faults:
        raise GateClosed(
            "the message cannot be sent as it is", f"dispatcher message edit {revision.message}", tuple(faults)
        )
    return digests, bodies


def _lists(work: Work, mode: Mode, account: Account, wish: Wish) -> tuple[SignedList, ...]:
    if lane_of(account.channel) is not Lane.RECIPIENTS:
        return ()
    names = dict.fromkeys(wish.lists.get(account.id, wish.lists.get("", ())))
    if not names:
        raise Invalid(f"account {account.id} sends to recipients", f"name a list: --list {account.id}=LIST")
    return tuple(recipients.signed_list(work, mode, name) for name in names)


def _add_deliveries(desk: Desk, work: Work, plan: Plan) -> int:
    """In the order of their ids, by which they are leased: what is moved together then lies together."""
    places = [(one, signed) for one in plan.destinations for signed in one.lists or (None,)]
    ids = sorted(desk.new_id("dly") for _ in places)
    return sum(_add_to(work, plan, *place, id_) for place, id_ in zip(places, ids, strict=True))


def _add_to(work: Work, plan: Plan, destination: Destination, signed: SignedList | None, id_: str) -> int:
    common = {
        "id": id_,
        "plan": plan.digest,
        "incident": plan.incident,
        "mode": str(plan.mode),
        "lane": str(lane_of(destination.channel)),
        "channel": destination.channel,
        "account": destination.account,
        "kind": str(DeliveryKind.PUBLISH),
        "rendering": destination.renderings[TextKind.PUBLISH],
        "due_at": work.now,
        "expires_at": plan.not_after,
    }
    written = deliveries.add(work, common, signed.id if signed else None)
    if signed and written != signed.count:
        raise Invalid(f"recipient list {signed.id} is not whole any more", "import it again under a new name")
    return written
