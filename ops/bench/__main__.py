"""``python -m ops.bench [NAME …]``: see the package."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from ops.bench import (
    cap,
    cli,
    console,
    engine,
    gate,
    halts,
    isolation,
    ledger,
    metrics,
    night,
    review,
    silence,
    stale,
)
from ops.bench.figures import Figure, table, write

BUILD = Path("build")
MEASUREMENTS: Mapping[str, Callable[[Path], Sequence[Figure]]] = {
    "cap": cap.measure,
    "gate": gate.measure,
    "stale": stale.measure,
    "halts": halts.measure,
    "isolation": isolation.measure,
    "ledger": ledger.measure,
    "review": review.measure,
    "silence": silence.measure,
    "night": night.measure,
    "console": console.measure,
    "cli": cli.measure,
    "metrics": metrics.measure,
    **{kind: partial(engine.measure, kind) for kind in engine.DATABASES},
    "full": engine.measure_full,
}
"""What can be measured, by name; each gets a folder of its own. ``sqlite`` and ``postgresql`` are the engine on it,
``full`` is a million recipients on both."""


def chosen(words: Sequence[str]) -> list[str]:
    """What is to be measured: everything but the full size, unless words name it. Exits with 2 for another word."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench", description="Measure what this product promises.")
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help=", ".join(MEASUREMENTS))
    return parser.parse_args(words).names or [name for name in MEASUREMENTS if name != "full"]


def _name(word: str) -> str:
    if word not in MEASUREMENTS:
        raise argparse.ArgumentTypeError(f"{word} is none of {', '.join(MEASUREMENTS)}")
    return word


def main() -> int:
    """Measure, print and write; the exit code is 0 only if every promise that was measured is met."""
    names = chosen(sys.argv[1:])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs are measured as they are installed: compiled once
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    figures: list[Figure] = []
    for name in names:
        found = MEASUREMENTS[name](BUILD / "bench" / name)
        write(BUILD / "bench.json", found)  # what a later one breaks is not lost
        figures += found
    print(f"{table(figures)}\n\nWritten to {BUILD / 'bench.json'}.")
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
