"""Clearing: an author submits a plan, different people approve, reject or revoke it.

Submitting makes every delivery row at once, so that a release is one small transaction however many there are.
Rows of a plan that has no signed release cannot be leased, and no sender would take them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Account, DeliveryKind, Json
from dispatcher.domain.errors import Forbidden, GateClosed, Invalid
from dispatcher.domain.incident import Incident
from dispatcher.domain.message import Revision, TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Destination, OnAmbiguous, Placement, Plan, SignedList
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.policy import PolicyVersion
from dispatcher.service import messages
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.judging import ChannelFinding, refresh
from dispatcher.store import deliveries, records
from dispatcher.store.database import Work

APPROVING = (
    Role.CHECKER,
    Role.DUTY_DIRECTOR,
    Role.SECURITY,
    Role.LANGUAGE_CHECKER,
    Role.LEGAL,
    Role.PROPRIETY,
    Role.FINANCE,
)
REVOKING = (Role.DUTY_DIRECTOR, Role.SECURITY, Role.PRIVATE_OFFICE, Role.LEGAL, *Role)


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
    person = desk.person(pen)
    role = desk.role(person, (Role.AUTHOR, Role.TRANSLATOR))
    with desk.store.read() as work:
        revision = records.newest_revision(work, message)
        incident = records.incident(work, revision.incident)
        chosen = records.accounts(work, incident.mode, wish.accounts)
        lists = _lists(work, incident.mode, chosen, wish)
        generation = records.generation(work, revision.message)
    revision = _with_submitter(revision, person.id)
    plan, bodies = _plan(desk, incident, revision, chosen, lists, wish, generation)
    statement = desk.compose(StatementKind.SUBMIT, plan.digest, person, role, plan.mode, {"channels": _json(plan)})
    envelope = pen.sign(statement)
    with desk.store.write() as work:
        records.add_renderings(work, bodies)
        records.add_plan(work, plan, revision.message)
        records.add_clearances(work, plan.digest, plan.channels)
        count = deliveries.add(work, _rows(desk, work, plan))
        desk.record(work, envelope, plan.mode, plan.incident)
        work.record("plan.submitted", incident=plan.incident, actor=person.id, plan=plan.digest, deliveries=count)
        stored = records.plan(work, plan.digest)
        return Standing(stored, refresh(desk, work, stored))


def approve(desk: Desk, plan_name: str, pen: Pen, role: Role | None = None, channels: Sequence[str] = ()) -> Standing:
    """Approve a plan for its channels, or those named, in one role."""
    return _sign_about(desk, plan_name, pen, StatementKind.APPROVE, APPROVING, role, channels, {})


def reject(
    desk: Desk, plan_name: str, pen: Pen, reason: str, role: Role | None = None, channels: Sequence[str] = ()
) -> Standing:
    """Reject a plan for its channels, or those named. One rejection stops."""
    if not reason.strip():
        raise Invalid("a rejection needs a reason", "say why: --reason TEXT")
    return _sign_about(desk, plan_name, pen, StatementKind.REJECT, APPROVING, role, channels, {"reason": reason})


def revoke(desk: Desk, plan_name: str, pen: Pen, reason: str = "") -> Standing:
    """Take a plan's clearance back, at once. Anybody on the roster may; the reason may follow."""
    standing = _sign_about(desk, plan_name, pen, StatementKind.REVOKE, REVOKING, None, (), {"reason": reason})
    with desk.store.write() as work:
        deliveries.cancel_unsent(work, standing.stored.digest, "revoked")
    return standing


def show(desk: Desk, plan_name: str) -> Standing:
    """Where a plan stands, channel by channel."""
    with desk.store.write() as work:
        stored = records.plan(work, plan_name)
        return Standing(stored, refresh(desk, work, stored))


def _sign_about(
    desk: Desk,
    plan_name: str,
    pen: Pen,
    kind: StatementKind,
    roles: tuple[Role, ...],
    role: Role | None,
    channels: Sequence[str],
    extra: Mapping[str, Json],
) -> Standing:
    person = desk.person(pen)
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
    named = [str(c) for c in (channels or stored.plan.channels)]
    unknown = [c for c in named if c not in stored.plan.channels]
    if unknown:
        raise Invalid(f"the plan has no channel {unknown[0]}", f"its channels: {', '.join(stored.plan.channels)}")
    chosen = desk.role(person, roles, role)
    if kind is StatementKind.APPROVE and person.id in stored.plan.contributors:
        did = ", ".join(stored.plan.contributors[person.id])
        raise Forbidden(f"{person.id} is {did} of this plan and cannot approve it (G08)", "ask somebody uninvolved")
    body: dict[str, Json] = {"channels": list[Json](named), **extra}
    if chosen is Role.LANGUAGE_CHECKER:
        body["languages"] = _languages(desk, person.id, stored.plan)
    statement = desk.compose(kind, stored.digest, person, chosen, stored.plan.mode, body)
    envelope = pen.sign(statement)
    with desk.store.write() as work:
        desk.record(work, envelope, stored.plan.mode, stored.plan.incident)
        return Standing(stored, refresh(desk, work, stored))


def _languages(desk: Desk, person: str, plan: Plan) -> list[Json]:
    found = desk.trust.roster.person(person)
    spoken = found.languages if found else ()
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
    policy = _policy(desk)
    renderings, bodies = _render(revision, chosen, incident.mode)
    now = desk.now()
    plan = Plan(
        deployment=desk.trust.root.deployment,
        mode=incident.mode,
        incident=incident.id,
        incident_kind=incident.kind,
        severity=incident.severity,
        purpose=wish.purpose,
        revision=revision.digest,
        languages=revision.languages,
        destinations=tuple(_destination(a, renderings[a.id], lists.get(a.id, ()), wish) for a in chosen),
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


def _policy(desk: Desk) -> PolicyVersion:
    version = desk.trust.policy.in_force(desk.now())
    if version is None:
        raise Forbidden("no policy is in force", "two policy owners sign one")
    return version


def _render(
    revision: Revision, chosen: Sequence[Account], mode: Mode
) -> tuple[dict[str, dict[TextKind, str]], dict[str, bytes]]:
    renderings: dict[str, dict[TextKind, str]] = {account.id: {} for account in chosen}
    bodies: dict[str, bytes] = {}
    faults = []
    for preview in messages.previews(revision, chosen, mode):
        if preview.rendering is None or preview.problems:
            faults.append(("G17", f"{preview.account.id} {preview.kind}: {'; '.join(preview.problems)}", "author"))
            continue
        digest, body = messages.encode(preview.rendering)
        renderings[preview.account.id][preview.kind] = digest
        bodies[digest] = body
    if faults:
        raise GateClosed("the message cannot be sent as it is", "edit it: dispatcher message edit", tuple(faults))
    return renderings, bodies


def _destination(
    account: Account, renderings: Mapping[TextKind, str], lists: tuple[SignedList, ...], wish: Wish
) -> Destination:
    return Destination(
        account=account.id,
        channel=account.channel,
        placement=wish.placement,
        on_ambiguous=wish.on_ambiguous.get(account.channel, OnAmbiguous.HOLD),
        renderings=dict(renderings),
        lists=lists,
    )


def _lists(work: Work, mode: Mode, chosen: Sequence[Account], wish: Wish) -> dict[str, tuple[SignedList, ...]]:
    lanes = records.lanes(work)
    found: dict[str, tuple[SignedList, ...]] = {}
    for account in chosen:
        names = wish.lists.get(account.id, wish.lists.get("", ()))
        if lanes.get(account.id) != "recipients":
            continue
        if not names:
            raise Invalid(f"account {account.id} sends to recipients", f"name a list: --list {account.id}=LIST")
        found[account.id] = tuple(records.signed_list(work, mode, name) for name in names)
    return found


def _rows(desk: Desk, work: Work, plan: Plan) -> Iterator[dict[str, Any]]:
    lanes = records.lanes(work)
    for destination in plan.destinations:
        common = _common(plan, destination, lanes[destination.account], work.now)
        if not destination.lists:
            yield {**common, "id": desk.new_id("dly"), "destination": destination.account}
        for signed in destination.lists:
            for position, leaf in records.leaves(work, signed.id):
                yield {
                    **common,
                    "id": desk.new_id("dly"),
                    "destination": leaf,
                    "list": signed.id,
                    "position": position,
                }


def _common(plan: Plan, destination: Destination, lane: str, now: datetime) -> dict[str, Any]:
    return {
        "plan": plan.digest,
        "incident": plan.incident,
        "mode": str(plan.mode),
        "lane": lane,
        "channel": destination.channel,
        "account": destination.account,
        "kind": str(DeliveryKind.PUBLISH),
        "rendering": destination.renderings[TextKind.PUBLISH],
        "list": None,
        "position": None,
        "due_at": now,
        "expires_at": plan.not_after,
    }


def _json(plan: Plan) -> list[Json]:
    return list(plan.channels)
