"""Words that want a second look, sentence by sentence, and the elements that a complete warning has.

>>> sentences("Stay in. Call 999!")
['Stay in.', 'Call 999!']
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from channels.contract import LanguageText
from channels.text import links
from dispatcher.domain.message import Revision, TextKind
from dispatcher.wording.filling import ARMED_BY
from dispatcher.wording.remarks import Remark, Weight, whole
from dispatcher.wording.rules import Rule, any_of, any_word, paired, rules, words_of

_END = regex.compile(r"(?<=[.!?])\s+|\n+")
_NAME = regex.compile(r"\p{Lu}[\p{L}'’-]+")


def sentences(text: str) -> list[str]:
    """The sentences of a text; a line break ends one."""
    return [sentence for part in _END.split(text) if (sentence := part.strip())]


def found(kind: TextKind, text: LanguageText, *, exercise: bool) -> Iterator[Remark]:
    """What the rules for this mode find in a text."""
    applying = [rule for rule in rules().rule if rule.mode in ("", "exercise" if exercise else "live")]
    for sentence in sentences(whole(text)):
        for rule in applying:
            if words := _words(rule, text.language, sentence):
                yield Remark(rule.code, Weight(rule.weight), kind, text.language, words, rule.message, rule.flag)


def lacking(revision: Revision) -> Iterator[Remark]:
    """The elements of a complete warning that the message does not seem to have (reference: policy 3)."""
    if revision.template.partition(" ")[0] in ARMED_BY.values():
        return  # a template that knows that it is no warning
    for text in revision.texts.get(TextKind.PUBLISH, ()):
        said = whole(text)
        for lack in rules().element:
            patterns = words_of(lack.find, text.language)
            known = (
                revision.sent_by.lower() in said.lower() if lack.element == "source" and revision.sent_by else False
            )
            if patterns and not known and not any_of(patterns).search(said):
                yield _lack(lack.code, text.language, lack.message)
        if revision.area and not any(names(said, area) for area in revision.area):
            yield _lack("no_location", text.language, "does not say where", ", ".join(revision.area))
        if not revision.link and not links(said):
            yield _lack("no_link", text.language, "has no link to where the public reads more: give --link")


def names(text: str, place: str) -> bool:
    """Whether a text names a place, as any language has its name."""
    forms = next((forms for forms in paired().places if place in forms), (place,))
    return any_word(forms).search(text) is not None


def _lack(code: str, language: str, message: str, words: str = "") -> Remark:
    return Remark(code, Weight.ADVISE, TextKind.PUBLISH, language, words, message)


def _words(rule: Rule, language: str, sentence: str) -> str:
    """The words of a sentence that a rule is about, or none."""
    patterns, unless = words_of(rule.find, language), words_of(rule.unless, language)
    if not patterns or (unless and any_of(unless).search(sentence)):
        return ""
    matches = (match.group() for match in any_of(patterns).finditer(sentence))
    return next((words for words in matches if rule.code != "named_suspect" or _is_person(words)), "")


def _is_person(words: str) -> bool:
    """Whether the capitalised words among these can be somebody's name: none of an office or a street."""
    return not {name.group() for name in _NAME.finditer(words)} & set(rules().words.no_names)
