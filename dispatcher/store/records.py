"""Reading and writing the documents: incidents, revisions, plans, clearances (``statements``: what was signed).

Names that people type may be shortened to any unique beginning; a beginning that fits two is refused with both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, Table, bindparam, func, insert, select, text, update

from channels.contract import Account
from dispatcher.domain.errors import Invalid, NotFound, Stale
from dispatcher.domain.incident import Incident, Severity
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.message import Revision
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.sending.order import Bundle
from dispatcher.store import accounts as account_rows
from dispatcher.store import statements
from dispatcher.store.database import Work
from dispatcher.store.tables import (
    CLEARANCES,
    INCIDENTS,
    PLANS,
    RECIPIENT_LISTS,
    RENDERINGS,
    REVISIONS,
    STATUSES,
)

LISTED = {"incident": "incident list", "delivery": "delivery list"}
"""The command that lists a kind of thing; what has none stands in ``dispatcher status``."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan with where it stands."""

    plan: Plan
    digest: str
    state: str
    message: str


def unique(work: Work, column: Any, value: str, what: str) -> str:
    """The one full name that begins with ``value``. Raises NotFound, or Invalid when two begin so."""
    if not value:
        raise Invalid(f"no {what} named")
    names: Sequence[str] = work.execute(select(column).where(column == value).limit(1)).scalars().all()
    if not names:
        begins = select(column).where(func.substr(column, 1, len(value)) == value)
        names = work.execute(begins.distinct().limit(3)).scalars().all()
    if not names:
        from dispatcher.store.mistaken import mistaken

        if found := mistaken(work, value, what):
            raise NotFound(*found)
        raise NotFound(f"there is no {what} {value}", f"dispatcher {LISTED.get(what, 'status')}")
    if len(names) > 1:
        raise Invalid(f"{value} fits several: {', '.join(names)}", "give more of the name")
    return names[0]


def add_incident(work: Work, incident: Incident) -> None:
    """Write a new incident."""
    values = {name: getattr(incident, name) for name in Incident.__slots__}
    words = {name: str(values[name]) for name in ("mode", "state")}
    known = {name: dict(values[name]) for name in ("source", "facts")}
    work.execute(insert(INCIDENTS).values(**{**values, **words, **known, "severity": int(incident.severity)}))


def incident(work: Work, name: str, *, lock: bool = False) -> Incident:
    """An incident by id or a unique beginning of it; with ``lock``, nobody amends it meanwhile. Raises NotFound."""
    query = select(INCIDENTS).where(INCIDENTS.c.id == unique(work, INCIDENTS.c.id, name, "incident"))
    return _incident(work.execute(query.with_for_update() if lock else query).one())


def incidents(work: Work, limit: int = 50) -> list[Incident]:
    """The newest incidents first."""
    rows = work.execute(select(INCIDENTS).order_by(INCIDENTS.c.declared_at.desc()).limit(limit)).all()
    return [_incident(row) for row in rows]


def incident_states(work: Work, ids: Iterable[str]) -> dict[str, str]:
    """The state of each of these incidents."""
    query = select(INCIDENTS.c.id, INCIDENTS.c.state).where(INCIDENTS.c.id.in_(list(ids)))
    return dict(work.execute(query).all())


def move_incident(work: Work, id_: str, source: IncidentState, target: IncidentState) -> None:
    """Move an incident. Raises Stale when it is not in ``source`` any more."""
    if not moved(work, INCIDENTS, [INCIDENTS.c.id == id_], source, target, {"incident": id_}):
        raise Stale(f"incident {id_} is not {source} any more", f"dispatcher incident show {id_}")


def update_facts(work: Work, id_: str, facts: Mapping[str, Any], **columns: Any) -> None:
    """Replace what is known of an incident; the ledger keeps every version."""
    work.execute(update(INCIDENTS).where(INCIDENTS.c.id == id_).values(facts=dict(facts), **columns))


def add_revision(work: Work, revision: Revision, person: str) -> None:
    """Write a new revision."""
    values = {name: getattr(revision, name) for name in ("digest", "message", "number", "incident")}
    written = {"body": revision.encoded(), "created_at": work.now, "created_by": person}
    work.execute(insert(REVISIONS).values(**values, **written))


def newest_revision(work: Work, name: str) -> Revision:
    """The newest revision of a message by id or a unique beginning of it."""
    id_ = unique(work, REVISIONS.c.message, name, "message")
    query = select(REVISIONS.c.body).where(REVISIONS.c.message == id_).order_by(REVISIONS.c.number.desc()).limit(1)
    return Revision.decode(work.execute(query).scalar_one())


def revision(work: Work, digest: str) -> Revision:
    """A revision by its digest, whole. Raises NotFound where it is not there as it was signed."""
    body = work.execute(select(REVISIONS.c.body).where(REVISIONS.c.digest == digest)).scalar()
    found = None if body is None else Revision.decode(body)
    if found is None or found.digest != digest:
        raise NotFound("the message is not there as it was signed", "dispatcher ledger verify")
    return found


def revisions_of(work: Work, incident_id: str) -> list[Revision]:
    """Every revision of an incident's messages, oldest first."""
    return [revision for revision, _, _ in revisions_written(work, incident_id)]


def revisions_written(work: Work, incident_id: str) -> list[tuple[Revision, datetime, str]]:
    """The same, each with when it was written and by whom."""
    columns = (REVISIONS.c.body, REVISIONS.c.created_at, REVISIONS.c.created_by)
    query = select(*columns).where(REVISIONS.c.incident == incident_id).order_by(REVISIONS.c.created_at)
    return [(Revision.decode(body), at, person) for body, at, person in work.execute(query)]


def accounts(work: Work, mode: Mode, names: Iterable[str] | None = None) -> list[Account]:
    """Accounts of a mode; with ``names``, those, in that order. Raises NotFound."""
    known = {row.id: account_rows.account_of(row) for row in account_rows.rows(work, mode)}
    wanted = list(known if names is None else names)
    for name in wanted:
        if name not in known:
            raise NotFound(f"there is no {mode} account {name}", "dispatcher account list")
    return [known[name] for name in wanted]


def add_renderings(work: Work, bodies: Mapping[str, bytes]) -> None:
    """Write renderings that are not there yet; in one order, so that two who write the same ones do not deadlock."""
    added = text("INSERT INTO renderings (digest, body) VALUES (:digest, :body) ON CONFLICT DO NOTHING")
    work.execute(added, [{"digest": digest, "body": bodies[digest]} for digest in sorted(bodies)])


def add_plan(work: Work, plan: Plan, message: str) -> None:
    """Write a plan as submitted."""
    values = {name: getattr(plan, name) for name in ("digest", "incident", "generation")}
    stored = {"message": message, "mode": str(plan.mode), "state": "submitted"}
    work.execute(insert(PLANS).values(**values, **stored, body=plan.encoded(), created_at=work.now))


def plan(work: Work, name: str) -> StoredPlan:
    """A plan by digest, or a unique beginning of it."""
    digest = unique(work, PLANS.c.digest, name, "plan")
    return _plan(work.execute(select(PLANS).where(PLANS.c.digest == digest)).one())


def plans_of(work: Work, incident_id: str) -> list[StoredPlan]:
    """The plans of an incident, oldest first."""
    query = select(PLANS).where(PLANS.c.incident == incident_id).order_by(PLANS.c.created_at)
    return [_plan(row) for row in work.execute(query).all()]


def submitted_plans(work: Work, message: str) -> list[str]:
    """The digests of a message's plans that wait for signatures."""
    query = select(PLANS.c.digest).where(PLANS.c.message == message, PLANS.c.state == "submitted")
    return list(work.execute(query).scalars())


def move_plan(work: Work, digest: str, incident_id: str, source: str, target: str) -> None:
    """Move a plan. Raises Stale when it is not in ``source`` any more."""
    subject = {"incident": incident_id, "plan": digest}
    if not moved(work, PLANS, [PLANS.c.digest == digest], source, target, subject):
        raise Stale(f"plan {digest[:12]} is not {source} any more", f"dispatcher clearance show {digest[:12]}")


def bundle(work: Work, plan_digest: str) -> Bundle:
    """All that a sender is given about a plan."""
    row = work.execute(select(PLANS.c.body, PLANS.c.mode).where(PLANS.c.digest == plan_digest)).one()
    digests, lists = _named_in(row.body)
    bodies = select(RENDERINGS.c.digest, RENDERINGS.c.body).where(RENDERINGS.c.digest.in_(digests))
    sealed = select(RECIPIENT_LISTS.c.id, RECIPIENT_LISTS.c.sealed_key).where(RECIPIENT_LISTS.c.id.in_(lists))
    return Bundle(
        plan=row.body,
        renderings=dict(work.execute(bodies).all()),
        envelopes=tuple(statements.envelopes_for(work, plan_digest, row.mode)),
        list_keys=dict(work.execute(sealed).all()),
    )


def stands(work: Work, plan_digest: str, known: Bundle, needed: Collection[str]) -> bool:
    """Whether a plan and these of its renderings are still what they were."""
    body = work.execute(_body(), {"plan": plan_digest}).scalar_one()
    found = dict(work.execute(_texts(), {"needed": list(needed)}).all()) if needed else {}
    return bool(body == known.plan) and found == {name: known.renderings.get(name) for name in needed}


@cache
def _body() -> Select[Any]:
    return select(PLANS.c.body).where(PLANS.c.digest == bindparam("plan"))


@cache
def _texts() -> Select[str, bytes]:
    needed: BindParameter[Any] = bindparam("needed", expanding=True)
    return select(RENDERINGS.c.digest, RENDERINGS.c.body).where(RENDERINGS.c.digest.in_(needed))


def _named_in(body: bytes) -> tuple[list[str], list[str]]:
    try:
        read = Plan.decode(body)
    except ValueError:
        return [], []  # the sender refuses what cannot be read, and says so
    digests = [digest for destination in read.destinations for digest in destination.renderings.values()]
    return digests, [signed.id for destination in read.destinations for signed in destination.lists]


def _incident(row: Any) -> Incident:
    words = {"mode": Mode(row.mode), "state": IncidentState(row.state), "severity": Severity(row.severity)}
    return Incident(**{**row._mapping, **words})


def _plan(row: Any) -> StoredPlan:
    return StoredPlan(Plan.decode(row.body), row.digest, row.state, row.message)


def moved(
    work: Work,
    table: Table,
    at: Iterable[ColumnElement[bool]],
    source: str,
    target: str,
    subject: Mapping[str, str],
    **values: Any,
) -> bool:
    """Move a row that is still in ``source``, with its ledger entry."""
    change = update(table).where(*at, table.c.state == str(source)).values(state=str(target), **values)
    made: bool = work.execute(change).rowcount == 1
    if made:
        what = table.name.removesuffix("s")
        work.record(f"{what}.moved", **subject, source=str(source), target=str(target))
    return made


def add_clearances(work: Work, plan_digest: str, channels: Iterable[str]) -> None:
    """Write a pending clearance per channel."""
    rows = [{"plan": plan_digest, "channel": c, "state": "pending", "changed_at": work.now} for c in channels]
    work.execute(insert(CLEARANCES), rows)


def clearance_states(work: Work, plan_digest: str) -> dict[str, str]:
    """The state of each channel's clearance."""
    query = select(CLEARANCES.c.channel, CLEARANCES.c.state).where(CLEARANCES.c.plan == plan_digest)
    return dict(work.execute(query).all())


def move_clearance(work: Work, plan_digest: str, incident_id: str, channel: str, source: str, target: str) -> None:
    """Move a clearance that is still in ``source``."""
    at = (CLEARANCES.c.plan == plan_digest, CLEARANCES.c.channel == channel)
    subject = {"incident": incident_id, "plan": plan_digest, "channel": channel}
    moved(work, CLEARANCES, at, source, target, subject, changed_at=work.now)


def status(work: Work, mode: str) -> Envelope | None:
    """The newest signed status of a mode, where its row holds one."""
    return statements.envelope_in(work.execute(select(STATUSES.c.envelope).where(STATUSES.c.mode == mode)).scalar())


def put_status(work: Work, mode: str, envelope: Envelope) -> None:
    """Replace the signed status of a mode."""
    values = {"made_at": work.now, "envelope": envelope.document()}
    if work.execute(update(STATUSES).where(STATUSES.c.mode == mode).values(**values)).rowcount == 0:
        work.execute(insert(STATUSES).values(mode=mode, **values))


def generation(work: Work, message: str) -> int:
    """The number of the next plan of a message."""
    return (work.execute(select(func.max(PLANS.c.generation)).where(PLANS.c.message == message)).scalar() or 0) + 1
