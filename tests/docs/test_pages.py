"""Every command on the pages for people is typed here, and does and says what the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from dispatcher.cli.commands import SUMMARIES
from dispatcher.cli.main import load
from tests.docs.conftest import ELSEWHERE, Place

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = sorted(str(path.relative_to(DOCS)) for path in (DOCS / "how-to").glob("*.md"))
EQUIPPED = [
    *(page for page in HOW_TO if not page.endswith("README.md")),
    "officer.md",
    "approver.md",
    "policy-owner.md",
]
PAGES = [*HOW_TO, "officer.md", "approver.md", "policy-owner.md", "tutorial.md", "../README.md"]


def before(page: str) -> list[str]:
    """The page where this one goes on, if it says so, and where that one does."""
    text = " ".join((DOCS / page).read_text().split())
    if not (found := re.search(r"goes on where \[[^]]+\]\(([^)]+)\) ends", text)):
        return []
    first = str(Path(page).parent / found[1])
    return [*before(first), first]


@pytest.mark.parametrize("page", EQUIPPED)
def test_a_page_is_true(page: str, place: Place) -> None:
    """On a deployment after its first exercise, with the roles running."""
    place.equip()
    player = place.player
    for one in (*before(page), page):
        assert player.play((DOCS / one).read_text()), one


def test_the_tutorial_is_true(place: Place) -> None:
    """From an empty folder."""
    assert place.player.play((DOCS / "tutorial.md").read_text())


@pytest.mark.parametrize("page", PAGES)
def test_what_a_sentence_or_a_table_names_can_be_typed(page: str) -> None:
    """Every command between backticks has a verb that is there, with these options."""
    without_blocks = re.sub(r"```.*?```", "", (DOCS / page).read_text(), flags=re.DOTALL)
    for span in re.findall(r"`(dispatcher [a-z][^`]*)`", without_blocks):
        words = shlex.split(" ".join(span.split()))[1:]
        assert words[0] in SUMMARIES, span
        found = load(words.pop(0))
        if isinstance(found, click.Group) and words:
            found = found.commands[words.pop(0)]
        found.make_parser(click.Context(found, info_name=span)).parse_args(words)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """To a file that is there."""
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", (DOCS / page).read_text()):
        assert not target or ((DOCS / page).parent / target).exists(), target


def test_few_commands_are_played_elsewhere() -> None:
    """The programs that run on, and whole exercises; each has a test of its own."""
    assert len(ELSEWHERE) <= 5
