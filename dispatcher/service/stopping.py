"""Stopping: one person halts at once, two others resume (design: gate 9).

Rules
  1. Whoever is on the roster may halt, or has the console do it; the reason may follow. A name that stops nothing
     is refused, not swallowed.
  2. A halt ends when two people, neither of them the halter, have signed a resume of that very halt; nobody signs one
     as platform admin, reviewer or console. Who had the console halt is the halter. A halt of one plan suspends its
     clearance.
  3. Halts and resumes do not lapse: their statements hold for ten years.

A halt reaches the senders through the lanes' own look at the store, within a quarter of a second.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.errors import Forbidden, Invalid, NotFound
from dispatcher.domain.ids import short
from dispatcher.domain.people import OF_PEOPLE, Role
from dispatcher.domain.statement import Mode, StatementKind, Verified
from dispatcher.gate.stops import NEVER_RESUME, RESUMED_BY, HaltScope, stops_from
from dispatcher.sending.status import StatusRefused, authentic_stop, read_status
from dispatcher.service.accounts import channel_named
from dispatcher.service.desk import Desk, Pen
from dispatcher.statements.errors import StatementRefused
from dispatcher.store import accounts, records, statements
from dispatcher.store.database import Work

HALT_LIFE = timedelta(days=3_653)
RESUMING = tuple(role for role in Role if role not in NEVER_RESUME)
NO_TARGET = (HaltScope.ALL, HaltScope.EVERYTHING)


@dataclass(frozen=True, slots=True)
class Halted:
    """A halt, and who has signed for its end.

    ``person`` is who halted, or had the console do it: then ``through`` is the console's id on the roster.
    """

    statement: str
    mode: Mode
    scope: HaltScope
    target: str
    person: str
    reason: str
    at: datetime
    resumed_by: tuple[str, ...] = ()
    through: str = ""

    @property
    def by(self) -> str:
        """Who halted, in words."""
        return f"{self.person} through the console" if self.through else self.person

    @property
    def needed(self) -> int:
        """How many more signatures end it; 0 when it has ended."""
        return max(0, RESUMED_BY - len(self.resumed_by))

    @property
    def in_force(self) -> bool:
        """Whether it still stops anything."""
        return self.needed > 0


def halt(
    desk: Desk, scope: HaltScope, target: str, pen: Pen, mode: Mode, reason: str = "", asked_by: str = ""
) -> Halted:
    """Stop sending, at once. Raises NotFound or Invalid for a target that is none, SignatureNeeded.

    ``asked_by`` is the person in whose name the console signs; empty where people sign themselves.
    """
    with desk.store.read() as work:
        named = checked_target(work, scope, target, mode)
    about: dict[str, Json] = {"scope": str(scope), "target": named}
    subject = canonical.digest("halt/v1", canonical.encode(dict(about)))
    body = {**about, "reason": reason, **named_by(asked_by)}
    envelope = desk.sign(pen, halting_roles(asked_by), StatementKind.HALT, subject, mode, body, HALT_LIFE)
    with desk.store.write() as work:
        made = desk.record(work, envelope, mode, named if scope is HaltScope.INCIDENT else None)
    person, through = (asked_by, made.person) if asked_by else (made.person, "")
    return Halted(made.id, mode, scope, named, person, reason, made.not_before, through=through)


def named_by(asked_by: str) -> dict[str, Json]:
    """What a statement's body says of the person in whose name the console signs."""
    return {"asked_by": asked_by} if asked_by else {}


def halting_roles(asked_by: str) -> tuple[Role, ...]:
    """The roles to sign a stop in: the console's own in somebody's name, else any but that."""
    return (Role.CONSOLE,) if asked_by else OF_PEOPLE


def resume(desk: Desk, halt_name: str, pen: Pen) -> Halted:
    """Sign for the end of a halt. Raises NotFound, Forbidden for the halter, Invalid where nothing is to sign."""
    person = desk.person(pen)
    before = _named(desk, halt_name)
    again = f"dispatcher resume {short(before.statement)}"
    if person.id in (before.person, before.through):
        raise Forbidden(f"{person.id} halted this and cannot resume it: two others sign", again)
    if person.id in before.resumed_by:
        raise Invalid(f"{person.id} has signed this resume already: one more person signs", again)
    if not before.in_force:
        raise Invalid("this halt has ended already", "dispatcher status")
    envelope = desk.sign(pen, RESUMING, StatementKind.RESUME, before.statement, before.mode, {}, HALT_LIFE)
    with desk.store.write() as work:
        desk.record(work, envelope, before.mode, None)
        after = next(h for h in halts_in(desk, work, before.mode) if h.statement == before.statement)
        if not after.in_force:
            work.record("halt.ended", actor=person.id, halt=after.statement, resumed_by=list(after.resumed_by))
    return after


def halts(desk: Desk, mode: Mode) -> list[Halted]:
    """Every halt of a mode, oldest first, with who has signed for its end."""
    with desk.store.read() as work:
        return halts_in(desk, work, mode)


def halts_in(desk: Desk, work: Work, mode: Mode) -> list[Halted]:
    """The same, in a transaction that is open."""
    verified, _ = stops_known(desk, work, mode)
    return [_halted(v, verified) for v in verified if v.statement.kind is StatementKind.HALT]


def stops_known(desk: Desk, work: Work, mode: Mode) -> tuple[list[Verified], datetime | None]:
    """Every authentic stop of a mode, as senders go by it, and when the last signed status was made."""
    status, listed, made_at = records.status(work, str(mode)), tuple[str, ...](), None
    root, verifier, known = desk.trust.root, desk.verifier(mode), []
    if status is not None:
        with suppress(StatusRefused):
            read = read_status(status, root.status_key, root.deployment, mode)
            listed, made_at = read.stops, read.made_at
    for envelope in statements.stop_envelopes(work, str(mode)):
        with suppress(StatementRefused):
            known.append(authentic_stop(envelope, verifier, work.now, listed))
    return known, made_at


def _named(desk: Desk, name: str) -> Halted:
    fitting = [h for mode in Mode for h in halts(desk, mode) if name and h.statement.startswith(name)]
    if not fitting:
        raise NotFound(f"there is no halt {name}", "dispatcher status")
    if len(fitting) > 1:
        raise Invalid(f"{name} fits {len(fitting)} halts", "give more of the name")
    return fitting[0]


def _halted(said: Verified, stops: list[Verified]) -> Halted:
    """Read a halt with the gate's own reading."""
    statement, read = said.statement, stops_from([said]).halts[0]
    resumes = (v.statement for v in stops if v.statement.kind is StatementKind.RESUME)
    people = {r.person for r in resumes if r.subject == statement.id and r.role not in NEVER_RESUME}
    return Halted(
        statement=statement.id,
        mode=statement.mode,
        scope=read.scope,
        target=read.target,
        person=statement.asked_by or statement.person,
        through=statement.person if statement.asked_by else "",
        reason=str(statement.body.get("reason", "")),
        at=statement.not_before,
        resumed_by=tuple(sorted(people - statement.people)),
    )


def checked_target(work: Work, scope: HaltScope, target: str, mode: Mode) -> str:
    """What a halt would name in full. Raises NotFound or Invalid for a target that is none, or of the other mode."""
    if scope in NO_TARGET:
        if target:
            raise Invalid(f"a halt of {scope} has no target", f"leave {target} out, or name its kind")
        return ""
    if scope is HaltScope.CHANNEL:
        return channel_named(target)
    if scope is HaltScope.PLAN:
        return records.plan(work, target).digest
    found = accounts.row(work, target) if scope is HaltScope.ACCOUNT else records.incident(work, target)
    if str(found.mode) != str(mode):
        raise Invalid(f"{scope} {found.id} is {found.mode}", f"halt it in that mode: --mode {found.mode}")
    return str(found.id)
