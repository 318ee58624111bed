"""YouTube as a channel: a video goes up unseen, and one small call that may be repeated makes it public.

One delivery whose answer was lost::

    outcome = await youtube.send(job, note)   # private, captioned; the connection broke at the last call: in_doubt
    finding = await youtube.find(job)         # the video that was noted is public: found; it is private: absent
    outcome = await youtube.send(job, note)   # ... and the same video is made public

Rules (reference: platforms 5)
  1. Uploading shows the public nothing: whatever goes wrong there is no doubt. The upload's address is noted before
     its first byte, so that the next attempt goes on where this one ended, and then the video's id.
  2. Nothing is made public that is not whole: a video whose captions YouTube refuses stays private.
  3. A video is never made public before its id is noted, and never by two ids.
  4. A withdrawal makes the video private, which is instant, and then deletes it. It is withdrawn once it is private.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

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
    Caption,
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
from channels.login import Login
from channels.media.carried import carried
from channels.media.structure import MP4
from channels.renewing import Renewal
from channels.text import check_text, link_problems, one_post
from channels.youtube import rules, upload, wire
from channels.youtube.handle import Handles, What
from channels.youtube.login import AUTHORISATION, BASE_URL, GIVES, LOGIN_URL

T = TypeVar("T")
PAGE = 25
"""The newest uploads that are searched: with their descriptions they stay below what one answer may hold."""

CLOCK_SKEW = timedelta(minutes=2)
SESSION_GONE = frozenset({404, 410})


class Adapter:
    """One channel on YouTube. Settings and credential are listed in :mod:`channels.youtube`.

    Raises ValueError where a setting is missing or unsound, or the credential is incomplete.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=30.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        edits=True,
        text=TextLimit(rules.DESCRIPTION_BYTES, Unit.BYTES),
        media=(
            MediaLimit(
                MediaKind.VIDEO,
                (MP4,),
                max_bytes=256 * 1024**3,
                max_width=7_680,
                max_height=7_680,
                most=1,
                alt_characters=4_000,  # YouTube shows none
                least=1,
                longest_s=12 * 3_600.0,
                captions=True,
            ),
        ),
        max_in_flight=2,
        timeout_s=30.0,
        rate=Rate(50, 86_400.0, burst=50, daily=100),  # 100 uploads a day: burst and refill never pass that
        probe_every_s=900.0,  # a unit each of a project's 10,000 a day, for all its accounts
        hosts=("www.googleapis.com", "oauth2.googleapis.com"),
        source="YouTube Data API v3; length and size: YouTube's help on uploads; reference: platforms 5",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        if missing := [name for name in GIVES if name not in credential]:
            raise ValueError(f"the credential of {account.handle} on YouTube has no {' and no '.join(missing)}")
        self._settings = rules.settings(account)
        base_url = account.settings.get("base_url", "").rstrip("/")
        self._base_url = base_url or BASE_URL
        self._api = f"{self._base_url}/youtube/v3"
        self._uploads = f"{self._base_url}/upload/youtube/v3"
        self._token_url = f"{base_url or LOGIN_URL}/token"
        self._handles = Handles(credential["refresh_token"])
        self._login = Login("YouTube", credential, self._renew, clock)
        self._http = http
        self._clock = clock

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
        """A title of the headlines and a description of all languages, beside the video. Raises RenderError.

        That a message needs a video, the capabilities say; an armed text has none, for it changes the description.
        """
        try:
            options = rules.options(content, account)
        except ValueError as error:
            raise RenderError(str(error)) from None
        parts, media = (one_post(content, account),), carried(content, account)
        rendering = Rendering("youtube", account.id, content.kind, parts, options, media)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on YouTube: {'; '.join(problems)}", rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What YouTube would refuse, and what people should not send: length, brackets, links, hidden characters."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a description on YouTube is one text; this rendering has none or several"]
        text = rendering.parts[0].text
        return rules.problems(rendering) + link_problems(text) + check_text(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Upload the video unseen, with its captions; then make it public. An earlier attempt's upload is used."""
        if len(job.rendering.media) != 1:
            return Outcome(Verdict.REJECTED, "a post on YouTube is one video", "no_video")
        until = self._until(job.timeout_s)
        try:
            video = await self._prepared(job, note, until)
        except TransportError as error:
            return Outcome(Verdict.DEFERRED, f"nothing is public yet: {error}", error.code)
        if isinstance(video, Outcome):
            return video
        try:
            answer = await self._update(video, "status", wire.status(job.rendering), until)
        except TransportError as error:
            return error.outcome()
        return wire.published(answer, video, self._clock())

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Change title and description of the original in place; the video stays what it is."""
        del note
        if not wire.is_id(original := job.original or ""):
            return _no_original("correct")
        try:
            answer = await self._update(original, "snippet", wire.snippet(job.rendering), self._until(job.timeout_s))
        except TransportError as error:
            return error.outcome()
        return wire.corrected(answer, original, self._clock())

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Make the original private, then delete it; harmless to repeat."""
        del note
        if not wire.is_id(original := job.original or ""):
            return _no_original("withdraw")
        until = self._until(job.timeout_s)
        try:
            answer = await self._update(original, "status", wire.status(job.rendering, wire.PRIVATE), until)
        except TransportError as error:
            return error.outcome()
        if wire.is_missing(answer):
            return answer.outcome(Verdict.ACCEPTED, reference=original)
        if wire.made(answer) != original or wire.privacy_of(answer) != wire.PRIVATE:
            return wire.refused(answer, self._clock())
        gone = await self._deleted(original, until)
        reason = "" if gone else "the video is private and was not deleted: delete it in YouTube Studio"
        return answer.outcome(Verdict.ACCEPTED, reason=reason, reference=original)

    async def find(self, job: Job) -> Finding:
        """Look at the video that was noted, else among the newest uploads; for a way back, at the original."""
        until, kind = self._until(job.timeout_s), job.rendering.kind
        try:
            if kind is not DeliveryKind.PUBLISH:
                return await self._find_mended(job, until)
            if video := self._handles.read(job.delivery, job.handle).get(What.VIDEO):
                return wire.found(await self._video(video, until))
            alike = await self._alike(job, until)
            return wire.found(next((one for one in alike if one.public), None))
        except TransportError as error:
            return Finding(Found.UNKNOWN, reason=str(error))

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one video by its id: title, description, and whether the public sees it at all."""
        if not wire.is_id(reference):
            return ReadBack(Seen.UNKNOWN, reason="no video is named, or not by an id")
        try:
            video = await self._video(reference, self._until(job.timeout_s))
        except TransportError as error:
            return ReadBack(Seen.UNKNOWN, reason=str(error))
        return wire.looked_up(video, wire.text_of(job.rendering))

    async def probe(self) -> Probe:
        """Ask YouTube whose login this is and who sees the channel, and compare with the account's settings."""
        try:
            answer = await self._channel(self._until(self.capabilities.timeout_s))
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        mine = wire.channel(answer)
        if mine is None:
            spent = "none left today" if wire.reason_of(answer) in wire.SPENT else ""
            return Probe(ok=False, detail=wire.harmless(answer, self._clock()).reason, quota=spent)
        faults = rules.channel_faults(mine, self._settings)
        well = f"channel {mine['id']}; YouTube does not tell what is left of a quota"
        return Probe(not faults, "; ".join(faults) or well)

    async def _prepared(self, job: Job, note: Note, until: datetime) -> str | Outcome:
        """The id of the private video, captions and all, or why there is none. Raises TransportError."""
        known = self._handles.read(job.delivery, job.handle)
        video = known.get(What.VIDEO) or await self._uploaded(job, known.get(What.SESSION), note, until)
        if isinstance(video, Outcome):
            return video
        for caption in job.rendering.media[0].captions:
            if refusal := await self._captioned(video, caption, job.media[caption.digest], until):
                return refusal
        return video

    async def _uploaded(self, job: Job, session: str | None, note: Note, until: datetime) -> str | Outcome:
        """The id of the private video, noted, or why there is none. Raises TransportError."""
        video = await self._resumed(job, session, until) if session else None
        video = video or await self._anew(job, note, until)
        if not isinstance(video, Outcome):
            await note(self._handles.write(job.delivery, What.VIDEO, video))
        return video

    async def _resumed(self, job: Job, session: str, until: datetime) -> str | Outcome | None:
        """The video whose upload an earlier attempt began; None where nothing is left of it."""
        (medium,) = job.rendering.media
        answer = await self._put(session, medium.mime, job.media[medium.digest], until, begun=True)
        if answer.status not in SESSION_GONE:
            return wire.uploaded(answer, self._clock())
        whole = [one.id for one in await self._alike(job, until) if not one.fault]  # its last byte may have arrived
        return whole[0] if whole else None

    async def _anew(self, job: Job, note: Note, until: datetime) -> str | Outcome:
        (medium,) = job.rendering.media
        query = {"part": "snippet,status", "notifySubscribers": wire.notify(job.rendering)}
        session = await self._begun("videos", query, wire.unseen(job.rendering), medium.mime, medium.size, until)
        if isinstance(session, Outcome):
            return session
        await note(self._handles.write(job.delivery, What.SESSION, session))
        answer = await self._put(session, medium.mime, job.media[medium.digest], until, begun=False)
        return wire.uploaded(answer, self._clock())

    async def _captioned(self, video: str, caption: Caption, data: bytes, until: datetime) -> Outcome | None:
        """Why a video lacks captions in a language; None where it has them, perhaps of an earlier attempt."""
        about, mime = wire.caption(video, caption), "text/vtt"
        session = await self._begun("captions", {"part": "snippet"}, about, mime, len(data), until)
        if isinstance(session, Outcome):
            return None if session.code == wire.CAPTION_EXISTS else session
        answer = await self._put(session, mime, data, until, begun=False)
        return None if wire.captioned(answer) else wire.harmless(answer, self._clock())

    async def _begun(
        self, kind: str, query: Mapping[str, str], about: Any, mime: str, size: int, until: datetime
    ) -> str | Outcome:
        """The address at which a file is put, or why there is none. Raises TransportError."""
        headers = {"X-Upload-Content-Type": mime, "X-Upload-Content-Length": str(size)}
        url, params = f"{self._uploads}/{kind}", {"uploadType": "resumable", **query}
        answer = await self._call("POST", url, until, params=params, json=about, headers=headers)
        session = answer.headers.get("Location", "")
        if answer.status == 200 and session.startswith(f"{self._base_url}/"):  # the token goes nowhere else
            return session
        return wire.harmless(answer, self._clock())

    async def _put(self, session: str, mime: str, data: bytes, until: datetime, *, begun: bool) -> Answer:
        async def put(piece: bytes, content_range: str) -> Answer:
            headers = {"Content-Type": mime, "Content-Range": content_range}
            return await self._call("PUT", session, until, data=piece, headers=headers)

        return await upload.put_all(data, put, begun=begun)

    async def _update(self, video: str, part: str, resource: Any, until: datetime) -> Answer:
        about = {"id": video, part: resource}
        return await self._call("PUT", f"{self._api}/videos", until, params={"part": part}, json=about)

    async def _deleted(self, video: str, until: datetime) -> bool:
        """Whether a private video is gone; where that is not known, nobody sees it all the same."""
        try:
            answer = await self._call("DELETE", f"{self._api}/videos", until, params={"id": video})
        except TransportError:
            return False
        return answer.status == 204 or wire.is_missing(answer)

    async def _video(self, video: str, until: datetime) -> wire.Video | None:
        return next((one for one in await self._videos([video], until) if one.id == video), None)

    async def _videos(self, ids: list[str], until: datetime) -> list[wire.Video]:
        params = {"part": "snippet,status", "id": ",".join(ids), "fields": wire.FIELDS}
        answer = await self._call("GET", f"{self._api}/videos", until, params=params)
        return _read(wire.videos(answer), answer)

    async def _channel(self, until: datetime) -> Answer:
        params = {"part": "id,status,contentDetails", "mine": "true"}
        return await self._call("GET", f"{self._api}/channels", until, params=params)

    async def _find_mended(self, job: Job, until: datetime) -> Finding:
        if not wire.is_id(original := job.original or ""):
            return Finding(Found.UNKNOWN, reason="what this should mend is not the id of a video")
        video = await self._video(original, until)
        if job.rendering.kind is DeliveryKind.WITHDRAW:
            return Finding(Found.ABSENT if video and video.public else Found.FOUND)
        same = video is not None and wire.same_text(video.text, wire.text_of(job.rendering))
        return Finding(Found.FOUND, original, wire.watch_url(original)) if same else Finding(Found.ABSENT)

    async def _alike(self, job: Job, until: datetime) -> list[wire.Video]:
        """The uploads since the release that have this title and description.

        Raises TransportError where that cannot be told.
        """
        answer = await self._channel(until)
        mine = _read(wire.channel(answer), answer)
        if mine["id"] != self._settings["channel_id"]:
            raise Ambiguous("unread", "the login belongs to another channel; mend it and look again")
        params = {"part": "contentDetails", "playlistId": mine["uploads"], "maxResults": str(PAGE)}
        answer = await self._call("GET", f"{self._api}/playlistItems", until, params=params)
        ids = [one for one in _read(wire.uploads(answer), answer) if wire.is_id(one)]
        videos, since = await self._videos(ids, until) if ids else [], job.intended_at - CLOCK_SKEW
        recent = [one for one in videos if one.at is None or one.at >= since]
        alike = [one for one in recent if wire.same_text(one.text, wire.text_of(job.rendering))]
        if not alike and len(recent) >= PAGE:
            raise Ambiguous("unread", "there are too many uploads since the release to read them all")
        return alike

    async def _call(self, method: str, url: str, until: datetime, **more: Any) -> Answer:
        async def once(token: Secret) -> Answer:
            headers = {**more.get("headers", {}), "Authorization": f"Bearer {token.reveal()}"}
            left_s = max(0.0, (until - self._clock()).total_seconds())
            return await self._http.request(method, url, timeout_s=left_s, **{**more, "headers": headers})

        return await self._login.call(once, until)

    async def _renew(self, held: Mapping[str, Secret]) -> Mapping[str, Secret]:
        """Get a new access token; the refresh token does not change. Raises TransportError."""
        form, timeout_s = wire.refreshing(held), self.capabilities.timeout_s
        answer = await self._http.request("POST", self._token_url, form=form, timeout_s=timeout_s)
        if (token := wire.refreshed(answer)) is None:
            raise Ambiguous("login", f"Google answered {answer.status}; if that stays, connect the account again")
        return {**held, "token": token}

    def _until(self, timeout_s: float) -> datetime:
        return self._clock() + timedelta(seconds=timeout_s)


def _no_original(what: str) -> Outcome:
    return Outcome(Verdict.REJECTED, f"there is no video to {what}", "no_original")


def _read(found: T | None, answer: Answer) -> T:
    """What an answer showed. Raises TransportError where it showed nothing that can be read."""
    if found is None:
        raise Ambiguous("unread", f"YouTube answered {answer.status} instead of what was asked for")
    return found
