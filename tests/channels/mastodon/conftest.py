"""An adapter in front of a simulated server, and messages in English and Welsh."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Outcome, Part, Rendering, Secret
from channels.http import Answer, Http, HttpPolicy
from channels.mastodon.adapter import Adapter
from channels.mastodon.simulator import MastodonSimulator
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator

T = TypeVar("T")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OPTIONS = {"languages": ["en"], "visibility": "public", "max_characters": 500, "characters_reserved_per_url": 23}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


async def note(_handle: str) -> None:
    """Mastodon has nothing to note."""


@dataclass
class Line:
    """The far side and an adapter for one of its accounts."""

    far: Simulator
    adapter: Adapter
    http: Http
    clock: Clock
    account: str
    token: str = field(repr=False)

    @property
    def server(self) -> MastodonSimulator:
        """The simulated server itself."""
        provider = self.far.provider("mastodon")
        assert isinstance(provider, MastodonSimulator)
        return provider

    def arm(self, kind: FaultKind, **options: Any) -> None:
        """Order a fault on the server."""
        self.far.arm(Fault("mastodon", kind, **options))

    async def send(self, job: Job) -> Outcome:
        """Send as the adapter does."""
        return await self.adapter.send(job, note)

    async def correct(self, job: Job) -> Outcome:
        """Correct as the adapter does."""
        return await self.adapter.correct(job, note)

    async def withdraw(self, job: Job) -> Outcome:
        """Withdraw as the adapter does."""
        return await self.adapter.withdraw(job, note)

    async def call(
        self, method: str, path: str, json: Any = None, headers: Mapping[str, str] | None = None, **query: str
    ) -> Answer:
        """Call the server directly, with the account's token unless ``headers`` has another."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        url = f"{self.far.url}/mastodon{path}"
        return await self.http.request(method, url, headers=sent, json=json, params=query, timeout_s=5)

    def reads(self) -> int:
        """How often statuses were read."""
        return len([arrival for arrival in self.far.journal.arrivals if arrival.route == "read"])


@asynccontextmanager
async def line(account: str = "1001", token: str = "", **settings: str) -> AsyncIterator[Line]:
    """Start the server and make an adapter for one account."""
    clock = Clock()
    async with Simulator((MastodonSimulator,), clock=clock) as far:
        host = far.url.removeprefix("http://")
        http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
        about = {"base_url": f"{far.url}/mastodon", "account_id": account, **settings}
        ours = Account("a1", "mastodon", "@council", ("en",), {key: value for key, value in about.items() if value})
        held = token or f"sim-{account}"
        try:
            yield Line(far, Adapter(ours, {"token": Secret(held)}, http, clock), http, clock, account, held)
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
    """Builds a job with this text; ``changes`` are the job's own fields."""

    def make(text: str = "Flood\n\nRain.", kind: DeliveryKind = DeliveryKind.PUBLISH, **changes: Any) -> Job:
        rendering = Rendering("mastodon", "a1", kind, (Part("en", text),), OPTIONS)
        return replace(Job("dly-1", 1, rendering, NOON, 5.0), **changes)

    return make


@pytest.fixture
def content() -> Content:
    """A live flood warning."""
    return Content(
        kind=DeliveryKind.PUBLISH,
        texts=(
            LanguageText("en-GB", "River rising", "Move to higher ground.", "Call 999 if in danger."),
            LanguageText("cy", "Afon yn codi", "Symudwch i dir uwch ŵ."),
        ),
        valid_until=datetime(2026, 11, 21, 18, 0, tzinfo=UTC),
        sent_by="Example City",
        exercise=False,
        link="https://city.example/flood",
    )
