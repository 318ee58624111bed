"""The pages for signing in and out: the only ones that nobody has to be signed in for."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dispatcher.domain.errors import DispatcherError, Forbidden
from dispatcher.service import sessions
from dispatcher.service.desk import Desk
from ops.console.signing_in.cookies import ON_THE_WAY, SIGNED_IN, Begun, Seal, drop, is_secure, put, value
from ops.console.signing_in.openid import OpenId, Refused, open_id
from ops.console.signing_in.visitors import forget, noting_of, visitor_of

START, LONGEST_WAY = "/", 1_000


def routes(desk: Desk) -> list[Route]:
    """The addresses for signing in and out. Raises Invalid for settings that name no usable provider."""
    pages = Pages(desk, open_id(desk.settings, desk.clock))
    return [
        Route("/sign-in", pages.ways),
        Route("/sign-in/openid", pages.leave),
        Route("/sign-in/answer", pages.arrive),
        Route("/sign-in/link/{token}", pages.look, methods=["GET"]),
        Route("/sign-in/link/{token}", pages.use, methods=["POST"]),
        Route("/sign-out", pages.out, methods=["POST"]),
    ]


def local(wanted: str) -> str:
    """An address to go on to: a path of this console, and anything else is its first page."""
    parts = urlsplit(wanted if len(wanted) <= LONGEST_WAY else "")
    odd = "\\" in wanted or any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in wanted)
    fine = wanted.startswith("/") and not wanted.startswith("//") and not parts.scheme and not parts.netloc
    return wanted if fine and not odd and not wanted.startswith("/sign-") else START


@dataclass
class Pages:
    """The pages, over one desk."""

    desk: Desk
    provider: OpenId | None

    def __post_init__(self) -> None:
        secret = self.provider.secret.encode() if self.provider else b""
        self._seal = Seal(secret or self.desk.random_bytes(32))
        self._secure = is_secure(self.desk.settings.console.address)

    async def ways(self, request: Request) -> Response:
        """How to get in; whoever is in already goes on."""
        goes_on = local(request.query_params.get("next", START))
        if await visitor_of(request):
            return RedirectResponse(goes_on, 303)
        return self._page(request, "ways.html", goes_on=goes_on, provider=self.provider is not None)

    async def leave(self, request: Request) -> Response:
        """To the provider."""
        if self.provider is None:
            return RedirectResponse("/sign-in", 303)
        goes_on = local(request.query_params.get("next", START))
        begun = Begun(self._drawn(), self._drawn(), self._drawn(), goes_on)
        try:
            answer = RedirectResponse(await self.provider.way(begun, self._redirect(request)), 303)
        except Refused as refused:
            return await self._refused(request, refused)
        put(answer, ON_THE_WAY, self._seal.seal(begun, self.desk.now()), secure=self._secure)
        return answer

    async def arrive(self, request: Request) -> Response:
        """Back from the provider. Goes on by a page of ours: a strict cookie is not sent along a foreign redirect."""
        if self.provider is None:
            return RedirectResponse("/sign-in", 303)
        begun = self._seal.open(value(request, ON_THE_WAY, secure=self._secure), self.desk.now())
        try:
            known = await self.provider.arrived(request.query_params, begun, self._redirect(request))
        except Refused as refused:
            answer = await self._refused(request, refused)
        else:
            cookie = await run_in_threadpool(sessions.begin, self.desk, known)
            await self._leave_old(request)
            answer = self._page(request, "arrived.html", goes_on=begun.goes_on if begun else START, known=known)
            put(answer, SIGNED_IN, cookie, secure=self._secure)
        drop(answer, ON_THE_WAY, secure=self._secure)
        return answer

    async def look(self, request: Request) -> Response:
        """Whose link this is, with a button. Nothing is used up: mail and chat look at links before people do."""
        try:
            link = await run_in_threadpool(sessions.read_link, self.desk, request.path_params["token"])
        except Forbidden as error:
            return await self._link_refused(request, error)
        return self._page(request, "link.html", known=link.known)

    async def use(self, request: Request) -> Response:
        """The button was pressed."""
        try:
            cookie = await run_in_threadpool(sessions.use_link, self.desk, request.path_params["token"])
        except Forbidden as error:
            return await self._link_refused(request, error)
        await self._leave_old(request)
        answer = RedirectResponse(START, 303)
        put(answer, SIGNED_IN, cookie, secure=self._secure)
        return answer

    async def out(self, request: Request) -> Response:
        """Sign out."""
        await self._leave_old(request)
        answer = RedirectResponse("/sign-in", 303)
        drop(answer, SIGNED_IN, secure=self._secure)
        return answer

    async def _leave_old(self, request: Request) -> None:
        visitor = await visitor_of(request)
        if visitor:
            await run_in_threadpool(sessions.end, self.desk, visitor)
            forget(self.desk, request)

    async def _link_refused(self, request: Request, error: DispatcherError) -> Response:
        return await self._refused(request, Refused(f"a one-time link: {error.message}", error.next_step))

    async def _refused(self, request: Request, refused: Refused) -> Response:
        await run_in_threadpool(noting_of(request).refused, refused.reason, refused.person)
        return self._page(request, "refused.html", 503 if refused.away else 403, refused=refused)

    def _redirect(self, request: Request) -> str:
        address = self.desk.settings.console.address or f"{request.url.scheme}://{request.url.netloc}"
        return f"{address.rstrip('/')}/sign-in/answer"

    def _drawn(self) -> str:
        return base64.urlsafe_b64encode(self.desk.random_bytes(48)).decode()

    def _page(self, request: Request, name: str, status: int = 200, **context: object) -> Response:
        template = request.app.state.console.templates.get_template(f"sign_in/{name}")
        settings = self.desk.settings
        about = {"deployment": settings.deployment, "test": settings.kind == "test", **context}
        return HTMLResponse(template.render(**about), status)
