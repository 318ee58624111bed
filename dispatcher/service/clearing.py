"""Clearing: different people approve, reject or revoke a plan, or break the glass.

Rules
  1. A statement is signed before anything is locked. It counts from the moment it is written down; the clearances in
     SQL follow, and the gate works them out again every time.
  2. A clearance that was clear and is so no longer (a halt, an attestation that lapsed, a minister who did not
     confirm) is suspended, until the gate says yes again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from channels.contract import Json, Rendering
from dispatcher.domain.errors import Forbidden, Invalid, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import CLEARANCE, SUPERSEDED
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Destination, Plan
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.policy import PolicyVersion
from dispatcher.sending.prepared import prepare
from dispatcher.service.desk import DEFAULT_LIFE, Desk, Pen
from dispatcher.service.judging import ChannelFinding, judge
from dispatcher.service.stopping import halting_roles, named_by
from dispatcher.store import records, sweep

APPROVING = (
    *(Role.CHECKER, Role.DUTY_DIRECTOR, Role.SECURITY, Role.LANGUAGE_CHECKER),
    *(Role.LEGAL, Role.PROPRIETY, Role.FINANCE),
)
REVOKING = (Role.DUTY_DIRECTOR, Role.SECURITY, Role.PRIVATE_OFFICE, Role.LEGAL, *halting_roles(""))
UNINVOLVED = {StatementKind.APPROVE: "G08", StatementKind.DECIDE: "G12"}
"""What nobody signs about a plan they contributed to, and the clause that would not count it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan with what the gate says of each of its channels."""

    stored: records.StoredPlan
    findings: list[ChannelFinding]


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


def revoke(desk: Desk, plan_name: str, pen: Pen, reason: str = "", asked_by: str = "") -> Standing:
    """Take a plan's clearance back, at once. Anybody on the roster may; the reason may follow.

    ``asked_by`` is the person in whose name the console signs; empty where people sign themselves.
    """
    roles = halting_roles(asked_by) if asked_by else REVOKING
    said = {"reason": reason, **named_by(asked_by)}
    standing = sign_about(desk, plan_name, pen, StatementKind.REVOKE, roles, (), said)
    cancel_unsent(desk, standing.stored.digest, "revoked")
    return standing


def cancel_unsent(desk: Desk, plan: str, why: str) -> int:
    """Tidy up after a revocation: cancel what of a plan's message has not begun; returns how many.

    The signature has stopped it already. A million rows are moved in turns, so that others can write.
    """
    cancelled, left = 0, 1
    while left:
        with desk.store.write() as work:
            left = sweep.cancel_unsent(work, plan, why)
        cancelled += left
    return cancelled


def texts(desk: Desk, plan_name: str) -> list[tuple[Destination, TextKind, Rendering]]:
    """What approving a plan signs, word for word: every text of every destination, the message first.

    The texts are those whose recomputed digests the plan names; one that was changed in the store is not among them.
    """
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
        prepared = prepare(records.bundle(work, stored.digest), desk.verifier(stored.plan.mode), work.now)
    return [
        (destination, kind, prepared.texts.renderings[destination.renderings[kind]])
        for kind in TextKind
        for destination in stored.plan.destinations
        if destination.renderings.get(kind) in prepared.texts.renderings
    ]


def attached(desk: Desk, plan_name: str) -> int:
    """How many pictures and videos a plan's message has; its texts carry those that their channels take."""
    with desk.store.read() as work:
        return len(records.newest_revision(work, records.plan(work, plan_name).message).media)


def break_glass(desk: Desk, plan_name: str, pen: Pen, reason: str, channels: Sequence[str] = ()) -> Standing:
    """Sign that life is in immediate danger, so that policy's short list of approvals may be skipped for an hour.

    Two people sign; at least one of them had no part in the plan. Covers the channels named, else every one whose
    tier allows it. Raises Invalid without a reason, Forbidden where policy or tier does not allow it.
    """
    if not reason.strip():
        raise Invalid("breaking the glass needs a reason", "say what threatens life: --reason TEXT")
    version = desk.policy()
    with desk.store.read() as work:
        plan = records.plan(work, plan_name).plan
    allowed = [channel for channel in plan.channels if _breakable(version, channel)]
    named = list(channels) or allowed
    refused = [channel for channel in named if channel not in allowed]
    if version.break_glass is None or refused or not named:
        what = ", ".join(refused) or "this plan"
        raise Forbidden(
            f"policy {version.version} has no break-glass for {what} (G05)", "the full approvals, or none"
        )
    life = timedelta(minutes=version.break_glass.minutes)
    roles = (*APPROVING, Role.AUTHOR, Role.TRANSLATOR)
    return sign_about(desk, plan_name, pen, StatementKind.BREAK_GLASS, roles, named, {"reason": reason}, life)


def _breakable(version: PolicyVersion, channel: str) -> bool:
    rule = version.rule(channel)
    return rule is not None and rule.tier in version.tier and version.tier[rule.tier].break_glass


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
    life: timedelta = DEFAULT_LIFE,
) -> Standing:
    """Sign a statement about a plan's channels, all unless named, and write it down."""
    person = desk.person(pen)
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
    plan, named = stored.plan, list(channels or stored.plan.channels)
    unknown = [channel for channel in named if channel not in plan.channels]
    if unknown:
        raise Invalid(f"the plan has no channel {unknown[0]}", f"its channels: {', '.join(plan.channels)}")
    if stored.state in SUPERSEDED and kind is not StatementKind.REVOKE:
        why = f"plan {short(stored.digest)} was {stored.state}: its text was edited or rejected, and nobody signs it"
        raise Stale(why, "dispatcher status")
    role = desk.role(person, roles)
    if kind in UNINVOLVED and person.id in plan.contributors:
        did = ", ".join(plan.contributors[person.id])
        others = [one.id for one in desk.trust.roster.holders(role, desk.now()) if one.id not in plan.contributors]
        raise Forbidden(
            f"{person.id} has a part in this plan ({did}) and cannot {kind} ({UNINVOLVED[kind]})",
            f"ask another {role}: {', '.join(others) or 'nobody else holds that role now'}",
        )
    body: dict[str, Json] = {"channels": list[Json](named), **(said or {})}
    if role is Role.LANGUAGE_CHECKER:
        body["languages"] = _languages(person.id, person.languages, plan)
    envelope = desk.sign(pen, (role,), kind, stored.digest, plan.mode, body, life)
    with desk.store.write() as work:
        desk.record(work, envelope, plan.mode, plan.incident)
    return show(desk, stored.digest)


def _languages(person: str, spoken: Sequence[str], plan: Plan) -> list[Json]:
    languages: list[Json] = [tag for tag in plan.languages if tag in spoken or tag.partition("-")[0] in spoken]
    if not languages:
        raise Forbidden(f"{person} is not rostered for a language of this plan", "ask a native reader")
    return languages
