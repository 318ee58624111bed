"""TikTok by machine, where policy opens the route: a post of ours, or a draft that people finish in the app.

One direct post::

    creator info  →  init: the publish id is noted  →  (a video's bytes)  →  status: public, failed, or in doubt
    finding = await tiktok.find(job)       # asks for the status by that id, until it is one or the other

Rules (reference: platforms 1.3, 1.8, 1.11; policy 1.4, M20)
  1. Nothing has a default that the public would notice: privacy level and disclosure are settings of the account,
     part of what is signed, and refused where TikTok does not offer them now. A client that TikTok has not audited
     posts for the account's own eyes only.
  2. A publish id is noted before the next byte. While one is known and has not failed, there is no second post.
  3. TikTok publishes pictures by itself once they are named, so a lost answer leaves that open, and without a publish
     id only people can tell. A video publishes nothing before its last byte.
  4. A draft in the inbox is not public: it is handed over, like any hand-off, and settled by signed receipts.
  5. TikTok offers no edit and no deletion: the way back is the hand-off's, by people on the registered device.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from channels.authorising import Authorisation
from channels.capabilities import (
    Capabilities,
    Idempotency,
    IdempotencyKind,
    MediaKind,
    MediaLimit,
    Rate,
    TextLimit,
    Unit,
)
from channels.contract import (
    Account,
    Clock,
    Content,
    DeliveryKind,
    Finding,
    Found,
    Job,
    Json,
    Medium,
    Note,
    Outcome,
    Probe,
    RenderError,
    Rendering,
    Secret,
    Verdict,
)
from channels.http import Answer, Http, TransportError
from channels.media.carried import carried
from channels.media.structure import MP4
from channels.renewing import Renewal
from channels.tiktok import chunks, errors, wire
from channels.tiktok.adapter import CAPTION_UNITS, Adapter
from channels.tiktok.api import HOSTS, Api, NoTokenError
from channels.tiktok.login import BASE_URL, authorisation
from channels.tiktok.wire import State, Status

DISCLOSURES = {"none": False, "own_brand": True}
"""The account setting ``disclosure``, and what TikTok is told: whether the post promotes our own brand."""

PICTURES = MediaLimit(MediaKind.PICTURE, ("image/jpeg",), 20_000_000, 1_080, 1_920, 35, 4_000, least=1)
"""JPEG up to 20 MB and 1080p, 35 of them (reference: platforms 1.6); the alternative text is not shown by TikTok."""

VIDEO = MediaLimit(MediaKind.VIDEO, (MP4,), 4_000_000_000, 4_096, 4_096, 1, 4_000, least=1, longest_s=600.0)
"""MP4 up to 4 GB, ten minutes and 4,096 pixels a side (reference: platforms 1.6). What an account may post can be
shorter: TikTok says so of the post."""


class _ByMachine(Adapter):
    """What both routes share. Account settings and credential are on the channel's page.

    Raises ValueError where a setting is missing or unsound, or the credential is incomplete.
    """

    route: ClassVar[str]
    draft: ClassVar[bool]
    scopes: ClassVar[tuple[str, ...]]

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        super().__init__(account, credential, http, clock)
        self._options = self._asked(account)
        base_url = account.settings.get("base_url", BASE_URL)
        self._media_base_url = _media_base_url(account, base_url)
        self._api = Api(base_url, account.handle, credential, http, clock)

    @classmethod
    def authorisation(cls, account: Account) -> Authorisation:
        """How people connect it."""
        del account
        return authorisation(cls.scopes)

    def renew_by(self, renewal: Renewal) -> None:
        """Fetch tokens in this way from now on."""
        self._api.renew_by(renewal)

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One caption with all languages, and the media; the way back is the hand-off's. Raises RenderError."""
        made = Adapter.render(content, account)
        if content.kind is not DeliveryKind.PUBLISH:
            return made
        try:
            options = {**made.options, **cls._asked(account)}
        except ValueError as error:
            raise RenderError(str(error)) from error
        rendering = replace(made, options=options, media=carried(content, account))
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on TikTok: {'; '.join(problems)}", rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What the hand-off's caption may not be either; a route, privacy or disclosure not ours."""
        if rendering.kind is not DeliveryKind.PUBLISH:
            return Adapter.problems(rendering)
        options = rendering.options
        faults = Adapter.problems(replace(rendering, options={**options, "route": "hand_off"}))
        if options.get("route") != cls.route or not _is_explicit(options, draft=cls.draft):
            faults.append(f"the route must be {cls.route}, with privacy and disclosure said: render it again")
        return faults

    async def send(self, job: Job, note: Note) -> Outcome:
        """Ask what became of an earlier attempt; else have TikTok take the post on, and ask how far it is."""
        until = self._api.until(job.timeout_s)
        if any(job.rendering.options.get(name) != value for name, value in self._options.items()):
            reason = "the account's settings are not those that were signed: submit a new plan"
            return Outcome(Verdict.REJECTED, reason, "settings")
        try:
            earlier = await self._earlier(job, until)
            if earlier is None:
                earlier = await self._not_ready(job, until)
        except TransportError as error:
            return Outcome(Verdict.DEFERRED, f"nothing was published yet: {error}", error.code)
        except NoTokenError as error:
            return error.outcome
        return earlier or await self._begin(job, note, until)

    @abstractmethod
    async def _not_ready(self, job: Job, until: datetime) -> Outcome | None:
        """Why nothing may be sent now, or None. Raises TransportError and NoTokenError."""

    @abstractmethod
    def _come_to(self, job: Job, answer: Answer, status: Status, publish_id: str) -> Outcome:
        """What a status means, other than a failure."""

    async def _earlier(self, job: Job, until: datetime) -> Outcome | None:
        """What became of the attempt that noted a publish id; None where there is none, or it came to nothing."""
        if not wire.is_publish_id(job.handle):
            return None
        answer = await self._api.call(wire.STATUS, {"publish_id": job.handle}, until)
        status = wire.status(answer)
        if status is None:
            outcome = errors.refused(answer, harmless=True)
            refused = outcome.verdict is Verdict.REJECTED  # of the look, not of the post
            return replace(outcome, verdict=Verdict.IN_DOUBT) if refused else outcome
        if _died_uploading(status, job):
            return None
        outcome = self._of(job, answer, status, job.handle or "")
        return None if outcome.verdict is Verdict.DEFERRED else outcome

    async def _begin(self, job: Job, note: Note, until: datetime) -> Outcome:
        (first, *_), path, body = job.rendering.media, wire.PHOTO_INIT, dict[str, Json]()
        harmless = first.kind is MediaKind.VIDEO
        if harmless:
            path = wire.VIDEO_DRAFT_INIT if self.draft else wire.VIDEO_INIT
            body = wire.video_post(job.rendering, chunks.plan(first.size), draft=self.draft)
        else:
            body = wire.photo_post(job.rendering, self._media_base_url, draft=self.draft)
        try:
            answer = await self._api.call(path, body, until)
        except TransportError as error:
            outcome = error.outcome()
            return replace(outcome, verdict=Verdict.DEFERRED) if harmless else outcome
        except NoTokenError as error:
            return error.outcome
        taken = wire.taken(answer)
        if taken is None or (harmless and taken.upload_url is None):
            return errors.refused(answer, harmless=harmless, first=job.attempt == 1)
        await note(taken.publish_id)
        if taken.upload_url is not None:
            await self._upload(job.media[first.digest], first, taken.upload_url, until)
        return await self._look(job, taken.publish_id, until)

    async def _upload(self, data: bytes, medium: Medium, url: str, until: datetime) -> None:
        """Put a video's bytes. Whatever the answers are, the status says whether all have arrived."""

        async def put(chunk: chunks.Chunk) -> Answer:
            headers = {"Content-Type": medium.mime, "Content-Range": chunk.content_range}
            return await self._api.put(url, data[chunk.start : chunk.end], headers, until)

        with suppress(TransportError):
            await chunks.put_all(chunks.plan(medium.size), put)

    async def _look(self, job: Job, publish_id: str, until: datetime) -> Outcome:
        """How far TikTok is with a post that it took a moment ago."""
        open_ = Outcome(Verdict.IN_DOUBT, "TikTok took the post, and does not say what became of it", "status_unread")
        try:
            answer = await self._api.call(wire.STATUS, {"publish_id": publish_id}, until)
        except (TransportError, NoTokenError):
            return self._unread(job, open_)
        status = wire.status(answer)
        return self._unread(job, open_) if status is None else self._of(job, answer, status, publish_id)

    def _unread(self, job: Job, open_: Outcome) -> Outcome:
        """What a post comes to that TikTok took and whose status could not be read."""
        del job
        return open_

    def _of(self, job: Job, answer: Answer, status: Status, publish_id: str) -> Outcome:
        if status.state is State.FAILED:
            return errors.failed(answer, status.fail_reason)
        return self._come_to(job, answer, status, publish_id)

    @classmethod
    def _asked(cls, account: Account) -> dict[str, Json]:
        """What the account's settings say of every post. Raises ValueError for what is missing or unsound."""
        disclosure = account.settings.get("disclosure", "")
        if disclosure not in DISCLOSURES:
            raise ValueError(
                f"account {account.id}: say --set disclosure=none or own_brand; TikTok is told which of the two"
            )
        return {
            "route": cls.route,
            "brand_content_toggle": False,
            "brand_organic_toggle": DISCLOSURES[disclosure],
            "disclosure": "Content disclosure: on, your brand."
            if DISCLOSURES[disclosure]
            else "Content disclosure: off.",
        }


class DirectPost(_ByMachine):
    """A post of the machine's own, by a client that TikTok audited, or for the account's own eyes."""

    route = "direct_post"
    draft = False
    scopes = ("video.publish",)
    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=60.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=False,
        text=TextLimit(CAPTION_UNITS, Unit.UTF16),
        media=(PICTURES, VIDEO),
        by_hand=True,
        max_in_flight=1,
        timeout_s=30.0,
        rate=Rate(
            3, 60.0, burst=3, daily=15
        ),  # 6 a minute: burst and refill never pass that; a day's 15 of any client
        hosts=HOSTS,
        source="TikTok Content Posting API; reference: platforms 1.3, 1.6, 1.7",
    )

    @classmethod
    def _asked(cls, account: Account) -> dict[str, Json]:
        level, audited = account.settings.get("privacy_level", ""), account.settings.get("audited", "no")
        if level not in wire.LEVELS:
            raise ValueError(f"account {account.id}: say --set privacy_level=…, one of {', '.join(wire.LEVELS)}")
        if level != wire.SELF_ONLY and audited != "yes":
            raise ValueError(
                f"account {account.id}: only a client that TikTok audited posts to others than the account itself: "
                f"privacy_level={wire.SELF_ONLY}, or audited=yes where the audit was passed"
            )
        return {**super()._asked(account), "privacy_level": level}

    async def find(self, job: Job) -> Finding:
        """Ask for the status of the publish id that was noted; without one, only people can tell."""
        if job.rendering.kind is not DeliveryKind.PUBLISH:
            return await super().find(job)
        if not wire.is_publish_id(job.handle):
            return Finding(Found.UNKNOWN, reason="TikTok gave no publish id: look at the account's profile")
        until = self._api.until(job.timeout_s)
        try:
            answer = await self._api.call(wire.STATUS, {"publish_id": job.handle}, until)
        except (TransportError, NoTokenError) as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        status = wire.status(answer)
        if status is None:
            return Finding(Found.UNKNOWN, reason=errors.refused(answer, harmless=True).reason)
        outcome = self._of(job, answer, status, job.handle or "")
        if outcome.verdict is Verdict.ACCEPTED:
            return Finding(Found.FOUND, outcome.reference, outcome.url)
        failed = status.state is State.FAILED or _died_uploading(status, job)
        return Finding(Found.ABSENT if failed else Found.UNKNOWN, reason=outcome.reason)

    async def probe(self) -> Probe:
        """Ask for the account's privacy levels; the signed one must be among them."""
        try:
            answer = await self._api.call(wire.CREATOR_INFO, {}, self._api.until(self.capabilities.timeout_s))
        except (TransportError, NoTokenError) as error:
            return Probe(ok=False, detail=str(error))
        if fault := self._level_fault(answer):
            return Probe(ok=False, detail=fault.reason, expires_at=self._api.ends)
        offered = _listed(wire.levels(answer) or ())
        return Probe(True, f"posts as {self._options['privacy_level']}; TikTok offers {offered}", self._api.ends)

    async def _not_ready(self, job: Job, until: datetime) -> Outcome | None:
        del job
        return self._level_fault(await self._api.call(wire.CREATOR_INFO, {}, until))

    def _level_fault(self, answer: Answer) -> Outcome | None:
        offered, level = wire.levels(answer), self._options["privacy_level"]
        if offered is None:
            return errors.refused(answer, harmless=True)
        if level in offered:
            return None
        reason = f"TikTok does not offer {level} to this account now; it offers {_listed(offered)}"
        return answer.outcome(Verdict.REJECTED, "privacy_level", reason, wide=True)

    def _come_to(self, job: Job, answer: Answer, status: Status, publish_id: str) -> Outcome:
        if status.state is not State.COMPLETE:
            return answer.outcome(Verdict.IN_DOUBT, "processing", "TikTok is still processing the post")
        kind = "video" if job.rendering.media[0].kind is MediaKind.VIDEO else "photo"
        account = f"https://www.tiktok.com/@{self._account.handle.lstrip('@')}"
        url = f"{account}/{kind}/{status.post}" if status.post else None
        return answer.outcome(Verdict.ACCEPTED, reference=url or publish_id, url=url)


class InboxDraft(_ByMachine):
    """A draft in the account's inbox, which two operators finish in the app on the registered device."""

    route = "inbox_draft"
    draft = True
    scopes = ("video.upload",)
    capabilities: ClassVar[Capabilities] = replace(
        DirectPost.capabilities,
        idempotency=Idempotency(IdempotencyKind.NONE),
        rate=Rate(3, 60.0, burst=3, daily=5),  # five drafts may wait in an inbox (reference: platforms 1.7)
    )

    async def probe(self) -> Probe:
        """Whether a device is registered, and TikTok gives a token."""
        device = await super().probe()
        if not device.ok:
            return device
        try:
            await self._api.call(wire.STATUS, {"publish_id": "none"}, self._api.until(self.capabilities.timeout_s))
        except (TransportError, NoTokenError) as error:
            return Probe(ok=False, detail=str(error))
        return replace(device, expires_at=self._api.ends)

    async def _not_ready(self, job: Job, until: datetime) -> Outcome | None:
        del until
        waiting = self._waiting(job)
        return None if waiting.verdict is Verdict.HANDED_OVER else waiting

    def _come_to(self, job: Job, answer: Answer, status: Status, publish_id: str) -> Outcome:
        del answer, status, publish_id
        return self._waiting(job)

    def _unread(self, job: Job, open_: Outcome) -> Outcome:
        del open_
        return self._waiting(job)

    def _waiting(self, job: Job) -> Outcome:
        return self._hand_over(job, "to finish the draft from the app's inbox")


def _listed(offered: Collection[str]) -> str:
    """Which of the levels that we know are offered, in words."""
    return ", ".join(one for one in wire.LEVELS if one in offered) or "none that is known"


def _is_explicit(options: Mapping[str, Json], *, draft: bool) -> bool:
    flags = type(options.get("brand_organic_toggle")) is bool and options.get("brand_content_toggle") is False
    return flags and (draft or options.get("privacy_level") in wire.LEVELS)


def _died_uploading(status: Status, job: Job) -> bool:
    """Whether bytes are missing for ever: the address to put them at is kept nowhere (reference: platforms 1.4)."""
    video = [medium for medium in job.rendering.media if medium.kind is MediaKind.VIDEO]
    return status.state is State.UPLOADING and bool(video) and status.uploaded < video[0].size


def _media_base_url(account: Account, base_url: str) -> str:
    """Where TikTok fetches pictures; over https, but where TikTok itself is the simulator. Raises ValueError."""
    url = account.settings.get("media_base_url", "")
    parts = urlsplit(url)
    if (
        not parts.hostname
        or parts.query
        or parts.fragment
        or parts.scheme not in {"https", urlsplit(base_url).scheme}
    ):
        raise ValueError(
            f"account {account.id}: say --set media_base_url=https://…, where TikTok fetches the pictures from"
        )
    return url
