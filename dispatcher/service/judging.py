"""Asking the gate from here: what is signed, what is missing, and who can give it.

This answer is for people. What counts is the sender's own, made from its own files at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from channels import registry
from channels.contract import DeliveryKind
from dispatcher.domain.lifecycle import CLEARANCE
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Destination
from dispatcher.gate.decide import decide
from dispatcher.gate.evidence import DeliveryFacts, Evidence, Failure, Then
from dispatcher.gate.stops import stops_from
from dispatcher.sending.prepared import Prepared, prepare
from dispatcher.sending.status import StatusRefused, read_status
from dispatcher.service.desk import Desk
from dispatcher.statements.verify import Verifier
from dispatcher.store import records
from dispatcher.store.database import Work

UNRELEASED = "G03"


@dataclass(frozen=True, slots=True)
class ChannelFinding:
    """What the gate says of one channel of a plan. ``clear`` leaves the release itself aside."""

    channel: str
    state: str
    accounts: tuple[str, ...]
    failures: tuple[Failure, ...]

    @property
    def clear(self) -> bool:
        """Whether only the release is missing, or nothing."""
        return not self.lacking

    @property
    def lacking(self) -> tuple[Failure, ...]:
        """What is missing before the release."""
        return tuple(f for f in self.failures if f.clause != UNRELEASED or f.then is not Then.HOLD)


def judge(desk: Desk, work: Work, stored: records.StoredPlan) -> list[ChannelFinding]:
    """Ask the gate about every channel of a plan, as things stand."""
    bundle = records.bundle(work, stored.digest)
    verifier = Verifier(desk.trust.roster, desk.trust.root.deployment, stored.plan.mode)
    prepared = prepare(bundle, verifier, work.now)
    evidence = _evidence(desk, work, verifier, prepared)
    incident_state = str(records.incident(work, stored.plan.incident).state)
    states = records.clearance_states(work, stored.digest)
    findings = []
    for channel in stored.plan.channels:
        destinations = [d for d in stored.plan.destinations if d.channel == channel]
        failures = [
            failure
            for destination in destinations
            for failure in decide(evidence, _facts(prepared, destination, incident_state), work.now).failures
        ]
        accounts = tuple(d.account for d in destinations)
        findings.append(
            ChannelFinding(channel, states.get(channel, "pending"), accounts, tuple(dict.fromkeys(failures)))
        )
    return findings


def refresh(desk: Desk, work: Work, stored: records.StoredPlan) -> list[ChannelFinding]:
    """Ask the gate, and write down the clearances that changed."""
    return [_refreshed(work, stored, finding) for finding in judge(desk, work, stored)]


def _refreshed(work: Work, stored: records.StoredPlan, finding: ChannelFinding) -> ChannelFinding:
    target = _state(finding)
    if target == finding.state or not CLEARANCE.allows(finding.state, target):
        return finding
    records.move_clearance(work, stored.digest, stored.plan.incident, finding.channel, finding.state, target)
    return replace(finding, state=target)


def _state(finding: ChannelFinding) -> str:
    thens = {failure.then for failure in finding.lacking}
    if Then.CANCEL in thens:
        revoked = any(f.clause == UNRELEASED for f in finding.lacking)
        return "refused" if finding.state == "pending" and not revoked else "revoked"
    if Then.EXPIRE in thens:
        return "expired"
    return "clear" if finding.clear else finding.state


def _evidence(desk: Desk, work: Work, verifier: Verifier, prepared: Prepared) -> Evidence:
    mode = prepared.plan.mode
    verified, _ = verifier.verify_all(records.stop_envelopes(work, str(mode)), work.now)
    status = records.status(work, str(mode))
    made_at = None
    if status is not None:
        try:
            made_at = read_status(status, desk.trust.root.status_key, desk.trust.root.deployment, mode).made_at
        except StatusRefused:
            made_at = None
    return Evidence(
        plan=prepared.plan,
        deployment=desk.trust.root.deployment,
        mode=mode,
        roster=desk.trust.roster,
        policies=desk.trust.policy,
        statements=prepared.statements,
        stops=stops_from(verified, status_at=made_at),
    )


def _facts(prepared: Prepared, destination: Destination, incident_state: str) -> DeliveryFacts:
    try:
        adapter = registry.adapter(destination.channel)
        digest = destination.renderings[TextKind.PUBLISH]
        problems = prepared.check(digest, adapter) + prepared.plan_problems()
        armed = prepared.armed_problems(destination, adapter)
    except registry.UnknownChannelError:
        digest, problems, armed = destination.renderings.get(TextKind.PUBLISH, ""), (), ()
    return DeliveryFacts(
        delivery="",
        incident=prepared.plan.incident,
        incident_state=incident_state,
        account=destination.account,
        channel=destination.channel,
        kind=DeliveryKind.PUBLISH,
        rendering=digest,
        needs=timedelta(0),
        problems=problems,
        armed_problems=armed,
    )


def who_can(desk: Desk, failures: Iterable[Failure]) -> dict[str, list[str]]:
    """For each failure's role, the people on the roster who hold it now."""
    now = desk.now()
    roles = {role.strip() for failure in failures for role in failure.mend.split(",")}
    holders = {
        role: [p.id for p in desk.trust.roster.people if any(h.role == role and h.valid_at(now) for h in p.roles)]
        for role in sorted(roles)
    }
    return {role: people for role, people in holders.items() if people}
