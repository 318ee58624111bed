"""``dispatcher``: the table of commands. A command's module is imported when the command is run, and not before."""

from __future__ import annotations

from types import ModuleType

import click

from dispatcher.cli.commands import Root
from dispatcher.cli.errors import EXIT_CODES

SUMMARIES = {
    "init": "Make a deployment.",
    "migrate": "Bring the deployment's database to the schema this version needs.",
    "up": "Start everything of a deployment and keep it running.",
    "worker": "Run one role, as `up` does.",
    "cap": "Check CAP 1.2 alerts.",
    "incident": "Declare incidents and say what is known of them.",
    "message": "Write what the public will read, and the way back.",
    "evidence": "Sign assessments, exemptions, attestations and the minister's decision.",
    "clearance": "Submit a plan, and approve, reject, revoke or look at it.",
    "release": "Release a cleared plan: from then on it is sent.",
    "status": "Where we are, what is next, who is awaited.",
    "watch": "Follow a released plan until everything has ended.",
    "halt": "Stop sending, at once.",
    "resume": "End a halt; two people other than who halted sign.",
    "account": "Add accounts and list them.",
    "recipients": "Import recipient lists.",
    "device": "Register standalone devices for hand-off.",
    "handoff": "Open a hand-off packet and give its receipt.",
    "delivery": "Look at deliveries and resolve those that wait for people.",
    "ledger": "Read the ledger, the record of everything that was done.",
    "log": "Read the roles' diagnostic logs.",
    "review": "The whole trail of an incident.",
}

HELP = """Emergency public messaging: nothing leaves without the right signatures, nothing is lost, nothing doubled.

\b
A first exercise, each command by the person whose act it is:
  dispatcher init deployment --kind test --name example-city
  dispatcher up --mode exercise
  dispatcher incident declare severe_weather "Storm tonight" --mode exercise
  dispatcher message draft INCIDENT --text en-GB=storm.txt --valid-until +6h
  dispatcher message arm MESSAGE
  dispatcher clearance submit MESSAGE
  dispatcher clearance approve PLAN
  dispatcher release PLAN
  dispatcher watch PLAN

Names may be shortened to any beginning that fits only one thing."""

EPILOG = "\b\nExit codes\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())


def load(name: str) -> click.Command:  # noqa: C901 - a table, in the one form that import-linter can read
    """Import the module of one command."""
    module: ModuleType
    match name:
        case "init" | "migrate" | "up" | "worker":
            from dispatcher.cli import deployment

            module = deployment
        case "cap":
            from dispatcher.cli import cap

            module = cap
        case "incident":
            from dispatcher.cli import incident

            module = incident
        case "message":
            from dispatcher.cli import message

            module = message
        case "evidence":
            from dispatcher.cli import evidence

            module = evidence
        case "clearance":
            from dispatcher.cli import clearance

            module = clearance
        case "release" | "halt" | "resume":
            from dispatcher.cli import release

            module = release
        case "status":
            from dispatcher.cli import status

            module = status
        case "watch":
            from dispatcher.cli import watch

            module = watch
        case "account" | "recipients":
            from dispatcher.cli import account

            module = account
        case "device" | "handoff":
            from dispatcher.cli import handoff

            module = handoff
        case "delivery":
            from dispatcher.cli import delivery

            module = delivery
        case "ledger" | "review":
            from dispatcher.cli import review

            module = review
        case _:
            from dispatcher.cli import log

            module = log
    command: click.Command = vars(module)[name]
    return command


root = Root(
    name="dispatcher",
    summaries=SUMMARIES,
    load=load,
    help=HELP,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 118},
)


def run() -> None:
    """The ``dispatcher`` command."""
    root(prog_name="dispatcher")
