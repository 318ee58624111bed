"""What the lint of wording does to a submission: it refuses, it flags, and it shows who approves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels.contract import LanguageText
from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Plan, Unflagged
from dispatcher.domain.statement import Mode
from dispatcher.service import clearing, linting, messages, submitting
from dispatcher.service.submitting import Wish
from dispatcher.store import records
from tests.office import Office

ARRESTED = "Two people were arrested. Stay in."
RAISED = ("arrest",)


@pytest.fixture(autouse=True)
def account(office: Office) -> None:
    """One that carries both languages."""
    office.account("webhook")


def submitted(office: Office, wish: Wish | None = None, **about: Any) -> Plan:
    """A plan as it was submitted."""
    digest = office.plan(wish, **about)
    with office.desk.store.read() as work:
        return records.plan(work, digest).plan


def test_what_refuses_is_not_submitted(office: Office) -> None:
    """The remark says where; nobody is asked to sign."""
    message = office.message(text="Stay in. This is not a drill.")
    with pytest.raises(GateClosed) as refused:
        submitting.submit(office.desk, message, Wish(), office.pen("author-1"))
    assert [reason[:2] for reason in refused.value.reasons] == [
        ("G17", "publish en-GB: an exercise never says that it is real: take this out (This is not a drill)")
    ]
    assert office.ledger("plan.submitted") == []


def test_an_armed_text_is_looked_at_too(office: Office) -> None:
    """A correction that says one time in English and another in Welsh is no way back."""
    message = office.message()
    texts = (LanguageText("en-GB", "Correction", "From 6pm."), LanguageText("cy", "Cywiriad", "O 7yh."))
    messages.set_texts(office.desk, message, TextKind.CORRECT, texts, "author-1", "edit")
    with pytest.raises(GateClosed) as refused:
        submitting.submit(office.desk, message, Wish(), office.pen("author-1"))
    assert "correct cy: times are not those of en-GB" in refused.value.reasons[0][1]


def test_what_advises_stops_nobody(office: Office) -> None:
    """A text that lacks most of a complete warning is submitted all the same."""
    assert submitted(office, text="Stay in.").flags == ()


def test_a_flag_that_is_found_is_in_the_plan(office: Office) -> None:
    """Then legal is asked."""
    plan = submitted(office, text=ARRESTED)
    assert (plan.flags, plan.unflagged) == (RAISED, ())
    facts = [f.fact for finding in clearing.show(office.desk, plan.digest).findings for f in finding.lacking]
    assert any("legal" in fact for fact in facts)


def test_the_submitter_may_say_why_not(office: Office) -> None:
    """In the plan, which approvers read and sign; nobody more is asked."""
    plan = submitted(office, Wish(not_flags={"arrest": "an arrest of 1926, in a museum"}), text=ARRESTED)
    assert (plan.flags, plan.unflagged) == ((), (Unflagged("arrest", "an arrest of 1926, in a museum"),))


def test_a_plan_without_such_words_says_nothing_of_them(office: Office) -> None:
    """Its document is what it was before flags could be denied."""
    assert b'"unflagged"' not in submitted(office).encoded()


def test_a_renewal_keeps_what_was_said(office: Office) -> None:
    """Flags and reasons alike."""
    plan = submitted(office, Wish(not_flags={"arrest": "a museum"}), text=ARRESTED)
    renewed = submitting.renew(office.desk, plan.digest, plan.not_after - plan.not_before, office.pen("author-1"))
    assert renewed.stored.plan.unflagged == plan.unflagged


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Wish(not_flags={"named_suspect": "no"}), "nothing in the wording calls for the flag named_suspect"),
        (Wish(not_flags={"arrest": " "}), "says why it is not arrest"),
        (Wish(flags=RAISED, not_flags={"arrest": "no"}), "raised and denied"),
    ],
)
def test_a_flag_is_denied_for_a_reason_and_only_where_it_was_found(office: Office, wish: Wish, why: str) -> None:
    """Nothing is signed that means nothing."""
    message = office.message(text=ARRESTED)
    with pytest.raises(Invalid, match=why):
        submitting.submit(office.desk, message, wish, office.pen("author-1"))


def test_a_flag_that_policy_does_not_know_is_not_asked_for(office: Office) -> None:
    """An old policy stops no warning; the remark stands."""
    message = office.message(text=ARRESTED)
    version = office.desk.policy()
    with office.desk.store.read() as work:
        found = linting.remarks_on(office.desk, records.newest_revision(work, message), Mode.EXERCISE)
    known = {flag: role for flag, role in version.flags.items() if flag != "arrest"}
    assert linting.flagged(found, replace(version, flags=known), (), {}) == ((), ())
    assert "arrest" in {one.flag for one in found}


def test_the_lint_says_that_a_native_reader_signs(office: Office) -> None:
    """For the languages that policy wants checked: a role of its own."""
    plan = submitted(office)
    said = [one for one in linting.remarks_on_plan(office.desk, plan.digest) if one.code == "native_reader"]
    assert [(one.language, "language_checker" in one.message) for one in said] == [("cy", True)]
