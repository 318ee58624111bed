"""What has been stopped: halts, revocations, stand-downs, every no, and how fresh that knowledge is.

Rules
  1. Knowledge of stops only grows; a deleted row brings nothing back to life.
  2. One person halts; it ends when two others have signed a resume of that very halt, neither as platform admin nor
     as reviewer (reference: policy 6.2). Who had the console halt is no other, and nobody resumes as the console. A
     halt of one plan suspends its clearance.
  3. A stop that is listed in a signed status but whose statement is not at hand counts as a halt of everything.
  4. Corrections, withdrawals and all-clears pass a halt, unless it says everything.
  5. A no (a rejection, a minister's refusal, an assessment that does not permit) counts wherever its row has gone:
     otherwise whoever deletes it would bring back the yes before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dispatcher.domain.people import Role
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Statement, StatementKind, Verified

NOES = {
    StatementKind.REJECT: ("", ""),
    StatementKind.DECIDE: ("decision", "agreed"),
    StatementKind.ASSESS: ("outcome", "permitted"),
}
"""The statements that can say no, each with the one entry of its body that makes it a yes."""

STOP_KINDS = frozenset(
    {StatementKind.HALT, StatementKind.RESUME, StatementKind.REVOKE, StatementKind.STAND_DOWN, *NOES}
)
"""The kinds of which a statement may stop something, or end a stop; see :func:`stops_something`."""

RESUMED_BY = 2
NEVER_RESUME = frozenset({Role.OPS, Role.REVIEWER, Role.CONSOLE})


class HaltScope(StrEnum):
    """What a halt stops."""

    ALL = "all"
    CHANNEL = "channel"
    ACCOUNT = "account"
    INCIDENT = "incident"
    PLAN = "plan"
    EVERYTHING = "everything"  # corrections too


@dataclass(frozen=True, slots=True)
class Halt:
    """One halt in force; ``target`` is empty for all and everything, ``person`` who halted, in words."""

    statement: str
    scope: HaltScope
    target: str
    person: str

    def covers(self, plan: Plan, channel: str, account: str, *, making_safe: bool) -> bool:
        """Whether this halt stops such a delivery."""
        if self.scope is HaltScope.EVERYTHING:
            return True
        if making_safe:
            return False
        targets = {
            HaltScope.CHANNEL: channel,
            HaltScope.ACCOUNT: account,
            HaltScope.INCIDENT: plan.incident,
            HaltScope.PLAN: plan.digest,
        }
        return self.scope is HaltScope.ALL or targets.get(self.scope) == self.target

    def sentence(self) -> str:
        """In words."""
        return f"halted ({self.scope}{' ' + self.target if self.target else ''}) by {self.person}"


@dataclass(frozen=True, slots=True)
class Stops:
    """Halts in force, plans revoked, incidents stood down, and when the last signed status was made."""

    halts: tuple[Halt, ...] = ()
    revoked: tuple[Statement, ...] = ()
    status_at: datetime | None = None
    missing: tuple[str, ...] = ()
    stood_down: frozenset[str] = frozenset()
    noes: tuple[Verified, ...] = ()

    def halt_on(self, plan: Plan, channel: str, account: str, *, making_safe: bool) -> Halt | None:
        """The first halt that stops such a delivery."""
        return next((h for h in self.halts if h.covers(plan, channel, account, making_safe=making_safe)), None)

    def revocations_of(self, plan_digest: str) -> tuple[Statement, ...]:
        """Who took this plan's clearance back."""
        return tuple(s for s in self.revoked if s.subject == plan_digest)


def stops_something(statement: Statement) -> bool:
    """Whether a statement stops something or ends a stop: one of the :data:`STOP_KINDS`, and no yes."""
    key, yes = NOES.get(statement.kind, ("", ""))
    return statement.kind in STOP_KINDS and (not key or statement.body.get(key) != yes)


def stops_from(
    statements: Iterable[Verified], *, status_at: datetime | None = None, listed: Iterable[str] = ()
) -> Stops:
    """Work out what is stopped from verified statements of the :data:`STOP_KINDS`.

    ``listed`` are the statement ids of the last signed status; those not at hand become ``missing``.
    """
    stopping = {v.statement.id: v for v in statements if stops_something(v.statement)}
    known = {id_: verified.statement for id_, verified in stopping.items()}
    resumed: dict[str, set[str]] = {}
    for statement in known.values():
        if statement.kind is StatementKind.RESUME and statement.role not in NEVER_RESUME:
            resumed.setdefault(statement.subject, set()).add(statement.person)
    halts = tuple(
        halt
        for id_, statement in known.items()
        if statement.kind is StatementKind.HALT
        and (halt := _halt(id_, statement))
        and len(resumed.get(id_, set()) - statement.people) < RESUMED_BY
    )
    revoked = tuple(s for s in known.values() if s.kind is StatementKind.REVOKE)
    over = frozenset(str(s.body.get("incident")) for s in known.values() if s.kind is StatementKind.STAND_DOWN)
    noes = tuple(verified for verified in stopping.values() if verified.statement.kind in NOES)
    return Stops(halts, revoked, status_at, tuple(sorted(set(listed) - known.keys())), over, noes)


def _halt(id_: str, statement: Statement) -> Halt:
    scope, target = statement.body.get("scope"), statement.body.get("target")
    try:
        return Halt(id_, HaltScope(str(scope)), str(target or ""), statement.said_by)
    except ValueError:
        return Halt(id_, HaltScope.EVERYTHING, "", statement.said_by)  # unreadable means stopped
