"""A Threads profile as a channel: prepare, note, publish, and ask the container before ever publishing again.

One delivery whose answer was lost::

    outcome = await profile.send(job, note)      # prepared and noted; the connection broke: in_doubt
    finding = await profile.find(job)            # the container says that it is published: found, by its text
    finding = await profile.find(job)            # or that it is only finished: absent
    outcome = await profile.send(job, note)      # ... and then the same container is published

Rules (reference: platforms 4.3, 4.4)
  1. Preparing publishes nothing: whatever goes wrong there is no doubt.
  2. A container that says ``PUBLISHED`` proves that the post is up, any other word that it is not. The post's own id
     is then looked for by its text; until it shows, the delivery stays in doubt.
  3. Nothing can be edited: a correction is a reply to the post that it corrects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from channels.capabilities import Capabilities, Idempotency, IdempotencyKind, Rate, TextLimit, Unit
from channels.contract import (
    Account,
    Clock,
    Content,
    DeliveryKind,
    Finding,
    Found,
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
from channels.http import Answer, Http, TransportError
from channels.meta.answers import Product, harmless, is_missing, is_post_id, node_id
from channels.meta.graph import Graph, no_original, setting, settled, text_of
from channels.text import THREADS_CHARACTERS, check_text, length, link_problems, one_post

BASE_URL = "https://graph.threads.net"
THREADS = Product("text", "timestamp", "permalink", ("https://www.threads.net/", "https://www.threads.com/"))
WAIT_S = 30.0  # what Meta recommends between preparing and publishing, where a container is not ready
_STATUSES = frozenset({"EXPIRED", "ERROR", "FINISHED", "IN_PROGRESS", "PUBLISHED"})


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
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(125, 86_400.0, burst=125, daily=250),  # 250 in 24 hours: burst and refill never pass that
        hosts=("graph.threads.net",),
        source="Threads API v1.0 (Meta's documents); reference: platforms 4.1, 4.4",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        self._user_id = setting(account, "user_id", "", r"[0-9]{1,32}")
        version = setting(account, "version", "v1.0", r"v[0-9]{1,3}\.[0-9]{1,2}")
        base_url = f"{account.settings.get('base_url', BASE_URL).rstrip('/')}/{version}"
        self._graph = Graph(THREADS, self._user_id, base_url, account, credential, http, clock)

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long."""
        options = {"languages": list[Any](account.languages)}
        rendering = Rendering("threads", account.id, content.kind, (one_post(content, account),), options)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on Threads: {'; '.join(problems)}")
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
        until = self._graph.until(job.timeout_s)
        try:
            prepared = await self._prepared(job, note, until)
        except TransportError as error:
            return Outcome(Verdict.DEFERRED, reason=f"nothing was published yet: {error}", code=error.code)
        if isinstance(prepared, Outcome):
            return prepared

        async def publish() -> Outcome:
            form = {"creation_id": prepared}
            answer = await self._graph.call("POST", f"{self._user_id}/threads_publish", until, form=form)
            outcome = THREADS.posted(answer, self._graph.pace, first=job.attempt == 1)
            return await self._addressed(outcome, until)

        return await settled(publish)

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
        until = self._graph.until(job.timeout_s)
        try:
            status = await self._status(job, until)
            if status not in {"", "PUBLISHED"}:
                return Finding(Found.ABSENT, reason=f"the container says {status}")
            finding = await self._graph.search(_edge(job), job, until)
        except TransportError as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        except _Unread as unread:
            return Finding(
                Found.UNKNOWN, reason=f"the container could not be read: Meta answered {unread.answer.status}"
            )
        if status and finding.found is Found.ABSENT:
            return Finding(Found.UNKNOWN, reason="the post is published, and does not show in the profile's list yet")
        return finding

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id."""
        return await self._graph.read_back(job, reference)

    async def probe(self) -> Probe:
        """Ask Threads for whom this token speaks: it must be the profile itself."""
        return await self._graph.probe(self.capabilities.timeout_s, "profile")

    async def _prepared(self, job: Job, note: Note, until: datetime) -> str | Outcome:
        """The container to publish, or what the attempt comes to without publishing. Raises TransportError."""
        try:
            status = await self._status(job, until)
        except _Unread as unread:
            return harmless(unread.answer, self._graph.pace, "what was prepared could not be read")
        if status == "PUBLISHED":
            return Outcome(Verdict.IN_DOUBT, "an earlier attempt has published the post", "duplicate")
        if status == "IN_PROGRESS":
            reason = "Threads has not finished preparing the post"
            return Outcome(Verdict.DEFERRED, reason, "not_ready", retry_after_s=WAIT_S)
        if status == "FINISHED" and job.handle:
            return job.handle
        reply = {"reply_to_id": job.original} if _is_reply(job) and job.original else {}
        form = {"media_type": "TEXT", "text": text_of(job), **reply}
        answer = await self._graph.call("POST", f"{self._user_id}/threads", until, form=form)
        container = node_id(answer)
        if container is None:
            return harmless(answer, self._graph.pace, "the post could not be prepared")
        await note(container)
        return container

    async def _status(self, job: Job, until: datetime) -> str:
        """What the noted container says of itself; empty where there is none. Raises TransportError and _Unread."""
        if not is_post_id(job.handle):
            return ""
        answer = await self._graph.call("GET", job.handle or "", until, params={"fields": "status"})
        status = (answer.json() or {}).get("status") if answer.status == 200 else None
        if isinstance(status, str) and status in _STATUSES:
            return status
        if is_missing(answer):
            return ""
        raise _Unread(answer)

    async def _addressed(self, outcome: Outcome, until: datetime) -> Outcome:
        """The outcome with the post's address, which only the post itself tells; without, where it does not show."""
        if outcome.verdict is not Verdict.ACCEPTED or outcome.reference is None:
            return outcome
        try:
            answer = await self._graph.call("GET", outcome.reference, until, params={"fields": THREADS.fields})
        except TransportError:
            return outcome
        post = THREADS.post_of(answer.json())
        return replace(outcome, url=post.url) if post else outcome


class _Unread(Exception):
    """A container's status could not be read."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _is_reply(job: Job) -> bool:
    return job.rendering.kind is DeliveryKind.CORRECT and bool(job.original)


def _edge(job: Job) -> str:
    """The list that a post stands in: replies have one of their own."""
    return "replies" if _is_reply(job) else "threads"
