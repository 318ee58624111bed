"""A document as Markdown: text that reads well as it stands, and that no Markdown reader takes for markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from channels.text import spelled_out
from ops.review.document import Block, Document, Exact, Figure, Items, Notice, Paragraph, Section, Table

_MARKUP = re.compile(r"([\\`*_\[\]<>|~])")
_LINE_MARKUP = re.compile(r"^(\s*(?:\d+(?=[.)]))?)([#+.)-])", re.MULTILINE)


def markdown(document: Document) -> str:
    """The whole document; ends with a line end."""
    head = [f"# {_text(document.title)}", *(f"**{_text(mark)}**" for mark in document.marks)]
    return (
        "\n\n".join([*head, *_blocks(document.opening), *chain(*(_section(s, 2) for s in document.sections))]) + "\n"
    )


def _section(section: Section, level: int) -> Iterator[str]:
    yield f"{'#' * level} {_text(section.title)}"
    yield from _blocks(section.blocks)
    for inner in section.sections:
        yield from _section(inner, level + 1)


def _blocks(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(text):
                yield _text(text)
            case Notice(text):
                yield f"> **Note:** {_text(text)}"
            case Items(items):
                yield "\n".join(f"- {_text(item)}" for item in items)
            case Table():
                yield _table(block)
            case Exact(caption, text, language):
                yield f"{_text(caption)} ({_text(language)})"
                yield _fenced(spelled_out(text))
            case Figure(title, _, twin):
                yield f"**{_text(title)}**"
                yield _table(twin)


def _table(table: Table) -> str:
    if not table.rows:
        return f"{_text(table.caption)}: none"
    rule = f"|{'---|' * len(table.heads)}"
    return "\n".join([_text(table.caption), "", _row(table.heads), rule, *map(_row, table.rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_text(cell).replace(chr(10), ' ') for cell in cells)} |"


def _text(text: str) -> str:
    return _LINE_MARKUP.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", spelled_out(text)))


def _fenced(text: str) -> str:
    """Fenced by more backticks than stand anywhere inside."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"
