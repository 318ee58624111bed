"""How a command ends badly: one message, what to do next, and an exit code that programs can rely on."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from dispatcher.cli import output
from dispatcher.cli.entry import INTERRUPT, INTERRUPTED
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError, GateClosed
from dispatcher.embedded.errors import EmbeddedError

EXIT_CODES = {
    0: "done",
    1: "a fault in the program",
    2: "wrong input, or cancelled",
    3: "the gate is not clear",
    4: "a signature is needed",
    5: "somebody else moved it first; nothing was changed",
    6: "some deliveries did not end well",
    7: "this needs a terminal",
    8: "refused by policy",
    9: "a part of the system cannot be reached",
    10: "the record does not hold",
    11: "the examination found something that fails",
    130: "interrupted, or the terminal was lost",
}
THEN = {
    0: "go on with the command after `Next:`",
    1: "`dispatcher log`; run it again with `DISPATCHER_DEBUG=1`, and report what it prints",
    2: "read the message: it names what was wrong, and what to type",
    3: "`dispatcher gate explain PLAN`: every clause that fails, and who can mend it",
    4: "somebody else signs, or another key: `--key FILE`, ssh-agent, `--to-sign FILE`",
    5: "look again (`dispatcher status`), then decide again",
    6: "`dispatcher delivery list --plan PLAN --state STATE`, which the message names",
    7: "what to pass instead stands in the message; nothing is asked where nobody can answer",
    8: "nothing makes it possible but what the message names; there is no option that skips a rule",
    9: "`dispatcher doctor`; what was released goes on when the part is back",
    10: "keep a copy as it is, change nothing, call security",
    11: "mend what `dispatcher doctor` lists first",
    130: "nothing is half done: `dispatcher status` says where things stand",
}
"""What to do about each, for the page of exit codes."""


class Partial(DispatcherError):
    """Everything ended, not everything well."""

    exit_code = 6
    word = "partial"


class Broken(DispatcherError):
    """The ledger is not what was kept of it, or does not agree with the tables."""

    exit_code = 10
    word = "record_broken"


class Unwell(DispatcherError):
    """The examination of a deployment found something that fails."""

    exit_code = 11
    word = "unwell"


class NeedsTerminal(DispatcherError):
    """Somebody has to type something, and nobody is there."""

    exit_code = 7
    word = "needs_terminal"


class HungUp(KeyboardInterrupt):
    """The terminal was lost: the command ends as with Ctrl-C, and puts away what it had begun."""


class Terminated(KeyboardInterrupt):
    """Somebody ended the command by SIGTERM: as above."""


class Interrupted(DispatcherError):
    """Somebody pressed Ctrl-C; the message says what that came to."""

    exit_code = 130
    word = "interrupted"


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C while the words are read ends with 130 and one line, as it does later."""
    try:
        yield
    except KeyboardInterrupt:
        output.say(f"Error: {INTERRUPTED}", "Next: dispatcher status")
        raise click.exceptions.Exit(INTERRUPT) from None


@contextmanager
def hang_up_interrupts() -> Iterator[None]:
    """SIGHUP as an interrupt, unless somebody has other plans for it: nohup, or a role that runs until it is told."""
    with _interrupting(signal.SIGHUP, _hang_up):
        yield


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """The same of SIGTERM, for a command that has to write down how it ended."""
    with _interrupting(signal.SIGTERM, _terminate):
        yield


@contextmanager
def _interrupting(number: signal.Signals, handler: Callable[[int, object], NoReturn]) -> Iterator[None]:
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(number) is not signal.SIG_DFL:
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        if signal.getsignal(number) is handler:
            signal.signal(number, signal.SIG_DFL)


def _terminate(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as signal handlers are called
    signal.signal(number, signal.SIG_IGN)
    raise Terminated


def _hang_up(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as signal handlers are called
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number_of_file in (1, 2):
        if stat.S_ISCHR(os.fstat(number_of_file).st_mode):  # the terminal that is gone takes no more words
            os.dup2(nowhere, number_of_file)
    raise HungUp


@contextmanager
def shown(session: Session) -> Iterator[None]:
    """Say on stderr what ended a command badly, and exit: one JSON document with ``--json``, else words.

    After a Ctrl-C what the command had begun is put away on the way here; a second one stops that too.
    """
    try:
        with hang_up_interrupts():
            yield
    except (click.exceptions.Exit, BrokenPipeError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, click.UsageError) and not session.json:
            raise
        code, word, message, step = _read(error)
        if code == INTERRUPT and sys.stderr.isatty():
            output.say("")  # the terminal showed ^C where a question stood
        reasons = error.reasons if isinstance(error, GateClosed) else ()
        if session.json:
            why = [dict(zip(("clause", "fact", "mend"), reason, strict=True)) for reason in reasons]
            told = {"error": word, "exit_code": code, "message": message, "next": step, "reasons": why}
            output.document("error", told, err=True)
        else:
            output.say(f"Error: {message}")
            output.say(*(f"  {clause}  {fact}  (who can mend it: {mend})" for clause, fact, mend in reasons))
            output.say(*[f"Next: {step}"] * bool(step))
        raise click.exceptions.Exit(code) from error


def _interrupted(error: BaseException) -> bool:
    """Ctrl-C, also at a prompt: click makes one error of it and of the end of input."""
    return isinstance(error, KeyboardInterrupt) or (
        isinstance(error, click.Abort) and isinstance(error.__context__, KeyboardInterrupt)
    )


def _read(error: BaseException) -> tuple[int, str, str, str]:
    """Exit code, the word for programs, the message, what to do next."""
    if _interrupted(error):
        return INTERRUPT, "interrupted", INTERRUPTED, "dispatcher status"
    match error:
        case DispatcherError():
            return error.exit_code, error.word, error.message, error.next_step
        case EmbeddedError():
            return 9, "unavailable", str(error), ""
        case click.UsageError():
            return 2, "usage", error.format_message(), "dispatcher --help"
        case click.Abort() | EOFError():
            return 2, "cancelled", "cancelled; nothing was changed", ""
    if os.environ.get("DISPATCHER_DEBUG") == "1":
        traceback.print_exception(error)
    what = f"unexpected {type(error).__name__}: {error} (with DISPATCHER_DEBUG=1 it says where)"
    return 1, "bug", what, "dispatcher log"
