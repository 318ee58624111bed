"""Tables about whom texts go to, and by which account; found through ``dispatcher.store.tables`` like all others."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text

from dispatcher.store.columns import (
    BYTES,
    BYTES_OR_NONE,
    DOCUMENT,
    METADATA,
    NUMBER,
    NUMBER_OR_NONE,
    TEXT,
    TIME,
    TIME_OR_NONE,
    Columns,
)


class AccountRow(Columns):
    """One account of ours, without anything secret. What the sender believes is in its own credential file.

    ``in_groups``: the names of its groups, with a space between two.
    """

    id = Column(Text, primary_key=True)
    mode = TEXT
    channel = TEXT
    lane = TEXT
    handle = TEXT
    languages = TEXT
    settings = DOCUMENT
    created_at = TIME
    in_groups = Column(Text, nullable=False, default="")


ACCOUNTS = Table("accounts", METADATA, AccountRow)


class ProbeRow(Columns):
    """The last probe of an account and when the next is due; ``ok`` and ``probed_at`` are empty before the first.

    ``expires_at`` is when its credential ends, by its platform or whoever added it; ``warned_days`` the last alarm
    that was raised about that. Nothing here decides what may be sent.
    """

    account = Column(Text, ForeignKey("accounts.id"), primary_key=True)
    due_at = TIME_OR_NONE
    probed_at = TIME_OR_NONE
    ok = Column(Boolean)
    detail = Column(Text, nullable=False, default="")
    quota = Column(Text, nullable=False, default="")
    expires_at = TIME_OR_NONE
    warned_days = NUMBER_OR_NONE


PROBES = Table("probes", METADATA, ProbeRow)


class RecipientListRow(Columns):
    """One recipient list; ``sealed_key`` opens it for the recipients' sender only, and is empty before and after.

    ``block_roots``: those of its Merkle tree, see ``dispatcher.domain.merkle``; none where an older version wrote it.
    """

    id = Column(Text, primary_key=True)
    mode = TEXT
    root = TEXT
    count = NUMBER
    sealed_key = TEXT
    created_at = TIME
    created_by = TEXT
    block_roots = BYTES_OR_NONE
    purged_at = TIME_OR_NONE


RECIPIENT_LISTS = Table("recipient_lists", METADATA, RecipientListRow)


class RecipientRow(Columns):
    """One encrypted recipient, at its place in the list's fixed order."""

    list = Column(Text, ForeignKey("recipient_lists.id"), primary_key=True)
    position = Column(Integer, primary_key=True)
    leaf = TEXT
    language = TEXT
    sealed = BYTES


RECIPIENTS = Table("recipients", METADATA, RecipientRow)


class DeviceRow(Columns):
    """A standalone device that hand-off packets may be opened on. Its secret is in the sender's file, not here."""

    id = Column(Text, primary_key=True)
    mode = TEXT
    account = TEXT
    registered_at = TIME
    registered_by = TEXT


DEVICES = Table("devices", METADATA, DeviceRow)


class HoldRow(Columns):
    """An account that gets nothing for now: held by a person or, where none is named, left alone by its breaker."""

    account = Column(Text, primary_key=True)
    person = Column(Text, primary_key=True)
    reason = TEXT
    placed_at = TIME
    until = TIME_OR_NONE


HOLDS = Table("holds", METADATA, HoldRow)
