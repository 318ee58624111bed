"""Names that do not read as they are written: invisible, reordering and look-alike characters.

Rules (reference: policy 6.2 counts people, so two names must not look like one)
  1. Refused: control, format (zero-width, direction), private, unassigned and surrogate characters, line and
     paragraph separators, letters that show as blank, variation selectors.
  2. Refused: a letter that is another letter in costume (full width, mathematical, ligature).
  3. Refused: one word with letters of two alphabets that share shapes. Whole words may be of any alphabet.

For names and other short identifiers; what the public reads has the wider rules of ``channels.text.invisible``.

>>> fault("Duty d\u0456rector")
'U+0456 CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I among LATIN letters, at position 7'
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SHARING = {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "DESERET"}
_WORD = re.compile(r"\w+")


def fault(text: str) -> str | None:
    """What in ``text`` does not read as it is written: the character and its position, counted from 1; else None."""
    for position, letter in enumerate(text, 1):
        if unicodedata.category(letter) in _HIDDEN or _BLANK.match(letter):
            return f"invisible {_name(letter)}, at position {position}"
        if letter.isalpha() and unicodedata.normalize("NFKC", letter) != letter:
            return f"{_name(letter)}, which looks like another letter, at position {position}"
    return next(filter(None, map(_mixed, _WORD.finditer(text))), None)


def _mixed(word: re.Match[str]) -> str | None:
    first = ""
    for position, letter in enumerate(word.group(), word.start() + 1):
        alphabet = unicodedata.name(letter, "").partition(" ")[0]
        if alphabet in _SHARING and alphabet != (first := first or alphabet):
            return f"{_name(letter)} among {first} letters, at position {position}"
    return None


def _name(letter: str) -> str:
    return f"U+{ord(letter):04X} {unicodedata.name(letter, 'without a name')}"
