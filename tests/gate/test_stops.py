"""What is stopped: halts of every scope, resumed by two others, and stops nobody has seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.people import Role
from dispatcher.domain.statement import StatementKind, Verified
from dispatcher.gate.stops import HaltScope, Stops, stops_from
from tests.builders import draft, verified
from tests.cast import CAST, NOW, signed

PLAN = draft("x", "webhook").plan


def halt(scope: object = "all", target: object = "", person: str = "ops-1") -> Verified:
    """A halt."""
    return verified([signed(StatementKind.HALT, person, scope=scope, target=target)])[0]


def resume(of: Verified, *people: str) -> list[Verified]:
    """A resume of that halt by each of these people."""
    return list(verified([signed(StatementKind.RESUME, person, subject=of.statement.id) for person in people]))


def stopped(stops: Stops, channel: str = "x", account: str = "x-1", *, making_safe: bool = False) -> bool:
    """Whether a delivery of the plan is stopped."""
    return stops.halt_on(PLAN, channel, account, making_safe=making_safe) is not None


@pytest.mark.parametrize(
    ("scope", "target", "x", "webhook"),
    [
        ("all", "", True, True),
        ("channel", "x", True, False),
        ("account", "webhook-1", False, True),
        ("incident", PLAN.incident, True, True),
        ("incident", "inc-other", False, False),
        ("plan", PLAN.digest, True, True),
        ("plan", "ab" * 32, False, False),
        ("everything", "", True, True),
        ("world", "x", True, True),
        (None, None, True, True),
    ],
)
def test_a_halt_stops_what_its_scope_says(scope: object, target: object, x: bool, webhook: bool) -> None:
    """A channel's halt stops the channel, an account's the account; one that cannot be read stops everything."""
    stops = stops_from([halt(scope, target)])
    assert (stopped(stops), stopped(stops, "webhook", "webhook-1")) == (x, webhook)


@pytest.mark.parametrize("scope", [*HaltScope, "world"])
def test_making_safe_passes_every_halt_but_of_everything(scope: str) -> None:
    """Only everything, and what cannot be read, stops a correction."""
    targets = {"channel": "x", "account": "x-1", "plan": PLAN.digest}
    stops = stops_from([halt(scope, targets.get(scope, PLAN.incident))])
    assert stopped(stops, making_safe=True) is (scope in ("everything", "world"))


@pytest.mark.parametrize(
    ("people", "ended"),
    [
        ((), False),
        (("director-2",), False),
        (("director-2", "director-2"), False),
        (("checker-1", "director-2"), False),
        (("ops-2", "director-1"), False),
        (("reviewer-1", "director-1"), False),
        (("director-2", "director-1"), True),
        (("checker-1", "director-2", "author-1"), True),
    ],
)
def test_a_halt_ends_when_two_others_resume_it(people: tuple[str, ...], ended: bool) -> None:
    """Neither one person twice, nor the one who halted, nor a platform admin or a reviewer is enough."""
    stop = halt(person="checker-1")
    assert stopped(stops_from([stop, *resume(stop, *people)])) is not ended


def test_a_resume_ends_its_own_halt_only() -> None:
    """A second halt stays in force."""
    first, second = halt(), halt(person="security-1")
    stops = stops_from([first, second, *resume(first, "director-2", "director-1")])
    assert [h.statement for h in stops.halts] == [second.statement.id]


@given(
    people=st.lists(st.sampled_from(sorted(CAST)), max_size=6),
    halter=st.sampled_from(sorted(CAST)),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_statements_does_not_matter(people: list[str], halter: str, order: object) -> None:
    """A resume that arrives before its halt counts the same."""
    stop = halt(person=halter)
    statements = [stop, *resume(stop, *people)]
    order.shuffle(statements)  # type: ignore[attr-defined]
    others = {one for one in people if CAST[one] not in (Role.OPS, Role.REVIEWER)} - {halter}
    assert stopped(stops_from(statements)) is (len(others) < 2)


def test_a_stop_that_is_listed_but_not_at_hand_is_missing() -> None:
    """What a signed status lists and nobody has seen is named."""
    seen = halt()
    assert stops_from([seen], listed=[seen.statement.id, "cd" * 32, "ab" * 32]).missing == ("ab" * 32, "cd" * 32)


def test_a_revocation_is_of_its_plan_only() -> None:
    """Another plan is not taken back with it."""
    revoke = verified([signed(StatementKind.REVOKE, "security-1", subject=PLAN.digest)])
    stops = stops_from(revoke, status_at=NOW)
    assert (len(stops.revocations_of(PLAN.digest)), stops.revocations_of("ab" * 32)) == (1, ())


def test_a_revocation_is_not_undone_by_a_resume() -> None:
    """Only halts are resumed; a plan taken back needs a new plan."""
    revoke = verified([signed(StatementKind.REVOKE, "security-1", subject=PLAN.digest)])[0]
    stops = stops_from([revoke, *resume(revoke, "author-1", "director-2", "director-1")])
    assert stops.revocations_of(PLAN.digest) == (revoke.statement,)
