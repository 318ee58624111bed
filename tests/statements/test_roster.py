"""The roster file: read strictly, refused by place, named by what it says."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime

import pytest

from dispatcher.domain.people import Person, Role, RoleHeld, Roster
from dispatcher.statements.errors import TrustError
from dispatcher.statements.roster import parse_roster, roster_toml
from dispatcher.statements.wire import string
from tests.statements.support import DAY, NOW, START, SecurityKey, SoftKey, held, key_of, person, roster


def deputy(principal: str, role: Role = Role.DUTY_DIRECTOR, expires: datetime | None = None) -> RoleHeld:
    """A role held in somebody's stead."""
    return replace(held(role, expires), deputy_for=principal)


DIRECTOR, TOKEN, CHECKER = SoftKey(1), SecurityKey(2), SoftKey(3)
FULL = roster(
    replace(
        person("director-1", Role.DUTY_DIRECTOR, key_of(DIRECTOR, expires=NOW), key_of(TOKEN, revoked_at=NOW)),
        contacts=("mailto://director@example.gov.uk", 'quoted "\\ €'),
        languages=("cy", "en"),
        on_call=(held(Role.DUTY_DIRECTOR, NOW),),
    ),
    replace(person("deputy-1", Role.DUTY_DIRECTOR), roles=(deputy("director-1"),)),
    replace(person("checker-1", Role.CHECKER, key_of(CHECKER)), roles=(held(Role.CHECKER, NOW), held(Role.AUTHOR))),
)
TEXT = f"""\
schema = "roster/v1"
version = 3
deployment = "example"

[[people]]
id = "director-1"
name = "Director-1"
roles = [{{ role = "duty_director", not_before = 2026-01-01T00:00:00Z }}]
keys = [{{ public = "{DIRECTOR.public} desk", not_before = 2026-01-01T00:00:00Z }}]
"""
SMALL_ORDER = base64.b64encode(string(b"ssh-ed25519") + string(b"\1" + bytes(31))).decode()


def again(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def test_a_roster_as_people_write_it_is_read() -> None:
    """Optional keys may be left out; comments behind keys are dropped."""
    assert parse_roster(TEXT) == roster(person("director-1", Role.DUTY_DIRECTOR, key_of(DIRECTOR)))


def test_a_roster_without_a_place_is_named_as_its_file_is() -> None:
    """Trust folders hold one file of that name."""
    with pytest.raises(TrustError, match=r"^roster\.toml: "):
        parse_roster("not TOML")


def test_what_is_written_reads_back_to_itself() -> None:
    """roster_toml and parse_roster are inverse, quotes and windows included."""
    assert parse_roster(roster_toml(FULL)) == FULL


def test_the_digest_is_over_what_the_file_says() -> None:
    """Comments, spaces and another spelling of the same instant change nothing."""
    respelt = "# a comment\n" + again("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00")
    assert parse_roster(respelt).digest == parse_roster(TEXT).digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 3", "version = 0", "version: count from 1"),
        ("version = 3", "version = 3.0", "floats|float"),
        ("version = 3", "version = true", "expected an integer"),
        ("version = 3", "version = 3\nclosed = true", "unknown key 'closed'"),
        ('schema = "roster/v1"', 'schema = "roster/v2"', "not a roster/v1"),
        ('schema = "roster/v1"\n', "", "not a roster/v1"),
        ('deployment = "example"', 'deployment = "Example One"', "deployment: use lower case"),
        ('id = "director-1"', 'id = "Director 1"', r"people\[0\].id: use lower case"),
        ('id = "director-1"', 'id = "director-1"\nadmin = true', "unknown key 'admin'"),
        ('role = "duty_director"', 'role = "director"', r"roles\[0\].role: 'director' is none of author"),
        ('role = "duty_director",', 'role = "duty_director", forever = true,', "unknown key 'forever'"),
        ('[{ role = "duty_director", not_before = 2026-01-01T00:00:00Z }]', "[]", "director-1 has no role"),
        (
            "00:00:00Z }]\nkeys",
            "00:00:00Z, expires = 2026-01-01T00:00:00Z }]\nkeys",
            r"roles\[0\].expires: not after",
        ),
        ("00:00:00Z }]\nkeys", "00:00:00 }]\nkeys", "a time without a zone"),
        ("00:00:00Z }]\nkeys", "00:00:00Z, expires = 2027-01-01 }]\nkeys", r"roles\[0\].expires: "),
        ('desk", not_before', 'desk", expires = 2025-01-01T00:00:00Z, not_before', r"keys\[0\].expires: not after"),
        ('desk", not_before', 'desk", owner = "x", not_before', "unknown key 'owner'"),
        (f"{DIRECTOR.public} desk", "ssh-rsa AAAAB3NzaC1yc2E=", r"keys\[0\].public: .*"),
        (f"{DIRECTOR.public} desk", f"ssh-ed25519 {SMALL_ORDER}", r"keys\[0\].public: .*not a sound ed25519 point"),
        (f"{DIRECTOR.public} desk", "junk", r"keys\[0\].public: not an OpenSSH public key line"),
        ("[[people]]", "[people]", "people: expected a list"),
        ('name = "Director-1"', 'name = "e\u0301"', "NFC"),
        ('name = "Director-1"', "name = 07:30:00", "time is not admitted"),
        ('name = "Director-1"', "name = ", "not TOML"),
        ('name = "Director-1"', "name = " + "[" * 3000, "not TOML"),
        ('name = "Director-1"', "name = " + "9" * 5000, "not TOML"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_a_faulty_roster_is_refused_by_place(old: str, new: str, message: str) -> None:
    """Unknown keys and words, missing or senseless values and unsound keys, each with the place and what to do."""
    with pytest.raises(TrustError, match=message) as refused:
        parse_roster(again(old, new), "roster.toml")
    assert "roster.toml" in refused.value.message
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("doubled", "message"),
    [
        (roster(person("a", Role.AUTHOR), person("a", Role.CHECKER)), "person a stands there 2 times"),
        (roster(person("a", Role.AUTHOR, key_of(CHECKER)), person("b", Role.CHECKER, key_of(CHECKER))), "key SHA256"),
        (roster(person("a", Role.AUTHOR, key_of(CHECKER), key_of(CHECKER, expires=NOW + DAY))), "key SHA256"),
    ],
    ids=["person", "key under two people", "key twice under one"],
)
def test_nothing_stands_there_twice(doubled: Roster, message: str) -> None:
    """A person has one entry; a key speaks for one person, in one window."""
    with pytest.raises(TrustError, match=message):
        parse_roster(roster_toml(doubled))


def test_a_person_may_hold_no_key() -> None:
    """A minister who confirms by read-back code needs none."""
    assert parse_roster(roster_toml(roster(person("minister-1", Role.MINISTER)))).people[0].keys == ()


def test_every_role_can_be_written_in_the_file() -> None:
    """All code names of roles are admitted."""
    everybody = roster(*(person(str(role), role) for role in Role))
    assert parse_roster(roster_toml(everybody)) == everybody


def holding(*roles: RoleHeld, on_call: tuple[RoleHeld, ...] = ()) -> Person:
    """The person under test."""
    return replace(person("it", Role.AUTHOR), roles=roles, on_call=on_call)


def read_with(*people: Person) -> Roster:
    """What a roster of these and a director reads as."""
    return parse_roster(roster_toml(roster(person("director-1", Role.DUTY_DIRECTOR), *people)))


LATER = replace(held(Role.DUTY_DIRECTOR), not_before=NOW)
"""A role from noon of the day on."""


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([holding(deputy("it"), held(Role.DUTY_DIRECTOR))], "it is duty_director for it, who must be another"),
        ([holding(deputy("nobody"))], "for nobody, who must be another person on the roster"),
        ([holding(deputy("director-1", Role.SECURITY))], "it is security for director-1, who must .* hold that role"),
        ([holding(deputy("second")), replace(holding(deputy("director-1")), id="second")], "in their own right"),
        ([replace(holding(held(Role.SECURITY, NOW)), id="s"), holding(deputy("s", Role.SECURITY), LATER)], None),
        (
            [
                replace(holding(held(Role.SECURITY, NOW)), id="s"),
                holding(replace(deputy("s", Role.SECURITY), not_before=NOW)),
            ],
            "in their own right at that time",
        ),
    ],
    ids=["oneself", "a stranger", "another role", "a chain", "for a while", "too late"],
)
def test_a_deputy_stands_in_for_who_holds_the_role(people: list[Person], message: str | None) -> None:
    """For another on the roster, in that very role, held in their own right, at some time that both have."""
    if message is None:
        assert read_with(*people).voice("it", START) == {"it", "s"}
    else:
        with pytest.raises(TrustError, match=message):
            read_with(*people)


@pytest.mark.parametrize(
    "on_call",
    [held(Role.SECURITY), held(Role.DUTY_DIRECTOR), replace(LATER, not_before=START - DAY), deputy("director-1")],
    ids=["another role", "longer than held", "before it is held", "in somebody's stead"],
)
def test_on_call_is_who_holds_the_role(on_call: RoleHeld) -> None:
    """For all of that time, and in their own name."""
    with pytest.raises(TrustError, match=r"on_call\[0\]: it does not hold"):
        read_with(holding(held(Role.DUTY_DIRECTOR, NOW), on_call=(on_call,)))


def test_a_turn_on_call_has_a_window() -> None:
    """One that never opens is refused like that of a role."""
    shift = held(Role.DUTY_DIRECTOR, START)
    with pytest.raises(TrustError, match=r"on_call\[0\].expires: not after"):
        read_with(holding(held(Role.DUTY_DIRECTOR), on_call=(shift,)))


APPROVING = {
    *(Role.CHECKER, Role.LANGUAGE_CHECKER, Role.DUTY_DIRECTOR, Role.SECURITY, Role.MINISTER, Role.PRIVATE_OFFICE),
    *(Role.LEGAL, Role.PROPRIETY, Role.FINANCE),
}


@pytest.mark.parametrize("other", Role)
@pytest.mark.parametrize("role", [Role.OPS, Role.REVIEWER, Role.CONSOLE, Role.POLICY_OWNER])
def test_some_roles_do_not_go_with_others(role: Role, other: Role) -> None:
    """Ops, reviewer and console with none, policy owner with none that approves nor those; twice the same is one."""
    alone = {Role.OPS, Role.REVIEWER, Role.CONSOLE}
    barred = role is not other and bool({role, other} & alone or other in APPROVING)
    for roles in ((held(role), held(other)), (held(other), held(role))):
        if barred:
            with pytest.raises(TrustError, match=f"it holds .*{other}.* at one time"):
                read_with(holding(*roles))
        else:
            assert read_with(holding(*roles)).person("it")


def test_such_roles_may_follow_each_other() -> None:
    """Who was ops until noon may be a director from noon on."""
    assert read_with(holding(held(Role.OPS, NOW), LATER)).person("it")


@pytest.mark.parametrize(
    ("changes", "letter"),
    [
        ({"name": "Duty d\u0456rector"}, "U\\+0456 CYRILLIC"),
        ({"name": "Duty\u200bdirector"}, "invisible U\\+200B ZERO WIDTH SPACE"),
        ({"name": "Duty\ndirector"}, "invisible U\\+000A"),
        ({"contacts": ("mailto://a@ex\u202eample.org",)}, "invisible U\\+202E RIGHT-TO-LEFT OVERRIDE"),
        ({"languages": ("\uff43\uff59",)}, "U\\+FF43 FULLWIDTH"),
    ],
    ids=["look-alike", "zero width", "control", "direction", "full width"],
)
def test_what_does_not_read_as_it_is_written_is_refused(changes: dict[str, str], letter: str) -> None:
    """In names, contacts and languages, naming the letter."""
    with pytest.raises(TrustError, match=f"it's name, contacts or languages have {letter}"):
        read_with(replace(holding(held(Role.AUTHOR)), **changes))  # type: ignore[arg-type]
