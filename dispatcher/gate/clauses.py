"""The eighteen clauses: one small function each, all of which must hold (reference: policy 6.5).

A clause returns None when it holds, else the :class:`Failure` that says which fact failed and who can mend it.
Clauses in :data:`PLAN_CLAUSES` depend on the plan, its statements, roster and policy only; they are decided once
and hold until the next moment at which one of those ends. Those in :data:`DELIVERY_CLAUSES` are decided for every
delivery, every time.

The way back (a correction, withdrawal or all-clear) rests on the signatures that let the message out: it asks for no
fresh assessment, exemption or minister's decision. A device that it would be posted on must still be attested.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.incident import METHANE, NO_INCIDENT
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.message import TextKind
from dispatcher.domain.money import pounds
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Statement, StatementKind
from dispatcher.gate.approvals import unapproved
from dispatcher.gate.evidence import RESUBMIT, Case, Failure, Then
from dispatcher.gate.ministers import minister_fault
from dispatcher.gate.mitigations import MENDED_BY_SIGNATURE, exemptions, unattested, unmet
from dispatcher.gate.policy import NEVER_USED

Clause = Callable[[Case], Failure | None]

STALE_AFTER = timedelta(seconds=60)
"""A signed status older than this is stale (reference: reliability 2.3)."""


def g01_policy(case: Case) -> Failure | None:
    """The plan was made under a policy version that this sender knows."""
    if case.evidence.policies.by_digest(case.plan.policy) is None:
        return Failure("G01", "the plan names a policy version that is not in this policy file", "submit a new plan")
    return None


def g02_incident(case: Case) -> Failure | None:
    """The incident is the plan's own and open, and what policy wants known of it is; the way back needs less.

    A record of no incident satisfies only a rule that requires none. A stood-down incident lets the way back pass.
    """
    if case.facts.incident != case.plan.incident:
        fact = f"the delivery belongs to incident {case.facts.incident}, the plan to {case.plan.incident}"
        return Failure("G02", fact, "submit a plan for that incident")
    required = case.rule is None or case.rule.requires_incident
    if required and case.plan.incident_kind == NO_INCIDENT:
        return Failure("G02", "no incident was declared", "an officer: dispatcher incident declare")
    if case.plan.incident in case.evidence.stops.stood_down and not case.making_safe:
        return Failure("G02", "the incident was stood down", "declare another, and submit a plan for it", Then.CANCEL)
    allowed = {None, IncidentState.ACTIVE}
    if case.making_safe:
        allowed |= {IncidentState.STOOD_DOWN}
    if case.facts.incident_state not in allowed:
        return Failure("G02", f"the incident is {case.facts.incident_state}", "an officer activates the incident")
    lacking = () if case.making_safe or not required else missing_evidence(case)
    if lacking:
        fact = f"not evidenced, or too long ago: {', '.join(lacking)}"
        return Failure("G02", fact, "author: dispatcher incident evidence")
    return None


def missing_evidence(case: Case) -> tuple[str, ...]:
    """The items that policy wants known of such an incident at such a severity, and the plan does not carry fresh."""
    needs = case.version.evidence.get(case.plan.incident_kind)
    if needs is None:
        return ()
    oldest = timedelta(hours=needs.max_age_hours)
    known = {item.name for item in case.plan.evidence if case.now - item.at < oldest and item.value.strip()}
    wanted = (METHANE if name == "methane" else (name,) for name in needs.items(case.plan.severity))
    return tuple(name for names in wanted for name in names if name not in known)


def g03_released(case: Case) -> Failure | None:
    """The plan was released by a signature and has not been revoked. Revoking does not stop the way back.

    Who revokes may order the way back with the same signature; that covers the text that it names and no other.
    """
    revoked = case.evidence.stops.revocations_of(case.plan.digest)
    if revoked and not case.making_safe:
        return Failure("G03", f"revoked by {revoked[0].said_by}", "submit a new plan", Then.CANCEL)
    kind = str(case.facts.kind)
    orders = (
        s for s in case.evidence.about_plan(StatementKind.REVOKE, case.now) if _carries(case, s.body.get("text"))
    )
    for said in chain(case.evidence.about_plan(StatementKind.RELEASE, case.now), orders):
        kinds = said.body.get("kinds")
        if said.role in case.version.may_release and isinstance(kinds, list) and kind in kinds:
            return None
    return Failure("G03", f"no signed release of this plan covers {kind}", _roles(case.version.may_release))


def _carries(case: Case, text: Json) -> bool:
    """Whether the delivery carries this very text of its destination."""
    renderings = case.destination.renderings if case.destination else {}
    return any(kind == text and digest == case.facts.rendering for kind, digest in renderings.items())


def g04_window(case: Case) -> Failure | None:
    """Now lies in the half-open window with room for one call, and the message is still valid.

    A host whose clock cannot be gone by waits; a window is renewed as often as policy says, each time by a new plan.
    """
    plan = case.plan
    if case.facts.clock_fault:
        return untimely(case.facts.clock_fault)
    if plan.renewal > case.version.renewals_max and not case.making_safe:
        fact = f"the window was renewed {plan.renewal} times, policy allows {case.version.renewals_max}"
        return Failure("G04", fact, "author: submit a new plan, not a renewal")
    end = window_ends(case)
    if case.now < plan.not_before:
        return Failure("G04", f"the window opens at {plan.not_before:%H:%M:%S} UTC", "wait", Then.WAIT)
    if case.now + case.facts.needs > end:
        fact = f"the window ends at {end:%Y-%m-%d %H:%M:%S} UTC"
        return Failure("G04", fact, "submit a new plan", Then.EXPIRE)
    if case.tier and not case.making_safe and plan.not_after - plan.not_before > case.tier.window_max:
        minutes = case.tier.window_max.total_seconds() / 60
        return Failure(
            "G04", f"the window is longer than {minutes:.0f} minutes", "submit a plan with a shorter window"
        )
    return None


def window_ends(case: Case) -> datetime:
    """When the last call of a delivery must be over."""
    plan, armed_for = case.plan, case.version.armed_for
    if not case.making_safe:
        return min(plan.not_after, plan.valid_until)
    too_long = plan.armed_not_after - plan.valid_until > armed_for
    return plan.valid_until + armed_for if too_long else plan.armed_not_after


def untimely(fault: str) -> Failure:
    """The one thing to say on a host whose clock cannot be gone by."""
    return Failure("G04", fault, "ops: set this host's clock", Then.WAIT)


def g05_tier(case: Case) -> Failure | None:
    """Policy has the channel, in a tier that signatures can open, with this placement and by this route."""
    if case.rule is None:
        return Failure("G05", f"policy {case.version.version} does not have channel {case.facts.channel}", _OWNERS)
    if case.rule.tier == NEVER_USED:
        return Failure("G05", f"{case.facts.channel} is not used: no signature opens tier {NEVER_USED}", _OWNERS)
    placement = case.destination.placement if case.destination else Placement.ORGANIC
    if placement not in case.rule.placements:
        return Failure("G05", f"policy does not allow {placement} placement on {case.facts.channel}", _OWNERS)
    if case.facts.route is not None and case.facts.route not in case.rule.routes:
        return Failure("G05", f"policy does not open the route {case.facts.route} to {case.facts.channel}", _OWNERS)
    if placement is Placement.PAID and not case.making_safe:
        return _unpaid(case)
    return None


def _unpaid(case: Case) -> Failure | None:
    """Before an election nothing is paid for but what policy names."""
    for name, period in case.version.sensitive(case.now).items():
        if case.plan.purpose not in period.paid_purposes:
            fact = f"nothing is paid for during {name}, until {period.ends:%Y-%m-%d %H:%M} UTC"
            return Failure("G05", fact, _OWNERS)
    return None


def g06_purpose(case: Case) -> Failure | None:
    """The purpose, account, incident kind and severity are listed for the channel."""
    rule, plan = case.rule, case.plan
    if rule is None or case.tier is None:
        return None  # G05 says it
    if not case.making_safe and plan.purpose not in rule.purposes:
        return Failure("G06", f"purpose {plan.purpose} is not listed for {case.facts.channel}", _OWNERS)
    if rule.accounts and case.facts.account not in rule.accounts:
        return Failure("G06", f"account {case.facts.account} is not listed for {case.facts.channel}", _OWNERS)
    if plan.incident_kind == NO_INCIDENT:
        return None  # G02 says whether that will do
    if plan.incident_kind not in rule.incident_kinds:
        return Failure("G06", f"incident kind {plan.incident_kind} is not listed for {case.facts.channel}", _OWNERS)
    if plan.severity < case.tier.severity_min:
        fact = f"severity {plan.severity.name} is below {case.tier.severity_min.name}, which {rule.tier} needs"
        return Failure("G06", fact, "use other channels, or submit again if the incident has grown")
    return None


def g07_digest(case: Case) -> Failure | None:
    """What would leave is what was signed: account, channel, bytes, those of media, and for recipients the row."""
    destination = case.destination
    if destination is None or destination.channel != case.facts.channel:
        fact = f"the signed plan does not have account {case.facts.account} on {case.facts.channel}"
        return Failure("G07", fact, RESUBMIT)
    if case.facts.rendering not in destination.digests_for(case.facts.kind):
        return Failure("G07", f"the {case.facts.kind} text is not the one that was signed", RESUBMIT)
    if case.facts.recipient_fault is not None:
        return Failure("G07", case.facts.recipient_fault, RESUBMIT)
    if case.facts.media_fault is not None:
        return Failure("G07", case.facts.media_fault, "ops: put the media folder back; else author: a new plan")
    return None


def g08_approvals(case: Case) -> Failure | None:
    """The submitter and enough different, uninvolved people signed this plan for this channel.

    Of an account it asks no more than its rule's tier, and whether that wants an exemption.
    """
    rule = case.rule and (case.rule.tier, case.rule.exemption)
    about = ("G08", case.version.digest, case.facts.channel, rule, case.making_safe)
    return case.evidence.once(about, case.now, lambda: unapproved(case))


def g09_assessment(case: Case) -> Failure | None:
    """The channel's newest assessment for this placement permits it and is young enough. No record means no.

    A record that says ``void`` (new owner, terms or moderation) ends the one before it; so does its own review date.
    """
    rule = case.rule
    if case.making_safe or rule is None or rule.assessment_max_age is None:
        return None
    placement = str(case.destination.placement) if case.destination else ""
    records = [
        s
        for s in case.signed_by_role(StatementKind.ASSESS, case.version.may_assess)
        if s.body.get("channel") == case.facts.channel and s.body.get("placement") == placement
    ]
    if not records:
        return Failure("G09", f"no assessment of {case.facts.channel} ({placement})", _roles(case.version.may_assess))
    newest = max(records, key=lambda s: (s.not_before, s.body.get("outcome") != "permitted"))
    if case.now - newest.not_before >= rule.assessment_max_age or _review_is_due(newest, case.now):
        return Failure("G09", f"the assessment of {case.facts.channel} is too old", _roles(case.version.may_assess))
    if newest.body.get("outcome") != "permitted":
        fact = f"{case.facts.channel} was assessed as {newest.body.get('outcome')}"
        return Failure("G09", fact, _roles(case.version.may_assess))
    return None


def g10_exemption(case: Case) -> Failure | None:
    """A standing exemption names this channel and this very account; there are no wildcards."""
    if case.making_safe or case.rule is None or not case.rule.exemption:
        return None
    if exemptions(case):
        return None
    fact = f"no exemption covers account {case.facts.account} on {case.facts.channel}"
    return Failure("G10", fact, _roles(case.version.may_exempt))


def g11_mitigations(case: Case) -> Failure | None:
    """Every mitigation holds: those for people are attested freshly, those for software were looked at just now."""
    faults = list(unmet(case))
    signed = all(fault.startswith(MENDED_BY_SIGNATURE) for fault in faults)
    if lacking := unattested(case):
        faults.append(f"not attested, or too long ago: {' '.join(lacking)}")
    if not faults:
        return None
    mend = _roles(case.version.may_attest) if signed else "author: submit a new plan, or ops"
    return Failure("G11", "; ".join(faults), mend)


def g12_minister(case: Case) -> Failure | None:
    """Where policy wants it, a minister's decision is recorded, scoped to this plan and channel, and confirmed."""
    if case.making_safe or case.rule is None or not case.rule.minister:
        return None
    fault = minister_fault(case)
    return None if fault is None else Failure("G12", fault, _roles((Role.PRIVATE_OFFICE, Role.MINISTER)))


def g13_spend(case: Case) -> Failure | None:
    """What a paid channel may cost is in the plan, within the caps of case and year, approved where that is asked.

    An order says the same, and goes to one account, because it is for the whole of it. That the sum of all plans
    stays within the caps is for the spend ledger to say, which can only refuse. The way back costs nothing.
    """
    if case.making_safe or case.destination is None:
        return None
    if case.facts.purchase_fault:
        return Failure("G13", case.facts.purchase_fault, RESUBMIT)
    if case.destination.placement is not Placement.PAID:
        return None
    named = [s for s in case.plan.spend if s.channel == case.facts.channel]
    cap = case.rule.spend if case.rule else None
    if len(named) != 1 or cap is None:
        what = "policy has no cap" if cap is None else f"the plan names {len(named) or 'no'} spend"
        mend = _OWNERS if cap is None else RESUBMIT
        return Failure("G13", f"{what} for paid placement on {case.facts.channel}", mend)
    if sum(d.channel == case.facts.channel for d in case.plan.destinations) > 1:
        return Failure("G13", f"{case.facts.channel} would be ordered once from each of its accounts", RESUBMIT)
    (spend,) = named
    if not 0 < spend.pence <= min(cap.cap_case_pence, cap.cap_year_pence):
        return Failure("G13", f"{pounds(spend.pence)} is over the cap of {case.facts.channel}", RESUBMIT)
    same = [s for s in case.plan.spend if (s.case, s.year) == (spend.case, spend.year)]
    total = sum(s.pence for s in same)
    if total >= case.version.spending_control.threshold_pence and not all(s.approval for s in same):
        fact = f"{pounds(total)} for case {spend.case} needs an amc_approval_ref"
        return Failure("G13", fact, "finance: name the central approval in a new plan")
    if case.facts.spend_fault:
        return Failure("G13", case.facts.spend_fault, "finance: dispatcher spend list")
    return None


def g14_mode(case: Case) -> Failure | None:
    """Plan, sender and deployment are of one mode and one deployment."""
    plan, evidence = case.plan, case.evidence
    if plan.mode is not evidence.mode:
        return Failure("G14", f"the plan is {plan.mode}, this sender is {evidence.mode}", "nobody: author it again")
    if plan.deployment != evidence.deployment:
        return Failure("G14", f"the plan belongs to deployment {plan.deployment}", "nobody: author it there")
    return None


def g15_spent(case: Case) -> Failure | None:
    """This plan has not been spent on this destination already, as the sender's own file shows."""
    if case.facts.spent_fault is None:
        return None
    return Failure("G15", case.facts.spent_fault, "two people look at the channel and resolve the delivery")


def g16_stopped(case: Case) -> Failure | None:
    """Nothing halts it, and the knowledge of halts is fresh enough for the tier."""
    stops = case.evidence.stops
    if stops.missing:
        fact = "a halt or revocation is listed that this sender has not seen yet"
        return Failure("G16", fact, "wait, or ops", Then.WAIT)
    halt = stops.halt_on(case.plan, case.facts.channel, case.facts.account, making_safe=case.making_safe)
    if halt:
        return Failure("G16", halt.sentence(), "two others sign: dispatcher resume", Then.WAIT)
    stale = stops.status_at is None or case.now - stops.status_at > STALE_AFTER
    if stale and case.tier is not None and case.tier.hold_when_stale:
        return Failure("G16", "no signed status for 60 seconds", "ops: start the relay", Then.HOLD_STALE)
    return None


def g17_lint(case: Case) -> Failure | None:
    """Lint found nothing, and whoever the plan's flags call for is known to this policy."""
    if case.facts.problems:
        return Failure("G17", "; ".join(case.facts.problems), RESUBMIT)
    unknown = [flag for flag in case.plan.flags if flag not in case.version.flags]
    if unknown:
        return Failure("G17", f"policy does not say who clears the flag {unknown[0]}", _OWNERS)
    return None


def g18_way_back(case: Case) -> Failure | None:
    """The way back is signed with the way out: a correction for this destination, sendable as it stands."""
    if case.destination is not None and TextKind.CORRECT not in case.destination.renderings:
        return Failure("G18", f"no correction is armed for {case.facts.account}", "author: dispatcher message arm")
    if case.facts.armed_problems and not case.making_safe:
        return Failure("G18", "; ".join(case.facts.armed_problems), "author: dispatcher message arm")
    return None


PLAN_CLAUSES: tuple[Clause, ...] = (
    g01_policy,
    g03_released,
    g05_tier,
    g06_purpose,
    g08_approvals,
    g09_assessment,
    g10_exemption,
    g11_mitigations,
    g12_minister,
    g14_mode,
)
DELIVERY_CLAUSES: tuple[Clause, ...] = (
    g02_incident,
    g04_window,
    g07_digest,
    g13_spend,
    g15_spent,
    g16_stopped,
    g17_lint,
    g18_way_back,
)

_OWNERS = "two policy owners, by a new policy version"


def _roles(roles: tuple[Role, ...]) -> str:
    return ", ".join(roles)


def _review_is_due(assessment: Statement, now: datetime) -> bool:
    due = assessment.body.get("review_at")
    try:
        return due is not None and now >= canonical.parse_time(due)
    except ValueError:
        return True  # a date that nobody can read has come
