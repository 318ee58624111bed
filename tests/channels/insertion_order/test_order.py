"""An order as data and in words: the same in both, and what no order may say."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from channels.contract import DeliveryKind, Part, RenderError, Rendering
from channels.insertion_order import order
from channels.insertion_order.adapter import Adapter
from tests.channels.insertion_order.ordering import BOUGHT, CONTENT, account, rendered

PURCHASE: dict[str, Any] = {
    "case": "storms",
    "pence": 16_000_001,
    "approval": "AMC-2026-014",
    "starts": "2026-11-22T12:00:00.000000Z",
    "ends": "2026-11-22T18:00:00.000000Z",
    "nonce": "ab" * 16,
}
TEXT = """\
INSERTION ORDER IO-XICAU-Z47XS

Buyer: Cyngor Môn, paid@city.example
Agency: Example Agency, orders@agency.example
Kill contact: kill@agency.example, 020 7946 0000
Platforms: Facebook, Instagram
Area: Example Bay, Old Town
Audience: everybody there
Languages: en-GB, cy-GB
Inclusion list: government-2026-03
Flight: from 2026-11-22 12:00:00 UTC, until 2026-11-22 18:00:00 UTC; nothing runs from then on
Cap: £160,000.01 (16000001 pence, GBP); VAT and all fees included
Pre-agreed case: storms; central approval: AMC-2026-014

1. Place these texts on these platforms, within the inclusion list. Change, cut and add nothing.
"""


def test_an_order_reads_like_this() -> None:
    """Number, parties, audience, flight, cap to the penny, case and approval, then what to do."""
    assert rendered().parts[0].text.startswith(TEXT)


def test_each_text_stands_in_it_with_its_digest() -> None:
    """Welsh letters and all, and the SHA-256 of its UTF-8."""
    made = rendered()
    texts: Any = made.options["texts"]
    for text in texts:
        assert text["sha256"] == hashlib.sha256(text["text"].encode()).hexdigest()
        assert f"{text['sha256']}\n{'-' * 20}\n{text['text']}\n" in made.parts[0].text
    assert "Arhoswch dan do, Ŵyr: tŷ." in made.parts[0].text


def test_the_amount_is_whole_pence_in_the_data() -> None:
    """With currency, fees, flight and the plan's own nonce, as plans write them."""
    assert rendered().options["purchase"] == PURCHASE
    assert (rendered().options["currency"], rendered().options["fees"]) == ("GBP", "included")


@pytest.mark.parametrize("pence", [1, 99, 100, 100_000, 16_000_000, 123_456_789])
def test_an_amount_is_read_as_it_is_counted(pence: int) -> None:
    """Pounds with their separators, and never a rounded penny."""
    whole, rest = divmod(pence, 100)
    assert order.pounds(pence) == f"£{whole:,}.{rest:02}"


@pytest.mark.parametrize("kind", [DeliveryKind.CORRECT, DeliveryKind.WITHDRAW])
def test_what_takes_it_back_is_a_stop_order_of_the_same_number(kind: DeliveryKind) -> None:
    """A correction too: there is no changed order."""
    words = rendered(kind=kind).parts[0].text
    assert words.startswith("STOP ORDER IO-XICAU-Z47XS\n")
    assert "1. Pause everything of this order on every platform now." in words
    assert "not to be placed:" in words
    assert "Cap:" not in words


def test_another_plan_has_another_number() -> None:
    """And so has another agency under the same plan."""
    other = rendered(purchase=replace(BOUGHT, nonce="cd" * 16)).options["number"]
    elsewhere = Adapter.render(CONTENT, replace(account(), id="agency-2")).options["number"]
    assert len({rendered().options["number"], other, elsewhere}) == 3


def test_before_a_plan_names_the_cost_it_can_be_read_but_says_so() -> None:
    """A preview has no number and no cap."""
    made = rendered(purchase=None)
    assert Adapter.problems(made) == []
    assert "Cost and dates: as the plan will say" in made.parts[0].text
    assert (made.options["number"], made.options["purchase"]) == (None, None)


def test_an_exercise_says_so_and_buys_nothing() -> None:
    """The mark stands over the order and in each text, and the steps ask for nothing to be bought."""
    words = rendered(exercise=True).parts[0].text
    assert words.count("EXERCISE EXERCISE EXERCISE") == 3
    assert "1. Buy, book, pause and change nothing: this is an exercise." in words


def test_tiktok_is_bought_through_its_own_channel() -> None:
    """There it is the only platform, without a setting."""
    assert "Platforms: TikTok\n" in rendered("tiktok_paid").parts[0].text


@pytest.mark.parametrize("name", ["TikTok", "Facebook, tik tok", "Ｔｉｋ-Ｔｏｋ", "Douyin", "WeChat ads", "Telegram"])
def test_no_other_channel_orders_what_policy_has_a_rule_of_its_own_for(name: str) -> None:
    """However it is spelled (reference: policy 6.9, story 11)."""
    with pytest.raises(RenderError, match="is not bought through social_paid"):
        Adapter.render(CONTENT, account(platforms=name))


def test_tiktoks_channel_orders_nothing_else() -> None:
    """Its tier was asked for TikTok alone."""
    with pytest.raises(RenderError, match="for TikTok and nothing else"):
        Adapter.render(CONTENT, account("tiktok_paid", platforms="TikTok, Facebook"))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"agency": ""}, "the setting agency must be an e-mail address"),
        ({"kill_contact": "020 7946 0000"}, "the setting kill_contact must be an e-mail address"),
        ({"inclusion_list": ""}, "the setting inclusion_list must name"),
        ({"platforms": " , "}, "the setting platforms must say where"),
        ({"audience": "all\nCap: £1.00"}, "holds a line break"),
    ],
)
def test_an_unsound_setting_is_named(settings: dict[str, str], fault: str) -> None:
    """Before anybody signs an order that could not be placed or stopped."""
    with pytest.raises(RenderError, match=fault):
        Adapter.render(CONTENT, account(**settings))


def test_an_order_says_whom_it_is_for() -> None:
    """Without an area, the account's audience will do; without both it is refused."""
    with pytest.raises(RenderError, match="nowhere whom it is for"):
        rendered(area=())
    assert Adapter.render(replace(CONTENT, area=()), account(audience="adults in the county"))


def test_a_text_that_is_too_long_is_refused_by_how_much() -> None:
    """Nothing is cut."""
    long = replace(CONTENT.texts[0], body="x" * order.ORDER_BYTES)
    with pytest.raises(RenderError, match=r"6000 fit: shorten the message by \d+"):
        rendered(texts=(long, CONTENT.texts[1]))


FORGED: dict[str, dict[str, Any]] = {
    "another cap than the text": {"purchase": {**PURCHASE, "pence": 1}},
    "a cap that is no number": {"purchase": {**PURCHASE, "pence": True}},
    "another number": {"number": "IO-AAAAA-AAAAA"},
    "another currency": {"currency": "EUR"},
    "fees besides": {"fees": "excluded"},
    "another schema": {"schema": "insertion-order/v2"},
    "another kind": {"does": "withdraw"},
    "languages that it does not have": {"languages": ["en-GB"]},
    "no texts": {"texts": None},
    "no purchase at all": {"purchase": {}},
}


@pytest.mark.parametrize("what", FORGED)
def test_data_that_is_not_what_its_text_says_is_refused(what: str) -> None:
    """People sign the text and the agency books by the data."""
    made = rendered()
    forged = replace(made, options={**made.options, **FORGED[what]})
    assert Adapter.problems(forged) == ["the order is not as it was rendered: render it again"]


def test_a_digest_of_other_words_is_refused() -> None:
    """Even where text and data agree on it."""
    made = rendered()
    texts: Any = made.options["texts"]
    options = {**made.options, "texts": [{**text, "sha256": "0" * 64} for text in texts]}
    forged = replace(made, options=options, parts=(Part("mul", order.in_words(options)),))
    assert Adapter.problems(forged) == ["the order is not as it was rendered: render it again"]


def test_an_order_reads_back_as_it_was_signed() -> None:
    """Its document is plain JSON."""
    assert Rendering.from_document(rendered().document()) == rendered()
