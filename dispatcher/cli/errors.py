"""How a command ends badly: one message, what to do next, and an exit code that programs can rely on."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from dispatcher.cli import output
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
    130: "interrupted",
}


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


class Interrupted(DispatcherError):
    """Somebody pressed Ctrl-C; the message says what that came to."""

    exit_code = 130
    word = "interrupted"


@contextmanager
def shown(session: Session) -> Iterator[None]:
    """Say on stderr what ended a command badly, and exit: one JSON document with ``--json``, else words."""
    try:
        yield
    except (click.exceptions.Exit, BrokenPipeError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, click.UsageError) and not session.json:
            raise
        code, word, message, step = _read(error)
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


def _read(error: BaseException) -> tuple[int, str, str, str]:
    """Exit code, the word for programs, the message, what to do next."""
    match error:
        case DispatcherError():
            return error.exit_code, error.word, error.message, error.next_step
        case EmbeddedError():
            return 9, "unavailable", str(error), ""
        case click.UsageError():
            return 2, "usage", error.format_message(), "dispatcher --help"
        case KeyboardInterrupt():
            return 130, "interrupted", "interrupted", "dispatcher status"
        case click.Abort() | EOFError():
            return 2, "cancelled", "cancelled; nothing was changed", ""
    if os.environ.get("DISPATCHER_DEBUG") == "1":
        traceback.print_exception(error)
    where = "what the roles did: dispatcher log; where this failed: run it again with DISPATCHER_DEBUG=1"
    return 1, "bug", f"unexpected {type(error).__name__}: {error}", where
