"""The figures of texts that the reference gives, in its own units: changing one is a decision, not a slip."""

from __future__ import annotations

import pytest

from channels import text
from channels.text import counting, spans


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (text.X_WEIGHT, 280),  # reference: platforms 3.8
        (counting.X_LINK_WEIGHT, 23),
        (text.THREADS_CHARACTERS, 500),  # 4.4
        (text.BLUESKY_GRAPHEMES, 300),  # 6
        (text.BLUESKY_BYTES, 3_000),
        (spans.MAX_TAG_GRAPHEMES, 64),
        (text.MASTODON_CHARACTERS, 500),  # 7
        (text.MASTODON_LINK, 23),
        (text.NOTIFY_SMS_CHARACTERS, 918),  # reference: emergency-alerts 4
        (text.EMAIL_BYTES, 20_000),  # ours
        (text.EMAIL_SUBJECT_BYTES, 500),
    ],
)
def test_the_figures_of_texts_are_the_platforms(figure: int, value: int) -> None:
    """What one post, message or e-mail holds, and what a link in it is counted as."""
    assert figure == value
