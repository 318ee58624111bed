"""Forged releases and evidence: every approval is there, and the release, the minister, security or ops is forged.

The table only; ``test_forged_statements`` carries it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update

from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.service import clearing, evidence
from dispatcher.service.evidence import Decision
from dispatcher.store.tables import DELIVERIES, STATEMENTS
from tests.e2e.attacker import Attacker, Campaign
from tests.e2e.deployment import BOTH, Cleared
from tests.statements.support import SoftKey

CAMPAIGN = Campaign()
APPROVE, RELEASE = StatementKind.APPROVE, StatementKind.RELEASE


def unreleased(attacker: Attacker) -> Cleared:
    """A plan that lacks its release only, on two channels."""
    return attacker.site.cleared("x-city", "webhook-council", languages=BOTH)


@CAMPAIGN.forgery(unreleased, "G03")
def a_dispatch_by_hand(_: Attacker, __: Cleared) -> None:
    """A dispatch, a doorbell and a plan marked released, and no release."""


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_of_another_plan(attacker: Attacker, plan: Cleared) -> None:
    """A director's own release of one plan, filed under another."""
    other = attacker.site.cleared("x-city")
    attacker.signs_release(other)
    about = (STATEMENTS.c.subject == other.digest, STATEMENTS.c.kind == "release")
    attacker.does(update(STATEMENTS).where(*about).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_for_corrections(attacker: Attacker, plan: Cleared) -> None:
    """The director released the way back, not the message."""
    attacker.signs_release(plan, body={"kinds": ["correct", "withdraw"]})


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_of_no_kind(attacker: Attacker, plan: Cleared) -> None:
    """A release whose body says neither what nor a list."""
    attacker.signs_release(plan, body={"kinds": "publish"})


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_that_ran_out(attacker: Attacker, plan: Cleared) -> None:
    """A true release, and over."""
    attacker.signs_release(plan, expires=attacker.site.desk.now() - timedelta(milliseconds=1))


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_by_an_approval(attacker: Attacker, plan: Cleared) -> None:
    """The director's approval, in a row that says release."""
    row = attacker.row(STATEMENTS, STATEMENTS.c.subject == plan.digest, STATEMENTS.c.person == "director-1")
    attacker.does(update(STATEMENTS).where(STATEMENTS.c.id == row["id"]).values(kind="release"))


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_by_security(attacker: Attacker, plan: Cleared) -> None:
    """Signed by somebody who may revoke and not release."""
    like = attacker.statement(APPROVE, subject=plan.digest, person="security-1")
    about: dict[str, Any] = {"kind": RELEASE, "body": {"kinds": ["publish"]}}
    attacker.files(attacker.says(like, attacker.key("security-1"), **about), replace(like, kind=RELEASE))


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_by_a_stranger(attacker: Attacker, plan: Cleared) -> None:
    """The director's name under a stranger's signature."""
    like = attacker.statement(APPROVE, subject=plan.digest, person="director-1")
    about: dict[str, Any] = {"kind": RELEASE, "body": {"kinds": ["publish"]}}
    attacker.files(attacker.says(like, SoftKey(13), **about), replace(like, kind=RELEASE))


@CAMPAIGN.forgery(unreleased, "G08")
def a_deleted_submission(attacker: Attacker, plan: Cleared) -> None:
    """Nobody who wrote it has signed for it any more."""
    attacker.signs_release(plan)
    about = (STATEMENTS.c.subject == plan.digest, STATEMENTS.c.kind == "submit")
    attacker.does(delete(STATEMENTS).where(*about))


def posted(attacker: Attacker, account: str, *, decided: bool) -> Cleared:
    """A released plan for a video, whose other half (a webhook) is left out of what is delivered."""
    site, names = attacker.site, (account, "webhook-council")
    plan = (site.cleared if decided else site.submitted)(*names, languages=BOTH)
    if not decided:
        for person in ("checker-1", "welsh-checker-1", "security-1", "director-1"):
            clearing.approve(site.desk, plan.digest, site.pen(person))
    attacker.signs_release(plan)
    of_webhook = (DELIVERIES.c.plan == plan.digest, DELIVERIES.c.channel == "webhook")
    attacker.does(delete(DELIVERIES).where(*of_webhook))
    return plan


def undecided(attacker: Attacker) -> Cleared:
    """A plan for a video that lacks the minister's decision only."""
    return posted(attacker, "tiktok-city", decided=False)


def attested(attacker: Attacker) -> Cleared:
    """A plan for a video that lacks nothing, on an account whose attestation is forged."""
    return posted(attacker, "tiktok-second", decided=True)


def exempted(attacker: Attacker) -> Cleared:
    """A plan for a video that lacks nothing, on an account whose exemption is forged."""
    return posted(attacker, "tiktok-third", decided=True)


def assessed(attacker: Attacker) -> Cleared:
    """A plan that lacks nothing, on a channel whose assessment is forged."""
    plan = attacker.site.cleared("bluesky-city")
    attacker.signs_release(plan)
    return plan


@CAMPAIGN.forgery(undecided, "G12")
def a_decision_on_another_plan(attacker: Attacker, plan: Cleared) -> None:
    """The minister agreed to another plan; that decision, and its confirmation, are filed under this one."""
    other = attacker.site.cleared("tiktok-city", "webhook-council", languages=BOTH)
    about = (STATEMENTS.c.subject == other.digest, STATEMENTS.c.kind.in_(("decide", "confirm")))
    attacker.does(update(STATEMENTS).where(*about).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(undecided, "G12")
def a_decision_by_a_stranger(attacker: Attacker, plan: Cleared) -> None:
    """The minister's name under a stranger's signature."""
    body = {"decision": "agreed", "channels": ["tiktok"]}
    about: dict[str, Any] = {"kind": StatementKind.DECIDE, "person": "minister-1", "role": "minister", "body": body}
    statement = attacker.said(plan, **about)
    attacker.files(attacker.says(statement, SoftKey(13)), statement)


@CAMPAIGN.forgery(undecided, "G12")
def a_refusal_turned_round(attacker: Attacker, plan: Cleared) -> None:
    """The private office recorded that the minister refused; the word in the row's envelope says agreed."""
    site = attacker.site
    evidence.decide(site.desk, plan.digest, site.pen("private-office-1"), Decision.REFUSED, ("tiktok",))
    row = attacker.row(STATEMENTS, STATEMENTS.c.subject == plan.digest, STATEMENTS.c.kind == "decide")
    envelope = site.signed(row["id"])
    edited = replace(envelope, payload=envelope.payload.replace(b'"refused"', b'"agreed"')).document()
    attacker.does(update(STATEMENTS).where(STATEMENTS.c.id == row["id"]).values(envelope=edited))


@CAMPAIGN.forgery(attested, "G11")
def an_attestation_of_another_account(attacker: Attacker, plan: Cleared) -> None:
    """What security attested of one account's device, in the place of what it attested of another's."""
    swapped(
        attacker, StatementKind.ATTEST, b"tiktok-second", lambda _: standing(attacker, "attest", b"tiktok-city")[1]
    )


@CAMPAIGN.forgery(exempted, "G10")
def an_exemption_for_everything(attacker: Attacker, plan: Cleared) -> None:
    """A true exemption with the account's name edited to a wildcard."""
    swapped(attacker, StatementKind.EXEMPT, b"tiktok-third", lambda e: edited(e, b"tiktok-third", b"*"))


@CAMPAIGN.forgery(assessed, "G09")
def an_assessment_edited(attacker: Attacker, plan: Cleared) -> None:
    """The record of another channel with this one's name written over."""
    other = standing(attacker, "assess", b'"x"')[1]
    swapped(attacker, StatementKind.ASSESS, b'"bluesky"', lambda _: edited(other, b'"x"', b'"bluesky"'))


def standing(attacker: Attacker, kind: str, about: bytes) -> tuple[str, Envelope]:
    """The row and the envelope of a standing statement whose payload holds these bytes."""
    rows = attacker.does(select(STATEMENTS.c.id).where(STATEMENTS.c.kind == kind)).scalars().all()
    found = [(row, attacker.site.signed(row)) for row in rows]
    return next((row, envelope) for row, envelope in found if about in envelope.payload)


def edited(envelope: Envelope, old: bytes, new: bytes) -> Envelope:
    """An envelope with other words under its old signature."""
    assert old in envelope.payload
    return replace(envelope, payload=envelope.payload.replace(old, new))


def swapped(attacker: Attacker, kind: StatementKind, about: bytes, forged: Callable[[Envelope], Envelope]) -> None:
    """Put another envelope in the place of a standing statement's."""
    row, envelope = standing(attacker, str(kind), about)
    document = forged(envelope).document()
    attacker.does(update(STATEMENTS).where(STATEMENTS.c.id == row).values(envelope=document))
