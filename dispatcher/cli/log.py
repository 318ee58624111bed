"""``dispatcher log``: what the roles say of themselves, line by line.

Logs are for diagnosis and may be lost; the record of what was done is the ledger.
"""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Reading
from dispatcher.cli.filters import Asked, filters
from dispatcher.cli.session import Session
from dispatcher.domain.wanted import Wanted


@click.command(cls=Reading)
@click.option("--role", default="*", help="Only this role's.")
@filters(200)
def log(session: Session, role: str, asked: Asked) -> None:
    """Read the logs of all roles in order of time, one line each; JSON lines where the output is not a terminal.

    Times are your own on a terminal, UTC in JSON.
    """
    folder, ends, seen = session.folder / "logs", dict[str, int](), False
    as_json = output.wants_json(session.json)
    patterns = [f"{role}.jsonl.1", f"{role}.jsonl"]
    newest: int | None = asked.number + 1
    for _ in asked.looks():
        read = (_written(path, ends) for pattern in patterns for path in folder.glob(pattern))
        lines = heapq.merge(*read, key=itemgetter("timestamp"))
        told = deque((line for line in lines if _fits(line, asked.wanted)), maxlen=newest)
        if not seen and len(told) > asked.number:
            told.popleft()
            output.say(f"There are more: these are the newest {asked.number}; -n shows more.")
        for line in told:
            _print(line, as_json)
        seen, patterns, newest = seen or bool(told), patterns[-1:], None
    output.next_step("dispatcher ledger tail" if seen else "dispatcher up", "" if seen else "no lines yet")


def _written(path: Path, ends: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The whole lines of a log written since the last look; ``ends`` says how far each was read.

    A log that was cut is read from its beginning. A line without a time gets that of the line before it.
    """
    at, role = "", path.name.partition(".")[0]
    with path.open("rb") as file:
        start = ends.get(path.name, 0)
        file.seek(start if start <= path.stat().st_size else 0)
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            ends[path.name] = file.tell()
            line = _line(raw.decode(errors="replace").rstrip("\n"))
            at = str(line.get("timestamp", at))
            yield {"role": role, "incident": "", **line, "timestamp": at}


def _line(raw: str) -> dict[str, Any]:
    """What a role said, or whatever else its process printed."""
    try:
        facts = json.loads(raw)
    except ValueError:
        facts = raw
    return facts if isinstance(facts, dict) else {"text": raw}


def _fits(line: dict[str, Any], wanted: Wanted) -> bool:
    return wanted.fits(str(line.get("event", "")), _time(line) or datetime.min.replace(tzinfo=UTC), line)


def _time(line: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(line["timestamp"]).astimezone(UTC)
    except ValueError:
        return None


def _print(line: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document("log-line", line)
        return
    if at := _time(line):
        line["timestamp"] = at.astimezone().isoformat(" ", "milliseconds")
    head = [str(line.pop(name)) for name in ("timestamp", "role", "level", "event", "text") if name in line]
    click.echo(output.plain(" ".join([*head, output.told({**line, "pid": None})])))
