"""What cannot become a CAP alert."""

from dataclasses import replace

import pytest

from channels.cap_feed import rules
from channels.cap_feed.adapter import Adapter
from channels.contract import Part, RenderError

BASE = "52.1,-3.2 52.2,-3.2 52.2,-3.1"


def test_a_good_rendering_has_no_faults(feed):
    """The message that all tests start from is sendable."""
    assert rules.faults(feed.job("d-1").rendering) == []


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("sender", "two words", "sender"),
        ("sender", "a,b", "sender"),
        ("category", ["Weather"], "category"),
        ("category", [], "category"),
        ("urgency", "immediate", "urgency"),
        ("severity", "", "severity"),
        ("certainty", "Sure", "certainty"),
        ("event", " ", "event"),
        ("expires", "2026-11-21T18:00:00Z", "expires"),
        ("area", [], "area"),
        ("polygons", [BASE], "polygon"),
        ("polygons", [f"{BASE} 52.1,-3.3"], "polygon"),
        ("polygons", [f"91.0,0 {BASE} 91.0,0"], "polygon"),
        ("polygons", [f"nan,0 {BASE} nan,0"], "polygon"),
        ("circles", ["52.1,-3.2"], "circle"),
        ("circles", ["52.1,-181 3"], "circle"),
        ("status", "Test", "status"),
        ("status", "Exercise", "exercise"),
        ("note", "bell \x07", "invisible character"),
        ("infos", "none", "infos"),
        ("web", None, "web"),
    ],
)
def test_a_fault_is_named(feed, altered, option, value, says):
    """Each rule that CAP's schema leaves open is refused by name."""
    faults = rules.faults(altered(feed.job("d-1"), **{option: value}).rendering)
    assert any(says in fault for fault in faults)


def test_texts_that_differ_from_the_parts_are_refused(feed):
    """People sign the parts, so an alert with other words must not go out."""
    rendering = feed.job("d-1").rendering
    other = replace(rendering, parts=(Part("en", "All is well."), rendering.parts[1]))
    assert any("differ" in fault for fault in rules.faults(other))


def test_an_actual_alert_with_exercise_words_is_refused(feed, make_content, altered):
    """Readers would take it for a drill."""
    job = altered(feed.job("d-1", make_content(exercise=True)), status="Actual")
    assert any("drill" in fault for fault in rules.faults(job.rendering))


def test_a_missing_language_is_refused(feed, make_content):
    """Every language of the account must be in the message."""
    message = make_content()
    with pytest.raises(RenderError, match="posts in cy"):
        Adapter.render(replace(message, texts=message.texts[:1]), feed.account)


def test_a_missing_cap_code_is_refused(feed, make_content):
    """A code is never made up: the officer is told which one is missing."""
    with pytest.raises(RenderError, match="certainty"):
        Adapter.render(replace(make_content(), cap={**make_content().cap, "certainty": ""}), feed.account)


def test_a_message_without_a_place_is_refused(feed, make_content):
    """No area never means everywhere."""
    with pytest.raises(RenderError, match="no area"):
        Adapter.render(replace(make_content(), area=()), feed.account)


def test_an_exercise_says_so_in_every_text(feed, make_content):
    """Each part begins with the mark, and the status is Exercise."""
    rendering = Adapter.render(make_content(exercise=True), feed.account)
    assert all(part.text.startswith("EXERCISE EXERCISE EXERCISE") for part in rendering.parts)
    assert rendering.options["status"] == "Exercise"
