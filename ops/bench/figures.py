"""What was measured, what was promised, and the file that holds both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

DIGITS = 3
COLUMNS = ("median", "min", "max", "p95", "p99", "target")


@dataclass(frozen=True, slots=True)
class Figure:
    """Samples in ``unit``, and the promise that their ``judged_by`` (median, max, p95 or p99) is under ``target``.

    With ``least``, the promise is that it is no less.

    Without a target nothing was promised, and the figure is there to be looked at.
    """

    name: str
    unit: str
    samples: Sequence[float]
    target: float | None = None
    judged_by: str = "median"
    least: bool = False

    @property
    def statistics(self) -> dict[str, float]:
        """Median, min, max, p95 and p99."""
        one = len(self.samples) == 1
        parts = list(self.samples) * 99 if one else quantiles(self.samples, n=100, method="inclusive")
        found = {"median": median(self.samples), "min": min(self.samples), "max": max(self.samples)}
        found |= {"p95": parts[94], "p99": parts[98]}
        return {name: round(value, DIGITS) for name, value in found.items()}

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        if self.target is None:
            return True
        found = self.statistics[self.judged_by]
        return found >= self.target if self.least else found < self.target

    def document(self) -> dict[str, float | str | bool | None]:
        """As it stands in ``bench.json``."""
        return {
            **self.statistics,
            "unit": self.unit,
            "target": self.target,
            "judged_by": self.judged_by,
            "samples": len(self.samples),
            "met": self.met,
        }


def write(path: Path, figures: Iterable[Figure]) -> None:
    """Put figures into the file, beside those that it holds of other measurements."""
    known = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    known |= {figure.name: figure.document() for figure in figures}
    path.write_text(json.dumps(known, indent=2) + "\n")


def table(figures: Iterable[Figure]) -> str:
    """A line per figure, for a person."""
    lines = [f"{'figure':<36}{''.join(f'{name:>11}' for name in COLUMNS)}  unit    judged by  met"]
    for figure in figures:
        known = figure.document()
        cells = "".join(f"{'-' if known[name] is None else known[name]:>11}" for name in COLUMNS)
        met = "yes" if figure.met else "NO"
        lines.append(f"{figure.name:<36}{cells}  {figure.unit:<8}{figure.judged_by:<11}{met}")
    return "\n".join(lines)
