"""Words that want a second look, and what a complete warning says."""

from __future__ import annotations

import pytest

from dispatcher.wording import Weight, flags
from tests.wording.support import codes, found, text


@pytest.mark.parametrize(
    "drill",
    [
        "EXERCISE. Stay in.",
        "This is a test. Stay in.",
        "This is only an exercise.",
        "Test message: stay in.",
        "YMARFER. Arhoswch dan do.",
        "Ymarfer yw hwn.",
    ],
)
def test_a_word_of_an_exercise_refuses_a_live_text(drill: str) -> None:
    """In an exercise it is welcome."""
    tag = "cy" if "marfer" in drill.lower() else "en-GB"
    assert [one.weight for one in found(text(drill, tag)) if one.code == "drill_word"] == [Weight.REFUSE]
    assert "drill_word" not in codes(text(drill, tag), exercise=True)


@pytest.mark.parametrize("plain", ["Do not exercise outdoors.", "Oil drilling stopped.", "Test your alarm."])
def test_the_same_words_of_everyday_life_do_not(plain: str) -> None:
    """Nobody is kept from warning of the heat."""
    assert "drill_word" not in codes(text(plain))


@pytest.mark.parametrize(
    ("real", "tag"), [("This is not a drill.", "en-GB"), ("Nid ymarfer yw hwn.", "cy"), ("This is real.", "en")]
)
def test_an_exercise_never_says_that_it_is_real(real: str, tag: str) -> None:
    """As the drill of Hawaii did; a live text may say so."""
    assert [one.weight for one in found(text(real, tag), exercise=True) if one.code == "not_a_drill"] == [
        Weight.REFUSE
    ]
    assert codes(text(real, tag)) == set()


@pytest.mark.parametrize(
    ("worded", "tag", "flag"),
    [
        ("Two men were arrested.", "en-GB", "arrest"),
        ("A man was charged with arson.", "en-GB", "arrest"),
        ("Mae dyn wedi'i arestio, ac arestiwyd un arall.", "cy", "arrest"),
        ("These thugs will pay.", "en-GB", "arrest"),
        ("The suspect is Alex Example.", "en-GB", "named_suspect"),
        ("Alex Example, 20, was arrested.", "en-GB", "named_suspect"),
        ("12 people are dead.", "en-GB", "unverified_count"),
        ("Dozens of people were injured.", "en-GB", "unverified_count"),
        ("Mae 12 o bobl wedi marw.", "cy", "unverified_count"),
    ],
)
def test_legal_words_raise_their_flag(worded: str, tag: str, flag: str) -> None:
    """Each advises, and none refuses."""
    said = found(text(worded, tag))
    assert flag in flags(said)
    assert {one.weight for one in said} == {Weight.ADVISE}


@pytest.mark.parametrize(
    "worded",
    [
        "Charge your telephone now.",
        "The Metropolitan Police suspect that gas escaped.",
        "Police say that 12 people are dead.",
        "Keep 2 metres away. Nobody is hurt.",
        "The attackers left Station Road.",
    ],
)
def test_words_like_them_do_not(worded: str) -> None:
    """A battery is charged, and a count with a source is verified."""
    assert flags(found(text(worded))) == ()


@pytest.mark.parametrize(
    ("worded", "code"),
    [("Rioters face prison.", "prison"), ("This multi-agency response is ongoing.", "jargon"), ("Stay in.", "")],
)
def test_talk_of_prison_and_of_offices_advises(worded: str, code: str) -> None:
    """Talk of prison is checked against what courts did; office language is said in plain words."""
    assert codes(text(worded)) == ({code} if code else set())


COMPLETE = "Example City Council: flooding is expected in Lower Town until 18:00. Move upstairs."


@pytest.mark.parametrize(
    ("body", "about", "lacking"),
    [
        (COMPLETE, {}, set()),
        (COMPLETE.replace("Example City Council: ", ""), {}, {"no_source"}),
        (COMPLETE.replace("flooding", "trouble"), {}, {"no_hazard"}),
        (COMPLETE.replace("Lower Town", "the valley"), {}, {"no_location"}),
        (COMPLETE.replace(" until 18:00", ""), {}, {"no_time"}),
        (COMPLETE.replace(" Move upstairs.", ""), {}, {"no_guidance"}),
        (COMPLETE, {"link": None}, {"no_link"}),
        (f"{COMPLETE} https://www.gov.uk/floods", {"link": None}, set()),
    ],
)
def test_an_incomplete_warning_says_what_it_lacks(body: str, about: dict[str, str], lacking: set[str]) -> None:
    """Source, hazard, location, time, guidance and link: what is missing makes people search."""
    assert {one.code for one in found(text(body), **about)} == lacking
    assert {one.weight for one in found(text(body), **about)} <= {Weight.ADVISE}
