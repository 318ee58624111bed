"""An Instagram account as a channel: prepare, note, publish, and ask the container before ever publishing again.

How that settles a lost answer, and where pictures are from, is in :mod:`channels.meta.containers`.

Rules (reference: platforms 4.3)
  1. A post is one picture with a caption.
  2. Nothing can be edited, and the armed texts have no picture: a correction is a person's task.
  3. Only some tokens may delete: the account says so, and elsewhere a withdrawal is a person's task.
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
from channels.http import Http, TransportError
from channels.listing import Timeline
from channels.media.carried import carried
from channels.meta.answers import Product, day_left
from channels.meta.containers import SERVED_AT, Containers, picture_form
from channels.meta.graph import Graph, setting, text_of
from channels.meta.login import BASE_URL, VERSION, authorisation
from channels.quota import judged
from channels.text import check_text, length, link_problems, one_post

OWN_LOGIN = "graph.instagram.com"
SCOPES = ("instagram_basic", "instagram_content_publish", "pages_read_engagement", "pages_show_list")
DELETING = "instagram_manage_contents"
EDGE = "media"
INSTAGRAM = Product("caption", "timestamp", "permalink", ("https://www.instagram.com/",))
CAPTION_UNITS = 2_200  # the reference names no unit; counted in UTF-16 units, the larger reading
MARKS = {"#": 30, "@": 20}  # how many a caption may have
WAIT_S = 60.0  # the reference: ask a container about once a minute


class Adapter:
    """One account on Instagram. Settings and credential are listed in :mod:`channels.instagram`.

    Raises ValueError where a setting is missing or unsound, or the credential is incomplete.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.QUERY, lag_s=30.0),
        can_correct=False,
        can_withdraw=True,
        withdraws_with="may_delete",
        can_read_back=True,
        text=TextLimit(CAPTION_UNITS, Unit.UTF16),
        media=(
            MediaLimit(
                MediaKind.PICTURE,
                ("image/jpeg",),
                max_bytes=8 * 1024 * 1024,
                max_width=1_440,  # a wider one is made smaller by Instagram
                max_height=1_800,
                most=1,
                alt_characters=1_000,
                least=1,
                narrowest=4 / 5,
                widest=1.91,
            ),
        ),
        max_in_flight=4,
        timeout_s=30.0,
        rate=Rate(25, 86_400.0, burst=25, daily=50),  # 50 in 24 hours: burst and refill never pass that
        hosts=("graph.facebook.com", "graph.instagram.com"),
        source="Graph API v25.0; width and alternative text: Meta's page on IG media; reference: platforms 4.1, 4.3",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        ig_id = setting(account, "ig_id", "", r"[0-9]{1,32}")
        version = setting(account, "version", VERSION, r"v[0-9]{1,3}\.[0-9]{1,2}")
        setting(account, "may_delete", "no", "yes|no")
        self._media_base_url = setting(account, "media_base_url", "", SERVED_AT)
        base_url = f"{account.settings.get('base_url', BASE_URL).rstrip('/')}/{version}"
        self._ig_id = ig_id
        self._graph = Graph(INSTAGRAM, ig_id, base_url, account, credential, http, clock)
        self._containers = Containers(self._graph, INSTAGRAM, ig_id, EDGE, "status_code", WAIT_S)

    @classmethod
    def authorisation(cls, account: Account) -> Authorisation:
        """How people connect it: the token of its Page is kept, or, where it may delete, that of who consents.

        Raises ValueError for an unsound setting, and for Instagram's own login.
        """
        if OWN_LOGIN in account.settings.get("base_url", ""):
            raise ValueError("by Instagram's own login no account is connected: give its token to `account add`")
        ig_id = setting(account, "ig_id", "", r"[0-9]{1,32}")
        may_delete = account.settings.get("may_delete") == "yes"
        scopes = (*SCOPES, DELETING) if may_delete else SCOPES

        def wanted(page: Mapping[str, Any]) -> bool:
            linked = page.get("instagram_business_account")
            return isinstance(linked, dict) and linked.get("id") == ig_id

        return authorisation(account, scopes, wanted, as_person=may_delete)

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """All of the account's languages in one caption. Raises RenderError where it does not fit, with the figures.

        That a message needs a picture, the capabilities say; an armed text has none, for it is a person's to post.
        """
        options = {"languages": list[Any](account.languages)}
        parts, media = (one_post(content, account),), carried(content, account)
        rendering = Rendering("instagram", account.id, content.kind, parts, options, media)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle} on Instagram: {'; '.join(problems)}", rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """What Instagram would refuse in a caption, and what people should not send: length, marks, links, hidden."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a caption on Instagram is one text; this rendering has none or several"]
        text = rendering.parts[0].text
        size = length(text, Unit.UTF16)
        over = size - CAPTION_UNITS
        too_long = [f"the caption has {size} of at most {CAPTION_UNITS} UTF-16 units; shorten it by {over}"]
        too_many = [
            f"the caption has {text.count(mark)} of at most {most} {mark}; leave some out"
            for mark, most in MARKS.items()
            if text.count(mark) > most
        ]
        return (too_long if over > 0 else []) + too_many + link_problems(text) + check_text(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Prepare the post, note its container, and publish it; an earlier attempt's container is published again."""
        if len(job.rendering.media) != 1:
            return Outcome(Verdict.REJECTED, "a post on Instagram has one picture", "no_picture")
        (picture,) = job.rendering.media
        form = {"caption": text_of(job), **picture_form(picture, self._media_base_url)}
        return await self._containers.send(job, note, form)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Refused: a caption cannot be changed, and a correction by itself has no picture."""
        del job, note
        reason = "nothing on Instagram can be corrected by a machine: a person deletes the post and makes another"
        return Outcome(Verdict.REJECTED, reason, "unsupported")

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Delete the original; harmless to repeat. Instagram refuses it to a token that may not."""
        del note
        return await self._graph.delete(job)

    async def find(self, job: Job) -> Finding:
        """Ask the container that was noted, and look for the caption; for a withdrawal, look at the original."""
        if job.rendering.kind is DeliveryKind.WITHDRAW:
            return await self._graph.find_deleted(job)
        return await self._containers.find(job, EDGE)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Read one post by its id: its caption, since Instagram encodes pictures anew."""
        return await self._graph.read_back(job, reference)

    async def timeline(self, since: datetime) -> Timeline:
        """The account's posts; stories are not among them, as :class:`channels.listing.Listing` says."""
        return await self._graph.timeline((EDGE,), since, self.capabilities.timeout_s)

    async def probe(self) -> Probe:
        """Ask what the account has published of a day's posts: told only to a token that may publish for it."""
        until = self._graph.until(self.capabilities.timeout_s)
        edge, fields = f"{self._ig_id}/content_publishing_limit", {"fields": "config,quota_usage"}
        try:
            answer = await self._graph.call("GET", edge, until, params=fields)
            posts = day_left(answer, "posts")
            if not posts:
                return self._graph.unwell(answer)
            token = await self._graph.token(until)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        return judged(Probe(True, f"account {self._ig_id}", token.ends), *posts)
