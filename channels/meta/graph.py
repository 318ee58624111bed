"""The calls of one account to the Graph API: with proof, and looking before anything is believed gone.

Rules (reference: platforms 4.1)
  1. The token goes into a header, and the proof beside it as a parameter: no address holds the token, but for the
     probe that asks when it ends.
  2. Graph says the same of a post that is gone and of one that the token may not see. So a post counts as missing
     only where the same token can read the account itself.
  3. A text is absent only where every post since the release was read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.contract import (
    Account,
    Clock,
    Finding,
    Found,
    Job,
    Outcome,
    Probe,
    ReadBack,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Answer, Http, TransportError, multipart
from channels.listing import PublicPost, Timeline, UnlistedError, read_whole
from channels.meta.answers import (
    Post,
    Product,
    Token,
    is_missing,
    is_post_id,
    node_id,
    refused,
    same_text,
    token_of,
    withdrawn,
)
from channels.meta.usage import NEAR_PERCENT, REST_S, Pace, calls_left, usage
from channels.quota import put_off

LIST_PAGES = 8
PAGE_SIZE = 25  # what the reference asks for: a page of long posts stays below what an answer may hold
CLOCK_SKEW = timedelta(minutes=2)


class Graph:
    """One account of a product, called by its token.

    ``node`` is the account's id there. Raises ValueError where the credential is incomplete or the settings
    ``near_percent`` and ``rest_s`` are unsound.
    """

    def __init__(
        self,
        product: Product,
        node: str,
        base_url: str,
        account: Account,
        credential: Mapping[str, Secret],
        http: Http,
        clock: Clock,
    ) -> None:
        if missing := {"token", "app_secret"} - set(credential):
            names = " and no ".join(sorted(missing))
            raise ValueError(f"the credential of {account.handle} on {account.channel} has no {names}; store one")
        self._product, self._node, self._base_url = product, node, base_url
        self.use(credential)
        self._app_id = setting(account, "app_id", "", r"[0-9]{0,32}")
        self._http = http
        self._clock = clock
        self.pace = _pace(account)

    def use(self, credential: Mapping[str, Secret]) -> None:
        """Call with this credential from now on."""
        self._token, self._app_secret = credential["token"], credential["app_secret"]

    async def call(
        self,
        method: str,
        path: str,
        until: datetime,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        photo: tuple[str, bytes] | None = None,
        by: Secret | None = None,
    ) -> Answer:
        """One call with the token, or another it is made ``by``, in its header and the proof as a parameter.

        ``photo``: the type and the bytes of a file that goes with the form. Raises TransportError.
        """
        token = by or self._token
        shown = {"appsecret_proof": proof(token, self._app_secret)}
        headers, sent = {"Authorization": f"Bearer {token.reveal()}"}, dict[str, Any]()
        if form is None:
            sent["params"] = {**(params or {}), **shown}
        elif photo is None:
            sent["form"] = {**form, **shown}
        else:
            headers["Content-Type"], sent["data"] = multipart({**form, **shown}, "source", *photo)
        left_s = max(0.0, (until - self._clock()).total_seconds())
        return await self._http.request(method, f"{self._base_url}/{path}", headers=headers, timeout_s=left_s, **sent)

    def until(self, timeout_s: float) -> datetime:
        """When what begins now must have ended."""
        return self._clock() + timedelta(seconds=timeout_s)

    async def look(self, post_id: str, expected: str, until: datetime) -> tuple[Answer, ReadBack]:
        """What the public sees of a post. Missing only where the account itself can be read with this token."""
        answer = await self.call("GET", post_id, until, params={"fields": self._product.fields})
        seen = self._product.looked_up(answer, expected)
        if seen.seen is not Seen.MISSING:
            return answer, seen
        answer = await self.call("GET", self._node, until, params={"fields": "id"})
        if node_id(answer) == self._node:
            return answer, seen
        return answer, ReadBack(Seen.UNKNOWN, reason="Meta shows neither the post nor its account to this token")

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id."""
        if not is_post_id(reference):
            return ReadBack(Seen.UNKNOWN, reason="the reference is not the id of a post")
        try:
            _, seen = await self.look(reference, text_of(job), self.until(job.timeout_s))
        except TransportError as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        return seen

    async def search(self, edge: str, job: Job, until: datetime) -> Finding:
        """Look for the job's text in one list of the account's, since the release. Raises TransportError."""
        try:
            async for post in self._posts(edge, job.intended_at - CLOCK_SKEW, until):
                if same_text(post.text, text_of(job)):
                    return Finding(Found.FOUND, reference=post.id, url=post.url)
        except UnlistedError as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        return Finding(Found.ABSENT)

    async def timeline(self, edges: Sequence[str], since: datetime, timeout_s: float) -> Timeline:
        """What stands in these lists of the account's, as :class:`channels.listing.Listing` says."""
        until = self.until(timeout_s)

        async def posts() -> AsyncIterator[PublicPost]:
            for edge in edges:
                async for post in self._posts(edge, since, until):
                    yield PublicPost(post.id, post.at, post.text, post.url)

        return await read_whole(posts())

    async def _posts(self, edge: str, since: datetime, until: datetime) -> AsyncIterator[Post]:
        """One list of the account's posts, newest first. Raises TransportError and UnlistedError."""
        params = {"fields": self._product.fields, "since": str(int(since.timestamp())), "limit": str(PAGE_SIZE)}
        for _ in range(LIST_PAGES):
            answer = await self.call("GET", f"{self._node}/{edge}", until, params=params)
            page = self._product.posts(answer)
            if page is None:
                raise UnlistedError(f"Meta answered {answer.status} instead of the account's posts")
            for post in page.posts:
                if post.at >= since:
                    yield post
            if page.after is None:
                return
            params["after"] = page.after
        raise UnlistedError("the account's posts since then are too many to read whole")

    async def delete(self, job: Job) -> Outcome:
        """Delete the original; harmless to repeat."""
        original, until = job.original or "", self.until(job.timeout_s)
        if not is_post_id(original):
            return no_original("withdraw")

        async def attempt() -> Outcome:
            answer = await self.call("DELETE", original, until)
            if not is_missing(answer):
                return self._product.deleted(answer, original, self.pace)
            _, seen = await self.look(original, "", until)
            return self._product.deleted(answer, original, self.pace, gone=seen.seen is Seen.MISSING)

        return await settled(attempt)

    async def find_deleted(self, job: Job) -> Finding:
        """Whether a withdrawal took effect, by its original."""
        if not is_post_id(job.original):
            return Finding(Found.UNKNOWN, reason="what this should withdraw is not the id of a post")
        return withdrawn(await self.read_back(job, job.original or ""))

    async def probe(self, until: datetime, named: str, *needs: str) -> Probe:
        """Ask for whom this token speaks, until when, and whether it may do what it ``needs`` to.

        It must speak for the account itself, ``named`` so for people. Raises TransportError.
        """
        answer = await self.call("GET", "me", until, params={"fields": "id"})
        found = node_id(answer)
        if found is None:
            return self.unwell(answer)
        if found != self._node:
            return Probe(ok=False, detail=f"the token speaks for {found}, the settings say {named} {self._node}")
        token, wait_s = await self.token(until), usage(answer).regain_s
        if wait_s:
            return put_off("the account's calls are used up", wait_s, self._clock())
        fault = token.lacks(needs)
        return Probe(not fault, fault or f"{named} {found}", token.ends, calls_left(answer))

    async def token(self, until: datetime) -> Token:
        """What Meta says of the token, asked for by its app; nothing where the app's id is not known.

        Of all calls this one has the token in its address: Meta takes it nowhere else. Raises TransportError.
        """
        if not self._app_id:
            return Token()
        app = Secret(f"{self._app_id}|{self._app_secret.reveal()}")
        given = {"input_token": self._token.reveal()}
        return token_of(await self.call("GET", "debug_token", until, by=app, params=given))

    def unwell(self, answer: Answer) -> Probe:
        """What a probe came to whose call was refused."""
        outcome = refused(answer, self.pace, first=True)
        return put_off(outcome.reason, outcome.retry_after_s, self._clock())


def proof(token: Secret, app_secret: Secret) -> str:
    """The ``appsecret_proof`` of a call: it shows that the token's holder is its app (reference: platforms 4.1)."""
    return hmac.new(app_secret.reveal().encode(), token.reveal().encode(), hashlib.sha256).hexdigest()


async def settled(call: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """The outcome of what a job does, also where a call had no usable answer."""
    try:
        return await call()
    except TransportError as error:
        return error.outcome()


def setting(account: Account, name: str, default: str, pattern: str) -> str:
    """A setting of the right form, or its default. Raises ValueError."""
    value = account.settings.get(name, default)
    if not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError(f"account {account.id}: the setting {name} is missing or not as it should be: {pattern}")
    return value


def text_of(job: Job) -> str:
    """What the post says."""
    return unicodedata.normalize("NFC", job.rendering.parts[0].text)


def no_original(what: str) -> Outcome:
    """The outcome of a job that should mend a post and names none."""
    return Outcome(Verdict.REJECTED, code="no_original", reason=f"there is no post to {what}")


def _pace(account: Account) -> Pace:
    number = r"[0-9]{1,5}(\.[0-9]{1,3})?"
    near = setting(account, "near_percent", str(NEAR_PERCENT), number)
    return Pace(float(near), float(setting(account, "rest_s", str(REST_S), number)))
