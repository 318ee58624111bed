"""The prompt of a release: what will happen, the token, and a countdown that Ctrl-C ends.

Without a terminal on both stdin and stderr nothing is asked, so that ``yes |`` confirms nothing: the token is an
option then. What was typed before the question stood there does not answer it.
"""

from __future__ import annotations

import os
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress

import click

from dispatcher.cli.errors import Interrupted, NeedsTerminal
from dispatcher.cli.output import in_place, plain, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.ids import short
from dispatcher.domain.statement import Mode
from dispatcher.service import confirming, exercising, releasing
from dispatcher.service.confirming import TRIES, Asked, How, Judged
from dispatcher.service.releasing import Confirm, Dispatch
from dispatcher.store.records import StoredPlan

LOOKS = {Mode.LIVE: {"fg": "red", "bold": True}, Mode.EXERCISE: {"fg": "cyan"}}
OTHER = {
    Mode.LIVE: "That is an exercise's token, in digits. This is LIVE: its token is letters.",
    Mode.EXERCISE: "That is a live token, in letters. This is an exercise: its token is digits.",
}
VERB = {Mode.LIVE: "publish", Mode.EXERCISE: "practise"}
GOING = {Mode.LIVE: "Publishing", Mode.EXERCISE: "Practising"}


class Unconfirmed(DispatcherError):
    """Nobody confirmed: nothing was sent."""

    word = "cancelled"


def confirmed(session: Session, plan: str, release: Callable[[Confirm], Dispatch], given: str | None) -> Dispatch:
    """Release a plan once it is confirmed. Raises Unconfirmed, Interrupted, NeedsTerminal and more."""
    try:
        return release(lambda stored: _confirm(session, stored, given))
    except Unconfirmed:
        releasing.give_up(session.desk, plan, session.person, "not confirmed")
        raise
    except (KeyboardInterrupt, click.Abort) as stopped:
        raise _interrupted(session, plan) from stopped


def _interrupted(session: Session, plan: str) -> Interrupted:
    """What Ctrl-C came to, by what the database says."""
    name = short(plan)
    if releasing.give_up(session.desk, plan, session.person, "interrupted"):
        return Interrupted("aborted, nothing was sent", f"dispatcher release {name}")
    late = f"too late: it was released already, and is being sent; dispatcher correct {name} takes it back"
    return Interrupted(late, f"dispatcher watch {name}")


def _confirm(session: Session, stored: StoredPlan, given: str | None) -> How:
    if session.to_sign:  # this half releases nothing
        return How.GIVEN
    name, on_terminal = short(stored.digest), sys.stdin.isatty() and sys.stderr.isatty()
    if not on_terminal and not given:
        raise NeedsTerminal(
            "a release is confirmed with its token, and there is no terminal to type it at; nothing was sent. "
            "Give it as --confirm TOKEN: it stands at the end of what is read",
            f"dispatcher clearance read {name}",
        )
    asked = confirming.ask(session.desk, stored)
    say(*exercising.lapsed(session.desk, asked.mode))
    if on_terminal:
        for line in confirming.consequence(asked, session.desk.now()):
            _styled(line, asked.mode)
    if given is None:
        _typed(asked, name)
    elif (fault := _fault(asked, given)) is not None:
        raise Unconfirmed(f"{fault} Nothing was sent.", f"dispatcher clearance read {name}")
    if on_terminal:
        _count_down(session.desk.settings.countdown_s, asked.mode)
    return How.TYPED if given is None else How.GIVEN


def _typed(asked: Asked, name: str) -> None:
    """Ask for the token. Raises Unconfirmed after three that are wrong, or where the input ends."""
    form = "letters" if asked.mode is Mode.LIVE else "digits"
    say(f"Its token stands at the end of: dispatcher clearance read {name}")
    for tries_left in reversed(range(TRIES)):
        with suppress(OSError, ValueError, termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        _styled(f"Type the token ({form}) to {VERB[asked.mode]}, or Ctrl-C: ", asked.mode, end="")
        line = sys.stdin.readline()
        if not line:
            break
        fault = _fault(asked, line)
        if fault is None:
            return
        say(f"{fault} Nothing was sent. " + (f"Tries left: {tries_left}." if tries_left else ""))
    raise Unconfirmed("not confirmed, nothing was sent", f"dispatcher clearance read {name}")


def _fault(asked: Asked, typed: str) -> str | None:
    match confirming.judged(typed, asked):
        case Judged.RIGHT:
            return None
        case Judged.OTHER_MODE:
            return OTHER[asked.mode]
    return "That is not this plan's token."


def _count_down(seconds: int, mode: Mode) -> None:
    """Leave time to think again: one line that counts down, or is said once where nothing may move."""
    if not in_place() and seconds:
        say(f"{GOING[mode]} in {seconds} second{'' if seconds == 1 else 's'}; Ctrl-C stops it.")
        time.sleep(seconds)
        return
    for left in range(seconds, 0, -1):
        _styled(f"\r{GOING[mode]} in {left} s; Ctrl-C stops it. ", mode, end="")
        time.sleep(1)
    if seconds:
        click.echo(err=True)


def _styled(text: str, mode: Mode, end: str = "\n") -> None:
    coloured = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    start, rest = ("\r", text[1:]) if text.startswith("\r") else ("", text)
    said = click.style(plain(rest), **LOOKS[mode]) if coloured else plain(rest)  # type: ignore[arg-type]
    click.echo(f"{start}{said}{end}", nl=False, err=True)
