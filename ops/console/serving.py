"""The worker role ``console``: the pages, served from one process for both modes, with one reader behind them.

Rules
  1. It listens where ``console.listen`` says: loopback unless told otherwise, port 0 a free one. For as long as it
     listens ``run/console.url`` says where, to its owner alone.
  2. It holds no credential, and signs only what stops things, with ``keys/console`` where that is on the roster.
  3. It may be ended at any time, and more than one may run: nothing is kept here that others need.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import structlog
import uvicorn

from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import Invalid
from dispatcher.domain.statement import Mode
from dispatcher.service.desk import Desk
from dispatcher.settings import Settings
from ops.console.app import LIVE_PAGES, build
from ops.console.bells import Bells
from ops.console.context import Console
from ops.console.fragments import Fragments
from ops.console.limits import Limits
from ops.console.live import Live, Looking
from ops.console.pen import pen_of
from ops.console.rendering import environment
from ops.listening import address, host_and_port, told
from workers.main import present, process_of, stopped

STOP_WITHIN_S = 5
BACKLOG = 2_048


async def serve(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    """The role. It shows both modes; the one it was started in is whose ``up`` keeps it running.

    That it started is recorded as soon as the database is there; the pages are served all the same.
    """
    from dispatcher.service.operating.look import Looker, pause_after

    desk = open_desk(settings.root, "console")
    try:
        about = ("console", str(mode), owner)
        beside = asyncio.create_task(present(desk, process_of("console", mode, owner), stopping))
        bells = Bells(desk.settings)
        listening = asyncio.create_task(bells.listen(stopping))
        await serve_until(made(desk, Looker(desk, bells.waiting), pause_after), stopping)
        await asyncio.gather(beside, listening)
        await asyncio.to_thread(stopped, desk, about)
    finally:
        desk.store.close()


def made(desk: Desk, looker: Looking, pause_after: Callable[[float], float]) -> Console:
    """A console whose reader has not begun; it rests so many seconds after a look of so many milliseconds."""
    live, templates = Live(looker, pause_after), environment()
    fragments = Fragments(desk, live, templates, LIVE_PAGES)
    return Console(desk, live, templates, fragments, Limits(), pen_of(desk))


async def serve_until(console: Console, stopping: asyncio.Event) -> None:
    """Listen until stopping; the open streams are ended then, not waited for."""
    settings = console.settings
    with _listening(settings.console.listen) as listener, _told(settings, listener):
        server = _Server(
            uvicorn.Config(
                build(console),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=STOP_WITHIN_S,
            )
        )
        reader = console.live.begin()
        ending = asyncio.create_task(_end(server, console, stopping))
        try:
            await server.serve(sockets=[listener])
        finally:
            stopping.set()
            await ending
            await asyncio.to_thread(reader.join, STOP_WITHIN_S)


class _Server(uvicorn.Server):
    """A server that leaves signals to the role."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _end(server: uvicorn.Server, console: Console, stopping: asyncio.Event) -> None:
    await stopping.wait()
    console.live.stop()
    server.should_exit = True


@contextlib.contextmanager
def _listening(listen: str) -> Iterator[socket.socket]:
    """The socket. Raises Invalid where the address is not host and port, or is taken."""
    host, port = host_and_port(listen, "console.listen")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise Invalid(
                f"the console cannot listen at {listen}: {error.strerror}", "mend console.listen"
            ) from error
        listener.listen(BACKLOG)
        listener.setblocking(False)
        yield listener


def _told(settings: Settings, listener: socket.socket) -> contextlib.AbstractContextManager[None]:
    url = address(*listener.getsockname()[:2])
    structlog.get_logger("console").info("listening", url=url)
    return told(settings.path("run", "console.url"), url)
