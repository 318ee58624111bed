"""Taking an alert in: judged, filed once, and made what it may be by itself: a proposal, a prompt, or neither.

Rules (reference: cap 0, 3.3, 6)
  1. An Alert proposes an incident, which a person activates; an Update or Cancel becomes a prompt. Nothing is sent.
  2. What is held counts for nothing until a person accepts it; what is refused never does.
  3. A drill (status Exercise or Test) opens nothing on a live source, whatever else it says.
  4. What has expired by then, an acknowledgement and an error are kept and open nothing. A Cancel is a prompt even
     after its alert expired: what was published may still stand.
  5. The same alert again is the one that is there; other words under its identifier are held.

    way of an alert:  judge ▶ filed before? ▶ identifier reused? ▶ whose is it? ▶ what does it ask? ▶ one transaction
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from dispatcher.cap.alert import Alert, MsgType, Scope, Status
from dispatcher.cap.changes import changes
from dispatcher.cap.judge import content_digest, judge
from dispatcher.cap.profile import Profile
from dispatcher.cap.propose import CapRefused, Proposal, propose
from dispatcher.cap.report import Fault, Report, Verdict
from dispatcher.cap.validate import validate
from dispatcher.cap.values import read_time
from dispatcher.domain import canonical
from dispatcher.domain.lifecycle import Standing
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents
from dispatcher.service.alerts import chains
from dispatcher.service.desk import Desk
from dispatcher.store import cap_alerts
from dispatcher.store.database import Work

_DRILLS = (Status.EXERCISE, Status.TEST)
_UNANSWERED = (MsgType.ACK, MsgType.ERROR)
_BETTER = {Verdict.REFUSE: 0, Verdict.FEED: 0, Verdict.HOLD: 1, Verdict.OK: 2}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived: ``source`` is a feed's name or whatever else people know it by, ``address`` where it was."""

    data: bytes
    source: str
    address: str
    mode: Mode
    profile: Profile


@dataclass(frozen=True, slots=True)
class Taken:
    """The alert's row, and whether it is a new one. None where the bytes were no alert, and are not kept."""

    report: Report
    row: Any = None
    new: bool = False


@dataclass(frozen=True, slots=True)
class _Course:
    """What an alert may become by itself."""

    standing: Standing
    faults: tuple[Fault, ...] = ()
    parent: Any = None
    incident: str | None = None
    proposal: Proposal | None = None


def take(desk: Desk, arrival: Arrival, person: str) -> Taken:
    """Take in what arrived, as ``person`` or the relay. Raises Unavailable where the database is away."""
    report = judge(arrival.data, arrival.profile, desk.now())
    if report.alert is None:
        return Taken(report)
    content = content_digest(arrival.data)
    with desk.store.write() as work:
        before = cap_alerts.same(work, str(arrival.mode), report.alert.sha256, content)
        known = next((row for row in before if not _improves(report, row)), None)
        if known is not None:
            return Taken(report, known)
        again = next((row.id for row in before if row.sha256 == report.alert.sha256), None)
        id_ = _file(desk, work, arrival, report, content, person, again)
        row = cap_alerts.alert(work, id_) if id_ else None
    return Taken(report, row, new=row is not None)


def _improves(report: Report, row: Any) -> bool:
    """Whether what was refused or held before is now judged better: a certificate was pinned, a profile mended."""
    waits = row.standing in cap_alerts.JUDGED_AGAIN
    return waits and _BETTER[report.verdict] > _BETTER[Verdict(row.verdict)]


def _file(
    desk: Desk, work: Work, arrival: Arrival, report: Report, content: str, person: str, again: str | None
) -> str | None:
    """Write the alert, over its row ``again`` where it has one, and the incident that it proposes; gives its name."""
    alert = _alert(report)
    course = _course(work, arrival, report, content, work.now)
    incident = course.incident
    if course.proposal:
        made = incidents.proposed(desk, course.proposal, mode=arrival.mode, person=person)
        incidents.add(work, made)
        incident = made.id
    faults = (*report.faults, *course.faults)
    differing = _changes(alert, course.parent) if course.standing is Standing.ATTACHED else ()
    values = {
        **_named(desk, arrival, report, content, person),
        "verdict": str(_verdict(faults)),
        "found": {
            "faults": [_plain(fault) for fault in faults],
            "changes": [asdict(change) for change in differing],
            "expires": _expires(alert),
            "unless_said_s": int(arrival.profile.unless_said.total_seconds()),
        },
        "standing": str(course.standing),
        "data": None if course.standing is Standing.REFUSED else arrival.data,
        "parent": course.parent.id if course.parent else None,
        "incident": incident,
        "received_at": work.now,
    }
    values |= {"id": again} if again else {}
    return str(values["id"]) if cap_alerts.add(work, values, person, again=bool(again)) else None


def _course(work: Work, arrival: Arrival, report: Report, content: str, now: datetime) -> _Course:
    alert, mode = _alert(report), arrival.mode
    if report.verdict is Verdict.REFUSE:
        return _Course(Standing.REFUSED)
    if alert.msg_type in _UNANSWERED:
        return _Course(Standing.RECORDED)
    if idle := _asks_nothing(alert, mode):
        return _Course(Standing.RECORDED, (idle,))
    again = tuple(_reused(work, arrival, alert, content))
    if alert.msg_type is MsgType.ALERT:
        return _opening(alert, again, report.verdict is Verdict.HOLD, now)
    chain = chains.find(work, str(mode), alert, report.signer)
    faults = (*again, *chain.faults)
    if faults or report.verdict is Verdict.HOLD:
        return _Course(Standing.HELD, faults, chain.parent, chain.incident)
    if chain.idle:
        return _Course(Standing.RECORDED, (), chain.parent)
    return _Course(Standing.ATTACHED, (), chain.parent, chain.incident)


def _opening(alert: Alert, again: tuple[Fault, ...], held: bool, now: datetime) -> _Course:
    try:
        proposal = propose(alert, now)
    except CapRefused as refusal:
        if refusal.code != "no-expiry":
            return _Course(Standing.RECORDED, (_note(refusal.code, f"{refusal.message}: {refusal.next_step}"),))
        return _Course(Standing.HELD, again or (() if held else (_hold(refusal.code, refusal.message),)))
    if again or held:
        return _Course(Standing.HELD, again)
    return _Course(Standing.OPENED, proposal=proposal)


def _asks_nothing(alert: Alert, mode: Mode) -> Fault | None:
    if alert.status in _DRILLS and mode is Mode.LIVE:
        return _note("drill", f"its status is {alert.status}: on a live source it opens nothing")
    if alert.status in (Status.SYSTEM, Status.DRAFT):
        return _note("not-for-use", f"its status is {alert.status}: it is not for acting upon")
    if alert.scope is not Scope.PUBLIC:
        return _note("not-public", f"its scope is {alert.scope}: it is not for the public")
    return None


def _expires(alert: Alert) -> str | None:
    """When the last of its blocks ends; None where one does not say."""
    ends = [info.expires for info in alert.infos if info.expires]
    return canonical.format_time(max(ends)) if ends and len(ends) == len(alert.infos) else None


def _reused(work: Work, arrival: Arrival, alert: Alert, content: str) -> list[Fault]:
    source = alert.source
    rows = cap_alerts.reused(work, str(arrival.mode), source.sender, source.identifier, content)
    what = "its identifier stands here with other words ({}): ask its sender which is right"
    return [_hold("identifier-reused", what.format(row.id)) for row in rows[:1]]


def _changes(alert: Alert, parent: Any) -> tuple[Any, ...]:
    earlier = validate(parent.data).alert if parent is not None and parent.data else None
    return changes(earlier, alert) if earlier else ()


def _named(desk: Desk, arrival: Arrival, report: Report, content: str, person: str) -> dict[str, Any]:
    alert = _alert(report)
    source = alert.source
    return {
        "id": desk.new_id("cap"),
        "mode": str(arrival.mode),
        "source": arrival.source,
        "address": arrival.address,
        "profile": arrival.profile.name,
        "received_by": person,
        "sha256": alert.sha256,
        "content": content,
        "sender": source.sender,
        "identifier": source.identifier,
        "sent": source.sent,
        "sent_at": read_time(source.sent),
        "status": str(alert.status),
        "msg_type": str(alert.msg_type),
        "title": next((info.headline or info.event for info in alert.infos), ""),
        "signer": report.signer,
    }


def _alert(report: Report) -> Alert:
    if report.alert is None:
        raise ValueError("only what was read as an alert is filed")
    return report.alert


def _verdict(faults: tuple[Fault, ...]) -> Verdict:
    return min((fault.verdict for fault in faults), key=lambda verdict: _BETTER[verdict], default=Verdict.OK)


def _plain(fault: Fault) -> dict[str, str]:
    return {name: str(getattr(fault, name)) for name in ("code", "where", "message", "verdict")}


def _hold(code: str, message: str) -> Fault:
    return Fault(code, "alert", message, Verdict.HOLD)


def _note(code: str, message: str) -> Fault:
    """Why an alert asks for nothing: no fault of its sender's."""
    return replace(_hold(code, message), verdict=Verdict.OK)
