"""An adapter in front of simulated Threads, and jobs for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from channels.capabilities import MediaKind
from channels.contract import Account, DeliveryKind, Job, Medium, Outcome, Part, Rendering, Secret
from channels.http import Http, HttpPolicy
from channels.meta.simulator import app_secret, token
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.threads.adapter import Adapter
from channels.threads.simulator import ThreadsSimulator

T = TypeVar("T")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
USER = "2222"
DIGEST = f"sha256:{'ab' * 32}"
PICTURE = Medium(DIGEST, MediaKind.PICTURE, "image/png", 1_000, 1_080, 1_080, (Part("en", "A map"),))


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Line:
    """The far side and an adapter pointed at one of its profiles; ``noted`` is what the adapter noted."""

    far: Simulator
    profile: Adapter
    clock: Clock
    noted: list[str]

    @property
    def threads(self) -> ThreadsSimulator:
        """The simulated platform itself."""
        provider = self.far.provider("threads")
        assert isinstance(provider, ThreadsSimulator)
        return provider

    async def note(self, handle: str) -> None:
        """Keep what the adapter notes."""
        self.noted.append(handle)

    async def send(self, job: Job) -> Outcome:
        """Post once, with what an earlier attempt noted."""
        return await self.profile.send(replace(job, handle=self.noted[-1] if self.noted else None), self.note)

    async def correct(self, job: Job) -> Outcome:
        """Correct the job's original."""
        return await self.profile.correct(job, self.note)

    def arm(self, kind: FaultKind, on: str = "publish", **more: Any) -> None:
        """Order a fault."""
        self.far.arm(Fault("threads", kind, on=on, **more))

    def texts(self) -> list[str]:
        """What is up, oldest first."""
        return [post.text for post in self.threads.posts if not post.deleted]


@asynccontextmanager
async def line(credential: dict[str, Secret] | None = None, **settings: str) -> AsyncIterator[Line]:
    """Start the far side and make an adapter for one profile."""
    clock = Clock()
    async with Simulator((ThreadsSimulator,), clock=clock) as far:
        http = Http(HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False))
        known = {"user_id": USER, "base_url": f"{far.url}/threads", **settings}
        account = Account("th-1", "threads", "@city", ("en", "cy"), known)
        held = credential or {"token": Secret(token(USER)), "app_secret": Secret(app_secret())}
        try:
            yield Line(far, Adapter(account, held, http, clock), clock, [])
        finally:
            await http.close()


@pytest.fixture
def on_line() -> Callable[..., Any]:
    """Runs an async function with a fresh line and returns what it returns."""

    def run(use: Callable[[Line], Coroutine[Any, Any, T]], **options: Any) -> T:
        async def main() -> T:
            async with line(**options) as opened:
                return await use(opened)

        return asyncio.run(main())

    return run


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """Builds a job of a text."""

    def make(
        text: str = "Flood\n\nRain.",
        kind: DeliveryKind = DeliveryKind.PUBLISH,
        media: tuple[Medium, ...] = (),
        **more: Any,
    ) -> Job:
        rendering = Rendering("threads", "th-1", kind, (Part("en", text),), {"languages": ["en"]}, media)
        return replace(Job("d1", 1, rendering, NOON, 5.0), **more)

    return make
