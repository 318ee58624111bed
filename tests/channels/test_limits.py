"""The figures of every channel's text are those of the platforms' own documentation, written down a second time."""

from __future__ import annotations

import pytest

from channels import registry
from channels.bluesky.wire import MAX_LANGUAGES
from channels.capabilities import TextLimit, Unit

LIMITS = {
    "x": TextLimit(280, Unit.WEIGHTED),  # reference: platforms 3.8
    "bluesky": TextLimit(300, Unit.GRAPHEMES),  # 6
    "mastodon": TextLimit(500, Unit.SHORT_LINKS),  # 7
    "facebook": TextLimit(63_206, Unit.UTF16),  # 4.2
    "threads": TextLimit(500, Unit.EMOJI_BYTES),  # 4.4
    "instagram": TextLimit(2_200, Unit.UTF16),  # 4.3
    "youtube": TextLimit(5_000, Unit.BYTES),  # 5
    "tiktok": TextLimit(2_200, Unit.UTF16),  # 1.3
    "notify": TextLimit(918, Unit.CHARACTERS),  # reference: emergency-alerts 4
    "webhook": None,
    "cap_feed": None,
}


@pytest.mark.parametrize(("channel", "limit"), LIMITS.items(), ids=str)
def test_a_channels_limit_is_the_platforms(channel: str, limit: TextLimit | None) -> None:
    """In the platform's own unit."""
    assert registry.adapter(channel).capabilities.text == limit


def test_a_post_on_bluesky_names_three_languages_at_most() -> None:
    """Reference: platforms 6."""
    assert MAX_LANGUAGES == 3
