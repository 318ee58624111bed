"""What to type next about an incident; light, for whoever asks only where we are."""

from __future__ import annotations

from dispatcher.domain.ids import short
from dispatcher.domain.incident import Incident
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.store import records
from dispatcher.store.database import Work

TEMPLATES = "one of `dispatcher message templates`, or your own with --text"


def what_next(work: Work, found: Incident) -> tuple[str, str]:
    """The command to type next for an incident, and what is missing."""
    if found.state is IncidentState.PROPOSED:
        return f"dispatcher incident activate {found.id}", "an officer's confirmation of kind, severity and area"
    if plans := records.plans_of(work, found.id):
        unfinished = plans[-1].state in ("submitted", "released")
        return f"dispatcher {f'clearance show {short(plans[-1].digest)}' if unfinished else f'review {found.id}'}", ""
    if revisions := records.revisions_of(work, found.id):
        return f"dispatcher clearance submit {revisions[-1].message}", "a plan for people to sign"
    if found.facts.get("texts"):
        return f"dispatcher message draft {found.id}", "what the public will read: the alert's own texts are taken"
    return f"dispatcher message draft {found.id} --template NAME", f"what the public will read: {TEMPLATES}"
