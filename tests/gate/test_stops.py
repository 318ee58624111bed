"""What is stopped: halts of every scope, resumed by two others, and stops nobody has seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Json
from dispatcher.domain.people import Key, Person, Role, RoleHeld
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind, Verified
from dispatcher.gate.stops import NEVER_RESUME, HaltScope, Stops, stops_from
from dispatcher.statements.errors import StatementRefused
from dispatcher.statements.signing import sign
from dispatcher.statements.verify import Verifier
from tests.builders import draft, verified
from tests.cast import CAST, DEPLOYMENT, HOUR, NOW, START, roster, signed
from tests.statements.support import SoftKey

PLAN = draft("x", "webhook").plan


def halt(scope: object = "all", target: object = "", person: str = "ops-1") -> Verified:
    """A halt."""
    return verified([signed(StatementKind.HALT, person, scope=scope, target=target)])[0]


def resume(of: Verified, *people: str) -> list[Verified]:
    """A resume of that halt by each of these people."""
    return list(verified([signed(StatementKind.RESUME, person, subject=of.statement.id) for person in people]))


CONSOLE_KEY = SoftKey(8_000)
CONSOLE = Person("console", "Console", (RoleHeld(Role.CONSOLE, START),), (Key(CONSOLE_KEY.key.public, START),))


def by_console(kind: StatementKind = StatementKind.HALT, **body: Json) -> Envelope:
    """What the console signs."""
    times = (NOW - HOUR, NOW + 90 * HOUR, "ab" * 16)
    return sign(
        Statement(kind, "cd" * 32, DEPLOYMENT, Mode.LIVE, "console", "console", 3, *times, None, body), CONSOLE_KEY
    )


def halted_by_console(**body: Json) -> Verified:
    """A halt of everything sendable, which the verifier takes."""
    return verified([by_console(scope="all", **body)], people=roster(console=CONSOLE))[0]


@pytest.mark.parametrize(
    ("people", "ended"),
    [
        (("director-1", "director-2"), False),
        (("checker-1", "director-1"), False),
        (("checker-1", "director-2"), True),
    ],
)
def test_who_had_the_console_halt_is_no_other(people: tuple[str, ...], ended: bool) -> None:
    """Two others than director-1, in whose name the console signed."""
    stop = halted_by_console(asked_by="director-1")
    assert stopped(stops_from([stop, *resume(stop, *people)])) is not ended


def test_the_console_resumes_nothing() -> None:
    """Even where somebody believed its signature: one of two is missing."""
    stop = halt(person="ops-1")
    resumed = replace(stop.statement, kind=StatementKind.RESUME, subject=stop.statement.id)
    mine = Verified(replace(resumed, person="console", role="console"), "its key")
    assert stopped(stops_from([stop, mine, *resume(stop, "director-1")]))


@pytest.mark.parametrize("kind", [kind for kind in StatementKind if kind not in ("halt", "revoke")])
def test_nothing_else_that_the_console_signs_is_authentic(kind: StatementKind) -> None:
    """It approves nothing, submits nothing, releases nothing and signs nobody in."""
    with pytest.raises(StatementRefused, match="the console only stops things"):
        Verifier(roster(console=CONSOLE), DEPLOYMENT, Mode.LIVE).verify(by_console(kind), NOW)


@pytest.mark.parametrize(
    ("body", "by"),
    [
        ({"asked_by": "ops-1"}, "ops-1 through the console"),
        ({}, "console"),
        ({"asked_by": ""}, "console"),
        ({"asked_by": ["ops-1"]}, "console"),
    ],
)
def test_a_halt_by_the_console_names_who_asked(body: dict[str, Json], by: str) -> None:
    """As the gate says it; what is no name is none."""
    (one,) = stops_from([halted_by_console(**body)]).halts
    assert one.sentence() == f"halted (all) by {by}"


def test_a_persons_own_halt_names_nobody_else() -> None:
    """Whoever writes another's name into their own halt keeps nobody from resuming."""
    stop = verified([signed(StatementKind.HALT, "ops-1", scope="all", asked_by="director-1")])[0]
    assert not stopped(stops_from([stop, *resume(stop, "director-1", "director-2")]))


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
    others = {one for one in people if CAST[one] not in NEVER_RESUME} - {halter}
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
