"""What a command prints: data on stdout, talk on stderr.

Rules (reference: ux 4)
  1. A terminal gets tables; anything else, or ``--json``, gets one JSON document with a ``schema`` of its own.
  2. ``NO_COLOR`` and ``TERM=dumb`` are honoured, and state is never told by colour alone.
  3. Other people's text is shown with its control, direction and invisible characters spelled out.
  4. Times are UTC in JSON and in the reader's own offset in tables; digests are whole in JSON.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import click

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people. Without ``columns``, two columns of names and values."""

    rows: Sequence[Sequence[object]]
    columns: Sequence[str] = ()
    title: str = ""


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


def document(schema: str, body: Mapping[str, Any]) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps({"schema": f"dispatcher/{schema}/v1", **facts(body)}, ensure_ascii=False))


def tables(parts: Iterable[Table]) -> None:
    """Print tables for a person."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for part in parts:
        console.print(drawn(part))


def drawn(part: Table) -> Any:
    """One table as rich draws it."""
    from rich import box
    from rich.table import Table as Drawn
    from rich.text import Text

    head = bool(part.columns)
    table = Drawn(title=part.title or None, title_justify="left", box=box.SIMPLE_HEAD, show_header=head)
    for column in part.columns or ("", ""):
        table.add_column(column, overflow="fold")
    for row in part.rows:
        table.add_row(*(Text(plain(told(cell))) for cell in row))
    return table if part.rows else Text(f"{part.title}: none" if part.title else "nothing")


def say(*lines: str) -> None:
    """Tell the person something that is not data."""
    for line in lines:
        click.echo(plain(line), err=True)


def next_step(command: str, missing: str = "") -> None:
    """End a command: what is missing, and what to type."""
    say(*([f"Missing: {missing}"] if missing else []), f"Next: {command}")


def told(value: object) -> str:
    """A value for people."""
    value = facts(value)
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{key}={told(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(told(item) for item in value)
    if isinstance(value, str) and _TIME.fullmatch(value):
        return f"{datetime.fromisoformat(value).astimezone():%Y-%m-%d %H:%M:%S %z}"
    return value[:12] if isinstance(value, str) and _DIGEST.fullmatch(value) else str(value)


def plain(text: str) -> str:
    """Text whose invisible characters are spelled out, fit for a terminal; line ends and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
