"""Heads of the ledger that count: signed with the status key of the trust root, or of one that it followed from."""

from __future__ import annotations

from datetime import datetime

from dispatcher.gate.policy import Policies
from dispatcher.ledger.notes import Checkpoint, NoteRefused, origin_of, read_note
from dispatcher.statements.keys import point_of
from dispatcher.statements.trust import Trust
from dispatcher.store import checkpoints
from dispatcher.store.database import Store


def signed_head(trust: Trust[Policies], note: str) -> Checkpoint:
    """What a note says, if its signature holds. Raises NoteRefused."""
    read, refused = read_note(note), NoteRefused("there is no key")
    for root in (trust.root, *(step.root for step in reversed(trust.steps))):
        try:
            read.verify(origin_of(root.deployment), point_of(root.status_key.blob))
        except NoteRefused as refusal:
            refused = refusal
        else:
            return read.checkpoint
    raise refused


def head_seen(trust: Trust[Policies], store: Store, by: datetime) -> str | None:
    """The last head made by then, as a statement embeds it; None where there is none, or a false one.

    A false one keeps nobody from signing: whoever can write to the database could stop every message with it.
    """
    with store.read() as work:
        stored = checkpoints.newest(work, by)
    try:
        return signed_head(trust, stored.note).head if stored else None
    except NoteRefused:
        return None
