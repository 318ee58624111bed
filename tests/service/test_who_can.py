"""Who can give what is missing: by role, those on call first, and in whose stead."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.domain.people import Role, RoleHeld
from dispatcher.gate.evidence import Failure, Then
from dispatcher.service.judging import who_can
from tests.cast import START
from tests.office import Office


def test_who_is_on_call_comes_first_and_deputies_are_marked(office: Office) -> None:
    """Whoever is rung at night is told whom they stand in for."""
    roster = office.desk.trust.roster
    people = {person.id: person for person in roster.people}
    shift = RoleHeld(Role.DUTY_DIRECTOR, START, None)
    held = RoleHeld(Role.DUTY_DIRECTOR, START, None, deputy_for="director-1")
    people["director-1"] = replace(people["director-1"], on_call=())
    people["director-2"] = replace(people["director-2"], on_call=(shift,))
    people["checker-1"] = replace(people["checker-1"], roles=(held,))
    trust = replace(office.desk.trust, roster=replace(roster, people=tuple(people.values())))
    failure = Failure("G08", "duty_director has not approved", "duty_director", Then.HOLD)
    found = who_can(replace(office.desk, trust=trust), [failure])[Role.DUTY_DIRECTOR]
    assert found[0] == "director-2 (on call)"
    assert "checker-1 (deputy of director-1)" in found
