"""The document of a review: one paragraph first, then the reviewer's questions in the order in which they are asked.

Order and questions: reference, policy 4 (what a log must answer in one query).
"""

from __future__ import annotations

from dispatcher.service.reviewing.review import Review
from ops.review import decided, sending, times
from ops.review.document import Block, Document, Items, Paragraph, Section
from ops.review.summary import attention, marks, summary
from ops.review.words import second


def story(found: Review, head: str | None = None) -> Document:
    """The whole review. ``head`` is the ledger's newest signed head, ``SIZE:ROOT``, where there is one."""
    incident, look = found.incident, attention(found)
    read = f"Read at {second(found.read_at)} UTC. All times are UTC (+00:00)."
    opening: list[Block] = [Paragraph(summary(found)), Paragraph(read)]
    if head:
        size, _, root = head.partition(":")
        opening.append(Paragraph(f"The ledger's newest signed head then: {int(size):,} entries, root {root}."))
    opening += [Paragraph("What to look at:"), Items(look)] if look else [Paragraph("Nothing stands out.")]
    return Document(
        title=f"Review of {incident.id}: {incident.title}",
        marks=marks(found),
        opening=tuple(opening),
        sections=(
            Section("What happened, in order", (times.timeline(found.events, "timeline"),)),
            decided.known(found),
            decided.decided(found),
            decided.words(found),
            decided.rules(found),
            decided.safeguards(found),
            sending.sent(found),
            sending.public(found),
            sending.ways_back(found),
            sending.minutes(found),
            decided.spend(found),
            decided.stops(found),
            sending.readers(found),
            sending.record(found),
        ),
    )
