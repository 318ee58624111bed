"""A Threads profile as a channel: prepare, note, publish, and ask the container before ever publishing again.

How that settles a lost answer, and where pictures are from, is in :mod:`channels.meta.containers`.

Rules (reference: platforms 4.4)
  1. Nothing can be edited: a correction is a reply to the post that it corrects.
  2. A post has one picture at most. It goes out without where the account does not say where pictures are served, and
     whoever previews or signs it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

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
    Job,
    Note,
    Outcome,
    Probe,
    ReadBack,
    RenderError,
    Rendering,
    Secret,
    Verdict,
)
from channels.http import Http, TransportError
from channels.listing import Timeline
from channels.media.carried import carried
from channels.meta.answers import Product, day_left, is_post_id
from channels.meta.containers import SERVED_AT, Containers, picture_form
from channels.meta.graph import Graph, no_original, setting, text_of
from channels.quota import judged
from channels.renewing import Renewal, moment, renewed
from channels.text import THREADS_CHARACTERS, check_text, length, link_problems, one_post
from channels.threads.login import AHEAD, AUTHORISATION, BASE_URL, ENDS, PATIENCE, renew

EDGE = "threads"
THREADS = Product("text", "timestamp", "permalink", ("https://www.threads.net/", "https://www.threads.com/"))
WAIT_S = 30.0  # what Meta recommends between preparing and publishing, where a container is not ready


class Adapter:
    """One profile on Threads. Settings and credential are listed in :mod:`channels.threads`.

    Raises ValueError where a setting is missing or unsound, or the credential is incomplete.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=30.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        text=TextLimit(THREADS_CHARACTERS, Unit.EMOJI_BYTES),
        media=(
            MediaLimit(
                MediaKind.PICTURE,
                ("image/jpeg", "image/png"),
                max_bytes=8_000_000,
                max_width=1_440,  # a wider one is made smaller by Threads
                max_height=14_400,
                most=1,
                alt_characters=1_000,
                narrowest=1 / 10,
                widest=10.0,
            ),
        ),
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(125, 86_400.0, burst=125, daily=250),  # 250 in 24 hours: burst and refill never pass that
        hosts=("graph.threads.net",),
        source="Threads API v1.0; of pictures: Meta's page on media; reference: platforms 4.1, 4.4",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        user_id = setting(account, "user_id", "", r"[0-9]{1,32}")
        version = setting(account, "version", "v1.0", r"v[0-9]{1,3}\.[0-9]{1,2}")
        self._media_base_url = setting(account, "media_base_url", "", f"({SERVED_AT})?")
        base_url = f"{account.settings.get('base_url', BASE_URL).rstrip('/')}/{version}"
        self._user_id = user_id
        self._account, self._http, self._clock = account, http, clock
        self._credential, self._ends = credential, moment(credential, ENDS)
        self._renewal: Renewal | None = None
        self._graph = Graph(THREADS, user_id, base_url, account, credential, http, clock)
        self._containers = Containers(self._graph, THREADS, user_id, EDGE, "status", WAIT_S)

    @classmethod
    def authorisation(cls, account: Account) -> Authorisation:
        """How people connect it."""
        del account
        return AUTHORISATION

    def renew_by(self, renewal: Renewal) -> None:
        """Renew the token in this way from now on."""
        self._renewal = renewal

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long."""
        options = {"languages": list[Any](account.languages)}
        media = carried(content, account) if account.settings.get("media_base_url") else ()
        rendering = Rendering("threads", account.id, content.kind, (one_post(content, account),), options, media)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on Threads: {'; '.join(problems)}", rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What Threads would refuse, and what people should not send: length, links, invisible characters."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a post on Threads is one text; this rendering has none or several"]
        text = rendering.parts[0].text
        over = length(text, Unit.EMOJI_BYTES) - THREADS_CHARACTERS
        counted = f"{over + THREADS_CHARACTERS} of at most {THREADS_CHARACTERS}, an emoji as its bytes"
        too_long = [f"the post counts {counted}; shorten it by {over}"]
        return (too_long if over > 0 else []) + link_problems(text) + check_text(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Prepare the post, note its container, and publish it; an earlier attempt's container is published again."""
        match job.rendering.media:
            case ():
                form = {"media_type": "TEXT", "text": text_of(job)}
            case (picture,) if self._media_base_url:
                told = picture_form(picture, self._media_base_url)
                form = {"media_type": "IMAGE", "text": text_of(job), **told}
            case _:
                reason = "a post on Threads has one picture, and that only where the account says media_base_url"
                return Outcome(Verdict.REJECTED, reason, "picture")
        reply = {"reply_to_id": job.original} if _is_reply(job) and job.original else {}
        return await self._containers.send(job, note, {**form, **reply})

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Reply to the original; post the correction by itself where no original is named."""
        if job.original and not is_post_id(job.original):
            return no_original("correct")
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Delete the original; harmless to repeat. Threads lets 100 be deleted in 24 hours."""
        del note
        return await self._graph.delete(job)

    async def find(self, job: Job) -> Finding:
        """Ask the container that was noted, and look for the text; for a withdrawal, look at the original."""
        if job.rendering.kind is DeliveryKind.WITHDRAW:
            return await self._graph.find_deleted(job)
        return await self._containers.find(job, "replies" if _is_reply(job) else EDGE)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id."""
        return await self._graph.read_back(job, reference)

    async def timeline(self, since: datetime) -> Timeline:
        """The profile's posts and replies, as :class:`channels.listing.Listing` says."""
        return await self._graph.timeline((EDGE, "replies"), since, self.capabilities.timeout_s)

    async def probe(self) -> Probe:
        """Ask Threads for whom this token speaks, which must be the profile itself, and what is left of its day.

        A token whose end is near is renewed first, for probes come by in quiet weeks too. Where that keeps failing
        the token still works, and its end is told, so that a person acts in time.
        """
        fault = await self._renew_ahead()
        probe = await self._probe()
        probe = replace(probe, detail="; ".join(filter(None, (probe.detail, fault))))
        if self._ends is None or self._renewal is None:
            return probe
        if fault and self._clock() >= self._ends - AHEAD + PATIENCE:
            return replace(probe, expires_at=self._ends)
        return replace(probe, renews=True)

    async def _probe(self) -> Probe:
        until = self._graph.until(self.capabilities.timeout_s)
        fields = "quota_usage,config,reply_quota_usage,reply_config,delete_quota_usage,delete_config"
        try:
            probe = await self._graph.probe(until, "profile")
            if not probe.ok:
                return probe
            edge = f"{self._user_id}/threads_publishing_limit"
            answer = await self._graph.call("GET", edge, until, params={"fields": fields})
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        kinds = {"": "posts", "reply_": "replies", "delete_": "deletions"}
        return judged(probe, *(left for prefix, of in kinds.items() for left in day_left(answer, of, prefix)))

    async def _renew_ahead(self) -> str:
        """Renew a token whose end is near; says why that failed, and is empty where nothing did."""
        if self._renewal is None or self._ends is None or self._clock() < self._ends - AHEAD:
            return ""

        async def fresh(held: Mapping[str, Secret]) -> Mapping[str, Secret]:
            return await renew(held, self._account, self._http, self._clock)

        try:
            used, timeout_s = self._credential, self.capabilities.timeout_s
            self._credential = await renewed(self._renewal, used, fresh, on="Threads", timeout_s=timeout_s)
        except TransportError as error:
            return str(error)
        self._ends = moment(self._credential, ENDS)
        self._graph.use(self._credential)
        return ""


def _is_reply(job: Job) -> bool:
    return job.rendering.kind is DeliveryKind.CORRECT and bool(job.original)
