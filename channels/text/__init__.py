"""Text rules shared by lint, preview, plan and send: counting, what costs more than it seems, links, invisible
characters, the layout of a post and of an e-mail, e-mail addresses.

Lives here: pure functions over text, with the platforms' numbers beside their source.
May not live here: anything that cuts or changes what people wrote, beyond Unicode NFC.
"""

from channels.text.counting import (
    BLUESKY_BYTES,
    BLUESKY_GRAPHEMES,
    MASTODON_CHARACTERS,
    MASTODON_LINK,
    NOTIFY_SMS_CHARACTERS,
    THREADS_CHARACTERS,
    X_WEIGHT,
    SmsCount,
    graphemes,
    length,
    mastodon_length,
    sms_count,
    x_length,
)
from channels.text.email import EMAIL_BYTES, EMAIL_SUBJECT_BYTES, email_faults, emails, subject_of
from channels.text.invisible import check_text, shown_letters, spelled_out
from channels.text.mailbox import mailbox_fault
from channels.text.post import EXERCISE_LINE, one_post, part_for, texts_for
from channels.text.spans import Facet, FacetKind, facets, link_problems, links
from channels.text.weighing import Cost, CostKind, Counted, Measure, Place, costs, counted

__all__ = [
    "BLUESKY_BYTES",
    "BLUESKY_GRAPHEMES",
    "EMAIL_BYTES",
    "EMAIL_SUBJECT_BYTES",
    "EXERCISE_LINE",
    "MASTODON_CHARACTERS",
    "MASTODON_LINK",
    "NOTIFY_SMS_CHARACTERS",
    "THREADS_CHARACTERS",
    "X_WEIGHT",
    "Cost",
    "CostKind",
    "Counted",
    "Facet",
    "FacetKind",
    "Measure",
    "Place",
    "SmsCount",
    "check_text",
    "costs",
    "counted",
    "email_faults",
    "emails",
    "facets",
    "graphemes",
    "length",
    "link_problems",
    "links",
    "mailbox_fault",
    "mastodon_length",
    "one_post",
    "part_for",
    "shown_letters",
    "sms_count",
    "spelled_out",
    "subject_of",
    "texts_for",
    "x_length",
]
