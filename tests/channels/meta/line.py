"""An adapter in front of one of Meta's simulated products, and jobs for it: what the tests of all three share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from channels.capabilities import MediaKind
from channels.contract import Account, Channel, DeliveryKind, Job, Medium, Outcome, Part, Rendering, Secret
from channels.http import Http, HttpPolicy
from channels.meta.simulator import OWN_APP, GraphSimulator, app_secret, token
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator

T = TypeVar("T")
Make = Callable[..., Channel]
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
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
    make: Make
    account: Account
    adapter: Channel
    http: Http
    clock: Clock
    noted: list[str] = field(default_factory=list)

    @property
    def platform(self) -> Any:
        """The simulated product itself."""
        return self.far.provider(self.account.channel)

    async def note(self, handle: str) -> None:
        """Keep what the adapter notes."""
        self.noted.append(handle)

    async def send(self, job: Job) -> Outcome:
        """Post once, with what an earlier attempt noted."""
        return await self.adapter.send(replace(job, handle=self.noted[-1] if self.noted else None), self.note)

    async def correct(self, job: Job) -> Outcome:
        """Correct the job's original."""
        return await self.adapter.correct(job, self.note)

    async def withdraw(self, job: Job) -> Outcome:
        """Withdraw the job's original."""
        return await self.adapter.withdraw(job, self.note)

    def arm(self, kind: FaultKind, on: str = "publish", **more: Any) -> None:
        """Order a fault."""
        self.far.arm(Fault(self.account.channel, kind, on=on, **more))

    def texts(self) -> list[str]:
        """What is up, oldest first."""
        return [post.text for post in self.platform.posts if not post.deleted]

    def through(self, app: str, node: str) -> Channel:
        """The same account's adapter through another app, or with the token of another ``node``."""
        return self.make(self.account, credential(node, app), self.http, self.clock)


def credential(node: str, app: str = OWN_APP) -> dict[str, Secret]:
    """What opens an account by its id."""
    return {"token": Secret(token(node, app)), "app_secret": Secret(app_secret(app))}


@asynccontextmanager
async def line(
    make: Make, simulator: type[GraphSimulator], account: Account, held: dict[str, Secret]
) -> AsyncIterator[Line]:
    """Start the far side and make an adapter for one account."""
    clock = Clock()
    async with Simulator((simulator,), clock=clock) as far:
        http = Http(HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False))
        near = replace(account, settings={"base_url": far.address(simulator.name), **account.settings})
        try:
            yield Line(far, make, near, make(near, held, http, clock), http, clock)
        finally:
            await http.close()


def runner(make: Make, simulator: type[GraphSimulator], account: Account, node: str) -> Callable[..., Any]:
    """What runs an async function with a fresh line and returns what it returns.

    It takes another credential than that of the account, whose id is ``node``, and settings besides the account's.
    """

    def run(
        use: Callable[[Line], Coroutine[Any, Any, T]], held: dict[str, Secret] | None = None, **settings: str
    ) -> T:
        async def main() -> T:
            asked = replace(account, settings={**account.settings, **settings})
            async with line(make, simulator, asked, held or credential(node)) as opened:
                return await use(opened)

        return asyncio.run(main())

    return run


def maker(account: Account, pictures: tuple[Medium, ...] = ()) -> Callable[..., Job]:
    """What builds a job of a text, with these pictures unless it is given others."""

    def make(
        text: str = "Flood\n\nRain.",
        kind: DeliveryKind = DeliveryKind.PUBLISH,
        link: str | None = None,
        *,
        media: tuple[Medium, ...] = pictures,
        **more: Any,
    ) -> Job:
        options: dict[str, Any] = {"languages": ["en"], **({"link": link} if link else {})}
        rendering = Rendering(account.channel, account.id, kind, (Part("en", text),), options, media)
        return replace(Job("d1", 1, rendering, NOON, 5.0), **more)

    return make
