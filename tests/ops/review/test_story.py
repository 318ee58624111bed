"""What a review says: first the summary and what to look at, then the reviewer's questions in their order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops.review.document import Exact, Paragraph, Table
from ops.review.markdown import markdown
from ops.review.story import story
from ops.review.summary import attention, summary
from tests.ops.review.example import ENGLISH, WELSH, example, untouched
from tests.ops.review.sent import at

QUESTIONS = (
    "What happened, in order",
    "What was known, and when",
    "Who decided what, and why",
    "The exact words",
    "Policy, clauses and refusals",
    "Mitigations, and the minister's decision",
    "Sending",
    "What the public saw",
    "Corrections, and how long they took",
    "Where the minutes went",
    "Spend",
    "Halts and break-glass",
    "Who read or exported the record",
    "The record, and how to verify it",
)


@pytest.mark.parametrize("found", [example(), untouched()], ids=["everything", "nothing"])
def test_every_question_has_its_place(found: object) -> None:
    """Also where the answer is that there is none (reference: policy 4)."""
    assert tuple(section.title for section in story(found).sections) == QUESTIONS  # type: ignore[arg-type]


def test_the_summary_says_what_when_how_many_and_how_it_ended() -> None:
    """In one paragraph."""
    assert summary(example()) == (
        "Severe gale tonight (severe weather, severity S3) was declared at 2026-11-21 18:00:00 UTC by author-1. "
        "1 plan for 1 message was submitted, 1 released. The first post was public at 2026-11-21 18:15:01 UTC, "
        "15 min 1 s after the declaration. Of 12,010 deliveries of the message on 6 channels, 11,990 were accepted. "
        "Ordered after it: withdrawal. The incident is stood down; nothing is under way."
    )


def test_what_to_look_at_is_said_before_all() -> None:
    """Signatures, glass, mitigations, deliveries, posts; then what was refused and what was late."""
    assert attention(example()) == (
        "A signature about plan c0ffeec0ffee never held: author-2.",
        "The glass was broken for plan c0ffeec0ffee, not reviewed; due 2026-11-22 19:00:00 UTC.",
        "1 mitigation of plan c0ffeec0ffee did not hold: M07.",
        "Held, waiting for people: 8 deliveries, on notify.",
        "Refused by the platform: 12 deliveries, on notify.",
        "Not what the public sees as approved: facebook-city.",
        "Refused on the way: 13, by G08, G16.",
        "Recorded more than 15 min after it was said: 1 fact.",
    )
    assert attention(untouched()) == ()


def test_a_signature_whose_key_was_revoked_since_is_told_apart() -> None:
    """It held when it was given: what was decided by it stands, and a reader knows both."""
    (plan,) = example().plans
    revoked = replace(plan.signatures[1], refused="its key was revoked")
    found = replace(example(), plans=(replace(plan, signatures=(revoked,)),))
    assert "A signature about plan c0ffeec0ffee held when it was given and holds no more: checker-1." in attention(
        found
    )


def test_the_same_words_stand_once_with_all_who_carry_them() -> None:
    """Per kind and language; twelve accounts with one text are no twelve texts."""
    (plan,) = story(example()).sections[3].sections
    exact = [block for block in plan.blocks if isinstance(block, Exact)]
    message = [one for one in exact if one.caption.startswith("Message, ")]
    assert [(one.language, one.text) for one in message[:2]] == [("en-GB", ENGLISH), ("cy", WELSH)]
    assert message[0].caption == "Message, en-GB. Carried by x-city on x, x-county on x."
    assert len(message) == 4  # x has a picture beside them
    assert "cap_feed-county on cap feed" in message[2].caption


def test_bytes_that_were_not_signed_are_no_words() -> None:
    """They are said to be that, first of all."""
    (plan,) = example().plans
    found = replace(example(), plans=(replace(plan, texts=(replace(plan.texts[2], parts=(), media=()),)),))
    assert "not the bytes that were signed" in markdown(story(found))
    assert attention(found)[0] == "The texts stored for plan c0ffeec0ffee are not the bytes that were signed."


def test_refusals_name_clause_person_reason_and_who_can_mend_it() -> None:
    """As one row for each that says the same."""
    (table,) = [
        block
        for block in story(example()).sections[4].blocks
        if isinstance(block, Table) and block.caption == "Refusals"
    ]
    assert table.rows[0][2:] == (
        "1",
        "release refused",
        "G08",
        "director-1",
        "x",
        "no approval by security",
        "security",
    )
    assert table.rows[1][2:] == ("12", "gate refused", "G16", "a machine", "notify", "halted by ops-1", "two others")


def test_what_an_altered_post_shows_is_quoted() -> None:
    """Beside since when."""
    (shown,) = [block for block in story(example()).sections[7].blocks if isinstance(block, Exact)]
    assert (shown.text, shown.caption) == (
        "A gale, tonight?",
        "facebook-city shows this instead of the message, since 2026-11-21 18:15:10 UTC",
    )


def test_the_anchor_of_the_ledger_stands_at_the_head() -> None:
    """Its newest signed head, where there is one; and when the record was read."""
    _, read, head = story(example(), f"12345:{'ab' * 32}").opening[:3]
    assert read == Paragraph(f"Read at {at(9_000):%Y-%m-%d %H:%M:%S} UTC. All times are UTC (+00:00).")
    assert head == Paragraph(f"The ledger's newest signed head then: 12,345 entries, root {'ab' * 32}.")
