"""Quorum and separation of duties, against an oracle that tries every assignment of people to roles."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import permutations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.contract import Json
from dispatcher.domain.people import Person, Role, RoleHeld, Roster
from dispatcher.domain.statement import Mode, Statement, StatementKind, Verified
from dispatcher.gate.approvals import Quorum, broken_glass, quorum
from dispatcher.gate.evidence import Case, case_for
from tests.builders import draft, evidence_for, facts_for
from tests.cast import DEPLOYMENT, HOUR, NOW, START
from tests.draws import draws

ROLES = (Role.CHECKER, Role.DUTY_DIRECTOR, Role.SECURITY, Role.LEGAL, Role.FINANCE)
PEOPLE = ("ann", "bob", "cat", "dan", "eve", "fay")
PLAN = draft("webhook").plan
EVIDENCE = evidence_for(PLAN, [])

Given = frozenset[tuple[str, Role]]


def approval(person: str, role: Role, nonce: str = "") -> Verified:
    """One person's approval in one role, already verified."""
    body: dict[str, Json] = {"channels": ["webhook"]}
    said = Statement(
        StatementKind.APPROVE, PLAN.digest, DEPLOYMENT, Mode.LIVE, person, str(role), 3, NOW - HOUR, NOW + HOUR, nonce
    )
    return Verified(replace(said, body=body), f"key of {person}")


def case(needed: tuple[Role, ...], approvals: list[Verified], contributors: frozenset[str]) -> Case:
    """A case whose tier asks for these roles."""
    plan = replace(PLAN, contributors=dict.fromkeys(sorted(contributors), ("edit",)))
    about = tuple(replace(v, statement=replace(v.statement, subject=plan.digest)) for v in approvals)
    evidence = replace(EVIDENCE, plan=plan, statements=about)
    made = case_for(evidence, facts_for(plan, "webhook"), evidence.policies.versions[-1], NOW)
    assert made.tier is not None
    return replace(made, tier=replace(made.tier, approvals=needed))


def enough(needed: tuple[Role, ...], approvals: Given, contributors: frozenset[str]) -> bool:
    """The oracle: is there any way to give each role to a different, uninvolved person who approved in it?"""
    people = {person for person, _ in approvals} - contributors
    return any(
        all((person, role) in approvals for person, role in zip(chosen, needed, strict=True))
        for chosen in permutations(sorted(people), len(needed))
    )


@settings(max_examples=draws(3_000), deadline=None)
@given(
    needed=st.lists(st.sampled_from(ROLES), min_size=1, unique=True).map(tuple),
    approvals=st.frozensets(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(ROLES)), max_size=14),
    contributors=st.frozensets(st.sampled_from(PEOPLE), max_size=3),
)
@example(
    needed=(Role.CHECKER, Role.DUTY_DIRECTOR),
    approvals=frozenset({("ann", Role.CHECKER), ("bob", Role.CHECKER), ("ann", Role.DUTY_DIRECTOR)}),
    contributors=frozenset(),
)
def test_a_quorum_stands_exactly_when_different_uninvolved_people_fill_every_role(
    needed: tuple[Role, ...], approvals: Given, contributors: frozenset[str]
) -> None:
    """The augmenting paths agree with trying every assignment."""
    counted = quorum(case(needed, [approval(*one) for one in sorted(approvals)], contributors))
    assert bool(counted) is enough(needed, approvals, contributors)


def of(*given_: tuple[str, Role], contributors: frozenset[str] = frozenset()) -> Quorum:
    """The quorum of the checker and director that these approvals make."""
    return quorum(case((Role.CHECKER, Role.DUTY_DIRECTOR), [approval(*one) for one in given_], contributors))


def test_one_person_in_two_roles_fills_one() -> None:
    """Who holds two roles and approves in both still counts once."""
    assert of(("ann", Role.CHECKER), ("ann", Role.DUTY_DIRECTOR)).missing == (Role.DUTY_DIRECTOR,)


def test_approving_twice_counts_once() -> None:
    """Two statements, even under two keys, are one person's."""
    twice = [approval("ann", Role.CHECKER, "1"), replace(approval("ann", Role.CHECKER, "2"), key="another")]
    assert quorum(case((Role.CHECKER, Role.DUTY_DIRECTOR), twice, frozenset())).missing == (Role.DUTY_DIRECTOR,)


def turned_deputy(*approvals: Verified) -> Case:
    """The case of these approvals, where zed became ann's deputy half an hour ago."""
    roles = (RoleHeld(Role.CHECKER, START), RoleHeld(Role.DUTY_DIRECTOR, NOW - HOUR / 2, deputy_for="ann"))
    made = case((Role.CHECKER, Role.DUTY_DIRECTOR), list(approvals), frozenset())
    people = (Person("ann", "Ann", (RoleHeld(Role.DUTY_DIRECTOR, START),)), Person("zed", "Zed", roles))
    return replace(made, evidence=replace(made.evidence, roster=Roster(3, DEPLOYMENT, people)))


def at(moment: datetime, verified: Verified) -> Verified:
    """The same, signed at another moment."""
    return replace(verified, statement=replace(verified.statement, not_before=moment))


def test_one_person_who_becomes_a_deputy_between_two_approvals_counts_once() -> None:
    """As themselves before, as one voice with another after: still one person."""
    before = at(NOW - HOUR, approval("zed", Role.CHECKER))
    after = at(NOW, approval("zed", Role.DUTY_DIRECTOR))
    assert quorum(turned_deputy(before, after)).missing == (Role.DUTY_DIRECTOR,)


def test_one_person_who_becomes_a_deputy_in_between_does_not_break_the_glass_alone() -> None:
    """Two signatures and two names for the voice are one voice."""
    breaking = (
        replace(v, statement=replace(v.statement, kind=StatementKind.BREAK_GLASS))
        for v in (at(NOW - HOUR * 0.9, approval("zed", Role.CHECKER)), at(NOW, approval("zed", Role.DUTY_DIRECTOR)))
    )
    assert broken_glass(turned_deputy(*breaking)) == ()


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_a_contributor_is_named_with_what_they_did(who: str) -> None:
    """The quorum says why somebody's approval does not count."""
    counted = of(("ann", Role.CHECKER), ("bob", Role.DUTY_DIRECTOR), contributors=frozenset({who}))
    assert counted.barred == {who: "edit in this plan"}


def test_the_submitter_cannot_be_their_own_only_approver() -> None:
    """With everybody a contributor nothing is filled."""
    counted = of(("ann", Role.CHECKER), ("bob", Role.DUTY_DIRECTOR), contributors=frozenset({"ann", "bob"}))
    assert counted.missing == (Role.CHECKER, Role.DUTY_DIRECTOR)
