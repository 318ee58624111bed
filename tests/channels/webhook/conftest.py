"""An adapter in front of the simulated receiver, and messages in English and Welsh."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Secret
from channels.http import Http, HttpPolicy
from channels.simulator.server import Simulator
from channels.webhook import simulator
from channels.webhook.adapter import Adapter

T = TypeVar("T")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Line:
    """The far side and an adapter pointed at one of its endpoints."""

    far: Simulator
    adapter: Adapter
    http: Http
    clock: Clock

    @property
    def receiver(self) -> simulator.Receiver:
        """The simulated receiver itself."""
        provider = self.far.provider("webhook")
        assert isinstance(provider, simulator.Receiver)
        return provider


@asynccontextmanager
async def line(endpoint: str = "partner", secret: str | None = None) -> AsyncIterator[Line]:
    """Start the receiver and make an adapter for one endpoint."""
    clock = Clock()
    async with Simulator((simulator.Receiver,), clock=clock) as far:
        host = far.url.removeprefix("http://")
        http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
        account = Account("hook-1", "webhook", "Partner", ("en", "cy"), {"base_url": f"{far.url}/webhook/{endpoint}"})
        credential = {"secret": Secret(secret or simulator.secret(endpoint))}
        try:
            yield Line(far, Adapter(account, credential, http, clock), http, clock)
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
def content() -> Content:
    """A live flood warning."""
    return Content(
        kind=DeliveryKind.PUBLISH,
        texts=(
            LanguageText("en", "River rising", "Move to higher ground.", "Call 999 if in danger."),
            LanguageText("cy", "Afon yn codi", "Symudwch i dir uwch ŵ."),
        ),
        valid_until=datetime(2026, 11, 21, 18, 0, tzinfo=UTC),
        sent_by="Example City",
        exercise=False,
        link="https://city.example/flood",
        area=("Old Town",),
        cap={"event": "Flood"},
    )


@pytest.fixture
def make_job(content: Content) -> Callable[..., Job]:
    """Builds a job from the message, of a kind and mode."""

    def make(delivery: str = "d-1", *, original: str | None = None, **changes: Any) -> Job:
        account = Account("hook-1", "webhook", "Partner", ("en", "cy"))
        rendering = Adapter.render(replace(content, **changes), account)
        sent = datetime(2026, 11, 21, 11, 59, tzinfo=UTC)
        return Job(delivery, 1, rendering, sent, timeout_s=2.0, original=original)

    return make
