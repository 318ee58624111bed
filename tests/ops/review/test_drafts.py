"""The drafts of a report: what they say, that they say it of the record, and that ministers get one page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from channels.contract import LanguageText
from dispatcher.domain.message import TextKind
from dispatcher.service.reviewing.review import Review
from ops.review.drafts import LETTERS, LINES_OF_WORDS, ministers, operational
from ops.review.html import html
from ops.review.markdown import markdown
from ops.review.pdf import pdf
from tests.ops.review.example import example, untouched

ROOM = (LINES_OF_WORDS - 3) * LETTERS - 1
"""Characters of a body that just has room on the ministers' page."""


def crowded(letters: int = ROOM) -> Review:
    """An incident with more of everything than a page holds, and a message with a body of so many characters."""
    found = example()
    told = {TextKind.PUBLISH: (LanguageText("en-GB", "Severe gale", ("word " * letters)[:letters]),)}
    halts = tuple(replace(found.halts[0], target=f"channel-{n}", ended_at=None, reason="why " * n) for n in range(60))
    return replace(
        found,
        incident=replace(found.incident, title="A severe gale and a spring tide along all of the coast " * 2),
        plans=found.plans * 9,
        halts=halts,
        revisions=(replace(found.revisions[0], texts=told),),
    )


@pytest.mark.system
@pytest.mark.usefixtures("chromium")
def test_ministers_get_one_page() -> None:
    """However much there is to say, it prints on one sheet of A4."""
    printed = pdf(html(ministers(crowded())))
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    assert re.search(rb"/MediaBox \[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]", printed)


def test_what_has_no_room_is_counted() -> None:
    """Nobody takes the page for the whole record."""
    assert "more in the operational report and the review" in markdown(ministers(crowded()))


def test_a_text_is_whole_or_said_to_be_elsewhere() -> None:
    """Words to the public are never cut: there is room for all, or the headline and where the rest is."""
    body = crowded().revisions[0].texts[TextKind.PUBLISH][0].body
    longer = markdown(ministers(crowded(ROOM + 1)))
    assert body in markdown(ministers(crowded()))
    assert "word word" not in longer
    assert "the review has every word" in longer


def test_words_that_are_not_stored_are_said_to_be_missing() -> None:
    """The section is never empty."""
    assert "is not stored" in markdown(ministers(replace(example(), revisions=())))


@pytest.mark.parametrize("draft", [operational, ministers])
def test_a_draft_says_that_it_is_one(draft: type) -> None:
    """And that it is about an exercise."""
    marks = draft(example()).marks
    assert any("DRAFT" in mark for mark in marks)
    assert any("EXERCISE" in mark for mark in marks)


def test_ministers_read_who_decided_and_what_it_cost() -> None:
    """With the role of each, and money in pounds."""
    told = markdown(ministers(example()))
    assert (
        "The minister agreed tiktok at 2026-11-21 18:08:20 UTC, recorded by private-office-1 (private office)."
        in told
    )
    assert "security-1 (security), director-1 (duty director); released by director-1" in told
    assert (
        "Approved by checker-1 (checker), welsh-checker-1" in told
    )  # and not author-2, whose approval does not hold
    assert "Signed for: £16,000.00. Billed so far: £0.00." in told


def test_operations_read_what_is_open() -> None:
    """Problems, what is next and what is owed, each from the record."""
    told = markdown(operational(example()))
    for sentence in (
        "Held, waiting for people: 8 deliveries, on notify.",
        "The breaking of the glass is to be reviewed by 2026-11-22 19:00:00 UTC.",
        "The bill for search paid (case case-1) is to be recorded.",
        "Warning: amber, Example Bay (recorded 2026-11-21 18:01:00 UTC).",
        "Area: Example Bay, Old Town (recorded 2026-11-21 18:05:00 UTC).",
        "X, message: 2 of 2 accepted in 2.8 s; nothing is under way.",
        "Attestations for plan c0ffeec0ffee end at 2026-11-22 17:53:20 UTC, first those of M01.",
    ):
        assert sentence in told


def test_a_draft_of_nothing_claims_nothing() -> None:
    """An incident that was only declared."""
    told = markdown(ministers(untouched()))
    for sentence in (
        "Nothing has been public.",
        "Nothing was released.",
        "Nothing was bought.",
        "The record shows none.",
    ):
        assert sentence in told
