"""Tables about other people's alerts and where they come from; found through ``dispatcher.store.tables`` like all
others.

An alert's row is what was received, what was found and what became of it. What it says is read from its bytes again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.store.columns import Base


class CapAlertRow(Base):
    """One CAP alert as received. ``sender``, ``identifier`` and ``sent`` are its own strings.

    ``content`` is the digest of what it says, without its signature; ``data`` is None where it was refused. ``found``
    holds faults, changes against its parent, and how long it holds where it does not say. ``parent`` is the alert
    that it updates or cancels; ``standing`` is one of ``dispatcher.domain.lifecycle.Standing``.
    """

    __tablename__ = "cap_alerts"
    __table_args__ = (
        UniqueConstraint("mode", "sha256"),
        Index("ix_cap_alerts_named", "mode", "sender", "identifier"),
        Index("ix_cap_alerts_standing", "standing"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    source: Mapped[str]
    address: Mapped[str]
    profile: Mapped[str]
    received_at: Mapped[datetime]
    received_by: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[str]
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    sender: Mapped[str]
    identifier: Mapped[str]
    sent: Mapped[str]
    sent_at: Mapped[datetime | None]
    status: Mapped[str]
    msg_type: Mapped[str]
    title: Mapped[str]
    signer: Mapped[str]
    verdict: Mapped[str]
    found: Mapped[dict[str, Any]]
    standing: Mapped[str]
    parent: Mapped[str | None]
    incident: Mapped[str | None] = mapped_column(ForeignKey("incidents.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")


class CapFeedRow(Base):
    """One watched feed of a mode. ``ok_at``: when its list was last read; ``faults`` and ``seen`` are of that poll.

    ``seen`` holds the entries that need no second fetch. ``due_at`` is the next poll, ``every_s`` the interval.
    """

    __tablename__ = "cap_feeds"

    name: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    every_s: Mapped[int]
    began_at: Mapped[datetime]
    due_at: Mapped[datetime]
    polled_at: Mapped[datetime | None]
    ok_at: Mapped[datetime | None]
    etag: Mapped[str] = mapped_column(default="")
    modified: Mapped[str] = mapped_column(default="")
    found: Mapped[dict[str, Any]]
