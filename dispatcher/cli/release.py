"""``dispatcher release``, ``halt`` and ``resume``: what lets deliveries go, and what stops them.

A release is confirmed with a token that is typed (``dispatcher.service.confirming``); what stops or takes back
is not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from dispatcher.cli import only
from dispatcher.cli.commands import Signed, Text, one_of
from dispatcher.cli.confirm import confirmed
from dispatcher.cli.output import facts, next_step, say, untold
from dispatcher.cli.session import Session
from dispatcher.domain.errors import DispatcherError, Invalid
from dispatcher.domain.ids import short
from dispatcher.domain.statement import Mode
from dispatcher.embedded.errors import EmbeddedError
from dispatcher.embedded.state import read_state
from dispatcher.gate.stops import HaltScope
from dispatcher.service import notices, releasing, stopping
from dispatcher.service.desk import Desk
from dispatcher.service.releasing import Dispatch
from dispatcher.service.stopping import Halted
from dispatcher.store import accounts, records
from dispatcher.tracing import names
from dispatcher.tracing.context import VARIABLE, place_in
from dispatcher.tracing.spans import Kind, Span, open_spans


@click.command(cls=Signed)
@only.PLAN
@click.option("--confirm", "given", metavar="TOKEN", help="The token, where nobody can be asked for it.")
def release(session: Session, plan: Text, given: Text) -> None:
    """Release PLAN: every channel must be clear. From then on its deliveries are sent.

    On a terminal it says what will happen and asks for the plan's token; elsewhere --confirm gives it. The token is
    shown last by `dispatcher clearance read PLAN`. Ctrl-C stops it until the countdown has ended. Without PLAN it is
    the only one that waits. Exit code 3 with every reason where the gate is not clear. With $TRACEPARENT (W3C) it is
    part of that trace.

    \b
    dispatcher release
    dispatcher release 6f1c09d2a4b7 --confirm KTW-RMX
    """
    parent, began = os.environ.get(VARIABLE, ""), session.desk.now()
    found = only.plan(session, plan, "release", only.WAITING)
    made = confirmed(
        session,
        found,
        lambda ask: releasing.release(session.desk, found, session.pen, bell(session.desk), parent, ask),
        given,
    )
    session.show("dispatch", made, traceparent="")
    name = short(made.plan)
    say(f"Released: plan {name}. To take it back: dispatcher correct {name}, or dispatcher withdraw {name}")
    next_step(f"dispatcher watch {name}")
    _traced(session.desk, made, parent, began)


def _traced(desk: Desk, made: Dispatch, parent: str, began: datetime) -> None:
    """Have the release's span sent, where the deployment wants spans: after all that people wait for."""
    settings, at = desk.settings, place_in(made.traceparent)
    spans = open_spans(settings.traces, "release", str(made.mode), settings.deployment)
    if at is not None and spans.wanted:
        about: dict[str, str | int] = {names.SYSTEM: names.OURS, names.OPERATION: "release", names.PLAN: made.plan}
        about |= {names.OPERATION_TYPE: "send", names.DISPATCH: made.id, names.INCIDENT: made.incident}
        above = place_in(parent)
        spans.record(Span("release", Kind.PRODUCER, at, began, made.released_at, about, above))
    spans.close()


@click.command(cls=Signed)
@click.option("--channel", help="Only this channel.")
@click.option("--account", help="Only this account.")
@click.option("--incident", help="Only this incident.")
@click.option("--everything", is_flag=True, help="Corrections and withdrawals too.")
@click.option("--mode", type=one_of(Mode), help="Else the account's, the incident's, the run's.")
@click.option("--reason", default="", help="Why; may follow later.")
def halt(session: Session, everything: bool, mode: Mode | None, reason: str, **targets: Text) -> None:
    """Stop sending, at once: all of it, or only what is named. Anybody on the roster may.

    Corrections and withdrawals still pass, unless the halt says --everything. Without --mode it stops the mode that
    `dispatcher up` runs here, else live.
    """
    named = [(HaltScope(scope), target) for scope, target in targets.items() if target]
    if len(named) + everything > 1:
        raise Invalid("one halt stops one thing", "give one of --channel, --account, --incident, --everything")
    scope, target = named[0] if named else (HaltScope.EVERYTHING if everything else HaltScope.ALL, "")
    mode = mode or _mode(session.desk, scope, target)
    made = stopping.halt(session.desk, scope, target, session.pen, mode, reason)
    session.ring_stops(mode)
    _show(session, made)


@click.command(cls=Signed)
@click.argument("name", metavar="HALT")
def resume(session: Session, name: str) -> None:
    """Sign for the end of HALT. It ends when two people other than who halted have signed."""
    _show(session, stopping.resume(session.desk, name, session.pen))


def _show(session: Session, made: Halted) -> None:
    session.show("halt", {**facts(made), "in_force": made.in_force})
    stopped = f"{made.mode} {made.scope} {made.target}".rstrip()
    if not made.resumed_by:
        untold(notices.halted(session.desk, made))
        passing = "nothing passes" if made.scope is HaltScope.EVERYTHING else "corrections and withdrawals still pass"
        say(f"Halted: {stopped}; {passing}.")
    elif not made.in_force:
        say(f"The halt of {stopped} has ended: sending goes on.")
    if made.in_force:
        missing = "the signature of one more person" if made.resumed_by else "the signatures of two others"
        next_step(f"dispatcher resume {short(made.statement)}", f"{missing}, to end the halt")
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


@contextmanager
def _warning() -> Iterator[None]:
    """A bell that cannot be rung loses nothing: the workers find the release at their next look."""
    try:
        yield
    except (DispatcherError, EmbeddedError, OSError) as error:
        say(f"Warning: {error}")


def bell(desk: Desk) -> Callable[[str, str, str, str], None]:
    """Wakes the workers, over a connection made before the release."""
    from workers.doorbell import open_doorbell

    bells = []
    with _warning():
        bells.append(open_doorbell(desk.settings))

    def ring(*about: str) -> None:
        if bells:
            with _warning():
                opened = bells.pop()
                opened(*about)
                bells.append(opened)  # one that failed is not rung, and warned of, again

    return ring
