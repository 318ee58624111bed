"""People's decisions about alerts that wait, and what status shows until then."""

from __future__ import annotations

import pytest

from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.lifecycle import IncidentState, Standing
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents, watching
from dispatcher.service.alerts import deciding, waiting
from dispatcher.service.alerts.deciding import Known
from dispatcher.service.releasing import release
from dispatcher.service.taking_back import take_back
from dispatcher.store import cap_alerts, records
from tests.service.alerts.conftest import Desk


def waits(desk: Desk) -> list[waiting.Waits]:
    """What waits now."""
    with desk.office.desk.store.read() as work:
        return waiting.found(work)


def state(desk: Desk, incident: str) -> str:
    """Where an incident stands."""
    with desk.office.desk.store.read() as work:
        return str(records.incident(work, incident).state)


def test_a_held_alert_proposes_once_it_is_accepted(desk: Desk) -> None:
    """For as long as its profile says where it does not."""
    row = desk.take(desk.alert(ends=None)).row
    assert [one.what for one in waits(desk)] == ["held for a person"]
    made = deciding.accept(desk.office.desk, row.id, "author-1", "the agency was rung")
    with desk.office.desk.store.read() as work:
        expires = records.incident(work, made.incident).facts["expires"]
    assert (made.standing, made.decided_by, made.reason) == ("opened", "author-1", "the agency was rung")
    assert str(expires).startswith(desk.time(360)[:16])
    assert waits(desk) == []
    assert [line.kind for line in desk.office.ledger("cap.accepted")] == ["cap.accepted"]


def test_a_dismissed_alert_does_not_count(desk: Desk) -> None:
    """It opens nothing, and nobody decides twice."""
    row = desk.take(desk.alert(ends=None)).row
    assert deciding.dismiss(desk.office.desk, row.id, "author-1", "a test of theirs").incident is None
    with pytest.raises(Invalid, match="waits for nobody"):
        deciding.accept(desk.office.desk, row.id, "author-1", "after all")


def test_a_decision_has_a_reason(desk: Desk) -> None:
    """Spaces are none."""
    row = desk.take(desk.alert(ends=None)).row
    with pytest.raises(Invalid, match="reason"):
        deciding.accept(desk.office.desk, row.id, "author-1", "  ")


def test_a_held_alert_that_expired_meanwhile_opens_nothing(desk: Desk) -> None:
    """Accepting does not outlive its source."""
    row = desk.take(desk.alert(ends=30, note="drill")).row
    assert row.standing == "held"
    desk.later(31)
    with pytest.raises(Forbidden, match="expired"):
        deciding.accept(desk.office.desk, row.id, "author-1", "go on")


def test_an_orphan_is_attached_where_a_person_says(desk: Desk) -> None:
    """A held Update without a known parent needs the incident named, one of its own mode."""
    about = f"alerts@wylan.example,wylan-0,{desk.time(-5)}"
    row = desk.take(desk.alert(about=about, msgType="Update")).row
    live = incidents.declare(desk.office.desk, kind="severe_weather", title="A", mode=Mode.LIVE, person="author-1")
    mine = incidents.declare(
        desk.office.desk, kind="severe_weather", title="B", mode=Mode.EXERCISE, person="author-1"
    )
    with pytest.raises(Invalid, match="which incident"):
        deciding.accept(desk.office.desk, row.id, "author-1", "asked")
    with pytest.raises(Forbidden, match="live"):
        deciding.accept(desk.office.desk, row.id, "author-1", "asked", Known(live.id))
    made = deciding.accept(desk.office.desk, row.id, "author-1", "asked", Known(mine.id))
    assert (made.standing, made.incident) == ("attached", mine.id)


def test_a_prompt_says_what_changed_and_what_to_type(desk: Desk) -> None:
    """Field by field, and by how far the message has come; status shows it as an alarm."""
    opened = desk.take(desk.alert()).row
    incidents.activate(desk.office.desk, opened.incident, "author-1")
    desk.later()
    update = desk.take(desk.alert(2, about=desk.name(opened), msgType="Update", severity="Extreme", ends=359)).row
    (prompt,) = waits(desk)
    assert "severity Severe → Extreme" in prompt.about
    assert update.id in prompt.about
    assert prompt.command == f"dispatcher incident amend {opened.incident}"
    with desk.office.desk.store.read() as work:
        alarms = watching.alarms(desk.office.desk, work)
    assert [(one.alarm, one.look) for one in alarms] == [("not acted upon", prompt.command)]
    deciding.accept(desk.office.desk, update.id, "author-1", "the message says so now")
    assert waits(desk) == []


def test_a_cancel_closes_what_nobody_activated(desk: Desk) -> None:
    """Accepted, it ends a proposal; the prompt is gone."""
    opened = desk.take(desk.alert()).row
    desk.later()
    cancel = desk.take(desk.alert(2, about=desk.name(opened), msgType="Cancel")).row
    (prompt,) = waits(desk)
    assert prompt.command == f"dispatcher cap accept {cancel.id} --reason TEXT"
    deciding.accept(desk.office.desk, cancel.id, "author-1", "cancelled by its sender")
    assert (state(desk, opened.incident), waits(desk)) == ("closed", [])


def test_a_cancel_of_an_active_incident_asks_to_stand_down(desk: Desk) -> None:
    """Nothing was published yet: there is nothing to withdraw."""
    opened = desk.take(desk.alert()).row
    incidents.activate(desk.office.desk, opened.incident, "author-1")
    desk.later()
    desk.take(desk.alert(2, about=desk.name(opened), msgType="Cancel"))
    assert [one.command for one in waits(desk)] == [f"dispatcher incident stand-down {opened.incident}"]


@pytest.mark.parametrize(("kind", "verb"), [("Update", "correct"), ("Cancel", "withdraw")])
def test_what_was_published_is_corrected_or_withdrawn(desk: Desk, kind: str, verb: str) -> None:
    """Once a plan was released, the prompt names the way back and its plan; before, the message."""
    office = desk.office
    office.account("webhook")
    plan = office.approved()
    with office.desk.store.read() as work:
        stored = records.plan(work, plan)
    about = f"alerts@wylan.example,wylan-0,{desk.time(-5)}"
    row = desk.take(desk.alert(about=about, msgType=kind)).row
    deciding.accept(office.desk, row.id, "author-1", "asked", Known(stored.plan.incident))
    before = {
        "Update": f"dispatcher message edit {stored.message}",
        "Cancel": f"dispatcher incident stand-down {stored.plan.incident}",
    }
    assert [one.command for one in waits(desk)] == [before[kind]]
    release(office.desk, plan, office.pen("director-1"))
    assert [one.command for one in waits(desk)] == [f"dispatcher {verb} {plan[:12]}"]


def test_what_a_person_decided_meanwhile_is_not_written_over(desk: Desk) -> None:
    """The same bytes come again and are judged better, a moment too late."""
    row = desk.take(desk.alert(ends=None)).row
    deciding.dismiss(desk.office.desk, row.id, "author-1", "a test of theirs")
    with desk.office.desk.store.write() as work:
        assert not cap_alerts.add(work, {"id": row.id, "standing": "recorded"}, "relay", again=True)
    assert desk.row(row.id).standing == "dismissed"


def test_the_store_makes_no_move_that_is_not_in_the_lifecycle(desk: Desk) -> None:
    """Whoever asks: what was recorded asks for nothing, and nobody answers it."""
    row = desk.take(desk.alert(ends=-1)).row
    assert row.standing == "recorded"
    with desk.office.desk.store.write() as work, pytest.raises(Invalid, match="cannot be answered"):
        cap_alerts.decide(work, row, Standing.ANSWERED, "author-1", "done")


@pytest.mark.parametrize(
    ("kind", "text", "then"),
    [
        ("Update", TextKind.CORRECT, "dispatcher cap accept {alert} --reason TEXT"),
        ("Cancel", TextKind.WITHDRAW, "dispatcher incident stand-down {incident}"),
    ],
)
def test_once_it_was_done_the_prompt_names_what_is_left_to_do(
    desk: Desk, kind: str, text: TextKind, then: str
) -> None:
    """It does not ask for a second correction, nor to withdraw what was withdrawn."""
    office = desk.office
    office.account("webhook")
    plan = office.approved()
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    row = desk.take(desk.alert(about=f"alerts@wylan.example,wylan-0,{desk.time(-5)}", msgType=kind)).row
    deciding.accept(office.desk, row.id, "author-1", "asked", Known(incident))
    release(office.desk, plan, office.pen("director-1"))
    desk.later()
    take_back(office.desk, plan, text, office.pen("director-1"))
    assert [one.command for one in waits(desk)] == [then.format(alert=row.id, incident=incident)]


def prompted(desk: Desk, kind: str) -> str:
    """An incident that a message of this kind, ending in half an hour, asks to act upon."""
    opened = desk.take(desk.alert()).row
    incidents.activate(desk.office.desk, opened.incident, "author-1")
    desk.later()
    desk.take(desk.alert(2, about=desk.name(opened), msgType=kind, ends=30))
    assert len(waits(desk)) == 1
    return str(opened.incident)


@pytest.mark.parametrize(("kind", "left"), [("Update", 0), ("Cancel", 1)])
def test_what_has_itself_expired_waits_for_nobody_but_a_cancel_does(desk: Desk, kind: str, left: int) -> None:
    """What an Update said is over; what a Cancel takes back may still stand."""
    prompted(desk, kind)
    desk.later(31)
    assert len(waits(desk)) == left


def test_a_held_alert_without_expiry_waits_until_somebody_decides(desk: Desk) -> None:
    """Nobody knows when it is over."""
    desk.take(desk.alert(ends=None))
    desk.later(7 * 24 * 60)
    assert [one.what for one in waits(desk)] == ["held for a person"]


def test_a_closed_incident_has_no_prompts(desk: Desk) -> None:
    """Nobody acts for it any more."""
    incident = prompted(desk, "Cancel")
    with desk.office.desk.store.write() as work:
        records.move_incident(work, incident, IncidentState.ACTIVE, IncidentState.STOOD_DOWN)
        records.move_incident(work, incident, IncidentState.STOOD_DOWN, IncidentState.CLOSED)
    assert waits(desk) == []
