"""The commands, told by the commands themselves: a page, the manual pages, and the index that shells complete from.

python -m dispatcher.cli.reference            the page, docs/cli.md
python -m dispatcher.cli.reference index      dispatcher/cli/index.json
python -m dispatcher.cli.reference man FOLDER a manual page for each command
python -m dispatcher.cli.reference json       the page of documents and exit codes, docs/json.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from channels import registry
from dispatcher.cli.errors import EXIT_CODES, THEN
from dispatcher.cli.main import root
from dispatcher.cli.manual import pages
from dispatcher.cli.schema import known
from dispatcher.store.naming import QUERIES

WIDTH = 100
FILES = {"FILE": "file", "FILE.CSV": "file", "PACK": "file"}
FOLDERS = {"FOLDER": "folder", "BACKUP": "folder"}
NAMED = {**FILES, **FOLDERS, **{kind.upper(): kind for kind in QUERIES}}
"""What an argument or an option takes, by the name it goes by; what has none of these is typed."""
NOUNS = {"account": "account", "recipients": "list"}
"""What the argument NAME of a noun's commands is."""
NEW = {"add", "connect", "import"}
"""Commands whose NAME is not there yet."""
PAGE = """# For programs

Made by `python -m ops.docs json --write`.

- Data go to stdout, talk to stderr. Where stdout is no terminal, or with `--json`, data are one JSON document on a
  line; what is followed (`watch`, `ledger tail --follow`, `log --follow`) is a document a line.
- A document says what it is: `"schema": "dispatcher/NAME/v1"`. `dispatcher schema NAME` prints its JSON Schema
  (2020-12). Names may be added to a document; what is there stays what it is as long as its version does.
- With `--json` an error is a document too, on stderr.
- Nothing is asked where stdin is no terminal: the command ends at once and names what to pass.
- No command takes an account's or a person's secret as an option or from the environment: `--secret-file NAME=FILE`
  names a file or a pipe, and keys are files or ssh-agent's.
- `NO_COLOR`, `CLICOLOR=0`, `TERM=dumb` and `--no-color` leave nothing but text; with `ACCESSIBLE=1` nothing is
  repainted.

## Exit codes

| Code | Means | What to do |
|---|---|---|
{codes}
## Documents

| Document | Printed by |
|---|---|
{rows}"""


def reference() -> str:
    """The whole reference as Markdown."""
    head = "# Commands\n\nMade by `python -m ops.docs cli --write`. Each command prints the same with `--help`.\n"
    return head + "".join(_section(command, context) for command, context in walked())


def walked() -> Iterator[tuple[click.Command, click.Context]]:
    """Every command there is, the first one first, each in its place."""
    yield from _walked(
        root, click.Context(root, info_name="dispatcher", terminal_width=WIDTH, **root.context_settings)
    )


def _walked(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    yield command, context
    group = command if isinstance(command, click.Group) else click.Group()
    for name in group.list_commands(context):
        if found := group.get_command(context, name):
            yield from _walked(found, click.Context(found, parent=context, info_name=name, terminal_width=WIDTH))


def _section(command: click.Command, context: click.Context) -> str:
    return f"\n## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"


def index() -> dict[str, Any]:
    """What shells complete from: commands, options, arguments, and what each takes."""
    made: dict[str, dict[str, Any]] = {}
    for command, context in walked():
        told = _told(command, context)
        made[context.command_path] = told
        if context.parent is not None:
            made[context.parent.command_path].setdefault("commands", {})[context.info_name] = told
    return made["dispatcher"]


def _told(command: click.Command, context: click.Context) -> dict[str, Any]:
    noun = str(context.parent.info_name) if context.parent else ""
    told: dict[str, Any] = {"help": command.get_short_help_str(WIDTH)}
    seen = [one for one in command.get_params(context) if not getattr(one, "hidden", False)]
    options = {
        name: _taken(one, noun) | {"help": (one.help or "").partition(". ")[0].rstrip(".")}
        for one in seen
        if isinstance(one, click.Option)
        for name in one.opts
    }
    arguments = [_taken(one, noun, command.name or "") for one in seen if isinstance(one, click.Argument)]
    return told | {"options": options} | ({"arguments": arguments} if arguments else {})


def _taken(one: click.Parameter, noun: str, verb: str = "") -> dict[str, Any]:
    """What a parameter takes: words, names of things that there are, files; nothing for a flag."""
    told: dict[str, Any] = {"name": str(one.name)}
    if isinstance(one, click.Option) and (one.is_flag or one.count or (one.is_eager and one.name == "help")):
        return told | {"flag": True}
    if isinstance(one.type, click.Choice):
        return told | {"values": [str(getattr(value, "value", value)) for value in one.type.choices]}
    called = str(one.metavar or one.name).strip("[].").upper()
    words = [word.strip("[]. ") for word in called.split("|")]
    kinds = [NAMED[word] for word in (*words, called) if word in NAMED]
    if one.name == "name" and not kinds and noun in NOUNS and verb not in NEW:
        kinds = [NOUNS[noun]]
    channels = [found.name for found in registry.TABLE if found.load] if "CHANNEL" in words else []
    told |= {"kinds": list(dict.fromkeys(kinds))} if kinds else {}
    told |= {"values": channels} if channels else {}
    return told | ({"many": True} if one.nargs == -1 else {})


def documents() -> str:
    """The page for programs: how output is read, every document with the commands that print it, the exit codes."""
    rows = "".join(
        f"| [`dispatcher/{name}/v1`](../dispatcher/cli/schemas/{name}.json) | {_commands(found['commands'])} |\n"
        for name, found in known().items()
    )
    codes = "".join(f"| `{code}` | {meaning} | {THEN[code]} |\n" for code, meaning in EXIT_CODES.items())
    return PAGE.format(rows=rows, codes=codes)


def _commands(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "every command, on stderr, that ends badly"


def main(words: list[str]) -> None:
    """Print or write what is asked for."""
    match words:
        case ["index"]:
            click.echo(json.dumps(index(), indent=1, ensure_ascii=False))
        case ["json"]:
            click.echo(documents(), nl=False)
        case ["man", folder]:
            for name, page in pages(walked()).items():
                (Path(folder) / name).write_text(page)
        case _:
            click.echo(reference(), nl=False)


if __name__ == "__main__":
    main(sys.argv[1:])
