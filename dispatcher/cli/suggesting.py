"""What somebody may have meant who typed what there is not. It is suggested and never run (reference: ux 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import click

CLOSE = 0.7
"""How alike two words are that may be meant for one another, as difflib counts."""
BY_NAME = {"inc-": "incident show", "msg-": "message preview", "dly-": "delivery show"}
"""What shows a thing by the beginning of its name, for who types the name where a command stands."""


def meant(words: Sequence[str], known: Collection[str], context: click.Context) -> click.exceptions.NoSuchCommand:
    """The error for the first of these words, which is no command of ``context``, with what may have been meant."""
    from dispatcher.cli.completing import index

    nouns = index()["commands"]
    word, here = words[0], context.command_path
    found = [f"{here} {name}" for name in close(word, known)]
    found += [f"dispatcher {name}" for name in close(word, nouns) if name in nouns]
    for noun, about in nouns.items():
        verbs = about.get("commands", {})
        if word in verbs or close(word, verbs, 0.85):
            found.append(f"dispatcher {noun} {word if word in verbs else close(word, verbs, 0.85)[0]}")
    found += [f"dispatcher {show} {word}" for begins, show in BY_NAME.items() if word.startswith(begins)]
    unique = list(dict.fromkeys(found))[:3]
    there = f"there is no command {here} {word}"
    return click.exceptions.NoSuchCommand(
        word, f"{there}. Did you mean: {', or '.join(unique)}?" if unique else there
    )


def close(word: str, known: Iterable[str], cutoff: float = CLOSE) -> list[str]:
    """Those of the known words that are much like this one, the likest first."""
    from difflib import get_close_matches

    return get_close_matches(word, list(known), cutoff=cutoff)
