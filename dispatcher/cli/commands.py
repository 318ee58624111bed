"""What every command is made of: the table of commands, the options that mean the same everywhere, and times.

Rules
  1. The top-level help imports no command.
  2. ``--deployment``, ``--json``, ``--quiet`` and ``--key`` may stand before or after a command's name.
  3. Nothing asks "are you sure": a public act needs signatures, and there is no option that skips the gate.

Times and durations as people type them::

    2026-11-21T18:00+00:00    a moment, always with its offset (or Z)
    +4h                       so long from now
    -20m                      so long ago, where something past is asked for
    2026-11-21T18:00          by the reader's own clock, where a record is read
    90m  4h  2d               a duration: minutes, hours or days
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click
from click.core import ParameterSource

from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid

E = TypeVar("E", bound=Enum)
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

Text = str | None
Names = tuple[str, ...]
Pairs = dict[str, str]
Moment = datetime | timedelta | None
Option = Callable[[Callable[..., Any]], Callable[..., Any]]

SUMMARIES = {
    "init": "Make a deployment.",
    "migrate": "Bring the deployment's database to the schema this version needs.",
    "up": "Start everything of a deployment and keep it running.",
    "worker": "Run one role, as `up` does.",
    "cap": "Other people's CAP 1.2 alerts: check them, take them in, decide about those that wait.",
    "exercise": "Play a night on simulated platforms, and see how it went.",
    "doctor": "Examine a deployment: what is wrong with it, why that matters, and what mends it.",
    "incident": "Declare incidents and say what is known of them.",
    "area": "The places known by name, with shape and people; check a file of them.",
    "message": "Write what the public will read, and the way back.",
    "evidence": "Sign assessments, exemptions, attestations and decisions; export evidence packs.",
    "clearance": "Submit a plan, and approve, reject, revoke or look at it.",
    "gate": "Why something may go out, or may not, clause by clause.",
    "spend": "See what paid plans have taken of their caps, and sign what was billed.",
    "release": "Release a cleared plan: from then on it is sent.",
    "status": "Where we are, what is next, who is awaited.",
    "overview": "How the public is being reached, what is stuck, and what wants a person.",
    "watch": "Follow a released plan until everything has ended.",
    "night": "Be walked through a release, one command after the other.",
    "correct": "Send the armed correction of a plan to all that its message reached.",
    "withdraw": "Take a plan's message back wherever a platform allows it.",
    "all-clear": "Tell all that a plan's message reached that it is over.",
    "task": "What people have to do where a platform lets no machine do it.",
    "halt": "Stop sending, at once.",
    "resume": "End a halt; two people other than who halted sign.",
    "roster": "Check who may do what, and replace keys with policy owners' signatures.",
    "policy": "The rules in force and those before: show, check, compare, replay.",
    "whoami": "Who is at this keyboard, known from their key.",
    "channel": "What each channel can do, how its accounts are, and whether a text fits.",
    "account": "Add or connect accounts, list them, replace their secrets, have one wait.",
    "recipients": "Import recipient lists, and purge them.",
    "device": "Register standalone devices for hand-off.",
    "handoff": "Open a hand-off packet and give its receipt.",
    "delivery": "Look at deliveries; retry, resolve or look up those that wait.",
    "backup": "Copy a deployment into a folder that says of itself what it holds.",
    "restore": "Make a deployment of a backup, or rehearse it and say whether the backup is good.",
    "recover": "After the database was restored from a backup: believe nothing that it calls unsettled.",
    "console": "Print a one-time link into the ops console.",
    "ledger": "Read the ledger, the record of everything that was done.",
    "log": "Read the roles' diagnostic logs.",
    "review": "The whole trail of an incident.",
    "report": "Draft a report about an incident, for operations or for ministers.",
    "completion": "Print what makes a shell complete commands, options and names.",
    "schema": "The JSON documents that commands print: list them, or print the schema of one.",
}


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """What is typed counts, wherever it stands; the environment only where nothing is."""
    session, name = context.ensure_object(Session), str(parameter.name)
    typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    if value not in (None, False) and (typed or not getattr(session, name)):
        setattr(session, name, value)


def _kept(name: str, text: str, metavar: str | None = "FILE", *short: str, **more: Any) -> click.Option:
    """An option whose value goes into the session, before any other is looked at."""
    more |= {"expose_value": False, "is_eager": True, "callback": _keep}
    return click.Option([*short, f"--{name}"], help=text, metavar=metavar, **more)


FOLDER = "The deployment's folder; else $DISPATCHER_DEPLOYMENT, else ./deployment."
JSON = "Print JSON, as happens anyway when the output is not a terminal."
QUIET = "Print only the id of what was made, or the ids of what is listed, one a line."
KEY = (
    "Your OpenSSH key: a private key file, or a .pub whose key the agent holds. Else $DISPATCHER_KEY, else the first "
    "key of the agent ($SSH_AUTH_SOCK) that is on the roster."
)
COLOR = "No colour and no emphasis; NO_COLOR, CLICOLOR=0 and TERM=dumb do the same."


def everywhere(*, hidden: bool = False) -> list[click.Parameter]:
    """The options that every command has; only the top-level help lists them."""
    return [
        _kept("deployment", FOLDER, "FOLDER", envvar="DISPATCHER_DEPLOYMENT", hidden=hidden),
        _kept("json", JSON, None, is_flag=True, hidden=hidden),
        _kept("quiet", QUIET, None, "-q", is_flag=True, hidden=hidden),
        _kept("key", KEY, envvar="DISPATCHER_KEY", hidden=hidden),
        _kept("no-color", COLOR, None, is_flag=True, hidden=hidden),
    ]


ELSEWHERE: list[click.Parameter] = [
    _kept("to-sign", "Write what is to be signed to FILE and stop (exit code 4): sign it on another machine."),
    _kept("payload", "The file that --to-sign wrote."),
    _kept("signature", "The signature over it, as ssh-keygen -Y sign wrote it."),
]


class Verb(click.Command):
    """One command. Its function is given the session, and it has the options that every command has."""

    more: ClassVar[list[click.Parameter]] = []

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.epilog = "Also --deployment, --json, -q, --key, --no-color: see dispatcher --help."
        self.params += [*self.more, *everywhere(hidden=True)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, then what the docstring says."""
        from dispatcher.cli.help import write_command

        whole, path = self.help or "", ctx.command_path.partition(" ")[2]
        self.help = write_command(formatter, path, whole)
        super().format_help_text(ctx, formatter)
        self.help = whole

    def invoke(self, ctx: click.Context) -> Any:
        """Call the function."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        ctx.params["session"] = ctx.ensure_object(Session)
        return super().invoke(ctx)


class Reading(Verb):
    """A command that reads the record. That a reviewer does so is itself recorded (design: domain, People)."""

    def invoke(self, ctx: click.Context) -> Any:
        """Record the reading, then call the function."""
        typed = (name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE)
        given = {name: ctx.params[name] for name in typed}
        ctx.ensure_object(Session).note_reading(ctx.command_path, given)
        return super().invoke(ctx)


class Signed(Verb):
    """A command that signs, here or in two halves on another machine."""

    more = ELSEWHERE


class Noun(click.Group):
    """The commands about one thing."""

    command_class = Verb

    def __init__(self, name: str) -> None:
        super().__init__(name, help=SUMMARIES[name])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples of its first commands, then what it is."""
        from dispatcher.cli.help import write_noun

        write_noun(formatter, str(self.name), self.commands)
        super().format_help_text(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command. Raises NoSuchCommand with what may have been meant, which is never run."""
        if args[0] not in self.commands and not ctx.resilient_parsing and not args[0].startswith("-"):
            from dispatcher.cli.suggesting import meant

            raise meant(args, self.commands, ctx)
        return super().resolve_command(ctx, args)


def one_of(words: type[E]) -> click.Choice[E]:
    """A choice among stored words."""
    return click.Choice(words, case_sensitive=False)


def many(name: str, text: str, metavar: str | None = None) -> Option:
    """An option that may be repeated; its parameter is the plural."""
    return click.option(f"--{name}", f"{name}s", multiple=True, help=text, metavar=metavar)


def pairs(name: str, metavar: str, text: str = "") -> Option:
    """An option given as NAME=VALUE, any number of times, each name once; its parameter is called ``name``."""
    return click.option(f"--{name}", multiple=True, callback=_split, metavar=metavar, help=text)


def _split(context: click.Context, parameter: click.Parameter, values: Names) -> Pairs:
    found: Pairs = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name or name in found:
            fault = f"{name} is given twice" if name in found else f"{value!r} is not {parameter.metavar}"
            raise click.BadParameter(fault, context, parameter)
        found[name] = rest
    return found


def read(file: str, most: int = 64 * 1024) -> bytes:
    """A small file's bytes. Raises Invalid for one that cannot be read or is larger than ``most`` bytes."""
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(most + 1)
    except OSError as error:
        raise Invalid(f"{file}: cannot be read ({error.strerror})", "name a file that is there") from error
    if len(data) > most:
        raise Invalid(f"{file}: larger than {most} bytes", "name the file that was meant")
    return data


def read_text(file: str) -> str:
    """The same as text. Raises Invalid."""
    try:
        return read(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"{file}: not UTF-8 ({error.reason})", "save it as UTF-8") from error


def write(file: Path, data: bytes) -> None:
    """Replace a file at once, readable by its owner only. Raises Invalid for one that cannot be written."""
    from dispatcher.sending.credentials import write_private

    try:
        write_private(file, data)
    except OSError as error:
        raise Invalid(f"{file}: cannot be written ({error.strerror})", "name a file in a folder of yours") from error


def duration(text: str) -> timedelta:
    """``90m``, ``4h``, ``2d``: above zero. Raises BadParameter naming the form."""
    match = re.fullmatch(r"([1-9]\d{0,4})([dhm])", text)
    if not match:
        raise click.BadParameter(f"{text!r} is no duration: write 90m, 4h or 2d")
    return int(match[1]) * UNITS[match[2]]


def moment(text: str) -> datetime | timedelta:
    """A moment with its offset, or ``+4h`` from now; :func:`at` turns either into a moment. Raises BadParameter."""
    if text.startswith("+"):
        return duration(text[1:])
    found = _read(text)
    if found.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no offset: write {text}Z for UTC, or add one such as +01:00")
    return found.astimezone(UTC)


def past(text: str) -> datetime | timedelta:
    """The same of something past: ``-20m`` is so long ago. Raises BadParameter."""
    return -duration(text[1:]) if text.startswith("-") else moment(text)


def reader_time(text: str) -> datetime | timedelta:
    """The same of a record that is read: a time or a day without offset is by the reader's own clock."""
    return past(text) if text.startswith(("-", "+")) else _read(text).astimezone(UTC)


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time: write 2026-11-21T18:00+00:00, +4h or -2h") from error


def at(when: Moment, now: datetime) -> datetime | None:
    """The moment meant, in UTC."""
    return now + when if isinstance(when, timedelta) else when
