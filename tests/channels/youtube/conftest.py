"""An adapter in front of simulated YouTube, and jobs for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from channels.capabilities import MediaKind
from channels.contract import Account, Caption, DeliveryKind, Job, Medium, Outcome, Part, Rendering, Secret
from channels.http import Http, HttpPolicy
from channels.media.structure import digest_of
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.youtube.adapter import Adapter
from channels.youtube.handle import Handles, What
from channels.youtube.simulator import Video, YouTubeSimulator, credential

T = TypeVar("T")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHANNEL = "UCcity"
SETTINGS = {"channel_id": CHANNEL, "audited": "yes"}
FILM = b"\0\0\0\x18ftypmp42" + bytes(700 * 1024)
SPOKEN = {"en": b"WEBVTT\n\n00:00.000 --> 00:02.000\nFlood\n", "cy": b"WEBVTT\n\n00:00.000 --> 00:02.000\nLlif\n"}
FILES = {digest_of(data): data for data in (FILM, *SPOKEN.values())}
CAPTIONS = tuple(Caption(language, digest_of(data), len(data)) for language, data in SPOKEN.items())
VIDEO = Medium(
    digest_of(FILM),
    MediaKind.VIDEO,
    "video/mp4",
    len(FILM),
    1_280,
    720,
    (Part("en", "A map"),),
    duration_ms=2_000,
    captions=CAPTIONS,
)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Line:
    """The far side and an adapter pointed at one of its channels; ``noted`` is what the adapter noted."""

    far: Simulator
    account: Adapter
    clock: Clock
    noted: list[str] = field(default_factory=list)

    @property
    def youtube(self) -> YouTubeSimulator:
        """The simulated platform itself."""
        provider = self.far.provider("youtube")
        assert isinstance(provider, YouTubeSimulator)
        return provider

    @property
    def video(self) -> Video:
        """The one video that there is."""
        (video,) = self.youtube.videos.values()
        return video

    @property
    def published(self) -> int:
        """How often a video was made public."""
        return len(self.far.journal.published("youtube"))

    async def note(self, handle: str) -> None:
        """Keep what the adapter notes."""
        self.noted.append(handle)

    def handed(self, job: Job) -> Job:
        """The job with what the last attempt noted."""
        return replace(job, handle=self.noted[-1] if self.noted else None)

    async def send(self, job: Job) -> Outcome:
        """Post once, with what an earlier attempt noted."""
        return await self.account.send(self.handed(job), self.note)

    def named(self) -> list[dict[What, str]]:
        """What was noted, in clear."""
        handles = Handles(Secret(f"refresh-{CHANNEL}"))
        return [handles.read("d1", handle) for handle in self.noted]

    def arm(self, kind: FaultKind, on: str = "publish", **more: Any) -> None:
        """Order a fault."""
        self.far.arm(Fault("youtube", kind, on=on, **more))


@asynccontextmanager
async def line(*, token: bool = True, **settings: str) -> AsyncIterator[Line]:
    """Start the far side and make an adapter for one channel."""
    clock = Clock()
    async with Simulator((YouTubeSimulator,), clock=clock) as far:
        http = Http(HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False))
        known = {**SETTINGS, "base_url": f"{far.url}/youtube", **settings}
        account = Account("yt-1", "youtube", "@city", ("en", "cy"), known)
        try:
            yield Line(far, Adapter(account, credential(CHANNEL, token=token), http, clock), clock)
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
    """Builds a job of a video."""

    def make(
        text: str = "Flood\n\nRain.",
        kind: DeliveryKind = DeliveryKind.PUBLISH,
        title: str = "Flood",
        **more: Any,
    ) -> Job:
        says = {"privacy": "public", "made_for_kids": False, "notify_subscribers": False}
        options = {"title": title, "languages": ["en", "cy"], **says}
        film = (VIDEO,) if kind is DeliveryKind.PUBLISH else ()
        rendering = Rendering("youtube", "yt-1", kind, (Part("mul", text),), options, film)
        return replace(Job("d1", 1, rendering, NOON, 5.0, media=FILES if film else {}), **more)

    return make
