"""A document as one HTML file: nothing in it runs, and nothing is fetched.

Rules
  1. The page reads on a telephone, at a desk and on paper, and to people who do not see it (WCAG 2.2 AA).
  2. All text goes through one place: unseen characters are spelled out, then everything is escaped. The only markup
     let through is a chart that ``ops.drawing`` made.
  3. The same document gives the same bytes.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from channels.text import spelled_out
from ops.review.document import Document, Exact, Figure, Items, Notice, Paragraph, Table
from ops.review.words import NONE

HERE = Path(__file__).parent
MANY = 8
"""A document with more sections has a list of them."""

SHORT, LONG = 24, 36
"""A column whose cells are all at most this long is not folded; one with a longer cell may break anywhere."""

_NUMBER = re.compile(r"[-−]?[\d,]+(\.\d+)?( (ms|s|min|h|%))?")


def html(document: Document) -> str:
    """The whole file."""
    return _page().render(document=document, contents=len(document.sections) > MANY)


@cache
def _page() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: spelled_out(value) if type(value) is str else value,
    )
    for kind in (Paragraph, Notice, Items, Table, Exact, Figure):
        environment.tests[kind.__name__.lower()] = lambda block, kind=kind: isinstance(block, kind)
    environment.filters["classes"] = _classes
    environment.globals["style"] = (HERE / "style.css").read_text("utf-8").strip()
    return environment.get_template("page.html")


def _classes(table: Table) -> list[str]:
    """How each column is set: numbers to the right, short words unbroken, long ones wherever they must break."""
    return [_class(cells) for cells in zip(*table.rows, strict=True)]


def _class(cells: tuple[str, ...]) -> str:
    longest, said = max(map(len, cells)), [cell for cell in cells if cell != NONE]
    if said and all(map(_NUMBER.fullmatch, said)):
        return "number"
    return "short" if longest <= SHORT else "long" if longest > LONG else "middle"
