"""Stopping things from the console, in the name of whoever is signed in. Nothing here loosens anything.

Rules
  1. The console signs with its own key; the statement names who asked (``asked_by``), and the ledger has it under
     their name. They are the halter: neither they nor the console count among those who resume.
  2. Who may is asked here, whatever the pages showed: a role that may, held by a person whom the roster knows.
  3. A reason is wanted: there is a form with a field for it. In a hurry, `dispatcher halt` takes none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.domain.errors import Forbidden, Invalid, Unavailable
from dispatcher.domain.ids import short
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.stops import HaltScope
from dispatcher.service import clearing, notices, stopping
from dispatcher.service.clearing import Standing
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.holding import HOLDING
from dispatcher.service.notices import Notice
from dispatcher.service.sessions import ROLES, TIGHTENING, may_tighten
from dispatcher.service.stopping import Halted, checked_target
from dispatcher.store import accounts, holds, records, stoppable
from dispatcher.store.database import Work

COUNTED = 10_000
"""Up to so many deliveries are counted; beyond that it says that there are more."""

LONGEST = 2_000
"""Characters of a reason."""

Ring = Callable[[str], None]
"""Has the senders of a mode look at what is stopped, now."""


class Act(StrEnum):
    """What may be done from the console."""

    HALT = "halt"
    HOLD = "hold"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Stopped:
    """What an act would stop. ``count`` deliveries that have not begun, of ``plans``; ``more``: at least so many.

    ``what`` and ``goes_on`` are whole sentences: what stops, and what goes on regardless.
    """

    act: Act
    mode: Mode
    scope: HaltScope
    target: str
    count: int
    plans: int
    more: bool
    what: str
    goes_on: str


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was done: what it made, and who was told."""

    made: Halted | Standing | str
    notices: tuple[Notice, ...]


def halt(
    desk: Desk,
    person: str,
    role: Role,
    pen: Pen | None,
    scope: HaltScope,
    target: str,
    mode: Mode,
    reason: str,
    ring: Ring | None = None,
) -> Done:
    """Halt, as `dispatcher halt` does. Raises Forbidden, Invalid, NotFound, Unavailable, SignatureNeeded."""
    why = _asked(desk, person, role, TIGHTENING, reason)
    made = stopping.halt(desk, scope, target, _held(desk, pen), mode, why, asked_by=person)
    if ring is not None:
        ring(mode)
    return Done(made, tuple(notices.halted(desk, made)))


def hold(desk: Desk, person: str, role: Role, pen: Pen | None, account: str, reason: str) -> Done:
    """Have an account wait. Raises Forbidden, Invalid, NotFound, Unavailable."""
    why = _asked(desk, person, role, frozenset(HOLDING), reason)
    through = desk.person(_held(desk, pen)).id
    with desk.store.write() as work:
        holds.place(work, account, person, why, asked_by=person, through=through)
    return Done(account, ())


def cancel(
    desk: Desk, person: str, role: Role, pen: Pen | None, plan: str, reason: str, ring: Ring | None = None
) -> Done:
    """Revoke a plan and cancel what of it has not begun. Raises Forbidden, Invalid, NotFound, Unavailable."""
    why = _asked(desk, person, role, TIGHTENING, reason)
    standing = clearing.revoke(desk, plan, _held(desk, pen), why, asked_by=person)
    if ring is not None:
        ring(standing.stored.plan.mode)
    return Done(standing, tuple(notices.signed(desk, standing, StatementKind.REVOKE)))


def preview(desk: Desk, act: Act, scope: HaltScope, target: str, mode: Mode) -> Stopped:
    """What an act would stop and what goes on, before anybody does it. Raises NotFound, Invalid.

    A hold is of an account, a cancellation of a plan. Reads up to :data:`COUNTED` rows, by indexes.
    """
    with desk.store.read() as work:
        if act is Act.HOLD:
            mode = Mode(accounts.row(work, target).mode)
        if act is Act.CANCEL:
            mode = records.plan(work, target).plan.mode
        named = checked_target(work, scope, target, mode)
        found = _counted(work, scope, named, mode)
    what = f"{_what(scope, named, mode)} {_number(found)} would {_ends(act)}."
    return Stopped(act, mode, scope, named, found.deliveries, found.plans, found.more, what, _goes_on(act, scope))


def who_may(act: Act) -> str:
    """Who may do it, in words."""
    may = HOLDING if act is Act.HOLD else TIGHTENING
    return ", ".join(role.replace("_", " ") for role in ROLES if role in may)


def _asked(desk: Desk, person: str, role: Role, may: frozenset[Role], reason: str) -> str:
    names = ", ".join(one.replace("_", " ") for one in ROLES if one in may)
    if role not in may:
        raise Forbidden(
            f"{person} is {role.replace('_', ' ')} here and may only look",
            f"these may: {names}; whoever is on the roster may halt with their own key: dispatcher halt",
        )
    if not may_tighten(desk, person, role):
        raise Forbidden(
            f"nobody on the roster is called {person}, so nothing is stopped in that name",
            "ops: have the identity provider give the roster's names (console.name_claim in deployment.toml)",
        )
    if not reason.strip():
        raise Invalid("a reason is wanted", "say why in a sentence")
    if len(reason) > LONGEST:
        raise Invalid(f"the reason is longer than {LONGEST} characters", "shorten it")
    return reason.strip()


def _held(desk: Desk, pen: Pen | None) -> Pen:
    if pen is None:
        raise Unavailable(
            "this console has no key, so it can stop nothing", "use your own: dispatcher halt, on the officers' host"
        )
    console = desk.person(pen).id
    if not desk.trust.roster.holds(console, Role.CONSOLE, desk.now()):
        raise Unavailable(
            f"the console's key is {console}'s, who is not the console on the roster",
            "use your own: dispatcher halt; ops: see docs/console.md for the console's key",
        )
    return pen


def _counted(work: Work, scope: HaltScope, target: str, mode: Mode) -> stoppable.Counted:
    of, names = [target], None
    if scope is not HaltScope.PLAN:
        of = stoppable.plans(work, str(mode), target if scope is HaltScope.INCIDENT else None)
    if scope is HaltScope.ACCOUNT:
        names = [target]
    if scope is HaltScope.CHANNEL:
        names = stoppable.accounts_of(work, str(mode), target)
    kinds = None if scope is HaltScope.EVERYTHING else ("publish",)
    return stoppable.count(work, of, kinds, names, COUNTED)


def _what(scope: HaltScope, target: str, mode: Mode) -> str:
    match scope:
        case HaltScope.ALL:
            where = f"Of everything {mode}"
        case HaltScope.EVERYTHING:
            where = f"Of everything {mode}, corrections and withdrawals too,"
        case HaltScope.PLAN:
            where = f"Of plan {short(target)} ({mode})"
        case _:
            where = f"Of {scope} {target} ({mode})"
    return where


def _number(found: stoppable.Counted) -> str:
    if found.more:
        return f"more than {found.deliveries:,} deliveries that have not begun"
    if found.deliveries == 1:
        return "1 delivery that has not begun"
    return f"{found.deliveries:,} deliveries that have not begun" if found.deliveries else "no delivery"


def _ends(act: Act) -> str:
    return "be cancelled for good" if act is Act.CANCEL else "wait"


def _goes_on(act: Act, scope: HaltScope) -> str:
    begun = "What is being sent at this moment still ends as it ends."
    match act, scope:
        case Act.HOLD, _:
            return f"{begun} A hold is no halt: the gate does not ask for it, and corrections to this account wait too."
        case Act.CANCEL, _:
            return f"{begun} Corrections, withdrawals and all-clears of this plan stay possible."
        case _, HaltScope.EVERYTHING:
            return f"{begun} Nothing else goes on: corrections, withdrawals and all-clears stop too."
    return f"{begun} Corrections, withdrawals and all-clears still go out."
