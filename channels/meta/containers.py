"""Posts that are prepared as a container and then published: on Threads and on Instagram.

One delivery whose answer was lost::

    outcome = await containers.send(job, note, form)   # prepared and noted; the connection broke: in_doubt
    finding = await containers.find(job, edge)         # the container is published: found in the edge, by its text
    finding = await containers.find(job, edge)         # or it is only finished: absent
    outcome = await containers.send(job, note, form)   # ... and then the same container is published

Rules (reference: platforms 4.3, 4.4)
  1. Preparing publishes nothing: whatever goes wrong there is no doubt.
  2. Meta takes no picture from us: it is given an address, which ends in the digest of the signed bytes, and fetches
     what is there.
  3. A container that says ``PUBLISHED`` proves that the post is up, any other word that it is not. The post's own id
     is then looked for by its text; until it shows, the delivery stays in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from channels.contract import Finding, Found, Job, Medium, Note, Outcome, Verdict
from channels.http import Answer, TransportError
from channels.media.carried import address_of
from channels.meta.answers import Product, harmless, is_missing, is_post_id, node_id
from channels.meta.graph import Graph, settled

SERVED_AT = r"https://[!-~]{1,500}"
"""The form of the setting ``media_base_url``: where the files of the media folder are served to the internet."""

_STATUSES = frozenset({"EXPIRED", "ERROR", "FINISHED", "IN_PROGRESS", "PUBLISHED"})


@dataclass(frozen=True, slots=True)
class Containers:
    """The containers of one account, prepared at ``edge`` of its ``node`` and published beside it.

    ``status`` is the field in which one tells how far it is, ``wait_s`` how long one that is not ready may take.
    """

    graph: Graph
    product: Product
    node: str
    edge: str
    status: str
    wait_s: float

    async def send(self, job: Job, note: Note, form: Mapping[str, str]) -> Outcome:
        """Prepare the post, note its container, and publish it; an earlier attempt's container is published again."""
        until = self.graph.until(job.timeout_s)
        try:
            prepared = await self._prepared(job, note, form, until)
        except TransportError as error:
            return Outcome(Verdict.DEFERRED, reason=f"nothing was published yet: {error}", code=error.code)
        if isinstance(prepared, Outcome):
            return prepared

        async def publish() -> Outcome:
            chosen = {"creation_id": prepared}
            answer = await self.graph.call("POST", f"{self.node}/{self.edge}_publish", until, form=chosen)
            outcome = self.product.posted(answer, self.graph.pace, first=job.attempt == 1)
            return await self._addressed(outcome, until)

        return await settled(publish)

    async def find(self, job: Job, edge: str) -> Finding:
        """Ask the container that was noted, and look for the text in a list of the account's posts."""
        until = self.graph.until(job.timeout_s)
        try:
            status = await self._status(job, until)
            if status not in {"", "PUBLISHED"}:
                return Finding(Found.ABSENT, reason=f"the container says {status}")
            finding = await self.graph.search(edge, job, until)
        except TransportError as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        except _Unread as unread:
            reason = f"the container could not be read: Meta answered {unread.answer.status}"
            return Finding(Found.UNKNOWN, reason=reason)
        if status and finding.found is Found.ABSENT:
            return Finding(Found.UNKNOWN, reason="the post is published, and does not show in the profile's list yet")
        return finding

    async def _prepared(self, job: Job, note: Note, form: Mapping[str, str], until: datetime) -> str | Outcome:
        """The container to publish, or what the attempt comes to without publishing. Raises TransportError."""
        try:
            status = await self._status(job, until)
        except _Unread as unread:
            return harmless(unread.answer, self.graph.pace, "what was prepared could not be read")
        if status == "PUBLISHED":
            return Outcome(Verdict.IN_DOUBT, "an earlier attempt has published the post", "duplicate")
        if status == "IN_PROGRESS":
            reason = "Meta has not finished preparing the post"
            return Outcome(Verdict.DEFERRED, reason, "not_ready", retry_after_s=self.wait_s)
        if status == "FINISHED" and job.handle:
            return job.handle
        answer = await self.graph.call("POST", f"{self.node}/{self.edge}", until, form=form)
        container = node_id(answer)
        if container is None:
            return harmless(answer, self.graph.pace, "the post could not be prepared")
        await note(container)
        return container

    async def _status(self, job: Job, until: datetime) -> str:
        """What the noted container says of itself; empty where there is none. Raises TransportError and _Unread."""
        if not is_post_id(job.handle):
            return ""
        answer = await self.graph.call("GET", job.handle or "", until, params={"fields": self.status})
        status = (answer.json() or {}).get(self.status) if answer.status == 200 else None
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
            answer = await self.graph.call("GET", outcome.reference, until, params={"fields": self.product.fields})
        except TransportError:
            return outcome
        post = self.product.post_of(answer.json())
        return replace(outcome, url=post.url) if post else outcome


def picture_form(picture: Medium, media_base_url: str) -> dict[str, str]:
    """What a container of one picture is told: where it is, and what it shows for who cannot see it."""
    return {"image_url": address_of(picture, media_base_url), "alt_text": picture.alt[0].text}


class _Unread(Exception):
    """A container's status could not be read."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
