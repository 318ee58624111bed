"""From an alert to the incident that an officer is shown: a pure proposal, never a decision.

Rules
  1. Only a public ``Alert`` in force proposes. Everything else is refused, with what to do instead.
  2. ``status`` alone decides live or exercise: Actual may become live, Exercise and Test never do, System and Draft
     propose nothing (reference: cap 0, decision 4).
  3. One block speaks for each language: the first, in document order, that has not expired. Headline, codes and
     area names come from the first of these blocks; polygons and circles from all of them together.
  4. The proposal ends when the last of those blocks ends. A ``valid_until`` given by a person stands in for a missing
     expiry and may shorten one, never lengthen it: we do not outlive our source.
  5. Whatever was chosen between, left out or found unequal is said in ``notes``.

    alert = validate(data).alert
    proposal = propose(alert, now)             # CapRefused("no-expiry", …) asks for --valid-until
    proposal.live_allowed                      # False: declare an exercise
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from channels.contract import LanguageText
from dispatcher.cap.alert import Alert, Info, MsgType, Reference, Scope, Severity, Status
from dispatcher.cap.geometry import is_point
from dispatcher.domain.errors import Invalid


class CapRefused(Invalid):
    """This alert proposes no incident. ``code`` is for programs; ``next_step`` says what to do instead."""

    word = "cap_refused"

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(message, next_step)
        self.code = code


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the officer may start from and must confirm: no CAP field says either of our words."""

    kind: str
    severity: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An incident to declare. ``languages`` and ``texts`` run in the same order; codes are CAP's own words.

    ``expires`` is UTC. ``areas`` are names, ``polygons`` and ``circles`` CAP strings (lat,lon).
    """

    headline: str
    event: str
    categories: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    areas: tuple[str, ...]
    polygons: tuple[str, ...]
    circles: tuple[str, ...]
    expires: datetime
    languages: tuple[str, ...]
    texts: tuple[LanguageText, ...]
    live_allowed: bool
    suggested: Suggestion
    source: Reference
    sha256: str
    notes: tuple[str, ...]


_NOT_ALERTS = {
    MsgType.UPDATE: (
        "an Update of an earlier alert",
        "find the incident that the earlier alert opened and correct it",
    ),
    MsgType.CANCEL: (
        "the Cancel of an earlier alert",
        "find the incident that the earlier alert opened and withdraw its message",
    ),
    MsgType.ACK: ("an acknowledgement, with nothing to tell the public", "keep it with the alert it acknowledges"),
    MsgType.ERROR: ("a report that an alert was refused", "read its note and mend the alert it names"),
}
_SEVERITIES = {Severity.MODERATE: "S2", Severity.SEVERE: "S3", Severity.EXTREME: "S4"}


def propose(alert: Alert, now: datetime, *, valid_until: datetime | None = None) -> Proposal:
    """Propose the incident that ``alert`` warrants at ``now`` (aware). Raises CapRefused where it warrants none.

    ``valid_until`` (aware) is a person's answer to a missing expiry; see rules 3 to 5.
    """
    _refuse_unusable(alert)
    blocks = _blocks(alert, now)
    expires = _expires(blocks, now, valid_until)
    first = blocks[0]
    return Proposal(
        headline=first.headline or first.event,
        event=first.event,
        categories=_unique(first.categories),
        urgency=first.urgency,
        severity=str(first.severity),
        certainty=first.certainty,
        areas=_unique(area.description for area in first.areas),
        polygons=_unique(polygon for block in blocks for area in block.areas for polygon in area.polygons),
        circles=_unique(circle for circle in _circles(blocks) if not is_point(circle)),
        expires=expires,
        languages=tuple(tag(block.language) for block in blocks),
        texts=tuple(_text(block) for block in blocks),
        live_allowed=alert.status is Status.ACTUAL,
        suggested=_suggestion(first),
        source=alert.triple,
        sha256=alert.sha256,
        notes=tuple(note for remark in _REMARKS if (note := remark(alert, blocks, expires))),
    )


def tag(language: str) -> str:
    """A language tag in its usual case (en-GB, zh-Hant-TW), so that one language is written one way (BCP 47)."""
    primary, *rest = language.split("-")
    return "-".join([primary.lower(), *(_SUBTAG_CASE.get(len(part), str.lower)(part) for part in rest)])


_SUBTAG_CASE: dict[int, Callable[[str], str]] = {2: str.upper, 4: str.title}


def _refuse_unusable(alert: Alert) -> None:
    if alert.msg_type in _NOT_ALERTS:
        what, instead = _NOT_ALERTS[alert.msg_type]
        named = f" ({', '.join(map(str, alert.references[:3]))})" if alert.references else ""
        raise CapRefused(alert.msg_type.lower(), f"this is {what}{named}", instead)
    if alert.status in (Status.SYSTEM, Status.DRAFT):
        instead = "ask its sender for the alert with status Actual, or Exercise for an exercise"
        raise CapRefused("not-for-use", f"the alert has status {alert.status}: it is not for acting upon", instead)
    if alert.scope is not Scope.PUBLIC:
        instead = "do not publish it; declare by hand what its sender agrees may be public"
        raise CapRefused("not-public", f"the alert has scope {alert.scope}: it is not for the public", instead)
    if not alert.infos:
        raise CapRefused("no-info", "the alert has no info: it says nothing", "ask its sender, or declare by hand")


def _blocks(alert: Alert, now: datetime) -> tuple[Info, ...]:
    in_force = [info for info in alert.infos if info.expires is None or info.expires > now]
    if not in_force:
        ended = max(info.expires for info in alert.infos if info.expires)
        instead = "ask its sender for the alert now in force, or declare by hand"
        raise CapRefused("expired", f"the alert expired at {_shown(ended)}", instead)
    chosen: dict[str, Info] = {}
    for info in in_force:
        chosen.setdefault(tag(info.language), info)
    return tuple(chosen.values())


def _expires(blocks: tuple[Info, ...], now: datetime, valid_until: datetime | None) -> datetime:
    if valid_until is not None and valid_until <= now:
        raise CapRefused("valid-until-past", f"{_shown(valid_until)} has passed", "give a later --valid-until")
    given = [*_expiries(blocks)]
    if not given and valid_until is None:
        instead = "say until when the message holds, with --valid-until"
        raise CapRefused("no-expiry", "the alert does not say when it expires", instead)
    ends = [max(given)] if given else []
    return min([*ends, *([valid_until] if valid_until else [])])


def _expiries(blocks: tuple[Info, ...]) -> Iterator[datetime]:
    return (block.expires for block in blocks if block.expires is not None)


def _circles(blocks: tuple[Info, ...]) -> Iterator[str]:
    return (circle for block in blocks for area in block.areas for circle in area.circles)


def _text(block: Info) -> LanguageText:
    return LanguageText(
        language=tag(block.language),
        headline=block.headline or block.event,
        body=block.description,
        instruction=block.instruction,
    )


def _suggestion(first: Info) -> Suggestion:
    kind = "severe_weather" if "Met" in first.categories else "other_hazard"
    return Suggestion(kind=kind, severity=_SEVERITIES.get(first.severity, "S1"))


def _shown(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _remark_not_live(alert: Alert, _blocks: tuple[Info, ...], _expires: datetime) -> str:
    return "" if alert.status is Status.ACTUAL else f"status {alert.status}: it can become an exercise only"


def _remark_expired(alert: Alert, blocks: tuple[Info, ...], _expires: datetime) -> str:
    languages = {tag(info.language) for info in alert.infos} - {tag(block.language) for block in blocks}
    return f"left out, already expired: {', '.join(sorted(languages))}" if languages else ""


def _remark_several(alert: Alert, blocks: tuple[Info, ...], _expires: datetime) -> str:
    several = len(alert.infos) - len({tag(info.language) for info in alert.infos})
    return f"several blocks of one language: the first in force of each was taken, {several} left" if several else ""


def _remark_expiry(_alert: Alert, blocks: tuple[Info, ...], expires: datetime) -> str:
    ends = {block.expires for block in blocks}
    if len(ends) > 1:
        return f"the languages do not expire together: {_shown(expires)} was taken"
    end = next(iter(ends))
    return f"valid until {_shown(expires)}, not the alert's {_shown(end)}" if end and end != expires else ""


def _remark_codes(_alert: Alert, blocks: tuple[Info, ...], _expires: datetime) -> str:
    codes = {(block.urgency, block.severity, block.certainty, frozenset(block.categories)) for block in blocks}
    return "the languages differ in category, urgency, severity or certainty: compare them" if len(codes) > 1 else ""


def _remark_instruction(_alert: Alert, blocks: tuple[Info, ...], _expires: datetime) -> str:
    if len({bool(block.instruction) for block in blocks}) < 2:
        return ""
    return f"no instruction in {', '.join(tag(block.language) for block in blocks if not block.instruction)}"


def _remark_area(_alert: Alert, blocks: tuple[Info, ...], _expires: datetime) -> str:
    if not any(block.areas for block in blocks):
        return "the alert names no area: add one"
    shapes = {frozenset((*area.polygons, *area.circles)) for block in blocks for area in block.areas}
    if not any(shapes):
        return "the area has a name but no outline"
    outlines = {frozenset(s for area in block.areas for s in (*area.polygons, *area.circles)) for block in blocks}
    return "the languages differ in their outlines: all were taken together" if len(outlines) > 1 else ""


def _remark_points(_alert: Alert, blocks: tuple[Info, ...], _expires: datetime) -> str:
    return "a circle of radius 0 marks a point, not an area: left out" if any(map(is_point, _circles(blocks))) else ""


_REMARKS: tuple[Callable[[Alert, tuple[Info, ...], datetime], str], ...] = (
    _remark_not_live,
    _remark_expired,
    _remark_several,
    _remark_expiry,
    _remark_codes,
    _remark_instruction,
    _remark_area,
    _remark_points,
)
