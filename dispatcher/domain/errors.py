"""What people can get wrong, as errors that say what to do next.

    DispatcherError                 carries a message, what to do next, and the exit code of the CLI
    ├── NotFound                    the thing named does not exist
    ├── Invalid                     the input cannot be used as it is
    ├── GateClosed                  the gate is not clear; ``refusal`` says why, clause by clause
    ├── SignatureNeeded             nobody, or the wrong person, signed
    ├── Stale                       somebody else moved it first
    ├── Forbidden                   policy or lifecycle refuses it, whoever asks
    └── Unavailable                 a part of the system cannot be reached

Exit codes (reference: ux 4): 0 done, 1 bug, 2 usage, 3 gate, 4 signature, 5 stale, 6 partial, 7 needs a terminal,
8 refused by policy, 9 backend unreachable, 10 the record does not hold.
"""

from __future__ import annotations

from typing import ClassVar


class DispatcherError(Exception):
    """An error that a person caused or can mend. ``next_step`` is a command or an action, in words."""

    exit_code: ClassVar[int] = 2
    word: ClassVar[str] = "error"

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class NotFound(DispatcherError):
    """The thing named does not exist."""

    word = "not_found"


class Invalid(DispatcherError):
    """The input cannot be used as it is."""

    word = "invalid"


class GateClosed(DispatcherError):
    """The gate is not clear. ``reasons`` are (clause, fact, who can mend it)."""

    exit_code = 3
    word = "gate_closed"

    def __init__(self, message: str, next_step: str = "", reasons: tuple[tuple[str, str, str], ...] = ()) -> None:
        super().__init__(message, next_step)
        self.reasons = reasons


class SignatureNeeded(DispatcherError):
    """Nobody, or the wrong person, signed."""

    exit_code = 4
    word = "signature_needed"


class Stale(DispatcherError):
    """Somebody else moved it first; nothing was changed."""

    exit_code = 5
    word = "stale"


class Forbidden(DispatcherError):
    """Policy or lifecycle refuses it, whoever asks."""

    exit_code = 8
    word = "forbidden"


class Unavailable(DispatcherError):
    """A part of the system cannot be reached."""

    exit_code = 9
    word = "unavailable"
