"""A feed in a temporary folder, with a clock that tests set, and messages in English and Welsh."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from channels.cap_feed.adapter import Adapter
from channels.contract import Account, Content, DeliveryKind, Finding, Job, LanguageText, Outcome, ReadBack, Secret
from channels.http import Http, HttpPolicy
from tests.certificate import signing

T = TypeVar("T")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = signing(begins=NOON - timedelta(days=30))
DRILL_KEY = signing("EXERCISE", begins=NOON - timedelta(days=30))
CODES = {
    "category": "Met Safety",
    "event": "Flood",
    "urgency": "Immediate",
    "severity": "Severe",
    "certainty": "Likely",
}


async def no_note(handle: str) -> None:
    """A feed has no handle to note."""
    raise AssertionError(handle)


def content(
    kind: DeliveryKind = DeliveryKind.PUBLISH, *, exercise: bool = False, headline: str = "River rising"
) -> Content:
    """A flood warning in English and Welsh, valid until six hours past noon."""
    return Content(
        kind=kind,
        texts=(
            LanguageText("en", headline, "Move to <higher> ground & wait.", "Call 999 if in danger."),
            LanguageText("cy", "Afon yn codi", "Symudwch i dir uwch ŵ.", "Ffoniwch 999."),
        ),
        valid_until=NOON + timedelta(hours=6),
        sent_by="Example City",
        exercise=exercise,
        link="https://city.example/flood",
        area=("Old Town", "Quay"),
        polygons=("52.1,-3.2 52.2,-3.2 52.2,-3.1 52.1,-3.2",),
        circles=("52.15,-3.15 2.5",),
        cap=CODES,
    )


class Feed:
    """An adapter over a real folder."""

    def __init__(self, folder: Path, base_url: str = "", credential: Mapping[str, Secret] | None = None) -> None:
        self.folder = folder
        self.now = NOON
        settings = {"folder": str(folder), "sender": "alerts@city.example", "public_base_url": base_url}
        self.account = Account("feed-1", "cap_feed", "City alerts", ("en", "cy"), settings)
        self.use(KEY if credential is None else credential)

    def use(self, credential: Mapping[str, Secret], *, exercise: bool | None = None) -> str:
        """Start anew with a credential, for a mode if one is given; returns why it refuses that."""
        self.adapter = Adapter(self.account, credential, Http(HttpPolicy(frozenset())), lambda: self.now)
        return "" if exercise is None else self.adapter.serve(exercise=exercise)

    def job(
        self, delivery: str, message: Content | None = None, minutes: int = 0, original: str | None = None
    ) -> Job:
        """A job released so many minutes past noon."""
        rendering = Adapter.render(message or content(), self.account)
        sent = NOON + timedelta(minutes=minutes)
        return Job(delivery, 1, rendering, sent, timeout_s=5.0, original=original)

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

    def find(self, job: Job) -> Finding:
        """Look a job up."""
        return self.run(self.adapter.find(job))

    def read_back(self, job: Job) -> ReadBack:
        """Read a job's alert back under the reference that sending gave."""
        return self.run(self.adapter.read_back(job, self.send(job).reference or ""))

    def files(self) -> dict[str, bytes]:
        """Every file in the folder but the lock."""
        return {file.name: file.read_bytes() for file in self.folder.iterdir() if file.name != ".lock"}


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """A feed whose public address is not known."""
    return Feed(tmp_path)


@pytest.fixture
def make_content() -> Callable[..., Content]:
    """Builds a message of a kind."""
    return content


@pytest.fixture
def altered() -> Callable[..., Job]:
    """A job whose rendering has some options replaced."""

    def alter(job: Job, **options: Any) -> Job:
        rendering = replace(job.rendering, options={**job.rendering.options, **options})
        return replace(job, rendering=rendering)

    return alter
