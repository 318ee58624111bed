"""The logs: lines that can be read, and that a secret cannot get into."""

from __future__ import annotations

import ast
import asyncio
import base64
import errno
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
import structlog

from channels.contract import Account, Secret
from dispatcher import log
from dispatcher.domain.canonical import parse_time
from dispatcher.domain.errors import Invalid
from dispatcher.domain.merkle import Tree

NOW = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
PLANTED = "s3cret/+07700 900123?&ŵ"


@pytest.fixture
def stream(logging_put_back: None) -> io.StringIO:
    """Where a configured process writes."""
    written = io.StringIO()
    log.configure("accounts", "exercise", lambda: NOW, written)
    return written


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was written, line by line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def disguises(secret: str) -> list[str]:
    """A secret as it may turn up: plain, JSON, base64 at every alignment, hex, URL."""
    raw = secret.encode()
    shifted = [base64.b64encode(b"x" * shift + raw).decode()[4:-4] for shift in range(3)]
    urlsafe = [base64.urlsafe_b64encode(b"x" * shift + raw).decode()[4:-4] for shift in range(3)]
    return [secret, json.dumps(secret)[1:-1], raw.hex(), raw.hex().upper(), quote_plus(secret), *shifted, *urlsafe]


def plant(form: str) -> None:
    """Log a text in every way that is not a text under an allowed key."""
    logger = structlog.get_logger()
    logger.info(form)
    logger.info("attempt", token=form, account=Account("a", "x", form, ()), outcome=form.encode())
    logger.info("attempt", reason=Secret(form), clauses=[Secret(form)], reference={"url": form}, error=OSError(form))
    logging.getLogger("library").error("the answer was %s", form)
    try:
        _fail_with(form)
    except RuntimeError:
        logger.exception("failed", delivery="dlv-1")
        logging.getLogger("library").exception("failed with %s", form)
        sys.excepthook(*sys.exc_info())


def _fail_with(form: str) -> None:
    local = {"authorization": form}
    try:
        Path(f"/nowhere/{form}").read_text()
    except OSError as error:
        raise RuntimeError(f"in {local}") from error


@dataclass
class Careless:
    """Shows what it holds."""

    held: str


def test_a_line_says_when_who_and_what(stream: io.StringIO) -> None:
    """Time from the clock in UTC, level, event, role, mode and process stand before what varies."""
    structlog.get_logger().info("attempt", delivery="dlv-1", attempt=2, provider_ms=41)
    assert list(lines(stream)[0]) == [
        *("timestamp", "level", "event", "role", "mode", "pid"),
        *("delivery", "attempt", "provider_ms"),
    ]
    assert lines(stream)[0] | {"pid": 0} == {
        "timestamp": "2026-11-21T18:05:00.000Z",
        "level": "info",
        "event": "attempt",
        "role": "accounts",
        "mode": "exercise",
        "pid": 0,
        "delivery": "dlv-1",
        "attempt": 2,
        "provider_ms": 41,
    }


def test_what_is_bound_to_the_context_is_on_every_line(stream: io.StringIO) -> None:
    """Contextvars reach loggers that know nothing of them."""
    with structlog.contextvars.bound_contextvars(dispatch="dsp-1"):
        structlog.get_logger("sender").warning("refused", clauses=("G03", "G16"))
    assert (lines(stream)[0]["dispatch"], lines(stream)[0]["clauses"]) == ("dsp-1", ["G03", "G16"])


def test_an_unknown_key_is_dropped_and_counted(stream: io.StringIO) -> None:
    """A key that nobody answered for is not written; the line says how many there were."""
    structlog.get_logger().info("attempt", outcome="accepted", body="…", headers={})
    assert lines(stream)[0]["dropped"] == 2
    assert lines(stream)[0].keys().isdisjoint({"body", "headers"})


def test_a_line_cannot_pass_for_another_role_or_time(stream: io.StringIO) -> None:
    """What every line has comes from the process, whatever the call says."""
    structlog.get_logger().info("attempt", role="relay", mode="live", timestamp="1999", level="x", pid=-1)
    assert [lines(stream)[0][key] for key in ("role", "mode", "timestamp")] == [
        *("accounts", "exercise", "2026-11-21T18:05:00.000Z")
    ]


@pytest.mark.parametrize("form", disguises(PLANTED))
def test_a_planted_secret_appears_in_no_form(stream: io.StringIO, form: str) -> None:
    """Secret values, unknown keys, objects, sentences, libraries and tracebacks show nothing of it."""
    plant(form)
    assert len(lines(stream)) == 7
    assert [shown for shown in {form, *disguises(PLANTED)} if shown in stream.getvalue()] == []


def test_an_object_is_named_by_its_type(stream: io.StringIO) -> None:
    """Nothing is asked how it wants to be shown."""
    structlog.get_logger().info("attempt", reason=Careless(PLANTED))
    assert lines(stream)[0]["reason"] == "<Careless>"


def test_a_foreign_exception_is_its_type_and_our_frames(stream: io.StringIO) -> None:
    """The way through our code is kept; the library's frames and words are not."""
    try:
        parse_time("2026-13-45T00:00:00.000000Z")
    except ValueError:
        structlog.get_logger().exception("failed")
    (described,) = lines(stream)[0]["exception"]
    assert described.startswith("builtins.ValueError at dispatcher.domain.canonical:")
    assert described.endswith(" parse_time")


def test_an_exception_of_ours_keeps_its_message(stream: io.StringIO) -> None:
    """Our errors are written for people and hold no secret; what caused them is listed after them."""
    try:
        try:
            Tree(b"").path(1)
        except IndexError as error:
            raise Invalid("the list is empty") from error
    except Invalid:
        structlog.get_logger().exception("failed")
    outer, inner = lines(stream)[0]["exception"]
    assert outer == "dispatcher.domain.errors.Invalid at -: the list is empty"
    assert inner.startswith("builtins.IndexError at dispatcher.domain.merkle:")


def test_every_exception_of_a_group_is_described(stream: io.StringIO) -> None:
    """A task group hides nothing."""
    structlog.get_logger().error("failed", exc_info=ExceptionGroup("two", [ValueError("a"), KeyError("b")]))
    assert lines(stream)[0]["exception"] == [
        *("builtins.ExceptionGroup at -", "builtins.ValueError at -", "builtins.KeyError at -")
    ]


def test_a_librarys_line_says_who_where_and_how_grave(stream: io.StringIO) -> None:
    """Its message stays out, and so does everything below a warning."""
    logging.getLogger("aiohttp.client").info("quiet")
    logging.getLogger("aiohttp.client").warning("loud")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("library", "warning", "aiohttp.client")
    assert line["where"].startswith("test_log:")


def test_what_nobody_catches_is_a_line_too(stream: io.StringIO) -> None:
    """A thread that dies says so in the log and not in a traceback."""
    thread = threading.Thread(target=_fail_with, args=(PLANTED,))
    thread.start()
    thread.join()
    assert [(line["level"], line["event"]) for line in lines(stream)] == [("critical", "uncaught")]


def test_a_long_text_is_cut(stream: io.StringIO) -> None:
    """A body that strayed into a reason does not fill the disk."""
    structlog.get_logger().info("attempt", reason="r" * 5_000)
    assert lines(stream)[0]["reason"] == "r" * log.LONGEST + "…"


def test_a_full_disk_does_not_stop_the_sending() -> None:
    """A line that cannot be written is given up, and later ones are written again."""

    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

    stream = Full()
    out = log.Lines(stream)
    out.msg(lambda: "lost")
    stream.full = False
    out.msg(lambda: "kept")
    assert stream.getvalue() == "kept\n"


def test_what_is_logged_while_a_line_is_made_is_written_too() -> None:
    """Python collects garbage when it likes, and what is collected may complain."""
    stream = io.StringIO()
    out = log.Lines(stream)

    def line() -> str:
        out.msg(lambda: "complaint")
        return "line"

    out.msg(line)
    assert stream.getvalue() == "complaint\nline\n"


def test_lines_of_a_fan_out_are_written_together(stream: io.StringIO) -> None:
    """On an event loop they wait for one another a moment, and are all there after it, in order."""

    async def main() -> str:
        for number in range(3):
            structlog.get_logger().info("attempt", attempt=number)
        before = stream.getvalue()
        while not stream.getvalue():  # noqa: ASYNC110 - a stream tells nobody
            await asyncio.sleep(0)
        return before

    assert asyncio.run(main()) == ""
    assert [line["attempt"] for line in lines(stream)] == [0, 1, 2]


def test_what_is_grave_is_written_at_once_after_what_waits(stream: io.StringIO) -> None:
    """Whoever looks into the log when something breaks finds it there, and what led to it."""

    async def main() -> list[str]:
        structlog.get_logger().info("attempt")
        structlog.get_logger().error("chunk_failed")
        return [line["event"] for line in lines(stream)]

    assert asyncio.run(main()) == ["attempt", "chunk_failed"]


def test_every_key_that_our_code_logs_is_allowed() -> None:
    """A key that would be dropped is noticed when it is written, not when it is missed."""
    root = Path(log.__file__).parents[1]
    files = [path for package in log.OURS for path in (root / package).rglob("*.py")]
    used = {(str(path.relative_to(root)), key) for path in files for key in _logged_keys(path)}
    assert len(used) > 20
    assert {(name, key) for name, key in used if key not in log.ALLOWED | {"exc_info"}} == set()


def _logged_keys(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        on = ast.unparse(node.func.value)
        if node.func.attr in {"info", "warning", "error", "critical", "exception"} and on.endswith(
            ("_log", "logger")
        ):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)
