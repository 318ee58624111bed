"""X as a channel: send once, and look at the timeline before ever sending again.

One delivery whose answer was lost::

    outcome = await x.send(job, note)     # the connection broke: in_doubt
    finding = await x.find(job)           # after the lag: found on the timeline, or absent from it
"""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, timedelta
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
    Seen,
    Verdict,
)
from channels.http import Answer, Http, TransportError
from channels.text import X_WEIGHT, check_text, link_problems, one_post, x_length
from channels.x import wire

BASE_URL = "https://api.x.com"
TIMELINE_PAGES = 3
PAYMENT_REQUIRED = 402  # CreditsDepleted (reference: platforms 3.3)
CLOCK_SKEW = timedelta(minutes=2)
_FIELDS = {"tweet.fields": "created_at,text,entities,edit_history_tweet_ids"}


class Adapter:
    """One account on X. The credential's ``token`` is an OAuth 2 bearer token with tweet.read and tweet.write.

    Account settings: ``user_id`` (the account's numeric id, needed to look posts up), ``base_url``.
    Raises ValueError when the credential has no token.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=20.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        text=TextLimit(X_WEIGHT, Unit.WEIGHTED),
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(50, 900.0, burst=50, daily=10_000),  # X counts 100 in 15 minutes: burst and refill never pass that
        hosts=("api.x.com",),
        source="X API v2 (OpenAPI 2.167); reference: platforms 3",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        if "token" not in credential:
            raise ValueError(f"the credential of {account.handle} on X has no 'token'; store one")
        self._account = account
        self._token = credential["token"]
        self._http = http
        self._clock = clock
        self._base_url = account.settings.get("base_url", BASE_URL).rstrip("/")

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long."""
        options = {"languages": list[Any](account.languages)}
        rendering = Rendering("x", account.id, content.kind, (one_post(content, account),), options)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on X: {'; '.join(problems)}")
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What X would refuse, and what people should not send: length, links, invisible characters."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a post on X is one text; this rendering has none or several"]
        text = rendering.parts[0].text
        weight = x_length(text)
        too_long = [f"the post counts {weight} of at most {X_WEIGHT}; shorten it by {weight - X_WEIGHT}"]
        return (too_long if weight > X_WEIGHT else []) + link_problems(text) + check_text(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Post once; X recognises no repeat."""
        del note

        async def post() -> Outcome:
            answer = await self._call("POST", "/2/tweets", job.timeout_s, json={"text": _text(job)})
            return wire.posted(answer, self._account.handle, self._clock(), first=job.attempt == 1)

        return await _settled(post)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Post the correction by itself: X restricts replies and quotes to those who were addressed."""
        return await self.send(job, note)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Delete the original."""
        del note
        original = job.original
        if not original:
            return Outcome(Verdict.REJECTED, code="no_original", reason="there is no post to withdraw")

        async def delete() -> Outcome:
            answer = await self._call("DELETE", f"/2/tweets/{original}", job.timeout_s)
            return wire.deleted(answer, original, self._clock())

        return await _settled(delete)

    async def find(self, job: Job) -> Finding:
        """Look for the text on the account's own timeline since the release; for a withdrawal, at the original."""
        if job.rendering.kind is DeliveryKind.WITHDRAW:
            return await self._find_withdrawal(job)
        user_id = self._account.settings.get("user_id")
        if not user_id:
            return Finding(Found.UNKNOWN, reason=f"{self._account.handle} has no user_id in its settings; add it")
        try:
            return await self._search(job, user_id)
        except TransportError as error:
            return Finding(Found.UNKNOWN, reason=str(error))

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id."""
        try:
            answer = await self._call("GET", f"/2/tweets/{reference}", job.timeout_s, params=_FIELDS)
        except TransportError as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        return wire.looked_up(answer, _text(job))

    async def probe(self) -> Probe:
        """Ask X whose token this is, and compare with the account's ``user_id``."""
        try:
            answer = await self._call("GET", "/2/users/me", self.capabilities.timeout_s)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        found, expected = wire.user_id(answer), self._account.settings.get("user_id")
        if answer.status == PAYMENT_REQUIRED:
            return Probe(ok=False, detail="the prepaid credits of X are used up; buy more", quota="no credits")
        if found is None:
            return Probe(ok=False, detail=f"X answered {answer.status}; check the token")
        if found != expected:
            return Probe(ok=False, detail=f"the token belongs to user {found}, the settings say {expected}; mend one")
        return Probe(ok=True, detail=f"user {found}")

    async def _find_withdrawal(self, job: Job) -> Finding:
        if not job.original:
            return Finding(Found.UNKNOWN, reason="the withdrawal names no post")
        return wire.withdrawn(await self.read_back(job, job.original))

    async def _search(self, job: Job, user_id: str) -> Finding:
        since = (job.intended_at - CLOCK_SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = {**_FIELDS, "max_results": "100", "start_time": since, "exclude": "retweets"}
        for _ in range(TIMELINE_PAGES):
            answer = await self._call("GET", f"/2/users/{user_id}/tweets", job.timeout_s, params=params)
            page = wire.timeline(answer)
            if page is None:
                return Finding(Found.UNKNOWN, reason=f"X answered {answer.status} instead of the timeline")
            posts, token = page
            for post in posts:
                if wire.same_post(post, _text(job)):
                    found = str(post.get("id"))
                    return Finding(Found.FOUND, reference=found, url=wire.post_url(self._account.handle, found))
            if token is None:
                return Finding(Found.ABSENT)
            params["pagination_token"] = token
        return Finding(Found.UNKNOWN, reason="the timeline since the release is too long to read whole")

    async def _call(self, method: str, path: str, timeout_s: float, **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        return await self._http.request(method, self._base_url + path, headers=headers, timeout_s=timeout_s, **more)


async def _settled(call: Callable[[], Awaitable[Outcome]]) -> Outcome:
    try:
        return await call()
    except TransportError as error:
        return error.outcome()


def _text(job: Job) -> str:
    return unicodedata.normalize("NFC", job.rendering.parts[0].text)
