"""Turns on call and names, as the roster's file has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.domain.people import Role, RoleHeld
from dispatcher.statements.errors import TrustError
from dispatcher.statements.roster import parse_roster, roster_toml
from tests.statements.support import DAY, NOW, START, held, person, roster

TWO_ROLES = replace(person("director-1", Role.DUTY_DIRECTOR), roles=(held(Role.DUTY_DIRECTOR), held(Role.CHECKER)))
TURN = RoleHeld(Role.CHECKER, NOW, NOW + DAY)


def test_a_turn_on_call_is_for_one_of_ones_roles() -> None:
    """Who holds two roles may be on call for either."""
    people = roster(replace(TWO_ROLES, on_call=(TURN,)))
    assert parse_roster(roster_toml(people)) == people


def test_a_turn_on_call_for_a_role_of_others_is_refused() -> None:
    """Another role, held for all of that time, does not make up for it."""
    turn = replace(TURN, role=Role.SECURITY)
    with pytest.raises(TrustError, match=r"on_call\[0\]: director-1 does not hold security"):
        parse_roster(roster_toml(roster(replace(TWO_ROLES, on_call=(turn,)))))


def test_a_turn_on_call_is_nobodys_but_ones_own() -> None:
    """Deputies hold their role; their turns are written under their own name."""
    turn = replace(TURN, deputy_for="director-2")
    other = person("director-2", Role.CHECKER)
    with pytest.raises(TrustError, match=r"on_call\[0\]"):
        parse_roster(roster_toml(roster(replace(TWO_ROLES, on_call=(turn,)), other)))


def test_a_turn_on_call_may_end_with_the_role() -> None:
    """Until the very moment that the role ends."""
    people = roster(replace(TWO_ROLES, roles=(held(Role.CHECKER, NOW + DAY),), on_call=(TURN,)))
    assert parse_roster(roster_toml(people)) == people


@pytest.mark.parametrize(
    "turn", [RoleHeld(Role.CHECKER, NOW, NOW + DAY * 2), RoleHeld(Role.CHECKER, START - DAY, NOW)]
)
def test_a_turn_on_call_is_within_the_time_of_the_role(turn: RoleHeld) -> None:
    """It neither ends after it nor begins before it."""
    people = roster(replace(TWO_ROLES, roles=(held(Role.CHECKER, NOW + DAY),), on_call=(turn,)))
    with pytest.raises(TrustError, match=r"on_call\[0\]: director-1 does not hold checker for all of that time"):
        parse_roster(roster_toml(people))


def test_letters_stand_in_the_file_as_they_are() -> None:
    """People edit it and read names in it."""
    assert '"Siân Ŵyn"' in roster_toml(roster(replace(TWO_ROLES, name="Siân Ŵyn")))
