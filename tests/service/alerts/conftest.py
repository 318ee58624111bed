"""A desk, and alerts as they arrive at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.cap.profile import Profile
from dispatcher.domain.statement import Mode
from dispatcher.service.alerts import intake, profiles
from dispatcher.service.alerts.intake import Arrival, Taken
from dispatcher.store import cap_alerts
from tests.cap.conftest import CapBuilder, Values
from tests.office import Office, office_at

OPEN = profiles.load("open")


@dataclass
class Desk:
    """An office that gets alerts; times in them are by its clock."""

    office: Office
    cap: CapBuilder

    def time(self, minutes: int = 0) -> str:
        """A time so many minutes from now, as CAP writes it."""
        return f"{self.office.clock.now + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}-00:00"

    def alert(self, number: int = 1, *, about: str = "", ends: int | None = 360, **fields: Values) -> bytes:
        """An alert that was just sent and ends in so many minutes; ``about`` is the reference of an earlier one."""
        inner = {name: fields.pop(name) for name in ("headline", "severity", "instruction") if name in fields}
        expires = None if ends is None else self.time(ends)
        known: dict[str, Values] = {"identifier": f"wylan-{number}", "sent": self.time(), "references": about or None}
        return self.cap.alert(self.cap.info(expires=expires, **inner), **known | fields)

    def name(self, row: Any) -> str:
        """How a later alert refers to one that was taken in."""
        return f"{row.sender},{row.identifier},{row.sent}"

    def take(self, data: bytes, mode: Mode = Mode.EXERCISE, profile: Profile = OPEN) -> Taken:
        """Take in what arrived from a feed."""
        return intake.take(
            self.office.desk, Arrival(data, "rivers", "https://rivers.example/1", mode, profile), "relay"
        )

    def row(self, name: str) -> Any:
        """An alert as it stands now."""
        with self.office.desk.store.read() as work:
            return cap_alerts.alert(work, name)

    def later(self, minutes: int = 1) -> None:
        """Let time pass."""
        self.office.clock.now += timedelta(minutes=minutes)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk of one's own."""
    with office_at(tmp_path / "deployment") as office:
        yield Desk(office, CapBuilder())


@pytest.fixture
def strict() -> Profile:
    """The strict profile for the county of the builder's alerts, which pins a test's own certificate."""
    from dispatcher.cap.geometry import Box
    from tests.cap.signing import sender

    return replace(profiles.load("strict"), box=Box(51.0, -6.0, 54.0, -2.0), certificates=(sender().certificate,))
