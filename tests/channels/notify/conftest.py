"""An adapter in front of the simulated GOV.UK Notify, and messages in English and Welsh."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Secret
from channels.http import Http, HttpPolicy
from channels.notify import simulator
from channels.notify.adapter import Adapter, EmailAdapter
from channels.simulator.server import Simulator

T = TypeVar("T")
SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
SETTINGS = {"template_id": simulator.TEMPLATE_ID}
EMAIL_SETTINGS = {"template_id": simulator.EMAIL_TEMPLATE_ID}
NUMBER = "07700 900123"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Line:
    """The far side and an adapter pointed at it; ``clock`` is the far side's, ``ours`` the adapter's."""

    far: Simulator
    adapter: Adapter
    clock: Clock
    ours: Clock

    @property
    def notify(self) -> simulator.Notify:
        """The simulated service itself."""
        provider = self.far.provider("notify")
        assert isinstance(provider, simulator.Notify)
        return provider


@asynccontextmanager
async def line(api_key: str = "", make: type[Adapter] = Adapter) -> AsyncIterator[Line]:
    """Start the service and make an adapter with a key of it."""
    clock, ours = Clock(), Clock()
    async with Simulator((simulator.Notify,), clock=clock) as far:
        host = far.url.removeprefix("http://")
        http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
        settings = EMAIL_SETTINGS if make is EmailAdapter else SETTINGS
        account = Account("one", "notify", "City", ("en", "cy"), {**settings, "base_url": f"{far.url}/notify"})
        credential = {"api_key": Secret(api_key or simulator.api_key(SERVICE))}
        try:
            yield Line(far, make(account, credential, http, ours), clock, ours)
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
    )


@pytest.fixture
def account() -> Account:
    """An account with a template."""
    return Account("sms-1", "notify", "City", ("en", "cy"), SETTINGS)


@pytest.fixture
def make_job(content: Content, account: Account) -> Callable[..., Job]:
    """Builds a job to one recipient."""

    def make(delivery: str = "d-1", number: str | None = NUMBER, language: str | None = "en", **changes: Any) -> Job:
        rendering = Adapter.render(replace(content, **changes), account)
        recipient = None if number is None else Secret(number)
        return Job(delivery, 1, rendering, content.valid_until, 2.0, recipient=recipient, language=language)

    return make
