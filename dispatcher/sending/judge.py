"""The gate as one sender asks it: before it grants a permit, and once more before a byte leaves.

Rules
  1. The clauses see nothing of a delivery but its facts. Orders of one call that have the same facts get one answer:
     a list's rows differ by their proof and by the spent file, and by nothing else that the gate asks.
  2. Before a byte leaves, clock, window and stops are asked again. Until the next moment at which one of them could
     change, and while no stop and no status was heard, what was asked a moment ago is not asked again.
  3. What was judged by a wrong clock is not kept.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from channels.contract import Clock, Outcome, Verdict
from dispatcher.domain.statement import Mode
from dispatcher.gate.clauses import g04_window, g16_stopped
from dispatcher.gate.decide import Decision, decide, judge_plan, steady_until
from dispatcher.gate.evidence import DeliveryFacts, Evidence, case_for
from dispatcher.gate.stops import Stops
from dispatcher.sending.clocks import WatchedClock
from dispatcher.sending.keeping import Keeping
from dispatcher.sending.order import Order
from dispatcher.sending.outlets import Outlet, facts_of
from dispatcher.sending.prepared import Prepared

NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Answer:
    """The gate's answer to orders alike, and the ``name`` under which its plan's share is on record.

    ``stops`` are those that last had nothing against it, which lasts ``until`` then.
    """

    evidence: Evidence
    facts: DeliveryFacts
    decision: Decision
    name: str
    stops: Stops | None = None
    until: datetime = NEVER


@dataclass(frozen=True, slots=True)
class Asking:
    """One call's orders of one plan: its evidence, and what was answered already."""

    prepared: Prepared
    evidence: Evidence
    answered: dict[Hashable, Answer] = field(default_factory=dict)


class Judge:
    """Asks the gate for one sender."""

    def __init__(self, keeping: Keeping, mode: Mode, clock: Clock, watched: WatchedClock) -> None:
        self._keeping = keeping
        self._mode = mode
        self._clock = clock
        self._watched = watched
        self._owners = frozenset(owner.person for owner in keeping.trust.root.owners)

    def asking(self, prepared: Prepared) -> Asking:
        """Begin on a call's orders, with what is known now."""
        trust = self._keeping.trust
        evidence = Evidence(
            plan=prepared.plan,
            deployment=trust.root.deployment,
            mode=self._mode,
            roster=trust.roster,
            policies=trust.policy,
            statements=prepared.statements,
            stops=self._keeping.stops.stops,
            owners=self._owners,
        )
        return Asking(prepared, evidence)

    def answer(
        self,
        asking: Asking,
        order: Order,
        outlet: Outlet,
        *,
        spent_fault: str | None,
        recipient_fault: str | None = None,
    ) -> Answer:
        """The gate's answer to one order. What speaks against this one delivery is given."""
        own = (spent_fault, recipient_fault, order.recipient is None)
        hints = (order.incident, order.incident_state, order.asked_at, order.spend_fault)
        alike = (order.account, order.kind, order.rendering, hints, own)
        known = asking.answered.get(alike)
        if known is None:
            facts = self._facts(asking.prepared, order, outlet, spent_fault, recipient_fault)
            decision, name = self._decide(asking, facts)
            known = asking.answered[alike] = Answer(asking.evidence, facts, decision, name)
        return known

    def stopped(self, answer: Answer, plan: str) -> Outcome | None:
        """What clock, window, policy or a stop has against a delivery of a plan now."""
        now, stops = self._clock(), self._keeping.stops.stops
        fault = self._clock_fault(now)
        if stops is answer.stops and now < answer.until and fault is None:
            return None
        evidence = answer.evidence if answer.evidence.stops is stops else replace(answer.evidence, stops=stops)
        version = evidence.policies.in_force(now)
        if version is None:
            return Outcome(Verdict.DEFERRED, "no policy is in force", "G01")
        facts = answer.facts if fault == answer.facts.clock_fault else replace(answer.facts, clock_fault=fault)
        case = case_for(evidence, facts, version, now)
        if failure := g04_window(case) or g16_stopped(case):
            return Outcome(Verdict.DEFERRED, failure.fact, failure.clause)
        if stops.revocations_of(plan) and not case.making_safe:
            return Outcome(Verdict.DEFERRED, "revoked", "G03")
        answer.stops, answer.until = stops, steady_until(case)
        return None

    def _facts(
        self, prepared: Prepared, order: Order, outlet: Outlet, spent_fault: str | None, recipient_fault: str | None
    ) -> DeliveryFacts:
        return facts_of(
            prepared.texts,
            order,
            outlet,
            clock_fault=self._clock_fault(self._clock(), order.asked_at),
            reaches=self._keeping.reaches,
            spent_fault=spent_fault,
            recipient_fault=recipient_fault,
            media_fault=self._keeping.media.fault(prepared.texts.renderings.get(order.rendering)),
        )

    def _clock_fault(self, now: datetime, asked_at: datetime | None = None) -> str | None:
        return self._watched.fault(now, asked_at, self._keeping.stops.stops.status_at)

    def _decide(self, asking: Asking, facts: DeliveryFacts) -> tuple[Decision, str]:
        """The decision, and the name under which its plan's share is on record."""
        now, evidence = self._clock(), asking.evidence
        if facts.clock_fault:
            return decide(evidence, facts, now), ""
        about = (facts.channel, facts.account, facts.kind, facts.rendering, self._keeping.stops.version)
        judged = asking.prepared.judged.get(about)
        if judged is None or now >= judged[0].until:
            judgement = judge_plan(evidence, facts, now)
            judged = (judgement, self._keeping.decisions.judged(evidence, facts, judgement, now))
            asking.prepared.judged[about] = judged
        return decide(evidence, facts, now, judged[0]), judged[1]
