"""What every document begins with, in the same words: what happened, how it ended, and what to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.review import Review
from dispatcher.service.reviewing.sent import Tally
from dispatcher.service.reviewing.signed import Signature
from ops.review.words import NONE, capitalised, counted, listed, milliseconds, second, spaced, took

OUT = ("accepted", "visible", "missing")
OPEN_ENDS = {
    "in_doubt": "may have gone out, and nobody knows yet",
    "held": "held, waiting for people",
    "missing": "accepted, and the public does not see it",
    "rejected": "refused by the platform",
    "expired": "ran out of time",
    "handed_over": "waiting for operators' receipts",
}
"""States in which a delivery wants looking at, worst first."""

LATE_MS = 15 * 60_000
"""What was recorded so long after its source said it is called late; the review shows both times of everything."""


def marks(found: Review) -> tuple[str, ...]:
    """What every view must say of an exercise."""
    return ("EXERCISE: nothing in this document was sent to the public",) if found.incident.mode == "exercise" else ()


def total(tallies: Iterable[Tally]) -> dict[str, int]:
    """How many deliveries are in each state."""
    counts: dict[str, int] = {}
    for tally in tallies:
        for state, number in tally.states.items():
            counts[state] = counts.get(state, 0) + number
    return counts


def out(counts: Mapping[str, int]) -> int:
    """How many a platform accepted."""
    return sum(counts.get(state, 0) for state in OUT)


def summary(found: Review) -> str:
    """One paragraph: what, when, how many, how it ended."""
    return " ".join(_sentences(found))


def _sentences(found: Review) -> Iterator[str]:
    incident, messages = found.incident, {plan.stored.message for plan in found.plans}
    yield (
        f"{incident.title} ({spaced(incident.kind)}, severity {incident.severity.name}) was declared at "
        f"{second(incident.declared_at)} UTC by {incident.declared_by}."
    )
    released = [plan for plan in found.plans if plan.released_at]
    plans = (
        f"{counted(len(found.plans), 'plan')} for {counted(len(messages), 'message')}" if found.plans else "No plan"
    )
    yield f"{plans} {'were' if len(found.plans) > 1 else 'was'} submitted, {len(released)} released."
    public = min((plan.public_at for plan in released if plan.public_at), default=None)
    if public:
        yield (
            f"The first post was public at {second(public)} UTC, "
            f"{took(milliseconds(public - incident.declared_at))} after the declaration."
        )
    published = total(tally for tally in found.tallies if tally.kind is TextKind.PUBLISH)
    if published:
        channels = {tally.channel for tally in found.tallies}
        yield (
            f"Of {counted(sum(published.values()), 'delivery', 'deliveries')} of the message on "
            f"{counted(len(channels), 'channel')}, {out(published):,} were accepted."
        )
    if found.ways_back:
        yield f"Ordered after it: {listed(SPOKEN[way.kind] for way in found.ways_back)}."
    unsettled = sum(number for state, number in total(found.tallies).items() if state in UNSETTLED)
    waiting = f"{counted(unsettled, 'delivery', 'deliveries')} under way or waiting for a release"
    left = waiting if unsettled else "nothing is under way"
    yield f"The incident is {spaced(incident.state)}; {left}."


def problems(found: Review) -> tuple[str, ...]:
    """What did not go as it should, and is not settled or not explained; every sentence is a fact of the record."""
    return tuple(map(capitalised, _problems(found)))


def attention(found: Review) -> tuple[str, ...]:
    """What a reader should look at: the problems, then what was refused and what was recorded late."""
    return (*problems(found), *map(capitalised, _past(found)))


def _problems(found: Review) -> Iterator[str]:
    for plan in found.plans:
        yield from _of_plan(plan)
    yield from _of_signatures(found.signatures, "the incident")
    yield from _of_sending(found.tallies)
    unseen = listed(one.account for one in found.deliveries if one.seen in ("missing", "altered"))
    if unseen != NONE:
        yield f"not what the public sees as approved: {unseen}"
    for halt in found.halts:
        if halt.ended_at is None:
            yield f"a halt of {halt.scope} {halt.target} stands since {second(halt.at)} UTC: {halt.reason}"


def _past(found: Review) -> Iterator[str]:
    denied = sum(denial.count for denial in found.denials)
    if denied:
        yield f"refused on the way: {denied:,}, by {listed(d.clause or spaced(d.kind) for d in found.denials)}"
    late = sum(milliseconds(k.recorded_at - k.said_at) > LATE_MS for k in found.known)
    if late:
        yield f"recorded more than {took(LATE_MS)} after it was said: {counted(late, 'fact')}"


def _of_plan(plan: PlanRead) -> Iterator[str]:
    name = f"plan {short(plan.digest)}"
    if any(not exact.parts and not exact.media for exact in plan.texts):
        yield f"the texts stored for {name} are not the bytes that were signed"
    yield from _of_signatures(plan.signatures, name)
    if plan.glass:
        until = plan.glass.reviewed_at
        review = (
            f"reviewed at {second(until)} UTC"
            if until
            else f"not reviewed; due {second(plan.glass.review_due_at)} UTC"
        )
        yield f"the glass was broken for {name}, {review}"
    faults = [mitigated for mitigated in plan.mitigations if mitigated.fault]
    if faults:
        yield f"{counted(len(faults), 'mitigation')} of {name} did not hold: {listed(m.code for m in faults)}"
    if plan.stopped_in_ms:
        yield f"after {name} was revoked, attempts began for another {took(plan.stopped_in_ms)}"


def _of_signatures(signatures: tuple[Signature, ...], about: str) -> Iterator[str]:
    never = listed(s.said.person if s.said else "somebody unreadable" for s in signatures if not s.held)
    if never != NONE:
        yield f"a signature about {about} never held: {never}"
    since = listed(s.said.person for s in signatures if s.said and s.held and s.refused)
    if since != NONE:
        yield f"a signature about {about} held when it was given and holds no more: {since}"


def _of_sending(tallies: tuple[Tally, ...]) -> Iterator[str]:
    for state, what in OPEN_ENDS.items():
        number = sum(tally.states.get(state, 0) for tally in tallies)
        if number:
            where = listed(spaced(tally.channel) for tally in tallies if tally.states.get(state))
            yield f"{what}: {counted(number, 'delivery', 'deliveries')}, on {where}"
