"""Markdown: what people wrote is read as they wrote it."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from ops.review.document import Document, Exact, Figure, Items, Notice, Paragraph, Section, Table
from ops.review.markdown import markdown
from ops.review.story import story
from tests.ops.review.example import example

READER = MarkdownIt("commonmark", {"html": True}).enable("table")
WORDS = "# 1. <b>bold</b> | *a_b* [x](y) `z` ~ \\ 1) - + > end"


def read(*blocks: Paragraph | Notice | Items | Table | Exact | Figure) -> str:
    """The HTML that a Markdown reader makes of some blocks."""
    return str(READER.render(markdown(Document("T", (), (), (Section("S", blocks),)))))


@pytest.mark.parametrize(
    "block",
    [Paragraph(WORDS), Notice(WORDS), Items((WORDS, WORDS)), Table(WORDS, (WORDS,), ((WORDS,), (WORDS,)))],
)
def test_no_words_are_taken_for_markup(block: Paragraph | Notice | Items | Table) -> None:
    """They come out of a reader as they went in, wherever they stood."""
    shown = WORDS.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    html = read(block)
    assert shown in html
    assert not any(tag in html for tag in ("<b>", "<em>", "<a ", "<code>", "<ol>"))


def test_exact_words_stand_between_fences_that_they_do_not_close() -> None:
    """Whatever backticks are in them."""
    assert '<code class="language-text">```\n# x\n````\n</code>' in read(Exact("Said", "```\n# x\n````", "en"))


def test_unseen_characters_are_spelled_out() -> None:
    """Also where words are exact."""
    assert read(Exact("Said", "a\u202eb", "en")).count("a[U+202E]b") == 1


def test_a_chart_is_its_title_and_its_table() -> None:
    """Markdown has no chart; nothing of it is lost."""
    html = read(Figure("Half went out", "<svg/>", Table("Twin", ("A", "B"), (("1", "2"),))))
    assert "<strong>Half went out</strong>" in html
    assert "<td>2</td>" in html
    assert "svg" not in html


def test_a_table_of_nothing_says_so() -> None:
    """Instead of heads without rows."""
    assert "<p>Halts: none</p>" in read(Table("Halts", ("A",), ()))


def test_a_whole_review_reads_as_a_document() -> None:
    """One heading of the first level, one for each section, and every table as a table."""
    document = story(example())
    html = READER.render(markdown(document))
    blocks = [block for section in document.sections for block in section.blocks]
    tables = sum(isinstance(b, Figure) or (isinstance(b, Table) and bool(b.rows)) for b in blocks)
    assert (html.count("<h1>"), html.count("<h2>"), html.count("<table>")) == (1, len(document.sections), tables)
