"""The whole life of a plan, step by step at random: at each step the gate says what the naive clauses say.

Whatever people sign, in whatever order, and however time passes: no delivery is permitted while a clause is false,
none is refused while all are true, and each refusal names exactly the clauses that are false. What was judged before
and is handed back in changes no decision, at any moment.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dispatcher.domain.canonical import format_time
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode, Statement, StatementKind, Verified
from dispatcher.gate.decide import Decision, Judgement, decide, judge_plan
from dispatcher.gate.evidence import DeliveryFacts, Evidence
from dispatcher.gate.ministers import code_digest
from dispatcher.gate.policy import Policies
from dispatcher.gate.stops import STOP_KINDS, stops_from
from tests.builders import ACCOUNTS, MITIGATIONS, READ_BACK_CODE, evidence_for, facts_for
from tests.cast import DAY, DEPLOYMENT, HOUR, NOW, policies, policy_document
from tests.draws import draws
from tests.gate import naive
from tests.gate.naive import PLAN, Rules, Said, World

BASE = evidence_for(PLAN, [])
MICROSECOND = timedelta(microseconds=1)
CHANNELS = PLAN.channels
ABOUT_PLAN = ("submit", "approve", "reject", "release", "revoke", "decide", "confirm", "break_glass")
PLAIN = Rules(NOW - 300 * DAY)
TIGHT = Rules(NOW + 2 * HOUR, owned=("checker", "duty_director", "legal"), m01_hours=6, assessed_days=9)
LOOSE = Rules(NOW + HOUR, owned=("duty_director",), m01_hours=48, assessed_days=400)
HISTORIES = ([PLAIN], [PLAIN, TIGHT], [PLAIN, LOOSE], [PLAIN, LOOSE, replace(TIGHT, begins=NOW + 3 * HOUR)])


def policy_of(rules: list[Rules]) -> Policies:
    """The example policy in versions that differ as the rules do."""
    document = policy_document()
    (first,) = document["policy"]
    document["policy"] = []
    for number, one in enumerate(rules):
        version = policy_document()["policy"][0] if number else first
        version["tier"]["T0"]["approvals"] = list(one.owned)
        for channel in ("x", "tiktok"):
            version["channel"][channel]["assessment_max_age_days"] = one.assessed_days
        version["channel"]["tiktok"]["attestation_max_age_hours"]["M01"] = one.m01_hours
        if number:
            version |= {"version": f"v{number}", "effective_from": format_time(one.begins)}
            version["recorded_at"] = format_time(NOW - DAY)
        document["policy"].append(version)
    return policies(document)


FILES = [policy_of(rules) for rules in HISTORIES]


def statement_of(said: Said, plan_digest: str) -> Verified:
    """The sentence as the gate gets it: its signature, key and role are the verifier's business, done before."""
    body: dict[str, Any] = {"channels": list(said.channels)} if said.channels else {}
    body |= {key: value for key, value in said.more.items() if key not in ("name", "halt")}
    if said.kind in ("attest", "exempt"):
        body |= {"channel": "tiktok", "account": ACCOUNTS["tiktok"].id}
    if said.kind == "assess":
        body |= {"channel": said.channels[0], "placement": "organic"}
    if said.kind == "decide":
        body["code_digest"] = code_digest(READ_BACK_CODE, plan_digest)
    subject = plan_digest if said.kind in ABOUT_PLAN else str(said.more.get("halt", "ab" * 32))
    nonce = hashlib.sha256(repr((said.kind, said.at, said.person)).encode()).hexdigest()[:32]
    made = Statement(
        StatementKind(said.kind), subject, DEPLOYMENT, Mode.LIVE, said.person, said.role, 3, said.at, said.ends, nonce
    )
    return Verified(replace(made, body=body), f"key of {said.person}")


def spoken(kind: str, person: str, at: datetime, life: timedelta = 90 * HOUR, *channels: str, **more: Any) -> Said:
    """One sentence."""
    return Said(kind, person, at, at + life, channels, more)


def all_said(at: datetime) -> list[Said]:
    """What clears and releases the plan, one sentence for each thing that the gate asks."""
    ever = naive.FOREVER
    return [
        spoken("submit", "author-1", at),
        spoken("approve", "checker-1", at, 90 * HOUR, *CHANNELS),
        spoken("approve", "director-1", at, 90 * HOUR, *CHANNELS),
        spoken("approve", "security-1", at, 90 * HOUR, *CHANNELS),
        spoken("approve", "checker-cy", at, 90 * HOUR, *CHANNELS, languages=["cy"]),
        spoken("release", "director-1", at, kinds=["publish", "correct"]),
        spoken("assess", "director-2", at - 8 * DAY, ever, "x", outcome="permitted"),
        spoken("assess", "director-2", at - 8 * DAY, ever, "tiktok", outcome="permitted"),
        spoken("exempt", "security-2", at - DAY, 300 * DAY, need="under 25s"),
        spoken("attest", "security-2", at, ever, mitigations=list(MITIGATIONS), app_version="1"),
        spoken("decide", "private-1", at - HOUR / 2, 90 * HOUR, "tiktok", decision="agreed"),
    ]


ASKED = {
    "webhook": {"submit", "release", "approve checker", "approve duty_director", "approve language_checker"},
    "x": {"assess duty_director"},
    "tiktok": {
        "assess duty_director",
        "approve security",
        "exempt security",
        "attest security",
        "decide",
    },
}
"""What no plan goes out without, on the webhook and besides on the others."""


RESUMING = ("ops-2", "director-1", "director-2", "checker-1", "reviewer-1")


class Life(RuleBasedStateMachine):
    """The plan's life. Each sentence takes a microsecond, so that no two are said at once."""

    @initialize(history=st.sampled_from(range(len(HISTORIES))), cleared=st.integers(0, 3))
    def begin(self, history: int, cleared: int) -> None:
        """Under one of the policies; mostly with everything signed."""
        plan = replace(PLAN, policy=FILES[history].versions[0].digest)
        self.base = replace(BASE, plan=plan, policies=FILES[history])
        self.world = World(HISTORIES[history])
        self.world.said = all_said(NOW - HOUR) if cleared else []
        self.judged: dict[tuple[str, TextKind], Judgement] = {}

    def say(self, kind: str, person: str, *channels: str, life: timedelta = 90 * HOUR, **more: Any) -> Said:
        """Say something now."""
        self.world.now += MICROSECOND
        said = spoken(kind, person, self.world.now, life, *channels, **more)
        self.world.said.append(said)
        self.judged.clear()
        return said

    def evidence(self, said: list[Said] | None = None) -> Evidence:
        """What the gate goes by."""
        statements = [statement_of(s, self.base.plan.digest) for s in (self.world.said if said is None else said)]
        stops = [v for v in statements if v.statement.kind in STOP_KINDS]
        over = frozenset({PLAN.incident}) if self.world.over else frozenset[str]()
        known = replace(stops_from(stops, status_at=self.world.status_at), stood_down=over)
        return replace(self.base, statements=tuple(statements), stops=known)

    def facts(self, channel: str, text: TextKind) -> DeliveryFacts:
        """One delivery as its sender sees it."""
        spent = "already accepted" if self.world.spent else None
        return facts_for(self.base.plan, channel, text, incident_state=self.world.incident, spent_fault=spent)

    def decision(self, channel: str, text: TextKind = TextKind.PUBLISH, said: list[Said] | None = None) -> Decision:
        """What the gate says of one delivery now, judged afresh."""
        return decide(self.evidence(said), self.facts(channel, text), self.world.now)

    lives = st.sampled_from([HOUR, 30 * HOUR])
    named = st.sampled_from([CHANNELS, ("x",), ("tiktok", "webhook")])

    @rule(person=st.sampled_from(["author-1", "translator-1", "ops-1"]), life=lives)
    def submit(self, person: str, life: timedelta) -> None:
        """A maker submits, or somebody else."""
        self.say("submit", person, life=life)

    @rule(
        person=st.sampled_from(["checker-1", "director-2", "security-1", "legal-1", "translator-1", "checker-cy"]),
        channels=named,
        life=lives,
    )
    def approve(self, person: str, channels: tuple[str, ...], life: timedelta) -> None:
        """Somebody approves for some channels."""
        more = {"languages": ["cy"]} if person == "checker-cy" else {}
        self.say("approve", person, *channels, life=life, **more)

    @rule(channels=st.sampled_from([(), ("tiktok",)]), sure=st.integers(0, 5))
    def reject(self, channels: tuple[str, ...], sure: int) -> None:
        """Somebody rejects, everywhere or on TikTok; seldom, as nothing undoes it."""
        if sure == 0:
            self.say("reject", "legal-1", *channels)

    @rule(sure=st.integers(0, 5))
    def revoke(self, sure: int) -> None:
        """Somebody takes the clearance back, and again: the second time changes nothing."""
        if sure == 0:
            self.twice("revoke", "security-1")

    @rule(
        scope=st.sampled_from(
            [("all", ""), ("channel", "x"), ("plan", ""), ("everything", ""), ("incident", "other")]
        ),
        person=st.sampled_from(["ops-1", "director-1", "console"]),
        asked_by=st.sampled_from(["director-1", "director-2", "checker-1"]),
    )
    def halt(self, scope: tuple[str, str], person: str, asked_by: str) -> None:
        """One person halts, or has the console do it, twice over: the second time changes nothing."""
        target = self.base.plan.digest if scope[0] == "plan" else scope[1]
        asked = {"asked_by": asked_by} if person == "console" else {}
        self.twice("halt", person, scope=scope[0], target=target, **asked)

    def twice(self, kind: str, person: str, **more: Any) -> None:
        """Say it, have it arrive twice, and say it again: each time the same is decided."""
        said = self.say(kind, person, **more)
        if kind == "halt":
            said.more["name"] = statement_of(said, self.base.plan.digest).statement.id
        once = [self.decision(channel).failures for channel in CHANNELS]
        self.world.said.append(said)
        assert [self.decision(channel).failures for channel in CHANNELS] == once

    @precondition(lambda self: bool(naive.any_of(self.world, "halt")))
    @rule(person=st.sampled_from([*RESUMING, "console"]), data=st.data())
    def resume(self, person: str, data: st.DataObject) -> None:
        """Somebody signs that a halt may end."""
        halt = data.draw(st.sampled_from(naive.any_of(self.world, "halt")))
        self.say("resume", person, halt=halt.more["name"])

    @rule(
        person=st.sampled_from(["director-1", "security-1"]),
        kinds=st.sampled_from([["publish"], ["correct"], ["publish", "correct"]]),
        life=lives,
    )
    def release(self, person: str, kinds: list[str], life: timedelta) -> None:
        """Somebody releases."""
        self.say("release", person, life=life, kinds=kinds)

    @rule(
        codes=st.sampled_from([MITIGATIONS, ("M01", "M08", "M19"), ("M10",)]),
        version=st.sampled_from("12"),
        person=st.sampled_from(["security-2", "ops-1"]),
    )
    def attest(self, codes: tuple[str, ...], version: str, person: str) -> None:
        """Somebody attests a device profile, for a version of the app."""
        self.say("attest", person, life=naive.FOREVER, mitigations=list(codes), app_version=version)

    @rule(
        channel=st.sampled_from(["x", "tiktok"]),
        outcome=st.sampled_from(["permitted", "permitted", "void"]),
        review=st.sampled_from([None, 2 * HOUR, "in spring"]),
    )
    def assess(self, channel: str, outcome: str, review: timedelta | str | None) -> None:
        """A channel is assessed anew."""
        due = format_time(self.world.now + review) if isinstance(review, timedelta) else review
        self.say("assess", "director-2", channel, life=naive.FOREVER, outcome=outcome, review_at=due)

    @rule(need=st.sampled_from(["under 25s", " ", "*"]), days=st.sampled_from([1, 400]))
    def exempt(self, need: str, days: int) -> None:
        """The account is exempted, well or badly."""
        self.say("exempt", "security-2", life=days * DAY, need=need)

    @rule(
        person=st.sampled_from(["private-1", "minister-1"]),
        decision=st.sampled_from(["agreed", "agreed", "refused"]),
        life=lives,
    )
    def minister(self, person: str, decision: str, life: timedelta) -> None:
        """The minister decides."""
        self.say("decide", person, "tiktok", life=life, decision=decision)

    @rule(code=st.sampled_from([READ_BACK_CODE, "0000"]))
    def confirm(self, code: str) -> None:
        """The code is read back."""
        self.say("confirm", "private-1", code=code)

    @rule(
        person=st.sampled_from(["author-1", "translator-1", "director-1", "legal-1", "ops-1", "reviewer-1"]),
        channels=named,
    )
    def break_glass(self, person: str, channels: tuple[str, ...]) -> None:
        """Somebody signs that life is in danger."""
        self.say("break_glass", person, *channels)

    @rule(state=st.sampled_from(["active", "active", "stood_down", "closed"]), over=st.integers(0, 9))
    def incident(self, state: str, over: int) -> None:
        """The incident's row changes; now and then a stand-down is signed, which nothing undoes."""
        self.world.incident = state
        self.world.over |= over == 0

    @rule(spent=st.booleans())
    def spend(self, spent: bool) -> None:
        """The sender's file says that it went out, or that it did not."""
        self.world.spent = spent

    @precondition(lambda self: self.world.said)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A statement never reaches the sender."""
        lost = data.draw(st.sampled_from(self.world.said))
        self.world.said = [said for said in self.world.said if said is not lost]
        self.judged.clear()

    @rule(steps=st.lists(st.sampled_from([None, None, HOUR / 3, HOUR, 5 * HOUR, DAY]), min_size=1, max_size=4))
    def pass_time(self, steps: list[timedelta | None]) -> None:
        """Time passes, None to the very moments at which judgements end; the status stays fresh, but for the last."""
        for by in steps:
            ends = [judged.until for judged in self.judged.values() if judged.until < self.world.now + 30 * DAY]
            then = self.world.now + by if by is not None else min(ends, default=self.world.now + HOUR)
            for moment in (then - MICROSECOND, then):
                self.world.status_at, self.world.now = self.world.now, moment
                self.the_gate_and_the_naive_clauses_agree()
                self.world.status_at = moment

    @rule()
    def status(self) -> None:
        """A signed status arrives."""
        self.world.status_at = self.world.now

    @rule(channel=st.sampled_from(CHANNELS))
    def strip(self, channel: str) -> None:
        """Of a permit, take away every statement that it can do without: what is left, nothing can be taken from."""
        if not self.decision(channel):
            return
        kept = list(self.world.said)
        for said in self.world.said:
            rest = [other for other in kept if other is not said]
            if self.decision(channel, said=rest):
                kept = rest
        assert not any(self.decision(channel, said=[o for o in kept if o is not said]) for said in kept)
        kinds = {said.kind for said in kept}
        asked = ASKED["webhook"] | ASKED[channel]
        names = {f"{said.kind} {said.role}" for said in kept} | kinds
        assert "break_glass" in kinds or asked <= names, kept

    @invariant()
    def the_gate_and_the_naive_clauses_agree(self) -> None:
        """Clause by clause, on every channel, for the message and for its correction; remembered or not."""
        evidence = self.evidence()
        for channel in CHANNELS:
            for text in (TextKind.PUBLISH, TextKind.CORRECT):
                facts, now = self.facts(channel, text), self.world.now
                fresh = decide(evidence, facts, now)
                failing = naive.failing(self.world, channel, safe=text is not TextKind.PUBLISH)
                assert set(fresh.clauses) == failing, (channel, text, fresh.failures)
                self.remember(evidence, facts, text, fresh)

    def remember(self, evidence: Evidence, facts: DeliveryFacts, text: TextKind, fresh: Decision) -> None:
        """Hold a fresh decision against what was judged since the last sentence; judge where that has ended."""
        judged = self.judged.get((facts.channel, text))
        if judged is None or self.world.now >= judged.until:
            self.judged[facts.channel, text] = judge_plan(evidence, facts, self.world.now)
        else:
            assert decide(evidence, facts, self.world.now, judged) == fresh


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=draws(200), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
