"""``dispatcher init``, ``migrate``, ``up``, ``worker`` and ``log``: a deployment, made and run, and what it says.

Logs are for diagnosis and may be lost; the record of what was done is the ledger.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from dispatcher.cli import output
from dispatcher.cli.commands import Verb, one_of
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode

POLL_S = 0.25


@click.command(cls=Verb)
@click.argument("folder")
@click.option("--kind", type=one_of(DeploymentKind), required=True)
@click.option("--name", required=True, help="The deployment's id: signed into every statement, it never changes.")
@click.option("--sent-by", default="", help="The public name of the sender; else the id.")
@click.option("--simulator", default="", metavar="URL", help="The far side of all exercises.")
@click.option("--database", default="", metavar="URL", help="Else SQLite in the folder.")
@click.option("--redis", default="embedded", metavar="URL", help="Else a private one, started by `up`.")
def init(session: Session, folder: str, kind: DeploymentKind, name: str, **more: Any) -> None:
    """Make a deployment in FOLDER: folders, trust root, example policy, keys for exercises, an empty database.

    Only a deployment of kind test may point a live account at a private address.
    """
    import secrets

    from dispatcher.sender_bootstrap import now
    from dispatcher.service import deploying

    blueprint = deploying.Blueprint(name, kind, **more)
    made = deploying.init(Path(folder).absolute(), blueprint, now(), secrets.token_bytes)
    session.show("deployment", made)
    say(*(f"Warning: {warning}" for warning in made.warnings))
    next_step(f"dispatcher --deployment {folder} up --mode exercise", "accounts (dispatcher account add --help)")


@click.command(cls=Verb)
def migrate(session: Session) -> None:
    """Bring the deployment's database to the schema this version needs."""
    from dispatcher.settings import load_settings
    from dispatcher.store.database import open_engine
    from dispatcher.store.migrate import current, upgrade

    engine = open_engine(load_settings(session.folder).database)
    before = current(engine)
    upgrade(engine)
    session.show("migration", {"before": before, "now": current(engine)})
    engine.dispose()
    next_step("dispatcher up")


@click.command(cls=Verb)
@click.option("--mode", type=one_of(Mode), default=Mode.LIVE, help="Live unless said. No process serves both.")
def up(session: Session, mode: Mode) -> None:
    """Start Redis and every role, keep them running, keep their logs; Ctrl-C or SIGTERM stops all."""
    from dispatcher.embedded.state import UpState
    from dispatcher.embedded.supervisor import Supervisor

    def ready(state: UpState) -> None:
        say(f"up in mode {state.mode}: {', '.join(state.roles)}")
        next_step("dispatcher status (in another terminal); what the roles say: dispatcher log -f")

    Supervisor(session.folder, mode, on_ready=ready).run()
    next_step(f"dispatcher up --mode {mode}")


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
    """Run one ROLE of the Procfile until SIGTERM: relay, accounts, recipients, tiktok, tiktok-sender, egress.

    What ends it badly goes to its log with the place in the code, like everything else it says.
    """
    import structlog

    from workers.main import run

    try:
        run(role, session.folder, mode)
    except DispatcherError:
        raise
    except Exception:
        structlog.get_logger("role").critical("failed", exc_info=True)
        raise


@click.command(cls=Verb)
@click.option("--role", default="*", help="Only this role's.")
@click.option("--incident", default="", help="Only lines about this incident.")
@click.option("-n", "--number", type=click.IntRange(1, 100_000), default=200, show_default=True, help="The newest.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written; end with Ctrl-C.")
def log(session: Session, role: str, incident: str, number: int, follow: bool) -> None:
    """Read the logs of all roles in order of time, one line each; JSON lines where the output is not a terminal."""
    folder, ends = session.folder / "logs", dict[str, int]()
    as_json = output.wants_json(session.json)
    lines = [*_written(folder, f"{role}.jsonl.1", ends), *_written(folder, f"{role}.jsonl", ends)]
    newest = number
    while True:
        told = [
            line for line in sorted(lines, key=itemgetter("timestamp")) if str(line["incident"]).startswith(incident)
        ]
        for line in told[-newest:]:
            _print(line, as_json)
        if not follow:
            break
        time.sleep(POLL_S)
        lines, newest = list(_written(folder, f"{role}.jsonl", ends)), 0
    output.next_step("dispatcher ledger tail" if lines else "dispatcher up", "" if lines else "no lines yet")


def _written(folder: Path, pattern: str, ends: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The whole lines written since the last look; ``ends`` says how far each log was read.

    A log that was cut is read from its beginning. A line without a time gets that of the line before it.
    """
    for path in folder.glob(pattern):
        at = ""
        with path.open("rb") as file:
            start = ends.get(path.name, 0)
            file.seek(start if start <= path.stat().st_size else 0)
            whole, _, unfinished = file.read().rpartition(b"\n")
            ends[path.name] = file.tell() - len(unfinished)
        for raw in whole.splitlines():
            line = _line(raw.decode(errors="replace"))
            at = str(line.get("timestamp", at))
            yield {"timestamp": at, "role": path.name.partition(".")[0], "incident": "", **line}


def _line(raw: str) -> dict[str, Any]:
    """What a role said, or whatever else its process printed."""
    try:
        facts = json.loads(raw)
    except ValueError:
        facts = raw
    return facts if isinstance(facts, dict) else {"text": raw}


def _print(line: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document("log-line", line)
        return
    head = [str(line.pop(name)) for name in ("timestamp", "role", "level", "event", "text") if name in line]
    click.echo(output.plain(" ".join([*head, output.told({**line, "pid": None})])))
