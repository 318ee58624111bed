"""``dispatcher init``, ``migrate``, ``up`` and ``worker``: a deployment, made and run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli.commands import Text, Verb, one_of
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode

if TYPE_CHECKING:  # what only a role needs is loaded by that role
    from dispatcher.settings import Settings
    from workers.main import Main

SIMULATOR = "http://127.0.0.1:8790"
"""Where `dispatcher exercise run` starts the platforms of a test deployment, unless told otherwise."""


@click.command(cls=Verb)
@click.argument("folder")
@click.option("--kind", type=one_of(DeploymentKind), required=True)
@click.option("--name", required=True, help="The deployment's id: signed into every statement, it never changes.")
@click.option("--sent-by", default="", help="The public name of the sender; else the id.")
@click.option("--simulator", metavar="URL", help=f"The far side of all exercises; for a test: {SIMULATOR}.")
@click.option("--database", default="", metavar="URL", help="Else SQLite in the folder.")
@click.option("--redis", default="embedded", metavar="URL", help="Else a private one, started by `up`.")
@click.option("--quick", is_flag=True, help="Waits as short as an exercise on one machine wants; kind test only.")
def init(
    session: Session, folder: str, kind: DeploymentKind, name: str, *, simulator: Text, quick: bool, **more: Any
) -> None:
    """Make a deployment in FOLDER: folders, trust root, example policy, keys for exercises, an empty database.

    Only a deployment of kind test may point a live account at a private address.
    """
    import secrets

    from dispatcher.sender_bootstrap import now
    from dispatcher.service import deploying

    is_test = kind is DeploymentKind.TEST
    far_side = (SIMULATOR if is_test else "") if simulator is None else simulator
    blueprint = deploying.Blueprint(name, kind, simulator=far_side, **more)
    blueprint = deploying.quick(blueprint) if quick else blueprint
    made = deploying.init(Path(folder).absolute(), blueprint, now(), secrets.token_bytes)
    session.show("deployment", made)
    say(*(f"Warning: {warning}" for warning in made.warnings))
    if is_test:
        return next_step(f"dispatcher --deployment {folder} exercise run storm")
    return next_step("dispatcher account add --help", "accounts")


@click.command(cls=Verb)
def migrate(session: Session) -> None:
    """Bring the deployment's database to the schema this version needs."""
    from dispatcher.bootstrap import open_store
    from dispatcher.settings import load_settings
    from dispatcher.store.migrate import migrate as bring_up

    store = open_store(load_settings(session.folder), "cli")
    before, now = bring_up(store)
    session.show("migration", {"before": before, "now": now})
    store.close()
    next_step("dispatcher up")


@click.command(cls=Verb)
@click.option("--mode", type=one_of(Mode), default=Mode.LIVE, help="Live unless said. No process serves both.")
def up(session: Session, mode: Mode) -> None:
    """Start Redis and every role, keep them running, keep their logs; Ctrl-C or SIGTERM stops all."""
    from dispatcher.embedded.state import UpState
    from dispatcher.embedded.supervisor import Supervisor

    def ready(state: UpState) -> None:
        say(f"up in mode {state.mode}: {', '.join(state.roles)}")
        say("This terminal stays with it; the next command is for another one. What the roles say: dispatcher log -f")
        next_step("dispatcher status")

    Supervisor(session.folder, mode, on_ready=ready).run()
    next_step(f"dispatcher up --mode {mode}")


async def _console(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    from ops.console.serving import serve

    await serve(settings, mode, owner, stopping)


async def _exporter(settings: Settings, mode: Mode, owner: str, stopping: asyncio.Event) -> None:
    from ops.metrics.exporting import serve

    await serve(settings, mode, owner, stopping)


MORE_ROLES: Mapping[str, Main] = {"console": _console, "exporter": _exporter}
"""Roles that the package ``workers`` may not know, because they are above it."""


@click.command(cls=Verb)
@click.argument("role")
@click.option(
    "--mode",
    type=one_of(Mode),
    envvar="DISPATCHER_MODE",
    required=True,
    help="Else $DISPATCHER_MODE, as `up` sets it.",
)
def worker(session: Session, role: str, mode: Mode) -> None:
    """Run one ROLE of the Procfile until SIGTERM.

    The roles: relay, accounts, recipients, tiktok, tiktok-sender, egress, console, exporter.

    What ends it badly goes to its log with the place in the code, like everything else it says.
    """
    import structlog

    from workers.main import run

    try:
        run(role, session.folder, mode, MORE_ROLES)
    except DispatcherError:
        raise
    except Exception:
        structlog.get_logger("role").critical("failed", exc_info=True)
        raise
