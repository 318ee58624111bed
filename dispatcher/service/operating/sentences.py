"""How each channel stands, in one sentence that a press officer understands. Times of day are UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.domain.message import ARMED, SPOKEN, TextKind
from dispatcher.domain.people import Role
from dispatcher.service.judging import ChannelFinding
from dispatcher.service.operating.values import Tone

REACHED = ("accepted", "visible")
AWAITED = (*UNSETTLED, "held", "handed_over")
"""States of what was approved and is not yet public, nor known never to be."""

WAITED_FOR: Mapping[Role, str] = {
    Role.AUTHOR: "its author",
    Role.TRANSLATOR: "the translator",
    Role.CHECKER: "the checker",
    Role.LANGUAGE_CHECKER: "the language checker",
    Role.DUTY_DIRECTOR: "the duty director",
    Role.SECURITY: "security",
    Role.MINISTER: "the minister",
    Role.PRIVATE_OFFICE: "the minister",
    Role.LEGAL: "the lawyer",
    Role.PROPRIETY: "propriety",
    Role.FINANCE: "finance",
    Role.OPERATOR: "the operator",
    Role.OPS: "ops",
    Role.POLICY_OWNER: "the policy owners",
    Role.REVIEWER: "a reviewer",
}
"""Whom people wait for: the private office writes down what the minister decides."""

CLEARANCE_ENDED: Mapping[str, str] = {
    "refused": "refused: somebody rejected it",
    "expired": "not sent: its window has passed",
    "revoked": "revoked: somebody took its clearance back",
    "stood_down": "stood down with its incident",
}

PLAN_ENDED: Mapping[str, str] = {
    "returned": "sent back to its author",
    "withdrawn": "taken back by its author",
    "stopped": "stopped for good before all had gone",
}

TROUBLES: Sequence[tuple[str, str]] = (
    ("held", "waiting for people"),
    ("in_doubt", "may or may not be public"),
    ("missing", "gone from the public record"),
)
ENDED_BADLY: Sequence[tuple[str, str]] = (
    ("rejected", "rejected by the platform"),
    ("expired", "too late"),
    ("cancelled", "cancelled"),
)

MENDED: Mapping[TextKind, str] = {
    TextKind.CORRECT: "corrected",
    TextKind.WITHDRAW: "withdrawn",
    TextKind.ALL_CLEAR: "all-clear given",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a plan's message on one channel: counts by state, its posts, and when it began and went on.

    ``after``: the same counts of each armed text that was ordered for it; what people do by hand counts as held.
    """

    counts: Mapping[str, int]
    posts: Sequence[Any]
    released_at: datetime
    last_at: datetime | None
    halted_by: str = ""
    after: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All there are."""
        return sum(self.counts.values())

    @property
    def reached(self) -> int:
        """Those that are out."""
        return sum(self.counts.get(state, 0) for state in REACHED)

    @property
    def awaited(self) -> int:
        """Those that may still get there."""
        return sum(self.counts.get(state, 0) for state in AWAITED)


def of_submitted(finding: ChannelFinding, since: datetime) -> tuple[str, Tone]:
    """A channel of a plan that is not released; ``since``: when anybody signed anything about it last."""
    if (ended := CLEARANCE_ENDED.get(finding.found)) is not None:
        return ended, Tone.STOPPED
    if finding.clear:
        return f"cleared, waiting for its release since {_time(since)}", Tone.WAITING
    words = [word.strip() for failure in finding.lacking for word in failure.mend.split(",")]
    roles = list(dict.fromkeys(WAITED_FOR[Role(word)] for word in words if word in set(Role) & WAITED_FOR.keys()))
    if roles:
        return f"waiting for {_and(roles)} since {_time(since)}", Tone.WAITING
    return f"not clear: {finding.lacking[0].fact}", Tone.TROUBLE


def of_ended(state: str) -> tuple[str, Tone]:
    """A channel of a plan that was never released and will not be."""
    return PLAN_ENDED.get(state, state), Tone.STOPPED


def of_sent(sent: Sent) -> tuple[str, Tone]:
    """A channel of a released plan: its message, and what was ordered to mend it."""
    said, tone = _message(sent)
    for kind in ARMED:
        counts = sent.after.get(kind, {})
        if not sum(counts.values()):
            continue
        mended, its_tone = _mending(kind, counts)
        gone = kind is TextKind.WITHDRAW and its_tone is Tone.DONE and sum(counts.values()) >= sent.reached > 0
        said = mended if gone and tone is Tone.DONE else f"{said}; {mended}"
        tone = its_tone if tone in (Tone.DONE, Tone.GOING, Tone.NOTHING) else tone
    return said, tone


def _mending(kind: TextKind, counts: Mapping[str, int]) -> tuple[str, Tone]:
    """How far a correction, a withdrawal or an all-clear is."""
    if badly := _said(counts, (*TROUBLES[:2], ("missing", "not in effect"), *ENDED_BADLY)):
        return f"its {SPOKEN[kind]}: {badly}", Tone.TROUBLE
    if sum(counts.get(state, 0) for state in UNSETTLED):
        return f"its {SPOKEN[kind]} is going out", Tone.GOING
    if counts.get("handed_over"):
        return f"its {SPOKEN[kind]} is with its operators", Tone.WAITING
    return MENDED[kind], Tone.DONE


def _message(sent: Sent) -> tuple[str, Tone]:
    counts, left = sent.counts, sum(sent.counts.get(state, 0) for state in UNSETTLED)
    if sent.halted_by and left:
        return f"halted by {sent.halted_by}: {_out_of(sent)}", Tone.STOPPED
    if troubles := _said(counts, TROUBLES):
        return (troubles if sent.total == 1 else f"{_out_of(sent)}; {troubles}"), Tone.TROUBLE
    if left:
        return f"going out: {_out_of(sent)}, released {_time(sent.released_at)}", Tone.GOING
    if handed := counts.get("handed_over", 0):
        others = f"{_out_of(sent)}; " if sent.reached else ""
        return f"{others}{_counted(handed, sent.total)}with its operators, who publish it by hand", Tone.WAITING
    if badly := _said(counts, ENDED_BADLY):
        return (f"{_live(sent)}, but {badly}" if sent.reached else f"not reached: {badly}"), Tone.TROUBLE
    return (_live(sent), Tone.DONE) if sent.total else ("nothing to send", Tone.NOTHING)


def _live(sent: Sent) -> str:
    """``live since``: the moment from which all of it was, of a list the last."""
    at = max((post.accepted_at for post in sent.posts if post.accepted_at), default=sent.last_at)
    if sent.total > 1:
        return f"{sent.reached:,} of {sent.total:,} reached" + (f", the last at {_time(at)}" if at else "")
    return f"live since {_time(at or sent.released_at)}"


def _out_of(sent: Sent) -> str:
    if sent.total == 1:
        return "live" if sent.reached else "not out yet"
    return f"{sent.reached:,} of {sent.total:,} reached"


def _said(counts: Mapping[str, int], words: Sequence[tuple[str, str]]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{_counted(counts[state], total)}{said}" for state, said in words if counts.get(state))


def _counted(number: int, total: int) -> str:
    """The number, unless there is only one of it anyway."""
    return "" if total == 1 else f"{number:,} "


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _time(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
