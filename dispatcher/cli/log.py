"""``dispatcher log``: what the roles say of themselves, line by line.

Logs are for diagnosis and may be lost; the record of what was done is the ledger.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Verb
from dispatcher.cli.session import Session

POLL_S = 0.25


@click.command(cls=Verb)
@click.option("--role", default="*", help="Only this role's.")
@click.option("--incident", default="", help="Only lines about this incident.")
@click.option("-n", "--number", type=click.IntRange(1, 100_000), default=200, show_default=True, help="The newest.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written; end with Ctrl-C.")
def log(session: Session, role: str, incident: str, number: int, follow: bool) -> None:
    """Read the logs of all roles in order of time, one line each; JSON lines where the output is not a terminal."""
    folder, ends = session.folder / "logs", dict[str, int]()
    as_json = output.wants_json(session.json)
    lines = [*_written(folder, f"{role}.jsonl.1", ends), *_written(folder, f"{role}.jsonl", ends)]
    newest = number
    while True:
        told = [
            line for line in sorted(lines, key=itemgetter("timestamp")) if str(line["incident"]).startswith(incident)
        ]
        for line in told[-newest:]:
            _print(line, as_json)
        if not follow:
            break
        time.sleep(POLL_S)
        lines, newest = list(_written(folder, f"{role}.jsonl", ends)), 0
    output.next_step("dispatcher ledger tail" if lines else "dispatcher up", "" if lines else "no lines yet")


def _written(folder: Path, pattern: str, ends: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The whole lines written since the last look; ``ends`` says how far each log was read.

    A log that was cut is read from its beginning. A line without a time gets that of the line before it.
    """
    for path in folder.glob(pattern):
        at = ""
        with path.open("rb") as file:
            start = ends.get(path.name, 0)
            file.seek(start if start <= path.stat().st_size else 0)
            whole, _, unfinished = file.read().rpartition(b"\n")
            ends[path.name] = file.tell() - len(unfinished)
        for raw in whole.splitlines():
            line = _line(raw.decode(errors="replace"))
            at = str(line.get("timestamp", at))
            yield {"timestamp": at, "role": path.name.partition(".")[0], "incident": "", **line}


def _line(raw: str) -> dict[str, Any]:
    """What a role said, or whatever else its process printed."""
    try:
        facts = json.loads(raw)
    except ValueError:
        facts = raw
    return facts if isinstance(facts, dict) else {"text": raw}


def _print(line: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document("log-line", line)
        return
    head = [str(line.pop(name)) for name in ("timestamp", "role", "level", "event", "text") if name in line]
    click.echo(output.plain(" ".join([*head, output.told({**line, "pid": None})])))
