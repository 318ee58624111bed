"""The tables. SQL is the truth for what happened; it is never the authority for what may happen.

Documents that people sign are kept as their exact canonical bytes beside the columns that queries need; whoever
decides anything reads the bytes. ``migrations/`` creates these tables, with triggers that refuse every move that is
not in ``dispatcher.domain.lifecycle`` and every change to the ledger.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.store.alert_tables import CapAlertRow as CapAlertRow  # noqa: PLC0414 - as below
from dispatcher.store.alert_tables import CapFeedRow as CapFeedRow  # noqa: PLC0414 - as below
from dispatcher.store.columns import Base as Base  # noqa: PLC0414 - all tables are found through this module
from dispatcher.store.columns import RowNumber
from dispatcher.store.ledger_tables import CheckpointRow as CheckpointRow  # noqa: PLC0414 - as above
from dispatcher.store.ledger_tables import LedgerRow as LedgerRow  # noqa: PLC0414 - as above
from dispatcher.store.process_tables import SessionRow as SessionRow  # noqa: PLC0414 - as above
from dispatcher.store.process_tables import WorkerRow as WorkerRow  # noqa: PLC0414 - as above


class IncidentRow(Base):
    """One incident."""

    __tablename__ = "incidents"

    id: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    kind: Mapped[str]
    severity: Mapped[int]
    title: Mapped[str]
    state: Mapped[str]
    declared_at: Mapped[datetime]
    declared_by: Mapped[str]
    source: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]


class RevisionRow(Base):
    """One immutable revision of a message, as its canonical bytes."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("message", "number"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    message: Mapped[str] = mapped_column(index=True)
    number: Mapped[int]
    incident: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class AccountRow(Base):
    """One account of ours, without anything secret. What the sender believes is in its own credential file.

    ``in_groups``: the names of its groups, with a space between two.
    """

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    channel: Mapped[str]
    lane: Mapped[str]
    handle: Mapped[str]
    languages: Mapped[str]
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    in_groups: Mapped[str] = mapped_column(default="")


class ProbeRow(Base):
    """The last probe of an account and when the next is due; ``ok`` and ``probed_at`` are empty before the first.

    ``expires_at`` is when its credential ends, by its platform or whoever added it; ``warned_days`` the last alarm
    that was raised about that. Nothing here decides what may be sent.
    """

    __tablename__ = "probes"

    account: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    due_at: Mapped[datetime | None]
    probed_at: Mapped[datetime | None]
    ok: Mapped[bool | None]
    detail: Mapped[str] = mapped_column(default="")
    quota: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime | None]
    warned_days: Mapped[int | None]


class RecipientListRow(Base):
    """One recipient list; ``sealed_key`` opens it for the recipients' sender only, and is empty before and after.

    ``block_roots``: those of its Merkle tree, see ``dispatcher.domain.merkle``; none where an older version wrote it.
    """

    __tablename__ = "recipient_lists"

    id: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    root: Mapped[str]
    count: Mapped[int]
    sealed_key: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    block_roots: Mapped[bytes | None] = mapped_column(LargeBinary)
    purged_at: Mapped[datetime | None]


class RecipientRow(Base):
    """One encrypted recipient, at its place in the list's fixed order."""

    __tablename__ = "recipients"

    list: Mapped[str] = mapped_column(ForeignKey("recipient_lists.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    leaf: Mapped[str]
    language: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class DeviceRow(Base):
    """A standalone device that hand-off packets may be opened on. Its secret is in the sender's file, not here."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    account: Mapped[str]
    registered_at: Mapped[datetime]
    registered_by: Mapped[str]


class RenderingRow(Base):
    """One rendering, as its canonical bytes."""

    __tablename__ = "renderings"

    digest: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class PlanRow(Base):
    """One plan, as its canonical bytes."""

    __tablename__ = "plans"

    digest: Mapped[str] = mapped_column(primary_key=True)
    incident: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    message: Mapped[str] = mapped_column(index=True)
    mode: Mapped[str]
    state: Mapped[str]
    generation: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ClearanceRow(Base):
    """The clearance of one channel of one plan, as last worked out; the gate works it out again every time."""

    __tablename__ = "clearances"

    plan: Mapped[str] = mapped_column(ForeignKey("plans.digest"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    changed_at: Mapped[datetime]


class SpendRow(Base):
    """What one channel of a paid plan may cost, in pence; ``billed`` and ``invoice`` once it is reconciled."""

    __tablename__ = "spends"

    plan: Mapped[str] = mapped_column(ForeignKey("plans.digest"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    incident: Mapped[str]
    mode: Mapped[str]
    case: Mapped[str]
    year: Mapped[int]
    pence: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    billed: Mapped[int | None] = mapped_column(BigInteger)
    invoice: Mapped[str | None]
    changed_at: Mapped[datetime]


class StatementRow(Base):
    """One signed statement, as its envelope. ``plan`` is set where the subject is a plan."""

    __tablename__ = "statements"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    person: Mapped[str]
    role: Mapped[str]
    mode: Mapped[str]
    incident: Mapped[str | None] = mapped_column(index=True)
    not_before: Mapped[datetime]
    expires: Mapped[datetime]
    envelope: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]


class DispatchRow(Base):
    """The signed release of one plan. Its deliveries were made at submit; this row lets them be leased.

    ``traceparent`` is the W3C trace context that the release began; attempts are linked to it.
    """

    __tablename__ = "dispatches"

    id: Mapped[str] = mapped_column(primary_key=True)
    plan: Mapped[str] = mapped_column(ForeignKey("plans.digest"), unique=True)
    incident: Mapped[str] = mapped_column(index=True)
    mode: Mapped[str]
    released_at: Mapped[datetime]
    released_by: Mapped[str]
    statement: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    traceparent: Mapped[str] = mapped_column(default="")


class DeliveryRow(Base):
    """One delivery of a text (``kind``) to the account or to the leaf of a list's row (``destination``).

    Of an armed text ``original`` is the platform's name of what it mends.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("plan", "account", "kind", "destination"),
        Index("ix_deliveries_due", "lane", "mode", "state", "due_at", "id"),
        Index("ix_deliveries_lease", "state", "lease_until"),
        Index("ix_deliveries_counts", "plan", "state", "kind", "channel", "account", "attempts"),
        Index(
            "ix_deliveries_ready",
            *("plan", "account", "due_at", "id"),
            postgresql_where=text("state = 'ready'"),
            sqlite_where=text("state = 'ready'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    plan: Mapped[str] = mapped_column(ForeignKey("plans.digest"))
    incident: Mapped[str] = mapped_column(index=True)
    mode: Mapped[str]
    lane: Mapped[str]
    channel: Mapped[str]
    account: Mapped[str]
    kind: Mapped[str]
    rendering: Mapped[str]
    destination: Mapped[str]
    list: Mapped[str | None]
    position: Mapped[int | None]
    original: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="ready")
    reason: Mapped[str] = mapped_column(default="")
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    leases: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    first_intent_at: Mapped[datetime | None]
    looked: Mapped[int] = mapped_column(default=0)
    absent: Mapped[int] = mapped_column(default=0)
    handle: Mapped[str | None]
    reference: Mapped[str | None]
    url: Mapped[str | None]
    accepted_at: Mapped[datetime | None]


class WayBackRow(Base):
    """A signed order to send an armed text. ``renderings`` maps accounts to its digest."""

    __tablename__ = "ways_back"

    plan: Mapped[str] = mapped_column(ForeignKey("plans.digest"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    incident: Mapped[str]
    mode: Mapped[str]
    ordered_at: Mapped[datetime]
    ordered_by: Mapped[str]
    statement: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    expires_at: Mapped[datetime]
    renderings: Mapped[dict[str, Any]]
    ended_at: Mapped[datetime | None]


class TaskRow(Base):
    """What a person has to do about a delivery, because its platform lets no machine do it."""

    __tablename__ = "tasks"
    __table_args__ = (UniqueConstraint("delivery", "kind"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    delivery: Mapped[str] = mapped_column(ForeignKey("deliveries.id"))
    kind: Mapped[str]
    incident: Mapped[str]
    plan: Mapped[str]
    rendering: Mapped[str]
    opened_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")


class AttemptRow(Base):
    """One attempt: the intent, committed before the first byte, and later its outcome."""

    __tablename__ = "attempts"

    delivery: Mapped[str] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    fence: Mapped[int]
    owner: Mapped[str]
    intended_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    verdict: Mapped[str | None]
    code: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    status: Mapped[int | None]
    reference: Mapped[str | None]
    provider_ms: Mapped[int | None]


class HoldRow(Base):
    """An account that gets nothing for now: held by a person or, where none is named, left alone by its breaker."""

    __tablename__ = "holds"

    account: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    placed_at: Mapped[datetime]
    until: Mapped[datetime | None]


class OutboxRow(Base):
    """A doorbell to ring: written with the release, rung after commit, and again by the relay if that was lost."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    lane: Mapped[str]
    mode: Mapped[str]
    dispatch: Mapped[str]
    created_at: Mapped[datetime]
    rung_at: Mapped[datetime | None]


class HandOffRow(Base):
    """A packet that was issued for a hand-off, and the receipt it came to. The release code is not here."""

    __tablename__ = "hand_offs"

    delivery: Mapped[str] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    device: Mapped[str]
    packet: Mapped[str]
    opened_by: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class LeaderRow(Base):
    """Who leads a role, by term; every write of a leader checks its term."""

    __tablename__ = "leaders"

    role: Mapped[str] = mapped_column(primary_key=True)
    term: Mapped[int]
    owner: Mapped[str]
    until: Mapped[datetime]


class StatusRow(Base):
    """The last signed status per mode: what is stopped, as the leader saw it."""

    __tablename__ = "statuses"

    mode: Mapped[str] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    envelope: Mapped[dict[str, Any]]
