"""Sessions of the console: how one begins, when it ends, and what the ledger has of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.contract import Json
from dispatcher.domain.errors import Forbidden, SignatureNeeded
from dispatcher.domain.people import Person, Role, RoleHeld
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.service import sessions
from dispatcher.service.desk import Desk
from dispatcher.service.sessions import BY_LINK, Known, Noting, Visitor
from dispatcher.store.tables import SESSIONS
from tests.office import Office

MINUTE = timedelta(minutes=1)


def signed_in(office: Office, person: str = "ops-1") -> str:
    """Open a session by a link; the cookie's value."""
    token, _ = sessions.sign_link(office.desk, office.pen(person))
    return sessions.use_link(office.desk, token)


def who(office: Office, cookie: str, desk: Desk | None = None) -> str | None:
    """Whom a cookie stands for."""
    visitor = sessions.visitor(desk or office.desk, cookie)
    return visitor and visitor.person


def with_person(office: Office, person: Person) -> Desk:
    """The desk under a roster in which this is what is said of a person."""
    trust = office.desk.trust
    others = [one for one in trust.roster.people if one.id != person.id]
    return replace(office.desk, trust=replace(trust, roster=replace(trust.roster, people=(*others, person))))


@pytest.mark.parametrize(
    ("person", "role", "may"),
    [
        ("ops-1", Role.OPS, True),
        ("director-1", Role.DUTY_DIRECTOR, True),
        ("security-1", Role.SECURITY, True),
        ("author-1", Role.AUTHOR, True),
        ("operator-1", Role.OPERATOR, True),
        ("reviewer-1", Role.REVIEWER, False),
        ("checker-1", Role.CHECKER, False),
        ("owner-1", Role.POLICY_OWNER, False),
        ("minister-1", Role.MINISTER, False),
    ],
)
def test_a_link_gives_the_role_of_the_roster(office: Office, person: str, role: Role, may: bool) -> None:
    """And with it the right to stop things, or to read alone."""
    visitor = sessions.visitor(office.desk, signed_in(office, person))
    assert visitor is not None
    assert (visitor.person, visitor.role, visitor.may_tighten) == (person, role, may)


def test_a_link_opens_one_session(office: Office) -> None:
    """Whoever uses it second comes too late; looking at it uses nothing up."""
    token, _ = sessions.sign_link(office.desk, office.pen("ops-1"))
    for _ in range(3):
        assert sessions.read_link(office.desk, token).known.person == "ops-1"
    assert who(office, sessions.use_link(office.desk, token)) == "ops-1"
    with pytest.raises(Forbidden, match="has been used"):
        sessions.use_link(office.desk, token)


def test_a_link_holds_for_a_minute(office: Office) -> None:
    """And not a second more."""
    token, until = sessions.sign_link(office.desk, office.pen("ops-1"))
    assert until - office.clock.now == MINUTE
    office.clock.advance(MINUTE)
    with pytest.raises(Forbidden):
        sessions.use_link(office.desk, token)


def test_a_statement_that_would_hold_longer_opens_nothing(office: Office) -> None:
    """Whoever signs one by hand gets no key for a year."""
    life, subject = timedelta(days=365), sessions._subject("mine")
    envelope = office.desk.sign(
        office.pen("ops-1"), (Role.OPS,), StatementKind.SIGN_IN, subject, Mode.LIVE, dict[str, Json](), life
    )
    with office.desk.store.write() as work:
        office.desk.record(work, envelope, Mode.LIVE, None)
    with pytest.raises(Forbidden, match="holds for a minute"):
        sessions.use_link(office.desk, "mine")


@pytest.mark.parametrize("token", ["", "guessed", "a" * 43, "a" * 10_000, "ä"])
def test_a_token_that_nobody_signed_opens_nothing(office: Office, token: str) -> None:
    """A guess, nothing at all, or far too much."""
    sessions.sign_link(office.desk, office.pen("ops-1"))
    with pytest.raises(Forbidden):
        sessions.use_link(office.desk, token)


def test_another_kind_of_statement_opens_nothing(office: Office) -> None:
    """A halt about the token's digest is no sign-in."""
    subject = sessions._subject("mine")
    envelope = office.desk.sign(office.pen("ops-1"), (Role.OPS,), StatementKind.HALT, subject, Mode.LIVE, {}, MINUTE)
    with office.desk.store.write() as work:
        office.desk.record(work, envelope, Mode.LIVE, None)
    with pytest.raises(Forbidden, match="nobody on the roster"):
        sessions.use_link(office.desk, "mine")


def test_the_console_signs_nobody_in(office: Office) -> None:
    """Its key is on the roster, and stops things alone."""
    office.pens["console"] = type(office.pen("ops-1"))(office.desk.settings.path("keys", "console"))
    with pytest.raises(SignatureNeeded):
        sessions.sign_link(office.desk, office.pen("console"))


def test_neither_cookie_nor_token_is_in_the_database(office: Office) -> None:
    """Whoever reads all of it signs in as nobody."""
    token, _ = sessions.sign_link(office.desk, office.pen("ops-1"))
    cookie = sessions.use_link(office.desk, token)
    kept = b"".join(path.read_bytes() for path in office.desk.settings.path("data").glob("dispatcher.db*"))
    assert (cookie.encode() in kept, token.encode() in kept) == (False, False)
    with office.desk.store.read() as work:
        ids = list(work.execute(select(SESSIONS.c.id)).scalars())
    assert [who(office, one) for one in ids] == [None] * len(ids)


def test_a_session_ends_when_nobody_asks_for_a_page(office: Office) -> None:
    """Half an hour after the last one; news that a page asks for by itself do not count."""
    cookie = signed_in(office)
    office.clock.advance(29 * MINUTE)
    assert who(office, cookie) == "ops-1"
    office.clock.advance(29 * MINUTE)
    assert sessions.visitor(office.desk, cookie, touch=False) is not None
    office.clock.advance(MINUTE)
    assert who(office, cookie) is None


def test_a_session_ends_after_six_hours_in_any_case(office: Office) -> None:
    """Somebody who works on signs in again."""
    cookie = signed_in(office)
    for _ in range(18):
        assert who(office, cookie) == "ops-1"
        office.clock.advance(20 * MINUTE)
    assert who(office, cookie) is None


def test_seen_is_written_once_a_minute_at_most(office: Office) -> None:
    """Five hundred viewers write little."""
    cookie, written = signed_in(office), []
    for _ in range(4):
        office.clock.advance(30 * timedelta(seconds=1))
        assert who(office, cookie) == "ops-1"
        with office.desk.store.read() as work:
            found = work.execute(select(SESSIONS.c.seen_at).where(SESSIONS.c.ended_at.is_(None))).scalar_one()
        written.append(office.clock.now - found)
    assert written == [30 * timedelta(seconds=1), timedelta(0)] * 2


def test_signing_out_ends_it(office: Office) -> None:
    """At once, and only that session."""
    one, other = signed_in(office), signed_in(office)
    visitor = sessions.visitor(office.desk, one)
    assert visitor is not None
    sessions.end(office.desk, visitor)
    assert (who(office, one), who(office, other)) == (None, "ops-1")
    assert [line.facts["actor"] for line in office.ledger("console.signed_out")] == ["ops-1"]


def test_a_role_that_is_taken_away_ends_the_session_at_once(office: Office) -> None:
    """So does a key that was revoked; a role that was changed is the new one from now on."""
    cookie, ops = signed_in(office), office.desk.trust.roster.person("ops-1")
    assert ops is not None
    now = office.clock.now
    as_author = with_person(office, replace(ops, roles=(RoleHeld(Role.REVIEWER, now),)))
    changed = sessions.visitor(as_author, cookie)
    assert changed is not None
    assert (changed.role, changed.may_tighten) == (Role.REVIEWER, False)
    revoked = replace(ops, keys=(replace(ops.keys[0], revoked_at=now),))
    assert who(office, cookie, with_person(office, revoked)) is None
    assert [line.facts["reason"] for line in office.ledger("console.signed_out")] == ["no role any more"]
    assert who(office, cookie) is None


def test_a_person_without_a_role_is_nobody(office: Office) -> None:
    """It ended an hour ago."""
    cookie, ops = signed_in(office), office.desk.trust.roster.person("ops-1")
    assert ops is not None
    over = replace(ops, roles=(replace(ops.roles[0], expires=office.clock.now),))
    assert who(office, cookie, with_person(office, over)) is None


def test_the_ledger_says_who_signed_in_by_which_key(office: Office) -> None:
    """And names the statement of the link, which is there whole."""
    signed_in(office)
    (link,), (entry,) = office.ledger("statement.sign_in"), office.ledger("console.signed_in")
    assert (entry.facts["actor"], entry.facts["issuer"]) == ("ops-1", BY_LINK)
    assert (entry.facts["subject"], entry.facts["link"]) == (link.facts["key"], link.facts["statement"])


def test_a_reading_is_recorded_once_in_ten_minutes(office: Office) -> None:
    """For each person, kind of page and incident."""
    noting = Noting(office.desk)
    ops, other = (Visitor(name, name, Role.OPS, "s", may_tighten=True) for name in ("ops-1", "director-1"))
    for visitor, page, incident in ((ops, "now", None), (ops, "incident", "inc-1"), (other, "now", None)):
        for _ in range(3):
            noting.read(visitor, page, incident)
    assert len(office.ledger("console.read")) == 3
    office.clock.advance(10 * MINUTE)
    noting.read(ops, "now")
    assert [line.facts["page"] for line in office.ledger("console.read")] == ["now", "incident", "now", "now"]


def test_whoever_is_nobody_cannot_fill_the_ledger(office: Office) -> None:
    """Thirty refusals a minute are recorded, and the next minute's again."""
    noting = Noting(office.desk)
    assert [noting.refused("no such link") for _ in range(40)].count(True) == sessions.REFUSALS_MOST
    office.clock.advance(MINUTE)
    assert noting.refused("no such link", "ops-1")
    assert len(office.ledger("console.refused")) == sessions.REFUSALS_MOST + 1


def test_a_session_of_a_provider_that_is_no_longer_ours_is_nobodys(office: Office) -> None:
    """The settings name another, or none."""
    cookie = sessions.begin(office.desk, Known("ops-1", "Ops", Role.OPS, "https://id.example", "7"))
    assert who(office, cookie) is None
