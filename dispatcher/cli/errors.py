"""How a command ends badly: one message, what to do next, and an exit code that programs can rely on."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from channels.contract import Json
from dispatcher.cli.output import say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError, GateClosed

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
    130: "interrupted",
}
BUG, USAGE, BACKEND, INTERRUPTED = 1, 2, 9, 130


class Partial(DispatcherError):
    """Everything ended, not everything well."""

    exit_code = 6
    word = "partial"


class Ended(click.ClickException):
    """A command that ended badly, as click shows and exits with it."""

    def __init__(
        self, session: Session, code: int, word: str, message: str, next_step: str = "", reasons: Any = ()
    ) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc] # click reads it from the instance
        self.as_json = session.json
        self.next_step = next_step
        self.reasons = [{"clause": clause, "fact": fact, "mend": mend} for clause, fact, mend in reasons]
        document: dict[str, Json] = {"schema": "dispatcher/error/v1", "error": word, "exit_code": code}
        self.document = {**document, "message": message, "next": next_step, "reasons": self.reasons}

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - click's own signature
        """Say it on stderr: one JSON document with ``--json``, else words."""
        if self.as_json:
            click.echo(json.dumps(self.document, ensure_ascii=False), err=True)
            return
        say(f"Error: {self.message}")
        for reason in self.reasons:
            say("  {clause}  {fact}  (who can mend it: {mend})".format_map(reason))
        if self.next_step:
            say(f"Next: {self.next_step}")


@contextmanager
def shown(session: Session) -> Iterator[None]:
    """Turn whatever ends a command badly into :class:`Ended`."""
    try:
        yield
    except (click.exceptions.Exit, BrokenPipeError):
        raise
    except DispatcherError as error:
        reasons = error.reasons if isinstance(error, GateClosed) else ()
        raise Ended(session, error.exit_code, error.word, error.message, error.next_step, reasons) from error
    except click.UsageError as error:
        if not session.json:
            raise
        raise Ended(session, USAGE, "usage", error.format_message(), "dispatcher --help") from error
    except KeyboardInterrupt as error:
        raise Ended(session, INTERRUPTED, "interrupted", "interrupted", "dispatcher status") from error
    except (click.Abort, EOFError) as error:
        raise Ended(session, USAGE, "cancelled", "cancelled; nothing was changed") from error
    except Exception as error:
        raise _unexpected(session, error) from error


def _unexpected(session: Session, error: Exception) -> Ended:
    from dispatcher.embedded.errors import EmbeddedError

    if isinstance(error, EmbeddedError):
        return Ended(session, BACKEND, "backend", str(error))
    if os.environ.get("DISPATCHER_DEBUG") == "1":
        traceback.print_exception(error)
    where = "what the roles did: dispatcher log; where this failed: run it again with DISPATCHER_DEBUG=1"
    return Ended(session, BUG, "bug", f"unexpected {type(error).__name__}: {error}", where)
