"""The tables. SQL is the truth for what happened; it is never the authority for what may happen.

Documents that people sign are kept as their exact canonical bytes beside the columns that queries need; whoever
decides anything reads the bytes. ``migrations/`` creates these tables, with triggers that refuse every move that is
not in ``dispatcher.domain.lifecycle`` and every change to the ledger.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from dispatcher.store.account_tables import ACCOUNTS as ACCOUNTS  # noqa: PLC0414 - as below
from dispatcher.store.account_tables import DEVICES as DEVICES  # noqa: PLC0414 - as below
from dispatcher.store.account_tables import HOLDS as HOLDS  # noqa: PLC0414 - as below
from dispatcher.store.account_tables import PROBES as PROBES  # noqa: PLC0414 - as below
from dispatcher.store.account_tables import RECIPIENT_LISTS as RECIPIENT_LISTS  # noqa: PLC0414 - as below
from dispatcher.store.account_tables import RECIPIENTS as RECIPIENTS  # noqa: PLC0414 - as below
from dispatcher.store.alert_tables import CAP_ALERTS as CAP_ALERTS  # noqa: PLC0414 - as below
from dispatcher.store.alert_tables import CAP_FEEDS as CAP_FEEDS  # noqa: PLC0414 - as below
from dispatcher.store.columns import (
    BYTES,
    DOCUMENT,
    NUMBER,
    NUMBER_OR_NONE,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    Columns,
    RowNumber,
)
from dispatcher.store.columns import METADATA as METADATA  # noqa: PLC0414 - all tables are found through this module
from dispatcher.store.ledger_tables import CHECKPOINTS as CHECKPOINTS  # noqa: PLC0414 - as above
from dispatcher.store.ledger_tables import LEDGER as LEDGER  # noqa: PLC0414 - as above
from dispatcher.store.process_tables import SESSIONS as SESSIONS  # noqa: PLC0414 - as above
from dispatcher.store.process_tables import WORKERS as WORKERS  # noqa: PLC0414 - as above


class IncidentRow(Columns):
    """One incident."""

    id = Column(Text, primary_key=True)
    mode = TEXT
    kind = TEXT
    severity = NUMBER
    title = TEXT
    state = TEXT
    declared_at = TIME
    declared_by = TEXT
    source = DOCUMENT
    facts = DOCUMENT


INCIDENTS = Table("incidents", METADATA, IncidentRow)


class RevisionRow(Columns):
    """One immutable revision of a message, as its canonical bytes."""

    digest = Column(Text, primary_key=True)
    message = Column(Text, nullable=False, index=True)
    number = NUMBER
    incident = Column(Text, ForeignKey("incidents.id"), nullable=False, index=True)
    body = BYTES
    created_at = TIME
    created_by = TEXT


REVISIONS = Table("revisions", METADATA, RevisionRow, UniqueConstraint("message", "number"))


class RenderingRow(Columns):
    """One rendering, as its canonical bytes."""

    digest = Column(Text, primary_key=True)
    body = BYTES


RENDERINGS = Table("renderings", METADATA, RenderingRow)


class PlanRow(Columns):
    """One plan, as its canonical bytes."""

    digest = Column(Text, primary_key=True)
    incident = Column(Text, ForeignKey("incidents.id"), nullable=False, index=True)
    message = Column(Text, nullable=False, index=True)
    mode = TEXT
    state = TEXT
    generation = NUMBER
    body = BYTES
    created_at = TIME


PLANS = Table("plans", METADATA, PlanRow)


class ClearanceRow(Columns):
    """The clearance of one channel of one plan, as last worked out; the gate works it out again every time."""

    plan = Column(Text, ForeignKey("plans.digest"), primary_key=True)
    channel = Column(Text, primary_key=True)
    state = TEXT
    changed_at = TIME


CLEARANCES = Table("clearances", METADATA, ClearanceRow)


class SpendRow(Columns):
    """What one channel of a paid plan may cost, in pence; ``billed`` and ``invoice`` once it is reconciled."""

    plan = Column(Text, ForeignKey("plans.digest"), primary_key=True)
    channel = Column(Text, primary_key=True)
    incident = TEXT
    mode = TEXT
    case = TEXT
    year = NUMBER
    pence = Column(BigInteger, nullable=False)
    state = TEXT
    billed = Column(BigInteger)
    invoice = TEXT_OR_NONE
    changed_at = TIME


SPENDS = Table("spends", METADATA, SpendRow)


class StatementRow(Columns):
    """One signed statement, as its envelope. ``plan`` is set where the subject is a plan."""

    id = Column(Text, primary_key=True)
    kind = Column(Text, nullable=False, index=True)
    subject = Column(Text, nullable=False, index=True)
    person = TEXT
    role = TEXT
    mode = TEXT
    incident = Column(Text, index=True)
    not_before = TIME
    expires = TIME
    envelope = DOCUMENT
    recorded_at = TIME


STATEMENTS = Table("statements", METADATA, StatementRow)


class DispatchRow(Columns):
    """The signed release of one plan. Its deliveries were made at submit; this row lets them be leased.

    ``traceparent`` is the W3C trace context that the release began; attempts are linked to it.
    """

    id = Column(Text, primary_key=True)
    plan = Column(Text, ForeignKey("plans.digest"), nullable=False, unique=True)
    incident = Column(Text, nullable=False, index=True)
    mode = TEXT
    released_at = TIME
    released_by = TEXT
    statement = Column(Text, ForeignKey("statements.id"), nullable=False)
    traceparent = Column(Text, nullable=False, default="")


DISPATCHES = Table("dispatches", METADATA, DispatchRow)


class DeliveryRow(Columns):
    """One delivery of a text (``kind``) to the account or to the leaf of a list's row (``destination``).

    Of an armed text ``original`` is the platform's name of what it mends.
    """

    id = Column(Text, primary_key=True)
    plan = Column(Text, ForeignKey("plans.digest"), nullable=False)
    incident = Column(Text, nullable=False, index=True)
    mode = TEXT
    lane = TEXT
    channel = TEXT
    account = TEXT
    kind = TEXT
    rendering = TEXT
    destination = TEXT
    list = TEXT_OR_NONE
    position = NUMBER_OR_NONE
    original = TEXT_OR_NONE
    state = Column(Text, nullable=False, default="ready")
    reason = Column(Text, nullable=False, default="")
    fence = Column(Integer, nullable=False, default=0)
    attempts = Column(Integer, nullable=False, default=0)
    failures = Column(Integer, nullable=False, default=0)
    leases = Column(Integer, nullable=False, default=0)
    owner = TEXT_OR_NONE
    lease_until = TIME_OR_NONE
    due_at = TIME
    expires_at = TIME
    first_intent_at = TIME_OR_NONE
    looked = Column(Integer, nullable=False, default=0)
    absent = Column(Integer, nullable=False, default=0)
    handle = TEXT_OR_NONE
    reference = TEXT_OR_NONE
    url = TEXT_OR_NONE
    accepted_at = TIME_OR_NONE


DELIVERIES = Table(
    "deliveries",
    METADATA,
    DeliveryRow,
    UniqueConstraint("plan", "account", "kind", "destination"),
    Index("ix_deliveries_due", "lane", "mode", "state", "due_at", "id"),
    Index("ix_deliveries_lease", "state", "lease_until", "expires_at"),
    Index("ix_deliveries_counts", "plan", "state", "kind", "channel", "account", "attempts"),
    # of what is ready only: migrations 0003 says so; said here, it would load both databases' dialects at every start
    Index("ix_deliveries_ready", "plan", "account", "due_at", "id"),
)


class WayBackRow(Columns):
    """A signed order to send an armed text. ``renderings`` maps accounts to its digest."""

    plan = Column(Text, ForeignKey("plans.digest"), primary_key=True)
    kind = Column(Text, primary_key=True)
    incident = TEXT
    mode = TEXT
    ordered_at = TIME
    ordered_by = TEXT
    statement = Column(Text, ForeignKey("statements.id"), nullable=False)
    expires_at = TIME
    renderings = DOCUMENT
    ended_at = TIME_OR_NONE


WAYS_BACK = Table("ways_back", METADATA, WayBackRow)


class TaskRow(Columns):
    """What a person has to do about a delivery, because its platform lets no machine do it."""

    id = Column(Text, primary_key=True)
    delivery = Column(Text, ForeignKey("deliveries.id"), nullable=False)
    kind = TEXT
    incident = TEXT
    plan = TEXT
    rendering = TEXT
    opened_at = TIME
    done_at = TIME_OR_NONE
    done_by = TEXT_OR_NONE
    note = Column(Text, nullable=False, default="")


TASKS = Table("tasks", METADATA, TaskRow, UniqueConstraint("delivery", "kind"))


class AttemptRow(Columns):
    """One attempt: the intent, committed before the first byte, and later its outcome."""

    delivery = Column(Text, ForeignKey("deliveries.id"), primary_key=True)
    number = Column(Integer, primary_key=True)
    fence = NUMBER
    owner = TEXT
    intended_at = TIME
    ended_at = TIME_OR_NONE
    verdict = TEXT_OR_NONE
    code = Column(Text, nullable=False, default="")
    reason = Column(Text, nullable=False, default="")
    status = NUMBER_OR_NONE
    reference = TEXT_OR_NONE
    provider_ms = NUMBER_OR_NONE


ATTEMPTS = Table("attempts", METADATA, AttemptRow)


class OutboxRow(Columns):
    """A doorbell to ring: written with the release, rung after commit, and again by the relay if that was lost."""

    id = Column(RowNumber, primary_key=True, autoincrement=True)
    lane = TEXT
    mode = TEXT
    dispatch = TEXT
    created_at = TIME
    rung_at = TIME_OR_NONE


OUTBOX = Table("outbox", METADATA, OutboxRow)


class HandOffRow(Columns):
    """A packet that was issued for a hand-off, and the receipt it came to. The release code is not here."""

    delivery = Column(Text, ForeignKey("deliveries.id"), primary_key=True)
    device = TEXT
    packet = TEXT
    opened_by = TEXT
    issued_at = TIME
    expires_at = TIME


HAND_OFFS = Table("hand_offs", METADATA, HandOffRow)


class LeaderRow(Columns):
    """Who leads a role, by term; every write of a leader checks its term."""

    role = Column(Text, primary_key=True)
    term = NUMBER
    owner = TEXT
    until = TIME


LEADERS = Table("leaders", METADATA, LeaderRow)


class StatusRow(Columns):
    """The last signed status per mode: what is stopped, as the leader saw it."""

    mode = Column(Text, primary_key=True)
    made_at = TIME
    envelope = DOCUMENT


STATUSES = Table("statuses", METADATA, StatusRow)
