"""A review: what a reviewer reads, and that nothing is left out of it."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text

from dispatcher.domain.errors import GateClosed
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import stopping
from dispatcher.service.releasing import release
from dispatcher.service.reviewing.review import Review, review
from dispatcher.service.taking_back import take_back
from dispatcher.store import records
from dispatcher.store.tables import ATTEMPTS
from tests.office import Office


def read(office: Office, plan: str) -> Review:
    """The review of a plan's incident."""
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    return review(office.desk, incident, "reviewer-1")


def released(office: Office) -> str:
    """A released plan over one webhook."""
    office.account("webhook")
    plan = office.approved()
    release(office.desk, plan, office.pen("director-1"))
    return plan


def test_it_names_everybody_who_signed(office: Office) -> None:
    """Kind and person of each, verified again."""
    (found,) = read(office, released(office)).plans
    assert sorted((str(s.said.kind), s.said.person) for s in found.signatures if s.said) == [
        ("approve", "checker-1"),
        ("approve", "director-1"),
        ("approve", "welsh-checker-1"),
        ("release", "director-1"),
        ("submit", "author-1"),
    ]
    assert {s.refused for s in found.signatures} == {None}


def test_it_has_the_exact_text_of_every_account_and_language(office: Office) -> None:
    """As it was rendered and signed, armed texts included."""
    (found,) = read(office, released(office)).plans
    publish = next(exact for exact in found.texts if exact.kind is TextKind.PUBLISH)
    assert [part.language for part in publish.parts] == ["en-GB", "cy"]
    assert "Storm heno" in publish.parts[1].text
    assert {exact.kind for exact in found.texts} == set(TextKind)


def test_what_was_handed_over_and_never_confirmed_is_said_to_have_left(office: Office) -> None:
    """Its time ran out, which is not the same as that nothing left."""
    plan = released(office)
    delivery = office.delivery(plan)
    office.set_state(delivery, "leased", "sending", "handed_over", "expired", reference="IO-1")
    (found,) = read(office, plan).deliveries
    assert found.sentence == "was handed over, and nobody signed in time what came of it"


@pytest.mark.parametrize(
    ("kind", "ends", "says"),
    [
        (None, (), "is there for the public to see"),
        (
            TextKind.CORRECT,
            ("accepted",),
            "is there for the public to see; its plan was revoked, and its correction ",
        ),
        (TextKind.WITHDRAW, (), "is there for the public to see; its plan was revoked, and its withdrawal waits for"),
        (
            TextKind.WITHDRAW,
            ("accepted", "visible"),
            "was there for the public to see; its plan was revoked, and its ",
        ),
    ],
)
def test_a_post_is_said_to_stand_until_its_withdrawal_took_effect(
    office: Office, kind: TextKind | None, ends: tuple[str, ...], says: str
) -> None:
    """Of a post that was taken back nobody reads that it is up, and what mends it stands beside it."""
    plan = released(office)
    delivery = office.delivery(plan)
    office.set_state(delivery, "leased", "sending", "accepted", "visible", reference="evt-1")
    if kind is not None:
        take_back(office.desk, plan, kind, office.pen("director-1"))
        office.set_state(f"{delivery}-{kind}", *(("leased", "sending", *ends) if ends else ()))
    (sentence,) = [one.sentence for one in read(office, plan).deliveries if one.kind == TextKind.PUBLISH]
    assert sentence.startswith(says)


def test_what_people_hold_of_a_revoked_plan_is_said_not_to_be_posted(office: Office) -> None:
    """Whoever reads on must not think that it is still waited for."""
    plan = released(office)
    office.set_state(office.delivery(plan), "leased", "sending", "handed_over")
    take_back(office.desk, plan, TextKind.CORRECT, office.pen("director-1"))
    (delivered,) = read(office, plan).deliveries
    assert delivered.sentence.endswith("its plan was revoked, so it must not be posted")


def test_a_text_that_was_changed_in_sql_is_not_shown_as_signed(office: Office) -> None:
    """The bytes no longer have the signed digest, so there are no parts."""
    plan = released(office)
    with office.desk.store.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER renderings_fixed"))
        connection.execute(text("UPDATE renderings SET body = CAST('{}' AS BLOB)"))
    (found,) = read(office, plan).plans
    assert {exact.parts for exact in found.texts} == {()}


COLUMNS = ("id", "kind", "subject", "person", "role", "mode", "incident", "not_before", "expires", "envelope")


@pytest.mark.parametrize(
    ("forged", "says"),
    [
        ({"envelope": '{"payload": "{}", "signature": "none"}'}, "armour"),
        ({"envelope": "[]"}, "no signed statement"),
        ({"subject": "another"}, "about something else"),
    ],
)
def test_a_statement_that_does_not_hold_is_shown_as_such(office: Office, forged: dict[str, str], says: str) -> None:
    """A row inserted by hand is in the review, with what is wrong with it."""
    plan = released(office)
    chosen = [f":{name}" if name in forged else name for name in COLUMNS[1:]]
    with office.desk.store.engine.begin() as connection:
        insertion = (
            f"INSERT INTO statements ({', '.join(COLUMNS)}, recorded_at) SELECT id || 'x', {', '.join(chosen)}"
        )
        connection.execute(text(f"{insertion}, recorded_at FROM statements WHERE kind = 'release'"), forged)
    told = read(office, plan)
    everything = (*told.signatures, *told.plans[0].signatures)
    (bad,) = [s for s in everything if s.refused]
    assert says in str(bad.refused)
    assert bad.key == ""


def test_it_has_every_refusal_with_its_clauses(office: Office) -> None:
    """A release that was tried too early, twice, is one line with who tried."""
    office.account("webhook")
    plan = office.plan()
    for _ in range(2):
        with pytest.raises(GateClosed):
            release(office.desk, plan, office.pen("director-1"))
    (denial,) = {one.clause: one for one in read(office, plan).denials}.values()
    assert (denial.kind, denial.clause, denial.person, denial.channel) == (
        "release.refused",
        "G08",
        "director-1",
        "webhook",
    )
    assert denial.count == 2


def test_it_has_every_attempt(office: Office) -> None:
    """Two tries at one delivery, in order, with what became of it in words."""
    plan = released(office)
    delivery = office.delivery(plan)
    tries = [
        {"delivery": delivery, "number": n, "fence": n, "owner": "w", "intended_at": office.clock.now, "verdict": v}
        for n, v in ((1, "deferred"), (2, "accepted"))
    ]
    with office.desk.store.write() as work:
        work.execute(insert(ATTEMPTS), tries)
    office.set_state(delivery, "leased", "sending", "accepted")
    (found,) = read(office, plan).deliveries
    assert [(tried.number, tried.verdict) for tried in found.attempts] == [(1, "deferred"), (2, "accepted")]
    assert found.sentence == "was accepted"


def test_it_has_the_halts_that_concerned_it(office: Office) -> None:
    """Those of its mode, with the reason given; not those of the other mode."""
    plan = released(office)
    stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE, "wrong picture")
    stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.LIVE)
    assert [halt.reason for halt in read(office, plan).halts] == ["wrong picture"]


def test_its_timeline_is_the_ledger_in_order(office: Office) -> None:
    """From the declaration to the release, with every kind counted."""
    found = read(office, released(office)).timeline
    kinds = [line.kind for line in found.entries]
    assert kinds[0] == "incident.declared"
    assert kinds.index("plan.submitted") < kinds.index("clearance.moved") < kinds.index("plan.released")
    assert found.total == sum(found.kinds.values())
    assert found.kinds["message.revised"] == 2


def test_each_reading_is_in_the_ledger(office: Office) -> None:
    """With who read it."""
    read(office, released(office))
    assert [entry.facts["actor"] for entry in office.ledger("review.read")] == ["reviewer-1"]
