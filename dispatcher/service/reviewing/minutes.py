"""Where the minutes went: who was waited for, from the declaration to the first public post (reference: ux 10, 7).

Rules
  1. A message's path begins with the declaration, or for a later message with its first revision, and ends with its
     first public post, or with the last act about it so far.
  2. It is cut at every act that moved the message on: an activation, a revision, a signature about one of its plans
     or its channels until the release, and then at what machines did. Each piece belongs to whoever's act ended it:
     until then, that person was waited for. So every minute is somebody's, once.
  3. After the release, the time is the machines': the queue until the attempt that got through, the adapter, the
     platform. What a halt stopped is its resumers' time, and what people finish or settle is theirs.
  4. Pieces that follow each other and are the same person's for the same thing are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dispatcher.domain.incident import Incident
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role, Roster
from dispatcher.domain.statement import StatementKind, resolved
from dispatcher.service.reviewing.known import Written
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.sent import Delivered, Tally
from dispatcher.service.reviewing.signed import HaltRead, Signature, recorded

MACHINE = "machine"
"""The role of a span in which no person was waited for."""

SIGNING = {
    StatementKind.SUBMIT: "submitting the plan",
    StatementKind.APPROVE: "approving",
    StatementKind.REJECT: "rejecting",
    StatementKind.DECIDE: "recording the minister's decision",
    StatementKind.CONFIRM: "confirming the minister's decision",
    StatementKind.BREAK_GLASS: "breaking the glass",
    StatementKind.ASSESS: "assessing the channel",
    StatementKind.EXEMPT: "exempting the account",
    StatementKind.ATTEST: "attesting mitigations",
    StatementKind.RELEASE: "releasing",
}
"""The signatures that move a message on, and what their signer is waited for to do."""

FINISHING = {
    StatementKind.RECEIPT: "posting by hand",
    StatementKind.RESOLVE: "settling what became of it",
}
"""The signatures that end a delivery which no machine could."""

WRITING = (Role.AUTHOR, Role.TRANSLATOR)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a path: from when to when, who was waited for in which role, and for what.

    ``role`` is ``MACHINE``, with ``who`` empty, where no person was waited for.
    """

    start: datetime
    end: datetime
    who: str
    role: str
    what: str


@dataclass(frozen=True, slots=True)
class Path:
    """Where the minutes went, of one message: from ``start`` to its first public post, or to the last act so far.

    Its spans follow each other without a gap and do not overlap. ``plan`` is the one that became public first, else
    the newest. What has not happened is None.
    """

    message: str
    plan: str | None
    start: datetime
    submitted_at: datetime | None
    cleared_at: datetime | None
    released_at: datetime | None
    public_at: datetime | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of the incident that the paths go through.

    ``activated``: when somebody activated what a feed proposed, and who. ``signatures`` are those about no plan.
    """

    incident: Incident
    roster: Roster
    activated: tuple[datetime, str] | None
    revisions: Sequence[Written]
    plans: Sequence[PlanRead]
    signatures: Sequence[Signature]
    standing: Sequence[Signature]
    halts: Sequence[HaltRead]
    counts: Sequence[Tally]
    posts: Sequence[Delivered]


@dataclass(frozen=True, slots=True)
class _Act:
    """What ended a wait."""

    at: datetime
    who: str
    role: str
    what: str


def paths(course: Course) -> tuple[Path, ...]:
    """The path of every message of an incident, in the order in which they were first written."""
    messages = dict.fromkeys(written.message for written in course.revisions)
    return tuple(_path(course, message, first=number == 0) for number, message in enumerate(messages))


def _path(course: Course, message: str, *, first: bool) -> Path:
    revisions = [one for one in course.revisions if one.message == message]
    plans = [one for one in course.plans if one.stored.message == message]
    public = [(one.public_at, one) for one in plans if one.public_at]
    plan = min(public, key=lambda one: one[0])[1] if public else plans[-1] if plans else None
    acts = [*_written(course, revisions, first=first), *_signed(course, plans)]
    if plan and plan.released_at:
        released_at = plan.released_at
        acts = [act for act in acts if act.at <= released_at] + list(_sent(course, plan, released_at))
    start = course.incident.declared_at if first else revisions[0].at
    return Path(
        message=message,
        plan=plan.digest if plan else None,
        start=start,
        submitted_at=plan.submitted_at if plan else None,
        cleared_at=plan.cleared_at if plan else None,
        released_at=plan.released_at if plan else None,
        public_at=plan.public_at if plan else None,
        spans=_spans(start, acts),
    )


def _written(course: Course, revisions: Iterable[Written], *, first: bool) -> Iterator[_Act]:
    if course.activated and first:
        at, person = course.activated
        yield _Act(at, person, _role(course, person, at), "activating the incident")
    for one in revisions:
        yield _Act(one.at, one.person, _role(course, one.person, one.at, *WRITING), "writing the message")


def _signed(course: Course, plans: Sequence[PlanRead]) -> Iterator[_Act]:
    """Signatures about a message's plans, and about their channels since the first was submitted."""
    for plan in plans:
        yield from (
            _Act(at, said.person, said.role, SIGNING[said.kind]) for at, said in recorded(plan.signatures, *SIGNING)
        )
    channels = {channel for plan in plans for channel in plan.stored.plan.channels}
    for at, said in recorded(course.standing, *SIGNING):
        if said.body.get("channel") in channels and at >= plans[0].submitted_at:
            yield _Act(at, said.person, said.role, SIGNING[said.kind])


def _sent(course: Course, plan: PlanRead, released_at: datetime) -> Iterator[_Act]:
    """What came between the release and the first public post, if there is one yet."""
    public_at = plan.public_at
    if public_at is None:
        return
    for halt in course.halts:
        if halt.ended_at and released_at <= halt.at and halt.ended_at <= public_at:
            who = halt.resumed_by[-1]
            yield _machine(halt.at, "queue")
            yield _Act(halt.ended_at, who, _role(course, who, halt.ended_at), "resuming after a halt")
    texts = [one for one in course.posts if (one.plan, one.kind) == (plan.digest, TextKind.PUBLISH)]
    post = next((one for one in texts if one.accepted_at == public_at and one.attempts), None)
    if post:
        yield from _posted(post, (*plan.signatures, *course.signatures))
    else:
        began = [one.first_intent_at for one in course.counts if one.plan == plan.digest and one.listed]
        yield _machine(min(filter(None, began), default=public_at), "queue")
    yield _machine(public_at, "finding out what became of it" if post else "adapter and platform")


def _posted(post: Delivered, signatures: Iterable[Signature]) -> Iterator[_Act]:
    """The last attempt at a post, and those who finished it by hand or settled what became of it."""
    last, took = post.attempts[-1], timedelta(milliseconds=post.attempts[-1].provider_ms or 0)
    yield _machine(last.intended_at, "queue" if last.number == 1 else "queue and earlier attempts")
    if last.ended_at:
        yield _machine(max(last.intended_at, last.ended_at - took), "adapter")
        yield _machine(last.ended_at, "platform")
    for at, said in recorded(signatures, *FINISHING):
        if post.id in resolved(said.body) and post.accepted_at and at <= post.accepted_at:
            yield _Act(at, said.person, said.role, FINISHING[said.kind])


def _machine(at: datetime, what: str) -> _Act:
    return _Act(at, "", MACHINE, what)


def _role(course: Course, person: str, at: datetime, *likely: Role) -> str:
    """The role in which somebody acted who did not have to name it: a likely one that they held, or the first."""
    held = course.roster.roles_of(person, at)
    return str(next((role for role in (*likely, *held) if role in held), ""))


def _spans(start: datetime, acts: Iterable[_Act]) -> tuple[Span, ...]:
    found: list[Span] = []
    for act in sorted(acts, key=lambda act: act.at):
        if act.at <= start:
            continue
        span = Span(start, act.at, act.who, act.role, act.what)
        if found and (found[-1].who, found[-1].role, found[-1].what) == (span.who, span.role, span.what):
            span = replace(span, start=found.pop().start)
        found.append(span)
        start = act.at
    return tuple(found)
