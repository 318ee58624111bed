"""A Facebook Page as a channel: post once, edit in place, and look at the Page before ever posting again.

One delivery whose answer was lost, and its correction::

    outcome = await page.send(job, note)      # the connection broke: in_doubt
    finding = await page.find(job)            # after the lag: among the Page's posts, or absent from them
    outcome = await page.correct(fix, note)   # notes what the post says now, then changes it

A correction is put over what it corrects, so one that is found out about or tried late must not undo a later one: it
goes by what the post said when it was first tried.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
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
    Json,
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
from channels.facebook import wire
from channels.facebook.usage import NEAR_PERCENT, REST_S, Pace, calls_left
from channels.http import Answer, Http, TransportError
from channels.text import check_text, length, link_problems, links, one_post

BASE_URL = "https://graph.facebook.com"
VERSION = "v25.0"
LIST_PAGES = 8
PAGE_SIZE = 25  # what the reference asks for: a page of long posts stays below what an answer may hold
CLOCK_SKEW = timedelta(minutes=2)


class Adapter:
    """One Facebook Page. Settings and credential are listed in :mod:`channels.facebook`.

    Raises ValueError where a setting is missing or unsound, or the credential is incomplete.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=30.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        edits=True,
        text=TextLimit(wire.TEXT_UNITS, Unit.UTF16),
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(180, 3600.0, burst=180, daily=4_500),  # 4,800 calls a day for one engaged user, reads too
        hosts=("graph.facebook.com",),
        source="Graph API v25.0 (facebook-business 25.0.2, Meta's documents); reference: platforms 4.1, 4.2",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        if missing := {"token", "app_secret"} - set(credential):
            names = " and no ".join(sorted(missing))
            raise ValueError(f"the credential of {account.handle} on Facebook has no {names}; store one")
        self._account = account
        self._page_id = _setting(account, "page_id", "", r"[0-9]{1,32}")
        version = _setting(account, "version", VERSION, r"v[0-9]{1,3}\.[0-9]{1,2}")
        self._base_url = f"{account.settings.get('base_url', BASE_URL).rstrip('/')}/{version}"
        self._pace = _pace(account)
        self._token = credential["token"]
        self._app_id = _setting(account, "app_id", "", r"[0-9]{0,32}")
        self._app_secret = credential["app_secret"]
        self._http = http
        self._clock = clock

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long.

        The link stands in the text; for a new post it is told besides, for the preview below it.
        """
        options: dict[str, Json] = {"languages": list[Any](account.languages)}
        if content.link and content.kind is DeliveryKind.PUBLISH:
            options["link"] = content.link
        rendering = Rendering("facebook", account.id, content.kind, (one_post(content, account),), options)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on Facebook: {'; '.join(problems)}")
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What Facebook would refuse, and what people should not send: length, links, invisible characters."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a post on Facebook is one text; this rendering has none or several"]
        text = rendering.parts[0].text
        size = length(text, Unit.UTF16)
        over = size - wire.TEXT_UNITS
        too_long = [f"the post has {size} of at most {wire.TEXT_UNITS} UTF-16 units; shorten it by {over}"]
        return (too_long if over > 0 else []) + _preview_problems(rendering) + link_problems(text) + check_text(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Post once; Facebook recognises no repeat for certain."""
        del note
        link = job.rendering.options.get("link")
        form = {"message": _text(job), **({"link": link} if isinstance(link, str) else {})}

        async def post() -> Outcome:
            answer = await self._call("POST", f"{self._page_id}/feed", self._until(job), form=form)
            return wire.posted(answer, self._pace, first=job.attempt == 1)

        return await _settled(post)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Change the original in its place; post the correction by itself where no original is named."""
        original = job.original
        if not original:
            return await self.send(job, note)
        if not wire.is_post_id(original):
            return _no_original("correct")
        until = self._until(job)
        try:
            answer, seen = await self._look(original, _text(job), until)
        except TransportError as error:
            return Outcome(Verdict.DEFERRED, reason=f"the original could not be read: {error}", code=error.code)
        if seen.seen is Seen.UNKNOWN:
            return wire.unread(answer, self._pace)
        if (settled := wire.before_edit(seen, original, job.handle)) is not None:
            return settled
        if seen.text is not None:
            await note(wire.mark(seen.text))

        async def edit() -> Outcome:
            answer = await self._call("POST", original, until, form={"message": _text(job)})
            return wire.edited(answer, original, self._pace, first=job.attempt == 1)

        return await _settled(edit)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Delete the original; harmless to repeat."""
        del note
        original, until = job.original or "", self._until(job)
        if not wire.is_post_id(original):
            return _no_original("withdraw")

        async def delete() -> Outcome:
            answer = await self._call("DELETE", original, until)
            if not wire.is_missing(answer):
                return wire.deleted(answer, original, self._pace)
            _, seen = await self._look(original, "", until)
            return wire.deleted(answer, original, self._pace, gone=seen.seen is Seen.MISSING)

        return await _settled(delete)

    async def find(self, job: Job) -> Finding:
        """Look among the Page's posts since the release; for a correction or withdrawal, at the original."""
        kind, original, until = job.rendering.kind, job.original, self._until(job)
        try:
            if kind is DeliveryKind.PUBLISH or (kind is DeliveryKind.CORRECT and not original):
                return await self._search(job, until)
            if not original or not wire.is_post_id(original):
                return Finding(Found.UNKNOWN, reason=f"what this should {kind} is not the id of a post")
            _, seen = await self._look(original, _text(job), until)
        except TransportError as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        if kind is DeliveryKind.WITHDRAW:
            return wire.withdrawn(seen)
        return wire.corrected(seen, original, job.handle)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id."""
        if not wire.is_post_id(reference):
            return ReadBack(Seen.UNKNOWN, reason="the reference is not the id of a post")
        try:
            _, seen = await self._look(reference, _text(job), self._until(job))
        except TransportError as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        return seen

    async def probe(self) -> Probe:
        """Ask Facebook for whom this token speaks, which must be the Page itself, and until when."""
        until = self._clock() + timedelta(seconds=self.capabilities.timeout_s)
        try:
            answer = await self._call("GET", "me", until, params={"fields": "id,name"})
            expires_at = await self._expires_at(until) if self._app_id else None
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        found = wire.node_id(answer)
        if found is None:
            return Probe(ok=False, detail=wire.refused(answer, self._pace, first=True).reason)
        if found != self._page_id:
            return Probe(ok=False, detail=f"the token speaks for {found}, the settings say Page {self._page_id}")
        return Probe(True, f"Page {found}", expires_at, calls_left(answer))

    async def _expires_at(self, until: datetime) -> datetime | None:
        """When the token ends, asked for by its app (reference: platforms 4.1).

        Of all calls this one has the token in its address, for Facebook takes it nowhere else.
        """
        app = Secret(f"{self._app_id}|{self._app_secret.reveal()}")
        given = {"input_token": self._token.reveal()}
        return wire.expires_at(await self._call("GET", "debug_token", until, by=app, params=given))

    async def _look(self, post_id: str, expected: str, until: datetime) -> tuple[Answer, ReadBack]:
        """What the public sees of a post. Missing only where the Page itself can be read with this token."""
        answer = await self._call("GET", post_id, until, params={"fields": wire.POST_FIELDS})
        seen = wire.looked_up(answer, expected)
        if seen.seen is not Seen.MISSING:
            return answer, seen
        answer = await self._call("GET", self._page_id, until, params={"fields": "id"})
        if wire.node_id(answer) == self._page_id:
            return answer, seen
        return answer, ReadBack(Seen.UNKNOWN, reason="Facebook shows neither the post nor its Page to this token")

    async def _search(self, job: Job, until: datetime) -> Finding:
        since = job.intended_at - CLOCK_SKEW
        params = {"fields": wire.POST_FIELDS, "since": str(int(since.timestamp())), "limit": str(PAGE_SIZE)}
        for _ in range(LIST_PAGES):
            answer = await self._call("GET", f"{self._page_id}/published_posts", until, params=params)
            page = wire.posts(answer)
            if page is None:
                return Finding(Found.UNKNOWN, reason=f"Facebook answered {answer.status} instead of the Page's posts")
            for post in page.posts:
                if post.at >= since and wire.same_text(post.text, _text(job)):
                    return Finding(Found.FOUND, reference=post.id, url=post.url)
            if page.after is None:
                return Finding(Found.ABSENT)
            params["after"] = page.after
        return Finding(Found.UNKNOWN, reason="the Page's posts since the release are too many to read whole")

    async def _call(
        self,
        method: str,
        path: str,
        until: datetime,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        by: Secret | None = None,
    ) -> Answer:
        """One call with the token, or another it is made ``by``, in its header and the proof as a parameter."""
        token = by or self._token
        proof = {"appsecret_proof": wire.proof(token, self._app_secret)}
        return await self._http.request(
            method,
            f"{self._base_url}/{path}",
            headers={"Authorization": f"Bearer {token.reveal()}"},
            params=None if form is not None else {**(params or {}), **proof},
            form=None if form is None else {**form, **proof},
            timeout_s=max(0.0, (until - self._clock()).total_seconds()),
        )

    def _until(self, job: Job) -> datetime:
        return self._clock() + timedelta(seconds=job.timeout_s)


async def _settled(call: Callable[[], Awaitable[Outcome]]) -> Outcome:
    try:
        return await call()
    except TransportError as error:
        return error.outcome()


def _text(job: Job) -> str:
    return unicodedata.normalize("NFC", job.rendering.parts[0].text)


def _no_original(what: str) -> Outcome:
    return Outcome(Verdict.REJECTED, code="no_original", reason=f"there is no post to {what}")


def _preview_problems(rendering: Rendering) -> list[str]:
    if "link" not in rendering.options:
        return []
    if rendering.kind is not DeliveryKind.PUBLISH:
        return ["only a new post has a link below it; leave the option 'link' out"]
    if rendering.options["link"] not in links(rendering.parts[0].text):
        return ["the option 'link' is not a link of the text; give the one that the text shows"]
    return []


def _setting(account: Account, name: str, default: str, pattern: str) -> str:
    value = account.settings.get(name, default)
    if not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError(f"account {account.id}: the setting {name} is missing or not as it should be: {pattern}")
    return value


def _pace(account: Account) -> Pace:
    number = r"[0-9]{1,5}(\.[0-9]{1,3})?"
    near = _setting(account, "near_percent", str(NEAR_PERCENT), number)
    return Pace(float(near), float(_setting(account, "rest_s", str(REST_S), number)))
