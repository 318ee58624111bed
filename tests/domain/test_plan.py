"""A plan and a revision read back as the very bytes that were signed, and nothing else is read as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import Field, fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.capabilities import MediaKind
from channels.contract import Caption, DeliveryKind, Json, LanguageText, Medium, Part
from dispatcher.domain import canonical
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.message import ARMED, Revision, TextKind
from dispatcher.domain.plan import Destination, OnAmbiguous, Placement, Plan, SignedList, Spend
from dispatcher.domain.statement import Mode
from tests.builders import draft, recipient_list, revision

words = st.text('abzŵŷÂé "\\\n\x00/', max_size=6)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
several = st.lists(words, max_size=3).map(tuple)
people = st.dictionaries(words, several, max_size=3)
destinations = st.builds(
    Destination,
    words,
    words,
    st.sampled_from(Placement),
    st.sampled_from(OnAmbiguous),
    st.dictionaries(st.sampled_from(TextKind), words, max_size=4),
    st.lists(st.builds(SignedList, words, words, st.integers(0, 2**40)), max_size=2).map(tuple),
)
spends = st.builds(Spend, words, words, st.integers(0, 2**40), st.integers(2020, 2100), st.none() | words)
items = st.builds(Item, words, words, words, times, st.none() | words)
plans = st.builds(
    Plan,
    deployment=words,
    mode=st.sampled_from(Mode),
    incident=words,
    incident_kind=words,
    severity=st.sampled_from(Severity),
    purpose=words,
    revision=words,
    languages=several,
    destinations=st.lists(destinations, max_size=3).map(tuple),
    area=several,
    not_before=times,
    not_after=times,
    armed_not_after=times,
    valid_until=times,
    policy=words,
    contributors=people,
    generation=st.integers(0, 99),
    nonce=words,
    spend=st.lists(spends, max_size=2).map(tuple),
    flags=several,
    evidence=st.lists(items, max_size=2).map(tuple),
    no_alternative=words,
    renews=st.none() | words,
    renewal=st.integers(0, 9),
)
language_texts = st.builds(LanguageText, words, words, words, words)
named = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
media = st.builds(
    Medium,
    digest=named,
    kind=st.sampled_from(MediaKind),
    mime=words,
    size=st.integers(0, 99),
    width=st.integers(0, 99),
    height=st.integers(0, 99),
    alt=st.lists(st.builds(Part, words, words), max_size=2).map(tuple),
    duration_ms=st.integers(0, 9),
    captions=st.lists(st.builds(Caption, words, named, st.integers(0, 9)), max_size=2).map(tuple),
)
revisions = st.builds(
    Revision,
    message=words,
    number=st.integers(0, 99),
    incident=words,
    sent_by=words,
    valid_until=times,
    texts=st.dictionaries(st.sampled_from(TextKind), st.lists(language_texts, max_size=2).map(tuple), max_size=4),
    contributors=people,
    link=st.none() | words,
    area=several,
    polygons=several,
    circles=several,
    cap=st.dictionaries(words, words, max_size=2),
    media=st.lists(media, max_size=2).map(tuple),
    population=st.none() | st.integers(0, 10**10),
)

PLAN = draft("x", "notify", lists=[recipient_list("residents", "1", "2")], flags=("arrest",)).plan
REVISION = revision(cap={"event": "Storm"}, polygons=("51,0 52,0 52,1 51,0",))


@given(plans)
def test_a_plan_reads_back_as_it_was_written(plan: Plan) -> None:
    """Value and bytes are the same, so its digest is too."""
    again = Plan.decode(plan.encoded())
    assert (again, again.encoded()) == (plan, plan.encoded())


@given(revisions)
def test_a_revision_reads_back_as_it_was_written(written: Revision) -> None:
    """Value and bytes are the same, so its digest is too."""
    again = Revision.decode(written.encoded())
    assert (again, again.encoded()) == (written, written.encoded())


def test_a_revision_about_an_unknown_number_of_people_has_no_key_for_them() -> None:
    """What was written before areas had people keeps its digest; where they are known, they are signed."""
    assert "population" not in of(REVISION)
    assert of(replace(REVISION, population=8_400))["population"] == 8_400
    assert replace(REVISION, population=8_400).digest != REVISION.digest


def test_a_revision_without_media_has_no_key_for_them() -> None:
    """What was written before there were media keeps its digest."""
    assert "media" not in of(REVISION)
    assert (
        REVISION.with_media((), "author-1").digest
        == replace(
            REVISION, number=2, contributors={**REVISION.contributors, "author-1": ("author", "attach")}
        ).digest
    )


def test_an_empty_field_that_is_left_out_is_not_read_either() -> None:
    """One revision has one document: what is written only where it says something is never there for nothing."""
    picture = Medium(f"sha256:{'a' * 64}", MediaKind.PICTURE, "image/png", 9, 8, 7, (Part("en", "Map"),))
    document = of(replace(REVISION, media=(picture,)))
    assert "captions" not in document["media"][0]
    document["media"][0]["captions"] = []
    with pytest.raises(DocumentError, match=r"revision\.media\[0\]: captions is left out"):
        Revision.decode(canonical.encode(document))
    with pytest.raises(DocumentError, match="revision: media is left out"):
        Revision.decode(canonical.encode({**of(REVISION), "media": []}))


def test_a_medium_with_another_name_than_a_digest_is_refused() -> None:
    """It also names a file."""
    picture = Medium(f"sha256:{'a' * 64}", MediaKind.PICTURE, "image/png", 9, 8, 7, (Part("en", "Map"),))
    document = of(replace(REVISION, media=(picture,)))
    document["media"][0]["digest"] = "../../trust/root.json"
    with pytest.raises(DocumentError, match=r"revision\.media\[0\]: a medium is named by"):
        Revision.decode(canonical.encode(document))


Place = tuple[str | int, ...]


def places(value: Json, here: Place = ()) -> list[Place]:
    """Every place in a document that holds a value, the containers included."""
    inside: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [here] * bool(here) + [place for key, item in inside for place in places(item, (*here, key))]


def put(document: Json, place: Place, value: object) -> Json:
    """A copy of the document with another value at a place, or, with Ellipsis, without it."""
    copy: Any = canonical.decode(canonical.encode(document))
    box = _value(copy, place[:-1])
    if value is ...:
        box.pop(place[-1])
    else:
        box[place[-1]] = value
    result: Json = copy
    return result


def of(written: Plan | Revision) -> Any:
    """The document behind its bytes."""
    return canonical.decode(written.encoded())


def tables(document: Json) -> list[Place]:
    """Every place that holds an object whose keys are fixed: not those whose keys are people, kinds or codes."""
    free = {"contributors", "renderings", "cap", "texts"}
    found = [place for place in places(document) if isinstance(_value(document, place), dict)]
    return [(), *(place for place in found if place[-1] not in free)]


def _value(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def broken(written: Plan | Revision) -> Iterator[Any]:
    """The document with each value in turn made one of another kind, and each table with a key too many or few."""
    document = of(written)
    for place in places(document):
        odd = {"a": 7} if isinstance(_value(document, place), list) else [7]
        yield pytest.param(put(document, place, odd), id=f"{place} odd")
    for place in tables(document):
        yield pytest.param(put(document, (*place, "extra"), 1), id=f"{place} extra")
        for key in sorted(_value(document, place)):
            yield pytest.param(put(document, (*place, key), ...), id=f"{place} without {key}")


@pytest.mark.parametrize("document", list(broken(PLAN)))
def test_a_document_that_is_not_quite_a_plan_is_refused(document: Json) -> None:
    """No key may be missing, unknown or of another kind."""
    with pytest.raises(DocumentError):
        Plan.decode(canonical.encode(document))


@pytest.mark.parametrize("document", list(broken(REVISION)))
def test_a_document_that_is_not_quite_a_revision_is_refused(document: Json) -> None:
    """No key may be missing, unknown or of another kind."""
    with pytest.raises(DocumentError):
        Revision.decode(canonical.encode(document))


@pytest.mark.parametrize("read", [Plan.decode, Revision.decode])
@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b'{"schema":"other/v1"}', b"\xff", b"{", b"1"])
def test_bytes_that_are_no_document_are_refused(read: Callable[[bytes], object], data: bytes) -> None:
    """With an error that says so, never with another one."""
    with pytest.raises((DocumentError, canonical.CanonicalError)):
        read(data)


@pytest.mark.parametrize(
    ("key", "value"), [("severity", 5), ("severity", True), ("mode", "drill"), ("not_before", "2026-11-21T12:00:00Z")]
)
def test_a_word_outside_the_plans_vocabulary_is_refused(key: str, value: Json) -> None:
    """Severities, modes and times are what they are."""
    with pytest.raises(DocumentError):
        Plan.decode(canonical.encode({**of(PLAN), key: value}))


@pytest.mark.parametrize(
    ("key", "value"), [("placement", "viral"), ("on_ambiguous", "guess"), ("renderings", {"shout": "ab"})]
)
def test_a_word_outside_a_destinations_vocabulary_is_refused(key: str, value: Json) -> None:
    """So are placements, choices and kinds of text."""
    document = of(PLAN)
    document["destinations"][0][key] = value
    with pytest.raises(DocumentError, match=r"plan\.destinations\[0\]"):
        Plan.decode(canonical.encode(document))


def test_an_unknown_kind_of_text_is_refused() -> None:
    """A revision has a message and three armed texts."""
    document = of(REVISION)
    document["texts"]["shout"] = []
    with pytest.raises(DocumentError, match=r"revision\.texts"):
        Revision.decode(canonical.encode(document))


def test_a_plan_is_not_a_revision() -> None:
    """Each names its schema."""
    with pytest.raises(DocumentError, match="not a revision/v1"):
        Revision.decode(PLAN.encoded())


@given(plans, plans, st.sampled_from(fields(Plan)))
def test_every_field_is_part_of_what_is_signed(one: Plan, other: Plan, field: Field[Any]) -> None:
    """Another value of any field is another digest."""
    mixed = replace(one, **{field.name: getattr(other, field.name)})
    assert (mixed.digest == one.digest) is (mixed == one)


def test_an_all_clear_is_delivered_as_a_correction() -> None:
    """So a correction may carry either text, and a publication only the message."""
    texts = PLAN.destinations[0].renderings
    found = [PLAN.destinations[0].digests_for(kind) for kind in DeliveryKind]
    assert found == [
        {texts[TextKind.PUBLISH]},
        {texts[TextKind.CORRECT], texts[TextKind.ALL_CLEAR]},
        {texts[TextKind.WITHDRAW]},
    ]


def test_channels_come_once_in_the_order_of_the_plan() -> None:
    """Two accounts of one channel are one channel."""
    twice = replace(PLAN, destinations=(*PLAN.destinations, replace(PLAN.destinations[0], account="x-2")))
    assert twice.channels == ("x", "notify")


def test_a_destination_is_found_by_its_account() -> None:
    """And nothing where there is none."""
    assert (PLAN.destination("notify-1"), PLAN.destination("nobody")) == (PLAN.destinations[1], None)


def test_a_new_text_makes_the_next_revision_and_its_writer_a_contributor() -> None:
    """What somebody did before stays beside it, once."""
    texts = (LanguageText("en-GB", "a", "b"),)
    after = REVISION.with_texts(TextKind.CORRECT, texts, "author-1", "edit").with_texts(
        TextKind.CORRECT, texts, "author-1", "edit"
    )
    assert (after.number, after.texts[TextKind.CORRECT], after.contributors["author-1"]) == (
        REVISION.number + 2,
        texts,
        ("author", "edit"),
    )


@pytest.mark.parametrize("kind", ARMED)
def test_an_armed_text_is_missing_until_every_language_has_it(kind: TextKind) -> None:
    """One language short is missing."""
    english = REVISION.texts[kind][:1]
    short = replace(REVISION, texts={**REVISION.texts, kind: english})
    assert (REVISION.missing_armed, short.missing_armed) == ((), (kind,))


@pytest.mark.parametrize("exercise", [True, False])
def test_channels_see_a_text_as_the_revision_has_it(exercise: bool) -> None:
    """Words, validity and sender, with the mark of an exercise."""
    content = REVISION.content(TextKind.ALL_CLEAR, exercise=exercise)
    assert (content.kind, content.texts, content.valid_until, content.sent_by, content.exercise) == (
        DeliveryKind.CORRECT,
        REVISION.texts[TextKind.ALL_CLEAR],
        REVISION.valid_until,
        "Example City",
        exercise,
    )
