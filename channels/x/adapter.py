"""X as a channel: send once, and look at the timeline before ever sending again.

One delivery whose answer was lost::

    outcome = await x.send(job, note)     # the connection broke: in_doubt
    finding = await x.find(job)           # after the lag: found on the timeline, or absent from it
"""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
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
from channels.http import Ambiguous, Answer, Http, TransportError
from channels.listing import PublicPost, Timeline, UnlistedError, read_whole
from channels.login import Login
from channels.media.carried import carried
from channels.media.structure import MP4
from channels.quota import judged, put_off
from channels.renewing import Renewal
from channels.text import X_WEIGHT, check_text, link_problems, one_post, x_length
from channels.x import wire
from channels.x.login import AUTHORISATION, BASE_URL
from channels.x.uploads import Uploads

TIMELINE_PAGES = 3
PAYMENT_REQUIRED = 402  # CreditsDepleted (reference: platforms 3.3)
TOO_MANY = 429
CLOCK_SKEW = timedelta(minutes=2)
VIDEO = MediaLimit(
    MediaKind.VIDEO,
    (MP4,),
    512_000_000,
    1_920,
    1_920,
    most=1,
    alt_characters=1_000,
    narrowest=1 / 3,
    widest=3.0,
    shortest_s=0.5,
    longest_s=140.0,
)
"""Bytes and seconds: reference: platforms 3.4. Pixels and shape: X's page "Best practices" on media, 2026."""

_FIELDS = {"tweet.fields": "created_at,text,entities,edit_history_tweet_ids"}


class Adapter:
    """One account on X. The credential's ``token`` is an OAuth 2 bearer token with tweet.read, tweet.write and,
    for pictures and videos, media.write.

    It ends after two hours. With offline.access the credential has a ``refresh_token`` besides, the ``client_id`` of
    the app it was given to, and its ``client_secret`` where the app is a confidential one: then it is renewed.
    Account settings: ``user_id`` (the account's numeric id, needed to look posts up), ``base_url``.
    Raises ValueError when the credential has no token, or what belongs to its refresh token is missing.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=20.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        text=TextLimit(X_WEIGHT, Unit.WEIGHTED),
        media=(MediaLimit(MediaKind.PICTURE, ("image/jpeg", "image/png"), 5_000_000, 4_096, 4_096, 4, 1_000), VIDEO),
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(50, 900.0, burst=50, daily=10_000),  # X counts 100 in 15 minutes: burst and refill never pass that
        probe_every_s=600.0,  # every read is charged; 75 in 15 minutes are allowed
        hosts=("api.x.com",),
        source="X API v2 (OpenAPI 2.167); reference: platforms 3",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        if "token" not in credential:
            raise ValueError(f"the credential of {account.handle} on X has no 'token'; store one")
        if "refresh_token" in credential and "client_id" not in credential:
            raise ValueError(
                f"the credential of {account.handle} on X has a refresh_token and no client_id; store it"
            )
        self._account = account
        self._login = Login("X", credential, self._renew, clock)
        self._http = http
        self._clock = clock
        self._base_url = account.settings.get("base_url", BASE_URL).rstrip("/")

    @classmethod
    def authorisation(cls, account: Account) -> Authorisation:
        """How people connect it."""
        del account
        return AUTHORISATION

    def renew_by(self, renewal: Renewal) -> None:
        """Renew tokens in this way from now on."""
        self._login.renewal = renewal

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long."""
        options = {"languages": list[Any](account.languages)}
        parts, media = (one_post(content, account),), carried(content, account)
        rendering = Rendering("x", account.id, content.kind, parts, options, media)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on X: {'; '.join(problems)}", rendering)
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
        """Upload the pictures or the video, then post once; X recognises no repeat."""
        until = self._clock() + timedelta(seconds=job.timeout_s)
        media = await Uploads(self._call, self._clock, until).of(job, note)
        if isinstance(media, Outcome):
            return media
        named = {"media": {"media_ids": media}} if media else {}

        async def post() -> Outcome:
            answer = await self._call("POST", "/2/tweets", self._left_s(until), json={"text": _text(job), **named})
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
        try:
            async for post in self._posts(job.intended_at - CLOCK_SKEW, job.timeout_s):
                if wire.same_post(post, _text(job)):
                    found = str(post.get("id"))
                    return Finding(Found.FOUND, reference=found, url=wire.post_url(self._account.handle, found))
        except (UnlistedError, TransportError) as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        return Finding(Found.ABSENT)

    async def timeline(self, since: datetime) -> Timeline:
        """The account's own timeline, as :class:`channels.listing.Listing` says."""

        async def posts() -> AsyncIterator[PublicPost]:
            async for post in self._posts(since, self.capabilities.timeout_s):
                if (listed := wire.listed(post, self._account.handle)) is None:
                    raise UnlistedError("X lists something that is no post")
                yield listed

        return await read_whole(posts())

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
        if answer.status == TOO_MANY:
            return put_off("X asks to wait", wire.retry_after_s(answer, self._clock()), self._clock())
        if found is None:
            return Probe(ok=False, detail=f"X answered {answer.status}; check the token")
        if found != expected:
            return Probe(ok=False, detail=f"the token belongs to user {found}, the settings say {expected}; mend one")
        return judged(Probe(ok=True, detail=f"user {found}"), *wire.days_left(answer, self._clock()))

    def _left_s(self, until: datetime) -> float:
        return max(0.0, (until - self._clock()).total_seconds())

    async def _find_withdrawal(self, job: Job) -> Finding:
        if not job.original:
            return Finding(Found.UNKNOWN, reason="the withdrawal names no post")
        return wire.withdrawn(await self.read_back(job, job.original))

    async def _posts(self, since: datetime, timeout_s: float) -> AsyncIterator[Mapping[str, Any]]:
        """The posts of the account's own timeline, newest first. Raises TransportError and UnlistedError."""
        user_id = self._account.settings.get("user_id")
        if not user_id:
            raise UnlistedError(f"{self._account.handle} has no user_id in its settings; add it")
        start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = {**_FIELDS, "max_results": "100", "start_time": start, "exclude": "retweets"}
        for _ in range(TIMELINE_PAGES):
            answer = await self._call("GET", f"/2/users/{user_id}/tweets", timeout_s, params=params)
            page = wire.timeline(answer)
            if page is None:
                raise UnlistedError(f"X answered {answer.status} instead of the timeline")
            posts, token = page
            for post in posts:
                yield post
            if token is None:
                return
            params["pagination_token"] = token
        raise UnlistedError("the timeline since then is too long to read whole")

    async def _call(self, method: str, path: str, timeout_s: float, **more: Any) -> Answer:
        until = self._clock() + timedelta(seconds=timeout_s)

        async def once(token: Secret) -> Answer:
            headers = {"Authorization": f"Bearer {token.reveal()}", **more.get("headers", {})}
            sent = {**more, "headers": headers, "timeout_s": self._left_s(until)}
            return await self._http.request(method, self._base_url + path, **sent)

        return await self._login.call(once, until)

    async def _renew(self, held: Mapping[str, Secret]) -> Mapping[str, Secret]:
        """Spend the refresh token on a new pair (reference: platforms 3.1). Raises TransportError."""
        url, timeout_s = f"{self._base_url}/2/oauth2/token", self.capabilities.timeout_s
        form, headers = wire.refreshing(held)
        answer = await self._http.request("POST", url, form=form, headers=headers, timeout_s=timeout_s)
        if (fresh := wire.refreshed(answer)) is None:
            raise Ambiguous("login", f"X answered {answer.status}; if that stays, connect the account again")
        return {**held, **fresh}


async def _settled(call: Callable[[], Awaitable[Outcome]]) -> Outcome:
    try:
        return await call()
    except TransportError as error:
        return error.outcome()


def _text(job: Job) -> str:
    return unicodedata.normalize("NFC", job.rendering.parts[0].text)
