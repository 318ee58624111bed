"""Other people's alerts as they were received, and what became of each.

Rules
  1. The same bytes stand once in a mode. What was refused or held may come again and be judged better.
  2. An alert is found by its sender, identifier and instant; its own strings are kept for whoever refers to it.
  3. Only what stood, that is was neither refused, held nor dismissed, makes a later identifier a reused one.
  4. Every change of standing is a move of its lifecycle, with its ledger entry in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from dispatcher.domain import canonical
from dispatcher.domain.errors import Invalid, Stale
from dispatcher.domain.lifecycle import ALERT, Standing
from dispatcher.store import records
from dispatcher.store.database import Work
from dispatcher.store.tables import CAP_ALERTS, INCIDENTS

MOST_LISTED = 200


WAITING = (Standing.HELD, Standing.ATTACHED)
"""What waits for a person."""

JUDGED_AGAIN = (Standing.REFUSED, Standing.HELD)
"""What may be judged better when the same bytes come again."""

_STOOD = (Standing.OPENED, Standing.ATTACHED, Standing.ANSWERED, Standing.RECORDED)


def add(work: Work, values: Mapping[str, Any], actor: str, *, again: bool = False) -> bool:
    """Write an alert with its ledger entry; False where another process was first.

    ``again``: its row is there, and the same bytes are judged better now; the ledger keeps what they were before.
    Whoever has decided about it meanwhile was first.
    """
    made = False
    with suppress(IntegrityError), work.connection.begin_nested():
        done = work.execute(_written(values, again=again).values(**values))
        made = not again or done.rowcount == 1
    if made:
        told = (
            "source",
            "sender",
            "identifier",
            "sent",
            "status",
            "sha256",
            "verdict",
            "standing",
            "signer",
            "profile",
        )
        facts = {name: str(values[name]) for name in told}
        codes = sorted({fault["code"] for fault in values["found"]["faults"]})
        about = {"alert": values["id"], "mode": values["mode"], "msg_type": values["msg_type"]}
        work.record("cap.received", incident=values["incident"], actor=actor, **about, **facts, faults=codes)
    return made


def _written(values: Mapping[str, Any], *, again: bool) -> Any:
    if not again:
        return insert(CAP_ALERTS)
    target = str(values["standing"])
    sources = [one for one in map(str, JUDGED_AGAIN) if one == target or ALERT.allows(one, target)]
    return update(CAP_ALERTS).where(CAP_ALERTS.c.id == values["id"], CAP_ALERTS.c.standing.in_(sources))


def same(work: Work, mode: str, sha256: str, content: str) -> list[Any]:
    """What was received before with these bytes, or saying the same."""
    equal = or_(CAP_ALERTS.c.sha256 == sha256, CAP_ALERTS.c.content == content)
    query = select(CAP_ALERTS).where(CAP_ALERTS.c.mode == mode, equal)
    return list(work.execute(query.order_by(CAP_ALERTS.c.received_at)).all())


def reused(work: Work, mode: str, sender: str, identifier: str, content: str) -> list[Any]:
    """What stands under a sender's identifier and says something else."""
    named = (CAP_ALERTS.c.mode == mode, CAP_ALERTS.c.sender == sender, CAP_ALERTS.c.identifier == identifier)
    other = (CAP_ALERTS.c.content != content, CAP_ALERTS.c.standing.in_([str(one) for one in _STOOD]))
    return list(work.execute(select(CAP_ALERTS).where(*named, *other)).all())


def named(work: Work, mode: str, sender: str, identifier: str, sent_at: datetime) -> Any | None:
    """The alert of a triple, the one that stands before others; None where there is none."""
    at = (CAP_ALERTS.c.mode == mode, CAP_ALERTS.c.sender == sender, CAP_ALERTS.c.identifier == identifier)
    query = select(CAP_ALERTS).where(*at, CAP_ALERTS.c.sent_at == sent_at)
    rows = work.execute(query.order_by(CAP_ALERTS.c.received_at)).all()
    return min(rows, key=lambda row: row.standing not in _STOOD, default=None)


def alert(work: Work, name: str, *, lock: bool = False) -> Any:
    """An alert by id or a unique beginning of it. Raises NotFound."""
    query = select(CAP_ALERTS).where(CAP_ALERTS.c.id == records.unique(work, CAP_ALERTS.c.id, name, "alert"))
    return work.execute(query.with_for_update() if lock else query).one()


def listed(work: Work, standings: Collection[str] = ()) -> list[Any]:
    """The newest alerts first, of these standings where any are named."""
    query = select(CAP_ALERTS)
    query = query.where(CAP_ALERTS.c.standing.in_([str(one) for one in standings])) if standings else query
    return list(work.execute(query.order_by(CAP_ALERTS.c.received_at.desc()).limit(MOST_LISTED)).all())


def waiting(work: Work) -> list[Any]:
    """What waits for a person, oldest first: held, or about an incident that is not closed.

    An Alert or Update that has itself expired waits for nobody any more; a Cancel does, for what it takes back may
    still stand.
    """
    table = CAP_ALERTS
    columns = [column for column in table.columns if column.name != "data"]
    query = select(*columns, INCIDENTS.c.title.label("incident_title"), INCIDENTS.c.state.label("incident_state"))
    query = query.outerjoin(INCIDENTS, INCIDENTS.c.id == CAP_ALERTS.c.incident)
    open_ = or_(INCIDENTS.c.state.is_(None), INCIDENTS.c.state != "closed")
    ends = CAP_ALERTS.c.found["expires"].as_string()
    asks = or_(CAP_ALERTS.c.msg_type == "Cancel", ends.is_(None), ends > canonical.format_time(work.now))
    query = query.where(CAP_ALERTS.c.standing.in_([str(one) for one in WAITING]), open_, asks)
    return list(work.execute(query.order_by(CAP_ALERTS.c.received_at).limit(MOST_LISTED)).all())


def decide(work: Work, row: Any, standing: Standing, person: str, reason: str, **values: Any) -> None:
    """Move an alert that waited, as a person decided. Raises Stale where somebody was first, Invalid for no move."""
    if not ALERT.allows(row.standing, standing):
        raise Invalid(f"alert {row.id} is {row.standing}: it cannot be {standing}", f"dispatcher cap show {row.id}")
    decided = {"standing": str(standing), "decided_at": work.now, "decided_by": person, "reason": reason}
    at = (CAP_ALERTS.c.id == row.id, CAP_ALERTS.c.standing == row.standing)
    if work.execute(update(CAP_ALERTS).where(*at).values(**decided, **values)).rowcount != 1:
        raise Stale(f"somebody else decided about alert {row.id}", f"dispatcher cap show {row.id}")
    about = {"incident": values.get("incident", row.incident), "actor": person, "alert": row.id, "mode": row.mode}
    told = {"sha256": row.sha256, "source": row.standing, "target": str(standing), "reason": reason}
    if standing is Standing.DISMISSED:
        work.record("cap.dismissed", **about, **told)
    else:
        work.record("cap.accepted", **about, **told)
