"""The ledger's own tables; found through ``dispatcher.store.tables`` like all others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text, UniqueConstraint

from dispatcher.store.columns import BYTES, DOCUMENT, METADATA, NUMBER, TEXT, TIME, Columns, RowNumber


class LedgerRow(Columns):
    """One ledger entry, in its writer's chain; ``dispatcher.ledger.chain.Record`` says how it is read."""

    id = Column(RowNumber, primary_key=True, autoincrement=True)
    writer = TEXT
    sequence = NUMBER
    prev = TEXT
    leaf = TEXT
    kind = Column(Text, nullable=False, index=True)
    incident = Column(Text, index=True)
    recorded_at = TIME
    body = BYTES


LEDGER = Table("ledger", METADATA, LedgerRow, UniqueConstraint("sequence", "writer"))


class CheckpointRow(Columns):
    """One signed head of the ledger; ``dispatcher.store.checkpoints`` says what its columns hold."""

    size = Column(RowNumber, primary_key=True, autoincrement=False)
    made_at = TIME
    last = Column(BigInteger, nullable=False)
    taken = DOCUMENT
    missing = DOCUMENT
    frontier = BYTES
    note = TEXT


CHECKPOINTS = Table("checkpoints", METADATA, CheckpointRow)
