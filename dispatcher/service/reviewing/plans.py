"""One plan as its reviewer reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.contract import Medium, Part, Rendering
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import StatementKind
from dispatcher.sending.prepared import read_texts
from dispatcher.service.desk import Desk
from dispatcher.service.ledger import line_of
from dispatcher.service.reviewing.judged import Judged, Mitigated, judged, mitigations
from dispatcher.service.reviewing.sent import Answers, Tally
from dispatcher.service.reviewing.signed import Decided, GlassBroken, Signature, decisions, glass, holding, recorded
from dispatcher.store import deliveries, history, records, spends
from dispatcher.store.database import Work
from dispatcher.store.records import StoredPlan
from dispatcher.store.spends import StoredSpend
from dispatcher.store.tables import SPENDS


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

    ``cleared_at``: when its last channel became clear, before the release where there was one. ``public_at``: when
    the first of its messages was accepted. ``stopped_in_ms``: from the first revocation to the beginning of the last
    attempt at the message; 0 where none began after it, None where nobody revoked.
    """

    digest: str
    state: str
    stored: StoredPlan
    clearances: Mapping[str, str]
    signatures: tuple[Signature, ...]
    judged: tuple[Judged, ...]
    mitigations: tuple[Mitigated, ...]
    decisions: tuple[Decided, ...]
    glass: GlassBroken | None
    texts: tuple[Exact, ...]
    spends: tuple[StoredSpend, ...]
    submitted_at: datetime
    cleared_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    public_at: datetime | None
    stopped_in_ms: int | None


def read_plan(
    desk: Desk,
    work: Work,
    stored: StoredPlan,
    signatures: tuple[Signature, ...],
    counts: Iterable[Tally],
    answers: Iterable[Answers],
) -> PlanRead:
    """Everything about one plan; ``signatures`` are those about it, the rest is the incident's."""
    digest = stored.digest
    dispatch, bundle = deliveries.dispatch_of(work, digest), records.bundle(work, digest)
    released_at = dispatch.released_at if dispatch else None
    submitted = recorded(signatures, StatementKind.SUBMIT)
    public = [one.first_accepted_at for one in counts if one.plan == digest and one.kind is TextKind.PUBLISH]
    return PlanRead(
        digest=digest,
        state=stored.state,
        stored=stored,
        clearances=records.clearance_states(work, digest),
        signatures=signatures,
        judged=judged(desk, work, digest, signatures),
        mitigations=mitigations(desk, work, digest, released_at or work.now),
        decisions=decisions(digest, signatures),
        glass=glass(desk.trust.policy, signatures),
        texts=tuple(_texts(stored, read_texts(bundle).renderings)),
        spends=tuple(spends.listed(work, SPENDS.c.plan == digest)),
        submitted_at=next((at for at, _ in submitted), stored.plan.not_before),
        cleared_at=_cleared_at(work, stored, released_at or work.now),
        released_at=released_at,
        released_by=dispatch.released_by if dispatch else None,
        public_at=min(filter(None, public), default=None),
        stopped_in_ms=_stopped_in_ms(digest, signatures, answers),
    )


def _texts(stored: StoredPlan, renderings: Mapping[str, Rendering]) -> Iterator[Exact]:
    for destination in stored.plan.destinations:
        for kind, digest in destination.renderings.items():
            rendering = renderings.get(digest)
            told = (rendering.parts, rendering.media) if rendering else ((), ())
            yield Exact(destination.account, destination.channel, kind, digest, *told)


def _cleared_at(work: Work, stored: StoredPlan, until: datetime) -> datetime | None:
    """Since when every channel was clear; None where one never was."""
    cleared: dict[str, datetime] = {}
    for row in history.each(work, stored.plan.incident, ["clearance.moved"]):
        move = line_of(row).facts
        if (move["plan"], move["target"]) == (stored.digest, "clear") and row.recorded_at <= until:
            cleared[str(move["channel"])] = row.recorded_at
    return max(cleared.values()) if {*stored.plan.channels} <= cleared.keys() else None


def _stopped_in_ms(plan: str, signatures: Iterable[Signature], answers: Iterable[Answers]) -> int | None:
    revoked_at = min((said.not_before for said in holding(signatures, StatementKind.REVOKE)), default=None)
    if revoked_at is None:
        return None
    began = (one.last for one in answers if (one.plan, one.kind) == (plan, TextKind.PUBLISH))
    last = max(began, default=revoked_at)
    return max(0, round((last - revoked_at).total_seconds() * 1000))
