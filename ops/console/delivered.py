"""One delivery as its page shows it: where it stands and why, every attempt, the words, what the public sees.

Rules
  1. A delivery is asked for by its whole id: a beginning would have to be looked for among a million.
  2. Whom it is for is not read: of a recipient the page knows the list and the place in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from channels.contract import Part, Rendering
from dispatcher.domain import canonical
from dispatcher.domain.errors import NotFound
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import DeliveryState, HeldReason
from dispatcher.sending.prepared import RESOLVING
from dispatcher.service import watching
from dispatcher.service.desk import Desk
from dispatcher.service.resolving import needed_for
from dispatcher.store import holds, records, sightings
from dispatcher.store.database import Work
from dispatcher.store.history import Tried
from dispatcher.store.slices import renderings
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, RENDERINGS

MOST_TRIED = 50
COLUMNS = (
    *("id", "plan", "incident", "mode", "lane", "channel", "account", "kind", "list", "position", "original"),
    *("state", "reason", "attempts", "due_at", "expires_at", "first_intent_at", "accepted_at", "reference", "url"),
)
WHY = {
    DeliveryState.READY: "It waits for its turn.",
    DeliveryState.LEASED: "A worker has it and asks whether it may go.",
    DeliveryState.SENDING: "It is leaving now.",
    DeliveryState.ACCEPTED: "The platform has taken it.",
    DeliveryState.REJECTED: "The platform refused it for good.",
    DeliveryState.HANDED_OVER: "People finish it by hand.",
    DeliveryState.IN_DOUBT: "It may have been published: the platform is being asked. Nothing is resent meanwhile.",
    DeliveryState.HELD: "It waits for people.",
    DeliveryState.VISIBLE: "The public sees it as it was approved.",
    DeliveryState.MISSING: "It was taken, and is not shown as it was approved.",
    DeliveryState.CANCELLED: "It was stopped before anything left.",
    DeliveryState.EXPIRED: "Its time passed before anything left.",
}
HELD = {
    HeldReason.AMBIGUOUS: "It may have been published. Two people look at the channel and say whether it is there.",
    HeldReason.EXHAUSTED: "Nothing left, and every try is used up.",
    HeldReason.REFUSED: "Nothing left: the gate said no. What it asks for is in `dispatcher gate explain`.",
    HeldReason.STALE_STATUS: "Nothing left: there is no fresh word on what is stopped. It goes on by itself.",
    HeldReason.POISON: "Nothing left: workers died with it before they could send.",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A command to type in the CLI: what it does, and who may sign it."""

    does: str
    command: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A delivery, its newest attempts (newest last; ``earlier`` more are not shown), words and sighting.

    ``public`` is what the public sees, in words; ``shown`` the text of a post that was altered.
    """

    row: Any
    now: datetime
    title: str
    tried: tuple[Tried, ...]
    earlier: int
    parts: tuple[Part, ...]
    media: int
    account_held: str
    public: str
    shown: str

    @property
    def why(self) -> str:
        """Where it stands, in a sentence."""
        if self.row.state == DeliveryState.HELD:
            return HELD.get(self.row.reason, f"It waits for people: {self.row.reason}")
        return f"Its account is held: {self.account_held}" if self.account_held else WHY[self.row.state]

    @property
    def commands(self) -> Sequence[Typed]:
        """What can be typed about it; the first is the one that moves it on."""
        return (*_moving(self), Typed("Ask the gate why, clause by clause", f"dispatcher gate explain {self.row.id}"))


def one(desk: Desk, id_: str) -> Found:
    """The delivery of this id. Raises NotFound."""
    with desk.store.read() as work:
        query = select(*(DELIVERIES.c[name] for name in COLUMNS)).where(DELIVERIES.c.id == id_)
        row = work.execute(query).first()
        if row is None:
            raise NotFound(f"there is no delivery {id_}", "dispatcher delivery list")
        tried = _tried(work, id_)
        rendering = _rendering(work, id_)
        seen = sightings.by_delivery(work, id=id_).get(id_)
        return Found(
            row=row,
            now=work.now,
            title=records.incident(work, row.incident).title,
            tried=tried,
            earlier=max(0, tried[0].number - 1) if tried else 0,
            parts=rendering.parts if rendering else (),
            media=len(rendering.media) if rendering else 0,
            account_held=_account_held(work, row),
            public=watching.in_words(seen, work.now) if seen is not None else "",
            shown=(seen.shown or "") if seen is not None else "",
        )


def _tried(work: Work, id_: str) -> tuple[Tried, ...]:
    columns = [ATTEMPTS.c[name] for name in Tried.__slots__]
    query = select(*columns).where(ATTEMPTS.c.delivery == id_).order_by(ATTEMPTS.c.number.desc()).limit(MOST_TRIED)
    return tuple(Tried(*values) for values in reversed(work.execute(query).all()))


def _rendering(work: Work, id_: str) -> Rendering | None:
    """The words, where the store has them as they were written."""
    named = select(RENDERINGS.c.digest).join(DELIVERIES, DELIVERIES.c.rendering == RENDERINGS.c.digest)
    digest = work.execute(named.where(DELIVERIES.c.id == id_)).scalar()
    for _, body in renderings(work, [digest]) if digest else []:
        with suppress(ValueError, TypeError, KeyError):
            document = canonical.decode(body)
            return Rendering.from_document(document) if isinstance(document, dict) else None
    return None


def _account_held(work: Work, row: Any) -> str:
    """Why the account is held by a person; empty where it is not, or this one does not wait for that."""
    return holds.standing(work).held.get(row.account, "") if row.state == DeliveryState.READY else ""


def _moving(found: Found) -> list[Typed]:
    row, roles = found.row, " or ".join(role.replace("_", " ") for role in RESOLVING)
    if row.state == DeliveryState.HELD:
        number = "Two different people sign the same answer" if needed_for(row) > 1 else "One person signs"
        answer = f"dispatcher delivery resolve {row.id} "
        typed = [
            Typed("It is there: count it as sent", f"{answer}seen --url LINK", f"{number}: {roles}"),
            Typed("It is not there: send it again", f"{answer}not_seen", f"{number}: {roles}"),
            Typed("Leave it", f"{answer}cancel", f"{number}: {roles}"),
        ]
        if row.reason == HeldReason.AMBIGUOUS:
            return typed
        return [Typed("Try again", f"dispatcher delivery retry {row.id}", f"One person signs: {roles}"), typed[2]]
    if row.state == DeliveryState.IN_DOUBT:
        return [Typed("Ask the platform now", f"dispatcher delivery reconcile {row.id}", f"One person: {roles}")]
    if row.state == DeliveryState.HANDED_OVER:
        return [Typed("Finish it by hand", f"dispatcher handoff open {row.id}", "Operators")]
    if found.account_held:
        end = f"dispatcher account unhold {row.account}"
        return [Typed("End the hold of its account", end, "One person: ops or duty director or security")]
    return [Typed("Follow its plan", f"dispatcher watch {short(row.plan)}")]
