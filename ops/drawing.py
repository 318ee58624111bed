"""How a chart is drawn: matplotlib's figures as one SVG element, the same bytes for the same data.

Rules (reference: ux 5)
  1. One axis each way, horizontal text, and nothing told by colour alone: hatches, markers and words beside it.
  2. Letters stay letters, so that a chart can be searched, read aloud and enlarged. No text is taken for mathematics.
  3. Names and labels are shortened where they are long, because the table beside a chart has them whole.
  4. Nothing global is touched: no pyplot, no back-end; settings, and silence about letters that the measuring font
     lacks, only while a chart is drawn.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lxml import etree

from channels.text import spelled_out
from dispatcher.areas.drawing import FONT, INK, LINE, SOFT, labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer

COLOURS = ("#0b4a6f", "#b86e00", "#6b2d7b", "#5c8a3a", "#a3120a", "#7a8590")
HATCHES = ("", "///", "xxx", "---", "\\\\\\", "|||")
MARKERS = ("o", "s", "^", "D", "v", "P")

WIDTH_IN = 9.0
"""Inches at matplotlib's 72 points: 648 units wide, so that ten-point letters read at a desk and on A4."""

_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dispatcher",
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
}
_LONG = re.compile(r"\d+\.\d{3,}")
_FONT_OF_EACH = f"font-family: {FONT}; "


def drawn(name: str, title: str, description: str, height_in: float, draw: Callable[[Axes], None]) -> str:
    """One SVG element with what ``draw`` puts on the axes it is given.

    ``name`` begins every id in it, so that several stand on one page; ``title`` and ``description`` are read aloud.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        draw(figure.add_subplot())
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None}, transparent=True)
    return _element(name, title, description, written.getvalue())


def lettered(text: str, most: int = 32) -> str:
    """A name or label as a chart has room for it, in one line, with what cannot be seen spelled out.

    >>> lettered("Old Town\u202e"), lettered("a" * 40, 5)
    ('Old Town[U+202E]', 'aaaa…')
    """
    whole = spelled_out(" ".join(text.split()))
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def bars(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[float],
    look: int,
    *,
    left: Sequence[float] | float = 0,
    height: float = 0.8,
    label: str = "",
) -> BarContainer:
    """Horizontal bars that look like the ``look``-th of their kind: by colour, and by hatch for who sees none."""
    return axes.barh(
        places, values, height, left, color=COLOURS[look], hatch=HATCHES[look], edgecolor="white", label=label
    )


def _element(name: str, title: str, description: str, written: bytes) -> str:
    """What matplotlib wrote, without what a page has no use for, and with what a screen reader reads."""
    svg = etree.fromstring(written, etree.XMLParser(remove_blank_text=True, remove_comments=True))
    used = set(re.findall(r'(?:href="|url\()#(\w+)', written.decode()))

    def renamed(value: str) -> str:
        value = re.sub(r"#(\w+)", lambda found: f"#{name}-{found[1]}" if found[1] in used else found[0], value)
        return _LONG.sub(lambda found: f"{float(found[0]):.2f}", value).replace(_FONT_OF_EACH, "")

    for element in list(svg.iter()):
        if etree.QName(element).localname in ("metadata", "style"):
            element.getparent().remove(element)
        for key, value in element.attrib.items():
            if key != "id":
                element.set(key, renamed(value))
            elif value in used:
                element.set(key, f"{name}-{value}")
            else:
                del element.attrib[key]
    labelled(svg, name, title, description)
    svg.set("font-family", FONT)
    svg.set("stroke-linejoin", "round")
    etree.cleanup_namespaces(svg)
    return etree.tostring(svg, encoding="unicode")
