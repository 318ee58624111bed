"""An e-mail per language: a subject and a text.

The headline is the subject and also begins the text, for a subject is cut by whoever shows it. In a rendering the
subjects stand under the option ``subjects``, by language.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from channels.capabilities import Unit
from channels.contract import Account, Content, Json, LanguageText, Part, Rendering
from channels.text.counting import length
from channels.text.invisible import check_text
from channels.text.post import EXERCISE_LINE, one_post, texts_for

EMAIL_BYTES = 20_000
"""Of UTF-8, ours. Quoted-printable at its worst, with headers, it is within the 64 KiB that every mail server has to
take (RFC 5321, 4.5.3.1.7); as JSON at its worst, a list of four is within the 256 KiB that is read of an answer."""
EMAIL_SUBJECT_BYTES = 500
"""Of UTF-8, ours: encoded it stays well below the 998 octets of RFC 5322, 2.1.1, should anybody unfold it."""
EXERCISE_SUBJECT = "EXERCISE: "

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def emails(content: Content, account: Account) -> tuple[tuple[Part, ...], dict[str, Json]]:
    """Texts and subjects, one for each language of the account. Raises RenderError naming a missing language."""
    texts = texts_for(content, account)
    parts = tuple(one_post(content, replace(account, languages=(text.language,))) for text in texts)
    return parts, {text.language: _subject(text, content) for text in texts}


def subject_of(rendering: Rendering, language: str) -> str | None:
    """The subject of the e-mail in a language; None where the rendering has none."""
    subjects = rendering.options.get("subjects")
    found = subjects.get(language) if isinstance(subjects, dict) else None
    return found if isinstance(found, str) else None


def email_faults(rendering: Rendering) -> list[str]:
    """Per language: no subject or text, too long, an invisible letter, no mark of an exercise."""
    exercise, faults = rendering.options.get("exercise") is True, []
    for part in rendering.parts:
        subject = subject_of(rendering, part.language) or ""
        faults += [f"{part.language}: {fault}" for fault in _faults(part, subject, exercise=exercise)]
    return faults if rendering.parts else ["there is no text"]


def _subject(text: LanguageText, content: Content) -> str:
    headline = unicodedata.normalize("NFC", " ".join(text.headline.split()))
    return f"{EXERCISE_SUBJECT}{headline}" if content.exercise else headline


def _faults(part: Part, subject: str, *, exercise: bool) -> list[str]:
    if not subject.strip():
        return ["there is no subject: write a headline"]
    faults = [f"subject: {fault}" for fault in check_text(subject)]
    if "\n" in subject:
        faults.append("subject: a line break")
    if not _LANGUAGE.fullmatch(part.language):
        faults.append("the language is no tag such as en-GB or cy")
    if (size := length(subject, Unit.BYTES)) > EMAIL_SUBJECT_BYTES:
        faults.append(f"the subject has {size} bytes, {EMAIL_SUBJECT_BYTES} fit: shorten the headline")
    if not part.text.strip():
        faults.append("the text is empty")
    if (size := length(part.text, Unit.BYTES)) > EMAIL_BYTES:
        faults.append(f"the text has {size} bytes, {EMAIL_BYTES} fit: shorten it")
    if subject.startswith(EXERCISE_SUBJECT) is not exercise or part.text.startswith(EXERCISE_LINE) is not exercise:
        faults.append(f"an exercise, and nothing else, begins with {EXERCISE_SUBJECT}and {EXERCISE_LINE}")
    return faults + check_text(part.text)
