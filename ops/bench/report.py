"""``python -m ops.bench.report``: what ``build/bench.json`` holds, put into the documentation as a table and charts.

The table is ``docs/figures.md``, the charts stand in ``docs/charts``. A figure that was not measured is left out of
both, so that no chart shows what nobody saw.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.drawing import bars, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = Path("build/bench.json")
DOCS = Path("docs")
TABLE, CHARTS = "figures.md", "charts"
LATENCIES_MS = (0, 5, 50, 200)
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

Figures = Mapping[str, Mapping[str, Any]]
Series = Mapping[str, Sequence[float | None]]

HEAD = """# Figures

What the last whole `make bench` measured; [performance.md](performance.md) says how. `make figures` writes this page.

| Figure | Median | Min | Max | p99 | Unit | Promise | Judged by | Met |
|---|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Write the table and the charts."""
    figures: Figures = json.loads(FIGURES.read_text())
    (DOCS / TABLE).write_text(HEAD + "".join(f"{line}\n" for line in rows(figures)))
    (DOCS / CHARTS).mkdir(exist_ok=True)
    for name, chart in charts(figures).items():
        (DOCS / CHARTS / f"{name}.svg").write_text(f"{chart}\n")


def rows(figures: Figures) -> Iterator[str]:
    """A line of the table for each figure, in order of their names."""
    for name, known in sorted(figures.items()):
        values = " | ".join(f"{known[word]:g}" for word in ("median", "min", "max", "p99"))
        promised = known["target"] is not None
        promise = f"{known['target']:.3g} | {known['judged_by']}" if promised else " | "
        met = ("yes" if known["met"] else "**no**") if promised else ""
        yield f"| `{name}` | {values} | {known['unit']} | {promise} | {met} |"


def charts(figures: Figures) -> dict[str, str]:
    """The charts by name: posts beside rivals, posts by latency, recipients by rate; of what was measured."""
    latencies = [f"a provider that answers after {ms} ms" for ms in LATENCIES_MS]
    rates = [latencies[2], latencies[1]]
    every = {
        "posts": _bars("posts", "2,000 posts, a provider that answers after 50 ms", "seconds", [""], _posts(figures)),
        "latency": _bars("latency", "2,000 posts by the provider's latency", "seconds", latencies, _latency(figures)),
        "recipients": _bars("recipients", "Text messages a second", "sends a second", rates, _recipients(figures)),
    }
    return {name: chart for name, chart in every.items() if chart}


def _posts(figures: Figures) -> Series:
    ours = {
        f"dispatcher, {word}": [_median(figures, f"accounts.{db}.50ms.seconds")] for db, word in DATABASES.items()
    }
    rivals = {
        name: [_median(figures, f"{name}.sqlite.2000x50ms.seconds")]
        for name in ("bare", "dramatiq", "celery", "apprise")
    }
    return {**ours, **rivals}


def _latency(figures: Figures) -> Series:
    ours = {
        f"dispatcher, {word}": [_median(figures, f"accounts.{db}.{ms}ms.seconds") for ms in LATENCIES_MS]
        for db, word in DATABASES.items()
    }
    return {**ours, "bare": [_median(figures, f"bare.sqlite.2000x{ms}ms.seconds") for ms in LATENCIES_MS]}


def _recipients(figures: Figures) -> Series:
    ours = {
        f"dispatcher, {word}": [
            _rate(20_000, _median(figures, f"recipients.{db}.50ms.seconds")),
            _whole(_median(figures, f"recipients.{db}.rate")),
        ]
        for db, word in DATABASES.items()
    }
    bare = [(20_000, "20000x50ms"), (100_000, "100000x5ms")]
    return {
        **ours,
        "bare": [_rate(sends, _median(figures, f"bare.sqlite.{run}.seconds")) for sends, run in bare],
        "celery": [None, _rate(10_000, _median(figures, "celery.sqlite.10000x5ms.seconds"))],
    }


def _median(figures: Figures, name: str) -> float | None:
    known = figures.get(name)
    return None if known is None else float(known["median"])


def _rate(sends: int, seconds: float | None) -> float | None:
    return None if seconds is None else round(sends / seconds)


def _whole(value: float | None) -> float | None:
    return None if value is None else round(value)


def _bars(name: str, title: str, unit: str, groups: Sequence[str], series: Series) -> str:
    """Horizontal bars in groups, each with its value and its name at its end; empty where nothing was measured."""
    number = sum(value is not None for values in series.values() for value in values)
    if not number:
        return ""

    def draw(axes: Axes) -> None:
        y = 0.0
        for group, heading in enumerate(groups):
            axes.text(0, y, heading, va="center")
            for look, (word, values) in enumerate(series.items()):
                if (value := values[group]) is not None:
                    y += 1
                    axes.bar_label(bars(axes, [y], [value], look), [f"{value:,g} {word}"], padding=4)
            y += 1.5
        axes.set_title(title, loc="left", weight="bold")
        axes.set(xlabel=unit, yticks=[], ylim=(y - 0.75, -0.75 if any(groups) else 0.25))
        axes.set_xmargin(0.25)

    return drawn(name, title, f"Values in {unit}: see {TABLE}.", 1.2 + 0.3 * (number + 1.5 * len(groups)), draw)


if __name__ == "__main__":
    main()
