"""Asking the gate from here: what is signed, what is missing, and who can give it.

This answer is for people. What counts is the sender's own, made from its own files at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from channels import registry
from channels.contract import DeliveryKind
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Destination, Plan
from dispatcher.gate.decide import decide
from dispatcher.gate.evidence import DeliveryFacts, Evidence, Failure, Then
from dispatcher.gate.stops import stops_from
from dispatcher.sending.order import Bundle
from dispatcher.sending.prepared import Prepared, prepare
from dispatcher.sending.status import StatusRefused, read_status
from dispatcher.service.desk import Desk
from dispatcher.store import records
from dispatcher.store.database import Work

UNRELEASED = "G03"
SIGNED_LATER = frozenset({"G03", "G08", "G09", "G10", "G11", "G12", "G16"})
"""Clauses that a signature about the plan, its channel or a halt may still mend."""


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
    def final(self) -> tuple[Failure, ...]:
        """What no signature can mend: only another plan, another policy or another account."""
        return tuple(f for f in self.failures if f.clause not in SIGNED_LATER or f.mend.startswith("author:"))

    @property
    def found(self) -> str:
        """The state of its clearance after this finding."""
        thens = {failure.then for failure in self.lacking}
        if Then.CANCEL in thens:
            revoked = any(failure.clause == UNRELEASED for failure in self.lacking)
            return "refused" if self.state == "pending" and not revoked else "revoked"
        if Then.EXPIRE in thens:
            return "expired"
        if self.clear:
            return "clear"
        return "suspended" if self.state == "clear" else self.state


def judge(desk: Desk, work: Work, stored: records.StoredPlan) -> list[ChannelFinding]:
    """Ask the gate about every channel of a plan, as things stand."""
    bundle = records.bundle(work, stored.digest)
    return findings(desk, work, bundle, records.clearance_states(work, stored.digest))


def findings(desk: Desk, work: Work, bundle: Bundle, states: Mapping[str, str]) -> list[ChannelFinding]:
    """The same for a plan that need not be written down yet; ``states`` are its clearances'."""
    prepared = prepare(bundle, desk.verifier(Plan.decode(bundle.plan).mode), work.now)
    plan, evidence = prepared.plan, _evidence(desk, work, prepared)
    incident_state = str(records.incident(work, plan.incident).state)
    found = []
    for channel in plan.channels:
        destinations = [d for d in plan.destinations if d.channel == channel]
        facts = [_facts(prepared, destination, incident_state) for destination in destinations]
        failures = [failure for known in facts for failure in decide(evidence, known, work.now).failures]
        accounts = tuple(destination.account for destination in destinations)
        state = states.get(channel, "pending")
        found.append(ChannelFinding(channel, state, accounts, tuple(dict.fromkeys(failures))))
    return found


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
        owners=frozenset(owner.person for owner in root.owners),
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
        trackers=prepared.trackers(digest),
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
