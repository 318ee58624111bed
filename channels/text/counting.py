"""How long a text is, in each platform's own measure.

Rules
  1. X: weights of twitter-text v3 after NFC; an emoji sequence is 2, a link 23 (reference: platforms 3.8). Where X
     would ask its list of top-level domains, this counts the larger of both readings: a bare name that looks like a
     domain costs at least 23.
  2. Bluesky: extended grapheme clusters and UTF-8 bytes (reference: platforms 6).
  3. Mastodon: grapheme clusters, a link 23, a mention without its server's name (reference: platforms 7). What is no
     plain web link counts in full.
  4. Threads: code points, an emoji as its UTF-8 bytes (reference: platforms 4.4), with its joiners and selectors.
  5. SMS: one segment holds 160 GSM-7 units or 70 UTF-16 units, each of several 153 or 67. One character outside
     GSM-7 (Welsh ŵ and ŷ are such) moves the whole text to UTF-16. GOV.UK Notify takes 918 characters.

>>> x_length("Hi http://test.co"), graphemes("Llŷn 👨‍👩‍👧‍👦"), sms_count("Llŷn").beyond_gsm7
(26, 6, ('ŷ',))
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import regex

from channels.capabilities import Unit

X_WEIGHT = 280
X_LINK_WEIGHT = 23
BLUESKY_GRAPHEMES = 300
BLUESKY_BYTES = 3000
MASTODON_CHARACTERS = 500
MASTODON_LINK = 23
THREADS_CHARACTERS = 500
NOTIFY_SMS_CHARACTERS = 918

_X_LIGHT = frozenset({*range(4352), *range(8192, 8206), *range(8208, 8224), *range(8242, 8248)})

_PICTURE = r"\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F)?"
EMOJI = (
    r"(?:\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3"
    r"|\U0001F3F4[\U000E0020-\U000E007E]+\U000E007F"
    rf"|{_PICTURE}(?:\u200D{_PICTURE})*)"
)
_HOST = r"(?:[a-z0-9][a-z0-9_-]*+\.){1,8}[a-z]{2,}+(?![0-9_-])"
_TAIL = r"(?::[0-9]+)?(?:[/?#](?:[a-z0-9!*';:=+,.$%#\[\]/~@&|()?_-]*[a-z0-9=_/+-])?)?"
X_TOKEN = regex.compile(
    rf"(?P<link>https?://{_HOST}{_TAIL})|(?P<bare>(?<![a-z0-9_-]){_HOST}{_TAIL})|(?P<emoji>{EMOJI})",
    regex.IGNORECASE,
)

MASTODON_TOKEN = regex.compile(
    rf"(?P<link>https?://{_HOST}{_TAIL})|(?<![=/\w])(?P<mention>@[a-z0-9_][a-z0-9_.-]*+)@[a-z0-9.-]*[a-z0-9]",
    regex.IGNORECASE,
)

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("^{}\\[~]|€")
GSM7_WHOLE = _GSM7 | GSM7_EXTENSION


def x_length(text: str) -> int:
    """The weighted length of a post on X; the limit is :data:`X_WEIGHT`."""
    whole = unicodedata.normalize("NFC", text)
    tokens = list(X_TOKEN.finditer(whole))
    extra = sum(_x_weight(token) - _x_letters(token.group()) for token in tokens)
    return _x_letters(whole) + extra


def graphemes(text: str) -> int:
    """How many characters a reader sees: extended grapheme clusters."""
    return len(regex.findall(r"\X", text))


def length(text: str, unit: Unit) -> int:
    """How long a text is in a platform's unit."""
    return _MEASURES[unit](text)


def mastodon_length(text: str, per_link: int = MASTODON_LINK) -> int:
    """What a server of Mastodon counts; limit and ``per_link`` are each server's own."""
    return graphemes(MASTODON_TOKEN.sub(lambda token: token["mention"] or "x" * per_link, text))


def threads_length(text: str) -> int:
    """The length of a post on Threads; the limit is :data:`THREADS_CHARACTERS`."""
    emoji = regex.findall(EMOJI, text)
    return len(text) + sum(len(one.encode()) - len(one) for one in emoji)


@dataclass(frozen=True, slots=True)
class SmsCount:
    """What a text costs as SMS.

    ``units`` are septets or UTF-16 units; ``beyond_gsm7`` holds the letters that force UTF-16, each once.
    """

    encoding: Literal["gsm7", "ucs2"]
    characters: int
    units: int
    segments: int
    beyond_gsm7: tuple[str, ...]


def sms_count(text: str) -> SmsCount:
    """Count a text as SMS. GSM-7's extension table (€, brackets and the like) costs two units a character."""
    beyond = tuple(dict.fromkeys(letter for letter in text if letter not in GSM7_WHOLE))
    if beyond:
        units = _utf16_units(text)
        return SmsCount("ucs2", len(text), units, _segments(units, 70, 67), beyond)
    units = len(text) + sum(letter in GSM7_EXTENSION for letter in text)
    return SmsCount("gsm7", len(text), units, _segments(units, 160, 153), ())


def _x_weight(token: regex.Match[str]) -> int:
    found = token.group()
    if token.lastgroup == "link":
        return X_LINK_WEIGHT
    if token.lastgroup == "bare":
        return max(X_LINK_WEIGHT, len(found))
    return 2 if len(found) > 1 else _x_letters(found)


def _x_letters(text: str) -> int:
    return len(text) if text.isascii() else sum(1 if ord(letter) in _X_LIGHT else 2 for letter in text)


def _segments(units: int, alone: int, joined: int) -> int:
    return 1 if units <= alone else math.ceil(units / joined)


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


_MEASURES: Mapping[Unit, Callable[[str], int]] = {
    Unit.CHARACTERS: len,
    Unit.GRAPHEMES: graphemes,
    Unit.WEIGHTED: x_length,
    Unit.SHORT_LINKS: mastodon_length,
    Unit.EMOJI_BYTES: threads_length,
    Unit.UTF16: _utf16_units,
    Unit.BYTES: _utf8_bytes,
}
