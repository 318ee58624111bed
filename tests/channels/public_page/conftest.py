"""Pages in a temporary folder, with a clock that tests set, and messages in English and Welsh."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Outcome, ReadBack
from channels.http import Http, HttpPolicy
from channels.public_page.adapter import Adapter

T = TypeVar("T")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
THREAD = "5f0c2d9a11b7"


def content(kind: DeliveryKind = DeliveryKind.PUBLISH, headline: str = "River rising", **more: Any) -> Content:
    """A flood warning in English and Welsh, valid until six hours past noon."""
    about: dict[str, Any] = {"exercise": False, "thread": THREAD, "link": "https://city.example/flood", **more}
    return Content(
        kind=kind,
        texts=(
            LanguageText("en-GB", headline, "Go to <higher> ground & wait.\n\nTake pets.", "Call 999 if in danger."),
            LanguageText("cy-GB", f"Cy: {headline}", "Symudwch i dir uwch ŵ.", "Ffoniwch 999."),
        ),
        valid_until=NOON + timedelta(hours=6),
        sent_by="Example City",
        area=("Old Town", "Quay"),
        **about,
    )


class Site:
    """An adapter over a real folder."""

    def __init__(self, folder: Path, base_url: str = "", languages: tuple[str, ...] = ("en-GB", "cy-GB")) -> None:
        self.folder = folder
        self.now = NOON
        settings = {"folder": str(folder), "public_base_url": base_url}
        self.account = Account("page-1", "public_page", "City", languages, settings)
        self.adapter = Adapter(self.account, {}, Http(HttpPolicy(frozenset())), lambda: self.now)

    def job(
        self, delivery: str, message: Content | None = None, minutes: int = 0, original: str | None = None
    ) -> Job:
        """A job released so many minutes past noon."""
        rendering = Adapter.render(message or content(), self.account)
        return Job(delivery, 1, rendering, NOON + timedelta(minutes=minutes), timeout_s=5.0, original=original)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run one call to its end."""
        return asyncio.run(call)

    def send(self, job: Job) -> Outcome:
        """Send by the method of the rendering's kind."""
        methods: dict[DeliveryKind, Callable[..., Coroutine[Any, Any, Outcome]]] = {
            DeliveryKind.PUBLISH: self.adapter.send,
            DeliveryKind.CORRECT: self.adapter.correct,
            DeliveryKind.WITHDRAW: self.adapter.withdraw,
        }
        return self.run(methods[job.rendering.kind](job, no_note))

    def read_back(self, job: Job) -> ReadBack:
        """Read a message back."""
        return self.run(self.adapter.read_back(job, "any"))

    def page(self, language: str = "en", page: str = THREAD) -> str:
        """A page's file."""
        return (self.folder / f"{page}.{language}.html").read_text("utf-8")

    def index(self, language: str = "en") -> str:
        """The index's file."""
        return self.page(language, "index")

    def files(self) -> dict[str, bytes]:
        """Every file that is served."""
        return {file.name: file.read_bytes() for file in self.folder.glob("*.html")}


async def no_note(handle: str) -> None:
    """A page has no handle to note."""
    raise AssertionError(handle)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Pages whose public address is not known."""
    return Site(tmp_path)
