"""What people are shown before they send or sign."""

from __future__ import annotations

import pytest

from channels.capabilities import Unit
from channels.contract import Account
from channels.mastodon.adapter import Adapter as Mastodon
from channels.notify.adapter import Adapter as Notify
from channels.text import CostKind, Measure
from dispatcher.domain.errors import Invalid
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.service import messages, previewing
from dispatcher.service.previewing import measure_of
from dispatcher.store import records
from tests.office import Office

LONG = "Stay in. " * 60


def test_a_draft_is_shown_account_by_account_the_message_first(office: Office) -> None:
    """Then each way back."""
    for channel in ("x", "webhook"):
        office.account(channel)
    sheet = previewing.of_message(office.desk, office.message())
    assert sheet.exercise
    assert [(card.kind, card.account) for card in sheet.cards[:3]] == [
        (TextKind.PUBLISH, "webhook-1"),
        (TextKind.PUBLISH, "x-1"),
        (TextKind.CORRECT, "webhook-1"),
    ]
    assert all(card.digest and not card.problems for card in sheet.cards)


def test_a_refused_text_is_shown_with_the_first_word_that_does_not_fit(office: Office) -> None:
    """It has no digest, so that nobody can sign it."""
    office.account("x")
    message = office.message(text=LONG)
    card = previewing.of_message(office.desk, message).cards[0]
    assert (card.digest, len(card.problems)) == (None, 1)
    (told,) = card.texts
    assert LONG.strip() in told.text
    assert told.counted.left is not None
    assert told.counted.left < 0
    assert told.counted.costs[-1].kind is CostKind.BEYOND
    (made,) = messages.previews(office.desk, *_asked(office, message))[:1]
    assert made.rendering is None


def test_accounts_that_carry_the_same_stand_together(office: Office) -> None:
    """And apart where only a language differs."""
    for name in ("x-1", "x-2"):
        office.account("x", name)
    office.account("x", "x-3", ("cy",))
    sheet = previewing.of_message(office.desk, office.message())
    together = [tuple(card.account for card in cards) for cards in sheet.of_kind(TextKind.PUBLISH)]
    assert together == [("x-1", "x-2"), ("x-3",)]
    assert len(sheet.by_account()) == 2


def test_accounts_that_are_refused_the_same_stand_together(office: Office) -> None:
    """Fifty accounts that a text is too long for are one card, not fifty."""
    for name in ("x-1", "x-2"):
        office.account("x", name)
    sheet = previewing.of_message(office.desk, office.message(text=LONG))
    ((one, other),) = sheet.of_kind(TextKind.PUBLISH)
    assert one.problems == other.problems
    assert one.problems[0].startswith("the post counts ")


def test_a_plan_is_shown_as_it_is_signed(office: Office) -> None:
    """Every text of every destination with its digest, whatever was edited since."""
    office.account("x")
    plan = office.plan()
    before = previewing.of_plan(office.desk, plan)
    edited = [text for text in before.revision.texts[TextKind.PUBLISH] if text.language == "cy"]
    messages.set_texts(office.desk, before.revision.message, TextKind.PUBLISH, edited, "author-1", "edit")
    after = previewing.of_plan(office.desk, plan)
    assert (before.state, after.state) == ("submitted", "returned")
    assert after.cards == before.cards
    assert after.revision == before.revision
    assert {card.digest for card in after.cards if card.kind is TextKind.PUBLISH} == {
        after.plan.destinations[0].renderings[TextKind.PUBLISH]
    }


def test_nothing_is_shown_without_an_account(office: Office) -> None:
    """It is said how to add one."""
    with pytest.raises(Invalid, match="there is no exercise account yet"):
        previewing.of_message(office.desk, office.message())


def test_a_server_counts_as_the_rendering_says() -> None:
    """Its own limit and links; text messages also by what is paid for; without a limit in characters."""
    own = {"max_characters": 5_000, "characters_reserved_per_url": 30}
    assert measure_of(Mastodon.capabilities, own) == Measure(Unit.SHORT_LINKS, 5_000, per_link=30)
    assert measure_of(Notify.capabilities).sms
    assert measure_of(None, {"characters": 900}) == Measure(Unit.CHARACTERS, 900)


def _asked(office: Office, message: str) -> tuple[object, list[Account], Mode]:
    with office.desk.store.read() as work:
        return records.newest_revision(work, message), records.accounts(work, Mode.EXERCISE), Mode.EXERCISE
