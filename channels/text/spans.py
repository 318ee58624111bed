"""Links and tags in a text, and where they lie in its UTF-8 bytes.

Bluesky makes nothing clickable by itself: each link and tag needs a facet with byte offsets, end exclusive
(reference: platforms 6).

>>> facets("Gŵyl: https://gov.uk #gwynt")[1]
Facet(kind=<FacetKind.TAG: 'tag'>, start=22, end=28, value='gwynt')
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import regex

_LINK = regex.compile(r"https?://[^\s<>\"]+", regex.IGNORECASE)
_TAG = regex.compile(r"(?<![^\s(])#(?P<tag>[\p{L}\p{N}_]*[\p{L}_][\p{L}\p{M}\p{N}_]*)")
_TRAILING = ".,;:!?'’”)]"
MAX_TAG_GRAPHEMES = 64


class FacetKind(StrEnum):
    """What a span of text is."""

    LINK = "link"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Facet:
    """A span: ``start`` and ``end`` in UTF-8 bytes, end exclusive; ``value`` is the URL, or the tag without #."""

    kind: FacetKind
    start: int
    end: int
    value: str


def links(text: str) -> list[str]:
    """The links of a text that begin with http:// or https://, without punctuation that ends a sentence."""
    return [text[start:end] for start, end in _link_spans(text)]


def link_problems(text: str) -> list[str]:
    """What is wrong with a text's links; empty when each is https."""
    return [
        f"the link {link} is not https; use its https form"
        for link in links(text)
        if not link.lower().startswith("https://")
    ]


def facets(text: str) -> list[Facet]:
    """Links and tags in order of appearance. Tags inside links, of digits only, or over 64 graphemes are none."""
    spans = _link_spans(text)
    found = [Facet(FacetKind.LINK, _bytes(text, start), _bytes(text, end), text[start:end]) for start, end in spans]
    for match in _TAG.finditer(text):
        tag = match["tag"]
        if len(regex.findall(r"\X", tag)) <= MAX_TAG_GRAPHEMES:
            found.append(Facet(FacetKind.TAG, _bytes(text, match.start()), _bytes(text, match.end()), tag))
    return sorted(found, key=lambda facet: facet.start)


def _link_spans(text: str) -> list[tuple[int, int]]:
    return [(match.start(), match.start() + len(match.group().rstrip(_TRAILING))) for match in _LINK.finditer(text)]


def _bytes(text: str, position: int) -> int:
    return len(text[:position].encode())
