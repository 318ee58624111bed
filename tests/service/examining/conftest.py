"""A real deployment to examine, and what one family of checks says of it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.cli.doctor import dial
from dispatcher.sender_bootstrap import network
from dispatcher.service.examining.examine import FAMILIES, Examined, examine
from dispatcher.service.examining.findings import Finding, Level
from dispatcher.service.examining.site import Site, open_site
from tests.office import Office, office_at

WRONG = (Level.FAILING, Level.WARNING)


@dataclass
class Place:
    """A deployment under examination; ``office`` is its desk."""

    office: Office
    ahead: timedelta = field(default=timedelta(0))

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.office.desk.settings.root

    def clock(self) -> datetime:
        """The examiner's clock."""
        return self.office.clock.now + self.ahead

    def look(self, family: str) -> list[Finding]:
        """All that one family of checks finds."""
        with self.site() as site:
            return list(dict(FAMILIES)[family](site))

    def wrong(self, family: str) -> list[tuple[Level, str]]:
        """The warnings and failures of one family, each with its level; each says what to do."""
        found = [one for one in self.look(family) if one.level in WRONG]
        assert all(one.fix for one in found)
        return [(one.level, one.what) for one in found]

    def examine(self) -> Examined:
        """Everything."""
        with self.site() as site:
            return examine(site)

    @contextlib.contextmanager
    def site(self) -> Iterator[Site]:
        """What the checks are given."""
        with open_site(self.folder, self.clock, "doctor", network, dial) as site:
            yield site

    def say(self, text: str) -> None:
        """Add to the beginning of deployment.toml."""
        file = self.folder / "deployment.toml"
        file.write_text(f"{text}\n{file.read_text()}")

    def add(self, text: str) -> None:
        """Add to the end of deployment.toml."""
        file = self.folder / "deployment.toml"
        file.write_text(f"{file.read_text()}{text}")

    def replace(self, old: str, new: str) -> None:
        """Change deployment.toml."""
        file = self.folder / "deployment.toml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def produce(self) -> None:
        """Make deployment.toml say that it is a production deployment."""
        self.replace('kind = "test"', 'kind = "production"')

    def sql(self, *statements: str) -> None:
        """Change the database behind everybody's back."""
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "dispatcher.db")) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A deployment as it was made."""
    with office_at(tmp_path / "deployment") as office:
        yield Place(office)
