"""``dispatcher log``: what the roles wrote, merged by time. A diagnosis, never the record: that is the ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Text, Verb, session
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid

POLL_S = 0.25
HEAD = ("timestamp", "level", "event", "role")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a role's log; ``facts`` is empty for a line that is not JSON."""

    role: str
    at: str
    text: str
    facts: dict[str, Any]

    def belongs(self, role: str | None, incident: str | None) -> bool:
        """Whether it was asked for. An incident's name may be shortened."""
        return role in (None, self.role) and (
            incident is None or str(self.facts.get("incident", "")).startswith(incident)
        )


@click.command(cls=Verb)
@click.option("--role", help="Only this role's.")
@click.option("--incident", help="Only lines about this incident.")
@click.option("-n", "--number", type=click.IntRange(0, 100_000), default=200, show_default=True, help="The newest.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written; end with Ctrl-C.")
@session
def log(session: Session, role: Text, incident: Text, number: int, follow: bool) -> None:
    """Read the logs of all roles in order of time, one line each; JSON lines where the output is not a terminal."""
    folder = session.folder / "logs"
    names = sorted(path.name.removesuffix(".jsonl") for path in folder.glob("*.jsonl"))
    if role is not None and role not in names:
        raise Invalid(f"role {role} has no log", f"those with one: {', '.join(names) or 'none yet'}")
    ends = {name: _size(folder / f"{name}.jsonl") for name in names}
    lines = [line for name in names for line in _history(folder, name, ends[name]) if line.belongs(role, incident)]
    for line in sorted(lines, key=attrgetter("at"))[-number or len(lines) :]:
        _print(line, as_json=output.wants_json(session.json))
    if not follow:
        output.next_step("dispatcher ledger tail" if lines else "dispatcher up", "" if lines else "no lines yet")
        return
    for line in _written(folder, ends):
        if line.belongs(role, incident):
            _print(line, as_json=output.wants_json(session.json))


def _history(folder: Path, role: str, end: int) -> Iterator[Line]:
    """The rotated log, then the newest up to ``end``. A line without a time keeps the one before it."""
    at = ""
    for path, limit in ((folder / f"{role}.jsonl.1", -1), (folder / f"{role}.jsonl", end)):
        if path.exists():
            with path.open("rb") as file:
                for raw in file.read(limit).splitlines():
                    line = _line(role, raw, at)
                    at = line.at
                    yield line


def _written(folder: Path, ends: dict[str, int]) -> Iterator[Line]:
    """Whole lines as they are written, for ever; a log that was cut is read from its beginning."""
    while True:
        for path in sorted(folder.glob("*.jsonl")):
            role = path.name.removesuffix(".jsonl")
            start = ends.get(role, 0) if ends.get(role, 0) <= _size(path) else 0
            with path.open("rb") as file:
                file.seek(start)
                whole, _, _ = file.read().rpartition(b"\n")
            ends[role] = start + len(whole) + bool(whole)
            yield from (_line(role, raw, "") for raw in whole.splitlines())
        time.sleep(POLL_S)


def _line(role: str, raw: bytes, before: str) -> Line:
    text = raw.decode(errors="replace")
    try:
        facts = json.loads(text)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        return Line(role, before, text, {})
    return Line(role, str(facts.get("timestamp", before)), text, facts)


def _print(line: Line, *, as_json: bool) -> None:
    if as_json:
        output.document("log-line", {"role": line.role, **(line.facts or {"text": line.text})})
        return
    rest = " ".join(f"{key}={output.told(value)}" for key, value in line.facts.items() if key not in (*HEAD, "pid"))
    head = f"{line.at} {line.role}"
    told = f"{line.facts.get('level', '')} {line.facts.get('event', '')} {rest}" if line.facts else line.text
    click.echo(output.plain(f"{head} {told}"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
