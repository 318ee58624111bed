"""Alerts taken in: proposals, chains, and everything that is held or only recorded."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dispatcher.cap.profile import Profile
from dispatcher.cap.propose import propose
from dispatcher.cap.validate import validate
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents
from dispatcher.store import records
from tests.cap.signing import sender
from tests.service.alerts.conftest import Desk


def codes(row: object) -> list[str]:
    """The faults that were found."""
    return [fault["code"] for fault in row.found["faults"]]  # type: ignore[attr-defined]


def test_an_alert_proposes_an_incident_and_sends_nothing(desk: Desk) -> None:
    """It is proposed, not active, and says where it came from."""
    row = desk.take(desk.alert()).row
    with desk.office.desk.store.read() as work:
        made = records.incident(work, row.incident)
    assert (row.standing, made.state, made.title) == ("opened", "proposed", "Flood warning for the Wylan")
    assert (made.declared_by, made.source["cap_identifier"]) == ("relay", "wylan-1")
    assert [line.kind for line in desk.office.ledger("cap.received", "incident.declared")] == [
        "incident.declared",
        "cap.received",
    ]


def test_the_same_alert_again_is_the_one_that_is_there(desk: Desk) -> None:
    """Replayed, or signed once more, it opens nothing and records nothing."""
    data = desk.alert()
    first = desk.take(data)
    assert [desk.take(one).row.id for one in (data, sender().sign(data))] == [first.row.id] * 2
    assert len(desk.office.ledger("cap.received")) == 1


def test_the_exact_bytes_and_the_senders_own_strings_are_kept(desk: Desk) -> None:
    """Whoever refers to it refers to these."""
    data = desk.alert()
    row = desk.take(data).row
    assert (row.data, row.sent) == (data, desk.time())


def test_a_chain_of_updates_ends_in_a_cancel(desk: Desk) -> None:
    """Alert, Update, Update, Cancel: one incident, each later one a prompt that says what changed."""
    opened = desk.take(desk.alert()).row
    desk.later()
    first = desk.take(desk.alert(2, about=desk.name(opened), msgType="Update", severity="Extreme")).row
    desk.later()
    names = f"{desk.name(opened)} {desk.name(first)}"
    second = desk.take(desk.alert(3, about=names, msgType="Update", severity="Extreme", ends=600)).row
    desk.later()
    cancel = desk.take(desk.alert(4, about=f"{names} {desk.name(second)}", msgType="Cancel")).row
    rows = (first, second, cancel)
    assert {row.incident for row in rows} == {opened.incident}
    assert [row.standing for row in rows] == ["attached"] * 3
    assert [row.parent for row in rows] == [opened.id, first.id, second.id]
    assert {change["field"] for change in first.found["changes"]} == {"severity", "expires"}
    assert [change["field"] for change in second.found["changes"]] == ["expires"]
    assert cancel.found["changes"][0]["after"] == "cancelled"


def test_a_reference_is_matched_by_its_instant(desk: Desk) -> None:
    """The same moment may be written with another offset."""
    opened = desk.take(desk.alert()).row
    name = f"{opened.sender},{opened.identifier},{opened.sent.replace('-00:00', '+00:00')}"
    desk.later()
    assert desk.take(desk.alert(2, about=name, msgType="Update")).row.incident == opened.incident


def test_a_cancel_after_expiry_is_still_a_prompt(desk: Desk) -> None:
    """What was published may still stand."""
    opened = desk.take(desk.alert(ends=10)).row
    desk.later(60)
    cancel = desk.alert(2, about=desk.name(opened), msgType="Cancel")
    assert desk.take(re.sub(rb"<info>.*</info>", b"", cancel, flags=re.DOTALL)).row.standing == "attached"


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_an_unknown_parent_is_held_and_opens_nothing(desk: Desk, kind: str) -> None:
    """An importer elsewhere took such a Cancel for a new alert."""
    about = f"alerts@wylan.example,wylan-0,{desk.time(-5)}"
    row = desk.take(desk.alert(about=about, msgType=kind)).row
    assert (row.standing, row.incident, codes(row)) == ("held", None, ["parent-unknown"])


def test_a_reference_to_another_sender_is_held(desk: Desk) -> None:
    """Nobody cancels what somebody else said."""
    opened = desk.take(desk.alert()).row
    desk.later()
    row = desk.take(desk.alert(2, about=desk.name(opened), msgType="Cancel", sender="other@example.org")).row
    assert row.standing == "held"
    assert "foreign-reference" in codes(row)


def test_what_was_signed_is_not_changed_by_what_is_not(desk: Desk, strict: Profile) -> None:
    """An unsigned Cancel from another source, in the sender's name, waits for a person."""
    opened = desk.take(sender().sign(desk.alert()), profile=strict).row
    desk.later()
    row = desk.take(desk.alert(2, about=desk.name(opened), msgType="Cancel")).row
    assert (opened.signer, row.standing, codes(row)) == ("CN=Wylan alerts", "held", ["signer-differs"])


def test_an_identifier_that_says_something_else_is_held(desk: Desk) -> None:
    """Whichever is right, somebody must ask."""
    desk.take(desk.alert())
    row = desk.take(desk.alert(headline="All clear on the Wylan")).row
    assert (row.standing, codes(row)) == ("held", ["identifier-reused"])


def test_an_alert_of_several_incidents_is_held(desk: Desk) -> None:
    """Which of them it changes, a person says."""
    rows = [desk.take(desk.alert(number)).row for number in (1, 2)]
    desk.later()
    row = desk.take(desk.alert(3, about=" ".join(map(desk.name, rows)), msgType="Update")).row
    assert (row.standing, codes(row)) == ("held", ["parents-differ"])


def test_what_expired_is_recorded_and_not_opened(desk: Desk) -> None:
    """It is kept, and asks for nothing."""
    data = desk.alert(ends=10)
    desk.later(11)
    row = desk.take(data).row
    assert (row.standing, row.incident, codes(row)) == ("recorded", None, ["expired"])


def test_an_alert_without_expiry_is_held(desk: Desk) -> None:
    """A person says until when."""
    assert desk.take(desk.alert(ends=None)).row.standing == "held"


@pytest.mark.parametrize("status", ["Exercise", "Test"])
def test_a_drill_opens_an_exercise_and_nothing_live(desk: Desk, status: str) -> None:
    """Its status decides, end to end."""
    data = desk.alert(status=status, note="Exercise Wylan")
    live, drill = desk.take(data, Mode.LIVE).row, desk.take(data, Mode.EXERCISE).row
    assert (live.standing, live.incident, codes(live)) == ("recorded", None, ["drill"])
    assert drill.standing == "opened"


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"status": "Draft"}, "not-for-use"), ({"scope": "Private", "addresses": "a@example.org"}, "not-public")],
)
def test_what_is_not_for_acting_upon_is_recorded(desk: Desk, fields: dict[str, str], code: str) -> None:
    """A draft and a private alert open nothing."""
    row = desk.take(desk.alert(**fields)).row
    assert (row.standing, codes(row)) == ("recorded", [code])


@pytest.mark.parametrize("kind", ["Ack", "Error"])
def test_an_acknowledgement_is_stored_only(desk: Desk, kind: str) -> None:
    """It asks nobody for anything."""
    about = f"alerts@wylan.example,wylan-0,{desk.time(-5)}"
    assert desk.take(desk.alert(about=about, msgType=kind)).row.standing == "recorded"


def test_what_is_refused_is_recorded_without_its_bytes(desk: Desk, strict: Profile) -> None:
    """A source that is not believed fills no disk."""
    row = desk.take(desk.alert(), profile=strict).row
    assert (row.standing, row.data, codes(row)) == ("refused", None, ["signature-missing"])


def test_what_was_refused_may_come_again_and_be_believed(desk: Desk, strict: Profile) -> None:
    """A copy without its signature keeps the signed alert from nothing, whichever came first."""
    data = desk.alert()
    assert desk.take(data, profile=strict).row.standing == "refused"
    assert desk.take(sender().sign(data), profile=strict).row.standing == "opened"


def test_the_same_bytes_are_judged_again_once_a_certificate_is_pinned(desk: Desk, strict: Profile) -> None:
    """What was refused for that alone then opens."""
    data = sender().sign(desk.alert())
    assert desk.take(data, profile=replace(strict, certificates=())).row.standing == "refused"
    assert desk.take(data, profile=strict).row.standing == "opened"
    assert len(desk.office.ledger("cap.received")) == 2


def test_what_is_no_alert_is_not_filed(desk: Desk) -> None:
    """It has no name to be filed under; its faults are told."""
    taken = desk.take(b"<html/>")
    assert taken.row is None
    assert taken.report.faults[0].code == "not-cap"


def test_an_update_finds_the_incident_that_a_person_declared_from_a_file(desk: Desk) -> None:
    """Such an incident keeps the names of its alert."""
    alert = validate(desk.alert()).alert
    assert alert is not None
    proposal = propose(alert, desk.office.clock.now)
    made = incidents.propose(desk.office.desk, proposal, mode=Mode.EXERCISE, person="author-1")
    desk.later()
    row = desk.take(desk.alert(2, about=str(alert.source), msgType="Update")).row
    assert (row.standing, row.incident) == ("attached", made.id)
