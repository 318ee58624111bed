"""The Graph API's far side, shared by Meta's simulated products (reference: platforms 4.1, 15).

The token :func:`token` speaks for one account through one app, whose secret is :func:`app_secret`; every other token
is refused, and so is a call without the right ``appsecret_proof``. Any version is answered. A post's ``key`` in the
journal is its text, since Meta knows no other.

Approximations, where nobody documents the platform: a wrong proof is refused with 100; a wait shorter than a minute
stands as a fraction.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from aiohttp import web

from channels.contract import Clock
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.forms import fields
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Provider

CALLS_A_DAY = 4_800  # of an account with one engaged user
DAY = timedelta(hours=24)
PAGE_MOST = 100
OWN_APP = "77"
SOURCE = web.RequestKey("source", bytes)
_FIRST_ID = 18_000_000_000_000_000
_TOKEN = re.compile(r"sim-([0-9]{1,20})-([0-9]{1,20})(?:-[a-z]{1,8}[0-9]*)?")
_PICTURE = re.compile(r"https://[a-z0-9.-]+(?::[0-9]+)?/(?:[!-~]+/)?([0-9a-f]{64})\.(jpg|png)")
ALT_MOST = 1_000


def token(account: str, app: str = OWN_APP, more: str = "") -> str:
    """The access token of a simulated account and app; ``more`` tells several apart."""
    return f"sim-{app}-{account}{more and f'-{more}'}"


def app_secret(app: str = OWN_APP) -> str:
    """The secret of a simulated app."""
    return hashlib.sha256(f"simulated app {app}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Caller:
    """For which account, and through which app, a call is made."""

    account: str
    app: str


Given = Mapping[str, str]
Act = Callable[[web.Request, Caller, Given], dict[str, Any]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(slots=True)
class Post:
    """One post; ``effects`` are its publication and every edit. Deleted ones are kept: no id is used twice."""

    id: str
    by: Caller
    effects: list[Effect]
    link: str | None = None
    reply_to: str | None = None
    deleted: bool = False

    @property
    def text(self) -> str:
        """What it says."""
        return self.effects[-1].text

    def shown(self, now: datetime) -> str | None:
        """What read-back shows of it; None where it shows nothing yet."""
        seen = [effect.text for effect in self.effects if effect.visible(now)]
        return seen[-1] if seen and self.effects[0].visible(now) else None


@dataclass(eq=False)
class Refusal(Exception):
    """An error as Graph words it."""

    code: int
    subcode: int | None = None
    status: int = 400
    transient: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """Its envelope."""
        error: dict[str, Any] = {"message": f"(#{self.code}) Simulated", "type": "OAuthException", "code": self.code}
        error |= {} if self.subcode is None else {"error_subcode": self.subcode}
        error |= {"is_transient": self.transient, "fbtrace_id": "ASimulated"}
        return web.json_response({"error": error}, status=self.status, headers=self.headers)


class GraphSimulator(Provider):
    """Posts of all accounts of one product, in order, and the calls that each account made.

    ``fields`` are the product's names of a post's text, time and address; ``throttle`` its code for too many calls.
    """

    fields: ClassVar[tuple[str, str, str]]
    throttle: ClassVar[int]

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.posts: list[Post] = []
        self.calls: dict[str, list[datetime]] = {}
        self.scopes = ["pages_manage_posts", "pages_read_engagement", "pages_show_list"]
        self.ends: dict[str, datetime] = {}  # of tokens that do not live for ever
        self.expires_at = 0  # of every token, in seconds of the epoch; 0: never

    @abstractmethod
    def address(self, post: Post) -> str:
        """Where the public sees a post."""

    def account(self, request: web.Request) -> str:
        """The account that the bearer token speaks for."""
        found = _TOKEN.fullmatch(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return found[2] if found else ""

    def refusal(self, fault: Fault) -> web.Response:
        """A throttle, with the time until access comes back where a delay is given; 190; 200 with an error inside."""
        if fault.kind is FaultKind.THROTTLE:
            headers = self._usage("0", 100, fault.delay_s / 60) if fault.delay_s else {}
            return Refusal(self.throttle, status=403, transient=True, headers=headers).response()
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return Refusal(190, 463).response()
        return Refusal(2, status=200, transient=True).response()

    async def debug_token(self, request: web.Request) -> web.Response:
        """What a token is, told to its app: ``{app id}|{app secret}`` (Meta's documents, debug_token)."""
        spoken = request.headers.get("Authorization", "").removeprefix("Bearer ")
        app, _, given = spoken.partition("|")
        found = _TOKEN.fullmatch(request.query.get("input_token", ""))
        if given != app_secret(app) or found is None or found[1] != app or not _proves(spoken, app, request.query):
            return Refusal(190).response()
        data = {"app_id": app, "type": "PAGE", "is_valid": True, "expires_at": self.expires_at, "user_id": found[2]}
        data["scopes"] = self.scopes
        return web.json_response({"data": data})

    def answered(self, act: Act) -> Handler:
        """A handler that lets only a proven caller act, and counts the call."""

        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            parts = fields(request.headers.get("Content-Type", ""), body)
            request[SOURCE] = parts.pop("source", b"")
            told = {name: value.decode() for name, value in parts.items()} if parts else form(body)
            given = {**request.query, **told}
            try:
                caller = self._caller(request, given)
                usage = self._count(caller.account)
                return web.json_response(act(request, caller, given), headers=usage)
            except Refusal as refusal:
                return refusal.response()

        return handle

    def me(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        """GET /me: for whom the token speaks."""
        del request, given
        return {"id": caller.account, "name": f"Account {caller.account}"}

    def delete(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        """DELETE /{post}."""
        del given
        post = self.owned(request.match_info["id"], caller, any_app=True)
        post.deleted = True
        self.act(request, EffectKind.WITHDRAWN, key=post.effects[0].key, reference=post.id)
        return {"success": True}

    def read(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        """GET /{id}: the account itself, or a post."""
        node = request.match_info["id"]
        if node == caller.account:
            return {"id": node}
        post = self.find(node)
        text = post.shown(self.clock()) if post is not None else None
        if post is None or text is None:
            raise Refusal(100, 33)
        return self._shown(post, text, given)

    def listed(self, request: web.Request, caller: Caller, given: Given, posts: list[Post]) -> dict[str, Any]:
        """One page of these posts, newest first."""
        if request.match_info["account"] != caller.account:
            raise Refusal(10, status=403)
        size, skip, since = (_whole(given, *asked) for asked in (("limit", 25), ("after", 0), ("since", 0)))
        if not 1 <= size <= PAGE_MOST:
            raise Refusal(100)
        recent = [post for post in reversed(posts) if post.effects[0].at.timestamp() >= since]
        texts = [(post, text) for post in recent if (text := post.shown(self.clock())) is not None]
        data = [self._shown(post, text, given) for post, text in texts[skip : skip + size]]
        if not data:
            return {"data": []}
        cursors = {"before": str(skip), "after": str(skip + len(data))}
        after = {"next": f"https://graph.facebook.com{request.path}?access_token=SECRET&after={skip + len(data)}"}
        return {"data": data, "paging": {"cursors": cursors, **(after if len(texts) > skip + size else {})}}

    def mine(self, caller: Caller) -> list[Post]:
        """What an account has up, oldest first."""
        return [post for post in self.posts if post.by.account == caller.account and not post.deleted]

    def owned(self, post_id: str, caller: Caller, *, any_app: bool = False) -> Post:
        """A post that this caller may change. Raises Refusal."""
        post = self.find(post_id)
        if post is None:
            raise Refusal(100, 33)
        if post.by.account != caller.account or not (any_app or post.by.app == caller.app):
            raise Refusal(200, status=403)
        return post

    def find(self, post_id: str) -> Post | None:
        """A post that is up."""
        return next((post for post in self.posts if post.id == post_id and not post.deleted), None)

    def lasts(self, spoken: str) -> bool:
        """Whether this token has not ended."""
        return spoken not in self.ends or self.clock() < self.ends[spoken]

    def _caller(self, request: web.Request, given: Given) -> Caller:
        bearer = request.headers.get("Authorization", "")
        spoken = bearer.removeprefix("Bearer ") if bearer.startswith("Bearer ") else given.get("access_token", "")
        found = _TOKEN.fullmatch(spoken)
        if found is None:
            raise Refusal(190)
        if not self.lasts(spoken):
            raise Refusal(190, 463)
        if not _proves(spoken, found[1], given):
            raise Refusal(100)
        return Caller(found[2], found[1])

    def _shown(self, post: Post, text: str, given: Given) -> dict[str, Any]:
        at = post.effects[0].at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        fields = dict(zip(self.fields, (text, at, self.address(post)), strict=True))
        asked = given.get("fields", ",".join(self.fields[:2])).split(",")
        return {"id": post.id, **{name: value for name, value in fields.items() if name in asked}}

    def _count(self, account: str) -> dict[str, str]:
        now = self.clock()
        recent = [at for at in self.calls.get(account, []) if at > now - DAY]
        self.calls[account] = recent
        percent = 100 * len(recent) // CALLS_A_DAY
        if len(recent) >= CALLS_A_DAY:
            minutes = math.ceil((recent[0] + DAY - now) / timedelta(minutes=1))
            headers = self._usage(account, percent, minutes)
            raise Refusal(self.throttle, status=403, transient=True, headers=headers)
        recent.append(now)
        return self._usage(account, percent, 0)

    def _usage(self, account: str, percent: int, minutes: float) -> dict[str, str]:
        used = {"type": self.name, "call_count": percent, "total_cputime": 0, "total_time": 0}
        entry = {**used, "estimated_time_to_regain_access": minutes}
        return {"X-Business-Use-Case-Usage": json.dumps({account: [entry]})}


@dataclass(slots=True)
class Container:
    """A post that is prepared. ``media`` names its pictures by their digests."""

    by: Caller
    text: str
    made_at: datetime
    status: str
    reply_to: str | None = None
    media: tuple[str, ...] = ()


class ContainerSimulator(GraphSimulator):
    """A product whose posts are prepared, and then published (reference: platforms 4.3, 4.4).

    ``status`` is its name of what a container says of itself. A test may set ``preparing``: what new containers say
    until they are set to something else. Nobody documents what is said of publishing a container that was published,
    is another's or never was: it is 24 with 2207006.

    No picture is fetched: an address must be one that the media folder's files can have, with one of ``suffixes``,
    and the picture there is taken to be the one that it names.
    """

    status: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.containers: dict[str, Container] = {}
        self.preparing = "FINISHED"

    @abstractmethod
    def check_quota(self, container: Container) -> None:
        """Raises Refusal where the account may publish no more of these today."""

    def keep(self, caller: Caller, text: str, **more: Any) -> dict[str, Any]:
        """Prepare a post; ``more`` as :class:`Container` has it."""
        name = self._new_id()
        self.containers[name] = Container(caller, text, self.clock(), self.preparing, **more)
        return {"id": name}

    def fetched(self, given: Given) -> tuple[str, ...]:
        """The digest of the picture that a post is to have. Raises Refusal."""
        if len(given.get("alt_text", "")) > ALT_MOST:
            raise Refusal(100)
        named = _PICTURE.fullmatch(given["image_url"])
        if named is None or named[2] not in self.suffixes:
            raise Refusal(9004, 2207052)
        return (f"sha256:{named[1]}",)

    def publish(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        """POST /{account}/{edge}_publish."""
        if request.match_info["account"] != caller.account:
            raise Refusal(200, status=403)
        container = self.containers.get(given.get("creation_id", ""))
        if container is None or container.by != caller or self._said(container) in {"PUBLISHED", "EXPIRED", "ERROR"}:
            raise Refusal(24, 2207006)
        if container.status == "IN_PROGRESS":
            raise Refusal(9007, 2207027)
        self.check_quota(container)
        post_id, shown = self._new_id(), {"key": container.text, "text": container.text, "media": container.media}
        effect = self.act(request, EffectKind.PUBLISHED, reference=post_id, **shown)
        self.posts.append(Post(post_id, caller, [effect], reply_to=container.reply_to))
        container.status = "PUBLISHED"
        return {"id": post_id}

    def look(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        """GET /{id}: a container, the account itself, or a post."""
        container = self.containers.get(request.match_info["id"])
        if container is None:
            return self.read(request, caller, given)
        if container.by.account != caller.account:
            raise Refusal(100, 33)
        return {self.status: self._said(container), "id": request.match_info["id"]}

    def today(self, account: str) -> list[Post]:
        """What an account published in the last 24 hours, deleted or not."""
        since = self.clock() - DAY
        return [post for post in self.posts if post.by.account == account and post.effects[0].at > since]

    @staticmethod
    def used(used: int, most: int, prefix: str = "") -> dict[str, Any]:
        """What is used of a day's limit, as the edges of publishing limits tell it."""
        return {f"{prefix}quota_usage": used, f"{prefix}config": {"quota_total": most, "quota_duration": 86_400}}

    def _said(self, container: Container) -> str:
        old = container.status != "PUBLISHED" and self.clock() - container.made_at >= DAY
        return "EXPIRED" if old else container.status

    def _new_id(self) -> str:
        return str(_FIRST_ID + len(self.containers) + len(self.posts))


def form(body: bytes) -> dict[str, str]:
    """The fields of a request's body."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        return {}


def _proves(spoken: str, app: str, given: Given) -> bool:
    expected = hmac.digest(app_secret(app).encode(), spoken.encode(), "sha256").hex()
    return hmac.compare_digest(expected.encode(), given.get("appsecret_proof", "").encode())


def _whole(given: Given, name: str, default: int) -> int:
    value = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,12}", value, re.ASCII):
        raise Refusal(100)
    return int(value)
