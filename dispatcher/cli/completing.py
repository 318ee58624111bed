"""What may be typed next: answered from the index of commands, and from the database for names of things.

Rules
  1. Nothing is imported that a command would need: ``index.json`` says what there is; a test holds it to the code.
  2. Names of things are read, never guessed; whatever goes wrong, nothing is offered and nothing is said.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VARIABLE = "_DISPATCHER_COMPLETE"
"""Set by the shells' scripts: what is wanted, and for which shell."""
INDEX = Path(__file__).with_name("index.json")
PLACES = {"file": "file", "folder": "dir"}
SQLITE = "sqlite:///data/dispatcher.db"

Offer = tuple[str, str, str]
"""The kind that shells know (plain, file, dir), what may be typed, and a word about it."""


def index() -> dict[str, Any]:
    """Every command by name, with its options, arguments and commands (see :mod:`dispatcher.cli.reference`)."""
    found: dict[str, Any] = json.loads(INDEX.read_text())
    return found


def answer(instruction: str) -> None:
    """Print what the shell asked for; ``instruction`` is such as ``bash_complete``."""
    from click.shell_completion import CompletionItem, get_completion_class

    shell = get_completion_class(instruction.partition("_")[0])
    if shell is None or not instruction.endswith("_complete"):
        return
    asked = shell(None, {}, "dispatcher", VARIABLE)  # type: ignore[arg-type] # it is not asked about commands
    words, begun = asked.get_completion_args()
    for kind, value, about in offers(words, begun):
        sys.stdout.write(f"{asked.format_completion(CompletionItem(value, type=kind, help=about or None))}\n")


@dataclass
class Reader:
    """What the words before the cursor come to: the command they name, and the option that wants a value."""

    here: dict[str, Any]
    options: dict[str, Any]
    wanted: dict[str, Any] | None = None
    given: dict[str, str] = field(default_factory=dict)
    arguments: int = 0

    def take(self, word: str) -> None:
        """Read one more word."""
        if self.wanted is not None:
            self.given[self.wanted["name"]] = word
            self.wanted = None
        elif word in self.options:
            option = self.options[word]
            self.wanted = None if option.get("flag") else option
        elif word.startswith("-"):
            return
        elif word in self.here.get("commands", {}):
            self.here = self.here["commands"][word]
            self.options = {**self.options, **self.here.get("options", {})}
        else:
            self.arguments += 1


def offers(words: Sequence[str], begun: str) -> Iterator[Offer]:
    """What may stand where ``begun`` stands, after these words."""
    known = index()
    reader = Reader(known, dict(known["options"]))
    for word in words:
        reader.take(word)
    if reader.wanted is not None:
        yield from _values(reader, reader.wanted, begun)
    elif begun.startswith("-"):
        yield from (_plain(name, one["help"]) for name, one in reader.options.items() if name.startswith(begun))
    elif "commands" in reader.here:
        commands = reader.here["commands"]
        yield from (_plain(name, one["help"]) for name, one in commands.items() if name.startswith(begun))
    elif expected := reader.here.get("arguments", []):
        last = expected[-1]
        if reader.arguments < len(expected) or last.get("many"):
            yield from _values(reader, expected[min(reader.arguments, len(expected) - 1)], begun)


def _values(reader: Reader, wanted: dict[str, Any], begun: str) -> Iterator[Offer]:
    for kind in wanted.get("kinds", []):
        if kind in PLACES:
            yield PLACES[kind], "", ""
        else:
            yield from (_plain(name, about) for name, about in _names(reader.given.get("deployment"), kind, begun))
    yield from (_plain(value, "") for value in wanted.get("values", []) if value.startswith(begun))


def _plain(value: str, about: str) -> Offer:
    return "plain", value, about


def _names(given: str | None, kind: str, begun: str) -> Sequence[tuple[str, str]]:
    import tomllib

    from dispatcher.store.naming import names

    folder = Path(given or os.environ.get("DISPATCHER_DEPLOYMENT") or "deployment").absolute()
    try:
        said = tomllib.loads((folder / "deployment.toml").read_text())
        database = str(said.get("database", SQLITE)).replace("sqlite:///data/", f"sqlite:///{folder / 'data'}/")
        return names(database, kind, begun)
    except Exception:  # noqa: BLE001 - a shell that completes is no place to hear of it
        return []
