"""Tables about processes and who watches them; found through ``dispatcher.store.tables`` like all others.

Nothing here decides what may be sent, and rows may be lost: processes write theirs again, people sign in again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.store.columns import Base


class WorkerRow(Base):
    """One process of a role, by the name that it takes leases under; ``doing`` says what it has under way.

    ``in_flight``: deliveries it holds now. ``heard_at``: when the doorbell last reached it over Redis.
    """

    __tablename__ = "workers"
    __table_args__ = (Index("ix_workers_seen", "seen_at"),)

    owner: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    mode: Mapped[str]
    host: Mapped[str]
    version: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    doing: Mapped[str] = mapped_column(default="")
    doing_since: Mapped[datetime | None]
    in_flight: Mapped[int] = mapped_column(default=0)
    heard_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]


class SessionRow(Base):
    """Somebody signed in to the console. ``id`` is the cookie's SHA-256 in hex: who reads it cannot sign in with it.

    ``issuer`` and ``subject`` are the identity provider's; of a one-time link ``dispatcher`` and the fingerprint of
    a key.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    issuer: Mapped[str]
    subject: Mapped[str]
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
