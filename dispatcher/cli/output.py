"""What a command prints: data on stdout, talk on stderr.

Rules (reference: ux 4)
  1. A terminal gets tables; anything else, or ``--json``, gets one JSON document with a ``schema`` of its own.
  2. One document makes both: its plain values are a table of names and values, each list of things a table of its
     own. What is empty is not shown to people.
  3. ``--no-color``, ``NO_COLOR``, ``CLICOLOR=0`` and ``TERM=dumb`` leave nothing but text, and state is never told by
     colour alone. With ``ACCESSIBLE=1`` nothing is repainted: what changes is said in a line of its own.
  4. Other people's text is shown with its control, direction and invisible characters spelled out.
  5. Times are UTC in JSON, and in tables in the reader's own zone with its offset; digests, and fingerprints among
     other facts, are whole in JSON only.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import IntEnum
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from dispatcher.service.notices import Notice

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_SHORT = 26
"""Where the terminal is wide enough, a column of cells no longer than this is not folded."""


def facts(value: Any) -> Any:
    """A value as JSON: dataclasses by their fields, times in UTC, severities by name, everything else as text."""
    if value is None or isinstance(value, bool) or type(value) in (str, int):
        return value
    if is_dataclass(value):
        return {field.name: facts(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): facts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [facts(item) for item in value]
    if isinstance(value, datetime):
        from dispatcher.domain.canonical import format_time

        return format_time(value)
    return value.name if isinstance(value, IntEnum) else str(value)


def wants_json(asked: bool) -> bool:
    """Whether data go out as JSON: asked for, or not read by a person."""
    return asked or not sys.stdout.isatty()


def in_place() -> bool:
    """Whether a line may change in place: not on a dumb terminal, nor for who reads by ear (``ACCESSIBLE=1``)."""
    return not os.environ.get("ACCESSIBLE") and os.environ.get("TERM") != "dumb"


def document(schema: str, body: Mapping[str, Any], *, err: bool = False) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps({"schema": f"dispatcher/{schema}/v1", **facts(body)}, ensure_ascii=False), err=err)


def screen() -> Console:
    """The terminal as rich draws on it; without any escape sequence where only text is wanted."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, color_system=None if only_text() else "auto")


def only_text() -> bool:
    """Whether neither colour nor emphasis is wanted (https://no-color.org; CLICOLOR as in BSD's ls)."""
    context = click.get_current_context(silent=True)
    asked = context is not None and getattr(context.obj, "no_color", False)
    said = os.environ.get("NO_COLOR") or os.environ.get("CLICOLOR") == "0" or os.environ.get("TERM") == "dumb"
    return bool(asked or said)


def tables(body: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """Print a document for a person.

    ``columns`` names the columns of a list, which is then shown even when it is empty; without columns it is hidden.
    """
    console = screen()
    rows, lists = _parts({key: value for key, value in facts(body).items() if columns.get(key) != ""})
    if rows:
        console.print(table("", (), rows))
    for name in {**columns, **lists}:
        items = lists.get(name, [])
        heads = columns[name].split() if name in columns else list(items[0])
        if heads:
            console.print(table(name, heads, [[item.get(head) for head in heads] for item in items]))


def _parts(body: Mapping[str, Any], prefix: str = "") -> tuple[list[tuple[str, Any]], dict[str, list[Any]]]:
    rows: list[tuple[str, Any]] = []
    lists: dict[str, list[Any]] = {}
    for key, value in body.items():
        if isinstance(value, dict):
            inner, under = _parts(value, f"{prefix}{key} ")
            rows, lists = rows + inner, lists | under
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            lists[f"{prefix}{key}"] = value
        elif value not in _EMPTY:
            rows.append((f"{prefix}{key}", value))
    return rows, lists


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """One table as rich draws it. Without ``heads``, two columns of names and values."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells = [[plain(told(cell)) for cell in row] for row in rows]
    if not cells:
        return Text(f"{title}: none")
    widths = [max(map(len, column)) for column in zip(*cells, heads or ("", ""), strict=True)]
    needed = sum(width + 3 if width <= _SHORT else _SHORT for width in widths)
    fits = needed <= get_terminal_size().columns
    drawn = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_header=bool(heads))
    for head, width in zip(heads or ("", ""), widths, strict=True):
        drawn.add_column(head, overflow="fold", no_wrap=fits and width <= _SHORT)
    for row in cells:
        drawn.add_row(*map(Text, row))
    return drawn


def told(value: Any) -> str:
    """A value in a cell or a line for people."""
    value = facts(value)
    if value in _EMPTY:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}={_within(item)}" for key, item in value.items() if item not in _EMPTY)
    if isinstance(value, list):
        items = [told(item) for item in value]
        return ("; " if any(" " in item for item in items) else ", ").join(items)
    if isinstance(value, str) and _TIME.fullmatch(value):
        return datetime.fromisoformat(value).astimezone().isoformat(" ", "seconds")
    return value[:12] if isinstance(value, str) and _DIGEST.fullmatch(value) else str(value)


def _within(value: Any) -> str:
    """The same among others: in brackets where it has names of its own; of a key's fingerprint the beginning."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
        return f"({told(value)})"
    text = told(value)
    return text[:19] if _FINGERPRINT.fullmatch(text) else text


def plain(text: str) -> str:
    """Text whose invisible characters are spelled out, fit for a terminal; line ends and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def say(*lines: str) -> None:
    """Tell the person something that is not data."""
    for line in lines:
        click.echo(plain(line), err=True)


def untold(notices: Iterable[Notice]) -> None:
    """Warn of notices that nobody took."""
    say(*(f"Warning: {n.person} was not told ({n.scheme}): reach them another way" for n in notices if not n.sent))


def next_step(command: str, missing: str = "") -> None:
    """End a command: what is missing, and what to type; with ``--quiet`` nothing."""
    context = click.get_current_context(silent=True)
    if context is not None and getattr(context.obj, "quiet", False):
        return
    say(*([f"Missing: {missing}"] if missing else []), f"Next: {command}")
