"""What a text costs, and why."""

import doctest

import pytest

from channels.capabilities import Unit
from channels.text import Cost, CostKind, Measure, Place, costs, counted, length, weighing

X = Measure(Unit.WEIGHTED, 280)
SMS = Measure(Unit.CHARACTERS, 918, sms=True)
MASTODON = Measure(Unit.SHORT_LINKS, 500)
THREADS = Measure(Unit.EMOJI_BYTES, 20)
LONG_LINK = "https://www.city.example/storm/what-to-do-tonight"


def said(text: str, measure: Measure) -> list[str]:
    """The sentences."""
    return [cost.said for cost in costs(text, measure)]


def test_a_welsh_letter_is_named_with_its_word_and_what_it_does_to_an_sms() -> None:
    """One letter makes three messages of two, and each holds less."""
    text = f"{'Stay in. ' * 7}Near Llŷn, {'stay in. ' * 12}"
    assert said(text, SMS) == [
        'ŷ in "Llŷn" (word 16) makes this 3 SMS instead of 2: 67 characters to the SMS instead of 153'
    ]


def test_letters_of_one_reason_are_one_sentence_with_every_place() -> None:
    """Three letters, told once, and each of them marked."""
    text = "Tŷ, dŵr a Llŷn"
    (cost,) = costs(text, SMS)
    assert cost.said.startswith('ŷ in "Tŷ" (word 1) and 2 more leave 70 characters to the SMS instead of 160')
    assert [text[place.start : place.end] for place in cost.places] == ["ŷ", "ŵ", "ŷ"]


def test_signs_of_the_second_table_count_double_in_an_sms() -> None:
    """The euro and the brackets."""
    assert said("Pay €5 [now]", SMS) == ['€ in "€5" (word 2) and 2 more count 2 each in an SMS']


def test_a_plain_sms_costs_nothing_more() -> None:
    """The letters of GSM-7, Welsh ones among them."""
    assert costs("Arhoswch: è ù à ò", SMS) == ()


@pytest.mark.parametrize("measure", [X, MASTODON])
def test_a_link_counts_23(measure: Measure) -> None:
    """However long it is."""
    assert said(f"See {LONG_LINK}", measure) == [
        'the link "https://www.city.example/storm/…" counts 23 instead of 49'
    ]


def test_a_name_that_x_may_make_a_link_is_said_so() -> None:
    """It costs more than its letters."""
    assert said("See gov.uk now", X) == ['may be made a link, so "gov.uk" counts 23 instead of 6']


def test_a_mention_counts_without_its_server() -> None:
    """On Mastodon."""
    assert said("By @city@social.example", MASTODON) == [
        '"@city@social.example" counts 5 instead of 20: without its server'
    ]


def test_an_emoji_of_several_code_points_is_one_character() -> None:
    """Marked whole, and told what it counts, in Threads' bytes."""
    text = "Stay in 👨‍👩‍👧‍👦"
    (cost,) = costs(text, THREADS)[:1]
    assert cost.said == "👨‍👩‍👧‍👦 (word 3) counts 25"
    assert cost.places == (Place(8, len(text)),)


def test_a_heavy_character_is_not_told_where_there_is_room() -> None:
    """Below half of the limit it costs nobody anything; without a limit neither."""
    assert costs("Stay in 👮", X) == costs("Stay in 👮", Measure(Unit.CHARACTERS)) == ()
    assert said(f"{'x' * 150} 👮", X) == ["👮 (word 2) counts 2"]


@pytest.mark.parametrize("unit", list(Unit))
def test_the_first_word_beyond_the_limit_is_the_first_that_does_not_fit(unit: Unit) -> None:
    """Up to the word before it the text fits, with it not; in every unit."""
    text = " ".join(f"Tŷ{n}👮" for n in range(20))
    measure = Measure(unit, 50)
    last = costs(text, measure)[-1]
    assert last.kind is CostKind.BEYOND
    (place,) = last.places
    assert length(text[: place.start].rstrip(), unit) <= 50 < length(text[: place.end], unit)
    assert f"(word {text[: place.start].count(' ') + 1})" in last.said


def test_a_text_that_fits_has_no_word_beyond() -> None:
    """To the very last character."""
    assert costs("x" * 280, X) == ()
    assert [cost.kind for cost in costs("x" * 281, X)] == [CostKind.BEYOND]


def test_a_long_word_is_shortened_in_a_sentence_only() -> None:
    """Its place is whole."""
    (cost,) = costs("x" * 300, X)
    assert cost == Cost(
        CostKind.BEYOND, (Place(0, 300),), f'the first word that does not fit is "{"x" * 31}…" (word 1)'
    )


@pytest.mark.parametrize(
    ("text", "measure", "words"),
    [
        ("x" * 212, X, "212 of 280, 68 left"),
        ("x" * 300, X, "300 of 280, 20 TOO MANY"),
        ("ŷ", Measure(Unit.BYTES, 5_000), "2 of 5,000 bytes, 4,998 left"),
        ("xx", Measure(Unit.CHARACTERS), "2 characters"),
    ],
)
def test_a_counter_says_what_is_left_or_too_many(text: str, measure: Measure, words: str) -> None:
    """In words, with the unit where it is no character."""
    assert counted(text, measure).said == words


def test_what_is_paid_for_is_told_of_a_text_message() -> None:
    """How many, of how much, and the room in the last."""
    assert counted("x" * 161, SMS).sms_said == "2 SMS of 153 characters, 145 left"
    assert counted("x", X).sms_said == ""


def test_a_server_of_mastodon_may_count_links_its_own_way() -> None:
    """As its settings say."""
    measure = Measure(Unit.SHORT_LINKS, 500, per_link=30)
    assert counted(LONG_LINK, measure).count == 30
    assert said(LONG_LINK, measure)[0].endswith("counts 30 instead of 49")


def test_the_documented_example_holds() -> None:
    """The docstring's."""
    assert doctest.testmod(weighing).failed == 0
