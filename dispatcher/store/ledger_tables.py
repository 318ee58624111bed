"""The ledger's own tables; found through ``dispatcher.store.tables`` like all others."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.store.columns import Base, RowNumber


class LedgerRow(Base):
    """One ledger entry, in its writer's chain; ``dispatcher.ledger.chain.Record`` says how it is read."""

    __tablename__ = "ledger"
    __table_args__ = (UniqueConstraint("sequence", "writer"),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    writer: Mapped[str]
    sequence: Mapped[int]
    prev: Mapped[str]
    leaf: Mapped[str]
    kind: Mapped[str] = mapped_column(index=True)
    incident: Mapped[str | None] = mapped_column(index=True)
    recorded_at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class CheckpointRow(Base):
    """One signed head of the ledger; ``dispatcher.store.checkpoints`` says what its columns hold."""

    __tablename__ = "checkpoints"

    size: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    made_at: Mapped[datetime]
    last: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[list[list[int]]] = mapped_column(JSON)
    missing: Mapped[list[list[int]]] = mapped_column(JSON)
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str]
