"""A page on paper: printed by an installed Chromium, without a window and without a network.

The page is our own and holds no script, and its policy forbids scripts and requests. So that it also prints in a
container, where everything runs as root and Chromium's own sandbox refuses to start, root prints without that
sandbox; nobody else does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from dispatcher.domain.errors import Unavailable

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIMIT_S = 120
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


def pdf(page: str) -> bytes:
    """The page as a PDF. Raises Unavailable where no Chromium is installed, or where it fails."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise Unavailable(
            "there is no Chromium to print with", "install it (Debian: apt-get install chromium), or write --html"
        )
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(page, "utf-8")
        command = [
            browser,
            *OPTIONS,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)  # noqa: S603 - our own page
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{browser} did not print within {LIMIT_S} s", "try again, or write --html") from error
        if done.returncode or not target.exists():
            said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise Unavailable(
                f"{browser} did not print: {said[0]}", "mend that, or write --html and print it by hand"
            )
        return target.read_bytes()
