"""The assets of others: what was published, less what only GOV.UK may use."""

from __future__ import annotations

import re

import pytest

from ops.console import assets
from ops.console.assets import DIGESTS, LICENCE, VENDOR, digests, made_from, stripped_css

TEXTS = sorted(file for file in VENDOR.parent.rglob("*") if file.is_file())
RESERVED = re.compile(r"gds transport|crown|crest|logotype|@font-face|url\(", re.IGNORECASE)


def test_what_is_there_is_what_was_recorded() -> None:
    """Nobody changed a file of others by hand."""
    assert (VENDOR / DIGESTS).read_text() == digests(VENDOR)


def test_there_is_no_font_and_no_picture_of_others() -> None:
    """Only a style sheet, a script, their licence, their digests, and files of our own."""
    assert {file.suffix for file in TEXTS} <= {".css", ".js", ".txt", ".svg"}
    assert {file.name for file in VENDOR.iterdir()} == {
        "govuk-frontend.min.css",
        "govuk-frontend.min.js",
        LICENCE,
        DIGESTS,
    }


@pytest.mark.parametrize("file", [file for file in TEXTS if file.name != LICENCE], ids=lambda file: file.name)
def test_nothing_reserved_is_named(file) -> None:
    """No crown, crest, logotype or GDS Transport, and no file that a style sheet would fetch."""
    assert RESERVED.findall(file.read_text()) == []


def test_the_licence_goes_along() -> None:
    """MIT asks for that."""
    text = (VENDOR / LICENCE).read_text()
    assert assets.VERSION in text
    assert "Permission is hereby granted, free of charge" in text


def test_another_archive_is_refused(tmp_path) -> None:
    """What npm brings has to be what was recorded."""
    archive = tmp_path / "package.tgz"
    archive.write_bytes(b"another")
    with pytest.raises(ValueError, match="was expected"):
        made_from(archive)


def test_a_rule_that_names_something_reserved_goes_and_its_neighbours_stay() -> None:
    """Also within a condition."""
    set_in = ".z{font-family:GDS Transport,arial,sans-serif}"
    css = ".a{b:c}.x__logotype{fill:red}@media print{.x__crown{d:e}.f{g:h}}" + set_in
    assert stripped_css(css) == f".a{{b:c}}@media print{{.f{{g:h}}}}.z{{font-family:{assets.FONTS}}}"
