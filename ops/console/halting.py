"""What a visitor means to stop, what that comes to, and doing it in their name."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import ClearanceState
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import stopping, tightening
from dispatcher.service.desk import Desk
from dispatcher.service.operating.values import IncidentNow, Overview
from dispatcher.service.stopping import NO_TARGET, Halted
from dispatcher.service.tightening import Act, Ring, Stopped
from dispatcher.store import holds, records
from ops.console.context import Console
from ops.console.signing_in import Visitor
from workers.doorbell import ring_stops

LONGEST = 200
"""Characters of a name; the longest is a digest of 64."""

_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Meant:
    """What is to be stopped."""

    scope: HaltScope
    target: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Targets:
    """What can be chosen in the form: a word to show for each name."""

    channels: Mapping[str, str]
    accounts: Mapping[str, str]
    incidents: Mapping[str, str]
    plans: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """That it is stopped already: since when, by whom, why, and the command that ends it, empty for nothing does."""

    since: datetime | None
    by: str
    reason: str
    command: str


def read(overview: Overview, given: Mapping[str, str]) -> Meant:
    """What a form or an address names; where it names nothing, all sending of the mode that is running.

    Raises Invalid, NotFound.
    """
    scope = _word(HaltScope, given.get("scope") or HaltScope.ALL, "scope")
    target = (given.get(f"target_{scope}") or given.get("target") or "").strip()
    if len(target) > LONGEST or "\0" in target:
        raise NotFound(f"there is no such {scope}", "choose one of those on this page")
    mode = _mode_of(overview, scope, target) or given.get("mode") or running(overview)
    return Meant(scope, "" if scope in NO_TARGET else target, _word(Mode, mode, "mode"))


def running(overview: Overview) -> Mode:
    """The mode that a hurried halt means: live, unless only exercises are going on."""
    modes = {incident.mode for incident in overview.incidents}
    return Mode.EXERCISE if modes == {str(Mode.EXERCISE)} else Mode.LIVE


def preview(desk: Desk, meant: Meant, act: Act = Act.HALT) -> Stopped:
    """What it would stop. Raises NotFound, Invalid."""
    if meant.scope not in NO_TARGET and not meant.target:
        raise Invalid(f"no {meant.scope} is chosen", f"choose which {meant.scope} to halt")
    return tightening.preview(desk, act, meant.scope, meant.target, meant.mode)


def targets(overview: Overview) -> Targets:
    """What is there to choose."""
    plans = {
        channel.plan: f"{short(channel.plan)} of {incident.title[:60]}"
        for incident in overview.incidents
        for channel in incident.channels
    }
    return Targets(
        channels={probe.channel: probe.channel for probe in sorted(overview.probes, key=lambda one: one.channel)},
        accounts={probe.account: f"{probe.account} ({probe.channel}, {probe.mode})" for probe in overview.probes},
        incidents={incident.id: _named(incident) for incident in overview.incidents},
        plans=plans,
    )


def fresh(console: Console) -> str:
    """A name for one press."""
    return console.desk.random_bytes(16).hex()


def halt(console: Console, visitor: Visitor, meant: Meant, reason: str) -> str:
    """Halt; returns the address of the halt. Whoever has halted the same already is shown that."""
    desk = console.desk
    stopped = preview(desk, meant)
    with _turn:
        same = (visitor.person, stopped.scope, stopped.target)
        for known in stopping.halts(desk, stopped.mode):
            if known.in_force and (known.person, known.scope, known.target) == same:
                return f"/halted/{known.statement}"
        about = (meant.scope, meant.target, meant.mode, reason)
        done = tightening.halt(desk, visitor.person, visitor.role, console.pen, *about, _ring(console))
    return f"/halted/{done.made.statement}" if isinstance(done.made, Halted) else "/"


def hold(console: Console, visitor: Visitor, account: str, reason: str) -> str:
    """Hold an account; returns the address of that."""
    with _turn:
        if standing(console.desk, Act.HOLD, account) is None:
            tightening.hold(console.desk, visitor.person, visitor.role, console.pen, account, reason)
    return f"/account/{account}/hold"


def cancel(console: Console, visitor: Visitor, plan: str, reason: str) -> str:
    """Cancel a plan; returns the address of that."""
    if standing(console.desk, Act.CANCEL, plan) is None:
        tightening.cancel(console.desk, visitor.person, visitor.role, console.pen, plan, reason, _ring(console))
    return f"/plan/{plan}/cancel"


def one(desk: Desk, statement: str) -> Halted:
    """The halt of this id. Raises NotFound."""
    for mode in Mode:
        for found in stopping.halts(desk, mode):
            if found.statement == statement:
                return found
    raise NotFound(f"there is no halt {statement[:LONGEST]}", "dispatcher status")


def standing(desk: Desk, act: Act, target: str) -> Standing | None:
    """That an account is held, or a plan cancelled; None where it is not."""
    with desk.store.read() as work:
        if act is Act.HOLD:
            rows = [row for row in holds.rows(work) if row.account == target and row.person != holds.BREAKER]
            end = f"dispatcher account unhold {target}"
            return Standing(rows[0].placed_at, rows[0].person, rows[0].reason, end) if rows else None
        digest = records.plan(work, target).digest
        states = records.clearance_states(work, digest).values()
    cancelled = states and all(state == ClearanceState.REVOKED for state in states)
    return Standing(None, "", "", "") if cancelled else None


def command(meant: Meant) -> str:
    """What does the same in a terminal."""
    if meant.scope is HaltScope.PLAN:
        return f"dispatcher clearance suspend {shlex.quote(short(meant.target))} --reason TEXT"
    named = {HaltScope.ALL: "", HaltScope.EVERYTHING: " --everything"}
    about = named.get(meant.scope, f" --{meant.scope} {shlex.quote(meant.target)}")
    return f"dispatcher halt{about} --mode {meant.mode} --reason TEXT"


def command_of(act: Act, target: str) -> str:
    """The same of a hold or a cancellation."""
    if act is Act.HOLD:
        return f"dispatcher account hold {shlex.quote(target)} --reason TEXT"
    return f"dispatcher clearance revoke {shlex.quote(short(target))} --reason TEXT"


def _ring(console: Console) -> Ring:
    """Has all senders look at once; without Redis they look by themselves."""
    return partial(ring_stops, console.settings)


def _mode_of(overview: Overview, scope: HaltScope, target: str) -> str | None:
    if scope is HaltScope.INCIDENT:
        return next((one.mode for one in overview.incidents if one.id == target), None)
    if scope is HaltScope.ACCOUNT:
        return next((one.mode for one in overview.probes if one.account == target), None)
    if scope is HaltScope.PLAN:
        known = ((channel.plan, one.mode) for one in overview.incidents for channel in one.channels)
        return next((mode for plan, mode in known if plan == target), None)
    return None


def _named(incident: IncidentNow) -> str:
    return f"{incident.mode.upper()}: {incident.title[:80]}"


def _word(words: Any, said: str, what: str) -> Any:
    try:
        return words(said)
    except ValueError:
        raise Invalid(f"there is no such {what}", f"choose {', '.join(words)}") from None
