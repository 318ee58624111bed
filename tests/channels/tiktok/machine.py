"""An account that TikTok is reached by machine with, facing the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from channels.capabilities import MediaKind
from channels.conformance.bench import START, HandClock, at_once, content, picture
from channels.contract import Account, DeliveryKind, Job, Medium, Part, Secret
from channels.http import Http, HttpPolicy
from channels.media.picture import fit
from channels.media.structure import digest_of
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.tiktok.direct import PICTURES, DirectPost, InboxDraft
from channels.tiktok.simulator import CLIENT_KEY, CLIENT_SECRET, TikTokSimulator

T = TypeVar("T")
Machine = DirectPost | InboxDraft
CREDENTIAL = {
    "client_key": Secret(CLIENT_KEY),
    "client_secret": Secret(CLIENT_SECRET),
    "refresh_token": Secret("refresh-council"),
}
PICTURE = fit(picture(64), PICTURES)
ALT = (Part("en", "A map"), Part("cy", "Map"))
MEDIUM = Medium(PICTURE.digest, PICTURE.kind, PICTURE.mime, len(PICTURE.data), PICTURE.width, PICTURE.height, ALT)
FILM = bytes(range(256)) * 20


def account(url: str = "https://open.tiktokapis.com", **settings: str) -> Account:
    """The council's account, which an audited client posts for in public."""
    plain = {"base_url": url, "media_base_url": f"{url}/media", "disclosure": "none", "device": "phone-1"}
    chosen = {"audited": "yes", "privacy_level": "PUBLIC_TO_EVERYONE", **settings}
    return Account("tiktok-council", "tiktok", "@council", ("en", "cy"), {**plain, **chosen})


@dataclass
class Far:
    """The far side with one adapter, and what that noted."""

    simulator: Simulator
    time: HandClock
    account: Account
    channel: Machine
    noted: list[str] = field(default_factory=list)

    @property
    def tiktok(self) -> TikTokSimulator:
        """The simulated platform."""
        made = self.simulator.provider("tiktok")
        assert isinstance(made, TikTokSimulator)
        return made

    @property
    def asked(self) -> list[str]:
        """The last part of the path of every request, in order."""
        return [arrival.path.rstrip("/").split("/")[-2] for arrival in self.simulator.journal.arrivals]

    @property
    def posts(self) -> int:
        """How many posts are public."""
        return len(self.simulator.journal.published("tiktok"))

    def arm(self, kind: FaultKind, **more: Any) -> None:
        """Order a fault."""
        self.simulator.arm(Fault("tiktok", kind, **more))

    async def note(self, handle: str) -> None:
        """Keep what is noted."""
        self.noted.append(handle)

    def job(self, *, handle: str | None = None, attempt: int = 1, timeout_s: float = 10.0) -> Job:
        """The delivery of a message with a picture."""
        made = replace(content(self.account), media=(MEDIUM,))
        rendering = self.channel.render(made, self.account)
        media = {MEDIUM.digest: PICTURE.data}
        return Job("dlv-1", attempt, rendering, START, timeout_s, handle=handle, media=media)

    def film(self, *, handle: str | None = None, timeout_s: float = 10.0) -> Job:
        """The delivery of a message with a video."""
        job, alt = self.job(handle=handle, timeout_s=timeout_s), (Part("mul", "A film"),)
        medium = Medium(digest_of(FILM), MediaKind.VIDEO, "video/mp4", len(FILM), 720, 1280, alt)
        rendering = replace(job.rendering, media=(medium,))
        return replace(job, rendering=rendering, media={medium.digest: FILM})

    def back(self, kind: DeliveryKind) -> Job:
        """The delivery that takes the message back."""
        rendering = self.channel.render(content(self.account, kind), self.account)
        return Job(f"dlv-1-{kind}", 1, rendering, START, 10.0, original="p_pub_url~v2.1")


def facing(work: Callable[[Far], Awaitable[T]], make: type[Machine] = DirectPost, **settings: str) -> T:
    """Run a test's work against a fresh far side that has the picture."""

    async def main() -> T:
        time = HandClock()
        async with Simulator([TikTokSimulator], clock=time) as simulator:
            url = simulator.address("tiktok")
            http = Http(HttpPolicy(frozenset({url.split("/")[2]}), allow_private=True, https_only=False))
            known = account(url, **settings)
            far = Far(simulator, time, known, make(known, CREDENTIAL, http, time))
            far.channel.renew_by(at_once)
            far.tiktok.media[PICTURE.digest.removeprefix("sha256:")] = PICTURE.data
            try:
                return await work(far)
            finally:
                await http.close()

    return asyncio.run(main())
