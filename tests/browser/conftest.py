"""A console over a deployment whose roles run, and people before it in a real Chromium.

    city         a deployment with accounts, a list of numbers, and everybody's keys
    running      the same while its roles work in threads of this process
    console      the console over it, with the reader that looks at the deployment itself
    looks        what a console is shown that looks at nothing real, and ``shown``, that console
    visit        opens a page as somebody: ``visit(console, "/", "ops-1")``

A page that Chromium complains about (a refused script, an error in one) fails its test.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from channels.simulator.server import Simulator
from dispatcher.sender_bootstrap import now
from dispatcher.service import sessions
from dispatcher.service.operating.look import Looker
from tests.channels.tiktok.conftest import chromium  # noqa: F401 - a fixture for the modules here
from tests.office import FilePen
from tests.ops.console.seen import Scripted, busy
from tests.ops.console.served import Served, deployment_at, served
from tests.stage import MODE, Stage, far_sides, stage_at
from workers.main import ROLES

AT_WORK = ("relay", "accounts", "recipients")
ACCOUNTS = ("x", "bluesky", "webhook")
NUMBERS = 12
VIEW = {"width": 1280, "height": 900}
TELEPHONE = {"width": 375, "height": 740}

expect.set_options(timeout=30_000)
# As long as other waits of the tests. A page says that its connection is lost after five seconds, and no sooner.

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def far() -> Iterator[Simulator]:
    """All simulated platforms."""
    with far_sides() as simulator:
        yield simulator


@pytest.fixture
def city(tmp_path: Path, far: Simulator) -> Iterator[Stage]:
    """A deployment with a few accounts and a list, in which nothing has happened."""
    stage = stage_at(tmp_path, far)
    for channel in ACCOUNTS:
        stage.account(channel)
    stage.account("notify")
    stage.numbers(NUMBERS)
    yield stage
    stage.desk.store.close()


@pytest.fixture
def running(city: Stage) -> Iterator[Stage]:
    """The same with its roles at work, until the test ends."""
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()
    roles = [ROLES[name](city.desk.settings, MODE, f"{name}:test", stopping) for name in AT_WORK]
    thread = threading.Thread(target=lambda: loop.run_until_complete(_together(roles)))
    thread.start()
    yield city
    loop.call_soon_threadsafe(stopping.set)
    thread.join(30)
    assert not thread.is_alive(), "the roles did not end"
    loop.close()


async def _together(roles: list[object]) -> None:
    await asyncio.gather(*roles)


@pytest.fixture
def console(city: Stage) -> Iterator[Served]:
    """The console over it."""
    from dispatcher.bootstrap import open_desk

    desk = open_desk(city.folder, "console")
    with served(desk, Looker(desk), rest_s=0.2) as one:
        yield one


@pytest.fixture
def looks() -> Scripted:
    """What a console is shown that looks at nothing real."""
    return Scripted(busy(now()), now)


@pytest.fixture
def shown(tmp_path: Path, looks: Scripted) -> Iterator[Served]:
    """That console."""
    with served(deployment_at(tmp_path / "shown"), looks) as one:
        yield one


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:  # noqa: F811 - the fixture
    """Open pages; whatever Chromium complains about is the test's fault."""
    contexts, complaints = [], []

    def opened(console: Served, path: str = "/", person: str = "ops-1", **wanted: object) -> Page:
        """A page of the console in a browser of its own, signed in by a one-time link; ``wanted`` is Chromium's."""
        context = chromium.new_context(**{"viewport": VIEW, **wanted})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if _fault(said) else None)
        sign_in(page, console, person)
        page.goto(console.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, console: Served, person: str) -> None:
    """Use a one-time link that the person signed, as they would."""
    desk = console.console.desk
    token, _until = sessions.sign_link(desk, FilePen(desk.settings.path("keys", "exercise", person)))
    page.goto(f"{console.url}/sign-in/link/{token}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{console.url}/")


def _fault(said: object) -> bool:
    """Whether it is a fault of ours: an answer that was not had while the connection is away is none."""
    return said.type == "error" and "Failed to load resource" not in said.text and "ERR_" not in said.text
