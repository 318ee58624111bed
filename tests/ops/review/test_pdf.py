"""Printing: what happens where there is no Chromium, or one that does not print."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.errors import Unavailable
from ops.review.pdf import pdf


def test_without_chromium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And that the page can be written instead."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no Chromium") as raised:
        pdf("<p>")
    assert "apt-get install chromium" in raised.value.next_step
    assert "--html" in raised.value.next_step


def test_a_browser_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its last words lead to what is wrong."""
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\necho 'no usable sandbox' >&2\nexit 1\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(Unavailable, match="did not print: no usable sandbox"):
        pdf("<p>")
