"""Incidents: what is known of them, item by item, and titles that read as they are written."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.domain.canonical import format_time
from dispatcher.domain.documents import to_json
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.incident import EVIDENCE, Incident, Item, Severity, items_of
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents, submitting
from dispatcher.service.incidents import Occurred
from dispatcher.service.submitting import Wish
from dispatcher.store import records
from tests.cast import HOUR, NOW
from tests.office import Office

RED = Item("warning", "red, Old Town until midnight", "national weather service", NOW, "ab" * 32)
AMBER = Item("warning", "amber, Old Town until six", "flood centre", NOW - HOUR)
"""It contradicts the one above."""

LOOKALIKES = {
    "Cyrillic among Latin": "St\u043erm",
    "Greek among Latin": "\u0392ristol",
    "full width": "\uff33torm",
    "zero width": "Sto\u200brm",
    "right to left": "Storm \u202egnp",
    "escape": "Storm\x1b[2J",
    "a line of its own": "Storm\nAll clear",
}


def declared(office: Office, **changes: Any) -> Incident:
    """An active incident, with nothing known of it."""
    about: dict[str, Any] = {"kind": "severe_weather", "title": "Storm", "mode": Mode.EXERCISE, "person": "author-1"}
    return incidents.declare(office.desk, **{**about, **changes})


def stored(office: Office, incident: Incident) -> Incident:
    """The incident as it is on record."""
    with office.desk.store.read() as work:
        return records.incident(work, incident.id)


def test_items_that_contradict_each_other_are_both_kept(office: Office) -> None:
    """In the order in which they were recorded, each with its own source and time."""
    incident = declared(office, evidence=(RED,))
    incidents.add_evidence(office.desk, incident.id, "author-1", AMBER, "it was read late")
    assert items_of(stored(office, incident)) == (RED, AMBER)


def test_items_that_contradict_each_other_are_both_in_the_plan(office: Office) -> None:
    """Who approves signs that both were known."""
    office.account("webhook")
    message = office.message(evidence=(RED, AMBER))
    made = submitting.submit(office.desk, message, Wish(), office.pen("author-1"))
    assert made.stored.plan.evidence == (RED, AMBER)


def test_what_is_recorded_later_is_not_in_an_earlier_plan(office: Office) -> None:
    """What people signed does not change under them."""
    office.account("webhook")
    plan = office.plan(evidence=(RED,))
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    incidents.add_evidence(office.desk, incident, "author-1", AMBER, "it was read late")
    with office.desk.store.read() as work:
        assert records.plan(work, plan).plan.evidence == (RED,)


def test_each_item_is_in_the_ledger(office: Office) -> None:
    """With who recorded it."""
    incidents.add_evidence(office.desk, declared(office).id, "author-1", RED)
    (entry,) = office.ledger("incident.evidence")
    assert (entry.facts["actor"], entry.facts["item"]) == ("author-1", to_json(RED))


@pytest.mark.parametrize("changes", [{"value": ""}, {"value": " \t"}, {"source": ""}, {"source": "\n"}])
def test_an_item_that_says_nothing_is_refused(office: Office, changes: dict[str, Any]) -> None:
    """A blank text or source is no evidence, and nothing is recorded."""
    incident = declared(office)
    with pytest.raises(Invalid, match="who says so"):
        incidents.add_evidence(office.desk, incident.id, "author-1", replace(RED, **changes))
    assert (items_of(stored(office, incident)), office.ledger("incident.evidence")) == ((), [])


def test_evidence_for_no_incident_is_refused(office: Office) -> None:
    """A name that fits nothing."""
    with pytest.raises(NotFound):
        incidents.add_evidence(office.desk, "inc-none", "author-1", RED)


def test_no_other_fact_takes_the_place_of_the_evidence(office: Office) -> None:
    """Evidence is added item by item; an amendment of that name would wipe it out."""
    incident = declared(office, evidence=(RED,))
    with pytest.raises(Invalid, match="item by item"):
        incidents.amend(office.desk, incident.id, "author-1", {EVIDENCE: []})
    assert items_of(stored(office, incident)) == (RED,)


def test_evidence_is_not_declared_as_a_fact(office: Office) -> None:
    """It would have neither source nor time."""
    with pytest.raises(Invalid, match="item by item"):
        declared(office, facts={EVIDENCE: "red"})


def test_an_amendment_leaves_the_evidence_alone(office: Office) -> None:
    """Other facts and the severity change; what was evidenced stands."""
    incident = declared(office, evidence=(RED,))
    incidents.amend(office.desk, incident.id, "author-1", {"wind": "90"}, Severity.S4)
    assert items_of(stored(office, incident)) == (RED,)


@pytest.mark.parametrize("title", LOOKALIKES.values(), ids=LOOKALIKES)
def test_a_title_that_does_not_read_as_it_is_written_is_refused(office: Office, title: str) -> None:
    """The letter is named with its place, and nothing is declared."""
    with pytest.raises(Invalid, match=r"U\+.*at position \d+"):
        declared(office, title=title)
    assert office.ledger("incident.declared") == []


@pytest.mark.parametrize("title", ["Storm 90% — Tŷ Bont", "Шторм", "Θύελλα", "Storm / Шторм", "暴风雨"])
def test_a_title_in_any_one_alphabet_to_the_word_is_taken(office: Office, title: str) -> None:
    """Whole words may be of any alphabet."""
    assert declared(office, title=title).title == title


LATER = "it was read after the shift"


def test_what_is_learnt_late_says_when_it_was_and_why_it_is_late(office: Office) -> None:
    """Beside the entry's own time; and what came before it is untouched."""
    incident = declared(office)
    when = Occurred(NOW - HOUR, LATER)
    incidents.amend(office.desk, incident.id, "author-1", {"crowd": "2000"}, when=when)
    incidents.add_evidence(office.desk, incident.id, "author-1", AMBER, LATER)
    incidents.note(office.desk, incident.id, "author-1", "held back: the cordon was not up", when)
    for kind in ("incident.amended", "incident.evidence", "incident.noted"):
        (entry,) = office.ledger(kind)
        assert (entry.at, entry.facts["occurred_at"], entry.facts["late"]) == (NOW, format_time(NOW - HOUR), LATER)
    assert stored(office, incident).title == incident.title


@pytest.mark.parametrize(
    ("minutes", "late", "refused"), [(15, "", False), (16, "", True), (16, " ", True), (-1, "x", True)]
)
def test_what_happened_a_quarter_of_an_hour_before_wants_a_reason(
    office: Office, minutes: int, late: str, refused: bool
) -> None:
    """And what has not happened yet is not recorded at all."""
    incident, when = declared(office), Occurred(NOW - timedelta(minutes=minutes), late)
    with pytest.raises(Invalid) if refused else nullcontext():
        incidents.note(office.desk, incident.id, "author-1", "rang gold", when)
    assert len(office.ledger("incident.noted")) == (not refused)


def test_a_note_is_kept_as_it_was_said_and_changes_nothing(office: Office) -> None:
    """In any state of the incident, with who said it; an empty one says nothing."""
    incident = declared(office)
    incidents.note(office.desk, incident.id, "checker-1", "  cafe\u0301: decided to wait\nbecause of the crowd ")
    (entry,) = office.ledger("incident.noted")
    assert (entry.facts["actor"], entry.facts["text"]) == (
        "checker-1",
        "caf\u00e9: decided to wait\nbecause of the crowd",
    )
    assert stored(office, incident) == incident
    with pytest.raises(Invalid, match="says something"):
        incidents.note(office.desk, incident.id, "checker-1", " ")
