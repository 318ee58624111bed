"""Pictures and videos, and devices for hand-off."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.store import accounts


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with them."""
    yield from _folder(site)
    yield from _devices(site)


def _folder(site: Site) -> Iterator[Finding]:
    folder = site.folder / site.settings.media
    if not folder.exists():
        named = site.settings.media != "media"
        if named:
            why = "what has a picture or a video is held (G07)"
            yield failing(f"the folder of pictures and videos, {folder}, is not there", why, "mount it")
        else:
            yield note("there is no folder of pictures and videos yet", "it is made with the first one")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        why = "pictures cannot be attached, or what has one is held (G07)"
        yield warning(f"{folder} cannot be read and written here", why, "mend its owner and mode")
    else:
        yield ok("the folder of pictures and videos can be used")


def _devices(site: Site) -> Iterator[Finding]:
    if site.store is None:
        return
    with site.store.read() as work:
        rows = [row for row in accounts.rows(work) if row.lane == "tiktok" and "route" not in row.settings]
        lacking = [row.id for row in rows if accounts.device_of(work, row.id) is None]
    for name in lacking:
        why = "its packets can be opened nowhere, so nothing is handed over"
        fix = f"dispatcher device register NAME --account {name}"
        yield warning(f"no device is registered for {name}", why, fix)
