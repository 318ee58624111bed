"""The verifier's page in a real Chromium: a local file, no network, the same words as verify.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from nacl.signing import SigningKey
from playwright.sync_api import Browser, Page, expect

from dispatcher.service.pack import LeftOut
from ops.evidence import verify
from tests import cast
from tests.ops.evidence import made

pytestmark = pytest.mark.system

SHOWN = "() => [...document.querySelectorAll('#report h2, #report li')].map(one => one.textContent)"


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    """The page as it was opened from a disk; nothing that it does reaches a network."""
    opened = chromium.new_page()
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: asked.append(str(error)))
    opened.goto(Path(verify.__file__).with_name("verify.html").as_uri())
    yield opened
    assert len(asked) == 1, asked


def check(page: Page, pack: Path, *outside: Path) -> str:
    """Choose the files, press the button; gives the verdict."""
    page.get_by_label("Evidence pack").set_input_files(pack)
    page.get_by_label("Checkpoints from outside").set_input_files(list(outside))
    page.get_by_role("button", name="Check the pack").click()
    verdict = page.get_by_role("status")
    expect(verdict).to_have_text(re.compile("^(GOOD|BAD|This)"))
    return verdict.inner_text()


def words(found: verify.Check) -> list[str]:
    """What verify.py reports, as the page would."""
    parts = {
        "Verified:": found.verified,
        "What it rests on:": found.rests,
        "What this pack cannot prove:": found.unknown,
        "Wrong:": found.wrong,
    }
    return [one for heading, said in parts.items() for one in (heading, *(said or ["nothing"]))]


def test_a_good_pack_is_good_in_the_words_of_the_program(page: Page, good: Path, tmp_path: Path) -> None:
    """Line by line the same report, with a checkpoint from outside."""
    kept = tmp_path / "kept.txt"
    kept.write_text(made.note(made.leaves(), 9))
    assert check(page, good, kept) == "GOOD: all that could be checked holds"
    assert page.evaluate(SHOWN) == words(made.checked(good.read_bytes(), kept.read_text()))


def bad_packs() -> dict[str, dict[str, bytes]]:
    """Packs with one thing wrong, by what it is."""
    members = made.members()
    forged = made.note(made.leaves(), 11, SigningKey(bytes(32))).encode()
    signed = cast.SIGNERS["author-1"].sign("dispatcher-exercise-v1", b"something else")
    (picture,) = (name for name in members if name.startswith("media/"))
    return {
        "root": made.rotated(cast._owners_signatures("ab" * 32)),
        "entry": made.edited("ledger.jsonl", 3, lambda one: one.update(entry=one["entry"] + " ")),
        "proof": made.edited("ledger.jsonl", 3, lambda one: one["proof"].pop()),
        "order": made.edited("ledger.jsonl", 3, lambda one: one.update(position=99)),
        "form": made.edited("ledger.jsonl", 3, lambda one: one.pop("prev")),
        "gone": made.edited("ledger.jsonl", 3, lambda one: one.pop("entry")),
        "payload": made.edited("statements.jsonl", 1, lambda one: one.update(payload="{}")),
        "signature": made.edited("statements.jsonl", 3, lambda one: one.update(signature=signed)),
        "checkpoint": {**members, "checkpoint.txt": forged, "checkpoints.txt": forged},
        "picture": {**members, picture: b"another"},
        "keys": {**members, "keys.json": members["keys.json"].replace(b"director-1", b"minister-1")},
        "report": {name: body for name, body in members.items() if name != "attempts.csv"},
        "nothing": {**members, "ledger.jsonl": b"", "statements.jsonl": b""},
        "depth": {**members, "ledger.jsonl": b"[" * 200_000},
        "mark": {**members, "ledger.jsonl": b"\xef\xbb\xbf" + members["ledger.jsonl"]},
        "fraction": {
            **members,
            "ledger.jsonl": members["ledger.jsonl"].replace(b'"position":0', b'"position":0.0', 1),
        },
        "roster": {**members, "trust/roster.json": members["trust/roster.json"].replace(b"owner", b"other")},
    }


@pytest.mark.parametrize("what", bad_packs())
def test_a_bad_pack_is_bad_in_the_words_of_the_program(what: str, page: Page, tmp_path: Path) -> None:
    """The verdict names the first broken entry, and the rest of the report agrees as well."""
    bad = made.zipped(tmp_path / "bad.zip", bad_packs()[what])
    found = made.checked(bad.read_bytes())
    assert check(page, bad) == f"BAD: {found.broken or found.wrong[0]}"
    assert page.evaluate(SHOWN) == words(found)


def test_a_flipped_byte_of_the_zip_is_noticed(page: Page, good: Path, tmp_path: Path) -> None:
    """One bit in the zip's own list of contents."""
    data = good.read_bytes()
    bad = tmp_path / "bad.zip"
    bad.write_bytes(data[:-60] + bytes([data[-60] ^ 1]) + data[-59:])
    assert check(page, bad) == "BAD: the zip's list of contents is not that of its contents"


def test_a_pack_under_a_second_trust_root_is_good(page: Page, tmp_path: Path) -> None:
    """Both roots are shown, in the words of the program."""
    pack = made.zipped(tmp_path / "rotated.zip", made.rotated())
    assert check(page, pack).startswith("GOOD")
    assert page.evaluate(SHOWN) == words(made.checked(pack.read_bytes()))


def test_a_redacted_pack_is_good(page: Page, tmp_path: Path) -> None:
    """What it holds back is named with its exemption."""
    leaf = made.leaves()[8].hex()
    parts = made.edited("ledger.jsonl", 6, lambda one: one.pop("entry"))
    pack = made.zipped(tmp_path / "redacted.zip", parts, (LeftOut(f"entry {leaf}", "s40", "junior staff"),))
    assert check(page, pack).startswith("GOOD")
    assert f"entry {leaf}: left out, s40: junior staff" in page.evaluate(SHOWN)


def test_a_small_order_key_signs_nothing(page: Page) -> None:
    """As the program says of each of the eight points, in any spelling."""
    assert all(page.evaluate("text => isSmall(unhex(text))", point) for point in made.SMALL)
    key = bytes(made.STATUS.verify_key).hex()
    assert page.evaluate("text => isSmall(unhex(text))", key) is False


def test_anybody_can_use_it(page: Page, good: Path) -> None:
    """axe-core finds nothing at telephone width, with a report on the page."""
    page.set_viewport_size({"width": 360, "height": 740})
    check(page, good)
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
