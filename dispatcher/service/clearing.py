"""Clearing: an author submits a plan, different people approve, reject or revoke it.

Rules
  1. Submitting makes every delivery row at once, so that a release is one small transaction however many there are.
     Rows of a plan that has no signed release cannot be leased, and no sender would take them.
  2. A statement is signed before anything is locked. It counts from the moment it is written down; the clearances in
     SQL follow, and the gate works them out again every time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from channels.contract import Account, DeliveryKind, Json, Rendering
from channels.registry import Lane
from dispatcher.domain.errors import Forbidden, GateClosed, Invalid, Stale
from dispatcher.domain.incident import Incident
from dispatcher.domain.lifecycle import CLEARANCE
from dispatcher.domain.message import Revision, TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Destination, OnAmbiguous, Placement, Plan, SignedList
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.sending.prepared import prepare
from dispatcher.service import messages
from dispatcher.service.accounts import lane_of
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.judging import ChannelFinding, judge
from dispatcher.store import accounts, deliveries, records, sweep
from dispatcher.store.database import Work

APPROVING = (
    *(Role.CHECKER, Role.DUTY_DIRECTOR, Role.SECURITY, Role.LANGUAGE_CHECKER),
    *(Role.LEGAL, Role.PROPRIETY, Role.FINANCE),
)
REVOKING = (Role.DUTY_DIRECTOR, Role.SECURITY, Role.PRIVATE_OFFICE, Role.LEGAL, *Role)
UNINVOLVED = {StatementKind.APPROVE: "G08", StatementKind.DECIDE: "G12"}
"""What nobody signs about a plan they contributed to, and the clause that would not count it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a submission asks for: every account of the mode unless named; recipient lists per account, or for ""."""

    accounts: Sequence[str] | None = None
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    purpose: str = "public_safety"
    window: timedelta = timedelta(hours=4)
    on_ambiguous: Mapping[str, OnAmbiguous] = field(default_factory=dict)
    placement: Placement = Placement.ORGANIC
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan with what the gate says of each of its channels."""

    stored: records.StoredPlan
    findings: list[ChannelFinding]


def submit(desk: Desk, message: str, wish: Wish, pen: Pen) -> Standing:
    """Freeze a plan, make its deliveries, and sign the submission. Raises Invalid, Forbidden, SignatureNeeded."""
    person = desk.person(pen).id
    with desk.store.read() as work:
        revision = _with_submitter(records.newest_revision(work, message), person)
        incident = records.incident(work, revision.incident)
        chosen = records.accounts(work, incident.mode, wish.accounts)
        lists = {account.id: _lists(work, incident.mode, account, wish) for account in chosen}
        generation = records.generation(work, revision.message)
    plan, bodies = _plan(desk, incident, revision, chosen, lists, wish, generation)
    channels: dict[str, Json] = {"channels": list(plan.channels)}
    roles = (Role.AUTHOR, Role.TRANSLATOR)
    envelope = desk.sign(pen, roles, StatementKind.SUBMIT, plan.digest, plan.mode, channels)
    with desk.store.write() as work:
        if records.generation(work, revision.message) != generation:
            raise Stale("somebody else submitted this message meanwhile", "look: dispatcher status")
        records.add_renderings(work, bodies)
        records.add_plan(work, plan, revision.message)
        records.add_clearances(work, plan.digest, plan.channels)
        count = sum(_add_deliveries(desk, work, plan, destination) for destination in plan.destinations)
        desk.record(work, envelope, plan.mode, plan.incident)
        work.record("plan.submitted", incident=plan.incident, actor=person, plan=plan.digest, deliveries=count)
    return show(desk, plan.digest)


def approve(desk: Desk, plan_name: str, pen: Pen, role: Role | None = None, channels: Sequence[str] = ()) -> Standing:
    """Approve a plan for its channels, or those named, in one role."""
    return sign_about(desk, plan_name, pen, StatementKind.APPROVE, (role,) if role else APPROVING, channels)


def reject(
    desk: Desk, plan_name: str, pen: Pen, reason: str, role: Role | None = None, channels: Sequence[str] = ()
) -> Standing:
    """Reject a plan for its channels, or those named. One rejection stops."""
    if not reason.strip():
        raise Invalid("a rejection needs a reason", "say why: --reason TEXT")
    roles = (role,) if role else APPROVING
    return sign_about(desk, plan_name, pen, StatementKind.REJECT, roles, channels, {"reason": reason})


def revoke(desk: Desk, plan_name: str, pen: Pen, reason: str = "") -> Standing:
    """Take a plan's clearance back, at once. Anybody on the roster may; the reason may follow."""
    standing = sign_about(desk, plan_name, pen, StatementKind.REVOKE, REVOKING, (), {"reason": reason})
    left = True
    while left:  # the signature stops it already; a million rows are tidied up in turns, so that others can write
        with desk.store.write() as work:
            left = bool(sweep.cancel_unsent(work, standing.stored.digest, "revoked"))
    return standing


def texts(desk: Desk, plan_name: str) -> list[tuple[Destination, TextKind, Rendering]]:
    """What approving a plan signs, word for word: every text of every destination, the message first.

    The texts are those whose recomputed digests the plan names; one that was changed in the store is not among them.
    """
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
        prepared = prepare(records.bundle(work, stored.digest), desk.verifier(stored.plan.mode), work.now)
    return [
        (destination, kind, prepared.renderings[destination.renderings[kind]])
        for kind in TextKind
        for destination in stored.plan.destinations
        if destination.renderings.get(kind) in prepared.renderings
    ]


def show(desk: Desk, plan_name: str) -> Standing:
    """Where a plan stands, channel by channel. Clearances that changed are written down."""
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
        findings = judge(desk, work, stored)
    changed = {f.channel: f.found for f in findings if f.found != f.state and CLEARANCE.allows(f.state, f.found)}
    if changed:
        with desk.store.write() as work:
            for f in findings:
                if f.channel in changed:
                    records.move_clearance(work, stored.digest, stored.plan.incident, f.channel, f.state, f.found)
    return Standing(stored, [replace(f, state=changed.get(f.channel, f.state)) for f in findings])


def sign_about(
    desk: Desk,
    plan_name: str,
    pen: Pen,
    kind: StatementKind,
    roles: tuple[Role, ...],
    channels: Sequence[str] = (),
    said: Mapping[str, Json] | None = None,
) -> Standing:
    """Sign a statement about a plan's channels, all unless named, and write it down."""
    person = desk.person(pen)
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
    plan, named = stored.plan, list(channels or stored.plan.channels)
    unknown = [channel for channel in named if channel not in plan.channels]
    if unknown:
        raise Invalid(f"the plan has no channel {unknown[0]}", f"its channels: {', '.join(plan.channels)}")
    role = desk.role(person, roles)
    if kind in UNINVOLVED and person.id in plan.contributors:
        did = ", ".join(plan.contributors[person.id])
        raise Forbidden(
            f"{person.id} is {did} of this plan and cannot {kind} ({UNINVOLVED[kind]})", "ask somebody uninvolved"
        )
    body: dict[str, Json] = {"channels": list[Json](named), **(said or {})}
    if role is Role.LANGUAGE_CHECKER:
        body["languages"] = _languages(person.id, person.languages, plan)
    envelope = desk.sign(pen, (role,), kind, stored.digest, plan.mode, body)
    with desk.store.write() as work:
        desk.record(work, envelope, plan.mode, plan.incident)
    return show(desk, stored.digest)


def _languages(person: str, spoken: Sequence[str], plan: Plan) -> list[Json]:
    languages: list[Json] = [tag for tag in plan.languages if tag in spoken or tag.partition("-")[0] in spoken]
    if not languages:
        raise Forbidden(f"{person} is not rostered for a language of this plan", "ask a native reader")
    return languages


def _with_submitter(revision: Revision, person: str) -> Revision:
    deeds = tuple(dict.fromkeys((*revision.contributors.get(person, ()), "submitter")))
    return replace(revision, contributors={**revision.contributors, person: deeds})


def _plan(
    desk: Desk,
    incident: Incident,
    revision: Revision,
    chosen: Sequence[Account],
    lists: Mapping[str, tuple[SignedList, ...]],
    wish: Wish,
    generation: int,
) -> tuple[Plan, dict[str, bytes]]:
    if not chosen:
        raise Invalid("the plan has no account", "add one: dispatcher account add")
    if revision.missing_armed:
        raise Invalid("the armed texts are missing", f"arm them: dispatcher message arm {revision.message}")
    policy, now = desk.policy(), desk.now()
    renderings, bodies = _renderings(revision, chosen, incident.mode)
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
        not_after=min(now + wish.window, revision.valid_until),
        armed_not_after=revision.valid_until + policy.armed_for,
        valid_until=revision.valid_until,
        policy=policy.digest,
        contributors=revision.contributors,
        generation=generation,
        nonce=desk.random_bytes(16).hex(),
        flags=wish.flags,
    )
    return plan, bodies


def _renderings(
    revision: Revision, chosen: Sequence[Account], mode: Mode
) -> tuple[dict[str, dict[TextKind, str]], dict[str, bytes]]:
    """Per account the digests by kind of text, and the bytes by digest. Raises GateClosed for what lint refuses."""
    digests: dict[str, dict[TextKind, str]] = {account.id: {} for account in chosen}
    bodies: dict[str, bytes] = {}
    faults = []
    for preview in messages.previews(revision, chosen, mode):
        if preview.rendering is None or preview.problems:
            faults.append(("G17", f"{preview.account.id} {preview.kind}: {'; '.join(preview.problems)}", "author"))
            continue
        digest, body = messages.encode(preview.rendering)
        digests[preview.account.id][preview.kind] = digest
        bodies[digest] = body
    if faults:
        raise GateClosed("the message cannot be sent as it is", "edit it: dispatcher message edit", tuple(faults))
    return digests, bodies


def _lists(work: Work, mode: Mode, account: Account, wish: Wish) -> tuple[SignedList, ...]:
    if lane_of(account.channel) is not Lane.RECIPIENTS:
        return ()
    names = dict.fromkeys(wish.lists.get(account.id, wish.lists.get("", ())))
    if not names:
        raise Invalid(f"account {account.id} sends to recipients", f"name a list: --list {account.id}=LIST")
    return tuple(accounts.signed_list(work, mode, name) for name in names)


def _add_deliveries(desk: Desk, work: Work, plan: Plan, destination: Destination) -> int:
    common = {
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
    if not destination.lists:
        return deliveries.add(work, {**common, "id": desk.new_id("dly")})
    for signed in destination.lists:
        if deliveries.add(work, {**common, "id": desk.new_id("dly")}, signed.id) != signed.count:
            raise Invalid(f"recipient list {signed.id} is not whole any more", "import it again under a new name")
    return sum(signed.count for signed in destination.lists)
