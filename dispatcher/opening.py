"""What every process opens first: the clock of this machine and the trust files; light, for commands that look."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_file import load
from dispatcher.settings import Settings
from dispatcher.statements.trust import Trust, load_trust


def now() -> datetime:
    """The clock of a real process."""
    return datetime.now(UTC)  # noqa: TID251 - the one place where the clock comes in


def open_trust(settings: Settings, floor: Path) -> Trust[Policies]:
    """Read the trust files. ``floor`` remembers the newest versions this reader has gone by. Raises TrustError."""
    return load_trust(settings.path("trust"), load, floor=floor, now=now())
