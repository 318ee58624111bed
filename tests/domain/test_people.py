"""People: windows, look-ups, and digests that cover everything that is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.domain.people import (
    DeploymentKind,
    Key,
    Owner,
    Person,
    PublicKey,
    Role,
    RoleHeld,
    Roster,
    TrustRoot,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=30)
TICK = timedelta(microseconds=1)
KEY = Key("ssh-ed25519 AAAA", START, END)
SPARE = Key("sk-ssh-ed25519@openssh.com BBBB", START)
CHECKER = RoleHeld(Role.CHECKER, START, END)
ANYBODY = Person("checker-1", "Checker", (CHECKER, RoleHeld(Role.AUTHOR, START)), (KEY, SPARE))
OTHER = Person("author-1", "Author", (RoleHeld(Role.AUTHOR, START),))
ROSTER = Roster(3, "example", (ANYBODY, OTHER))
ROOT = TrustRoot(
    1, "example", DeploymentKind.TEST, (Owner("owner-1", (KEY,)), Owner("owner-2", (SPARE,))), 2,
    PublicKey("ssh-ed25519 CCCC"),
)  # fmt: skip


@pytest.mark.parametrize(("at", "valid"), [(START - TICK, False), (START, True), (END - TICK, True), (END, False)])
def test_a_keys_window_is_half_open(at: datetime, valid: bool) -> None:
    """It is valid from not_before on, and no longer at expires."""
    assert KEY.valid_at(at) is valid


@pytest.mark.parametrize(("at", "held"), [(START - TICK, False), (START, True), (END - TICK, True), (END, False)])
def test_a_role_is_held_in_a_half_open_window(at: datetime, held: bool) -> None:
    """The same for roles."""
    assert ROSTER.holds("checker-1", Role.CHECKER, at) is held


@pytest.mark.parametrize(("at", "revoked"), [(END - TICK, False), (END, True), (None, True)])
def test_a_revoked_key_is_revoked_from_that_moment_on(at: datetime | None, revoked: bool) -> None:
    """Asked without a time, a key that was ever revoked is."""
    assert replace(KEY, revoked_at=END).revoked_by(at) is revoked


def test_a_role_without_an_end_is_held_ever_after() -> None:
    """No expiry means none."""
    assert ROSTER.holds("checker-1", Role.AUTHOR, datetime(2999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("person", "role"), [("author-1", Role.CHECKER), ("nobody", Role.AUTHOR)])
def test_a_role_not_given_is_not_held(person: str, role: Role) -> None:
    """Neither another role nor another person's counts."""
    assert not ROSTER.holds(person, role, START)


@pytest.mark.parametrize("fingerprint", [KEY.fingerprint, SPARE.fingerprint])
def test_every_key_of_a_person_leads_to_that_person(fingerprint: str) -> None:
    """Two keys, one person."""
    assert ROSTER.person_of_key(fingerprint) is ANYBODY


def test_the_roles_of_a_person_are_those_held_then() -> None:
    """None before they begin, and none for who is not on the roster."""
    assert Role.CHECKER in ROSTER.roles_of("checker-1", START)
    assert ROSTER.roles_of("checker-1", START - timedelta(seconds=1)) == ()
    assert ROSTER.roles_of("nobody", START) == ()


def test_an_unknown_key_leads_to_nobody() -> None:
    """None, for person and for key."""
    assert (ROSTER.person_of_key("SHA256:z"), ROSTER.key("SHA256:z")) == (None, None)


def test_holders_are_all_who_hold_the_role_then() -> None:
    """Who can mend a missing signature is asked of the roster."""
    assert ROSTER.holders(Role.AUTHOR, END) == (ANYBODY, OTHER)


@pytest.mark.parametrize(
    "changed",
    [
        Roster(4, "example", (ANYBODY, OTHER)),
        Roster(3, "sample", (ANYBODY, OTHER)),
        Roster(3, "example", (ANYBODY,)),
        Roster(3, "example", (replace(ANYBODY, roles=(CHECKER,)), OTHER)),
        Roster(3, "example", (replace(ANYBODY, keys=(KEY,)), OTHER)),
        Roster(3, "example", (replace(ANYBODY, keys=(KEY, replace(SPARE, revoked_at=END))), OTHER)),
        Roster(3, "example", (replace(ANYBODY, contacts=("mailto://x",)), OTHER)),
        Roster(3, "example", (replace(ANYBODY, languages=("cy",)), OTHER)),
    ],
)
def test_everything_in_a_roster_is_in_its_digest(changed: Roster) -> None:
    """Version, deployment, people, roles, keys, revocations, contacts and languages are all signed."""
    assert changed.digest != ROSTER.digest


@pytest.mark.parametrize(
    "changed",
    [
        replace(ROOT, version=2),
        replace(ROOT, deployment="sample"),
        replace(ROOT, kind=DeploymentKind.PRODUCTION),
        replace(ROOT, owners=ROOT.owners[:1]),
        replace(ROOT, threshold=3),
        replace(ROOT, status_key=KEY),
    ],
)
def test_everything_in_a_trust_root_is_in_its_digest(changed: TrustRoot) -> None:
    """The digest read aloud at installation covers the whole root."""
    assert changed.digest != ROOT.digest
