"""``python -m ops.bench.report``: what ``build/bench.json`` holds, put into the documentation as a table and charts.

The table is ``docs/figures.md``, the charts stand in ``docs/charts``. A figure that was not measured is left out of
both, so that no chart shows what nobody saw.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pygal
from pygal.style import CleanStyle

FIGURES = Path("build/bench.json")
DOCS = Path("docs")
TABLE, CHARTS = "figures.md", "charts"
LATENCIES_MS = (0, 5, 50, 200)
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_REMARK = re.compile("<!--.*?-->", re.DOTALL)

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
        chart.uuid = name  # else a random one, and each report would be another
        drawn = _REMARK.sub("", chart.render(is_unicode=True))
        (DOCS / CHARTS / f"{name}.svg").write_text(f"{drawn}\n")


def rows(figures: Figures) -> Iterator[str]:
    """A line of the table for each figure, in order of their names."""
    for name, known in sorted(figures.items()):
        values = " | ".join(f"{known[word]:g}" for word in ("median", "min", "max", "p99"))
        promised = known["target"] is not None
        promise = f"{known['target']:.3g} | {known['judged_by']}" if promised else " | "
        met = ("yes" if known["met"] else "**no**") if promised else ""
        yield f"| `{name}` | {values} | {known['unit']} | {promise} | {met} |"


def charts(figures: Figures) -> dict[str, Any]:
    """The charts by name: posts beside rivals, posts by latency, recipients by rate."""
    return {
        "posts": _bars("2,000 posts, a provider that answers after 50 ms", "seconds", [""], _posts(figures)),
        "latency": _bars(
            "2,000 posts by the provider's latency", "seconds", [f"{ms} ms" for ms in LATENCIES_MS], _latency(figures)
        ),
        "recipients": _bars("Text messages a second", "sends a second", ["50 ms", "5 ms"], _recipients(figures)),
    }


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


def _bars(title: str, unit: str, labels: Sequence[str], series: Series) -> Any:
    chart = pygal.Bar(
        title=title,
        y_title=unit,
        x_labels=list(labels),
        style=CleanStyle,
        js=[],
        width=860,
        height=420,
        legend_at_bottom=True,
        print_values=True,
        disable_xml_declaration=True,
    )
    for name, values in series.items():
        if any(value is not None for value in values):
            chart.add(name, list(values))
    return chart


if __name__ == "__main__":
    main()
