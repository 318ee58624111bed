"""A roster at a glance: what ``dispatcher roster check`` reads out."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.domain.people import OF_PEOPLE, Key, Person, Role, RoleHeld, Roster
from dispatcher.service import trusting
from tests.cast import HOUR, NOW
from tests.statements.support import SecurityKey, SoftKey

NEW, OTHER = SoftKey(501), SoftKey(502)


def test_a_roster_at_a_glance() -> None:
    """Keys with their state, who would be locked out by losing one, and where nobody is on call."""
    soft, token = SoftKey(1), SecurityKey(2)
    keys = (
        Key(soft.public, NOW, expires=NOW + HOUR),
        Key(token.public, NOW + HOUR),
        Key(NEW.public, NOW, revoked_at=NOW),
        Key(OTHER.public, NOW),
    )
    role = RoleHeld(Role.DUTY_DIRECTOR, NOW)
    director = Person("director-1", "Director", (role,), keys, on_call=(replace(role, expires=NOW + HOUR),))
    roster = Roster(
        1, "city", (director, Person("checker-1", "Checker", (replace(role, role=Role.CHECKER),), keys[3:]))
    )
    before, after = trusting.checked(roster, NOW), trusting.checked(roster, NOW + HOUR)
    assert [(key.state, key.hardware) for key in before.keys[:4]] == [
        *(("in force", False), ("not yet", True), ("revoked", False), ("in force", False)),
    ]
    assert [key.state for key in after.keys[:2]] == ["expired", "in force"]
    assert before.one_key == ("checker-1",)
    assert Role.DUTY_DIRECTOR not in before.nobody_on_call
    assert set(after.nobody_on_call) == set(OF_PEOPLE)
    assert [(shown.person, shown.role, shown.on_call) for shown in before.roles] == [
        ("director-1", Role.DUTY_DIRECTOR, False),
        ("director-1", Role.DUTY_DIRECTOR, True),
        ("checker-1", Role.CHECKER, False),
    ]
