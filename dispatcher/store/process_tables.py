"""Tables about processes and who watches them; found through ``dispatcher.store.tables`` like all others.

Nothing here decides what may be sent, and rows may be lost: processes write theirs again, people sign in again.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from dispatcher.store.columns import METADATA, NUMBER, TEXT, TIME, TIME_OR_NONE, Columns


class WorkerRow(Columns):
    """One process of a role, by the name that it takes leases under; ``doing`` says what it has under way.

    ``in_flight``: deliveries it holds now. ``heard_at``: when the doorbell last reached it over Redis.
    """

    owner = Column(Text, primary_key=True)
    role = TEXT
    mode = TEXT
    host = TEXT
    version = TEXT
    pid = NUMBER
    started_at = TIME
    seen_at = TIME
    doing = Column(Text, nullable=False, default="")
    doing_since = TIME_OR_NONE
    in_flight = Column(Integer, nullable=False, default=0)
    heard_at = TIME_OR_NONE
    stopped_at = TIME_OR_NONE


WORKERS = Table("workers", METADATA, WorkerRow, Index("ix_workers_seen", "seen_at"))


class SessionRow(Columns):
    """Somebody signed in to the console. ``id`` is the cookie's SHA-256 in hex: who reads it cannot sign in with it.

    ``issuer`` and ``subject`` are the identity provider's; of a one-time link ``dispatcher`` and the fingerprint of
    a key.
    """

    id = Column(Text, primary_key=True)
    person = TEXT
    name = TEXT
    role = TEXT
    issuer = TEXT
    subject = TEXT
    made_at = TIME
    seen_at = TIME
    expires_at = TIME
    ended_at = TIME_OR_NONE


SESSIONS = Table("sessions", METADATA, SessionRow)
