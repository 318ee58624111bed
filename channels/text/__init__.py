"""Text rules shared by lint, preview, plan and send: counting, links, invisible characters, the layout of a post,
e-mail addresses.

Lives here: pure functions over text, with the platforms' numbers beside their source.
May not live here: anything that cuts or changes what people wrote, beyond Unicode NFC.
"""

from channels.text.counting import (
    BLUESKY_BYTES,
    BLUESKY_GRAPHEMES,
    MASTODON_CHARACTERS,
    MASTODON_LINK,
    NOTIFY_SMS_CHARACTERS,
    X_WEIGHT,
    SmsCount,
    graphemes,
    length,
    mastodon_length,
    sms_count,
    x_length,
)
from channels.text.invisible import check_text
from channels.text.mailbox import mailbox_fault
from channels.text.post import EXERCISE_LINE, one_post, texts_for
from channels.text.spans import Facet, FacetKind, facets, link_problems, links

__all__ = [
    "BLUESKY_BYTES",
    "BLUESKY_GRAPHEMES",
    "EXERCISE_LINE",
    "MASTODON_CHARACTERS",
    "MASTODON_LINK",
    "NOTIFY_SMS_CHARACTERS",
    "X_WEIGHT",
    "Facet",
    "FacetKind",
    "SmsCount",
    "check_text",
    "facets",
    "graphemes",
    "length",
    "link_problems",
    "links",
    "mailbox_fault",
    "mastodon_length",
    "one_post",
    "sms_count",
    "texts_for",
    "x_length",
]
