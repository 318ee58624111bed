"""Asking the gate from here: what is signed, what is missing, and who can give it.

This answer is for people. What counts is the sender's own, made from its own files at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from channels import registry
from channels.contract import DeliveryKind
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Destination
from dispatcher.gate.decide import decide
from dispatcher.gate.evidence import DeliveryFacts, Evidence, Failure, Then
from dispatcher.gate.stops import stops_from
from dispatcher.sending.prepared import Prepared, prepare
from dispatcher.sending.status import StatusRefused, read_status
from dispatcher.service.desk import Desk
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

    @property
    def found(self) -> str:
        """The state of its clearance after this finding."""
        thens = {failure.then for failure in self.lacking}
        if Then.CANCEL in thens:
            revoked = any(failure.clause == UNRELEASED for failure in self.lacking)
            return "refused" if self.state == "pending" and not revoked else "revoked"
        if Then.EXPIRE in thens:
            return "expired"
        return "clear" if self.clear else self.state


def judge(desk: Desk, work: Work, stored: records.StoredPlan) -> list[ChannelFinding]:
    """Ask the gate about every channel of a plan, as things stand."""
    prepared = prepare(records.bundle(work, stored.digest), desk.verifier(stored.plan.mode), work.now)
    evidence = _evidence(desk, work, prepared)
    incident_state = str(records.incident(work, stored.plan.incident).state)
    states = records.clearance_states(work, stored.digest)
    findings = []
    for channel in stored.plan.channels:
        destinations = [d for d in stored.plan.destinations if d.channel == channel]
        facts = [_facts(prepared, destination, incident_state) for destination in destinations]
        failures = [failure for known in facts for failure in decide(evidence, known, work.now).failures]
        accounts = tuple(destination.account for destination in destinations)
        state = states.get(channel, "pending")
        findings.append(ChannelFinding(channel, state, accounts, tuple(dict.fromkeys(failures))))
    return findings


def _evidence(desk: Desk, work: Work, prepared: Prepared) -> Evidence:
    mode, root = prepared.plan.mode, desk.trust.root
    verified, _ = desk.verifier(mode).verify_all(records.stop_envelopes(work, str(mode)), work.now)
    status, made_at = records.status(work, str(mode)), None
    if status is not None:
        with suppress(StatusRefused):
            made_at = read_status(status, root.status_key, root.deployment, mode).made_at
    return Evidence(
        plan=prepared.plan,
        deployment=root.deployment,
        mode=mode,
        roster=desk.trust.roster,
        policies=desk.trust.policy,
        statements=prepared.statements,
        stops=stops_from(verified, status_at=made_at),
    )


def _facts(prepared: Prepared, destination: Destination, incident_state: str) -> DeliveryFacts:
    adapter, digest = registry.adapter(destination.channel), destination.renderings[TextKind.PUBLISH]
    return DeliveryFacts(
        delivery="",
        incident=prepared.plan.incident,
        incident_state=incident_state,
        account=destination.account,
        channel=destination.channel,
        kind=DeliveryKind.PUBLISH,
        rendering=digest,
        needs=timedelta(0),
        problems=prepared.check(digest, adapter) + prepared.plan_problems(),
        armed_problems=prepared.armed_problems(destination, adapter),
    )


def who_can(desk: Desk, failures: Iterable[Failure]) -> dict[str, list[str]]:
    """For each failure's role, the people on the roster who hold it now."""
    now = desk.clock()
    roles = {role.strip() for failure in failures for role in failure.mend.split(",")}
    holders = {
        role: [p.id for p in desk.trust.roster.people if any(h.role == role and h.valid_at(now) for h in p.roles)]
        for role in sorted(roles)
    }
    return {role: people for role, people in holders.items() if people}
