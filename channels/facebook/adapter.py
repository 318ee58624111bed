"""A Facebook Page as a channel: post once, edit in place, and look at the Page before ever posting again.

One delivery whose answer was lost, and its correction::

    outcome = await page.send(job, note)      # the connection broke: in_doubt
    finding = await page.find(job)            # after the lag: among the Page's posts, or absent from them
    outcome = await page.correct(fix, note)   # notes what the post says now, then changes it

A correction is put over what it corrects, so one that is found out about or tried late must not undo a later one: it
goes by what the post said when it was first tried.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from channels.http import Http, TransportError
from channels.listing import Timeline
from channels.media.carried import carried, unpublished
from channels.meta.answers import harmless, is_post_id
from channels.meta.graph import Graph, no_original, setting, settled, text_of
from channels.meta.login import BASE_URL, VERSION, authorisation
from channels.text import check_text, length, link_problems, links, one_post

NEEDS = ("pages_manage_posts", "pages_read_engagement")  # reference: platforms 4.2
SCOPES = (*NEEDS, "pages_show_list")


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
        media=(MediaLimit(MediaKind.PICTURE, ("image/jpeg", "image/png"), 4_000_000, 4_096, 4_096, 10, 1_000),),
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(180, 3600.0, burst=180, daily=4_500),  # 4,800 calls a day for one engaged user, reads too
        probe_every_s=900.0,  # of a Page's 4,800 calls a day the looks at what stands there take 1,900
        hosts=("graph.facebook.com",),
        source="Graph API v25.0 (facebook-business 25.0.2, Meta's documents); reference: platforms 4.1, 4.2",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        page_id = setting(account, "page_id", "", r"[0-9]{1,32}")
        version = setting(account, "version", VERSION, r"v[0-9]{1,3}\.[0-9]{1,2}")
        base_url = f"{account.settings.get('base_url', BASE_URL).rstrip('/')}/{version}"
        self._page_id = page_id
        self._graph = Graph(wire.FACEBOOK, page_id, base_url, account, credential, http, clock)

    @classmethod
    def authorisation(cls, account: Account) -> Authorisation:
        """How people connect it: the Page's own token is kept. Raises ValueError for an unsound setting."""
        page_id = setting(account, "page_id", "", r"[0-9]{1,32}")
        return authorisation(account, SCOPES, lambda page: page.get("id") == page_id)

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one post. Raises RenderError with count and limit when it is too long.

        The link stands in the text; for a new post without pictures it is told besides, for the preview below it.
        """
        options: dict[str, Json] = {"languages": list[Any](account.languages)}
        if content.link and content.kind is DeliveryKind.PUBLISH and not content.media:
            options["link"] = content.link
        parts, media = (one_post(content, account),), carried(content, account)
        rendering = Rendering("facebook", account.id, content.kind, parts, options, media)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on Facebook: {'; '.join(problems)}", rendering)
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
        """Upload the pictures unpublished, then post once; Facebook recognises no repeat for certain."""
        del note
        until = self._graph.until(job.timeout_s)
        media = await self._pictures(job, until)
        if isinstance(media, Outcome):
            return media
        form = wire.form_of(text_of(job), job.rendering.options.get("link"), media)

        async def post() -> Outcome:
            answer = await self._graph.call("POST", f"{self._page_id}/feed", until, form=form)
            return wire.FACEBOOK.posted(answer, self._graph.pace, first=job.attempt == 1)

        return await settled(post)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Change the original in its place; post the correction by itself where no original is named."""
        original = job.original
        if not original:
            return await self.send(job, note)
        if not is_post_id(original):
            return no_original("correct")
        until = self._graph.until(job.timeout_s)
        try:
            answer, seen = await self._graph.look(original, text_of(job), until)
        except TransportError as error:
            return Outcome(Verdict.DEFERRED, reason=f"the original could not be read: {error}", code=error.code)
        if seen.seen is Seen.UNKNOWN:
            return harmless(answer, self._graph.pace, "the original could not be read")
        if (done := wire.before_edit(seen, original, job.handle)) is not None:
            return done
        if seen.text is not None:
            await note(wire.mark(seen.text))

        async def edit() -> Outcome:
            answer = await self._graph.call("POST", original, until, form={"message": text_of(job)})
            return wire.edited(answer, original, self._graph.pace, first=job.attempt == 1)

        return await settled(edit)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Delete the original; harmless to repeat."""
        del note
        return await self._graph.delete(job)

    async def find(self, job: Job) -> Finding:
        """Look among the Page's posts since the release; for a correction or withdrawal, at the original."""
        if job.rendering.kind is DeliveryKind.WITHDRAW:
            return await self._graph.find_deleted(job)
        original, until = job.original, self._graph.until(job.timeout_s)
        try:
            if job.rendering.kind is DeliveryKind.PUBLISH or not original:
                return await self._graph.search("published_posts", job, until)
            if not is_post_id(original):
                return Finding(Found.UNKNOWN, reason="what this should correct is not the id of a post")
            _, seen = await self._graph.look(original, text_of(job), until)
        except TransportError as error:
            return Finding(Found.UNKNOWN, reason=str(error))
        return wire.corrected(seen, original, job.handle)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id."""
        return await self._graph.read_back(job, reference)

    async def timeline(self, since: datetime) -> Timeline:
        """The Page's posts, as :class:`channels.listing.Listing` says."""
        return await self._graph.timeline(("published_posts",), since, self.capabilities.timeout_s)

    async def probe(self) -> Probe:
        """Ask Facebook for whom this token speaks, and what it may do: it must be the Page itself, and post."""
        try:
            return await self._graph.probe(self._graph.until(self.capabilities.timeout_s), "Page", *NEEDS)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))

    async def _pictures(self, job: Job, until: datetime) -> list[str] | Outcome:
        """The ids of the job's pictures. Nobody sees an unpublished photo, and it may be uploaded again."""
        media = []
        try:
            for medium in job.rendering.media:
                about = {"published": "false", "alt_text_custom": medium.alt[0].text}
                photo = (medium.mime, job.media[medium.digest])
                answer = await self._graph.call("POST", f"{self._page_id}/photos", until, form=about, photo=photo)
                made = wire.uploaded(answer, self._graph.pace)
                if isinstance(made, Outcome):
                    return made
                media.append(made)
        except TransportError as error:
            return unpublished(error.outcome())
        return media


def _preview_problems(rendering: Rendering) -> list[str]:
    if "link" not in rendering.options:
        return []
    if rendering.kind is not DeliveryKind.PUBLISH:
        return ["only a new post has a link below it; leave the option 'link' out"]
    if rendering.options["link"] not in links(rendering.parts[0].text):
        return ["the option 'link' is not a link of the text; give the one that the text shows"]
    return []
