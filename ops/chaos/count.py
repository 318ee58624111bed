"""The count: what our rows and attempts say against the journal of the simulated platforms.

A delivery is known to its platform by a key: Notify's reference and a webhook's id are the delivery's, Bluesky's
record key is a function of it, and on X it is the text, in which every plan of a campaign has a mark of its own.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from channels.bluesky.wire import record_key
from channels.simulator.faults import FaultKind

ACCEPTED = frozenset({"accepted", "visible"})
AMBIGUOUS = (
    FaultKind.ACT_THEN_ERROR,
    FaultKind.ACT_THEN_DROP,
    FaultKind.DROP,
    FaultKind.ACT_THEN_DRIP,
    FaultKind.STALL,
)
"""Answers after which nobody can know whether the platform acted."""

MARK = re.compile(r"Storm \d{5}")


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery at the end. ``far`` is the account as its platform names it."""

    id: str
    channel: str
    far: str
    plan_mark: str
    released_at: datetime
    state: str
    reason: str
    intended_at: Sequence[datetime]

    @property
    def key(self) -> tuple[str, str, str]:
        """Provider, account and key of the one post that this delivery is."""
        match self.channel:
            case "x":
                return self.channel, self.far, self.plan_mark
            case "bluesky":
                return self.channel, self.far, record_key(self.id, self.released_at)
            case _:
                return self.channel, self.far, self.id


@dataclass(frozen=True, slots=True)
class Count:
    """The figures of one campaign.

    ``lost``: deliveries that neither were accepted nor wait for people. ``duplicated``: posts on a public record
    beyond the first. ``false_sent``: accepted, and on no public record. ``held_published``: held, and in fact public:
    what a blind repeat would have doubled. ``unmatched``: requests that no committed intent came before.
    """

    deliveries: int
    by_state: Mapping[str, int]
    by_channel: Mapping[str, int]
    requests: int
    ambiguous: int
    attempts: int
    lost: int
    duplicated: int
    false_sent: int
    held: Mapping[str, int]
    held_published: int
    unmatched: int

    def document(self) -> dict[str, Any]:
        """As JSON; ``held`` is their number, ``held_for`` why."""
        return {**asdict(self), "held": sum(self.held.values()), "held_for": dict(self.held)}


def count(sent: Sequence[Sent], expected: int, journal: Mapping[str, Any]) -> Count:
    """Compare ``expected`` deliveries with what the platforms saw."""
    published = Counter(_key(one) for one in journal["effects"] if one["kind"] == "published")
    asked = [one for one in journal["requests"] if one["route"] == "publish"]
    known = {one.key for one in sent}
    ended_well = sum(one.state in ACCEPTED or one.state == "held" for one in sent)
    return Count(
        deliveries=expected,
        by_state=dict(Counter(one.state for one in sent)),
        by_channel=dict(Counter(one.channel for one in sent)),
        requests=len(asked),
        ambiguous=sum(one["fault"] in AMBIGUOUS for one in asked),
        attempts=sum(len(one.intended_at) for one in sent),
        lost=expected - ended_well,
        duplicated=sum(times - 1 for times in published.values()),
        false_sent=sum(one.state in ACCEPTED and not published[one.key] for one in sent),
        held=dict(Counter(one.reason for one in sent if one.state == "held")),
        held_published=sum(one.state == "held" and published[one.key] > 0 for one in sent),
        unmatched=_unmatched(sent, asked) + len(published.keys() - known),
    )


def _unmatched(sent: Sequence[Sent], asked: Sequence[Mapping[str, Any]]) -> int:
    """Requests that came before as many intents were committed: per post, and per account where they name none."""
    intents: dict[tuple[str, ...], list[datetime]] = defaultdict(list)
    for one in sent:
        for at in one.intended_at:
            intents[one.key].append(at)
            intents[one.key[:2]].append(at)
    arrivals: dict[tuple[str, ...], list[datetime]] = defaultdict(list)
    for request in asked:
        key, at = _key(request), datetime.fromisoformat(request["at"])
        if key[2]:
            arrivals[key].append(at)
        arrivals[key[:2]].append(at)
    by_post = sum(_early(times, intents[key]) for key, times in arrivals.items() if len(key) == 3)
    by_account = sum(_early(times, intents[key]) for key, times in arrivals.items() if len(key) == 2)
    return max(by_post, by_account)


def _early(arrived: Iterable[datetime], intended: Iterable[datetime]) -> int:
    """How many arrivals lack an intent of their own from before them."""
    intents, matched, early = sorted(intended), 0, 0
    for at in sorted(arrived):
        if matched < len(intents) and intents[matched] <= at:
            matched += 1
        else:
            early += 1
    return early


def _key(seen: Mapping[str, Any]) -> tuple[str, str, str]:
    """The key of a request or effect; on X the mark in the text."""
    key = str(seen["key"])
    mark = MARK.search(key) if seen["provider"] == "x" else None
    return str(seen["provider"]), str(seen["account"]), mark[0] if mark else key
