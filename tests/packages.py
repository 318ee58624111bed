"""Third parties' packages for the tests, as an installer leaves them: modules, and a folder saying what they are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from channels import registry


def install(
    site: Path, offers: Mapping[str, str], modules: Mapping[str, str], package: str = "pigeon_channel"
) -> None:
    """Put a package in the folder ``site``: ``offers`` are its entry points, ``modules`` the files' texts by path."""
    said = site / f"{package}-1.0.dist-info"
    said.mkdir(parents=True)
    (said / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}\n" for name, value in offers.items()]
    (said / "entry_points.txt").write_text("".join([f"[{registry.ENTRY_POINTS}]\n", *lines]))
    for path, text in modules.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")


@contextmanager
def on_path(site: Path) -> Iterator[None]:
    """This process with what is installed in ``site``, and afterwards without it."""
    before = set(sys.modules)
    sys.path.insert(0, str(site))
    _look_again()
    try:
        yield
    finally:
        sys.path.remove(str(site))
        for name in set(sys.modules) - before:
            if str(site) in (getattr(sys.modules[name], "__file__", None) or ""):
                del sys.modules[name]
        _look_again()


def _look_again() -> None:
    importlib.invalidate_caches()
    registry._points.cache_clear()
    registry._offer.cache_clear()
