"""``dispatcher``: a command's module is imported when the command is run, and not before."""

from __future__ import annotations

import gc
import os
from types import ModuleType
from typing import Any

import click

from dispatcher.cli.commands import SUMMARIES, everywhere
from dispatcher.cli.completing import VARIABLE, answer
from dispatcher.cli.errors import EXIT_CODES, interruptible, shown
from dispatcher.cli.help import NIGHT, write_table
from dispatcher.cli.session import Session

EPILOG = "\b\nExit codes\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())


def load(name: str) -> click.Command:  # noqa: C901 - one case per module, and nothing else
    """Import the module of one command."""
    module: ModuleType
    match name:
        case "init" | "migrate" | "up" | "worker":
            from dispatcher.cli import deployment as module
        case "backup" | "restore":
            from dispatcher.cli import backup as module
        case "cap":
            from dispatcher.cli import cap as module
        case "incident":
            from dispatcher.cli import incident as module
        case "area":
            from dispatcher.cli import area as module
        case "message":
            from dispatcher.cli import message as module
        case "clearance":
            from dispatcher.cli import clearance as module
        case "evidence":
            from dispatcher.cli import evidence as module
        case "gate":
            from dispatcher.cli import gate as module
        case "spend":
            from dispatcher.cli import spend as module
        case "release" | "halt" | "resume":
            from dispatcher.cli import release as module
        case "correct" | "withdraw" | "all-clear" | "task":
            from dispatcher.cli import way_back as module
        case "status":
            from dispatcher.cli import status as module
        case "watch":
            from dispatcher.cli import watch as module
        case "night":
            from dispatcher.cli import night as module
        case "overview":
            from dispatcher.cli import overview as module
        case "exercise":
            from dispatcher.cli import exercise as module
        case "doctor":
            from dispatcher.cli import doctor as module
        case "policy":
            from dispatcher.cli import policy as module
        case "roster" | "whoami":
            from dispatcher.cli import roster as module
        case "channel":
            from dispatcher.cli import channel as module
        case "account" | "recipients" | "device":
            from dispatcher.cli import account as module
        case "delivery" | "handoff" | "recover":
            from dispatcher.cli import delivery as module
        case "console":
            from dispatcher.cli import console as module
        case "ledger":
            from dispatcher.cli import ledger as module
        case "log":
            from dispatcher.cli import log as module
        case "completion":
            from dispatcher.cli import completion as module
        case "schema":
            from dispatcher.cli import schema as module
        case _:
            from dispatcher.cli import review as module
    command: click.Command = vars(module)[name.replace("-", "_")]
    return command


class Root(click.Group):
    """The top-level command: its table, and errors shown the way the documentation promises."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """The names, in the order of the table."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command."""
        return load(cmd_name) if cmd_name in SUMMARIES else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands without importing them, by who types them."""
        write_table(formatter, SUMMARIES)

    def make_context(self, *given: Any, **more: Any) -> click.Context:
        """Read the words; Ctrl-C meanwhile ends like any other."""
        with interruptible():
            return super().make_context(*given, **more)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command. Raises NoSuchCommand with what may have been meant, which is never run."""
        if args[0] not in SUMMARIES and not ctx.resilient_parsing and not args[0].startswith("-"):
            from dispatcher.cli.suggesting import meant

            raise meant(args, SUMMARIES, ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember the words typed, so that a command can say how to go on."""
        ctx.ensure_object(Session).words = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever ends it badly is shown in one way."""
        with shown(ctx.ensure_object(Session)):
            return super().invoke(ctx)


root = Root(
    name="dispatcher",
    params=everywhere(),
    help=NIGHT,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 118},
)


def run() -> None:
    """The ``dispatcher`` command; for a shell that asks, what may be typed next.

    Nothing is garbage while modules are imported: cycles are looked for from when the command begins (``Verb``).
    """
    gc.disable()
    if instruction := os.environ.get(VARIABLE):
        answer(instruction)
    else:
        root(prog_name="dispatcher")
