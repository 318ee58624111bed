"""The layout of a post that carries every language of an account in one text.

Layout, each line present only where it has text::

    EXERCISE EXERCISE EXERCISE          exercises only

    headline                            once per language, in the account's order
                                        (an empty line)
    body
    instruction

    https://link                        once, at the end

Corrections and withdrawals are laid out the same way from the texts they were given.
"""

from __future__ import annotations

import unicodedata

from channels.contract import Account, Content, Job, LanguageText, Part, RenderError

EXERCISE_LINE = "EXERCISE EXERCISE EXERCISE"


def texts_for(content: Content, account: Account) -> list[LanguageText]:
    """The content's text in each of the account's languages, in its order. Raises RenderError naming the missing."""
    by_language = {text.language: text for text in content.texts}
    missing = [language for language in account.languages if language not in by_language]
    if missing or not account.languages:
        wanted = ", ".join(missing) or "any language"
        raise RenderError(
            f"{account.handle} posts in {wanted}, and the message has no text for it: add the translation"
        )
    return [by_language[language] for language in account.languages]


def part_for(job: Job) -> Part | None:
    """The text for this job's recipient; None where the rendering has none in their language."""
    parts = job.rendering.parts
    if job.language is None:
        return parts[0] if len(parts) == 1 else None
    return next((part for part in parts if part.language == job.language), None)


def one_post(content: Content, account: Account) -> Part:
    """All languages as one text in NFC; its language is ``mul`` where there are several. Raises RenderError."""
    texts = texts_for(content, account)
    blocks = [EXERCISE_LINE] if content.exercise else []
    blocks += [block for text in texts for block in _blocks(text)]
    if content.link:
        blocks.append(content.link)
    language = texts[0].language if len(texts) == 1 else "mul"
    return Part(language, unicodedata.normalize("NFC", "\n\n".join(blocks)))


def _blocks(text: LanguageText) -> list[str]:
    detail = "\n".join(line for line in (text.body.strip(), text.instruction.strip()) if line)
    return [block for block in (text.headline.strip(), detail) if block]
