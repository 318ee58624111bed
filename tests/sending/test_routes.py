"""TikTok by machine through the sender that holds its credential: gate, socket, picture, publish id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from channels.capabilities import Idempotency, IdempotencyKind
from channels.conformance.bench import at_once
from channels.contract import Account, Found, Medium, Part, Verdict
from channels.http import Http, HttpPolicy
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.tiktok.direct import DirectPost, InboxDraft
from channels.tiktok.simulator import TikTokSimulator
from dispatcher.domain import canonical
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Route
from dispatcher.gate import policy_file
from dispatcher.gate.policy import Policies
from dispatcher.sending.outlets import Outlet
from dispatcher.sending.permit import Permit, Refusal
from dispatcher.sending.prepared import RENDERING_SCHEMA
from dispatcher.sending.remote import RemoteSender
from tests.builders import ACCOUNTS, Drafted, FixedClock, draft, revision, status
from tests.channels.tiktok.machine import CREDENTIAL, PICTURE, account
from tests.sending.kit import House, told
from tests.sending.socketed import LONG_S, serving

T = TypeVar("T")
ALT = (Part("en-GB", "Map"), Part("cy", "Map"))
MEDIUM = Medium(PICTURE.digest, PICTURE.kind, PICTURE.mime, len(PICTURE.data), PICTURE.width, PICTURE.height, ALT)
QUERY = Idempotency(IdempotencyKind.QUERY, lag_s=5.0)


def account_at(url: str) -> Account:
    """The builders' TikTok account, reached by machine at an address."""
    return replace(ACCOUNTS["tiktok"], settings=account(url).settings)


def drafted(make: type[DirectPost] | type[InboxDraft], url: str) -> Drafted:
    """A plan for it, as its adapter renders it, with a picture; and for a webhook that could disavow it."""
    written = revision(media=(MEDIUM,))
    made = draft("tiktok", "webhook", message=written)
    destination, webhook = made.plan.destinations
    rendered = {k: make.render(written.content(k, exercise=False), account_at(url)) for k in TextKind}
    bodies = {kind: canonical.encode(rendering.document()) for kind, rendering in rendered.items()}
    digests = {kind: canonical.digest(RENDERING_SCHEMA, body) for kind, body in bodies.items()}
    plan = replace(made.plan, destinations=(replace(destination, renderings=digests), webhook))
    return Drafted(plan, {**made.renderings, **{digests[kind]: body for kind, body in bodies.items()}})


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have policy open these routes to TikTok, besides the hand-off."""
    load = policy_file.load

    def open_(*routes: Route) -> None:
        def loaded(document: Any, digest: str) -> Policies:
            known = load(document, digest)
            rules = [replace(v.channel["tiktok"], routes=(Route.HAND_OFF, *routes)) for v in known.versions]
            versions = zip(known.versions, rules, strict=True)
            return replace(
                known, versions=tuple(replace(v, channel={**v.channel, "tiktok": rule}) for v, rule in versions)
            )

        monkeypatch.setattr(policy_file, "load", loaded)

    return open_


class Site:
    """A sender behind its socket, the account's far side, and what the lane noted."""

    def __init__(self, house: House, far: Simulator, path: Path) -> None:
        self.house, self.far, self.path = house, far, path
        self.remote = RemoteSender(path, LONG_S)
        self.order = house.drafted.order("tiktok")
        self.noted: list[str] = []

    async def note(self, handle: str) -> None:
        """Keep a handle."""
        self.noted.append(handle)

    async def asked(self) -> Permit | Refusal:
        """The sender's answer to the order."""
        await told(self.house.sender, status=status(at=self.house.clock.now))
        (answer,) = await self.remote.permit(self.house.bundle, [self.order])
        return answer

    @property
    def shown(self) -> list[tuple[str, ...]]:
        """The pictures of each public post."""
        return [effect.media for effect in self.far.journal.published("tiktok")]


def on_site(
    folder: Path, work: Callable[[Site], Awaitable[T]], make: type[DirectPost] | type[InboxDraft] = DirectPost
) -> T:
    """Run a test's work with everything in place."""

    async def main() -> T:
        clock = FixedClock()
        async with Simulator([TikTokSimulator], clock=clock) as far:
            url = far.address("tiktok")
            house = House(folder, drafted(make, url))
            house.clock = clock
            house.start()
            http = Http(HttpPolicy(frozenset({url.split("/")[2]}), allow_private=True, https_only=False))
            adapter = make(account_at(url), CREDENTIAL, http, clock)
            adapter.renew_by(at_once)
            house._outlets[account_at(url).id] = Outlet(account_at(url), adapter, 5.0, QUERY)
            house.media.put(MEDIUM, PICTURE.data)
            far.provider("tiktok").media[PICTURE.digest.removeprefix("sha256:")] = PICTURE.data
            async with serving(house.sender, folder / "socket" / "s.sock"):
                try:
                    return await work(Site(house, far, folder / "socket" / "s.sock"))
                finally:
                    await http.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("make", "route"), [(DirectPost, Route.DIRECT_POST), (InboxDraft, Route.INBOX_DRAFT)], ids=["direct", "inbox"]
)
def test_a_route_that_policy_does_not_open_is_refused(
    tmp_path: Path, opened: Callable[..., None], make: type[DirectPost] | type[InboxDraft], route: Route
) -> None:
    """Under G05, by name; to open the other one does not help, and the way back is never kept by it."""
    opened(*{Route.DIRECT_POST, Route.INBOX_DRAFT} - {route})

    async def work(site: Site) -> None:
        answer = await site.asked()
        assert isinstance(answer, Refusal)
        assert [(f.clause, f.fact) for f in answer.failures] == [
            ("G05", f"policy does not open the route {route} to tiktok")
        ]
        site.order = site.house.drafted.order("tiktok", TextKind.WITHDRAW, original="p_pub_url~v2.1")
        back = await site.asked()
        assert isinstance(back, Refusal)
        assert "G05" not in back.clauses  # only its own release is missing

    on_site(tmp_path, work, make)


def test_the_signed_picture_goes_up_and_the_publish_id_reaches_the_lane(
    tmp_path: Path, opened: Callable[..., None]
) -> None:
    """The sender checked the picture's bytes in its folder, and TikTok shows the same."""
    opened(Route.DIRECT_POST)

    async def work(site: Site) -> None:
        permit = await site.asked()
        assert isinstance(permit, Permit), permit
        outcome = await site.remote.send(permit, site.note)
        assert (outcome.verdict, site.shown) == (Verdict.ACCEPTED, [(PICTURE.digest,)])
        assert len(site.noted) == 1

    on_site(tmp_path, work)


def test_an_altered_picture_goes_nowhere(tmp_path: Path, opened: Callable[..., None]) -> None:
    """G07, as on every channel, though TikTok would fetch it from elsewhere."""
    opened(Route.DIRECT_POST)

    async def work(site: Site) -> None:
        site.house.media.file(MEDIUM).write_bytes(PICTURE.data + b"\0")
        answer = await site.asked()
        assert isinstance(answer, Refusal)
        assert (answer.clauses, site.far.journal.arrivals) == (("G07",), [])

    on_site(tmp_path, work)


def test_a_post_in_doubt_is_found_by_what_was_noted(tmp_path: Path, opened: Callable[..., None]) -> None:
    """Its status could not be read; the lane asks again with the publish id."""
    opened(Route.DIRECT_POST)

    async def work(site: Site) -> None:
        site.far.arm(Fault("tiktok", FaultKind.DROP, on="read"))
        permit = await site.asked()
        assert isinstance(permit, Permit), permit
        outcome = await site.remote.send(permit, site.note)
        finding = await site.remote.find(site.house.bundle, replace(site.order, handle=site.noted[0]))
        assert (outcome.verdict, finding.found, len(site.shown)) == (Verdict.IN_DOUBT, Found.FOUND, 1)

    on_site(tmp_path, work)


def test_a_draft_is_handed_over_through_the_socket(tmp_path: Path, opened: Callable[..., None]) -> None:
    """Nothing is public, and the task is the hand-off's."""
    opened(Route.INBOX_DRAFT)

    async def work(site: Site) -> None:
        permit = await site.asked()
        assert isinstance(permit, Permit), permit
        outcome = await site.remote.send(permit, site.note)
        assert (outcome.verdict, site.shown, len(site.noted)) == (Verdict.HANDED_OVER, [], 1)

    on_site(tmp_path, work, InboxDraft)


def test_a_handle_that_could_not_be_kept_stops_the_post(tmp_path: Path, opened: Callable[..., None]) -> None:
    """The lane is gone: what was begun is in doubt, and not taken for done."""
    opened(Route.DIRECT_POST)

    async def work(site: Site) -> None:
        async def forgetful(handle: str) -> None:
            raise OSError(handle)

        permit = await site.asked()
        assert isinstance(permit, Permit), permit
        assert (await site.remote.send(permit, forgetful)).verdict is Verdict.IN_DOUBT

    on_site(tmp_path, work)


def test_a_post_may_take_longer_than_any_other_call(tmp_path: Path, opened: Callable[..., None]) -> None:
    """A platform takes its time; a sender that hears nothing of a stop is given up on sooner."""
    opened(Route.DIRECT_POST)

    async def work(site: Site) -> None:
        permit = await site.asked()
        assert isinstance(permit, Permit), permit
        hurried = RemoteSender(site.path, 0.0, LONG_S)
        with pytest.raises(Unavailable):
            await hurried.tell([], None)
        assert (await hurried.send(permit, site.note)).verdict is Verdict.ACCEPTED

    on_site(tmp_path, work)
