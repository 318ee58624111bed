"""A console that has nothing but the sign-in, served over HTTP, and somebody with a browser."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from types import SimpleNamespace

import httpx
import uvicorn
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import ops.console
from dispatcher.service.desk import Desk
from dispatcher.settings import ConsoleSettings
from ops.console.signing_in import Guard, OnlyVisitors, routes, visitor_of
from tests.office import Office
from tests.servers import until

SAME = {"Sec-Fetch-Site": "same-origin"}


def with_settings(desk: Desk, settings: ConsoleSettings) -> Desk:
    """The desk of a deployment whose console is set so."""
    return replace(desk, settings=replace(desk.settings, console=settings))


def application(desk: Desk) -> Starlette:
    """The sign-in, and one page that says who asks."""
    console = desk.settings.console
    app = Starlette(
        routes=[*routes(desk), Route("/", _who), Route("/act", _act, methods=["POST"]), Route("/healthz", _fine)],
        middleware=[
            Middleware(Guard, address=console.address, listen=console.listen),
            Middleware(OnlyVisitors, desk=desk),
        ],
    )
    folder = ops.console.__path__[0]
    templates = Environment(loader=FileSystemLoader(f"{folder}/templates"), autoescape=True)
    app.state.console = SimpleNamespace(desk=desk, templates=templates)
    return app


async def _who(request: Request) -> Response:
    visitor = await visitor_of(request)
    assert visitor is not None
    return JSONResponse({"person": visitor.person, "role": visitor.role, "may_tighten": visitor.may_tighten})


async def _act(request: Request) -> Response:
    form = await request.form()
    return PlainTextResponse(f"done: {len(str(form.get('reason', '')))}")


async def _fine(_: Request) -> Response:
    return PlainTextResponse("ok")


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Serve it on a free port; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application(desk), log_level="critical", lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started, "the console listens")
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@dataclass
class Browser:
    """Somebody with cookies, who follows redirects and the pages that go on by themselves."""

    url: str
    http: httpx.Client

    def ours(self) -> dict[str, str]:
        """The cookies of the console."""
        return {c.name: str(c.value) for c in self.http.cookies.jar if "dispatcher" in c.name}

    def get(self, path: str) -> httpx.Response:
        """Open a page of the console, or one in full."""
        return self.http.get(path if path.startswith("http") else self.url + path)

    def post(self, path: str, **form: str) -> httpx.Response:
        """Press a button of a page of the console."""
        return self.http.post(self.url + path, data=form, headers=SAME)

    def who(self) -> str | None:
        """Whom the console takes them for."""
        answer = self.get("/")
        return str(answer.json()["person"]) if answer.status_code == 200 else None

    def to_provider(self, person: str, start: str = "/sign-in/openid") -> str:
        """Sign in at the provider; the address that it sends the browser back to."""
        answer = self.get(start)
        while not (place := answer.headers.get("location", "")).startswith(f"{self.url}/sign-in/answer"):
            if answer.is_redirect:
                answer = self.http.get(str(answer.url.join(place)))
                continue
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            action = re.search(r'action="([^"]+)"', answer.text)
            assert prompt and action, answer.text
            form = {"prompt": prompt[1], "login": person, "password": "any"}
            answer = self.http.post(str(answer.url.join(unescape(action[1]))), data=form)
        return str(place)

    def sign_in(self, person: str, start: str = "/sign-in/openid") -> httpx.Response:
        """The whole way."""
        return self.get(self.to_provider(person, start))


@contextmanager
def browsing(url: str) -> Iterator[Browser]:
    """A fresh browser."""
    with httpx.Client(follow_redirects=False, timeout=20) as http:
        yield Browser(url, http)


def refusals(office: Office) -> list[str]:
    """Why people were refused, as the ledger has it."""
    return [str(line.facts["reason"]) for line in office.ledger("console.refused")]
