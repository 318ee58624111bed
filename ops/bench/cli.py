"""How long commands take to answer, as ratios to what any program here would take: a machine's speed divides out.

Each round starts every program once, in turn, so that whatever else the machine does falls on all alike. The
yardsticks are an interpreter that does nothing, one that imports click, and a script that asks one question of the
same SQLite file through SQLAlchemy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from ops.bench.figures import Figure
from ops.bench.office import office_at

NOWHERE = "http://127.0.0.1:9"
ROUNDS = 20
AT_ONCE_MS = 100
STATUS_RATIO = 1.5
RUN = "from dispatcher.cli.main import run; run()"
ASK = """
import sys
from sqlalchemy import create_engine, text
with create_engine(f"sqlite:///{sys.argv[1]}").connect() as connection:
    print(connection.execute(text("SELECT count(*) FROM incidents")).scalar())
"""
COMPLETING = {"_DISPATCHER_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
PROGRAMS: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "pass": (["-c", "pass"], {}),
    "click": (["-c", "import click"], {}),
    "sqlalchemy": (["-c", ASK], {}),
    "help": (["-c", RUN, "--help"], {}),
    "completion": (["-c", RUN], COMPLETING | {"COMP_WORDS": "dispatcher incident decl"}),
    "names": (["-c", RUN], COMPLETING | {"COMP_WORDS": "dispatcher release "}),
    "status": (["-c", RUN, "status"], {}),
}


def measure(root: Path, rounds: int = ROUNDS) -> list[Figure]:
    """Milliseconds of each program, and the ratios that were promised, round by round."""
    with office_at(root, NOWHERE) as office:
        office.add("webhook", "webhook-1")
        office.cleared()
        for program in PROGRAMS:
            _took(program, office.folder)  # so that nothing is compiled while it is measured
        taken: dict[str, list[float]] = {program: [] for program in PROGRAMS}
        for _ in range(rounds):
            for program, found in taken.items():
                found.append(_took(program, office.folder))
    targets = dict.fromkeys(("help", "completion"), float(AT_ONCE_MS))
    figures = [Figure(f"cli.{name}", "ms", found, targets.get(name)) for name, found in taken.items()]
    ratio = [ours / bare for ours, bare in zip(taken["status"], taken["sqlalchemy"], strict=True)]
    figures.append(Figure("cli.status.ratio", "times", ratio, STATUS_RATIO))
    for name in ("help", "completion"):
        against = [ours / median(taken["click"]) for ours in taken[name]]
        figures.append(Figure(f"cli.{name}.ratio", "times", against))
    return figures


def _took(program: str, folder: Path) -> float:
    """One start and end, in milliseconds. Raises CalledProcessError."""
    words, more = PROGRAMS[program]
    asked = [str(folder / "data" / "dispatcher.db")] if program == "sqlalchemy" else []
    environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(folder), **more}
    began = time.perf_counter()
    subprocess.run([sys.executable, *words, *asked], env=environment, capture_output=True, check=True)  # noqa: S603
    return (time.perf_counter() - began) * 1000
