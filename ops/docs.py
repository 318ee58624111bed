"""Documents that are made from the code: ``python -m ops.docs lifecycles`` prints one; ``--write`` puts it in place.
``python -m ops.docs man --to FOLDER`` writes the manual pages.

A test holds every generated file equal to what is printed here.
"""

from __future__ import annotations

import argparse
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path

from dispatcher.domain import lifecycle
from dispatcher.domain.lifecycle import Lifecycle

STATES: dict[str, type[StrEnum]] = {
    "incident": lifecycle.IncidentState,
    "plan": lifecycle.PlanState,
    "clearance": lifecycle.ClearanceState,
    "delivery": lifecycle.DeliveryState,
    "spend": lifecycle.SpendState,
    "alert": lifecycle.Standing,
}
_MEMBER = re.compile(r'^    [A-Z_]+ = "(?P<state>\w+)"  # (?P<sentence>.+)$', re.MULTILINE)


def lifecycles() -> str:
    """The lifecycles as tables and diagrams, from the transition tables."""
    head = (
        "# Lifecycles\n\nMade from `dispatcher/domain/lifecycle.py` by `python -m ops.docs lifecycles --write`. The "
        "database refuses every\nmove that is not here.\n"
    )
    return head + "".join(_section(machine) for machine in lifecycle.ALL)


def _section(machine: Lifecycle) -> str:
    sentences = dict(_MEMBER.findall(inspect.getsource(STATES[machine.name])))
    rows = "".join(
        f"| {state}{' (begins here)' if state in machine.initial else ''} | {sentences[state]} "
        f"| {', '.join(sorted(targets)) or 'nothing'} |\n"
        for state, targets in machine.moves.items()
    )
    arrows = "".join(f"  {source} --> {target}\n" for source, target in machine.edges)
    begins = "".join(f"  [*] --> {state}\n" for state in sorted(machine.initial))
    table = f"| State | What it means, and who moves it on | Moves to |\n|---|---|---|\n{rows}"
    diagram = f"```mermaid\nstateDiagram-v2\n{begins}{arrows}```\n"
    return f"\n## {machine.name.capitalize()}\n\n{table}\n{diagram}"


def commands(*words: str) -> str:
    """What the command line says of itself: it stands above this package and is not imported."""
    program = [sys.executable, "-m", "dispatcher.cli.reference", *words]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own program


DOCUMENTS: dict[str, tuple[str, Callable[[], str]]] = {
    "cli": ("docs/cli.md", commands),
    "index": ("dispatcher/cli/index.json", partial(commands, "index")),
    "json": ("docs/json.md", partial(commands, "json")),
    "lifecycles": ("docs/lifecycles.md", lifecycles),
}


def main() -> None:
    """Print a document, or write it; ``man`` writes the manual pages into a folder."""
    parser = argparse.ArgumentParser(prog="python -m ops.docs", description="Documents made from the code.")
    parser.add_argument("document", choices=sorted([*DOCUMENTS, "man"]))
    parser.add_argument("--write", action="store_true", help="put it in place")
    parser.add_argument("--to", type=Path, default=Path("build/man/man1"), help="the folder of manual pages")
    given = parser.parse_args()
    if given.document == "man":
        given.to.mkdir(parents=True, exist_ok=True)
        commands("man", str(given.to))
        print(f"Written to {given.to}; to read one: man {given.to / 'dispatcher.1'}")
        return
    path, make = DOCUMENTS[given.document]
    if given.write:
        (Path(__file__).parents[1] / path).write_text(make())
    else:
        print(make(), end="")


if __name__ == "__main__":
    main()
