"""Previews: at a terminal, as JSON, and as a page for who approves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.cli import output
from tests.cli.conftest import Office
from tests.cli.test_message import draft
from tests.cli.test_pictures import attached, bluesky, instagram

LONG = f"Storm tonight\n\n{'Stay indoors tonight. ' * 20}\n"


Read = Callable[..., str]


@pytest.fixture
def read(office: Office, monkeypatch: pytest.MonkeyPatch) -> Read:
    """What a command prints at a terminal."""

    def printed(*words: object) -> str:
        with monkeypatch.context() as terminal:
            terminal.setattr(output, "wants_json", lambda asked: asked)
            return office.run(*words).out

    return printed


def test_a_person_reads_a_card_for_each_account(office: Office, read: Read) -> None:
    """What it is about, whom it reaches, the counter, the text, then the way back and whether it can go."""
    name = office.message()
    bluesky(office)
    said = read("message", "preview", name)
    assert said.startswith("EXERCISE: nothing of this reaches the public. Storm (")
    heads = [line for line in said.splitlines() if line.startswith("--- Bluesky (city-sky, city.example), en-GB: ")]
    assert len(heads) == 4
    assert f"{heads[0]}\n    EXERCISE EXERCISE EXERCISE\n" in said
    assert said.index("=== MESSAGE") < said.index("=== CORRECTION") < said.index("=== ALL-CLEAR")
    assert "2 accounts, 8 texts: every text fits its account" in said


def test_a_text_that_is_too_long_is_shown_with_the_word_where_it_ends(office: Office, read: Read) -> None:
    """The problem stands before the text and again in the last lines, where it is seen."""
    name, account = draft(office, text=LONG), bluesky(office)
    said = read("message", "preview", name)
    assert "TOO MANY" in said
    assert '  * the first word that does not fit is "' in said
    assert (
        said.index(f"PROBLEM, Bluesky ({account}") < said.index("--- Bluesky") < said.rindex(f"PROBLEM, {account}:")
    )


def test_json_says_what_counts_and_where(office: Office) -> None:
    """The same facts, with places in code points; the digest of what cannot be sent is null."""
    name = draft(office, text=LONG)
    bluesky(office)
    (shown,) = office.run("message", "preview", name).json["previews"]
    (part,) = shown["parts"]
    assert (shown["digest"], part["unit"], part["most"]) == (None, "graphemes", 300)
    assert part["left"] == part["most"] - part["counted"] < 0
    (cost,) = part["costs"]
    (place,) = cost["places"]
    assert cost["kind"] == "beyond"
    assert f'"{part["text"][place["start"] : place["end"]].strip(".")}"' in cost["said"]


def test_a_page_is_written_beside_what_is_printed(office: Office, tmp_path: Path) -> None:
    """With the texts of every account and the picture; readable by who wrote it only."""
    name = office.message()
    instagram(office)
    attached(office, name)
    file = tmp_path / "preview.html"
    said = office.run("message", "preview", name, "--html", file)
    page = file.read_text("utf-8")
    assert f"Written to {file}" in said.err
    assert said.json["previews"]
    assert all(
        text in page for text in ("EXERCISE – preview of", "Instagram: picture with a caption", "CAP feed: alert")
    )
    assert 'src="data:image/' in page
    assert file.stat().st_mode & 0o077 == 0


def test_whoever_approves_gets_the_page_of_the_plan(office: Office, tmp_path: Path) -> None:
    """It names the plan whole, and until when it may be sent."""
    plan = office.plan()
    file = tmp_path / "plan.html"
    office.run("clearance", "read", plan, "--html", file)
    page = file.read_text("utf-8")
    assert f"<dd>{plan}, submitted; may be sent from " in page
    assert "Every text fits its account, and the way back is armed." in page


def test_a_page_that_cannot_be_written_says_so(office: Office, tmp_path: Path) -> None:
    """What was asked for is printed first, and the fault names the file."""
    said = office.run("message", "preview", office.message(), "--html", tmp_path / "no" / "p.html", code=2)
    assert "cannot be written" in said.err
    assert said.json["previews"]


def test_an_approver_reads_the_counters_too(office: Office, read: Read) -> None:
    """Each text with its length, and nothing that speaks against it."""
    said = read("clearance", "read", office.plan())
    assert "--- CAP feed (feed-city, City feed), en-GB: " in said
    assert "1 account, 4 texts: every text fits its account" in said
