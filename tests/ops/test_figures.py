"""The bench's charts: what was measured, and nothing else."""

from __future__ import annotations

from lxml import etree

from ops.bench.report import charts

MEASURED = {"accounts.sqlite.50ms.seconds": {"median": 2.283}, "bare.sqlite.2000x50ms.seconds": {"median": 0.512}}


def test_a_bar_says_what_it_is_and_a_figure_that_was_not_measured_has_none() -> None:
    """Ours and the bare loop, each with its value; no rival that did not run."""
    svg = etree.fromstring(charts(MEASURED)["posts"])
    told = [str(text.text) for text in svg.iterfind(".//{*}text")]
    assert [text for text in told if text[:1].isdigit() and " " in text] == [
        "2.283 dispatcher, SQLite",
        "0.512 bare",
        "2,000 posts, a provider that answers after 50 ms",
    ]
    assert "seconds" in told


def test_the_same_figures_give_the_same_chart() -> None:
    """A report that measured the same changes no file."""
    assert charts(MEASURED) == charts(MEASURED)
