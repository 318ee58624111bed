"""Every template fills, fits where it says so, and passes its own lint in both languages."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from channels import registry
from channels.contract import Account
from channels.notify.simulator import TEMPLATE_ID
from dispatcher.domain.errors import Invalid
from dispatcher.domain.message import TextKind
from dispatcher.sending.prepared import lint
from dispatcher.wording import remarks
from dispatcher.wording.filling import ARMED_BY, Element, Filled, Template, fill, missing, read, shipped
from dispatcher.wording.slots import SlotKind
from tests.wording.support import KNOWN, NOW, revision

TAGS = ("en-GB", "cy")
NAMES = (
    *("riot", "terror-attack", "terror-threat-level", "flood", "wind", "heat", "snow", "hazardous-material"),
    *("outage", "missing-child", "correction", "withdrawal", "all-clear"),
)
WARNINGS = [name for name in NAMES if name not in ARMED_BY.values()]
SMALL = """
summary = "A test."
[slots.river]
type = "place"
says = "which river"
example = "River Example"
[slots.until]
type = "time"
says = "until when"
[slots.why]
type = "text"
says = "why"
[slots.depth]
type = "number"
says = "how deep"
optional = true
[texts.en-GB]
headline = [{ hazard = "{river}" }]
body = [{ time = "Until {until}." }, { note = "Because {why}." }, { note = "{depth} cm." }]
[texts.cy]
headline = [{ hazard = "{river}" }]
body = [{ time = "Tan {until}." }, { note = "Oherwydd {why}." }, { note = "{depth} cm." }]
"""


def example(name: str, **given: str) -> Filled:
    """A template with its own examples where nothing else is known."""
    made = shipped()[name]
    examples = {one.flag: one.such_as.rsplit(" or ", 1)[-1] for one in missing(made, {}, KNOWN, TAGS)}
    return fill(made, examples | given, KNOWN, TAGS, NOW)


def choices(made: Template) -> list[dict[str, str]]:
    """Every way to answer its choices."""
    options = [[(name, word) for word in slot.words] for name, slot in made.slots.items() if slot.words]
    return [dict(chosen) for chosen in product(*options)]


def test_there_is_a_template_for_each_kind_of_night() -> None:
    """Named as officers name them."""
    assert set(shipped()) == set(NAMES)


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_has_every_element_in_both_languages(name: str) -> None:
    """Source, hazard, location, time and guidance are marked; the link is a slot of its own."""
    made = shipped()[name]
    assert set(made.texts) == set(TAGS)
    for wording in made.texts.values():
        assert {element for element, _ in wording.sentences()} >= set(Element) - {Element.NOTE}
    assert SlotKind.LINK in {slot.type for slot in made.slots.values()}


@pytest.mark.parametrize("exercise", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_template_passes_its_own_lint(name: str, exercise: bool) -> None:
    """Whatever is chosen, nothing is said of it but the place, where it names the whole country."""
    made = shipped()[name]
    for chosen in choices(made):
        filled = example(name, **chosen)
        written = revision(*filled.texts, link=filled.link, template=made.id)
        said = {one.code for one in remarks(written, exercise=exercise)}
        assert said <= ({"no_location"} if name == "terror-threat-level" else set()), chosen


@pytest.mark.parametrize("name", NAMES)
def test_a_template_fits_where_it_says_so(name: str) -> None:
    """In one language each, as an exercise too, with names of ordinary length."""
    filled = example(name)
    written = revision(*filled.texts, link=filled.link)
    for channel, tag, exercise in product(shipped()[name].fits, TAGS, (False, True)):
        settings = {"template_id": TEMPLATE_ID} if channel == "notify" else {}
        account = Account("a", channel, "Example City", (tag,), settings)
        adapter = registry.adapter_of(account)
        content = written.content(TextKind.PUBLISH, exercise=exercise)
        assert lint(adapter.render(content, account), adapter) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_template_fits_the_networks_of_short_posts(name: str) -> None:
    """Officers need not shorten at night what was written by day."""
    assert set(shipped()[name].fits) >= {"x", "bluesky", "notify"}


def test_one_value_is_said_in_each_language() -> None:
    """By the clock of the United Kingdom: in July the same moment is an hour later on it."""
    made = read("small", SMALL)
    given = {"river": "River Example", "until": "2026-07-04T17:00Z", "why.en-GB": "of rain", "why.cy": "y glaw"}
    english, welsh = fill(made, given, {}, TAGS, NOW).texts
    assert english.body == "Until 18:00 on 4 July. Because of rain."
    assert welsh.body == "Tan 18:00 ar 4 Gorffennaf. Oherwydd y glaw."


def test_what_is_missing_is_named_together() -> None:
    """With type and example, and the flags to type."""
    with pytest.raises(Invalid) as refused:
        fill(read("small", SMALL), {"why.cy": "y glaw"}, {}, TAGS, NOW)
    assert refused.value.message == (
        "template small lacks river (place, such as River Example): which river; "
        "until (time, such as 18:00 or +6h): until when; why.en-GB (text, such as a burst water main): why"
    )
    assert refused.value.next_step == "give them: --slot river=… --slot until=… --slot why.en-GB=…"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"until": "teatime"}, "until: 'teatime' is no time"),
        ({"depth": "deep"}, "depth: 'deep' is no number"),
        ({"sea": "North"}, "has no slot sea"),
        ({"river.pl": "Rzeka"}, "has no slot river.pl"),
        ({"until": "2026-11-21T18:00"}, "is no time"),
    ],
)
def test_a_value_that_cannot_stand_there_is_refused(given: dict[str, str], why: str) -> None:
    """And nothing is drafted."""
    whole = {"river": "River", "until": "+6h", "why.en-GB": "rain", "why.cy": "glaw"}
    with pytest.raises(Invalid, match=why):
        fill(read("small", SMALL), whole | given, {}, TAGS, NOW)


def test_what_is_optional_takes_its_sentence_with_it() -> None:
    """In every language alike."""
    whole = {"river": "River", "until": "+6h", "why.en-GB": "of rain", "why.cy": "y glaw"}
    made = read("small", SMALL)
    with_depth = fill(made, {**whole, "depth": "1500"}, {}, TAGS, NOW).texts
    assert [one.body.endswith("1,500 cm.") for one in with_depth] == [True, True]
    assert [one.body.endswith("cm.") for one in fill(made, whole, {}, TAGS, NOW).texts] == [False, False]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("{depth} cm.", "{deep} cm.", "no slot deep"),
        ('[texts.cy]\nheadline = [{ hazard = "{river}" }]', '[texts.cy]\nheadline = [{ hazard = "x" }]', "the same"),
        ('type = "number"', 'type = "choice"', "lacks words"),
        ('type = "number"', 'type = "size"', "none of"),
        ('{ hazard = "{river}" }', '{ danger = "{river}" }', "danger"),
        ("summary", "summery", "unknown key"),
        ("{depth} cm.", "{depth.real} cm.", "no slot depth.real"),
        ("[texts.cy]", "[texts.cy", "cannot be used"),
    ],
)
def test_a_template_that_is_no_use_says_why(old: str, new: str, why: str) -> None:
    """When it is read, not when it is needed."""
    with pytest.raises(Invalid, match=why):
        read("small", SMALL.replace(old, new, 1))


def test_an_armed_template_asks_nobody() -> None:
    """It is filled without a person, so each slot knows where it takes its value from."""
    with pytest.raises(Invalid, match="armed without anybody being asked"):
        read("correction", SMALL)


def test_the_message_takes_its_end_and_its_link_from_the_slots() -> None:
    """One value for what is said and for what is done."""
    filled = example("flood", until="+3h", link="https://www.gov.uk/floods")
    assert (filled.valid_until, filled.link) == (NOW + timedelta(hours=3), "https://www.gov.uk/floods")
    assert "15:00 on 21 November" in filled.texts[0].body


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("name", ARMED_BY.values())
def test_the_way_back_fits_one_post_in_both_languages(name: str, month: int) -> None:
    """On X, as an exercise, with the message's link, in whatever month."""
    filled = fill(shipped()[name], {}, KNOWN, TAGS, NOW.replace(month=month))
    content = revision(*filled.texts).content(TextKind.PUBLISH, exercise=True)
    account = Account("a", "x", "Example City", TAGS, {})
    adapter = registry.adapter_of(account)
    assert lint(adapter.render(content, account), adapter) == []
