"""``dispatcher``: a command's module is imported when the command is run, and not before."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import click

from dispatcher.cli.commands import SUMMARIES, everywhere
from dispatcher.cli.errors import EXIT_CODES, shown
from dispatcher.cli.session import Session

HELP = """Emergency public messaging: nothing leaves without the right signatures, nothing is lost, nothing doubled.

\b
A first exercise, each command by the person whose act it is:
  dispatcher init deployment --kind test --name example-city
  dispatcher up --mode exercise
  dispatcher incident declare severe_weather "Storm tonight" --mode exercise
  dispatcher incident evidence INCIDENT warning "amber" --source "weather service"
  dispatcher message draft INCIDENT --text en-GB=storm.txt --valid-until +6h
  dispatcher message arm MESSAGE
  dispatcher clearance submit MESSAGE
  dispatcher clearance approve PLAN
  dispatcher release PLAN
  dispatcher watch PLAN

Names may be shortened to any beginning that fits only one thing."""

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
        case "status" | "watch":
            from dispatcher.cli import status as module
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
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

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
    help=HELP,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 118},
)


def run() -> None:
    """The ``dispatcher`` command."""
    root(prog_name="dispatcher")
