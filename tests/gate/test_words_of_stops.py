"""What counts as a stop, what ends one, and how a halt is told."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.domain.statement import StatementKind
from dispatcher.gate.stops import HaltScope, stops_from, stops_something
from tests.builders import verified
from tests.cast import signed
from tests.gate.support import PLAN, about, said

HALT = signed(StatementKind.HALT, "ops-1", scope="all")


@pytest.mark.parametrize(
    ("kind", "person", "body", "stops"),
    [
        (StatementKind.DECIDE, "private-1", {"decision": "agreed"}, False),
        (StatementKind.DECIDE, "private-1", {"decision": "refused"}, True),
        (StatementKind.DECIDE, "private-1", {}, True),
        (StatementKind.ASSESS, "director-2", {"outcome": "permitted"}, False),
        (StatementKind.ASSESS, "director-2", {"outcome": "void"}, True),
        (StatementKind.REJECT, "checker-1", {}, True),
        (StatementKind.REJECT, "checker-1", {"": ""}, True),
        (StatementKind.APPROVE, "checker-1", {}, False),
    ],
)
def test_a_no_stops_and_a_yes_does_not(kind: StatementKind, person: str, body: dict[str, Any], stops: bool) -> None:
    """What is not clearly a yes is a no."""
    assert stops_something(said(about(kind, person, **body))) is stops


def test_only_a_resume_ends_a_halt() -> None:
    """Other statements of two others about that halt do not."""
    halt = said(HALT).id
    others = [signed(StatementKind.REVOKE, person, subject=halt) for person in ("security-1", "director-1")]
    assert len(stops_from(verified([HALT, *others])).halts) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"scope": "all"}, "halted (all) by ops-1"),
        ({"scope": "channel", "target": "x"}, "halted (channel x) by ops-1"),
        ({"scope": "no such scope"}, "halted (everything) by ops-1"),
        ({}, "halted (everything) by ops-1"),
    ],
)
def test_a_halt_says_what_it_stops_and_who_said_so(body: dict[str, Any], sentence: str) -> None:
    """What cannot be read stops everything."""
    (halt,) = stops_from(verified([signed(StatementKind.HALT, "ops-1", **body)])).halts
    assert halt.sentence() == sentence


@pytest.mark.parametrize("scope", [HaltScope.CHANNEL, HaltScope.ACCOUNT, HaltScope.INCIDENT, HaltScope.PLAN])
def test_a_halt_of_one_thing_stops_that_and_no_other(scope: HaltScope) -> None:
    """Its target is compared with what the scope is about."""
    targets = {"channel": "x", "account": "x-1", "incident": PLAN.incident, "plan": PLAN.digest}
    for name, target in targets.items():
        (halt,) = stops_from(verified([signed(StatementKind.HALT, "ops-1", scope=str(scope), target=target)])).halts
        assert halt.covers(PLAN, "x", "x-1", making_safe=False) is (name == scope)


def test_a_listed_stop_is_at_hand_only_as_a_stop() -> None:
    """A status that lists an approval lists something that nobody here knows as a stop."""
    approval = about(StatementKind.APPROVE, "checker-1", channels=["x"])
    name = said(approval).id
    assert stops_from(verified([approval]), listed=[name]).missing == (name,)


def test_a_stand_down_ends_its_incident_and_no_other_stop_ends_one() -> None:
    """A halt of another incident suspends it, and a stand-down says which it ends."""
    said_ = [signed(StatementKind.STAND_DOWN, "director-1", incident="inc-a"), HALT]
    assert stops_from(verified(said_)).stood_down == {"inc-a"}
