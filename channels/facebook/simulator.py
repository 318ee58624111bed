"""Facebook's far side: Pages in memory, from the Graph API's documented contract (reference: platforms 4.1, 4.2, 15).

The token :func:`token` speaks for one Page through one app, whose secret is :func:`app_secret`; every other token is
refused, and so is a call without the right ``appsecret_proof``. Any version is answered. A post's ``key`` in the
journal is its text, since Facebook knows no other.

Approximations, where nobody documents the platform: an equal text counts as the same post again for a day; another
app's post is refused with 200; a wrong proof with 100; a wait shorter than a minute stands as a fraction.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from channels.contract import Clock, Secret
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import Effect, EffectKind, Journal
from channels.simulator.provider import Example, Provider, Route, RouteKind

TEXT_MOST = 63_206
CALLS_A_DAY = 4_800  # of a Page with one engaged user
DAY = timedelta(hours=24)
DUPLICATE_FOR = DAY
PAGE_MOST = 100
OWN_APP = "77"
_TOKEN = re.compile(r"sim-([0-9]{1,20})-([0-9]{1,20})")
_FEED = frozenset({"message", "link", "published", "appsecret_proof", "access_token"})
_EDIT = frozenset({"message", "appsecret_proof", "access_token"})


def token(page: str, app: str = OWN_APP) -> str:
    """The Page access token of a simulated Page and app."""
    return f"sim-{app}-{page}"


def app_secret(app: str = OWN_APP) -> str:
    """The secret of a simulated app."""
    return hashlib.sha256(f"simulated app {app}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Caller:
    """For which Page, and through which app, a call is made."""

    page: str
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


class FacebookSimulator(Provider):
    """Posts of all Pages, in order, and the calls that each Page made."""

    name = "facebook"

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(journal, clock)
        self.posts: list[Post] = []
        self.calls: dict[str, list[datetime]] = {}
        self.expires_at = 0  # seconds of the epoch; 0: never

    def routes(self) -> Sequence[Route]:
        """Post, edit, delete, list, look up, and who am I."""
        answered = self._answered
        return (
            Route("GET", "/{version}/me", RouteKind.SESSION, answered(self._me)),
            Route("GET", "/{version}/debug_token", RouteKind.SESSION, self._debug),
            Route("POST", "/{version}/{page}/feed", RouteKind.PUBLISH, answered(self._publish)),
            Route("GET", "/{version}/{page}/published_posts", RouteKind.READ, answered(self._list)),
            Route("GET", "/{version}/{id}", RouteKind.READ, answered(self._read)),
            Route("POST", "/{version}/{id}", RouteKind.PUBLISH, answered(self._edit)),
            Route("DELETE", "/{version}/{id}", RouteKind.WITHDRAW, answered(self._delete)),
        )

    def example(self, address: str) -> Example:
        """An account of its own."""
        secrets = {"token": Secret(token("1")), "app_secret": Secret(app_secret())}
        return Example("Example City", {"base_url": address, "page_id": "1"}, secrets)

    def account(self, request: web.Request) -> str:
        """The Page that the bearer token speaks for."""
        found = _TOKEN.fullmatch(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return found[2] if found else ""

    def key(self, body: bytes) -> str:
        """The text."""
        return _form(body).get("message", "")

    def refusal(self, fault: Fault) -> web.Response:
        """80001 with the time until access comes back where a delay is given, 190, or 200 with an error inside."""
        if fault.kind is FaultKind.THROTTLE:
            headers = _usage("0", 100, fault.delay_s / 60) if fault.delay_s else {}
            return Refusal(80001, status=403, transient=True, headers=headers).response()
        if fault.kind is FaultKind.TOKEN_EXPIRED:
            return Refusal(190, 463).response()
        return Refusal(2, status=200, transient=True).response()

    def _answered(self, act: Act) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            given = {**request.query, **_form(await request.read())}
            try:
                caller = _caller(request, given)
                usage = self._count(caller.page)
                return web.json_response(act(request, caller, given), headers=usage)
            except Refusal as refusal:
                return refusal.response()

        return handle

    def _count(self, page: str) -> dict[str, str]:
        now = self.clock()
        recent = [at for at in self.calls.get(page, []) if at > now - DAY]
        self.calls[page] = recent
        percent = 100 * len(recent) // CALLS_A_DAY
        if len(recent) >= CALLS_A_DAY:
            minutes = math.ceil((recent[0] + DAY - now) / timedelta(minutes=1))
            raise Refusal(80001, status=403, transient=True, headers=_usage(page, percent, minutes))
        recent.append(now)
        return _usage(page, percent, 0)

    def _me(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        del request, given
        return {"id": caller.page, "name": f"Page {caller.page}"}

    async def _debug(self, request: web.Request) -> web.Response:
        """What a token is, told to its app: ``{app id}|{app secret}`` (Meta's documents, debug_token)."""
        spoken = request.headers.get("Authorization", "").removeprefix("Bearer ")
        app, _, given = spoken.partition("|")
        found = _TOKEN.fullmatch(request.query.get("input_token", ""))
        if given != app_secret(app) or found is None or found[1] != app or not _proves(spoken, app, request.query):
            return Refusal(190).response()
        data = {"app_id": app, "type": "PAGE", "is_valid": True, "expires_at": self.expires_at, "user_id": found[2]}
        return web.json_response({"data": data})

    def _publish(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        if request.match_info["page"] != caller.page:
            raise Refusal(200, status=403)
        text, link = _message(given, _FEED), given.get("link")
        if link is not None and not (urlsplit(link).scheme in {"http", "https"} and urlsplit(link).hostname):
            raise Refusal(1609005)
        since = self.clock() - DUPLICATE_FOR
        mine = [post for post in self.posts if post.by.page == caller.page and not post.deleted]
        if any(post.text == text and post.effects[0].at > since for post in mine):
            raise Refusal(506)
        post_id = f"{caller.page}_{len(self.posts) + 1}"
        effect = self.act(request, EffectKind.PUBLISHED, key=text, reference=post_id, text=text)
        self.posts.append(Post(post_id, caller, [effect], link))
        return {"id": post_id}

    def _edit(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        post = self._owned(request.match_info["id"], caller)
        text = _message(given, _EDIT)
        post.effects.append(self.act(request, EffectKind.ALTERED, key=text, reference=post.id, text=text))
        return {"success": True}

    def _delete(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        del given
        post = self._owned(request.match_info["id"], caller, any_app=True)
        post.deleted = True
        self.act(request, EffectKind.WITHDRAWN, key=post.effects[0].key, reference=post.id)
        return {"success": True}

    def _read(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        node = request.match_info["id"]
        if node == caller.page:
            return {"id": node}
        post = self._find(node)
        text = post.shown(self.clock()) if post is not None else None
        if post is None or text is None:
            raise Refusal(100, 33)
        return _shown(post, text, given)

    def _list(self, request: web.Request, caller: Caller, given: Given) -> dict[str, Any]:
        if request.match_info["page"] != caller.page:
            raise Refusal(10, status=403)
        size, skip, since = (_whole(given, *asked) for asked in (("limit", 25), ("after", 0), ("since", 0)))
        if not 1 <= size <= PAGE_MOST:
            raise Refusal(100)
        mine = [post for post in reversed(self.posts) if post.by.page == caller.page and not post.deleted]
        recent = [post for post in mine if post.effects[0].at.timestamp() >= since]
        texts = [(post, text) for post in recent if (text := post.shown(self.clock())) is not None]
        data = [_shown(post, text, given) for post, text in texts[skip : skip + size]]
        if not data:
            return {"data": []}
        cursors = {"before": str(skip), "after": str(skip + len(data))}
        after = {"next": f"https://graph.facebook.com{request.path}?access_token=SECRET&after={skip + len(data)}"}
        return {"data": data, "paging": {"cursors": cursors, **(after if len(texts) > skip + size else {})}}

    def _owned(self, post_id: str, caller: Caller, *, any_app: bool = False) -> Post:
        post = self._find(post_id)
        if post is None:
            raise Refusal(100, 33)
        if post.by.page != caller.page or not (any_app or post.by.app == caller.app):
            raise Refusal(200, status=403)
        return post

    def _find(self, post_id: str) -> Post | None:
        return next((post for post in self.posts if post.id == post_id and not post.deleted), None)


def _caller(request: web.Request, given: Given) -> Caller:
    bearer = request.headers.get("Authorization", "")
    spoken = bearer.removeprefix("Bearer ") if bearer.startswith("Bearer ") else given.get("access_token", "")
    found = _TOKEN.fullmatch(spoken)
    if found is None:
        raise Refusal(190)
    if not _proves(spoken, found[1], given):
        raise Refusal(100)
    return Caller(found[2], found[1])


def _proves(spoken: str, app: str, given: Given) -> bool:
    expected = hmac.digest(app_secret(app).encode(), spoken.encode(), "sha256").hex()
    return hmac.compare_digest(expected.encode(), given.get("appsecret_proof", "").encode())


def _message(given: Given, known: frozenset[str]) -> str:
    text = given.get("message", "")
    if not text.strip() or len(text) > TEXT_MOST or set(given) - known:
        raise Refusal(100)
    return text


def _shown(post: Post, text: str, given: Given) -> dict[str, Any]:
    fields = {
        "message": text,
        "created_time": post.effects[0].at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "permalink_url": f"https://www.facebook.com/{post.by.page}/posts/{post.id.partition('_')[2]}",
    }
    asked = given.get("fields", "message,created_time").split(",")
    return {"id": post.id, **{name: value for name, value in fields.items() if name in asked}}


def _usage(page: str, percent: int, minutes: float) -> dict[str, str]:
    used = {"type": "pages", "call_count": percent, "total_cputime": 0, "total_time": 0}
    entry = {**used, "estimated_time_to_regain_access": minutes}
    return {"X-Business-Use-Case-Usage": json.dumps({page: [entry]})}


def _whole(given: Given, name: str, default: int) -> int:
    value = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,12}", value, re.ASCII):
        raise Refusal(100)
    return int(value)


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        return {}
