"""Characters that a reader cannot see and that can change what is read.

Rules
  1. Refused: direction controls, zero-width and other format characters, fillers, control characters except the line
     break, private-use and unassigned code points, lone surrogates.
  2. Let through where writing needs them: what belongs to an emoji sequence, and the zero-width joiner and non-joiner
     between letters of scripts that join (Persian, Urdu, the Indic scripts).

>>> check_text("Stay in\u202edoors")
['invisible character U+202E RIGHT-TO-LEFT OVERRIDE at position 8: delete it']
"""

from __future__ import annotations

import unicodedata

import regex

from channels.text.counting import EMOJI

_JOINING = r"[\p{Arabic}\p{Syriac}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Tamil}\p{Telugu}\p{Sinhala}]"
_NEEDED = regex.compile(rf"(?P<emoji>{EMOJI})|(?<={_JOINING})[\u200C\u200D](?={_JOINING})")
_BLANK_LETTERS = r"\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800"
_HIDDEN = regex.compile(rf"(?!\n)[\p{{C}}\p{{Zl}}\p{{Zp}}\p{{Variation_Selector}}{_BLANK_LETTERS}]")


def check_text(text: str) -> list[str]:
    """Name every invisible or reordering character, its code point and position counted from 1; empty when none."""
    return [
        f"invisible character {_name(letter)} at position {place + 1}: delete it"
        for place, letter in _unneeded(text).items()
    ]


def spelled_out(text: str) -> str:
    """The text with every such character written as its code point, so that nothing unseen is read past.

    >>> spelled_out("Stay in\u202edoors")
    'Stay in[U+202E]doors'
    """
    return "".join(shown_letters(text)) if _unneeded(text) else text


def shown_letters(text: str) -> list[str]:
    """Each character as :func:`spelled_out` shows it, for who shows a text piece by piece.

    >>> shown_letters("in\u202e")
    ['i', 'n', '[U+202E]']
    """
    hidden = _unneeded(text)
    return [f"[U+{ord(letter):04X}]" if place in hidden else letter for place, letter in enumerate(text)]


def _unneeded(text: str) -> dict[int, str]:
    hidden = {match.start(): match.group() for match in _HIDDEN.finditer(text)}
    if not hidden:
        return {}
    needed = {place for match in _NEEDED.finditer(text) for place in range(*match.span())}
    return {place: letter for place, letter in hidden.items() if place not in needed}


def _name(letter: str) -> str:
    return f"U+{ord(letter):04X} {unicodedata.name(letter, 'without a name')}"
