"""What an Update or Cancel changes, as the person who has to act reads it."""

from __future__ import annotations

from dispatcher.cap.alert import Alert
from dispatcher.cap.changes import Change, changes
from dispatcher.cap.validate import validate
from tests.cap.conftest import CapBuilder, Values

ABOUT = "alerts@wylan.example,wylan-2026-41,2026-11-21T17:05:00-00:00"
FAR = "53.40,-4.10 53.40,-4.00 53.50,-4.00 53.40,-4.10"
WELSH = "cy-GB"


def read(data: bytes) -> Alert:
    """A sound alert."""
    alert = validate(data).alert
    assert alert is not None
    return alert


def changed(cap: CapBuilder, *areas: str, **fields: Values) -> tuple[Change, ...]:
    """What differs once the one block of an alert says this instead."""
    return changes(read(cap.alert()), read(cap.alert(cap.info(*areas, **fields), msgType="Update", references=ABOUT)))


def test_the_same_again_changes_nothing(cap: CapBuilder) -> None:
    """An Update may only say that it goes on."""
    assert changed(cap) == ()


def test_a_field_is_told_with_what_it_was_and_what_it_is(cap: CapBuilder) -> None:
    """In which language, too."""
    assert changed(cap, severity="Extreme") == (Change("severity", "en-GB", "Severe", "Extreme"),)


def test_a_time_is_told_to_the_minute(cap: CapBuilder) -> None:
    """In UTC, as everywhere."""
    (change,) = changed(cap, expires="2026-11-22T03:00:00-00:00")
    assert (change.before, change.after) == ("2026-11-22 00:00 UTC", "2026-11-22 03:00 UTC")


def test_what_was_taken_away_is_told_as_nothing(cap: CapBuilder) -> None:
    """A line without a word would read like a mistake."""
    assert changed(cap, instruction=None) == (Change("instruction", "en-GB", "Move to higher ground.", "–"),)


def test_fields_come_in_one_order_whatever_changed(cap: CapBuilder) -> None:
    """What decides about people comes before the long texts."""
    found = changed(cap, description="It has risen.", expires=None, event="Flood", urgency="Expected")
    assert [change.field for change in found] == ["event", "urgency", "expires", "description"]


def test_another_outline_under_the_same_name_is_told_without_its_numbers(cap: CapBuilder) -> None:
    """Nobody compares degrees in a line: how many shapes there are, and that they are others."""
    assert changed(cap, cap.area(polygon=FAR)) == (Change("outlines", "en-GB", "1 shapes", "1 other shapes"),)


def test_another_name_of_the_same_outline_is_a_change_of_area(cap: CapBuilder) -> None:
    """All names of a block in one line."""
    square = cap.square
    found = changed(cap, cap.area(areaDesc="Quay", polygon=square), cap.area(areaDesc="Old Town", polygon=square))
    assert found == (Change("area", "en-GB", "Lower Wylan valley", "Quay; Old Town"),)


def test_a_language_that_was_added_is_named(cap: CapBuilder) -> None:
    """What its block says was never compared with anything."""
    later = cap.alert(cap.info(), cap.info(language=WELSH), msgType="Update", references=ABOUT)
    assert changes(read(cap.alert()), read(later)) == (Change("language", WELSH, "–", "added"),)


def test_a_language_that_was_left_out_is_named(cap: CapBuilder) -> None:
    """Its readers still have the earlier text."""
    earlier = cap.alert(cap.info(), cap.info(language=WELSH))
    later = cap.alert(msgType="Update", references=ABOUT)
    assert changes(read(earlier), read(later)) == (Change("language", WELSH, "there", "left out"),)


def test_each_language_is_compared_with_itself(cap: CapBuilder) -> None:
    """Blocks may come in another order than before."""
    welsh = {"language": WELSH, "headline": "Rhybudd llifogydd"}
    earlier = cap.alert(cap.info(), cap.info(**welsh))
    later = cap.alert(cap.info(**welsh | {"severity": "Minor"}), cap.info(), msgType="Update", references=ABOUT)
    assert changes(read(earlier), read(later)) == (Change("severity", WELSH, "Severe", "Minor"),)


def test_a_cancel_withdraws_and_says_no_more(cap: CapBuilder) -> None:
    """Whatever its own text is."""
    cancel = cap.alert(cap.info(headline="It is over"), msgType="Cancel", references=ABOUT)
    assert changes(read(cap.alert()), read(cancel)) == (Change("message", "", "in force", "cancelled"),)
