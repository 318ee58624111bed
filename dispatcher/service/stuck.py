"""What is held, in doubt or cannot be reached: the relay has people told, whatever else watches.

Rules
  1. Of each incident, account and reason people are told once: an entry in the ledger and a notice. When none is left
     that is on record too, and the next one is told again.
  2. In doubt is told after a minute: most is settled by then, by looking. What waits for a status goes on by itself.
  3. Probes are told of live accounts only, those found in one turn in one notice. An exercise's wear nothing out.
  4. Looking takes a fiftieth of the relay's time at most, as long as one look takes under 0.6 s; then it is every
     ``silence_ms``. Of a plan's account some hundred reasons are read for each number of attempts: one that is hidden
     behind so many others is told when those are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import HeldReason
from dispatcher.domain.statement import Mode
from dispatcher.service import notices
from dispatcher.service.desk import Desk
from dispatcher.service.missing import SHARE, TOLD
from dispatcher.service.notices import Notice
from dispatcher.store import stuck, whole
from dispatcher.store.database import Work
from dispatcher.store.stuck import SAMPLE, Group, Key

IN_DOUBT, OTHER = "in_doubt", "other"
DOUBTED_FOR = timedelta(minutes=1)
MOST_NAMED = 20
"""How many accounts one notice names."""

WHY_HELD: Mapping[str, str] = {
    HeldReason.AMBIGUOUS: "may be public or not: two people look, then sign what they saw",
    HeldReason.EXHAUSTED: "not sent, and all tries are used up: one person may retry",
    HeldReason.REFUSED: "the gate refused: see why, and who can mend it",
    HeldReason.STALE_STATUS: "no fresh status: goes on by itself once the relay signs one",
    HeldReason.POISON: "workers died holding it: read the log, then one person may retry",
}
DOUBTED = "may be public or not; the platform is being asked"


@dataclass(frozen=True, slots=True)
class Stuck:
    """Deliveries of one incident and account that are held for one reason, or in doubt.

    ``count`` is how many are held there, or in doubt; ``delivery`` one of them.
    """

    incident: str
    title: str
    plan: str
    channel: str
    account: str
    reason: str
    count: int
    delivery: str

    @property
    def key(self) -> Key:
        """What people are told of once."""
        return self.incident, self.account, self.reason

    @property
    def state(self) -> str:
        """Theirs."""
        return IN_DOUBT if self.reason == IN_DOUBT else "held"

    @property
    def command(self) -> str:
        """What to type about it."""
        return mend(self.reason, self.count, self.incident, self.account, self.delivery)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An account whose last probe failed."""

    account: str
    channel: str

    @property
    def key(self) -> Key:
        """What people are told of once."""
        return "", self.account, ""


Found = Stuck | Unanswered


class Finder:
    """See the module. One per relay; ``elapsed`` is a clock in seconds that nobody sets."""

    def __init__(self, desk: Desk, mode: Mode, owner: str, elapsed: Callable[[], float]) -> None:
        self._desk = desk
        self._mode = mode
        self._owner = owner
        self._elapsed = elapsed
        self._next_s = 0.0

    def turn(self) -> list[Found]:
        """Look, where it is time to, and write down what changed; returns what nobody was told of yet."""
        began_s = self._elapsed()
        if began_s < self._next_s:
            return []
        with self._desk.store.read(at_once=True) as work:
            found, lasting = self._look(work)
            new, over = self._news(work, found, lasting)
        ended_s = self._elapsed()
        self._next_s = ended_s + min(SHARE * (ended_s - began_s), self._desk.settings.timing.silence_ms / 1000)
        return self._record(found, lasting) if new or over else []

    def tell(self, found: Sequence[Found]) -> list[Notice]:
        """Tell every duty director and ops: in a notice for each incident, account and reason, and one for probes."""
        people = notices.holding(self._desk, *TOLD) if found else []
        sent: list[Notice] = []
        for one in found:
            if isinstance(one, Stuck):
                word = "In doubt" if one.state == IN_DOUBT else "Held"
                about = {"incident": one.incident, "account": one.account}
                sent += notices.tell(self._desk, self._mode, people, f"{word}: {one.title}", _letter(one), **about)
        if ill := [one for one in found if isinstance(one, Unanswered)]:
            title, body = _unanswered(ill)
            sent += notices.tell(self._desk, self._mode, people, title, body)
        return sent

    def _look(self, work: Work) -> tuple[list[Found], set[Key]]:
        """What people are to know of, and all that is or may be so still."""
        mode, groups = str(self._mode), stuck.groups(work, str(self._mode))
        found = [*_of(groups, work.now)]
        lasting = {(g.incident, g.account, _reason(g, row)) for g in groups for row in g.first}
        for group in groups:
            if group.count > SAMPLE:
                lasting |= {(group.incident, group.account, why) for why in _reasons_in(group.state)}
        ill = (
            [Unanswered(row.id, row.channel) for row in stuck.failing(work, mode)] if self._mode is Mode.LIVE else []
        )
        return [*found, *ill], lasting | {one.key for one in ill}

    def _news(self, work: Work, found: Sequence[Found], lasting: set[Key]) -> tuple[list[Found], list[Key]]:
        told = stuck.told(work)
        new = [one for one in found if one.key not in told]
        return new, [key for key, (_, facts) in told.items() if facts["mode"] == self._mode and key not in lasting]

    def _record(self, found: Sequence[Found], lasting: set[Key]) -> list[Found]:
        mode = str(self._mode)
        with self._desk.store.write() as work:
            if not whole.leads(work, mode, self._owner):
                return []
            new, over = self._news(work, found, lasting)
            for one in new:
                about = {"account": one.account, "channel": one.channel, "mode": mode}
                if isinstance(one, Stuck):
                    about |= {"incident": one.incident, "reason": one.reason, "look": one.command}
                    work.record("deliveries.stuck", **about, count=one.count)
                else:
                    work.record("probe.failing", **about)
            for incident, account, reason in over:
                if incident:
                    work.record("deliveries.free", incident=incident, account=account, reason=reason, mode=mode)
                else:
                    work.record("probe.passing", account=account, mode=mode)
            return new


def mend(reason: str, count: int, incident: str, account: str, delivery: str) -> str:
    """The command for deliveries that are held for a reason, or in doubt."""
    if reason == IN_DOUBT:
        return f"dispatcher delivery reconcile --incident {incident}"
    if reason not in (HeldReason.AMBIGUOUS, HeldReason.EXHAUSTED, HeldReason.POISON):
        return f"dispatcher gate explain {delivery}"
    act = "resolve ANSWER" if reason == HeldReason.AMBIGUOUS else "retry"
    if count == 1:
        answer = f"resolve {delivery} seen|not_seen" if reason == HeldReason.AMBIGUOUS else f"retry {delivery}"
        return f"dispatcher delivery {answer}"
    return f"dispatcher delivery {act} --incident {incident} --account {account} --held {reason}"


def _of(groups: Sequence[Group], now: datetime) -> Iterator[Stuck]:
    """Each incident, account and reason once; in doubt, where that lasts."""
    counts: dict[tuple[str, str, str], int] = {}
    for group in groups:
        at = (group.incident, group.account, group.state)
        counts[at] = counts.get(at, 0) + group.count
    seen: set[Key] = {(group.incident, group.account, HeldReason.STALE_STATUS) for group in groups}
    for group in groups:
        for row in group.first:
            reason = _reason(group, row)
            young = reason == IN_DOUBT and (row.first_intent_at or now) > now - DOUBTED_FOR
            if not young and (group.incident, group.account, reason) not in seen:
                seen.add((group.incident, group.account, reason))
                count = counts[group.incident, group.account, group.state]
                about = (group.incident, group.title, group.plan, group.channel, group.account)
                yield Stuck(*about, reason, count, row.id)


def _reason(group: Group, row: object) -> str:
    """A word of ours: what else stands in a row is in no notice."""
    if group.state == IN_DOUBT:
        return IN_DOUBT
    said = getattr(row, "reason", "")
    return said if said in WHY_HELD else OTHER


def _reasons_in(state: str) -> tuple[str, ...]:
    return (IN_DOUBT,) if state == IN_DOUBT else (*map(str, WHY_HELD), OTHER)


def _letter(one: Stuck) -> str:
    why = DOUBTED if one.reason == IN_DOUBT else WHY_HELD.get(one.reason, "see each")
    lines = [f"{one.count:,} to {one.account} ({one.channel}): {why}"]
    lines += [f"Look: dispatcher delivery list --plan {short(one.plan)} --state {one.state}", f"Do: {one.command}"]
    return "\n".join(lines)


def _unanswered(ill: Sequence[Unanswered]) -> tuple[str, str]:
    names, more = ", ".join(f"{one.account} ({one.channel})" for one in ill[:MOST_NAMED]), len(ill) - MOST_NAMED
    names += f" and {more} more" if more > 0 else ""
    title = (
        f"{ill[0].account} does not answer as it should" if len(ill) == 1 else f"Probes of {len(ill)} accounts fail"
    )
    return (
        title,
        f"The last probe failed: {names}.\nLook: dispatcher channel probe {ill[0].account}, dispatcher status",
    )
