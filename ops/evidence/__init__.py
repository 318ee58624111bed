"""The evidence pack's verifiers: what goes into every pack, and proves it to whoever does not trust its maker.

Lives here: ``verify.py`` and ``verify.html``, which make the same checks, and the clerk's ``README.txt``.

May not live here: anything that the verifiers would share with the product. They are a second implementation of
docs/evidence-pack.md, and import nothing of it.
"""

from __future__ import annotations

from importlib import resources

NAMES = ("README.txt", "verify.py", "verify.html")


def files() -> dict[str, bytes]:
    """What a pack carries of this folder, by name."""
    here = resources.files(__package__)
    return {name: (here / name).read_bytes() for name in NAMES}
