"""What was known when: every version of an incident's facts, and every item of evidence."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents
from dispatcher.service.reviewing.events import timeline
from dispatcher.service.reviewing.review import review
from tests.office import Office

HOUR = timedelta(hours=1)


def test_each_version_stands_with_when_it_was_said_and_when_recorded(office: Office) -> None:
    """An item that its source said an hour ago was known from when it was recorded."""
    began = office.clock.now
    about = {"kind": "severe_weather", "title": "Storm", "mode": Mode.EXERCISE, "person": "author-1"}
    first = Item("warning", "amber", "national weather service", began - HOUR)
    incident = incidents.declare(office.desk, **about, facts={"hazards": "gusts"}, evidence=(first,)).id
    office.clock.advance(HOUR)
    incidents.amend(office.desk, incident, "director-1", {"casualties": "none known"}, Severity.S3)
    office.clock.advance(HOUR)
    incidents.add_evidence(office.desk, incident, "author-1", Item("warning", "red", "the same", began), "heard late")
    known = review(office.desk, incident).known
    assert [(one.how, one.person, one.roles, one.recorded_at - began, one.said_at - began) for one in known] == [
        ("declared", "author-1", ("author",), 0 * HOUR, 0 * HOUR),
        ("evidence", "author-1", ("author",), 0 * HOUR, -HOUR),
        ("amended", "director-1", ("duty_director",), HOUR, HOUR),
        ("evidence", "author-1", ("author",), 2 * HOUR, 0 * HOUR),
    ]
    assert [(one.severity, dict(one.facts)) for one in known if not one.item] == [
        ("S2", {"hazards": "gusts"}),
        ("S3", {"casualties": "none known"}),
    ]
    assert [one.item.value for one in known if one.item] == ["amber", "red"]


def test_a_note_that_was_written_late_says_when_it_happened_and_why(office: Office) -> None:
    """The rationale of a decision is known with its own time and the record's."""
    began = office.clock.now
    incident = incidents.declare(
        office.desk, kind="severe_weather", title="Storm", mode=Mode.EXERCISE, person="author-1"
    ).id
    office.clock.advance(HOUR)
    when = incidents.Occurred(began, "written after the shift")
    incidents.note(office.desk, incident, "director-1", "T1, because of the floods", when)
    noted = review(office.desk, incident).known[-1]
    assert (noted.how, noted.note, noted.late) == ("noted", "T1, because of the floods", "written after the shift")
    assert (noted.said_at, noted.recorded_at) == (began, began + HOUR)


def test_a_timeline_counts_everything_and_lists_the_most_telling(office: Office) -> None:
    """What is beyond the most is counted; moves of deliveries are counted only."""
    about = {"kind": "severe_weather", "title": "Storm", "mode": Mode.EXERCISE, "person": "author-1"}
    incident = incidents.declare(office.desk, **about).id
    for number in range(4):
        incidents.amend(office.desk, incident, "author-1", {"hazards": str(number)})
    with office.desk.store.write() as work:
        work.record("message.revised", incident=incident)
        work.record("delivery.moved", incident=incident)
    with office.desk.store.read() as work:
        few, many = timeline(work, incident, most=2), timeline(work, incident)
    assert few.kinds == {"delivery.moved": 1, "incident.amended": 4, "incident.declared": 1, "message.revised": 1}
    assert few.total == many.total == 7
    assert [line.facts["facts"] for line in few.entries] == [{"hazards": "2"}, {"hazards": "3"}]
    assert [line.kind for line in many.entries][::5] == ["incident.declared", "message.revised"]
