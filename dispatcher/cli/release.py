"""``dispatcher release``, ``halt`` and ``resume``: what lets deliveries go, and what stops them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dispatcher.cli.commands import Text, Verb, one_of, session, signing
from dispatcher.cli.output import facts, next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError, Invalid
from dispatcher.domain.ids import short
from dispatcher.domain.statement import Mode
from dispatcher.embedded.state import read_state
from dispatcher.gate.stops import HaltScope
from dispatcher.service import releasing, stopping
from dispatcher.service.desk import Desk
from dispatcher.store import accounts, records

if TYPE_CHECKING:
    from dispatcher.service.releasing import Ring
    from dispatcher.settings import Settings


@click.command(cls=Verb)
@click.argument("plan")
@signing
@session
def release(session: Session, plan: str) -> None:
    """Release PLAN: every channel must be clear. From then on its deliveries are sent.

    Exit code 3 with every reason where the gate is not clear.
    """
    desk = session.desk()
    made = releasing.release(desk, plan, session.pen(desk), _ringer(desk.settings))
    session.show("dispatch", made)
    next_step(f"dispatcher watch {short(made.plan)}")


@click.command(cls=Verb)
@click.option("--channel", help="Only this channel.")
@click.option("--account", help="Only this account.")
@click.option("--incident", help="Only this incident.")
@click.option("--everything", is_flag=True, help="Corrections and withdrawals too.")
@click.option("--mode", type=one_of(Mode), help="Else the account's, the incident's, the run's.")
@click.option("--reason", default="", help="Why; may follow later.")
@signing
@session
def halt(
    session: Session, channel: Text, account: Text, incident: Text, everything: bool, mode: Mode | None, reason: str
) -> None:
    """Stop sending, at once: all of it, or only what is named. Anybody on the roster may.

    Corrections and withdrawals still pass, unless the halt says --everything. Without --mode it stops the mode that
    `dispatcher up` runs here, else live.
    """
    targets = {HaltScope.CHANNEL: channel, HaltScope.ACCOUNT: account, HaltScope.INCIDENT: incident}
    named = [(scope, target) for scope, target in targets.items() if target]
    if len(named) + everything > 1:
        raise Invalid("one halt stops one thing", "give one of --channel, --account, --incident, --everything")
    scope, target = named[0] if named else (HaltScope.EVERYTHING if everything else HaltScope.ALL, "")
    desk = session.desk()
    made = stopping.halt(desk, scope, target, session.pen(desk), mode or _mode(desk, scope, target), reason)
    session.show("halt", {**facts(made), "in_force": made.in_force})
    next_step(f"dispatcher resume {short(made.statement)}", "to end it: the signatures of two others")


@click.command(cls=Verb)
@click.argument("name", metavar="HALT")
@signing
@session
def resume(session: Session, name: str) -> None:
    """Sign for the end of HALT. It ends when two people other than who halted have signed."""
    desk = session.desk()
    made = stopping.resume(desk, name, session.pen(desk))
    session.show("halt", {**facts(made), "in_force": made.in_force})
    if made.in_force:
        next_step(f"dispatcher resume {short(made.statement)}", f"{made.needed} more person's signature")
    else:
        next_step("dispatcher status")


def _mode(desk: Desk, scope: HaltScope, target: str) -> Mode:
    with desk.store.read() as work:
        if scope is HaltScope.INCIDENT:
            return records.incident(work, target).mode
        if scope is HaltScope.ACCOUNT:
            return Mode(accounts.row(work, target).mode)
    running = read_state(desk.settings.root)
    return Mode(running.mode) if running else Mode.LIVE


def _ringer(settings: Settings) -> Ring | None:
    """Wakes the workers; where that fails they find the release at their next look, and a warning says so."""
    from dispatcher.embedded.errors import EmbeddedError
    from workers.doorbell import open_doorbell

    try:
        ring = open_doorbell(settings)
    except (DispatcherError, EmbeddedError, OSError) as error:
        say(f"Warning: {error}")
        return None

    def warned(lane: str, mode: str, dispatch: str) -> None:
        try:
            ring(lane, mode, dispatch)
        except (DispatcherError, OSError) as error:
            say(f"Warning: lane {lane}: {error}")

    return warned
