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
        if step.facts.get("killed"):
            yield _killed(record, step)
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
    posts = {_post(one) for one in hit}
    shown = [one for one in record.effects if _post(one) in posts]
    public = {_post(one) for one in shown}
    how = f"{_all(len(public), len(posts))} that met it {'is' if len(posts) == 1 else 'are'} public"
    once = ", once" if len(posts) == 1 else ", once each"
    how += f", {len(shown) - len(public)} OF THEM TWICE" if len(shown) > len(public) else once
    delay = milliseconds(max(map(moment, shown)) - min(map(moment, hit))) if shown else 0
    how += f", the last {in_words(delay)} after the first met it" if delay else ""
    return Met(trouble["called"], len(hit), how)


def _post(seen: Mapping[str, Any]) -> tuple[str, str, str]:
    """The post that a request or an effect is about, as its far side names it."""
    return seen["provider"], seen["account"], seen["key"]


def _all(number: int, whole: int) -> str:
    if number == whole:
        return "the post" if whole == 1 else f"all {whole} posts"
    return f"{number} of {counted(whole, 'post')}"


def _killed(record: Record, step: LedgerLine) -> Met:
    """Roles whose process was killed, when each ran again, and what the sweeper took out of dead hands."""
    roles = [str(role) for role in step.facts["killed"]]
    started = [one for one in record.of("role.started") if one.at > step.at]
    again = {role: [one.at for one in started if one.facts["role"] == role] for role in roles}
    back = [in_words(milliseconds(at[0] - step.at)) if at else "never seen again" for at in again.values()]
    swept = sum(int(one.facts["count"]) for one in record.of("deliveries.swept") if one.at > step.at)
    how = f"running again after {' and '.join(back)}"
    how += f"; {counted(swept, 'post')} in dead hands looked up" if swept else ""
    return Met(f"kill -9 of {' and '.join(roles)}", len(roles), how)


def _revoked(record: Record, step: LedgerLine) -> Iterator[Met]:
    at = next((one.at for one in record.of("statement.revoke") if one.id > step.id), None)
    if at is None:
        return
    again = next((one.at for one in record.of("plan.released") if one.at > at), None)
    sent = sum(moment(one) >= at and (again is None or moment(one) < again) for one in record.sends)
    how = "nothing was sent after it" if not sent else f"{counted(sent, 'send')} came after it"
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
    how += f"; lifted by two others, then {counted(len(after) - len(late), 'send')}" if ended else "; it still stands"
    yield Met("a halt", 1, how)


def _corrected(record: Record, _step: LedgerLine) -> Iterator[Met]:
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
