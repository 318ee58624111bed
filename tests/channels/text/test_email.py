"""E-mails per language: subjects, and what cannot be sent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels.contract import Account, Content, DeliveryKind, Json, LanguageText, Part, Rendering
from channels.text import email_faults, emails, subject_of

ENGLISH = LanguageText("en", " Cafe\u0301\n  closed ", "Keep out.")
WELSH = LanguageText("cy", "Caffi ar gau", "Cadwch draw.")
CONTENT = Content(DeliveryKind.PUBLISH, (ENGLISH, WELSH), datetime(2026, 11, 22, tzinfo=UTC), "City", exercise=False)
ACCOUNT = Account("p", "press_email", "Press", ("cy", "en"))


def mail(subject: str = "River", text: str = "Move.", language: str = "en", *, exercise: bool = False) -> Rendering:
    """A rendering of one e-mail."""
    options: dict[str, Json] = {"exercise": exercise, "subjects": {language: subject}}
    return Rendering("press_email", "p", DeliveryKind.PUBLISH, (Part(language, text),), options)


def with_subjects(subjects: Json) -> Rendering:
    """A rendering with something else where its subjects stand."""
    return replace(mail(), options={"subjects": subjects})


def test_each_language_has_an_e_mail_of_its_own_with_the_headline_as_its_subject() -> None:
    """In the account's order; a subject is one line of NFC."""
    assert emails(CONTENT, ACCOUNT) == (
        (Part("cy", "Caffi ar gau\n\nCadwch draw."), Part("en", "Café\n  closed\n\nKeep out.")),
        {"cy": "Caffi ar gau", "en": "Café closed"},
    )


def test_an_exercise_begins_its_subject_by_saying_so() -> None:
    """Subjects are what a list of e-mails shows."""
    _, subjects = emails(replace(CONTENT, exercise=True), ACCOUNT)
    assert subjects == {"cy": "EXERCISE: Caffi ar gau", "en": "EXERCISE: Café closed"}


@pytest.mark.parametrize(
    ("rendering", "subject"),
    [
        (mail("Afon yn codi"), "Afon yn codi"),
        (mail(language="cy"), None),
        (with_subjects(["River"]), None),
        (with_subjects({"en": 3}), None),
    ],
)
def test_a_subject_is_the_text_that_stands_under_its_language(rendering: Rendering, subject: str | None) -> None:
    """Whatever else stands there is no subject."""
    assert subject_of(rendering, "en") == subject


@pytest.mark.parametrize(
    "rendering",
    [
        mail("ŵ" * 250, "ŵ" * 10_000),
        mail(language="en-GB"),
        mail("EXERCISE: River", "EXERCISE EXERCISE EXERCISE\n\nRiver", exercise=True),
    ],
)
def test_what_can_be_sent_has_no_fault(rendering: Rendering) -> None:
    """500 bytes of a subject and 20,000 of a text still can."""
    assert email_faults(rendering) == []


@pytest.mark.parametrize(
    ("rendering", "fault"),
    [
        (mail(" "), "en: there is no subject"),
        (with_subjects({}), "en: there is no subject"),
        (mail("ŵ" * 250 + "a"), "en: the subject has 501 bytes, 500 fit"),
        (mail("River\nrising"), "en: subject: a line break"),
        (mail("River\u202e"), "en: subject: invisible character U+202E"),
        (mail("River\ud800"), "en: subject: invisible character U+D800"),
        (mail(language="en_GB"), "en_GB: the language is no tag"),
        (mail(text=" \n"), "en: the text is empty"),
        (mail(text="ŵ" * 10_000 + "a"), "en: the text has 20001 bytes, 20000 fit"),
        (mail(text="Move\u200b."), "en: invisible character U+200B"),
        (mail("EXERCISE: River"), "en: an exercise, and nothing else"),
        (mail(text="EXERCISE EXERCISE EXERCISE"), "en: an exercise, and nothing else"),
        (mail("EXERCISE: River", exercise=True), "en: an exercise, and nothing else"),
        (mail(text="EXERCISE EXERCISE EXERCISE", exercise=True), "en: an exercise, and nothing else"),
        (replace(mail(), parts=()), "there is no text"),
    ],
)
def test_what_cannot_be_sent_as_written_is_told_by_its_one_fault(rendering: Rendering, fault: str) -> None:
    """With the language that it is in, and what to change."""
    (told,) = email_faults(rendering)
    assert told.startswith(fault)
