"""100,000 rosters and approvals, drawn at random (``make draws``): the gate agrees with an oracle that tries all.

All signatures are made once. Each draw is a roster of six people (roles and keys with windows, deputies, revoked
keys), who made the plan, who owns the policy, what policy asks, and some of the signatures, in any order and some of
them twice; the statements are verified against that roster as a sender does it, and the gate counts them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, product
from typing import Any, TypeVar

import pytest

from dispatcher.domain.people import Key, Person, Role, RoleHeld, Roster
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.gate.approvals import Quorum, quorum
from dispatcher.gate.evidence import case_for
from dispatcher.statements.signing import sign
from dispatcher.statements.verify import Verifier
from tests.builders import draft, evidence_for, facts_for
from tests.cast import DEPLOYMENT, HOUR, NOW, START
from tests.draws import draws
from tests.statements.support import SecurityKey, SoftKey

W = TypeVar("W", str, Role)
DRAWS, PARTS = draws(100_000), 4
PEOPLE = ("ann", "bob", "cat", "dan", "eve", "fay")
ROLES = (Role.CHECKER, Role.DUTY_DIRECTOR, Role.SECURITY, Role.LEGAL)
SIGNED_AT = (NOW - 3 * HOUR, NOW - HOUR)
ENDS = (None, None, None, None, None, None, NOW - 2 * HOUR, NOW, NOW + HOUR)
"""Ends of windows: never, between the two signatures, this very moment, later."""

KEYS = {
    (person, kind): key
    for number, person in enumerate(PEOPLE)
    for kind, key in (
        ("file", SoftKey(7_000 + number)),
        ("touch", SecurityKey(7_100 + number, flags=0x01)),
        ("pin", SecurityKey(7_200 + number)),
    )
}
PLANS = [
    replace(draft("webhook").plan, contributors=dict.fromkeys(made, ("edit",)))
    for made in ((), ("ann",), ("bob",), ("ann", "eve"), ("cat", "dan", "fay"))
]
EVIDENCE = [evidence_for(plan, []) for plan in PLANS]
VERSION = EVIDENCE[0].policies.versions[-1]
FACTS = facts_for(PLANS[0], "webhook")


@dataclass(frozen=True)
class Approval:
    """Who approved in which role, with which kind of key, when."""

    person: str
    role: Role
    key: str
    at: datetime


@dataclass(frozen=True)
class Drawn:
    """One draw. ``roles`` and ``keys`` say of each person until when, and for a role in whose stead."""

    plan: int
    roles: dict[str, dict[Role, tuple[datetime | None, str | None]]]
    keys: dict[tuple[str, str], tuple[datetime | None, bool]]
    owners: frozenset[str]
    needed: tuple[Role, ...]
    hardware: tuple[Role, ...]
    pin: tuple[Role, ...]
    approvals: tuple[Approval, ...]


def envelope_of(plan: int, approval: Approval) -> Envelope:
    """The signed approval."""
    made = Statement(
        kind=StatementKind.APPROVE,
        subject=PLANS[plan].digest,
        deployment=DEPLOYMENT,
        mode=Mode.LIVE,
        person=approval.person,
        role=str(approval.role),
        roster=3,
        not_before=approval.at,
        expires=NOW + HOUR,
        nonce="00" * 16,
        body={"channels": ["webhook"]},
    )
    return sign(made, KEYS[approval.person, approval.key])


@pytest.fixture(scope="module")
def envelopes() -> dict[tuple[int, Approval], Envelope]:
    """Every approval that anybody could give of any of the plans."""
    every = [
        Approval(person, role, key, at)
        for (person, key), role, at in product(KEYS, ROLES, SIGNED_AT)
        if key == "file" or role is not Role.LEGAL
    ]
    return {(plan, approval): envelope_of(plan, approval) for plan in range(len(PLANS)) for approval in every}


def some(random_: random.Random, words: Sequence[W], most: int) -> tuple[W, ...]:
    """Up to so many of the words."""
    return tuple(random_.sample(words, random_.randint(0, most)))


def drawn(random_: random.Random, every: list[Approval]) -> Drawn:
    """One draw."""
    approvals = random_.choices(every, k=random_.randint(2, 9))
    roles: dict[str, dict[Role, tuple[datetime | None, str | None]]] = {person: {} for person in PEOPLE}
    for approval in approvals:
        if random_.random() < 0.95:
            stead = random_.choice(PEOPLE) if random_.random() < 0.15 else None
            roles[approval.person][approval.role] = (random_.choice(ENDS), stead)
    return Drawn(
        plan=random_.randrange(len(PLANS)),
        roles=roles,
        keys={(a.person, a.key): (random_.choice(ENDS), random_.random() < 0.03) for a in approvals[1:]},
        owners=frozenset(some(random_, PEOPLE, 1)),
        needed=some(random_, ROLES, 2) or (random_.choice(ROLES),) * 2,
        hardware=some(random_, ROLES, 1),
        pin=some(random_, ROLES, 1),
        approvals=tuple(approvals),
    )


def roster_of(draw: Drawn) -> Roster:
    """The draw's roster."""
    people = []
    for person in PEOPLE:
        roles = tuple(RoleHeld(role, START, end, stead) for role, (end, stead) in draw.roles[person].items())
        held = ((KEYS[name].public, how) for name, how in draw.keys.items() if name[0] == person)
        keys = tuple(Key(public, START, end, NOW if revoked else None) for public, (end, revoked) in held)
        people.append(Person(person, person, roles, keys))
    return Roster(3, DEPLOYMENT, tuple(people))


def counted(draw: Drawn, verifier: Verifier, envelopes: Iterable[Envelope]) -> Quorum:
    """What the gate makes of it."""
    verifier.roster = roster_of(draw)
    statements, _ = verifier.verify_all(envelopes, NOW)
    known: dict[str, Any] = {"roster": verifier.roster, "statements": tuple(statements), "owners": draw.owners}
    asked = replace(VERSION, hardware_roles=draw.hardware, pin_roles=draw.pin)
    case = case_for(replace(EVIDENCE[draw.plan], **known), FACTS, asked, NOW)
    assert case.tier is not None
    return quorum(replace(case, tier=replace(case.tier, approvals=draw.needed)))


def stands(draw: Drawn) -> bool:
    """The oracle: can each role be given to somebody whose approval counts, and who is nobody else's voice?"""

    def lasts(end: datetime | None, at: datetime) -> bool:
        return end is None or (at < end and end > NOW)

    def voice(person: str, at: datetime) -> set[str]:
        held = [(one, by, end) for one in PEOPLE for end, by in draw.roles[one].values() if by]
        pairs, heard = [{one, by} for one, by, end in held if end is None or at < end], {person}
        for _ in PEOPLE:
            heard = heard.union(*(pair for pair in pairs if pair & heard))
        return heard

    def counts(one: Approval) -> bool:
        role, key = draw.roles[one.person].get(one.role), draw.keys.get((one.person, one.key))
        known = role and key and lasts(role[0], one.at) and lasts(key[0], one.at) and not key[1]
        firm = (one.role not in draw.hardware or one.key != "file") and (one.role not in draw.pin or one.key == "pin")
        return bool(known and firm and not voice(one.person, one.at) & {*PLANS[draw.plan].contributors, *draw.owners})

    heard = [(one.role, voice(one.person, one.at)) for one in draw.approvals if counts(one)]
    choices = product(*([voice for of, voice in heard if of == role] for role in draw.needed))
    return any(len(set(chain(*chosen))) == sum(map(len, chosen)) for chosen in choices)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_gate_counts_as_the_oracle_does(part: int, envelopes: dict[tuple[int, Approval], Envelope]) -> None:
    """Enough different, uninvolved people approved, or they did not: the same answer in every draw."""
    random_ = random.Random(20_260_000 + part)
    verifier = Verifier(Roster(3, DEPLOYMENT, ()), DEPLOYMENT, Mode.LIVE)
    every = list(dict.fromkeys(approval for _, approval in envelopes))
    answers = {True: 0, False: 0}
    for _ in range(DRAWS // PARTS):
        draw = drawn(random_, every)
        expected = stands(draw)
        answers[expected] += 1
        given = [envelopes[draw.plan, approval] for approval in draw.approvals]
        assert bool(counted(draw, verifier, given)) is expected, draw
    assert min(answers.values()) > DRAWS // PARTS // 10, answers
