"""An adapter in front of the simulated mail server, and messages in English and Welsh."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Secret
from channels.http import Http, HttpPolicy
from channels.press_email import simulator
from channels.press_email.adapter import Adapter
from channels.simulator.server import Simulator

T = TypeVar("T")
SENDER = "press@city.example"
READER = "news@paper.example"
SETTINGS = {"from": SENDER}


class Clock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Line:
    """The far side and an adapter pointed at it."""

    far: Simulator
    adapter: Adapter

    @property
    def server(self) -> simulator.PressEmail:
        """The simulated server itself."""
        provider = self.far.provider("press_email")
        assert isinstance(provider, simulator.PressEmail)
        return provider


@asynccontextmanager
async def line(password: str = "", server: type[simulator.PressEmail] = simulator.PressEmail) -> AsyncIterator[Line]:
    """Start the server and make an adapter with a login of it."""
    async with Simulator((server,), clock=Clock()) as far:
        url = far.address("press_email")
        http = Http(HttpPolicy(frozenset({url.split("/")[2]}), allow_private=True, https_only=False))
        account = Account("press-1", "press_email", "Press office", ("en", "cy"), {**SETTINGS, "base_url": url})
        credential = {"username": Secret(SENDER), "password": Secret(password or simulator.password(SENDER))}
        yield Line(far, Adapter(account, credential, http, Clock()))


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
            LanguageText("cy", "Afon yn codi: Tŷ’r Ŵyl", "Symudwch i dir uwch.\n.Nawr."),
        ),
        valid_until=datetime(2026, 11, 21, 18, 0, tzinfo=UTC),
        sent_by="Cyngor Môn",
        exercise=False,
        link="https://city.example/flood",
    )


@pytest.fixture
def account() -> Account:
    """An account with a sender's address."""
    return Account("press-1", "press_email", "Press office", ("en", "cy"), SETTINGS)


@pytest.fixture
def make_job(content: Content, account: Account) -> Callable[..., Job]:
    """Builds a job to one recipient."""

    def make(
        delivery: str = "dly-1",
        address: str | None = READER,
        language: str | None = "en",
        original: str | None = None,
        **changes: Any,
    ) -> Job:
        rendering = Adapter.render(replace(content, **changes), account)
        recipient = None if address is None else Secret(address)
        released = datetime(2026, 11, 21, 11, 59, 30, tzinfo=UTC)
        return Job(delivery, 1, rendering, released, 2.0, recipient=recipient, language=language, original=original)

    return make
