"""Plain English and plain Welsh: sentences, capitals, hashtags, acronyms, links, alt text. All of it advises.

The reading level is LIX (C. H. Björnsson, 1968): words per sentence, plus the percentage of words over six letters.
It counts no syllables and knows no language, so that it measures Welsh as it measures English.

>>> lix("Stay indoors. Close your windows.")
42
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from channels.contract import LanguageText
from channels.text import link_problems, links
from dispatcher.domain.message import Revision, TextKind
from dispatcher.wording.phrases import sentences
from dispatcher.wording.remarks import Remark, Weight, whole
from dispatcher.wording.rules import rules

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'’-]*")
_CAPITALS = regex.compile(r"(?<![#\w])\p{Lu}{2,}(?:[^\w.!?\n]+\p{Lu}{2,})*(?!\w)")
_ACRONYM = regex.compile(r"(?<![#\w/.])\p{Lu}[\p{Lu}&]{1,5}(?=s?(?![\w/]))")
_HASHTAG = regex.compile(r"(?<!\w)#([\p{L}\p{N}_]+)")
_LONG = 6


def found(kind: TextKind, text: LanguageText) -> Iterator[Remark]:
    """What could be plainer in one text."""
    said = whole(text)
    for link in links(said):
        said = said.replace(link, "")
    for code, words, message in (*_reading(said), *_capitals(said), *_hashtags(said)):
        yield Remark(code, Weight.ADVISE, kind, text.language, words, message)


def links_of(revision: Revision) -> Iterator[Remark]:
    """One link, and a safe one: a second one divides the readers."""
    for text in revision.texts.get(TextKind.PUBLISH, ()):
        given = [*links(whole(text)), *([revision.link] if revision.link else [])]
        for problem in [fault for link in given for fault in link_problems(link)]:
            yield Remark("link_not_https", Weight.ADVISE, TextKind.PUBLISH, text.language, "", problem)
        if len(set(given)) > 1:
            words = " ".join(dict.fromkeys(given))
            yield Remark("links", Weight.ADVISE, TextKind.PUBLISH, text.language, words, "more than one link")


def alt_of(revision: Revision) -> Iterator[Remark]:
    """Whether each picture says what it shows, in each language, as briefly as it is read out."""
    for medium in revision.media:
        alt = {part.language: part.text.strip() for part in medium.alt}
        for language in revision.languages:
            for code, message in _alt(alt.get(language, "")):
                yield Remark(code, Weight.ADVISE, TextKind.PUBLISH, language, alt.get(language, "")[:60], message)


def lix(text: str) -> int:
    """The reading level of a text: under 30 easy, over 55 official prose; 0 for no words."""
    words, ends = _WORD.findall(text), len(sentences(text))
    long = sum(len(word) > _LONG for word in words)
    return round(len(words) / ends + 100 * long / len(words)) if words else 0


def _reading(text: str) -> Iterator[tuple[str, str, str]]:
    limits = rules().limits
    for sentence in sentences(text):
        if (count := len(_WORD.findall(sentence))) > limits.sentence_words:
            yield "long_sentence", f"{sentence[:40]}…", f"a sentence of {count} words: make two of it"
    if len(_WORD.findall(text)) >= limits.lix_words and (level := lix(text)) > limits.lix:
        yield "reading_level", "", f"hard to read (LIX {level}, over {limits.lix}): use shorter sentences and words"


def _capitals(text: str) -> Iterator[tuple[str, str, str]]:
    words, limits = rules().words, rules().limits
    for match in _CAPITALS.finditer(text):
        run = _WORD.findall(match.group())
        if len(run) >= limits.capital_words and set(run) - set(words.capitals):
            yield "capitals", match.group(), "words in capitals are hard to read: keep them for hazard and action"
    for acronym in dict.fromkeys(_ACRONYM.findall(_CAPITALS.sub(_alone, text))):
        if acronym not in (*words.acronyms, *words.capitals) and f"({acronym})" not in text:
            yield "acronym", acronym, "an acronym that not everybody knows: write its name, or explain it once"


def _alone(match: regex.Match[str]) -> str:
    """A run of capitals counts as shouting, one word of them as an acronym."""
    return match.group() if len(_WORD.findall(match.group())) == 1 else ""


def _hashtags(text: str) -> Iterator[tuple[str, str, str]]:
    most = rules().limits.hashtag_letters
    for tag in _HASHTAG.findall(text):
        capitals = sum(letter.isupper() for letter in tag)
        if tag[0].islower() or (len(tag) >= most and not 1 < capitals < len(tag)):
            yield "hashtag", f"#{tag}", "begin each word of a hashtag with a capital, so that it can be read aloud"


def _alt(alt: str) -> Iterator[tuple[str, str]]:
    most = rules().limits.alt_letters
    if not alt:
        yield "alt_missing", "a picture has no alt text: say what it shows"
    if len(alt) > most:
        yield "alt_long", f"alt text of {len(alt)} letters: {most} are read in one go"
    if alt.lower().startswith(rules().words.alt):
        yield "alt_image_of", "alt text need not say that it is a picture: begin with what it shows"
