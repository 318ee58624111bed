"""The manual channel: a text for a person, and nothing that a machine would claim to know."""

import asyncio
from datetime import UTC, datetime

import pytest

from channels import registry
from channels.capabilities import IdempotencyKind
from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Found,
    Job,
    LanguageText,
    Outcome,
    RenderError,
    Seen,
    Verdict,
)
from channels.http import Http, HttpPolicy
from channels.manual.adapter import Adapter
from channels.registry import Lane

PUBLISH, CORRECT, WITHDRAW = DeliveryKind.PUBLISH, DeliveryKind.CORRECT, DeliveryKind.WITHDRAW
UNTIL = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
LINK = "https://nextdoor.example/p/7"


async def no_note(handle):
    """There is no handle to note."""
    raise AssertionError(handle)


def account(**settings: str) -> Account:
    """A place that people post to, in two languages."""
    return Account("nd-1", "manual", "City on Nextdoor", ("en", "cy"), settings)


def content(body: str = "Move.", *, exercise: bool = False, kind: DeliveryKind = PUBLISH) -> Content:
    """A flood warning."""
    texts = (LanguageText("en", "River rising", body), LanguageText("cy", "Afon yn codi", "Symudwch."))
    return Content(kind, texts, UNTIL, "Example City", exercise=exercise)


def adapter(**settings: str) -> Adapter:
    """One that can reach nobody."""
    return Adapter(account(**settings), {}, Http(HttpPolicy(frozenset())), lambda: UNTIL)


def job(kind: DeliveryKind = PUBLISH, original: str | None = None) -> Job:
    """A delivery to be made."""
    return Job("d-1", 1, Adapter.render(content(kind=kind), account()), UNTIL, 5.0, original=original)


def test_every_language_stands_in_one_text():
    """In the account's order; an exercise begins by saying so."""
    plain = Adapter.render(content(), account())
    assert [part.text for part in plain.parts] == ["River rising\n\nMove.\n\nAfon yn codi\n\nSymudwch."]
    drill = Adapter.render(content(exercise=True), account())
    assert drill.parts[0].text.startswith("EXERCISE EXERCISE EXERCISE\n\nRiver")


def test_the_accounts_own_limit_is_held_to():
    """44 characters are there: they fit 44 and not 43."""
    assert Adapter.render(content(), account(characters="44")).options["characters"] == 44
    with pytest.raises(RenderError, match="the post has 44 of at most 43 characters; shorten it by 1"):
        Adapter.render(content(), account(characters="43"))


@pytest.mark.parametrize(
    ("body", "says"), [("Stay in\u202edoors", "invisible character U\\+202E"), ("http://gov.uk", "is not https")]
)
def test_what_people_should_not_post_is_refused_when_it_is_written(body, says):
    """Hidden characters and links without encryption."""
    with pytest.raises(RenderError, match=says):
        Adapter.render(content(body), account())


@pytest.mark.parametrize("given", ["", "0", "many", "1000000", "٤٧"])
def test_a_limit_that_is_no_number_is_refused(given):
    """When the account is added."""
    with pytest.raises(ValueError, match="the setting characters must be a whole number"):
        adapter(characters=given)


def test_a_post_is_handed_to_a_person():
    """The reason says what is waited for, and where."""
    assert asyncio.run(adapter().send(job(), no_note)) == Outcome(
        Verdict.HANDED_OVER, reason="waiting for a person to post it on City on Nextdoor"
    )


@pytest.mark.parametrize(("kind", "what"), [(CORRECT, "to correct"), (WITHDRAW, "to take down")])
def test_a_post_is_mended_by_a_person(kind, what):
    """Where the post is known by its link; where it is not, there is nothing that a person could mend."""
    made = adapter()
    act = made.correct if kind is CORRECT else made.withdraw
    outcome = asyncio.run(act(job(kind, LINK), no_note))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.HANDED_OVER,
        f"waiting for a person {what} the post on City on Nextdoor",
    )
    assert asyncio.run(act(job(kind), no_note)).verdict is Verdict.REJECTED


def test_the_machine_claims_to_know_nothing():
    """What people did is in the receipt and nowhere else."""
    made = adapter()
    assert asyncio.run(made.find(job())).found is Found.UNKNOWN
    assert asyncio.run(made.read_back(job(), LINK)).seen is Seen.UNKNOWN
    assert made.capabilities.idempotency.kind is IdempotencyKind.NONE


def test_a_probe_names_the_place():
    """There is nothing to ask."""
    assert asyncio.run(adapter().probe()).detail == "people post on City on Nextdoor"


def test_it_travels_with_the_accounts_and_seals_nothing():
    """Its text is shown; a channel that seals, one that sends by itself and one that is not used show none."""
    assert registry.entry("by hand").lane is Lane.ACCOUNTS
    shown = {name: registry.is_shown(name) for name in ("manual", "tiktok", "x", "wechat", "nowhere")}
    assert shown == {"manual": True, "tiktok": False, "x": False, "wechat": False, "nowhere": False}
    with pytest.raises(registry.UnknownChannelError, match="it has no device or packet"):
        registry.receipt_is_late("manual", UNTIL, UNTIL)
