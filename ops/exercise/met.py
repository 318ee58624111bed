"""What went wrong on purpose, and how it was met: in words, each from what the record and the far sides show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.service.ledger import LedgerLine
from ops.exercise.record import Record, moment
from ops.review.words import counted, milliseconds
from ops.review.words import took as in_words


@dataclass(frozen=True, slots=True)
class Met:
    """Something that went wrong on purpose, how often, and how it was met."""

    what: str
    count: int
    how: str


def met(record: Record) -> Iterator[Met]:
    """Everything that the steps of a run let go wrong, in their order."""
    for step in record.steps:
        for trouble in step.facts.get("troubles", []):
            yield _fault(record, step, trouble)
        for role in step.facts.get("killed", []):
            yield _kill(record, step, str(role))
        if step.facts.get("act") in ACTS:
            yield from ACTS[step.facts["act"]](record, step)
        if step.facts.get("awaits") == "release.refused":
            yield from _refused(record, step)


def _fault(record: Record, step: LedgerLine, trouble: Mapping[str, Any]) -> Met:
    """Requests that met a fault, and what became of the posts that they were about."""
    hit = [
        one
        for one in record.sends
        if (one["provider"], one["fault"]) == (trouble["provider"], trouble["kind"]) and moment(one) >= step.at
    ]
    if not hit:
        return Met(trouble["called"], 0, "nothing met it")
    posts = {(one["provider"], one["account"], one["key"]) for one in hit}
    shown = [one for one in record.effects if (one["provider"], one["account"], one["key"]) in posts]
    public = {(one["provider"], one["account"], one["key"]) for one in shown}
    last = max(map(moment, shown), default=None)
    once = "each once" if len(shown) == len(public) else f"{len(shown) - len(public)} of them twice"
    how = f"{len(public)} of the {counted(len(posts), 'post')} that met it are public, {once}"
    how += f", the last {in_words(milliseconds(last - min(map(moment, hit))))} after the first met it" if last else ""
    return Met(trouble["called"], len(hit), how)


def _kill(record: Record, step: LedgerLine, role: str) -> Met:
    again = [one.at for one in record.of("role.started") if one.facts.get("role") == role and one.at > step.at]
    how = f"running again after {in_words(milliseconds(again[0] - step.at))}" if again else "not seen to run again"
    swept = sum(int(one.facts["count"]) for one in record.of("deliveries.swept") if one.at > step.at)
    how += f"; {counted(swept, 'post')} in its hands were looked up" if swept else ""
    return Met(f"kill -9 of {role}", 1, how)


def _revoked(record: Record, step: LedgerLine) -> Iterator[Met]:
    at = next((one.at for one in record.of("statement.revoke") if one.id > step.id), None)
    if at is None:
        return
    again = next((one.at for one in record.of("plan.released") if one.at > at), None)
    sent = sum(moment(one) >= at and (again is None or moment(one) < again) for one in record.sends)
    how = "nothing was sent after it" if not sent else f"{sent} requests were sent after it"
    how += (
        f"; another plan was released {in_words(milliseconds(again - at))} later"
        if again
        else "; nothing was released"
    )
    yield Met("a revoked clearance", 1, how)


def _halted(record: Record, step: LedgerLine) -> Iterator[Met]:
    at = next((one.at for one in record.of("statement.halt") if one.id > step.id), None)
    if at is None:
        return
    ended = next((one.at for one in record.of("halt.ended") if one.at > at), None)
    after = [moment(one) for one in record.sends if moment(one) > at]
    late = [one for one in after if ended is None or one < ended]
    how = (
        f"the last send came {in_words(milliseconds(max(late) - at))} after the signature"
        if late
        else "no send came after it"
    )
    how += f"; lifted by two others, then {len(after) - len(late)} sends" if ended else "; it still stands"
    yield Met("a halt", 1, how)


def _corrected(record: Record, step: LedgerLine) -> Iterator[Met]:
    at = record.decided
    shown = record.public(at)
    if at is None:
        return
    how = (
        f"{counted(len(shown), 'post')} mended, the first {in_words(milliseconds(shown[0] - at))} after the decision"
        if shown
        else "none"
    )
    how += f", the last {in_words(milliseconds(shown[-1] - at))}" if shown else " was mended on a simulated platform"
    yield Met("a wrong text", 1, how)


def _refused(record: Record, step: LedgerLine) -> Iterator[Met]:
    entry = next((one for one in record.of("release.refused") if one.id > step.id), None)
    sent = entry and sum(step.at <= moment(one) <= entry.at for one in record.sends)
    if entry is not None:
        yield Met("a release before it was clear", 1, f"refused, {'nothing was sent' if not sent else 'BUT SENT'}")


ACTS = {"revoke": _revoked, "halt": _halted, "correct": _corrected}
