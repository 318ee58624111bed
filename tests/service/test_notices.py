"""Notices: who is told of what, what is in them, and what becomes of one that nobody takes."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from dispatcher.domain.people import Person, Role, RoleHeld
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, evidence, notices, stopping
from dispatcher.service.desk import Send
from dispatcher.service.evidence import Decision
from dispatcher.service.notices import Notice, signed, tell, through_apprise
from dispatcher.store.database import Store, open_engine
from tests.letterbox import THROUGH_APPRISE, letterbox
from tests.office import Office

EVERYBODY = ("author-1", "checker-1", "welsh-checker-1", "director-1", "director-2", "security-1", "minister-1")


def change(office: Office, person_id: str, **values: object) -> Person:
    """Change somebody's entry on the roster that this desk goes by."""
    trust = office.desk.trust
    people = {person.id: person for person in trust.roster.people}
    people[person_id] = replace(people[person_id], **values)  # type: ignore[arg-type]
    roster = replace(trust.roster, people=tuple(people.values()))
    office.desk = replace(office.desk, trust=replace(trust, roster=roster))
    return people[person_id]


def reach(office: Office, *people: str) -> None:
    """Give people a contact each, with a secret in it."""
    for person in people:
        change(office, person, contacts=(f"sms://token-of-{person}@example.org",))


def told(office: Office) -> set[str]:
    """Whom the notices sent so far went to."""
    return {url.partition("token-of-")[2].partition("@")[0] for url, _, _ in office.notices}


def submitted(office: Office) -> str:
    """A submitted plan in English and Welsh, of which everybody was told whom it concerns; gives its digest."""
    reach(office, *EVERYBODY)
    office.account("webhook")
    plan = office.plan()
    signed(office.desk, clearing.show(office.desk, plan), StatementKind.SUBMIT)
    return plan


def test_a_submission_is_told_to_whoever_can_give_a_missing_approval(office: Office) -> None:
    """Checker, the director on call and the reader of Welsh; not the second director, the author or security."""
    submitted(office)
    assert told(office) == {"checker-1", "director-1", "welsh-checker-1"}


def test_where_nobody_on_call_can_be_reached_everybody_in_the_role_is_told(office: Office) -> None:
    """The director on call has no contact: the other one is told."""
    reach(office, "director-2")
    office.account("webhook")
    signed(office.desk, clearing.show(office.desk, office.plan()), StatementKind.SUBMIT)
    assert told(office) == {"director-2"}


def test_a_reader_of_another_language_is_not_told(office: Office) -> None:
    """Nobody asks a reader of Urdu about Welsh."""
    change(office, "welsh-checker-1", languages=("ur",))
    submitted(office)
    assert "welsh-checker-1" not in told(office)


def test_who_contributed_is_not_asked_to_approve_and_neither_is_who_stands_in_for_them(office: Office) -> None:
    """The director on call edited the message: the second director is told, the first one's deputy is not."""
    reach(office, "deputy-director-1", "director-2")
    office.account("webhook")
    standing = clearing.show(office.desk, office.plan())
    edited = replace(standing.stored.plan, contributors={"director-1": ("editor",)})
    signed(office.desk, replace(standing, stored=replace(standing.stored, plan=edited)), StatementKind.SUBMIT)
    assert told(office) == {"director-2"}


def test_a_notice_names_incident_plan_channels_window_and_commands(office: Office) -> None:
    """Enough to decide whether to get up, and what to type."""
    plan = submitted(office)
    _, title, body = office.notices[0]
    until = clearing.show(office.desk, plan).stored.plan.not_after
    assert title == "EXERCISE Approval wanted: Storm"
    assert body.splitlines() == [
        f"Plan {plan[:12]}: webhook, until {until:%Y-%m-%d %H:%M} UTC",
        f"Look: dispatcher clearance show {plan[:12]}",
        f"Read: dispatcher clearance read {plan[:12]}",
        f"Approve: dispatcher clearance approve {plan[:12]}",
    ]


def test_a_notice_holds_none_of_the_message(office: Office) -> None:
    """A contact may be a third party's, and nothing is public before its release."""
    submitted(office)
    assert office.notices
    assert [body for *_, body in office.notices if "Stay" in body or "Arhoswch" in body or "tonight" in body] == []


@pytest.mark.parametrize("mode", list(Mode))
def test_only_an_exercise_says_so(office: Office, mode: Mode) -> None:
    """A live notice begins with what happened."""
    reach(office, "security-1")
    tell(office.desk, mode, notices.holding(office.desk, Role.SECURITY), "Halted", "")
    assert office.notices[0][1] == ("EXERCISE Halted" if mode is Mode.EXERCISE else "Halted")


@pytest.mark.parametrize("kind", [StatementKind.REJECT, StatementKind.REVOKE])
def test_who_wrote_and_who_approved_learn_that_it_was_for_nothing(office: Office, kind: StatementKind) -> None:
    """Author and checker are told of a rejection or a revocation, and not the reason that somebody typed."""
    plan = submitted(office)
    clearing.approve(office.desk, plan, office.pen("checker-1"))
    end = clearing.reject if kind is StatementKind.REJECT else clearing.revoke
    standing = end(office.desk, plan, office.pen("director-1"), "Stay in is wrong")
    office.notices.clear()
    signed(office.desk, standing, kind)
    assert told(office) == {"author-1", "checker-1"}
    assert "wrong" not in office.notices[0][2]


def test_an_approval_is_told_to_nobody(office: Office) -> None:
    """It calls for nothing."""
    plan = submitted(office)
    office.notices.clear()
    standing = clearing.approve(office.desk, plan, office.pen("checker-1"))
    assert (signed(office.desk, standing, StatementKind.APPROVE), office.notices) == ([], [])


def test_a_halt_is_told_to_every_duty_director(office: Office) -> None:
    """On call or not, with the command that signs for its end."""
    reach(office, *EVERYBODY)
    halt = stopping.halt(office.desk, HaltScope.CHANNEL, "webhook", office.pen("ops-1"), Mode.EXERCISE, "a hunch")
    notices.halted(office.desk, halt)
    assert told(office) == {"director-1", "director-2"}
    assert office.notices[0][1] == "EXERCISE Halted: channel webhook"
    assert f"dispatcher resume {halt.statement[:12]}" in office.notices[0][2]


def test_a_suspension_is_told_to_every_duty_director(office: Office) -> None:
    """It is a halt of one plan."""
    plan = submitted(office)
    office.notices.clear()
    signed(office.desk, clearing.show(office.desk, plan), StatementKind.HALT)
    assert told(office) == {"director-1", "director-2"}


def test_broken_glass_is_told_to_directors_and_security(office: Office) -> None:
    """It is loud."""
    plan = submitted(office)
    office.notices.clear()
    standing = clearing.break_glass(office.desk, plan, office.pen("director-1"), "the dam is failing")
    signed(office.desk, standing, StatementKind.BREAK_GLASS)
    assert told(office) == {"director-1", "director-2", "security-1"}


def test_a_role_not_held_now_is_not_told(office: Office) -> None:
    """A director whose time on the roster is over hears of no halt."""
    reach(office, *EVERYBODY)
    was = RoleHeld(Role.DUTY_DIRECTOR, office.clock.now.replace(year=2020), office.clock.now)
    change(office, "director-2", roles=(was,))
    assert [person.id for person in notices.holding(office.desk, Role.DUTY_DIRECTOR) if person.contacts] == [
        "director-1"
    ]


def test_the_ledger_says_who_was_told_and_never_where(office: Office) -> None:
    """Person and scheme, with plan and incident; the URL may hold secrets."""
    plan = submitted(office)
    entries = office.ledger("notice.sent")
    assert {(e.facts["person"], e.facts["scheme"], e.facts["plan"]) for e in entries} == {
        (person, "sms", plan) for person in ("checker-1", "director-1", "welsh-checker-1")
    }
    assert "token-of" not in str(entries)


def refuse(url: str, title: str, body: str) -> bool:
    """A service that takes nothing."""
    return False


def fail(url: str, title: str, body: str) -> bool:
    """A library that has a bad day."""
    raise RuntimeError(url)


@pytest.mark.parametrize("send", [refuse, fail])
def test_a_notice_that_was_not_taken_is_in_the_ledger(office: Office, send: Send) -> None:
    """Refused, or an error that a library raised: nothing is raised here."""
    reach(office, "security-1")
    office.desk = replace(office.desk, send=send)
    made = tell(office.desk, Mode.LIVE, notices.holding(office.desk, Role.SECURITY), "Halted", "")
    assert made == [Notice("security-1", "sms", sent=False)]
    assert [entry.facts["person"] for entry in office.ledger("notice.failed")] == ["security-1"]


def test_one_contact_that_hangs_keeps_nobody_else_from_being_told(office: Office) -> None:
    """All go out at once, and the hanging one counts as not sent when the time is up."""
    reach(office, "director-1", "director-2")
    released = threading.Event()
    timing = replace(office.desk.settings.timing, notice_ms=200)

    def send(url: str, title: str, body: str) -> bool:
        return "director-2" in url or released.wait(60)

    office.desk = replace(office.desk, send=send, settings=replace(office.desk.settings, timing=timing))
    made = tell(office.desk, Mode.LIVE, notices.holding(office.desk, Role.DUTY_DIRECTOR), "Halted", "")
    released.set()
    assert {(notice.person, notice.sent) for notice in made} == {("director-1", False), ("director-2", True)}


def test_a_ledger_that_cannot_be_written_does_not_undo_what_was_told(office: Office) -> None:
    """The notice went out; what it tells of was committed before."""
    reach(office, "security-1")
    nowhere = Store(open_engine("sqlite:////nonexistent/dispatcher.db"), office.clock, "tests")
    desk = replace(office.desk, store=nowhere)
    made = tell(desk, Mode.LIVE, notices.holding(desk, Role.SECURITY), "Halted", "")
    assert made == [Notice("security-1", "sms", sent=True)]


@THROUGH_APPRISE
def test_apprise_brings_a_notice_to_a_web_server() -> None:
    """Title and body arrive as they were written, over a real connection."""
    with letterbox() as box:
        assert through_apprise(box.url, "EXERCISE Halted: all", "Look: dispatcher status\n* and <b>this</b>")
    assert [(letter["title"], letter["message"]) for letter in box.letters] == [
        ("EXERCISE Halted: all", "Look: dispatcher status\n* and <b>this</b>")
    ]


@THROUGH_APPRISE
@pytest.mark.parametrize("url", ["json://127.0.0.1:9/closed", "nosuchservice://token", "no url", ""])
def test_a_contact_that_leads_nowhere_was_not_told(url: str) -> None:
    """A closed port, a service that Apprise does not know, and what is no URL at all."""
    assert not through_apprise(url, "title", "body")


def decided(office: Office) -> tuple[str, evidence.Decided]:
    """A plan, and the minister's decision about it as the private office recorded it."""
    office.account("webhook")
    plan = office.plan()
    return plan, evidence.decide(office.desk, plan, office.pen("private-office-1"), Decision.AGREED)


def test_the_read_back_code_goes_to_the_minister_and_not_to_the_private_office(office: Office) -> None:
    """The code from the minister's notice confirms the decision; whoever recorded it was given none."""
    reach(office, "minister-1", "private-office-1")
    plan, made = decided(office)
    assert (made.code, told(office)) == (None, {"minister-1"})
    code = office.notices[0][2].partition("24 hours: ")[2].splitlines()[0]
    evidence.confirm(office.desk, plan, office.pen("private-office-1"), code)
    assert len(office.ledger("statement.confirm")) == 1


def test_the_code_that_was_sent_is_in_no_table(office: Office) -> None:
    """Not in the ledger's notice either."""
    reach(office, "minister-1")
    decided(office)
    code = office.notices[0][2].partition("24 hours: ")[2].splitlines()[0]
    database = office.desk.settings.path("data", "dispatcher.db")
    stored = database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()
    assert len(code) == len("XXXX-XXXX-XXXX")
    assert [form for form in (code, code.replace("-", "").lower()) if form.encode() in stored] == []


def test_without_a_contact_the_code_is_shown_to_the_private_office(office: Office) -> None:
    """There is nobody to send it to."""
    _, made = decided(office)
    assert made.code is not None
    assert made.told == []


def test_a_code_that_no_contact_took_is_shown_to_the_private_office(office: Office) -> None:
    """With the notice that failed."""
    reach(office, "minister-1")
    office.desk = replace(office.desk, send=refuse)
    _, made = decided(office)
    assert made.code is not None
    assert made.told == [Notice("minister-1", "sms", sent=False)]


def test_a_contact_that_the_private_office_reads_too_proves_nothing(office: Office) -> None:
    """The same contact stands under both: the code is not sent there."""
    for person in ("minister-1", "private-office-1"):
        change(office, person, contacts=("mailto://office@example.gov.uk",))
    _, made = decided(office)
    assert (made.code is not None, office.notices) == (True, [])


@pytest.mark.parametrize(("person", "decision"), [("minister-1", "agreed"), ("private-office-1", "refused")])
def test_where_no_code_is_needed_none_is_sent(office: Office, person: str, decision: str) -> None:
    """A minister who signs, and a refusal."""
    reach(office, "minister-1")
    office.account("webhook")
    made = evidence.decide(office.desk, office.plan(), office.pen(person), Decision(decision))
    assert (made.code, office.notices) == (None, [])
