"""Drafting from a template: the message and its way back in one step, and nothing changed on the way."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest

from channels.text import EXERCISE_LINE
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.message import ARMED, Revision, TextKind
from dispatcher.domain.statement import Mode
from dispatcher.service import drafting, incidents, messages, templates
from dispatcher.service.drafting import Wanted
from dispatcher.store import records
from tests.office import Office

RIVER = {"river": "Afon Teifi"}


def incident(office: Office, **facts: object) -> str:
    """An exercise about a flood in the Old Town."""
    known = {"area": ["Old Town"], "expires": format_time(office.clock.now + timedelta(hours=6))}
    about = {"kind": "severe_weather", "title": "Flood", "mode": Mode.EXERCISE, "person": "author-1"}
    return incidents.declare(office.desk, **about, facts={**known, **facts}).id  # type: ignore[arg-type]


def drafted(office: Office, wanted: Wanted, **facts: object) -> Revision:
    """A message from a template."""
    return drafting.draft(office.desk, incident(office, **facts), wanted, "author-1")


def own(office: Office, name: str, text: str) -> None:
    """Put a template into the deployment's own folder."""
    folder = office.desk.settings.path("templates")
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text, "utf-8")


SHORT = 'summary = "Ours."\n[texts.en-GB]\nheadline = [{ note = "Ours" }]\nbody = [{ note = "Our words." }]\n'


def test_the_incident_fills_what_it_knows(office: Office) -> None:
    """Area, end, link and sender: only the river is typed."""
    made = drafted(office, Wanted("flood", RIVER), link="https://www.gov.uk/floods")
    english = made.texts[TextKind.PUBLISH][0]
    until = f"{office.clock.now + timedelta(hours=6):%H:%M}"
    assert english.body.startswith(f"Example City: flooding is expected in Old Town until {until}")
    assert (made.area, made.link) == (("Old Town",), "https://www.gov.uk/floods")


def test_the_way_back_is_armed_with_it(office: Office) -> None:
    """In each language of the message, in the same revision."""
    made = drafted(office, Wanted("flood", RIVER))
    assert (made.number, made.missing_armed, made.languages) == (1, (), ("en-GB", "cy"))


def test_two_messages_of_one_night_have_no_armed_text_in_common(office: Office) -> None:
    """Not even of one place and one minute: X takes an account's identical post once only."""
    first, second = (drafted(office, Wanted("flood", RIVER)) for _ in range(2))
    for kind in ARMED:
        bodies = [{one.body for one in made.texts[kind]} for made in (first, second)]
        assert len(bodies[0] | bodies[1]) == 4, kind


def test_an_armed_text_says_when_its_message_was_written_and_which_it_is(office: Office) -> None:
    """In each language the same."""
    made = drafted(office, Wanted("flood", RIVER))
    for one in made.texts[TextKind.CORRECT]:
        assert f"{office.clock.now:%H:%M}" in one.body
        assert f"({made.message[-4:]})" in one.body


def test_the_revision_says_which_template_it_was(office: Office) -> None:
    """Name and version; a message that was written by hand says nothing and keeps its digest."""
    made = drafted(office, Wanted("flood", RIVER))
    assert made.template == templates.template(office.desk, "flood").id
    assert b'"template"' not in messages_by_hand(office).encoded()


def messages_by_hand(office: Office) -> Revision:
    """A message from texts."""
    with office.desk.store.read() as work:
        return records.newest_revision(work, office.message())


def test_only_the_languages_that_accounts_speak_are_drafted(office: Office) -> None:
    """As the accounts spell them; a language that nobody carries would keep the plan from passing."""
    office.account("webhook", languages=("cy-GB",))
    assert drafted(office, Wanted("flood", RIVER)).languages == ("cy-GB",)
    assert drafted(office, Wanted("flood", RIVER, languages=("en-GB",))).languages == ("en-GB",)


def test_what_is_given_comes_before_what_is_known(office: Office) -> None:
    """The message then takes area and end from the slots, so that text and plan agree."""
    office.account("webhook")
    made = drafted(office, Wanted("flood", RIVER | {"area": "Harbour", "area.cy": "Yr Harbwr", "until": "+2h"}))
    english, welsh = made.texts[TextKind.PUBLISH]
    assert ("in Harbour until" in english.body, "yn ardal Yr Harbwr tan" in welsh.body) == (True, True)
    assert (made.area, made.valid_until) == (("Harbour",), office.clock.now + timedelta(hours=2))


def test_what_is_missing_is_named_and_nothing_is_written(office: Office) -> None:
    """No half message stays behind."""
    name = incident(office)
    with pytest.raises(Invalid, match=r"template flood lacks river \(place, such as River Example\)"):
        drafting.draft(office.desk, name, Wanted("flood"), "author-1")
    with office.desk.store.read() as work:
        assert records.revisions_of(work, name) == []
    assert [one.flag for one in drafting.missing(office.desk, name, Wanted("flood"))] == ["river"]


def test_a_language_that_a_template_does_not_have_is_refused(office: Office) -> None:
    """With those that it has."""
    with pytest.raises(Invalid, match="no text in pl"):
        drafted(office, Wanted("flood", RIVER, languages=("pl",)))


def test_a_departments_own_template_takes_the_place_of_ours(office: Office) -> None:
    """By its name; the others stay."""
    own(office, "flood", SHORT)
    made = drafted(office, Wanted("flood", languages=("en-GB",)))
    assert made.texts[TextKind.PUBLISH][0].body == "Our words."
    assert {"flood", "riot"} <= set(templates.names(office.desk))


def test_a_departments_own_correction_is_armed(office: Office) -> None:
    """Whether a message comes from a template or not."""
    own(office, "correction", SHORT)
    message = office.message(("en-GB",))
    with office.desk.store.read() as work:
        assert records.newest_revision(work, message).texts[TextKind.CORRECT][0].body == "Our words."


def test_a_broken_template_spoils_no_other(office: Office) -> None:
    """It is refused by name when it is asked for."""
    own(office, "ours", "summary = ")
    assert drafted(office, Wanted("flood", RIVER)).number == 1
    with pytest.raises(Invalid, match="template ours cannot be used"):
        templates.template(office.desk, "ours")
    with pytest.raises(NotFound, match="no template theirs"):
        templates.template(office.desk, "theirs")


@pytest.mark.parametrize("name", ["not-utf-8", "too-large"])
def test_a_file_that_is_no_text_is_refused(office: Office, name: str) -> None:
    """Named, with what is wrong with it."""
    own(office, name, "")
    file: Path = office.desk.settings.path("templates", f"{name}.toml")
    file.write_bytes(b"\xff" if name == "not-utf-8" else b"#" * 70_000)
    with pytest.raises(Invalid, match=name):
        templates.template(office.desk, name)


def test_what_is_drafted_is_what_is_rendered(office: Office) -> None:
    """Byte for byte in NFC, but for what the layout documents: the exercise's line, empty lines, the link."""
    account = office.account("x", languages=("cy",))
    made = drafted(office, Wanted("flood", RIVER | {"link": "https://www.gov.uk/floods"}))
    shown = {one.kind: one for one in messages.previews(office.desk, made, [account], Mode.EXERCISE)}
    for kind in (TextKind.PUBLISH, *ARMED):
        (text,), rendering = made.texts[kind], shown[kind].rendering
        assert rendering is not None
        lines = [EXERCISE_LINE, "", text.headline, "", text.body, text.instruction, "", str(made.link)]
        assert rendering.parts[0].text.encode() == unicodedata.normalize("NFC", "\n".join(lines)).encode()
