"""Forged statements: a plan that everybody signed but the checker, and what passes for the checker's signature.

The director approved it and signed its release by hand, so that one true approval would let it go: the control. Each
forgery puts something else in that approval's place, or in the place of the release, and the ledger names the clause.
Some envelopes are the checker's own, signed for something else, because those lie about to be copied.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from dispatcher.domain.people import KeyType
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.service import clearing, evidence, submitting
from dispatcher.service.evidence import Decision
from dispatcher.service.submitting import Wish
from dispatcher.statements import sshsig
from dispatcher.statements.signing import Signer
from dispatcher.statements.wire import string
from dispatcher.store.tables import ClearanceRow, DeliveryRow, PlanRow, StatementRow
from tests.e2e.attacker import DRAWN, Attacker, Campaign, Forgery, attacker_on
from tests.e2e.deployment import BOTH, Cleared, Deployment
from tests.statements.support import SoftKey, make_key_file, ssh_keygen

pytestmark = pytest.mark.system

CAMPAIGN = Campaign()
HOUR = timedelta(hours=1)
APPROVE, RELEASE = StatementKind.APPROVE, StatementKind.RELEASE
EXERCISE = "dispatcher-exercise-v1"


@pytest.fixture(scope="module")
def attacker(exercise: Deployment) -> Iterator[Attacker]:
    """Somebody inside the running exercise's database; there is a live account, and a second one for videos."""
    exercise.add("x", "live-x", Mode.LIVE)
    exercise.add("tiktok", "tiktok-second")
    exercise.add("tiktok", "tiktok-third")
    with attacker_on(exercise) as intruder:
        yield intruder


def unchecked(attacker: Attacker) -> Cleared:
    """A plan that lacks the checker's approval only; its release is signed and not yet written."""
    plan = attacker.site.submitted("x-city")
    clearing.approve(attacker.site.desk, plan.digest, attacker.site.pen("director-1"))
    released(attacker, plan)
    return plan


def unreleased(attacker: Attacker) -> Cleared:
    """A plan that lacks its release only, on two channels."""
    return attacker.site.cleared("x-city", "webhook-council", languages=BOTH)


def released(attacker: Attacker, plan: Cleared, **changes: Any) -> None:
    """The director's own signature under a release, filed without asking whether the plan is clear."""
    like = attacker.statement(APPROVE, subject=plan.digest, person="director-1")
    about: dict[str, Any] = {"kind": RELEASE, "body": {"kinds": ["publish"]}, **changes}
    envelope = attacker.says(like, attacker.key("director-1"), **about)
    attacker.files(envelope, Statement.decode(envelope.payload))


def said(attacker: Attacker, plan: Cleared, **changes: Any) -> Statement:
    """What the checker would have said of the plan, with changes."""
    like = attacker.statement(APPROVE, subject=plan.digest, person="director-1")
    return replace(like, **{"person": "checker-1", "role": "checker", "nonce": DRAWN(16).hex(), **changes})


def files(attacker: Attacker, plan: Cleared, signer: Signer | None = None, **changes: Any) -> None:
    """File the checker's approval with changes, signed, by default, with the checker's own key."""
    statement = said(attacker, plan, **changes)
    envelope = attacker.says(statement, signer or attacker.key("checker-1"), nonce=statement.nonce)
    attacker.files(envelope, said(attacker, plan))


def files_raw(attacker: Attacker, plan: Cleared, envelope: Envelope | Mapping[str, Any]) -> None:
    """File whatever this is as the checker's approval."""
    attacker.files(envelope, said(attacker, plan))


def elsewhere(attacker: Attacker, **wanted: Any) -> tuple[Cleared, Envelope]:
    """Another plan, and the checker's true approval of it."""
    other = attacker.site.submitted("x-city", **wanted)
    clearing.approve(attacker.site.desk, other.digest, attacker.site.pen("checker-1"))
    row = attacker.row(StatementRow, StatementRow.subject == other.digest, StatementRow.person == "checker-1")
    return other, attacker.site.signed(row["id"])


@CAMPAIGN.forgery(unchecked, "G08")
def clearances_set_to_clear(attacker: Attacker, plan: Cleared) -> None:
    """Every row says that the plan is clear."""
    attacker.does(update(ClearanceRow).where(ClearanceRow.plan == plan.digest).values(state="clear"))


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_of_another_plan(attacker: Attacker, plan: Cleared) -> None:
    """The checker's approval of another incident's plan, filed under this one."""
    files_raw(attacker, plan, elsewhere(attacker)[1])


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_of_another_plan_moved(attacker: Attacker, plan: Cleared) -> None:
    """The row of another plan's approval, moved to this plan and incident."""
    other, _ = elsewhere(attacker)
    of_checker = (StatementRow.subject == other.digest, StatementRow.person == "checker-1")
    attacker.does(update(StatementRow).where(*of_checker).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(unchecked, "G08")
def another_incidents_clearance(attacker: Attacker, plan: Cleared) -> None:
    """Everything that was ever signed of a cleared plan of another incident, filed under this one."""
    other = attacker.site.cleared("x-city")
    about = (StatementRow.subject == other.digest, StatementRow.kind.in_(("submit", "approve")))
    attacker.does(update(StatementRow).where(*about).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(unchecked, "G08")
def a_live_approval(attacker: Attacker, plan: Cleared) -> None:
    """The checker's approval of a live plan, filed under the exercise's."""
    other = attacker.site.submitted("live-x", mode=Mode.LIVE)
    clearing.approve(attacker.site.desk, other.digest, attacker.site.pen("checker-1"))
    row = attacker.row(StatementRow, StatementRow.subject == other.digest, StatementRow.person == "checker-1")
    files_raw(attacker, plan, attacker.site.signed(row["id"]))


@CAMPAIGN.forgery(unchecked, "G08")
def the_same_words_signed_live(attacker: Attacker, plan: Cleared) -> None:
    """The approval of this very plan, said in live mode and signed in its namespace."""
    files(attacker, plan, mode=Mode.LIVE)


@CAMPAIGN.forgery(unchecked, "G08")
def a_live_signature_under_exercise_words(attacker: Attacker, plan: Cleared) -> None:
    """The payload says exercise, the signature was made in the live namespace."""
    payload = said(attacker, plan).encoded()
    live = attacker.key("checker-1").sign("dispatcher-live-v1", payload)
    files_raw(attacker, plan, Envelope(payload, live))


@CAMPAIGN.forgery(unchecked, "G08")
def a_signature_made_for_a_file(attacker: Attacker, plan: Cleared) -> None:
    """The checker signed these bytes as a file, as one signs a commit or an e-mail."""
    payload = said(attacker, plan).encoded()
    files_raw(attacker, plan, Envelope(payload, attacker.key("checker-1").sign("file", payload)))


@CAMPAIGN.forgery(unchecked, "G08")
def a_signature_copied_to_other_words(attacker: Attacker, plan: Cleared) -> None:
    """A true signature of the checker's over another plan, put under this plan's words."""
    _, envelope = elsewhere(attacker)
    files_raw(attacker, plan, Envelope(said(attacker, plan).encoded(), envelope.signature))


@CAMPAIGN.forgery(unchecked, "G08")
def a_true_approval_edited(attacker: Attacker, plan: Cleared) -> None:
    """Another plan's approval with this plan's digest written over the other one."""
    other, envelope = elsewhere(attacker)
    edited = envelope.payload.replace(other.digest.encode(), plan.digest.encode())
    assert edited != envelope.payload
    files_raw(attacker, plan, Envelope(edited, envelope.signature))


@CAMPAIGN.forgery(unchecked, "G08")
def the_directors_approval_renamed(attacker: Attacker, plan: Cleared) -> None:
    """The director's own approval of this plan, with the checker's name and role written over."""
    payload = attacker.statement(APPROVE, subject=plan.digest, person="director-1").encoded()
    row = attacker.row(StatementRow, StatementRow.subject == plan.digest, StatementRow.kind == "approve")
    edited = payload.replace(b'"director-1"', b'"checker-1"').replace(b'"duty_director"', b'"checker"')
    files_raw(attacker, plan, Envelope(edited, attacker.site.signed(row["id"]).signature))


@CAMPAIGN.forgery(unchecked, "G08")
def the_directors_approval_twice(attacker: Attacker, plan: Cleared) -> None:
    """The director's approval once more, in a row that says checker."""
    row = attacker.row(StatementRow, StatementRow.subject == plan.digest, StatementRow.kind == "approve")
    files_raw(attacker, plan, attacker.site.signed(row["id"]))


@CAMPAIGN.forgery(unchecked, "G08")
def a_director_in_the_checkers_role(attacker: Attacker, plan: Cleared) -> None:
    """The director signs as checker, a role that the roster does not give."""
    files(attacker, plan, attacker.key("director-1"), person="director-1")


@CAMPAIGN.forgery(unchecked, "G08")
def a_director_under_the_checkers_name(attacker: Attacker, plan: Cleared) -> None:
    """The checker's name over the director's signature."""
    files(attacker, plan, attacker.key("director-1"))


@CAMPAIGN.forgery(unchecked, "G08")
def the_author_as_checker(attacker: Attacker, plan: Cleared) -> None:
    """The author approves what the author wrote."""
    files(attacker, plan, attacker.key("author-1"), person="author-1", role="author")


@CAMPAIGN.forgery(unchecked, "G08")
def a_key_that_nobody_holds(attacker: Attacker, plan: Cleared) -> None:
    """The checker's name over a stranger's signature."""
    files(attacker, plan, SoftKey(13))


@CAMPAIGN.forgery(unchecked, "G08")
def a_small_order_key(attacker: Attacker, plan: Cleared) -> None:
    """A public key of order one, under which lax verifiers take one signature for every message."""
    identity = b"\x01" + bytes(31)
    blob = string(KeyType.ED25519.encode()) + string(identity)
    signature = sshsig.armour(blob, EXERCISE, sshsig.signature_blob(identity + bytes(32)))
    files_raw(attacker, plan, Envelope(said(attacker, plan).encoded(), signature))


@CAMPAIGN.forgery(unchecked, "G08")
def an_rsa_key(attacker: Attacker, plan: Cleared) -> None:
    """A good signature by ssh-keygen, of a type that is not taken."""
    folder = attacker.site.folder.with_name("rsa")
    folder.mkdir(exist_ok=True)
    key, message = make_key_file(folder / DRAWN(4).hex(), "rsa"), folder / "message"
    message.write_bytes(payload := said(attacker, plan).encoded())
    signing = [ssh_keygen(), "-q", "-Y", "sign", "-n", EXERCISE, "-f", str(key), str(message)]
    subprocess.run(signing, check=True, stderr=subprocess.DEVNULL)
    files_raw(attacker, plan, Envelope(payload, Path(f"{message}.sig").read_text()))


@CAMPAIGN.forgery(unchecked, "G08")
def another_deployments_approval(attacker: Attacker, plan: Cleared) -> None:
    """The checker holds the same key and role in a neighbouring city, and signed there."""
    files(attacker, plan, deployment="other-city")


@CAMPAIGN.forgery(unchecked, "G08")
def a_roster_that_is_not_here(attacker: Attacker, plan: Cleared) -> None:
    """Signed under a roster version that this host does not have."""
    files(attacker, plan, roster=99)


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_that_ran_out(attacker: Attacker, plan: Cleared) -> None:
    """True, and over."""
    now = attacker.site.desk.now()
    begun = said(attacker, plan).not_before - timedelta(seconds=1)
    files(attacker, plan, not_before=begun, expires=now - timedelta(milliseconds=1))


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_from_the_future(attacker: Attacker, plan: Cleared) -> None:
    """True, and not yet begun."""
    files(attacker, plan, not_before=attacker.site.desk.now() + HOUR)


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_from_before_the_key(attacker: Attacker, plan: Cleared) -> None:
    """Dated to a time at which the checker had neither key nor role."""
    files(attacker, plan, not_before=attacker.site.desk.now() - 9_999 * HOUR)


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_of_another_channel(attacker: Attacker, plan: Cleared) -> None:
    """The checker approved this plan for the webhook only."""
    files(attacker, plan, body={"channels": ["webhook"]})


@CAMPAIGN.forgery(unchecked, "G08")
def channels_under_other_names(attacker: Attacker, plan: Cleared) -> None:
    """The checker approved for what looks like X: with a space, in full width, by its old name, by a wildcard."""
    files(attacker, plan, body={"channels": ["x ", "X", "\uff58", "twitter", "*", ""]})


@CAMPAIGN.forgery(unchecked, "G08")
def a_rejection_filed_as_an_approval(attacker: Attacker, plan: Cleared) -> None:
    """The checker said no; the row says approve."""
    files(attacker, plan, kind=StatementKind.REJECT)


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_of_another_generation(attacker: Attacker, plan: Cleared) -> None:
    """The checker approved a later plan of the same message; that approval is filed under the earlier one."""
    site = attacker.site
    message = attacker.row(PlanRow, PlanRow.digest == plan.digest)["message"]
    wish = Wish(accounts=("x-city",), purpose="public_safety")
    later = submitting.submit(site.desk, message, wish, site.pen("author-1")).stored
    clearing.approve(site.desk, later.digest, site.pen("checker-1"))
    about = (StatementRow.subject == later.digest, StatementRow.person == "checker-1")
    attacker.does(update(StatementRow).where(*about).values(subject=plan.digest))
    assert later.plan.generation == 2


@CAMPAIGN.forgery(unchecked, "G08")
def no_json(attacker: Attacker, plan: Cleared) -> None:
    """Envelopes that cannot be read: of another shape, with bytes for a payload, without a signature."""
    payload = said(attacker, plan).encoded().decode()
    for document in ({}, {"payload": 7, "signature": []}, {"payload": payload}, {"payload": "{", "signature": ""}):
        files_raw(attacker, plan, document)


@CAMPAIGN.forgery(unchecked, "G08")
def a_huge_statement(attacker: Attacker, plan: Cleared) -> None:
    """Signed by the checker, and longer than anything that is read."""
    files(attacker, plan, body={"channels": ["x"], "more": "x" * 70_000})


@CAMPAIGN.forgery(unchecked, "G08")
def a_duplicate_key(attacker: Attacker, plan: Cleared) -> None:
    """Signed by the checker, with a second list of channels in the same object."""
    payload = said(attacker, plan, body={"channels": ["webhook"]}).encoded()
    doubled = payload.replace(b'"channels":["webhook"]', b'"channels":["webhook"],"channels":["x"]')
    assert doubled != payload
    files_raw(attacker, plan, Envelope(doubled, attacker.key("checker-1").sign(EXERCISE, doubled)))


@CAMPAIGN.forgery(unchecked, "G08")
def a_break_glass_by_strangers(attacker: Attacker, plan: Cleared) -> None:
    """Two strangers sign that life is in danger, under the names of the two who were asked."""
    for seed, name, role in ((13, "security-1", "security"), (14, "director-1", "duty_director")):
        about: dict[str, Any] = {"kind": StatementKind.BREAK_GLASS, "person": name, "role": role}
        statement = said(attacker, plan, **about)
        attacker.files(attacker.says(statement, SoftKey(seed)), statement)


@CAMPAIGN.forgery(unreleased, "G03")
def a_dispatch_by_hand(_: Attacker, __: Cleared) -> None:
    """A dispatch, a doorbell and a plan marked released, and no release."""


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_of_another_plan(attacker: Attacker, plan: Cleared) -> None:
    """A director's own release of one plan, filed under another."""
    other = attacker.site.cleared("x-city")
    released(attacker, other)
    about = (StatementRow.subject == other.digest, StatementRow.kind == "release")
    attacker.does(update(StatementRow).where(*about).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_for_corrections(attacker: Attacker, plan: Cleared) -> None:
    """The director released the way back, not the message."""
    released(attacker, plan, body={"kinds": ["correct", "withdraw"]})


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_of_no_kind(attacker: Attacker, plan: Cleared) -> None:
    """A release whose body says neither what nor a list."""
    released(attacker, plan, body={"kinds": "publish"})


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_that_ran_out(attacker: Attacker, plan: Cleared) -> None:
    """A true release, and over."""
    released(attacker, plan, expires=attacker.site.desk.now() - timedelta(milliseconds=1))


@CAMPAIGN.forgery(unreleased, "G03")
def a_release_by_an_approval(attacker: Attacker, plan: Cleared) -> None:
    """The director's approval, in a row that says release."""
    row = attacker.row(StatementRow, StatementRow.subject == plan.digest, StatementRow.person == "director-1")
    attacker.does(update(StatementRow).where(StatementRow.id == row["id"]).values(kind="release"))


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
    released(attacker, plan)
    about = (StatementRow.subject == plan.digest, StatementRow.kind == "submit")
    attacker.does(delete(StatementRow).where(*about))


def posted(attacker: Attacker, account: str, *, decided: bool) -> Cleared:
    """A released plan for a video, whose other half (a webhook) is left out of what is delivered."""
    site, names = attacker.site, (account, "webhook-council")
    plan = (site.cleared if decided else site.submitted)(*names, languages=BOTH)
    if not decided:
        for person in ("checker-1", "welsh-checker-1", "security-1", "director-1"):
            clearing.approve(site.desk, plan.digest, site.pen(person))
    released(attacker, plan)
    of_webhook = (DeliveryRow.plan == plan.digest, DeliveryRow.channel == "webhook")
    attacker.does(delete(DeliveryRow).where(*of_webhook))
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
    released(attacker, plan)
    return plan


@CAMPAIGN.forgery(undecided, "G12")
def a_decision_on_another_plan(attacker: Attacker, plan: Cleared) -> None:
    """The minister agreed to another plan; that decision, and its confirmation, are filed under this one."""
    other = attacker.site.cleared("tiktok-city", "webhook-council", languages=BOTH)
    about = (StatementRow.subject == other.digest, StatementRow.kind.in_(("decide", "confirm")))
    attacker.does(update(StatementRow).where(*about).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(undecided, "G12")
def a_decision_by_a_stranger(attacker: Attacker, plan: Cleared) -> None:
    """The minister's name under a stranger's signature."""
    body = {"decision": "agreed", "channels": ["tiktok"]}
    about: dict[str, Any] = {"kind": StatementKind.DECIDE, "person": "minister-1", "role": "minister", "body": body}
    statement = said(attacker, plan, **about)
    attacker.files(attacker.says(statement, SoftKey(13)), statement)


@CAMPAIGN.forgery(undecided, "G12")
def a_refusal_turned_round(attacker: Attacker, plan: Cleared) -> None:
    """The private office recorded that the minister refused; the word in the row's envelope says agreed."""
    site = attacker.site
    evidence.decide(site.desk, plan.digest, site.pen("private-office-1"), Decision.REFUSED, ("tiktok",))
    row = attacker.row(StatementRow, StatementRow.subject == plan.digest, StatementRow.kind == "decide")
    envelope = site.signed(row["id"])
    edited = replace(envelope, payload=envelope.payload.replace(b'"refused"', b'"agreed"')).document()
    attacker.does(update(StatementRow).where(StatementRow.id == row["id"]).values(envelope=edited))


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
    rows = attacker.does(select(StatementRow.id).where(StatementRow.kind == kind)).scalars().all()
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
    attacker.does(update(StatementRow).where(StatementRow.id == row).values(envelope=document))


@pytest.mark.parametrize("forgery", CAMPAIGN.forgeries, ids=lambda forgery: forgery.name)
def test_a_forged_statement_sends_nothing(attacker: Attacker, forgery: Forgery) -> None:
    """Nothing leaves, and every delivery's refusal is on record with its clause and no other."""
    assert forgery.strike(attacker) == forgery.clauses


def test_the_true_approval_lets_it_go(exercise: Deployment, attacker: Attacker) -> None:
    """The control: the checker's own approval is all that the forgeries' plan lacked."""
    plan = unchecked(attacker)
    files(attacker, plan)
    attacker.dispatches(plan)
    assert exercise.ended(plan) == {"accepted": 1}
