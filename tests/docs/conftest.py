"""What the pages are played on: simulated platforms, a deployment with example accounts, the roles in a thread."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click.testing
import pytest
import structlog
from click.testing import CliRunner

from channels.simulator.server import Simulator
from dispatcher.bootstrap import open_desk
from dispatcher.cli.main import root
from dispatcher.domain.statement import Mode
from dispatcher.settings import load_settings
from dispatcher.statements.errors import TrustError
from ops.exercise.cast import prepared
from tests.docs.played import Player
from tests.stage import far_sides
from workers.main import ROLES

RUNNING = ("relay", "accounts", "recipients", "tiktok-sender", "tiktok")
INIT = ("--kind", "test", "--name", "example-city", "--quick")


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms, with nothing posted yet: X refuses a text that stands there."""
    with far_sides() as simulator:
        yield simulator


@dataclass
class Place:
    """A folder in which a page is played, and what is running there."""

    folder: Path
    far: Simulator
    redis: str
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def player(self) -> Player:
        """Who types."""
        return Player(self.folder, self.far.url, {command: partial(do, self) for command, do in ELSEWHERE.items()})

    def equip(self) -> None:
        """Make the deployment that the pages begin with: after its first exercise, with the roles running."""
        done = CliRunner().invoke(root, ["init", "deployment", *INIT, "--simulator", self.far.url, "--json"])
        assert done.exit_code == 0, done.output
        _played(self)
        self.up()

    def up(self) -> None:
        """Start the roles, as ``dispatcher up`` does, until the page has ended."""
        settings = self.folder / "deployment" / "deployment.toml"
        here = f'redis = "{self.redis}"\ncountdown_s = 0'
        settings.write_text(re.sub(r"^redis = .*$", here, settings.read_text(), flags=re.MULTILINE))
        self.running.enter_context(roles(self.folder / "deployment"))


def _runs_already(place: Place) -> None:
    """The far sides of this process answer at that address."""


def _played(place: Place) -> None:
    """What a run leaves to who goes on by hand: accounts, a list and assessments."""
    desk = open_desk(place.folder / "deployment")
    prepared(desk, numbers=12)
    desk.store.close()


ELSEWHERE: Mapping[str, Callable[[Place], None]] = {
    "make demo": _runs_already,
    "python -m channels.simulator --port 8790": _runs_already,
    "dispatcher up --mode exercise": Place.up,
    "dispatcher exercise run storm": _played,
    "dispatcher exercise run terror --people director,checker": _played,
}
"""Commands that a page shows and that are not typed here, but in ``tests/e2e``: each is a program that runs on."""


@contextmanager
def roles(deployment: Path) -> Iterator[None]:
    """The roles of mode exercise in a thread of their own."""
    settings = load_settings(deployment)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    faults: list[BaseException] = []

    async def all_of_them() -> None:
        tasks = (ROLES[role](settings, Mode.EXERCISE, f"{role}:docs", stop) for role in RUNNING)
        await asyncio.gather(*tasks)

    def work() -> None:
        try:
            loop.run_until_complete(all_of_them())
        except TrustError:
            pass  # the page replaced the trust files: roles end, and `up` would start them again
        except BaseException as fault:  # noqa: BLE001 - told below, in the test's own thread
            faults.append(fault)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
    assert not faults, faults


@pytest.fixture
def place(tmp_path: Path, far: Simulator, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An empty folder, a terminal as far as the commands can tell, and silence from the roles."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(click.testing._NamedTextIOWrapper, "isatty", lambda _: True, raising=False)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    made = Place(tmp_path, far, redis_url)
    with made.running:
        yield made
    structlog.reset_defaults()
