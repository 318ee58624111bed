"""Incidents as ops see them: for each channel of each plan how far it is, and what is stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.domain.incident import Incident
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.message import ARMED, DELIVERED_AS, TextKind
from dispatcher.service.judging import ChannelFinding
from dispatcher.service.operating import lists, sentences
from dispatcher.service.operating.ledger_tail import LedgerTail
from dispatcher.service.operating.sentences import Sent
from dispatcher.service.operating.values import ChannelNow, IncidentNow, Tone
from dispatcher.service.stopping import Halted
from dispatcher.store import holds, records
from dispatcher.store.database import Work
from dispatcher.store.holds import BREAKER
from dispatcher.store.records import StoredPlan

PUBLISH = DELIVERED_AS[TextKind.PUBLISH]
OVER = ("returned", "withdrawn")
"""Plans that were given up: another one took their place."""


@dataclass(frozen=True, slots=True)
class PlanSeen:
    """What was found of a plan. ``counts``: kind, channel, account, state, deliveries, attempts.

    ``due``: per account when the first of what is ready is due, and how much is due later. ``findings`` is empty
    unless it waits for signatures. ``tasks``: what people do by hand to mend what was published, done or not.
    """

    stored: StoredPlan
    released_at: datetime | None
    signed_at: datetime
    counts: Sequence[tuple[str, str, str, str, int, int]]
    posts: Sequence[Any]
    due: Mapping[str, tuple[datetime | None, int]]
    findings: Sequence[ChannelFinding]
    tasks: Sequence[Any] = ()

    @property
    def digest(self) -> str:
        """Its name."""
        return self.stored.digest

    @property
    def state(self) -> str:
        """Where it stands."""
        return self.stored.state

    def states(self, channel: str, kind: str = PUBLISH) -> dict[str, int]:
        """How many deliveries of a text to a channel are in each state."""
        found: dict[str, int] = {}
        for text, of_channel, _, state, count, _ in self.counts:
            if (text, of_channel) == (kind, channel):
                found[state] = found.get(state, 0) + count
        return found

    def mended(self, channel: str, kind: TextKind) -> dict[str, int]:
        """The same of an armed text, by deliveries and by hand; a task stands for the delivery that failed."""
        found, by_hand = self.states(channel, kind), [t for t in self.tasks if (t.channel, t.kind) == (channel, kind)]
        for task in by_hand:
            failed = next((state for state, _ in sentences.ENDED_BADLY if found.get(state)), None)
            if failed:
                found[failed] -= 1
            state = "accepted" if task.done_at else "held"
            found[state] = found.get(state, 0) + 1
        return found


def of(work: Work, plans: Sequence[PlanSeen], halts: Sequence[Halted], tail: LedgerTail) -> Iterator[IncidentNow]:
    """The incidents that are not closed, those that are live and grave first."""
    found = [one for one in records.incidents(work) if one.state is not IncidentState.CLOSED]
    shut = {row.account: _shut(row) for row in holds.rows(work)}
    for incident in sorted(found, key=_rank):
        all_its = [plan for plan in plans if plan.stored.plan.incident == incident.id]
        mine = [plan for plan in all_its if plan.state not in OVER]
        stopped = [halt for halt in halts if halt.mode == str(incident.mode)]
        channels = [now for plan in mine for now in _channels(work, plan, stopped, tail, shut)]
        yield IncidentNow(
            id=incident.id,
            mode=str(incident.mode),
            kind=str(incident.kind),
            severity=int(incident.severity),
            title=incident.title,
            state=str(incident.state),
            declared_at=incident.declared_at,
            channels=tuple(channels),
            halts=tuple(in_words(halt) for halt in stopped if _reaches(halt, incident.id, mine)),
            matrix=tuple(line for plan in all_its for line in lists.lines(plan.digest, plan.counts)),
        )


def in_words(halt: Halted) -> str:
    """A halt in a sentence."""
    what = {"all": "all sending", "everything": "all sending, corrections too"}.get(halt.scope)
    return f"{what or f'{halt.scope} {halt.target}'} halted by {halt.by} at {halt.at:%H:%M:%S}"


def _rank(incident: Incident) -> tuple[bool, int, float]:
    return str(incident.mode) != "live", -int(incident.severity), -incident.declared_at.timestamp()


def _shut(row: Any) -> str:
    by = "left alone by its breaker" if row.person == BREAKER else f"held by {row.person}"
    return f"account {row.account} {by}"


def _channels(
    work: Work, plan: PlanSeen, halts: Sequence[Halted], tail: LedgerTail, shut: Mapping[str, str]
) -> Iterator[ChannelNow]:
    cleared = records.clearance_states(work, plan.digest)
    findings = {finding.channel: finding for finding in plan.findings}
    for channel in plan.stored.plan.channels:
        counts, finding = plan.states(channel), findings.get(channel)
        sent = _sent(plan, channel, counts, halts, tail, shut)
        if sent is not None:
            sentence, tone = sentences.of_sent(sent)
            since = plan.released_at if sent.awaited else None
        elif plan.state != "submitted":
            (sentence, tone), since = sentences.of_ended(plan.state), None
        elif finding is None:
            sentence, tone, since = "the gate cannot read this plan", Tone.TROUBLE, None
        else:
            sentence, tone = sentences.of_submitted(finding, plan.signed_at)
            since = plan.signed_at if finding.clear else None
        yield ChannelNow(
            channel=channel,
            plan=plan.digest,
            sentence=sentence,
            tone=tone,
            counts=counts,
            reached=sum(counts.get(state, 0) for state in sentences.REACHED),
            total=sum(counts.values()),
            clearance=finding.found if finding else cleared.get(channel, "pending"),
            clear_until=plan.stored.plan.not_after,
            unreached_since=since,
        )


def _sent(
    plan: PlanSeen,
    channel: str,
    counts: Mapping[str, int],
    halts: Sequence[Halted],
    tail: LedgerTail,
    shut: Mapping[str, str],
) -> Sent | None:
    if plan.released_at is None:
        return None
    accounts = frozenset(place.account for place in plan.stored.plan.destinations if place.channel == channel)
    last = tail.last_of(accounts)
    halted = next((halt.person for halt in halts if _stops(halt, plan, channel, accounts)), "")
    posts = [post for post in plan.posts if post.channel == channel]
    after = {str(kind): plan.mended(channel, kind) for kind in ARMED}
    ready = sorted(accounts & plan.due.keys())
    held_back = shut[ready[0]] if ready and shut.keys() >= set(ready) else ""
    return Sent(counts, posts, plan.released_at, last.at if last else None, halted, after, held_back)


def _stops(halt: Halted, plan: PlanSeen, channel: str, accounts: Iterable[str]) -> bool:
    """Whether it stops a whole channel of a plan; a halt of one of several accounts does not."""
    targets = {
        "channel": {channel},
        "account": set(accounts) if len(set(accounts)) == 1 else set(),
        "incident": {plan.stored.plan.incident},
        "plan": {plan.digest},
    }
    return halt.scope in ("all", "everything") or halt.target in targets.get(halt.scope, set())


def _reaches(halt: Halted, incident: str, plans: Iterable[PlanSeen]) -> bool:
    """Whether it stops anything of an incident."""
    if halt.scope == "incident":
        return halt.target == incident
    places = [place for plan in plans for place in plan.stored.plan.destinations]
    named = {
        "plan": {plan.digest for plan in plans},
        "channel": {place.channel for place in places},
        "account": {place.account for place in places},
    }
    return halt.scope not in named or halt.target in named[halt.scope]
