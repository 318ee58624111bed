"""Reporting: what a reviewer reads of an incident. Values only; the CLI shows them.

Rules
  1. A review says who signed what, the exact text of every account in every language, every refusal with its
     clauses, every attempt, and every move, in the order of time. Nothing in it is summed up away.
  2. Signatures are verified again for it; one that does not hold is shown as such, never left out.
  3. No recipient is named: a delivery to one carries its place in the list and its keyed digest.
  4. Each reading is itself in the ledger. Only that is written: nothing is locked while an incident is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from channels.contract import LanguageText, Medium, Part, Rendering
from dispatcher.domain.incident import Incident
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.domain.statement import Envelope, Statement, StatementError, StatementKind
from dispatcher.sending.prepared import prepare
from dispatcher.service import stopping, watching
from dispatcher.service.desk import Desk
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.service.stopping import Halted
from dispatcher.store import deliveries, history, records, sightings, spends
from dispatcher.store.database import Work
from dispatcher.store.history import Tried
from dispatcher.store.records import StoredPlan
from dispatcher.store.spends import StoredSpend
from dispatcher.store.tables import SpendRow

REFUSALS = ("gate.refused", "submission.refused", "release.refused", "hand_off.refused", "confirmation.refused")
"""Ledger entries that say no."""

OUT = ("accepted", "visible", "missing")

SENTENCES: Mapping[str, str] = {
    "ready": "waits for its turn",
    "leased": "is about to be sent",
    "sending": "is being sent",
    "accepted": "was accepted",
    "rejected": "was refused by the platform",
    "handed_over": "waits for operators to finish it by hand",
    "in_doubt": "may have gone out; it is being looked up",
    "held": "waits for people",
    "visible": "is there for the public to see",
    "missing": "was accepted, and the public does not see it as approved",
    "cancelled": "was stopped before anything left",
    "expired": "ran out of time before anything left",
}
"""Delivery states in words."""

WITHDRAWN: Mapping[str, str] = {
    "visible": "took effect",
    "missing": "was accepted, and did not take effect",
}
"""Those of a withdrawal, where they differ."""

GONE: Mapping[str, str] = {"visible": "was there for the public to see"}
"""Those of a post that a withdrawal took back, where they differ."""

UNCONFIRMED = "was handed over, and nobody signed in time what came of it"
"""Said of what expired after it had left."""


@dataclass(frozen=True, slots=True)
class Written:
    """One revision: its texts by kind and who did what to it."""

    message: str
    number: int
    digest: str
    texts: Mapping[TextKind, tuple[LanguageText, ...]]
    contributors: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Signature:
    """One statement, None where unreadable. ``refused`` says why it does not hold here, or is None."""

    said: Statement | None
    key: str
    refused: str | None


@dataclass(frozen=True, slots=True)
class Exact:
    """What one account was to carry of one kind, to the character and the picture's digest.

    No parts: the bytes are not those signed.
    """

    account: str
    channel: str
    kind: TextKind
    digest: str
    parts: tuple[Part, ...]
    media: tuple[Medium, ...]


@dataclass(frozen=True, slots=True)
class PlanRead:
    """One plan: where it stands, its channels' clearances, who signed about it, its exact texts, and its money.

    ``stopped_in_ms``: from the first revocation to the beginning of the last attempt; 0 where none began after it.
    """

    digest: str
    state: str
    stored: StoredPlan
    clearances: Mapping[str, str]
    signatures: tuple[Signature, ...]
    texts: tuple[Exact, ...]
    spends: tuple[StoredSpend, ...]
    released_at: datetime | None
    released_by: str | None
    stopped_in_ms: int | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery with every attempt at it. ``destination`` is the account, or a recipient's keyed digest.

    ``public``: what the public was last seen to see, empty where nobody looks; ``shown`` what an altered post says.
    """

    id: str
    plan: str
    channel: str
    account: str
    kind: str
    destination: str
    position: int | None
    state: str
    reason: str
    reference: str | None
    url: str | None
    accepted_at: datetime | None
    public: str
    shown: str | None
    sentence: str
    attempts: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """An incident as its reviewer reads it; ``timeline`` and ``refusals`` are ledger entries, oldest first."""

    incident: Incident
    read_at: datetime
    revisions: tuple[Written, ...]
    plans: tuple[PlanRead, ...]
    deliveries: tuple[Delivered, ...]
    halts: tuple[Halted, ...]
    refusals: tuple[LedgerLine, ...]
    timeline: tuple[LedgerLine, ...]


def review(desk: Desk, incident_name: str, person: str | None = None) -> Review:
    """Everything about an incident. ``person`` is who reads it. Raises NotFound, Invalid."""
    with desk.store.read() as work:
        incident = records.incident(work, incident_name)
    with desk.store.write() as work:
        work.record("review.read", incident=incident.id, actor=person)
    with desk.store.read() as work:
        timeline = tuple(line_of(row) for row in history.entries(work, incident=incident.id))
        revisions = records.revisions_of(work, incident.id)
        halts = stopping.halts_in(desk, work, incident.mode)
        return Review(
            incident=incident,
            read_at=work.now,
            revisions=tuple(Written(r.message, r.number, r.digest, r.texts, r.contributors) for r in revisions),
            plans=tuple(_plan(desk, work, stored) for stored in records.plans_of(work, incident.id)),
            deliveries=tuple(_deliveries(work, incident.id)),
            halts=tuple(halt for halt in halts if halt.scope != "incident" or halt.target == incident.id),
            refusals=tuple(line for line in timeline if line.kind in REFUSALS),
            timeline=timeline,
        )


def _plan(desk: Desk, work: Work, stored: StoredPlan) -> PlanRead:
    dispatch, bundle = deliveries.dispatch_of(work, stored.digest), records.bundle(work, stored.digest)
    verifier = desk.verifier(stored.plan.mode)
    verified, refused = verifier.verify_all(bundle.envelopes)
    held = [Signature(said.statement, said.key, None) for said in verified]
    return PlanRead(
        digest=stored.digest,
        state=stored.state,
        stored=stored,
        clearances=records.clearance_states(work, stored.digest),
        signatures=(*held, *(Signature(_readable(bad), "", why.message) for bad, why in refused)),
        texts=tuple(_texts(stored, prepare(bundle, verifier, work.now).texts.renderings)),
        spends=tuple(spends.listed(work, SpendRow.plan == stored.digest)),
        released_at=dispatch.released_at if dispatch else None,
        released_by=dispatch.released_by if dispatch else None,
        stopped_in_ms=_stopped_in_ms(work, stored.digest, [said.statement for said in verified]),
    )


def _stopped_in_ms(work: Work, digest: str, said: Sequence[Statement]) -> int | None:
    revoked_at = min((s.not_before for s in said if s.kind is StatementKind.REVOKE), default=None)
    if revoked_at is None:
        return None
    last = history.last_intent(work, digest) or revoked_at
    return max(0, round((last - revoked_at).total_seconds() * 1000))


def _readable(envelope: Envelope) -> Statement | None:
    try:
        return records.statement_of(envelope)
    except StatementError:
        return None


def _texts(stored: StoredPlan, renderings: Mapping[str, Rendering]) -> Iterator[Exact]:
    for destination in stored.plan.destinations:
        for kind, digest in destination.renderings.items():
            rendering = renderings.get(digest)
            told = (rendering.parts, rendering.media) if rendering else ((), ())
            yield Exact(destination.account, destination.channel, kind, digest, *told)


def _deliveries(work: Work, incident: str) -> Iterator[Delivered]:
    tried: dict[str, list[Tried]] = {}
    for delivery, attempt in history.attempts_of(work, incident):
        tried.setdefault(delivery, []).append(attempt)
    same = [field.name for field in fields(Delivered)][:-4]
    seen = sightings.by_delivery(work, incident=incident)
    revoked = {
        s.subject for s in map(_readable, records.incident_envelopes(work, incident, StatementKind.REVOKE)) if s
    }
    rows = history.deliveries_of(work, incident)
    later: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        if row.kind != TextKind.PUBLISH:
            later[row.plan, row.account, row.destination].append(row)
    for row in rows:
        known = {name: getattr(row, name) for name in same}
        after = later[row.plan, row.account, row.destination] if row.kind == TextKind.PUBLISH else []
        said = _words(row, after)
        sentence = f"{said}: {row.reason}" if row.reason else said
        sentence += _remark(row, row.plan in revoked, after)
        known["public"] = watching.in_words(seen[row.id], work.now) if row.id in seen else ""
        known["shown"] = seen[row.id].shown if row.id in seen else None
        yield Delivered(**known, sentence=sentence, attempts=tuple(tried.get(row.id, ())))


def _words(row: Any, after: Sequence[Any] = ()) -> str:
    """What became of one delivery; ``after`` are those that mend it."""
    if row.state == "expired" and row.reference:
        return UNCONFIRMED
    gone = any(one.kind == TextKind.WITHDRAW and one.state in ("accepted", "visible") for one in after)
    other = WITHDRAWN if row.kind == TextKind.WITHDRAW else GONE if gone else {}
    return {**SENTENCES, **other}[row.state]


def _remark(row: Any, revoked: bool, after: Sequence[Any]) -> str:
    """What a reader should know of a post that is out, or in hands, though its time or its clearance is over."""
    if row.state == "handed_over" and revoked and row.kind == TextKind.PUBLISH:
        return "; its plan was revoked, so it must not be posted"
    if row.state not in OUT:
        return ""
    late = row.accepted_at is not None and row.accepted_at >= row.expires_at
    said = "; committed before its window ended" if late else ""
    if not revoked or row.kind != TextKind.PUBLISH:
        return said
    mended = [f"its {SPOKEN[TextKind(one.kind)]} {_words(one)}" for one in after]
    return f"{said}; its plan was revoked, and {', '.join(mended) or 'its correction is armed'}"
