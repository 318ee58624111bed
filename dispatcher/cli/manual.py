"""Manual pages, section 1, from the commands themselves: one for the program, one for each of its commands and nouns.

Written in the man(7) macros, for groff and mandoc alike. Help text is never taken for a macro: a line that begins
with a dot or a quote is escaped, and so is every backslash and hyphen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from dispatcher.cli.examples import examples

Walked = Iterable[tuple[click.Command, click.Context]]


def pages(walked: Walked) -> dict[str, str]:
    """The pages by file name, such as ``dispatcher-incident.1``; every command stands on its noun's page."""
    found: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for command, context in walked:
        words = context.command_path.split(" ")
        name = "-".join(words[:2])
        if name not in found:
            found[name] = [*_head(name, command), *_options(command, context)]
            names[name] = f"{name}(1)"
        else:
            found[name] += [f".SH {_text(context.command_path).upper()}", *_about(command, context)]
    for name, lines in found.items():
        others = [other for other in names.values() if not other.startswith(f"{name}(")]
        lines += [".SH SEE ALSO", _text(", ".join(others if name == "dispatcher" else ["dispatcher(1)"]))]
    return {f"{name}.1": "\n".join(lines) + "\n" for name, lines in found.items()}


def _head(name: str, command: click.Command) -> list[str]:
    short = command.get_short_help_str(100).rstrip(".")
    title = f'.TH "{name.upper()}" "1" "" "dispatcher" "Dispatcher manual"'
    return [title, ".ad l", ".SH NAME", f"{_text(name)} \\- {_text(short)}", ".SH SYNOPSIS"]


def _options(command: click.Command, context: click.Context) -> list[str]:
    """The rest of a page's own command, beginning with its synopsis."""
    about = _about(command, context)
    if isinstance(command, click.Group):
        return [*about, *_epilog(command)]
    return [*about[: about.index(".PP")], ".SH DESCRIPTION", *about[about.index(".PP") :]]


def _about(command: click.Command, context: click.Context) -> list[str]:
    """How a command is typed, examples, what it does and its options."""
    pieces = " ".join(command.collect_usage_pieces(context))
    docstring = command.help or ""
    lines = [f".B {_text(context.command_path)}", _text(pieces), ".PP"]
    if shown := examples(context.command_path.partition(" ")[2], docstring):
        lines += ["Such as:", ".PP", ".EX", *map(_text, shown), ".EE", ".PP"]
    lines += _paragraphs("\n".join(line for line in docstring.splitlines() if line.strip() not in shown))
    for one in command.get_params(context):
        record = one.get_help_record(context)
        if record and isinstance(one, click.Option) and not getattr(one, "hidden", False):
            lines += [".TP", f"\\fB{_text(record[0])}\\fP", _text(record[1])]
    return lines


def _paragraphs(docstring: str) -> Iterator[str]:
    """Paragraphs filled, and those after ``\\b`` line by line as they are."""
    for paragraph in docstring.split("\n\n"):
        as_it_is = paragraph.lstrip().startswith("\b")
        lines = [line for line in paragraph.replace("\b", "").splitlines() if line.strip()]
        if not lines:
            continue
        if as_it_is:
            yield from (".EX", *map(_text, lines), ".EE", ".PP")
        else:
            yield from (_text(" ".join(line.strip() for line in lines)), ".PP")


def _epilog(command: click.Command) -> list[str]:
    lines = [line.strip() for line in (command.epilog or "").splitlines() if line.strip("\b ")]
    return [f".SH {_text(lines[0]).upper()}", ".EX", *map(_text, lines[1:]), ".EE"] if lines else []


def _text(line: str) -> str:
    """Text that troff takes for nothing but text."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
