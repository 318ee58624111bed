"""Bluesky as a channel: the same delivery always writes the same record in the same place.

One delivery whose answer was lost::

    outcome = await bluesky.send(job, note)   # the connection broke: in_doubt
    finding = await bluesky.find(job)         # the record is under its key, or it is not
    outcome = await bluesky.send(job, note)   # harmless in either case
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from channels.bluesky import wire
from channels.bluesky.session import Login, NoSessionError, Session
from channels.bluesky.wire import Place
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
    Medium,
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
from channels.listing import PublicPost, Timeline, UnlistedError, read_whole
from channels.media.carried import carried, unpublished
from channels.text import BLUESKY_BYTES, BLUESKY_GRAPHEMES, check_text, graphemes, link_problems, one_post

BASE_URL = "https://bsky.social"
LIST_PAGES = 3
FOR_EVER_S = 10 * 365 * 86_400.0  # a record key does not expire; ten years stands for that


class Adapter:
    """One account on Bluesky. The credential holds ``identifier`` (handle or DID) and ``password`` (an app password).

    Account settings: ``base_url``, the account's own PDS. Raises ValueError when the credential is incomplete.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=FOR_EVER_S),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        text=TextLimit(BLUESKY_GRAPHEMES, Unit.GRAPHEMES),
        media=(MediaLimit(MediaKind.PICTURE, ("image/jpeg", "image/png"), 2_000_000, 4_096, 4_096, 4, 2_000),),
        timeout_s=30.0,
        rate=Rate(833, 3600.0, burst=833, daily=11_666),  # 5,000 points an hour, 35,000 a day; a post costs 3
        hosts=("bsky.social",),
        source="AT Protocol lexicons, 2026-08; reference: platforms 6",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        if missing := {"identifier", "password"} - set(credential):
            raise ValueError(
                f"the credential of {account.handle} on Bluesky has no {' and no '.join(sorted(missing))}"
            )
        self._account = account
        self._http = http
        self._clock = clock
        self._base_url = account.settings.get("base_url", BASE_URL).rstrip("/")
        self._login = Login(http, self._base_url, credential["identifier"], credential["password"], clock)

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long."""
        options = {"languages": list[Any](account.languages)}
        parts, media = (one_post(content, account),), carried(content, account)
        rendering = Rendering("bluesky", account.id, content.kind, parts, options, media)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on Bluesky: {'; '.join(problems)}", rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What Bluesky would refuse, and what people should not send: length, languages, links, hidden characters."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a post on Bluesky is one text; this rendering has none or several"]
        text = rendering.parts[0].text
        limits = (
            ("characters", graphemes(text), BLUESKY_GRAPHEMES),
            ("bytes", len(text.encode("utf-8", "surrogatepass")), BLUESKY_BYTES),
        )
        too_long = [
            f"the post has {n} of at most {top} {unit}; shorten it by {n - top}" for unit, n, top in limits if n > top
        ]
        return too_long + _language_problems(rendering) + link_problems(text) + check_text(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Upload the pictures, then write the delivery's record."""
        del note
        return await self._settled(job, lambda session, until: self._write(job, session, until, reply=None))

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Write the correction as a reply to the original; by itself where the original is gone."""
        del note
        original = Place.of(job.original or "")

        async def write(session: Session, until: datetime) -> Outcome:
            if original is None:
                return await self._write(job, session, until, reply=None)
            try:
                answer = await self._read(original, session, until)
            except TransportError as error:
                return Outcome(Verdict.DEFERRED, reason=f"the original could not be read: {error}", code=error.code)
            reply = wire.reply_to(answer)
            if reply is None and wire.read(answer, job.rendering).seen is not Seen.MISSING:
                reason = f"the original could not be read: Bluesky answered {answer.status}"
                return Outcome(Verdict.DEFERRED, reason=reason, code="original_unread", status=answer.status)
            return await self._write(job, session, until, reply)

        return await self._settled(job, write)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Delete the original's record; harmless to repeat."""
        del note
        original = Place.of(job.original or "")
        if original is None:
            return Outcome(Verdict.REJECTED, code="no_original", reason="there is no post to withdraw")

        async def delete(session: Session, until: datetime) -> Outcome:
            answer = await self._call("POST", "com.atproto.repo.deleteRecord", session, until, json=original.params())
            return wire.deleted(answer, original, self._clock())

        return await self._settled(job, delete)

    async def find(self, job: Job) -> Finding:
        """Read the record under the delivery's key; for a withdrawal, the original."""
        withdrawal = job.rendering.kind is DeliveryKind.WITHDRAW
        until = self._until(job.timeout_s)
        try:
            session = await self._login.session(job.timeout_s)
            place = Place.of(job.original or "") if withdrawal else _place(job, session)
            if place is None:
                return Finding(Found.UNKNOWN, reason="the withdrawal names no post")
            seen = wire.read(await self._read(place, session, until), job.rendering)
        except (TransportError, NoSessionError) as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        return wire.finding(seen, place, self._account.handle, withdrawal=withdrawal)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read the record that the reference names."""
        place = Place.of(reference)
        if place is None:
            return ReadBack(Seen.UNKNOWN, reason="the reference is no address of a post")
        try:
            session = await self._login.session(job.timeout_s)
            answer = await self._read(place, session, self._until(job.timeout_s))
        except (TransportError, NoSessionError) as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        return wire.read(answer, job.rendering)

    async def timeline(self, since: datetime) -> Timeline:
        """The account's records, as :class:`channels.listing.Listing` says.

        Newest key first, so that the first page without a recent one is the last; whoever chooses key and time
        themselves can date a post back.
        """
        try:
            return await read_whole(self._posts(since, self._until(self.capabilities.timeout_s)))
        except NoSessionError as error:
            return Timeline(fault=str(error))

    async def probe(self) -> Probe:
        """Log in, unless that was done, and ask whose session it is."""
        timeout_s = self.capabilities.timeout_s
        try:
            session = await self._login.session(timeout_s)
            answer = await self._call("GET", "com.atproto.server.getSession", session, self._until(timeout_s))
        except (TransportError, NoSessionError) as error:
            return Probe(ok=False, detail=str(error))
        body = answer.json() if answer.status == 200 else None
        if body is None or body.get("active") is False:
            return Probe(ok=False, detail=f"Bluesky answered {answer.status}; check that the account is active")
        return Probe(ok=True, detail=session.did)

    async def _settled(self, job: Job, work: Callable[[Session, datetime], Awaitable[Outcome]]) -> Outcome:
        until = self._until(job.timeout_s)
        try:
            return await work(await self._login.session(job.timeout_s), until)
        except NoSessionError as error:
            return error.outcome
        except TransportError as error:
            return error.outcome()

    async def _write(self, job: Job, session: Session, until: datetime, reply: Mapping[str, Any] | None) -> Outcome:
        for medium in job.rendering.media:
            if (fault := await self._upload(medium, job.media[medium.digest], session, until)) is not None:
                return fault
        place = _place(job, session)
        body = {**place.params(), "record": wire.record(job, reply)}
        answer = await self._call("POST", "com.atproto.repo.putRecord", session, until, json=body)
        return wire.written(answer, place, self._account.handle, self._clock())

    async def _upload(self, medium: Medium, data: bytes, session: Session, until: datetime) -> Outcome | None:
        """Why the picture cannot be shown, or None. It may be repeated: what no record names is thrown away."""
        about = {"headers": {"Content-Type": medium.mime}, "data": data}
        try:
            answer = await self._call("POST", "com.atproto.repo.uploadBlob", session, until, **about)
        except TransportError as error:
            return unpublished(error.outcome())
        return wire.uploaded(answer, medium, self._clock())

    async def _read(self, place: Place, session: Session, until: datetime) -> Answer:
        return await self._call("GET", "com.atproto.repo.getRecord", session, until, params=place.params())

    async def _posts(self, since: datetime, until: datetime) -> AsyncIterator[PublicPost]:
        """The account's posts, newest first. Raises TransportError, UnlistedError and NoSessionError."""
        session = await self._login.session(self._left_s(until))
        params = {"repo": session.did, "collection": wire.COLLECTION, "limit": "100"}
        for _ in range(LIST_PAGES):
            answer = await self._call("GET", "com.atproto.repo.listRecords", session, until, params=params)
            page = wire.listed(answer, session.did, self._account.handle)
            if page is None:
                raise UnlistedError(f"Bluesky answered {answer.status} instead of the account's posts")
            recent = [post for post in page.posts if post.at >= since]
            for post in recent:
                yield post
            if page.cursor is None or not recent:
                return
            params["cursor"] = page.cursor
        raise UnlistedError("the account's posts since then are too many to read whole")

    async def _call(self, method: str, name: str, session: Session, until: datetime, **more: Any) -> Answer:
        """One XRPC call; after an expired token, refused without effect, once more with a fresh one."""
        answer = await self._once(method, name, session, until, more)
        if not wire.is_expired(answer):
            return answer
        fresh = await self._login.session(self._left_s(until), instead_of=session)
        return await self._once(method, name, fresh, until, more)

    async def _once(
        self, method: str, name: str, session: Session, until: datetime, more: Mapping[str, Any]
    ) -> Answer:
        headers = {"Authorization": f"Bearer {session.access.reveal()}", **more.get("headers", {})}
        url = f"{self._base_url}/xrpc/{name}"
        return await self._http.request(method, url, timeout_s=self._left_s(until), **{**more, "headers": headers})

    def _until(self, timeout_s: float) -> datetime:
        return self._clock() + timedelta(seconds=timeout_s)

    def _left_s(self, until: datetime) -> float:
        return max(0.0, (until - self._clock()).total_seconds())


def _place(job: Job, session: Session) -> Place:
    return Place(session.did, wire.record_key(job.delivery, job.intended_at))


def _language_problems(rendering: Rendering) -> list[str]:
    languages = rendering.options.get("languages")
    if not isinstance(languages, list) or not languages or not all(isinstance(tag, str) for tag in languages):
        return ["the options must list the post's languages under 'languages'"]
    if len(languages) > wire.MAX_LANGUAGES:
        return [f"the post names {len(languages)} of at most {wire.MAX_LANGUAGES} languages; give each account fewer"]
    return []
