"""Text files as officers write them, one per language::

Storm tonight                       the first line is the headline
                                    (empty lines around the body do not count)
Stay indoors from 6pm.              the body
Keep away from the sea front.
---                                 a line of three hyphens, if there is an instruction
Charge your telephone now.          the instruction
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from channels.contract import LanguageText
from dispatcher.domain.errors import Invalid

MAX_BYTES = 64 * 1024
RULE = "---"


def read_text(language: str, path: Path) -> LanguageText:
    """Read one file. Raises Invalid."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise Invalid(f"{path}: cannot be read ({error.strerror})", "name the text file of this language") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: not UTF-8 ({error.reason})", "save it as UTF-8") from error
    if len(data) > MAX_BYTES:
        raise Invalid(f"{path}: larger than {MAX_BYTES} bytes", "a message to the public is shorter")
    headline, _, rest = text.replace("\r\n", "\n").strip().partition("\n")
    body, _, instruction = f"{rest}\n".partition(f"\n{RULE}\n")
    if not headline.strip() or not body.strip():
        raise Invalid(f"{path}: needs a headline and a body", "write the headline on the first line, the body below")
    return LanguageText(language, headline.strip(), body.strip(), instruction.strip())


def read_texts(files: Mapping[str, str]) -> tuple[LanguageText, ...]:
    """Read one file per language, in the order given. Raises Invalid."""
    return tuple(read_text(language, Path(file)) for language, file in files.items())


def with_headlines(texts: Iterable[LanguageText], headlines: Mapping[str, str]) -> tuple[LanguageText, ...]:
    """The texts with other headlines. Raises Invalid for a language that has no text."""
    written = tuple(texts)
    unknown = [language for language in headlines if language not in {text.language for text in written}]
    if unknown:
        raise Invalid(f"there is no text in {unknown[0]} to put a headline on", f"give one: --text {unknown[0]}=FILE")
    return tuple(replace(text, headline=headlines.get(text.language, text.headline)) for text in written)


def merged(old: Iterable[LanguageText], new: Iterable[LanguageText]) -> tuple[LanguageText, ...]:
    """The old texts in their order, each replaced where there is a new one, then the languages that are new."""
    by_language = {text.language: text for text in old} | {text.language: text for text in new}
    return tuple(by_language.values())
