"""The roster file: read strictly, refused by place, named by what it says."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from dispatcher.domain.people import Role, Roster
from dispatcher.statements.errors import TrustError
from dispatcher.statements.roster import parse_roster, roster_toml
from dispatcher.statements.wire import string
from tests.statements.support import DAY, NOW, START, SecurityKey, SoftKey, held, key_of, person, roster

DIRECTOR, TOKEN, CHECKER = SoftKey(1), SecurityKey(2), SoftKey(3)
FULL = roster(
    replace(
        person("director-1", Role.DUTY_DIRECTOR, key_of(DIRECTOR, expires=NOW), key_of(TOKEN, revoked_at=NOW)),
        contacts=("mailto://director@example.gov.uk", 'quoted "\\ \x7f'),
        languages=("cy", "en"),
    ),
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
    everybody = roster(replace(person("all", Role.OPS), roles=tuple(held(role) for role in Role)))
    assert parse_roster(roster_toml(everybody)).holders(Role.PRIVATE_OFFICE, START)
