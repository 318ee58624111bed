"""From an alert to the incident that an officer is shown: a pure proposal, never a decision.

Rules
  1. Only a public ``Alert`` in force proposes. Everything else is refused, with what to do instead.
  2. ``status`` alone decides live or exercise: Actual may become live, Exercise and Test never do, System and Draft
     propose nothing (reference: cap 0, decision 4).
  3. One block speaks for each language: the first, in document order, that has not expired. Headline, codes and
     area names come from the first of these blocks; polygons and circles from all of them together.
  4. The proposal ends when the last of those blocks ends. A ``valid_until`` given by a person stands in for a missing
     expiry and may shorten one, never lengthen it: we do not outlive our source.
  5. What was left out, and what an officer must add or compare, is said in ``notes``.

    alert = validate(data).alert
    proposal = propose(alert, now)             # CapRefused("no-expiry", …) asks for --valid-until
    proposal.live_allowed                      # False: declare an exercise
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from channels.contract import LanguageText
from dispatcher.cap.alert import Alert, Info, MsgType, Reference, Scope, Severity, Status
from dispatcher.cap.geometry import is_point
from dispatcher.cap.report import shown
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
        languages=tuple(block.language for block in blocks),
        texts=tuple(_text(block) for block in blocks),
        live_allowed=alert.status is Status.ACTUAL,
        suggested=_suggestion(first),
        source=alert.source,
        sha256=alert.sha256,
        notes=tuple(_notes(alert, blocks, expires, valid_until)),
    )


def _refuse_unusable(alert: Alert) -> None:
    if alert.msg_type in _NOT_ALERTS:
        what, instead = _NOT_ALERTS[alert.msg_type]
        raise CapRefused(alert.msg_type.lower(), f"this is {what}", instead)
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
        raise CapRefused("expired", f"the alert expired at {shown(ended)}", instead)
    chosen: dict[str, Info] = {}
    for info in in_force:
        chosen.setdefault(info.language, info)
    return tuple(chosen.values())


def _expires(blocks: tuple[Info, ...], now: datetime, valid_until: datetime | None) -> datetime:
    if valid_until is not None and valid_until <= now:
        raise CapRefused("valid-until-past", f"{shown(valid_until)} has passed", "give a later --valid-until")
    last = max((block.expires for block in blocks if block.expires), default=None)
    ends = [end for end in (last, valid_until) if end]
    if not ends:
        instead = "say until when the message holds, with --valid-until"
        raise CapRefused("no-expiry", "the alert does not say when it expires", instead)
    return min(ends)


def _circles(blocks: tuple[Info, ...]) -> Iterator[str]:
    return (circle for block in blocks for area in block.areas for circle in area.circles)


def _notes(alert: Alert, blocks: tuple[Info, ...], expires: datetime, valid_until: datetime | None) -> Iterator[str]:
    if alert.status is not Status.ACTUAL:
        yield f"status {alert.status}: it can become an exercise only"
    if left := [info.language for info in alert.infos if info not in blocks]:
        yield f"left out, expired or said again in a language: {', '.join(left)}"
    if {expires, *(block.expires for block in blocks), valid_until} - {None, expires}:
        yield f"it holds until {shown(expires)}: the alert's blocks and the valid-until given do not agree"
    if not any(block.areas for block in blocks):
        yield "the alert names no area: add one"
    if any(map(is_point, _circles(blocks))):
        yield "a circle of radius 0 marks a point, not an area: left out"
    if len({(block.instruction == "", block.severity, _outlines(block)) for block in blocks}) > 1:
        yield "the languages differ in instruction, severity or outlines: compare them"


def _outlines(block: Info) -> frozenset[str]:
    return frozenset(shape for area in block.areas for shape in (*area.polygons, *area.circles))


def _text(block: Info) -> LanguageText:
    return LanguageText(
        language=block.language,
        headline=block.headline or block.event,
        body=block.description,
        instruction=block.instruction,
    )


def _suggestion(first: Info) -> Suggestion:
    kind = "severe_weather" if "Met" in first.categories else "other_hazard"
    return Suggestion(kind=kind, severity=_SEVERITIES.get(first.severity, "S1"))


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
