"""Reading and writing what people signed, as it was signed: nothing here is verified.

What every chunk asks for, and what is asked several times a second, are queries that are built once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, insert, or_, select

from dispatcher.domain.statement import Envelope, Statement, StatementKind, Verified
from dispatcher.gate.stops import STOP_KINDS
from dispatcher.store.columns import UtcTime
from dispatcher.store.database import Work
from dispatcher.store.tables import STATEMENTS

STANDING = (StatementKind.ASSESS, StatementKind.EXEMPT, StatementKind.ATTEST)
"""Statements about accounts and channels: they go along with every plan."""

NOW = bindparam("now", type_=UtcTime)


@dataclass(frozen=True, slots=True)
class Said:
    """A statement's row: what it is about, when it was written down, and its envelope, None where it holds none."""

    subject: str
    recorded_at: datetime
    envelope: Envelope | None


def add(work: Work, verified: Verified, envelope: Envelope, incident_id: str | None) -> bool:
    """Write a statement with its ledger entry; False when it was there already."""
    statement = verified.statement
    if work.execute(select(STATEMENTS.c.id).where(STATEMENTS.c.id == statement.id)).first():
        return False
    same = ("id", "subject", "person", "role", "not_before", "expires")
    values = {name: getattr(statement, name) for name in same}
    words = {"kind": str(statement.kind), "mode": str(statement.mode), "incident": incident_id}
    stored = {"envelope": envelope.document(), "recorded_at": work.now}
    work.execute(insert(STATEMENTS).values(**values, **words, **stored))
    work.record(
        f"statement.{statement.kind}",
        incident=incident_id,
        actor=statement.asked_by or statement.person,
        **({"through": statement.person} if statement.asked_by else {}),
        role=statement.role,
        statement=statement.id,
        subject=statement.subject,
        key=verified.key,
        body=dict(statement.body),
    )
    return True


def envelopes(work: Work, *where: Any) -> list[Envelope]:
    """Envelopes of the statements that fit, oldest first. A row written by hand that holds none is left out."""
    return _envelopes(_said(work, *where))


def said_of(work: Work, incident_id: str, plans: Collection[str]) -> list[Said]:
    """Everything that was signed in an incident or about these plans of it, oldest first."""
    return _said(work, or_(STATEMENTS.c.incident == incident_id, STATEMENTS.c.subject.in_(plans)))


def said_standing(work: Work, mode: str, since: datetime) -> list[Said]:
    """The standing statements of a mode that had not expired by then, oldest first."""
    kinds = [str(kind) for kind in STANDING]
    return _said(work, STATEMENTS.c.kind.in_(kinds), STATEMENTS.c.mode == mode, STATEMENTS.c.expires > since)


def envelopes_for(work: Work, plan_digest: str, mode: str) -> list[Envelope]:
    """Everything signed about a plan, and the standing statements of its mode that have not expired."""
    return _envelopes(_told(work, _for_plan(past=work.past), plan=plan_digest, mode=mode))


def envelopes_about(work: Work, kind: StatementKind, subject: str) -> list[Envelope]:
    """What was signed of one kind about one subject."""
    return envelopes(work, STATEMENTS.c.kind == str(kind), STATEMENTS.c.subject == subject)


def stop_envelopes(work: Work, mode: str) -> list[Envelope]:
    """All of a mode that may stop something, or end a stop."""
    return _envelopes(_told(work, _stops(past=work.past), mode=mode))


def statement_of(envelope: Envelope) -> Statement:
    """The statement in an envelope, unverified: for showing, never for deciding."""
    return Statement.decode(envelope.payload)


def _said(work: Work, *where: Any) -> list[Said]:
    return _told(work, _saying(*where, past=work.past))


def _told(work: Work, saying: Select[Any], **asked: str) -> list[Said]:
    rows = work.execute(saying, {"now": work.now, **asked}).all()
    return [Said(row.subject, row.recorded_at, envelope_in(row.envelope)) for row in rows]


def _envelopes(said: Sequence[Said]) -> list[Envelope]:
    return [one.envelope for one in said if one.envelope]


def _saying(*where: Any, past: bool) -> Select[Any]:
    """Statements that fit, oldest first; with ``past``, of those that were recorded until then."""
    known = [STATEMENTS.c.recorded_at <= NOW] if past else []
    query = select(STATEMENTS.c.subject, STATEMENTS.c.recorded_at, STATEMENTS.c.envelope).where(*where, *known)
    return query.order_by(STATEMENTS.c.recorded_at, STATEMENTS.c.id)


@cache  # asked for each chunk
def _for_plan(*, past: bool) -> Select[Any]:
    ours = STATEMENTS.c.mode == bindparam("mode")
    standing = STATEMENTS.c.kind.in_([str(kind) for kind in STANDING]) & ours & (STATEMENTS.c.expires > NOW)
    return _saying(or_(STATEMENTS.c.subject == bindparam("plan"), standing), past=past)


@cache  # asked several times a second
def _stops(*, past: bool) -> Select[Any]:
    kinds = [str(kind) for kind in STOP_KINDS]
    return _saying(STATEMENTS.c.kind.in_(kinds), STATEMENTS.c.mode == bindparam("mode"), past=past)


def envelope_in(document: Any) -> Envelope | None:
    """The envelope that a row holds, or None."""
    with suppress(ValueError):  # nobody vouches for rows: one that cannot be read must not keep others from it
        return Envelope.from_document(document)
    return None
