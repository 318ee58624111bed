"""What a channel can do, as data: how repeats are told, how much it takes, what it carries, what it can take back.

Each adapter declares one :class:`Capabilities`; ``source`` says where its figures are from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class IdempotencyKind(StrEnum):
    """How a channel answers "did the first try work?"."""

    IDEMPOTENT = "idempotent"  # a repeat of the same job is harmless while the key lives
    QUERY = "query"  # no key, but the platform's record can be read
    NONE = "none"  # neither: only a person can tell


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A channel's capability. ``ttl_s``: how long a repeat is recognised; ``lag_s``: how long the record may lag."""

    kind: IdempotencyKind
    ttl_s: float = 0.0
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What a platform takes from one account: ``burst`` sends at once, ``sends`` more in each ``per_s`` seconds.

    ``daily`` is the platform's cap on a day's sends, where it has one.
    """

    sends: int
    per_s: float
    burst: int
    daily: int | None = None


class Unit(StrEnum):
    """What a platform counts a text in."""

    CHARACTERS = "characters"  # code points
    GRAPHEMES = "graphemes"  # what a reader sees as one character
    WEIGHTED = "weighted"  # X's own weights
    SHORT_LINKS = "short_links"  # Mastodon's: graphemes, a link 23, a mention without its server
    EMOJI_BYTES = "emoji_bytes"  # Threads': code points, an emoji its UTF-8 bytes
    UTF16 = "utf16"  # UTF-16 code units
    BYTES = "bytes"  # of UTF-8


@dataclass(frozen=True, slots=True)
class TextLimit:
    """How long a text may be, as the platform counts."""

    most: int
    unit: Unit


class Address(StrEnum):
    """What the recipients of a list are reached by."""

    PHONE = "phone"
    EMAIL = "email"


class MediaKind(StrEnum):
    """What a post can carry besides text."""

    PICTURE = "picture"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class MediaLimit:
    """What one post carries of one kind: at most ``most``, each in one of these forms and no larger than this.

    Width and height in pixels; ``alt_characters`` is the longest text in place of one, in code points. ``least``: a
    post needs so many, or of another kind that it needs. ``narrowest`` and ``widest``: what the width is of the
    height, at least and at most. ``shortest_s`` and ``longest_s``: how long a video is. ``captions``: the channel
    takes them as files of their own; elsewhere they are only checked to exist, and are not sent.
    """

    kind: MediaKind
    mimes: tuple[str, ...]
    max_bytes: int
    max_width: int
    max_height: int
    most: int
    alt_characters: int
    least: int = 0
    narrowest: float = 0.0
    widest: float = math.inf
    shortest_s: float = 0.0
    longest_s: float = math.inf
    captions: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do. Times in seconds; ``rate`` is per account, ``max_in_flight`` per account and process.

    ``edits``: a correction changes the post in place; elsewhere it is a post of its own. ``text`` is None where the
    platform has no limit, ``languages`` empty where it takes any. ``media`` is empty where a post is text alone; a
    post carries one kind, and of two the first goes before. ``recipients``: it sends to a list of these.
    ``withdraws_with`` names an account's setting: only where that is ``yes`` can a machine withdraw; it is empty
    where every token may. ``withdraws_in_words``: a withdrawal is published in words of its own, which are read back
    as a post's are; elsewhere the post goes. ``by_hand``: people finish it and sign a receipt;
    ``acts_unconfirmed``: whoever was handed it, such as an agency, may act before that, and confirms under a
    reference of their own.
    ``probe_every_s``: an account is probed no more often than this by the schedule, because a probe takes of what
    its platform counts or charges.
    """

    idempotency: Idempotency
    can_correct: bool
    can_withdraw: bool
    can_read_back: bool
    withdraws_with: str = ""
    withdraws_in_words: bool = False
    edits: bool = False
    text: TextLimit | None = None
    media: tuple[MediaLimit, ...] = ()
    languages: tuple[str, ...] = ()
    recipients: Address | None = None
    by_hand: bool = False
    acts_unconfirmed: bool = False
    max_in_flight: int = 8
    timeout_s: float = 10.0
    rate: Rate | None = None
    probe_every_s: float = 0.0
    hosts: tuple[str, ...] = ()
    source: str = ""
