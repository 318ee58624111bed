"""Tables about other people's alerts and where they come from; found through ``dispatcher.store.tables`` like all
others.

An alert's row is what was received, what was found and what became of it. What it says is read from its bytes again.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from dispatcher.store.columns import (
    BYTES_OR_NONE,
    DOCUMENT,
    METADATA,
    NUMBER,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    Columns,
)


class CapAlertRow(Columns):
    """One CAP alert as received. ``sender``, ``identifier`` and ``sent`` are its own strings.

    ``content`` is the digest of what it says, without its signature; ``data`` is None where it was refused. ``found``
    holds faults, changes against its parent, and how long it holds where it does not say. ``parent`` is the alert
    that it updates or cancels; ``standing`` is one of ``dispatcher.domain.lifecycle.Standing``.
    """

    id = Column(Text, primary_key=True)
    mode = TEXT
    source = TEXT
    address = TEXT
    profile = TEXT
    received_at = TIME
    received_by = TEXT
    sha256 = TEXT
    content = TEXT
    data = BYTES_OR_NONE
    sender = TEXT
    identifier = TEXT
    sent = TEXT
    sent_at = TIME_OR_NONE
    status = TEXT
    msg_type = TEXT
    title = TEXT
    signer = TEXT
    verdict = TEXT
    found = DOCUMENT
    standing = TEXT
    parent = TEXT_OR_NONE
    incident = Column(Text, ForeignKey("incidents.id"))
    decided_at = TIME_OR_NONE
    decided_by = Column(Text, nullable=False, default="")
    reason = Column(Text, nullable=False, default="")


CAP_ALERTS = Table(
    "cap_alerts",
    METADATA,
    CapAlertRow,
    UniqueConstraint("mode", "sha256"),
    Index("ix_cap_alerts_named", "mode", "sender", "identifier"),
    Index("ix_cap_alerts_standing", "standing"),
)


class CapFeedRow(Columns):
    """One watched feed of a mode. ``ok_at``: when its list was last read; ``faults`` and ``seen`` are of that poll.

    ``seen`` holds the entries that need no second fetch. ``due_at`` is the next poll, ``every_s`` the interval.
    """

    name = Column(Text, primary_key=True)
    mode = Column(Text, primary_key=True)
    every_s = NUMBER
    began_at = TIME
    due_at = TIME
    polled_at = TIME_OR_NONE
    ok_at = TIME_OR_NONE
    etag = Column(Text, nullable=False, default="")
    modified = Column(Text, nullable=False, default="")
    found = DOCUMENT


CAP_FEEDS = Table("cap_feeds", METADATA, CapFeedRow)
