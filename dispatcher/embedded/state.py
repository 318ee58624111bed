"""``run/up.json``: what a running ``dispatcher up`` says about itself; it appears once every role has been started.

It is a report for people, tests and the demo, never an authority: who runs is decided by the lock.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from dispatcher.embedded.folder import Folder
from dispatcher.embedded.lock import alive

_NAME = "up.json"


@dataclass(frozen=True, slots=True)
class UpState:
    """``roles`` gives the pid of each role now, ``restarts`` how often each was started again (Redis included)."""

    supervisor: int
    mode: str
    redis: int
    redis_url: str
    roles: dict[str, int]
    restarts: dict[str, int]


def write_state(folder: Folder, state: UpState) -> None:
    """Replace the report whole, so that no reader sees half of it. Raises OSError."""
    draft = folder.run / f"{_NAME}.new"
    draft.write_text(json.dumps(asdict(state), indent=1))
    draft.replace(folder.run / _NAME)


def clear_state(folder: Folder) -> None:
    """Remove the report of a run that has ended."""
    (folder.run / _NAME).unlink(missing_ok=True)


def read_state(deployment: Path) -> UpState | None:
    """Return the report of a run that is up now, or None."""
    try:
        state = UpState(**json.loads((Folder(deployment).run / _NAME).read_text()))
    except FileNotFoundError:
        return None
    return state if alive(state.supervisor) else None
