"""An exercise with everything that a reviewer asks about, run once and read by many tests.

One fact came late. One plan was rejected; the next was refused before it was clear, opened TikTok by the minister's
decision, was halted and resumed, retried, refused once by a platform, and corrected. A third was paid for, and for a
fourth the glass was broken. Real workers delivered them to simulated platforms; then it was read and exported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Account
from channels.simulator.faults import FaultKind
from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import GateClosed
from dispatcher.domain.incident import Item
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Placement, Spend
from dispatcher.sender_bootstrap import now
from dispatcher.service import accounts, clearing, evidence, incidents, packing, spending, taking_back
from dispatcher.service.evidence import AssessmentOutcome, Decision
from dispatcher.service.reviewing.review import review
from ops import evidence as verifiers
from tests.cast import RECORD
from tests.paid import buying, put_in_force
from tests.stage import MODE, Stage, far_sides, stage_at

ATTESTED = "cd" * 32
"""The digest of what the security team attested by."""

ORDERED, BILLED = 6_000_000, 5_875_050
POSTS = ("x-1", "bluesky-1", "tiktok-1")
NUMBERS = 6


@dataclass(frozen=True, slots=True)
class Exercise:
    """Its deployment, its plans by their digests, and ``post``: what ``plan`` sent to X."""

    stage: Stage
    incident: str
    rejected: str
    plan: str
    paid: str
    urgent: str
    post: str


@contextmanager
def recorded_at(root: Path, redis: str) -> Iterator[Exercise]:
    """Run it in a deployment under ``root``."""
    with far_sides() as far:
        stage = stage_at(root, far, redis=redis, timing={"read_back_ms": 50, "read_back_most_ms": 50})
        stage.desk.store.close()
        put_in_force(stage.folder, buying(), now())
        stage.desk = open_desk(stage.folder)
        _equip(stage)
        incident = _told(stage)
        rejected = stage.submitted(incident=incident, accounts=("x-1",))
        clearing.reject(stage.desk, rejected, stage.pen("checker-1"), "the street is named wrongly")
        plan = _released(stage, incident)
        paid, urgent = _ordered(stage, incident), _broken_glass(stage, incident)
        stage.fault("x", FaultKind.THROTTLE)
        stage.fault("notify", FaultKind.REFUSE, status=400)
        sent = {"visible": 2, "accepted": NUMBERS - 1, "rejected": 1, "ready": 1}
        stage.work(lambda: stage.states(plan) == sent, lambda: stage.ended(paid) and stage.ended(urgent))
        spending.reconcile(stage.desk, paid, "webhook", BILLED, "INV-2026-77", stage.pen("finance-1"))
        taking_back.take_back(
            stage.desk, plan, TextKind.CORRECT, stage.pen("director-1"), reason="it is the next street"
        )
        stage.work(lambda: stage.ended(plan) and stage.states(plan)["accepted"] == 2 * NUMBERS - 2)
        review(stage.desk, incident, "reviewer-1")
        packing.export(stage.desk, incident, root / "pack.zip", verifiers.files(), "reviewer-1")
        post = next(str(row.id) for row in stage.rows(plan) if (row.channel, row.kind) == ("x", "publish"))
        yield Exercise(stage, incident, rejected, plan, paid, urgent, post)
        stage.desk.store.close()


def _equip(stage: Stage) -> None:
    """Accounts, a list, and for TikTok all that policy wants to have been signed before."""
    for channel in ("x", "bluesky", "notify", "webhook"):
        stage.account(channel)
    stage.numbers(NUMBERS)
    made = Account("tiktok-1", "tiktok", "Example on TikTok", ("en-GB",), {})
    accounts.add(stage.desk, made, MODE, {}, "ops-1")
    accounts.register(stage.desk, "phone-1", "tiktok-1", "ops-1")
    director, security = stage.pen("director-1"), stage.pen("security-1")
    evidence.assess(
        stage.desk,
        director,
        MODE,
        channel="tiktok",
        placement=Placement.ORGANIC,
        outcome=AssessmentOutcome.PERMITTED,
        record=RECORD,
        evidence=ATTESTED,
    )
    scope: dict[str, Any] = {"channel": "tiktok", "account": "tiktok-1"}
    evidence.exempt(stage.desk, security, MODE, **scope, need="nothing else reaches young adults")
    about = {"device": "phone-1", "app_version": "41.2", "evidence": ATTESTED}
    evidence.attest(stage.desk, security, MODE, **scope, **about)


def _told(stage: Stage) -> str:
    """Declared, amended, told what the police said an hour ago, and why that came late."""
    incident = stage.declared()
    incidents.amend(stage.desk, incident, "author-1", {"area": ["Old Town"]})
    said = Item("exact_location", "the quay, north side", "police", now() - timedelta(hours=1))
    incidents.add_evidence(stage.desk, incident, "author-1", said, "the radio log was read afterwards")
    incidents.note(stage.desk, incident, "director-1", "TikTok too: it is where under-25s look")
    return incident


def _released(stage: Stage, incident: str) -> str:
    """Refused before it is clear, then signed by everybody, the minister among them; halted and resumed."""
    wish: dict[str, Any] = {
        "purpose": "exceptional_public_safety",
        "no_alternative": "people under 25 in the Old Town",
    }
    plan = stage.submitted(incident=incident, accounts=(*POSTS, "notify-1"), lists=["city"], **wish)
    with pytest.raises(GateClosed):
        stage.release(plan)
    for person in ("checker-1", "security-1", "director-1"):
        clearing.approve(stage.desk, plan, stage.pen(person))
    office = stage.pen("private-office-1")
    code = evidence.decide(stage.desk, plan, office, Decision.AGREED, ("tiktok",)).code
    assert code is not None
    evidence.confirm(stage.desk, plan, office, code.reveal())
    stage.work(lambda: all(one.clear for one in clearing.show(stage.desk, plan).findings), roles=["relay"])
    stage.release(plan)
    stage.resume(stage.halt())
    return plan


def _ordered(stage: Stage, incident: str) -> str:
    """Space is bought, with finance's signature."""
    spend = (Spend("webhook", "storms", ORDERED, 0, "AMC-2026-014"),)
    plan = stage.submitted(incident=incident, accounts=("webhook-1",), placement=Placement.PAID, spend=spend)
    for person in ("checker-1", "director-1", "finance-1"):
        clearing.approve(stage.desk, plan, stage.pen(person))
    stage.release(plan)
    return plan


def _broken_glass(stage: Stage, incident: str) -> str:
    """No checker was there, and water was in the streets."""
    plan = stage.submitted(incident=incident, accounts=("bluesky-1",))
    for person in ("director-1", "author-1"):
        clearing.break_glass(stage.desk, plan, stage.pen(person), "water in the streets")
    stage.release(plan)
    return plan
