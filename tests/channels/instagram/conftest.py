"""An adapter in front of simulated Instagram, and jobs for it."""

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
from channels.instagram.adapter import Adapter
from channels.instagram.simulator import InstagramSimulator
from channels.meta.simulator import app_secret, token
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator

T = TypeVar("T")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ACCOUNT_ID = "3333"
DIGEST = f"sha256:{'ab' * 32}"
PICTURE = Medium(DIGEST, MediaKind.PICTURE, "image/jpeg", 1_000, 1_080, 1_080, (Part("en", "A map"),))


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Line:
    """The far side and an adapter pointed at one of its accounts; ``noted`` is what the adapter noted."""

    far: Simulator
    account: Adapter
    clock: Clock
    noted: list[str]

    @property
    def instagram(self) -> InstagramSimulator:
        """The simulated platform itself."""
        provider = self.far.provider("instagram")
        assert isinstance(provider, InstagramSimulator)
        return provider

    async def note(self, handle: str) -> None:
        """Keep what the adapter notes."""
        self.noted.append(handle)

    async def send(self, job: Job) -> Outcome:
        """Post once, with what an earlier attempt noted."""
        return await self.account.send(replace(job, handle=self.noted[-1] if self.noted else None), self.note)

    def arm(self, kind: FaultKind, on: str = "publish", **more: Any) -> None:
        """Order a fault."""
        self.far.arm(Fault("instagram", kind, on=on, **more))


@asynccontextmanager
async def line(credential: dict[str, Secret] | None = None, **settings: str) -> AsyncIterator[Line]:
    """Start the far side and make an adapter for one account."""
    clock = Clock()
    async with Simulator((InstagramSimulator,), clock=clock) as far:
        http = Http(HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False))
        known = {"ig_id": ACCOUNT_ID, "media_base_url": "https://media.city.example/pictures/"}
        known |= {"base_url": f"{far.url}/instagram", **settings}
        account = Account("ig-1", "instagram", "@city", ("en", "cy"), known)
        held = credential or {"token": Secret(token(ACCOUNT_ID)), "app_secret": Secret(app_secret())}
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
    """Builds a job of a caption."""

    def make(
        text: str = "Flood\n\nRain.",
        kind: DeliveryKind = DeliveryKind.PUBLISH,
        media: tuple[Medium, ...] = (PICTURE,),
        **more: Any,
    ) -> Job:
        rendering = Rendering("instagram", "ig-1", kind, (Part("en", text),), {"languages": ["en"]}, media)
        return replace(Job("d1", 1, rendering, NOON, 5.0), **more)

    return make
