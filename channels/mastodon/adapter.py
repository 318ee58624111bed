"""Mastodon as a channel: the same delivery always carries the same key, and a correction mends the post itself.

One delivery whose answer was lost::

    outcome = await mastodon.send(job, note)       # the connection broke: in_doubt
    outcome = await mastodon.send(second, note)    # the server knows the key: the same post again
                                                   # where it keeps no keys, its own statuses are read first
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

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
    ReadBack,
    RenderError,
    Rendering,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Answer, Http, TransportError, multipart
from channels.listing import PublicPost, Timeline, UnlistedError, read_whole
from channels.mastodon import wire
from channels.media.carried import carried, unpublished
from channels.media.structure import MP4
from channels.quota import judged, put_off
from channels.text import MASTODON_CHARACTERS, MASTODON_LINK, check_text, link_problems, mastodon_length, one_post

KEY_LIVES_S = 3600.0
CLOCK_SKEW = timedelta(minutes=2)
TOO_MANY = 429
PAGE = 20  # 40 could be asked for; twenty stay below what one answer may hold
PAGES = 15  # 300 posts: what a server takes in three hours
_STATUSES = "/api/v1/statuses"
_VISIBILITY = "public"
_MOST_TEXT, _PER_LINK = "max_characters", "characters_reserved_per_url"
_FIGURES = {_MOST_TEXT: MASTODON_CHARACTERS, _PER_LINK: MASTODON_LINK}
MOST = 100_000
"""No server's own limit is larger; a larger figure is a slip of the hand."""

MAX_VIDEO = 40_000_000
"""Bytes: what older servers take, and what goes in one call within an attempt's time; newer ones take 99 MiB."""


class Adapter:
    """One account on a Mastodon server. The credential's ``token`` is a user token; docs/channels names its scopes.

    Account settings: ``base_url`` (the server), ``account_id`` (needed to look posts up), ``visibility``,
    ``max_characters`` and ``characters_reserved_per_url`` (the server's own), ``keeps_keys`` (``no`` for a server
    that ignores Idempotency-Key). Raises ValueError when the credential has no token or a setting is wrong.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=KEY_LIVES_S),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        edits=True,
        text=TextLimit(MASTODON_CHARACTERS, Unit.SHORT_LINKS),
        media=(
            MediaLimit(MediaKind.PICTURE, ("image/jpeg", "image/png"), 10_000_000, 3_840, 2_160, 4, 1_500),
            MediaLimit(MediaKind.VIDEO, (MP4,), MAX_VIDEO, 3_840, 3_840, 1, 1_500),
        ),
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(150, 10_800.0, burst=150),  # a server counts 300 in 3 hours: burst and refill never pass that
        source="Mastodon API documentation, 2026-07; reference: platforms 7",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        if "token" not in credential:
            raise ValueError(f"the credential of {account.handle} on Mastodon has no 'token'; store one")
        if faults := _setting_faults(account.settings):
            raise ValueError(f"account {account.id}: {'; '.join(faults)}")
        self._token = credential["token"]
        self._http = http
        self._clock = clock
        self._base_url = account.settings["base_url"].rstrip("/")
        self._settings = account.settings
        self._keeps_keys = account.settings.get("keeps_keys", "yes") == "yes"

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long."""
        options: dict[str, Json] = {
            "languages": list[Json](account.languages),
            "visibility": account.settings.get("visibility", _VISIBILITY),
            **_figures(account.settings),
        }
        parts, media = (one_post(content, account),), carried(content, account)
        rendering = Rendering("mastodon", account.id, content.kind, parts, options, media)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on Mastodon: {'; '.join(problems)}", rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What a server would refuse, and what people should not send: length, options, links, hidden characters."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a post on Mastodon is one text; this rendering has none or several"]
        text = rendering.parts[0].text
        problems = _length_problems(text, rendering) + _option_problems(rendering)
        return problems + link_problems(text) + check_text(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Upload the pictures or the video, then post under the delivery's key."""
        return await self._settled(job, lambda until: self._publish(job, until, note))

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Edit the original in place; where it is gone, the correction is a post by itself."""
        original = job.original or ""

        async def mend(until: datetime) -> Outcome:
            if not wire.is_id(original):
                return await self._publish(job, until, note)
            answer = await self._call("PUT", f"{_STATUSES}/{original}", until, json=wire.edit(job))
            if wire.gone(answer):
                return await self._publish(job, until, note)
            return wire.edited(answer, original, self._base_url, self._clock())

        return await self._settled(job, mend)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Delete the original; harmless to repeat."""
        del note
        original = job.original or ""
        if not wire.is_id(original):
            return Outcome(Verdict.REJECTED, code="no_original", reason="there is no post to withdraw")

        async def delete(until: datetime) -> Outcome:
            answer = await self._call("DELETE", f"{_STATUSES}/{original}", until)
            return wire.deleted(answer, original, self._clock())

        return await self._settled(job, delete)

    async def find(self, job: Job) -> Finding:
        """Look for the text among the account's statuses; for an edit or a withdrawal, at the original."""
        kind, original, until = job.rendering.kind, job.original or "", self._until(job.timeout_s)
        if kind is DeliveryKind.WITHDRAW:
            return wire.withdrawn(await self._read(job, original, until))
        if kind is DeliveryKind.CORRECT and wire.is_id(original):
            seen = await self._read(job, original, until)
            if seen.seen is not Seen.MISSING:
                return wire.corrected(seen, original)
        return await self._look(job, until)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id."""
        return await self._read(job, reference, self._until(job.timeout_s))

    async def timeline(self, since: datetime) -> Timeline:
        """The account's public statuses, as :class:`channels.listing.Listing` says."""
        posts = self._posts(since, self._until(self.capabilities.timeout_s))
        return await read_whole(
            PublicPost(post.id, post.created_at, post.text, post.url) async for post in posts if post.ours
        )

    async def probe(self) -> Probe:
        """Ask whose token this is and what the server allows, and compare both with the account's settings."""
        until = self._until(self.capabilities.timeout_s)
        try:
            who = await self._call("GET", "/api/v1/accounts/verify_credentials", until)
            rules = await self._call("GET", "/api/v2/instance", until)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        found, expected = wire.account_id(who), self._settings.get("account_id")
        if who.status == TOO_MANY:
            return put_off("the server asks to wait", wire.retry_after_s(who, self._clock()), self._clock())
        if found is None:
            return Probe(ok=False, detail=f"the server answered {who.status}; check the token and its scopes")
        if found != expected:
            detail = f"the token belongs to account {found}, the settings say {expected}; mend one"
            return Probe(ok=False, detail=detail)
        probe = _compared(found, wire.limits(rules), _figures(self._settings))
        return judged(probe, *wire.calls_left(who, self._clock()))

    async def _publish(self, job: Job, until: datetime, note: Note) -> Outcome:
        """Post once. Some servers keep no keys, some versions answer a known one with 500: then statuses are read."""
        repeat = job.attempt > 1
        if repeat and not self._keeps_keys and (settled := wire.known(await self._look(job, until))):
            return settled
        media = await self._pictures(job, until, note)
        if isinstance(media, Outcome):
            return media
        headers = {"Idempotency-Key": wire.key(job.delivery)}
        answer = await self._call("POST", _STATUSES, until, headers=headers, json=wire.body(job, media))
        outcome = wire.posted(answer, self._base_url, self._clock(), first=not repeat)
        if repeat and answer.status >= 500:
            finding = await self._look(job, until)
            return wire.found(finding) if finding.found is Found.FOUND else outcome
        return outcome

    async def _pictures(self, job: Job, until: datetime, note: Note) -> list[str] | Outcome:
        """The ids of the job's media, ready to be posted; uploaded once, so that every attempt posts the same."""
        pictures = job.rendering.media
        media = wire.media_of(job.handle, len(pictures)) if pictures else []
        try:
            if media is None:
                media = []
                for medium in pictures:
                    found = wire.uploaded(await self._upload(medium, job.media[medium.digest], until), self._clock())
                    if isinstance(found, Outcome):
                        return found
                    media.append(found)
                await note(wire.noted(media))
            for one in media:
                answer = await self._call("GET", f"/api/v1/media/{one}", until)
                if (unready := wire.unready(answer, self._clock())) is not None:
                    return unready
        except TransportError as error:
            return unpublished(error.outcome())
        return media

    async def _upload(self, medium: Medium, data: bytes, until: datetime) -> Answer:
        kind, form = multipart({"description": medium.alt[0].text}, "file", medium.mime, data)
        return await self._call("POST", "/api/v2/media", until, headers={"Content-Type": kind}, data=form)

    async def _read(self, job: Job, reference: str, until: datetime) -> ReadBack:
        if not wire.is_id(reference):
            return ReadBack(Seen.UNKNOWN, reason="no post is named, or not by an id")
        try:
            answer = await self._call("GET", f"{_STATUSES}/{reference}", until)
        except TransportError as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        return wire.looked_up(answer, wire.text_of(job.rendering), job.rendering.media)

    async def _look(self, job: Job, until: datetime) -> Finding:
        """Read back to the release. An edited post may have been this one: where one is seen, nobody can tell."""
        text, edited = wire.text_of(job.rendering), False
        try:
            async for post in self._posts(job.intended_at - CLOCK_SKEW, until):
                if post.ours and wire.same_text(post.text, text):
                    return Finding(Found.FOUND, reference=post.id, url=post.url)
                edited = edited or post.edited
        except (UnlistedError, TransportError) as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        return _unseen(edited=edited)

    async def _posts(self, since: datetime, until: datetime) -> AsyncIterator[wire.Post]:
        """The account's statuses, newest first. Raises TransportError and UnlistedError."""
        account_id = self._settings.get("account_id")
        if not account_id:
            raise UnlistedError("the account has no account_id in its settings; add it")
        params = {"limit": str(PAGE), "exclude_reblogs": "true"}
        for _ in range(PAGES):
            answer = await self._call("GET", f"/api/v1/accounts/{account_id}/statuses", until, params=params)
            page = wire.statuses(answer, self._base_url)
            if page is None:
                raise UnlistedError(f"the server answered {answer.status} instead of the statuses")
            recent = [post for post in page if post.created_at >= since]
            for post in recent:
                yield post
            if not page or len(recent) < len(page):
                return
            params["max_id"] = page[-1].id
        raise UnlistedError("there are too many statuses since then to read them all")

    async def _settled(self, job: Job, work: Callable[[datetime], Awaitable[Outcome]]) -> Outcome:
        try:
            return await work(self._until(job.timeout_s))
        except TransportError as error:
            return error.outcome()

    async def _call(
        self, method: str, path: str, until: datetime, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        sent = {"Authorization": f"Bearer {self._token.reveal()}", **(headers or {})}
        left_s = max(0.0, (until - self._clock()).total_seconds())
        return await self._http.request(method, self._base_url + path, headers=sent, timeout_s=left_s, **more)

    def _until(self, timeout_s: float) -> datetime:
        return self._clock() + timedelta(seconds=timeout_s)


def _compared(account_id: str, allowed: wire.Limits | None, figures: Mapping[str, int]) -> Probe:
    """Whether the server takes what the settings let through. Stricter settings than the server's are no fault."""
    if allowed is None:
        return Probe(ok=True, detail=f"account {account_id}; the server does not tell its limits")
    said = f"account {account_id}; the server has {_MOST_TEXT}={allowed.characters} {_PER_LINK}={allowed.per_link}"
    fits = allowed.characters >= figures[_MOST_TEXT] and allowed.per_link <= figures[_PER_LINK]
    return Probe(fits, said if fits else f"{said}: put them in the settings")


def _unseen(*, edited: bool) -> Finding:
    if edited:
        return Finding(Found.UNKNOWN, reason="a status since the release was edited; it may have been this one")
    return Finding(Found.ABSENT)


def _figures(settings: Mapping[str, str]) -> dict[str, int]:
    """What the server counts and allows, by the settings. Raises RenderError for anything but whole numbers."""
    figures = {}
    for name, usual in _FIGURES.items():
        value = settings.get(name, str(usual))
        if not (value.isascii() and value.isdigit() and len(value) < 9 and 0 < int(value) <= MOST):
            raise RenderError(f"the setting {name} must be a whole number from 1 to {MOST}")
        figures[name] = int(value)
    return figures


def _setting_faults(settings: Mapping[str, str]) -> list[str]:
    faults = []
    if not settings.get("base_url"):
        faults.append("the setting base_url, the server's address, is missing")
    if not wire.is_id(settings.get("account_id", "0")):
        faults.append("account_id must be the account's id on its server, letters and digits only")
    if settings.get("visibility", _VISIBILITY) not in wire.VISIBILITIES:
        faults.append(f"visibility must be {' or '.join(wire.VISIBILITIES)}")
    if settings.get("keeps_keys", "yes") not in {"yes", "no"}:
        faults.append("keeps_keys must be yes or no")
    try:
        _figures(settings)
    except RenderError as error:
        faults.append(str(error))
    return faults


def _length_problems(text: str, rendering: Rendering) -> list[str]:
    most, per_link = (rendering.options.get(name) for name in _FIGURES)
    if type(most) is not int or type(per_link) is not int or not 0 < per_link <= MOST:
        return [f"the options must hold {' and '.join(_FIGURES)} as whole numbers"]
    count = mastodon_length(text, per_link)
    if count <= most:
        return []
    return [f"the post has {count} of at most {most} characters; shorten it by {count - most}"]


def _option_problems(rendering: Rendering) -> list[str]:
    languages, visibility = (rendering.options.get(name) for name in ("languages", "visibility"))
    problems = []
    if not isinstance(languages, list) or not languages or not all(isinstance(tag, str) for tag in languages):
        problems.append("the options must list the post's languages under 'languages'")
    if visibility not in wire.VISIBILITIES:
        problems.append(f"visibility must be {' or '.join(wire.VISIBILITIES)}")
    return problems
