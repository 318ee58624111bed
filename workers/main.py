"""One process of one role: ``dispatcher worker ROLE``.

    relay           rings, sweeps, signs the status and the ledger's head, tells people of alarms
    accounts        engine, reconciler and reader of the public record, with its own sender and credentials
    recipients      the same, for lists
    tiktok          the same without a credential: its sender is behind a socket
    tiktok-sender   that sender: no SQL, no Redis, no network but the egress proxy's socket
    egress          that proxy: listed hosts only, and none of the credentials

Roles of packages above this one, such as the console, are handed to ``run`` by whoever starts them.
Each role loads only what it needs. The loop is uvloop's; SIGTERM drains.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import secrets
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog
import uvloop

from dispatcher import log
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.domain.ids import new_id
from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import look_rarely_for_cycles, now
from dispatcher.settings import Settings, load_settings
from workers.notifying import keep_telling

if TYPE_CHECKING:  # a sender behind a socket loads no store
    from dispatcher.service.desk import Desk
    from dispatcher.store.workers import Process

Main = Callable[[Settings, Mode, str, asyncio.Event], Coroutine[Any, Any, None]]
STOP_AFTER_MS = 15_000


def run(role: str, folder: Path, mode: Mode, more: Mapping[str, Main] = MappingProxyType({})) -> None:
    """Run one role until SIGTERM or SIGINT. Raises Invalid for a role there is not.

    ``more`` are roles that live above this package, such as the console's.
    """
    roles = {**ROLES, **more}
    main = roles.get(role)
    if main is None:
        raise Invalid(f"there is no role {role}", f"the roles are: {', '.join(roles)}")
    log.configure(role, str(mode), now)
    settings = load_settings(folder)
    owner = f"{role}:{os.getpid()}:{new_id('p', secrets.token_bytes)}"
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_stopped(main, settings, mode, owner))


async def _until_stopped(main: Main, settings: Settings, mode: Mode, owner: str) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    logger = structlog.get_logger("role")
    logger.info("started", owner=owner)
    parts = (main(settings, mode, owner, stopping), _watch(settings, stopping), keep_telling(stopping))
    await _together(stopping, *parts)
    logger.info("stopped", owner=owner)


async def _watch(settings: Settings, stopping: asyncio.Event) -> None:
    """End the role when its trust files are replaced: whoever keeps it running starts it with the new ones."""
    from workers.pausing import pause

    began_with = _trust_files(settings)
    while not stopping.is_set():
        await pause(stopping, settings.timing.stops_ms / 1000)
        if _trust_files(settings) != began_with:
            structlog.get_logger("role").warning("trust_replaced")
            stopping.set()


def _trust_files(settings: Settings) -> set[tuple[str, int, int]]:
    """Which files those are, by name, inode and time of change."""
    gone = contextlib.suppress(FileNotFoundError)  # one was replaced between listing and looking
    with gone, os.scandir(settings.path("trust")) as files:
        return {(file.name, stat.st_ino, stat.st_mtime_ns) for file in files for stat in [file.stat()]}
    return set()


async def _lane(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event, lane: str) -> None:
    from dispatcher.bootstrap import open_desk, open_store
    from dispatcher.tracing.spans import open_spans
    from workers.broker import bell_key, queue_name
    from workers.doorbell import redis_url
    from workers.engine import Engine, Post
    from workers.foreign import ForeignPosts
    from workers.hearing import hear
    from workers.listening import listen
    from workers.outcomes import rules_for
    from workers.pausing import pause
    from workers.probing import Probing
    from workers.reading_back import ReadingBack
    from workers.reconciler import Reconciler
    from workers.stops import StopPoll, bell
    from workers.watch import Watch

    store = open_store(settings, lane)
    sender, prober = _sender(settings, mode, lane)
    rules = rules_for(settings.timing)
    stops = StopPoll(str(mode), store, sender, settings)
    url = redis_url(settings)
    spans = open_spans(settings.traces, lane, str(mode), settings.deployment)
    engine = Engine(Post(lane, str(mode), owner), store, sender, settings, now, rules, url, spans)
    reconciler = Reconciler((lane, str(mode), owner), store, sender, settings, now, rules, engine.write)
    probing = Probing((lane, str(mode)), store, prober, settings, engine.write)
    foreign = ForeignPosts((lane, str(mode)), store, prober, settings, now, engine.write)
    desk = open_desk(settings.root, f"{lane}-watch")
    watch = Watch(desk, process_of(lane, mode, owner), engine.doing)
    reading = ReadingBack((lane, str(mode)), store, sender, settings, now, engine.write)
    while not await stops.once() and not stopping.is_set():  # nothing is leased before the stops are known
        await pause(stopping, settings.timing.sweep_ms / 1000)
    recorder = replace(desk, store=store)
    await started(recorder, (lane, str(mode), owner), stopping)
    look_rarely_for_cycles()
    ears = listen(url, lane, str(mode), engine.ring)
    bells = {bell(str(mode)): stops.look, bell_key(queue_name(lane, str(mode))): engine.look}
    again_s = settings.timing.sweep_ms / 1000
    parts = (engine, reconciler, probing, foreign, reading, watch, stops)
    try:
        await _together(stopping, *(part.run(stopping) for part in parts), hear(url, bells, stopping, again_s))
        await asyncio.to_thread(stopped, recorder, (lane, str(mode), owner))
    finally:
        await asyncio.to_thread(ears.stop, STOP_AFTER_MS)
        await asyncio.to_thread(spans.close)
        await sender.close()
        desk.store.close()
        store.close()


async def started(desk: Desk, about: tuple[str, str, str], stopping: asyncio.Event) -> None:
    """Have it on record that this process starts, and what it goes by; where the database is away, as soon as may be.

    Nothing is done before.
    """
    from dispatcher.service.standing import note_start
    from workers.pausing import pause

    def note() -> None:
        with desk.store.write() as work:
            note_start(work, desk.trust, *about)

    while not stopping.is_set():
        try:
            await asyncio.to_thread(note)
            break
        except Unavailable as error:
            structlog.get_logger("role").warning("store_unreachable", reason=error.message)
            await pause(stopping, desk.settings.timing.sweep_ms / 1000)


def process_of(role: str, mode: Mode, owner: str) -> Process:
    """This process, as the registry has it."""
    from dispatcher.store.workers import Process

    return Process(owner, role, str(mode), platform.node(), os.getpid(), metadata.version("dispatcher"))


async def present(desk: Desk, process: Process, stopping: asyncio.Event) -> None:
    """Have it on record that a process of no lane starts, and be in the registry until ``stopping``."""
    from dispatcher.store import workers
    from workers.pausing import rounds

    def beat() -> None:
        with desk.store.write() as work:
            workers.beat(work, process)

    await started(desk, (process.role, process.mode, process.owner), stopping)
    told = structlog.get_logger(process.role).warning
    await rounds(stopping, lambda: asyncio.to_thread(beat), desk.settings.timing.poll_ms, told)


def stopped(desk: Desk, about: tuple[str, str, str]) -> None:
    """Have it on record that it stops in good order, where the database is there."""
    from dispatcher.service.standing import note_stop
    from dispatcher.store import workers

    with contextlib.suppress(Unavailable), desk.store.write() as work:
        note_stop(work, *about)
        workers.stop(work, about[2])


def _sender(settings: Settings, mode: Mode, lane: str) -> tuple[Any, Any]:
    """The lane's sender, and who probes its accounts."""
    if lane == "tiktok":
        from workers.tiktok_sender import remote

        return (sender := remote(settings, mode)), sender
    from dispatcher.sender_bootstrap import open_sender

    return open_sender(settings, mode, lane)


async def _accounts(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    await _lane(settings, mode, owner, stopping, "accounts")


async def _recipients(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    await _lane(settings, mode, owner, stopping, "recipients")


async def _tiktok(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    await _lane(settings, mode, owner, stopping, "tiktok")


async def _tiktok_sender(settings: Settings, mode: Mode, _owner: str, stopping: asyncio.Event) -> None:
    from workers.tiktok_sender import serve_until

    await serve_until(settings, mode, stopping)


async def _egress(settings: Settings, mode: Mode, _owner: str, stopping: asyncio.Event) -> None:
    from workers.egress import serve_until

    await serve_until(settings, mode, stopping)


async def _relay(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    from dispatcher.bootstrap import open_store
    from dispatcher.sender_bootstrap import open_trust
    from dispatcher.service.desk import Desk
    from dispatcher.service.notices import through_apprise
    from dispatcher.statements.signing import KeyFileSigner
    from dispatcher.statements.verify import Verifier
    from workers.alerts import watch_feeds
    from workers.doorbell import open_doorbell
    from workers.expiry import tell_of_expiry
    from workers.link_test import Canary
    from workers.relay import Relay
    from workers.sequencer import Sequencer
    from workers.watch import Watch

    store = open_store(settings, "relay")
    trust = open_trust(settings, settings.path("data", "relay-floor.json"))
    signer = KeyFileSigner(settings.path("keys", "status"))
    verifier = Verifier(trust.roster, trust.root.deployment, mode)
    bell = open_doorbell(settings)
    relay = Relay(mode, owner, store, settings, now, signer, trust.root.status_key, verifier, bell)
    sequencer = Sequencer(owner, store, settings, signer, trust)
    desk = Desk(settings, trust, store, now, secrets.token_bytes, through_apprise)
    watch = Watch(desk, process_of("relay", mode, owner))
    canary = Canary(str(mode), store, settings, bell)
    try:
        await started(desk, ("relay", str(mode), owner), stopping)
        parts = (relay.run(stopping), sequencer.run(stopping), watch.run(stopping), canary.run(stopping))
        await _together(stopping, *parts, tell_of_expiry(desk, mode, stopping), watch_feeds(desk, mode, stopping))
        await asyncio.to_thread(stopped, desk, ("relay", str(mode), owner))
        await sequencer.finish()
    finally:
        store.close()


async def _together(stopping: asyncio.Event, *parts: Awaitable[None]) -> None:
    """Run the parts of a role; when one fails the others drain and the failure ends the process."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    await asyncio.wait(tasks)
    await asyncio.gather(*tasks)


ROLES: dict[str, Main] = {
    "relay": _relay,
    "accounts": _accounts,
    "recipients": _recipients,
    "tiktok": _tiktok,
    "tiktok-sender": _tiktok_sender,
    "egress": _egress,
}
