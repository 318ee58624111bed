"""What every command is made of: groups that load late, and the options that mean the same everywhere.

Rules
  1. The top-level help imports no command.
  2. ``--deployment`` and ``--json`` may stand before or after a command's name; ``--key`` too where somebody signs.
  3. Nothing asks "are you sure": a public act needs signatures, and there is no option that skips the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

import click

from dispatcher.cli.errors import shown
from dispatcher.cli.session import Session

F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=Enum)

Text = str | None
Names = tuple[str, ...]
Pairs = dict[str, str]
Moment = datetime | timedelta | None

session = click.make_pass_decorator(Session)
"""Gives a command its session as first argument."""


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value not in (None, False):
        setattr(context.ensure_object(Session), str(parameter.name), value)


def _kept(name: str, text: str, **more: Any) -> click.Option:
    """An option whose value goes into the session."""
    metavar = None if more.get("is_flag") else "FILE"
    return click.Option([f"--{name}"], expose_value=False, callback=_keep, help=text, **{"metavar": metavar, **more})


def _common() -> list[click.Parameter]:
    folder = "The deployment's folder; else $DISPATCHER_DEPLOYMENT, else ./deployment."
    as_json = "Print JSON, as happens anyway when the output is not a terminal."
    return [
        _kept("deployment", folder, metavar="FOLDER", envvar="DISPATCHER_DEPLOYMENT", is_eager=True),
        _kept("json", as_json, is_flag=True, is_eager=True),
    ]


def _key() -> click.Option:
    text = (
        "Your OpenSSH key: a private key file, or a .pub whose key the agent holds. Else $DISPATCHER_KEY, else the "
        "first key of the agent ($SSH_AUTH_SOCK) that is on the roster."
    )
    return _kept("key", text, envvar="DISPATCHER_KEY")


class Verb(click.Command):
    """One command, with the options that every command has."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _common()


class Noun(click.Group):
    """The commands about one thing."""

    command_class = Verb


class Root(click.Group):
    """The top-level command: its table, and errors shown the way the documentation promises."""

    def __init__(self, *, summaries: Mapping[str, str], load: Callable[[str], click.Command], **more: Any) -> None:
        super().__init__(**more)
        self.summaries, self.load = summaries, load
        self.params += [*_common(), _key()]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """The names, in the order of the table."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command."""
        return self.load(cmd_name) if cmd_name in self.summaries else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember the words typed, so that a command can say how to go on."""
        ctx.ensure_object(Session).words = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever ends it badly is shown in one way."""
        with shown(ctx.ensure_object(Session)):
            return super().invoke(ctx)


def identified(command: F) -> F:
    """Add ``--key``: who is at the keyboard is known from a key, never from a name."""
    return _with(command, [_key()])


def signing(command: F) -> F:
    """Add ``--key`` and the two halves of signing elsewhere."""
    apart = [
        _kept("to-sign", "Write what is to be signed to FILE and stop (exit code 4): sign it on another machine."),
        _kept("payload", "The file that --to-sign wrote."),
        _kept("signature", "The signature over it, as ssh-keygen -Y sign wrote it."),
    ]
    return _with(command, [_key(), *apart])


def _with(command: F, options: list[click.Option]) -> F:
    known: list[click.Parameter] = getattr(command, "__click_params__", [])
    command.__click_params__ = [*reversed(options), *known]  # type: ignore[attr-defined]
    return command


def one_of(words: type[E]) -> click.Choice[E]:
    """A choice among stored words."""
    return click.Choice(words, case_sensitive=False)


def many(name: str, text: str, metavar: str | None = None) -> Callable[[F], F]:
    """An option that may be repeated."""
    return click.option(f"--{name}", f"{name.replace('-', '_')}s", multiple=True, help=text, metavar=metavar)


def pairs(name: str, metavar: str, text: str = "") -> Callable[[F], F]:
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
