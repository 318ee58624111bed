"""Diagnostic logs: one JSON line per fact on stdout, in which a secret has no place to stand.

Rules (design: architecture, decided 6; reference: reliability 4)
  1. An event is a name (``attempt``, ``refused``), never a sentence; what varies stands in keys.
  2. Only keys of :data:`ALLOWED` are written. Others are dropped, and ``dropped`` says how many.
  3. Only plain values are written, cut at :data:`LONGEST` characters. Of anything else, a Secret included, the type's
     name is. What a text under an allowed key says is for its caller to keep clean.
  4. An exception is its type and the frames of our own code: no locals, and a message only where the class is ours,
     because ours are written to hold no secret. Uncaught ones too.
  5. What libraries log through ``logging`` is reduced to who said it, where and how grave: their messages quote data.
  6. Logs may be lost, the ledger may not: a full disk or a closed pipe never stops what was being done.

A process, once::

    configure("accounts", "live", clock)
    structlog.contextvars.bind_contextvars(dispatch="dsp-…")
    structlog.get_logger().info("attempt", delivery="dlv-…", attempt=1, outcome="accepted", provider_ms=41)
    # {"timestamp":"2026-11-21T18:05:00.000Z","level":"info","event":"attempt","role":"accounts",…}
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import logging
import math
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Never, TextIO

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from channels.contract import Clock

_ALLOWED = """
    timestamp level event role mode pid dropped exception
    incident plan dispatch delivery attempt channel account lane list kind statement person device
    outcome verdict found state code clauses reason reference status error count
    provider_ms queue_ms total_ms wait_s open_s
    owner fence term signal stops verb peer_pid peer_uid logger where
    host address bytes_out bytes_in
    trace_id span_id release_trace_id
"""
ALLOWED = frozenset(_ALLOWED.split())
"""The only keys that are written: what every line has, what it is about, what came of it, how long it took, and who
did it under which right. Whoever adds one answers for what will stand under it."""

OURS = frozenset({"dispatcher", "channels", "workers", "ops", "migrations"})
WINDOW_S = 0.05
LONGEST = 1_000
MOST_ITEMS = 100
MOST_CAUSES = 8
UNNAMED = "unnamed"

_ENCODER = json.JSONEncoder(separators=(",", ":"))
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")

Plain = str | int | float | bool | None | list[str]
Line = Callable[[], str]
"""Makes a line, without its end."""


def configure(role: str, mode: str, clock: Clock, stream: TextIO | None = None) -> None:
    """Set this process's logging up: JSON lines to ``stream`` (default: stdout), times from ``clock``.

    Also takes over what libraries log and what nobody catches. Call it once, before the first line.
    """
    out = Lines(sys.stdout if stream is None else stream)
    atexit.register(out.flush)
    structlog.configure(
        processors=_processors(role, mode, clock),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: out,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[LibraryHandler(logging.WARNING)], force=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda given: _uncaught(given.exc_type, given.exc_value, given.exc_traceback)


class Lines:
    """Writes whole lines, and gives up what cannot be written (rule 6).

    On an event loop, lines of the level info wait :data:`WINDOW_S` for others: thousands of sends are no thousand
    writes. Whatever is graver is written at once, after those that wait. A line is made when it is written: fifty in
    a row cost a third of what fifty do between other work, which leaves nothing of this in the processor's caches.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()  # what is collected while a line is made may have something to log
        self._waiting: list[Line] = []

    def msg(self, line: Line) -> None:
        """Write one line, and those that wait."""
        with self._lock:
            self._waiting.append(line)
        self.flush()

    debug = warning = error = critical = msg

    def info(self, line: Line) -> None:
        """Write one line soon."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.msg(line)
            return
        with self._lock:
            self._waiting.append(line)
            first = len(self._waiting) == 1
        if first:
            loop.call_later(WINDOW_S, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            waiting, self._waiting = self._waiting, []
            self._stream.write("".join([f"{line()}\n" for line in waiting]))
            self._stream.flush()


class LibraryHandler(logging.Handler):
    """Turns a library's record into one of our lines, without its message (rule 5)."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log that ``record`` was made."""
        where = f"{record.module}:{record.lineno}"
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        structlog.get_logger().log(level, "library", logger=record.name, where=where, exc_info=record.exc_info)


def allow_listed(event_dict: EventDict) -> dict[str, Plain]:
    """Keep allowed keys with plain values, and count the rest (rules 1 to 3)."""
    kept = {key: _plain(value) for key, value in event_dict.items() if key in ALLOWED}
    dropped = len(event_dict) - len(kept)
    if not _EVENT.fullmatch(str(event_dict.get("event"))):
        kept["event"], dropped = UNNAMED, dropped + 1
    return {**kept, "dropped": dropped} if dropped else kept


def described(exc_info: ExcInfo) -> list[str]:
    """An exception and what caused it, the outermost first: type, our frames, message if it is ours."""
    return [_described(error) for error in islice(_chain(exc_info[1]), MOST_CAUSES)]


def _processors(role: str, mode: str, clock: Clock) -> list[Processor]:
    def line(at: datetime, level: str, event_dict: EventDict) -> str:
        kept = allow_listed(event_dict)
        timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        first: dict[str, Plain] = {"timestamp": timestamp, "level": level, "event": kept["event"]}
        first |= {"role": role, "mode": mode, "pid": os.getpid()}
        return _encoded({**first, **kept, **first})  # first in the line, and whatever the call says

    def stamped(_logger: WrappedLogger, level: str, event_dict: EventDict) -> tuple[tuple[Line], dict[str, Never]]:
        return (partial(line, clock(), level, event_dict),), {}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.ExceptionRenderer(described),
        stamped,
    ]


def _encoded(kept: Mapping[str, Plain]) -> str:
    """One line of ASCII, which every terminal and every file takes."""
    with contextlib.suppress(TypeError):  # half a letter, or a number of more than 64 bits
        line = orjson.dumps(kept)
        if line.isascii():
            return line.decode()
    return _ENCODER.encode(kept)


def _plain(value: object) -> Plain:
    if type(value) is str:  # asked first, with the next: nearly everything is one of them
        return _cut(value)
    if value is None or type(value) is int:
        return value
    match value:
        case str():
            return _cut(value)
        case float() if not math.isfinite(value):
            return str(value)
        case bool() | int() | float():
            return value
        case datetime():
            return value.isoformat()
        case list() | tuple() | set() | frozenset():
            return [_cut(item) if isinstance(item, str) else _named(item) for item in islice(value, MOST_ITEMS)]
        case _:
            return _named(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _named(value: object) -> str:
    return str(value) if isinstance(value, int) else f"<{type(value).__name__}>"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _chain(inner)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _described(error: BaseException) -> str:
    kind = type(error)
    message = f": {error}" if _is_ours(kind.__module__) else ""
    return f"{kind.__module__}.{kind.__qualname__} at {' > '.join(_frames(error.__traceback__)) or '-'}{message}"


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__"))
        if _is_ours(module):
            yield f"{module}:{traceback.tb_lineno} {traceback.tb_frame.f_code.co_name}"
        traceback = traceback.tb_next


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in OURS


def _uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    if error is not None and not isinstance(error, KeyboardInterrupt):
        structlog.get_logger().critical("uncaught", exc_info=(kind, error, traceback))
