"""An adapter in front of a simulated Page, and messages in English and Welsh."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Outcome, Part, Rendering, Secret
from channels.facebook.adapter import Adapter
from channels.facebook.simulator import FacebookSimulator
from channels.http import Http, HttpPolicy
from channels.meta.simulator import app_secret, token
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator

T = TypeVar("T")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAGE = "1111"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Line:
    """The far side and an adapter pointed at one of its Pages; ``noted`` is what the adapter noted."""

    far: Simulator
    page: Adapter
    http: Http
    clock: Clock
    account: Account
    noted: list[str]

    @property
    def facebook(self) -> FacebookSimulator:
        """The simulated platform itself."""
        provider = self.far.provider("facebook")
        assert isinstance(provider, FacebookSimulator)
        return provider

    async def note(self, handle: str) -> None:
        """Keep what the adapter notes."""
        self.noted.append(handle)

    async def send(self, job: Job) -> Outcome:
        """Post once."""
        return await self.page.send(job, self.note)

    async def correct(self, job: Job) -> Outcome:
        """Correct the job's original."""
        return await self.page.correct(job, self.note)

    async def withdraw(self, job: Job) -> Outcome:
        """Withdraw the job's original."""
        return await self.page.withdraw(job, self.note)

    def arm(self, kind: FaultKind, on: str = "publish", **more: Any) -> None:
        """Order a fault."""
        self.far.arm(Fault("facebook", kind, on=on, **more))

    def through(self, app: str, page: str = PAGE) -> Adapter:
        """The same Page's adapter through another app, or with another Page's token."""
        credential = {"token": Secret(token(page, app)), "app_secret": Secret(app_secret(app))}
        return Adapter(self.account, credential, self.http, self.clock)


@asynccontextmanager
async def line(credential: dict[str, Secret] | None = None, **settings: str) -> AsyncIterator[Line]:
    """Start the far side and make an adapter for one Page."""
    clock = Clock()
    async with Simulator((FacebookSimulator,), clock=clock) as far:
        http = Http(HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False))
        known = {"page_id": PAGE, "base_url": f"{far.url}/facebook", **settings}
        account = Account("fb-1", "facebook", "Example City", ("en", "cy"), known)
        held = credential or {"token": Secret(token(PAGE)), "app_secret": Secret(app_secret())}
        try:
            yield Line(far, Adapter(account, held, http, clock), http, clock, account, [])
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
def account() -> Account:
    """A Page that posts in English and Welsh."""
    return Account("fb-1", "facebook", "Example City", ("en", "cy"), {"page_id": PAGE})


@pytest.fixture
def content() -> Content:
    """A live flood warning."""
    return Content(
        kind=DeliveryKind.PUBLISH,
        texts=(
            LanguageText("en", "River rising", "Move to higher ground.", "Call 999 if in danger."),
            LanguageText("cy", "Afon yn codi", "Symudwch i dir uwch ŵ."),
        ),
        valid_until=NOON + timedelta(hours=4),
        sent_by="Example City",
        exercise=False,
        link="https://city.example/flood",
    )


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """Builds a job of a text."""

    def make(
        text: str = "Flood\n\nRain.", kind: DeliveryKind = DeliveryKind.PUBLISH, link: str | None = None, **more: Any
    ) -> Job:
        options: dict[str, Any] = {"languages": ["en"], **({"link": link} if link else {})}
        rendering = Rendering("facebook", "fb-1", kind, (Part("en", text),), options)
        return replace(Job("d1", 1, rendering, NOON, 5.0), **more)

    return make
