"""Two languages tell the public the same, or nothing is submitted."""

from __future__ import annotations

import pytest

from dispatcher.wording import Weight
from tests.wording.support import codes, found, refused, text


@pytest.mark.parametrize(
    ("english", "welsh"),
    [
        ("Stay in from 6pm.", "Arhoswch dan do o 6yh."),
        ("Stay in from 6.30pm.", "Arhoswch dan do o 18:30."),
        ("Closed until midday.", "Ar gau tan ganol dydd."),
        ("Call at 3 o'clock in the afternoon.", "Ffoniwch am 3 o'r gloch y prynhawn."),
        ("It begins on 21 November.", "Mae'n dechrau ar 21 Tachwedd."),
        ("It begins on Tuesday 10 November.", "Mae'n dechrau ddydd Mawrth 10 Tachwedd."),
        ("It begins on 3 March.", "Mae'n dechrau ar 3 Fawrth."),
        ("Three roads are closed.", "Mae tair ffordd ar gau."),
        ("There are 3 roads closed.", "Mae tair ffordd ar gau."),
        ("1,500 homes have no power.", "Does dim trydan gan 1500 o gartrefi."),
        ("Call 0345 988 1188.", "Ffoniwch 0345 9881188."),
        ("Call +44 345 988 1188.", "Ffoniwch 0345 988 1188."),
        ("See https://gov.wales/floods.", "Gweler https://llyw.cymru/llifogydd."),
        ("Stay in tonight.", "Arhoswch dan do heno."),
    ],
)
def test_one_fact_said_in_each_languages_way_is_one_fact(english: str, welsh: str) -> None:
    """Times, dates, numbers, telephones and pages are compared as what they mean."""
    assert refused(english, welsh) == {}


@pytest.mark.parametrize(
    ("english", "welsh", "code", "words"),
    [
        ("Stay in from 6pm.", "Arhoswch dan do o 7yh.", "times_differ", "18:00 in en-GB only; 19:00 in cy only"),
        ("Stay in from 6pm.", "Arhoswch dan do o 6yb.", "times_differ", "18:00 in en-GB only; 06:00 in cy only"),
        ("On 21 November.", "Ar 12 Tachwedd.", "dates_differ", "21/11 in en-GB only; 12/11 in cy only"),
        ("On 10 March.", "Ar 10 Mai.", "dates_differ", "10/3 in en-GB only; 10/5 in cy only"),
        ("Move 30 metres away.", "Symudwch 300 metr i ffwrdd.", "numbers_differ", "30 in en-GB only; 300 in cy only"),
        ("In an emergency call 999.", "Ffoniwch mewn argyfwng.", "numbers_differ", "999 in en-GB only"),
        ("Call 0345 988 1188.", "Ffoniwch 0345 988 1189.", "phones_differ", "03459881188 in en-GB only; "),
        ("See https://www.gov.uk/a.", "Gweler https://www.gov.uk/b.", "links_differ", "gov.uk/a in en-GB only; "),
        ("Stay in on Saturday.", "Arhoswch dan do ddydd Sul.", "days_differ", "Saturday against Sunday"),
        ("Stay in tonight.", "Arhoswch dan do yfory.", "days_differ", "tonight against tomorrow"),
        ("Stay in the house now.", "Stay in the house now.", "same_text", "Stay in the house now."),
    ],
)
def test_a_fact_that_differs_refuses(english: str, welsh: str, code: str, words: str) -> None:
    """And the remark says which, and where it stands."""
    said = refused(english, welsh)
    assert set(said) == {code}
    assert said[code].startswith(words)


def test_what_differs_is_named_with_the_language_that_lacks_it() -> None:
    """A third language is compared with the first, too."""
    texts = (text("Move 30 metres away."), text("Symudwch 30 metr.", "cy"), text("Odsuń się na 40 metrów.", "pl"))
    refusing = [one for one in found(*texts) if one.weight is Weight.REFUSE]
    assert [(one.language, one.words) for one in refusing] == [("pl", "30 in en-GB only; 40 in pl only")]


@pytest.mark.parametrize(
    ("welsh", "said"),
    [("Rhaid i chi aros yn Lower Town.", set()), ("Arhoswch yn Lower Town.", {"modality_differs"})],
)
def test_must_in_one_language_alone_advises(welsh: str, said: set[str]) -> None:
    """A duty that half the readers do not hear of."""
    assert codes(text("You must stay in Lower Town."), text(welsh, "cy")) == said


@pytest.mark.parametrize(("welsh", "said"), [("Yng Nghaerdydd.", set()), ("Yn y ddinas.", {"places_differ"})])
def test_a_place_is_known_by_its_name_in_either_language(welsh: str, said: set[str]) -> None:
    """Mutated too; one that is missing advises."""
    assert codes(text("In Cardiff."), text(welsh, "cy"), area=("Cardiff",)) == said
