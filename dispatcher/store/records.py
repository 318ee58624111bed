"""Reading and writing the documents: incidents, revisions, plans, statements, accounts, lists.

Names that people type may be shortened to any unique beginning; a beginning that fits two is refused with both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, or_, select, update

from channels.contract import Account
from dispatcher.domain.errors import Invalid, NotFound, Stale
from dispatcher.domain.incident import Incident, Severity
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.message import Revision
from dispatcher.domain.plan import Plan, SignedList
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind, Verified
from dispatcher.sending.order import Bundle
from dispatcher.store.database import Work
from dispatcher.store.tables import (
    AccountRow,
    Base,
    ClearanceRow,
    IncidentRow,
    PlanRow,
    RecipientListRow,
    RecipientRow,
    RenderingRow,
    RevisionRow,
    StatementRow,
    StatusRow,
)

STANDING = (StatementKind.ASSESS, StatementKind.EXEMPT, StatementKind.ATTEST, StatementKind.RESOLVE)
"""Statements about accounts, channels and deliveries: they go along with every plan."""

LISTED = {"incidents": "incident list", "deliveries": "delivery list"}
"""The command that lists a table; what has none stands in ``dispatcher status``."""

STOPS = (StatementKind.HALT, StatementKind.RESUME, StatementKind.REVOKE)


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan with where it stands."""

    plan: Plan
    digest: str
    state: str
    message: str
    reason: str


def unique(work: Work, table: type[Base], column: Any, value: str, what: str) -> str:
    """The one full name that begins with ``value``. Raises NotFound, or Invalid when two begin so."""
    if not value:
        raise Invalid(f"no {what} named")
    pattern = value.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    query = select(column).where(column.like(pattern, escape="\\")).distinct().limit(3)
    names = work.execute(query).scalars().all()
    if value in names:
        return value
    if not names:
        listing = LISTED.get(table.__tablename__, "status")
        raise NotFound(f"there is no {what} {value}", f"see those there are: dispatcher {listing}")
    if len(names) > 1:
        raise Invalid(f"{value} fits several: {', '.join(names)}", "give more of the name")
    found: str = names[0]
    return found


def add_incident(work: Work, incident: Incident) -> None:
    """Write a new incident."""
    work.execute(
        insert(IncidentRow).values(
            id=incident.id,
            mode=str(incident.mode),
            kind=incident.kind,
            severity=int(incident.severity),
            title=incident.title,
            state=str(incident.state),
            declared_at=incident.declared_at,
            declared_by=incident.declared_by,
            source=dict(incident.source),
            facts=dict(incident.facts),
            fence=0,
        )
    )


def incident(work: Work, name: str) -> Incident:
    """An incident by id or a unique beginning of it. Raises NotFound, Invalid."""
    id_ = unique(work, IncidentRow, IncidentRow.id, name, "incident")
    row = work.execute(select(IncidentRow.__table__).where(IncidentRow.id == id_)).one()
    return _incident(row)


def incidents(work: Work, limit: int = 50) -> list[Incident]:
    """The newest incidents first."""
    rows = work.execute(select(IncidentRow.__table__).order_by(IncidentRow.declared_at.desc()).limit(limit)).all()
    return [_incident(row) for row in rows]


def incident_states(work: Work, ids: Iterable[str]) -> dict[str, str]:
    """The state of each of these incidents."""
    query = select(IncidentRow.id, IncidentRow.state).where(IncidentRow.id.in_(list(ids)))
    return dict(work.execute(query).all())


def move_incident(work: Work, id_: str, source: IncidentState, target: IncidentState) -> None:
    """Move an incident. Raises Stale when it is not in ``source`` any more."""
    at = (IncidentRow.id == id_, IncidentRow.state == str(source))
    values = {"state": str(target), "fence": IncidentRow.fence + 1}
    if work.execute(update(IncidentRow).where(*at).values(**values)).rowcount != 1:
        raise Stale(f"incident {id_} is not {source} any more", f"look: dispatcher incident show {id_}")
    work.record("incident.moved", incident=id_, source=str(source), target=str(target))


def update_facts(work: Work, id_: str, facts: Mapping[str, Any], **columns: Any) -> None:
    """Replace what is known of an incident; the ledger keeps every version."""
    work.execute(update(IncidentRow).where(IncidentRow.id == id_).values(facts=dict(facts), **columns))


def add_revision(work: Work, revision: Revision, person: str) -> None:
    """Write a new revision."""
    work.execute(
        insert(RevisionRow).values(
            digest=revision.digest,
            message=revision.message,
            number=revision.number,
            incident=revision.incident,
            body=revision.encoded(),
            created_at=work.now,
            created_by=person,
        )
    )


def newest_revision(work: Work, name: str) -> Revision:
    """The newest revision of a message by id or a unique beginning of it."""
    id_ = unique(work, RevisionRow, RevisionRow.message, name, "message")
    query = select(RevisionRow.body).where(RevisionRow.message == id_).order_by(RevisionRow.number.desc()).limit(1)
    return Revision.decode(work.execute(query).scalar_one())


def revisions_of(work: Work, incident_id: str) -> list[Revision]:
    """Every revision of an incident's messages, oldest first."""
    query = select(RevisionRow.body).where(RevisionRow.incident == incident_id).order_by(RevisionRow.created_at)
    return [Revision.decode(body) for body in work.execute(query).scalars()]


def accounts(work: Work, mode: Mode, names: Iterable[str] | None = None) -> list[Account]:
    """Accounts of a mode; with ``names``, those, in that order. Raises NotFound."""
    query = select(AccountRow.__table__).where(AccountRow.mode == str(mode)).order_by(AccountRow.id)
    known = {row.id: _account(row) for row in work.execute(query).all()}
    if names is None:
        return list(known.values())
    wanted = list(names)
    missing = [name for name in wanted if name not in known]
    if missing:
        raise NotFound(f"there is no {mode} account {missing[0]}", "list them: dispatcher account list")
    return [known[name] for name in wanted]


def lanes(work: Work) -> dict[str, str]:
    """The lane of every account."""
    return {row.id: row.lane for row in work.execute(select(AccountRow.id, AccountRow.lane)).all()}


def add_renderings(work: Work, bodies: Mapping[str, bytes]) -> None:
    """Write renderings that are not there yet."""
    known = set(work.execute(select(RenderingRow.digest).where(RenderingRow.digest.in_(bodies))).scalars())
    fresh = [{"digest": digest, "body": body} for digest, body in bodies.items() if digest not in known]
    if fresh:
        work.execute(insert(RenderingRow), fresh)


def add_plan(work: Work, plan: Plan, message: str) -> None:
    """Write a plan as submitted."""
    work.execute(
        insert(PlanRow).values(
            digest=plan.digest,
            incident=plan.incident,
            message=message,
            mode=str(plan.mode),
            state="submitted",
            generation=plan.generation,
            body=plan.encoded(),
            reason="",
            created_at=work.now,
            fence=0,
        )
    )


def plan(work: Work, name: str) -> StoredPlan:
    """A plan by digest, or a unique beginning of it."""
    digest = unique(work, PlanRow, PlanRow.digest, name, "plan")
    return _plan(work.execute(select(PlanRow.__table__).where(PlanRow.digest == digest)).one())


def plans_of(work: Work, incident_id: str) -> list[StoredPlan]:
    """The plans of an incident, oldest first."""
    query = select(PlanRow.__table__).where(PlanRow.incident == incident_id).order_by(PlanRow.created_at)
    return [_plan(row) for row in work.execute(query).all()]


def move_plan(work: Work, digest: str, source: str, target: str, reason: str = "") -> None:
    """Move a plan. Raises Stale when it is not in ``source`` any more."""
    at = (PlanRow.digest == digest, PlanRow.state == source)
    if work.execute(update(PlanRow).where(*at).values(state=target, reason=reason)).rowcount != 1:
        raise Stale(f"plan {digest[:12]} is not {source} any more", f"look: dispatcher clearance show {digest[:12]}")


def add_statement(work: Work, verified: Verified, envelope: Envelope, incident_id: str | None) -> bool:
    """Write a statement with its ledger entry; False when it was there already."""
    statement = verified.statement
    if work.execute(select(StatementRow.id).where(StatementRow.id == statement.id)).first():
        return False
    work.execute(
        insert(StatementRow).values(
            id=statement.id,
            kind=str(statement.kind),
            subject=statement.subject,
            person=statement.person,
            role=statement.role,
            mode=str(statement.mode),
            incident=incident_id,
            not_before=statement.not_before,
            expires=statement.expires,
            envelope=envelope.document(),
            recorded_at=work.now,
        )
    )
    work.record(
        f"statement.{statement.kind}",
        incident=incident_id,
        actor=statement.person,
        role=statement.role,
        statement=statement.id,
        subject=statement.subject,
        key=verified.key,
        body=dict(statement.body),
    )
    return True


def envelopes(work: Work, *where: Any) -> list[Envelope]:
    """Envelopes of the statements that fit, oldest first. A row written by hand that holds none is left out."""
    query = select(StatementRow.envelope).where(*where).order_by(StatementRow.recorded_at, StatementRow.id)
    return list(filter(None, map(_envelope, work.execute(query).scalars())))


def envelopes_for(work: Work, plan_digest: str, mode: str) -> list[Envelope]:
    """Everything signed about a plan, and the standing statements of its mode that have not expired."""
    standing = (
        StatementRow.kind.in_([str(kind) for kind in STANDING])
        & (StatementRow.mode == mode)
        & (StatementRow.expires > work.now)
    )
    return envelopes(work, or_(StatementRow.subject == plan_digest, standing))


def envelopes_about(work: Work, kind: StatementKind, subject: str) -> list[Envelope]:
    """What was signed of one kind about one subject."""
    return envelopes(work, StatementRow.kind == str(kind), StatementRow.subject == subject)


def stop_envelopes(work: Work, mode: str) -> list[Envelope]:
    """All halts, resumes and revocations of a mode."""
    return envelopes(work, StatementRow.kind.in_([str(kind) for kind in STOPS]), StatementRow.mode == mode)


def bundle(work: Work, plan_digest: str) -> Bundle:
    """All that a sender is given about a plan."""
    row = work.execute(select(PlanRow.body, PlanRow.mode).where(PlanRow.digest == plan_digest)).one()
    digests, lists = _named_in(row.body)
    bodies = work.execute(select(RenderingRow.digest, RenderingRow.body).where(RenderingRow.digest.in_(digests)))
    keys = work.execute(
        select(RecipientListRow.id, RecipientListRow.sealed_key).where(RecipientListRow.id.in_(lists))
    )
    return Bundle(
        plan=row.body,
        renderings=dict(bodies.all()),
        envelopes=tuple(envelopes_for(work, plan_digest, row.mode)),
        list_keys=dict(keys.all()),
    )


def _named_in(body: bytes) -> tuple[list[str], list[str]]:
    try:
        read = Plan.decode(body)
    except ValueError:
        return [], []  # the sender refuses what cannot be read, and says so
    digests = [digest for destination in read.destinations for digest in destination.renderings.values()]
    return digests, [signed.id for destination in read.destinations for signed in destination.lists]


def _envelope(document: Any) -> Envelope | None:
    with suppress(ValueError):  # nobody vouches for rows: one that cannot be read must not keep others from it
        return Envelope.from_document(document)
    return None


def _incident(row: Any) -> Incident:
    return Incident(
        id=row.id,
        mode=Mode(row.mode),
        kind=row.kind,
        severity=Severity(row.severity),
        title=row.title,
        state=IncidentState(row.state),
        declared_at=row.declared_at,
        declared_by=row.declared_by,
        source=row.source,
        facts=row.facts,
    )


def _account(row: Any) -> Account:
    return Account(row.id, row.channel, row.handle, tuple(row.languages.split()), row.settings)


def _plan(row: Any) -> StoredPlan:
    return StoredPlan(Plan.decode(row.body), row.digest, row.state, row.message, row.reason)


def statement_of(envelope: Envelope) -> Statement:
    """The statement in an envelope, unverified: for showing, never for deciding."""
    return Statement.decode(envelope.payload)


def add_clearances(work: Work, plan_digest: str, channels: Iterable[str]) -> None:
    """Write a pending clearance per channel."""
    rows = [{"plan": plan_digest, "channel": c, "state": "pending", "changed_at": work.now} for c in channels]
    work.execute(insert(ClearanceRow), rows)


def clearance_states(work: Work, plan_digest: str) -> dict[str, str]:
    """The state of each channel's clearance."""
    query = select(ClearanceRow.channel, ClearanceRow.state).where(ClearanceRow.plan == plan_digest)
    return dict(work.execute(query).all())


def move_clearance(work: Work, plan_digest: str, incident_id: str, channel: str, source: str, target: str) -> None:
    """Move a clearance that is still in ``source``."""
    at = (ClearanceRow.plan == plan_digest, ClearanceRow.channel == channel, ClearanceRow.state == source)
    if work.execute(update(ClearanceRow).where(*at).values(state=target, changed_at=work.now)).rowcount == 1:
        work.record(
            "clearance.moved",
            incident=incident_id,
            plan=plan_digest,
            channel=channel,
            source=source,
            target=target,
        )


def status(work: Work, mode: str) -> Envelope | None:
    """The newest signed status of a mode, where its row holds one."""
    return _envelope(work.execute(select(StatusRow.envelope).where(StatusRow.mode == mode)).scalar())


def put_status(work: Work, mode: str, envelope: Envelope) -> None:
    """Replace the signed status of a mode."""
    values = {"made_at": work.now, "envelope": envelope.document()}
    if work.execute(update(StatusRow).where(StatusRow.mode == mode).values(**values)).rowcount == 0:
        work.execute(insert(StatusRow).values(mode=mode, **values))


def generation(work: Work, message: str) -> int:
    """The number of the next plan of a message."""
    return (work.execute(select(func.max(PlanRow.generation)).where(PlanRow.message == message)).scalar() or 0) + 1


def signed_list(work: Work, mode: Mode, name: str) -> SignedList:
    """A recipient list as it goes into a plan. Raises NotFound."""
    query = select(RecipientListRow.__table__).where(RecipientListRow.id == name, RecipientListRow.mode == str(mode))
    row = work.execute(query).first()
    if row is None:
        raise NotFound(f"there is no {mode} recipient list {name}", "import one: dispatcher recipients import")
    return SignedList(row.id, row.root, row.count)


def leaves(work: Work, list_id: str) -> Iterable[tuple[int, str]]:
    """Position and leaf of every row of a list, in order."""
    query = select(RecipientRow.position, RecipientRow.leaf).where(RecipientRow.list == list_id)
    for row in work.execute(query.order_by(RecipientRow.position)):
        yield row.position, row.leaf


def sealed_rows(work: Work, list_id: str, positions: Iterable[int]) -> dict[int, bytes]:
    """The encrypted rows at these positions."""
    at = (RecipientRow.list == list_id, RecipientRow.position.in_(list(positions)))
    return dict(work.execute(select(RecipientRow.position, RecipientRow.sealed).where(*at)).all())
