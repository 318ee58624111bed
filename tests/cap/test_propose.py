"""From an alert to a proposed incident, or to a refusal that says what to do instead."""

from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import LanguageText
from dispatcher.cap.alert import Alert
from dispatcher.cap.propose import CapRefused, Proposal, propose
from dispatcher.cap.validate import validate

NOW = datetime(2026, 11, 21, 18, 10, tzinfo=UTC)
EXPIRES = datetime(2026, 11, 22, tzinfo=UTC)
EARLIER = "alerts@wylan.example,wylan-2026-41,2026-11-21T17:00:00-00:00"


def alert_of(data: bytes) -> Alert:
    """The alert in a sound document."""
    report = validate(data)
    assert report.alert is not None, report.faults
    return report.alert


def proposed(data: bytes, **given: datetime) -> Proposal:
    """What a sound document proposes at ``NOW``."""
    return propose(alert_of(data), NOW, **given)


def refused(data: bytes, now: datetime = NOW, **given: datetime) -> CapRefused:
    """The refusal that a sound document meets."""
    with pytest.raises(CapRefused) as caught:
        propose(alert_of(data), now, **given)
    return caught.value


def two_languages(cap, **welsh: str | None) -> bytes:
    """One alert in English and Welsh."""
    info = {"language": "cy-GB", "headline": "Rhybudd llifogydd", "description": "Mae'r afon yn codi."} | welsh
    return cap.alert(cap.info(), cap.info(**{"instruction": "Symudwch i dir uwch."} | info))


def test_an_alert_proposes_what_it_says(cap) -> None:
    """Headline, codes, area, expiry, source and digest are the alert's."""
    data = cap.alert(cap.info(cap.area(circle="52.4,-4.05 3.5")))
    found = proposed(data)
    assert (found.headline, found.event) == ("Flood warning for the Wylan", "River flooding")
    assert (found.categories, found.urgency, found.severity, found.certainty) == (
        ("Met",),
        "Immediate",
        "Severe",
        "Likely",
    )
    assert (found.areas, found.polygons, found.circles) == (
        ("Lower Wylan valley",),
        (cap.square,),
        ("52.4,-4.05 3.5",),
    )
    assert (found.expires, found.live_allowed, found.notes) == (EXPIRES, True, ())
    assert (str(found.source), found.sha256) == (
        "alerts@wylan.example,wylan-2026-42,2026-11-21T18:05:00-00:00",
        alert_of(data).sha256,
    )


def test_an_alert_without_a_headline_is_headed_by_its_event(cap) -> None:
    """The event stands in, for the proposal and for the text."""
    found = proposed(cap.alert(cap.info(headline=None)))
    assert (found.headline, found.texts[0].headline) == ("River flooding", "River flooding")


def test_every_language_gets_its_own_text(cap) -> None:
    """English and Welsh stand in the order of the alert, word for word."""
    found = proposed(two_languages(cap))
    assert found.languages == ("en-GB", "cy-GB")
    assert found.texts[1] == LanguageText("cy-GB", "Rhybudd llifogydd", "Mae'r afon yn codi.", "Symudwch i dir uwch.")


def test_a_language_that_is_not_named_is_american_english(cap) -> None:
    """The standard's default is en-US, not the reader's own language."""
    assert proposed(cap.alert(cap.info(language=None))).languages == ("en-US",)


def test_of_several_blocks_in_one_language_the_first_is_taken_and_said_so(cap) -> None:
    """en-gb and en-GB are one language."""
    found = proposed(cap.alert(cap.info(), cap.info(language="en-gb", headline="Another")))
    assert (found.languages, found.headline) == (("en-GB",), "Flood warning for the Wylan")
    assert any("said again in a language" in note for note in found.notes)


def test_an_expired_block_speaks_for_no_language(cap) -> None:
    """The first block still in force is taken instead, and a language with none is named as left out."""
    old = "2026-11-21T18:10:00-00:00"
    infos = (cap.info(expires=old), cap.info(headline="Now"), cap.info(language="cy-GB", expires=old))
    found = proposed(cap.alert(*infos))
    assert (found.headline, found.languages) == ("Now", ("en-GB",))
    assert any(note.startswith("left out, expired") and "cy-GB" in note for note in found.notes)


def test_blocks_that_expire_apart_end_with_the_latest(cap) -> None:
    """The proposal holds as long as any language does, and says so."""
    found = proposed(two_languages(cap, expires="2026-11-22T03:00:00-00:00"))
    assert found.expires == EXPIRES + timedelta(hours=3)
    assert any("do not agree" in note for note in found.notes)


@pytest.mark.parametrize(("status", "live"), [("Actual", True), ("Exercise", False), ("Test", False)])
def test_only_an_actual_alert_may_become_live(cap, status: str, live: bool) -> None:
    """Exercise and Test propose exercises."""
    found = proposed(cap.alert(status=status))
    assert found.live_allowed is live
    assert any("exercise only" in note for note in found.notes) is not live


@pytest.mark.parametrize(
    ("changes", "code", "instead"),
    [
        ({"msgType": "Update", "references": EARLIER}, "update", "opened and correct it"),
        ({"msgType": "Cancel", "references": EARLIER}, "cancel", "withdraw its message"),
        ({"msgType": "Ack", "references": EARLIER}, "ack", "keep it with the alert"),
        ({"msgType": "Error", "references": EARLIER}, "error", "mend the alert it names"),
        ({"status": "System"}, "not-for-use", "status Actual"),
        ({"status": "Draft"}, "not-for-use", "status Actual"),
        ({"scope": "Restricted", "restriction": "staff"}, "not-public", "do not publish it"),
        ({"scope": "Private", "addresses": "a@b.example"}, "not-public", "do not publish it"),
    ],
)
def test_what_is_no_public_alert_is_refused_with_what_to_do(
    cap, changes: dict[str, str], code: str, instead: str
) -> None:
    """Each refusal has its code and its next step."""
    refusal = refused(cap.alert(**changes))
    assert (refusal.code, instead in refusal.next_step) == (code, True)


def test_an_alert_that_says_nothing_is_refused(cap) -> None:
    """No info is legal CAP and no message."""
    assert refused(cap.alert().replace(cap.info().encode(), b"")).code == "no-info"


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=900)])
def test_an_alert_is_expired_from_the_moment_it_names(cap, late: timedelta) -> None:
    """At its expiry an alert no longer holds, and the refusal says when that was."""
    refusal = refused(cap.alert(), EXPIRES + late)
    assert (refusal.code, "2026-11-22 00:00 UTC" in refusal.message) == ("expired", True)


def test_an_alert_holds_until_the_second_before_it_expires(cap) -> None:
    """One second earlier it proposes."""
    assert propose(alert_of(cap.alert()), EXPIRES - timedelta(seconds=1)).expires == EXPIRES


def test_a_missing_expiry_asks_for_a_valid_until(cap) -> None:
    """The refusal names the option."""
    refusal = refused(cap.alert(cap.info(expires=None)))
    assert (refusal.code, "--valid-until" in refusal.next_step) == ("no-expiry", True)


def test_a_valid_until_stands_in_for_a_missing_expiry(cap) -> None:
    """What the person gave is the expiry."""
    given = NOW + timedelta(hours=6)
    assert proposed(cap.alert(cap.info(expires=None)), valid_until=given).expires == given


@pytest.mark.parametrize(("hours", "expected_hours"), [(-1, -1), (1, 0)])
def test_a_valid_until_shortens_an_expiry_and_never_lengthens_it(cap, hours: int, expected_hours: int) -> None:
    """The earlier of the two holds, and a note says which."""
    found = proposed(cap.alert(), valid_until=EXPIRES + timedelta(hours=hours))
    assert found.expires == EXPIRES + timedelta(hours=expected_hours)
    assert len(found.notes) == 1


def test_a_valid_until_that_has_passed_is_refused(cap) -> None:
    """A message cannot be valid until before now."""
    assert refused(cap.alert(), valid_until=NOW).code == "valid-until-past"


@pytest.mark.parametrize(
    ("category", "kind"), [("Met", "severe_weather"), (("Safety", "Met"), "severe_weather"), ("Fire", "other_hazard")]
)
def test_weather_suggests_severe_weather(cap, category: str | tuple[str, ...], kind: str) -> None:
    """Anything else suggests another hazard."""
    assert proposed(cap.alert(cap.info(category=category))).suggested.kind == kind


@pytest.mark.parametrize(
    ("severity", "ours"),
    [("Unknown", "S1"), ("Minor", "S1"), ("Moderate", "S2"), ("Severe", "S3"), ("Extreme", "S4")],
)
def test_each_cap_severity_suggests_one_of_ours(cap, severity: str, ours: str) -> None:
    """The scale is monotone and Unknown is the lowest."""
    assert proposed(cap.alert(cap.info(severity=severity))).suggested.severity == ours


def test_a_circle_without_a_radius_is_left_out_and_said_so(cap) -> None:
    """Radius 0 is the event's point, not an audience."""
    found = proposed(cap.alert(cap.info(cap.area(polygon=None, circle=("52.4,-4.0 0", "52.4,-4.0 2")))))
    assert found.circles == ("52.4,-4.0 2",)
    assert any("radius 0" in note for note in found.notes)


def test_outlines_of_all_languages_are_taken_once(cap) -> None:
    """The same polygon in two languages is one polygon; another is added and said so."""
    other = cap.area(polygon="1,1 2,2 3,3 1,1")
    data = cap.alert(cap.info(), cap.info(cap.area(), other, language="cy-GB"))
    found = proposed(data)
    assert found.polygons == (cap.square, "1,1 2,2 3,3 1,1")
    assert any("outlines: compare them" in note for note in found.notes)


@pytest.mark.parametrize("welsh", [{"instruction": None}, {"severity": "Minor"}])
def test_languages_that_do_not_say_the_same_are_pointed_out(cap, welsh: dict[str, str | None]) -> None:
    """An officer is told before a reader notices."""
    (note,) = proposed(two_languages(cap, **welsh)).notes
    assert "the languages differ" in note


def test_a_missing_area_is_pointed_out(cap) -> None:
    """No area never means everywhere without a word."""
    assert proposed(cap.alert().replace(cap.area().encode(), b"")).notes == ("the alert names no area: add one",)
