"""Every lifecycle, as one table each: the states, what they mean, and the moves between them.

Rules
  1. A move is one ``UPDATE … WHERE id AND state = :from AND fence = :fence`` with its ledger entry in the same
     transaction. No row matched means stale: recorded, no effect.
  2. The database refuses an edge that is not in the table, from whatever program it comes.
  3. Each state says who moves a row out of it, and what a crash there does.

The tables below are the only place where moves are listed: the database's triggers and the diagram in
``docs/lifecycles.md`` are generated from them, and tests hold them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class IncidentState(StrEnum):
    """The real-world event we speak about."""

    PROPOSED = "proposed"  # from a feed or file; an officer activates or closes it
    ACTIVE = "active"  # only this satisfies the gate; an officer stands it down
    STOOD_DOWN = "stood_down"  # messaging has ended; corrections still pass; an officer closes it
    CLOSED = "closed"  # nothing moves it


class PlanState(StrEnum):
    """The document that people sign."""

    DRAFT = "draft"  # an author submits it
    SUBMITTED = "submitted"  # approvers sign; an officer releases, returns or withdraws it
    RETURNED = "returned"  # sent back with a reason; an edit is a new plan
    WITHDRAWN = "withdrawn"  # taken back by its authors
    RELEASED = "released"  # deliveries run; the relay settles it when all have ended
    SETTLED = "settled"  # every delivery ended well
    SETTLED_WITH_GAPS = "settled_with_gaps"  # every delivery ended, not all of them well
    STOPPED = "stopped"  # revoked or halted for good before all had gone


class ClearanceState(StrEnum):
    """The finding, per channel, that the right people approved a plan."""

    PENDING = "pending"  # signatures are missing
    CLEAR = "clear"  # the gate says yes; time, use or a signature ends it
    REFUSED = "refused"  # somebody rejected it
    EXPIRED = "expired"  # the window passed
    USED_UP = "used_up"  # everything it cleared has gone
    REVOKED = "revoked"  # taken back by a signature
    STOOD_DOWN = "stood_down"  # the incident's messaging ended
    SUSPENDED = "suspended"  # frozen; two others resume it


class DeliveryState(StrEnum):
    """One dispatch to one destination."""

    READY = "ready"  # a worker leases it once released and due; a crash changes nothing
    LEASED = "leased"  # the worker asks for a permit; after a crash the sweeper makes it ready again: no byte left
    SENDING = "sending"  # intent is committed, bytes may be leaving; after a crash the sweeper puts it in doubt
    ACCEPTED = "accepted"  # the platform said yes; read-back moves it to visible or missing
    REJECTED = "rejected"  # the platform said no for good
    HANDED_OVER = "handed_over"  # people must finish it; their signed receipt, or the sweeper, moves it
    IN_DOUBT = "in_doubt"  # it may have been published; only the reconciler moves it
    HELD = "held"  # waits for people, with a reason; signatures move it
    VISIBLE = "visible"  # the public record shows it; a withdrawal: it took effect. Read-back moves it
    MISSING = "missing"  # it was accepted and is not shown as approved; raises an alarm; read-back moves it
    CANCELLED = "cancelled"  # stopped before any byte left
    EXPIRED = "expired"  # its time passed before any byte left


class HeldReason(StrEnum):
    """Why a delivery waits for people."""

    AMBIGUOUS = "ambiguous"  # bytes may have left; two people say whether the post is there
    EXHAUSTED = "exhausted"  # proved unsent, tries used up; one person may retry
    REFUSED = "refused"  # the gate said no; who can mend it is in the refusal
    STALE_STATUS = "stale_status"  # no fresh signed status; ends by itself when one arrives
    POISON = "poison"  # workers died holding it before they could send


class SpendState(StrEnum):
    """What one channel of a paid plan may cost, against its caps."""

    RESERVED = "reserved"  # its plan is submitted; the release commits it, the relay frees it
    COMMITTED = "committed"  # its plan was released; finance reconciles it with the invoice
    RECONCILED = "reconciled"  # only what was billed still counts
    FREED = "freed"  # never spent: the plan was refused or taken back, or its window passed unreleased


class Standing(StrEnum):
    """What became of somebody else's alert."""

    OPENED = "opened"  # it proposed an incident
    ATTACHED = "attached"  # an Update or Cancel of an incident here: somebody has to act on it, and says so
    ANSWERED = "answered"  # the same, and somebody has
    HELD = "held"  # a person accepts or dismisses it, or the same bytes come again and are judged better
    RECORDED = "recorded"  # it asks for nothing: expired, an acknowledgement, a drill on a live feed
    REFUSED = "refused"  # it is not believed; moves only if the same bytes come again and are judged better
    DISMISSED = "dismissed"  # a person decided that it does not count


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A machine: its initial states and, per state, the states a row may move to; ``column`` holds the state."""

    name: str
    table: str
    initial: frozenset[str]
    moves: Mapping[str, frozenset[str]]
    column: str = "state"

    def allows(self, source: str, target: str) -> bool:
        """Whether the table has this edge."""
        return target in self.moves.get(source, frozenset())

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All edges, sorted."""
        return tuple(sorted((source, target) for source, targets in self.moves.items() for target in targets))

    @property
    def final(self) -> frozenset[str]:
        """States that nothing leaves."""
        return frozenset(state for state, targets in self.moves.items() if not targets)


def _lifecycle(
    name: str, table: str, states: type[StrEnum], initial: str, column: str = "state", **moves: str
) -> Lifecycle:
    """States that ``moves`` does not name are final."""
    targets = {str(state): frozenset(moves.get(state, "").split()) for state in states}
    return Lifecycle(name, table, frozenset(initial.split()), targets, column)


INCIDENT = _lifecycle(
    "incident",
    "incidents",
    IncidentState,
    "proposed active",
    proposed="active closed",
    active="stood_down",
    stood_down="closed",
)

PLAN = _lifecycle(
    "plan",
    "plans",
    PlanState,
    "draft submitted",
    draft="submitted",
    submitted="released returned withdrawn",
    released="settled settled_with_gaps stopped",
)

CLEARANCE = _lifecycle(
    "clearance",
    "clearances",
    ClearanceState,
    "pending",
    pending="clear refused expired revoked stood_down",
    clear="expired used_up revoked stood_down suspended",
    suspended="clear expired revoked stood_down",
)

DELIVERY = _lifecycle(
    "delivery",
    "deliveries",
    DeliveryState,
    "ready",
    ready="leased cancelled expired",
    leased="ready sending held expired cancelled",
    sending="accepted rejected ready held expired cancelled handed_over in_doubt",
    handed_over="accepted rejected expired cancelled in_doubt",
    in_doubt="accepted ready held",
    held="accepted ready cancelled expired",
    accepted="visible missing",
    visible="missing",
    missing="visible",
)

SPEND = _lifecycle(
    "spend",
    "spends",
    SpendState,
    "reserved",
    reserved="committed freed",
    committed="reconciled",
)

ALERT = _lifecycle(
    "alert",
    "cap_alerts",
    Standing,
    "opened attached held recorded refused",
    column="standing",
    refused="held recorded opened attached",
    held="opened attached recorded dismissed",
    attached="answered dismissed",
)

ALL = (INCIDENT, PLAN, CLEARANCE, DELIVERY, SPEND, ALERT)

UNSETTLED = frozenset({"ready", "leased", "sending", "in_doubt"})
"""Delivery states that a machine still has to move on."""

SUPERSEDED = ("returned", "withdrawn")
"""States of a plan about which nothing is signed any more: another takes its place, or none."""
