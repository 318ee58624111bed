"""Forged statements: a plan that everybody signed but the checker, and what passes for the checker's signature.

The director approved it and signed its release by hand, so that one true approval would let it go: the control. Each
forgery puts something else in that approval's place, or in the place of the release, and the ledger names the clause.
Some envelopes are the checker's own, signed for something else, because those lie about to be copied.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from dispatcher.domain.people import KeyType
from dispatcher.domain.statement import Envelope, Mode, StatementKind
from dispatcher.service import clearing, submitting
from dispatcher.service.submitting import Wish
from dispatcher.statements import sshsig
from dispatcher.statements.signing import Signer
from dispatcher.statements.wire import string
from dispatcher.store.tables import CLEARANCES, PLANS, STATEMENTS
from tests.e2e import forged_evidence
from tests.e2e.attacker import DRAWN, Attacker, Campaign, Forgery, attacker_on
from tests.e2e.deployment import Cleared, Deployment
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
    attacker.signs_release(plan)
    return plan


def files(attacker: Attacker, plan: Cleared, signer: Signer | None = None, **changes: Any) -> None:
    """File the checker's approval with changes, signed, by default, with the checker's own key."""
    statement = attacker.said(plan, **changes)
    envelope = attacker.says(statement, signer or attacker.key("checker-1"), nonce=statement.nonce)
    attacker.files(envelope, attacker.said(plan))


def files_raw(attacker: Attacker, plan: Cleared, envelope: Envelope | Mapping[str, Any]) -> None:
    """File whatever this is as the checker's approval."""
    attacker.files(envelope, attacker.said(plan))


def elsewhere(attacker: Attacker, **wanted: Any) -> tuple[Cleared, Envelope]:
    """Another plan, and the checker's true approval of it."""
    other = attacker.site.submitted("x-city", **wanted)
    clearing.approve(attacker.site.desk, other.digest, attacker.site.pen("checker-1"))
    row = attacker.row(STATEMENTS, STATEMENTS.c.subject == other.digest, STATEMENTS.c.person == "checker-1")
    return other, attacker.site.signed(row["id"])


@CAMPAIGN.forgery(unchecked, "G08")
def clearances_set_to_clear(attacker: Attacker, plan: Cleared) -> None:
    """Every row says that the plan is clear."""
    attacker.does(update(CLEARANCES).where(CLEARANCES.c.plan == plan.digest).values(state="clear"))


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_of_another_plan(attacker: Attacker, plan: Cleared) -> None:
    """The checker's approval of another incident's plan, filed under this one."""
    files_raw(attacker, plan, elsewhere(attacker)[1])


@CAMPAIGN.forgery(unchecked, "G08")
def an_approval_of_another_plan_moved(attacker: Attacker, plan: Cleared) -> None:
    """The row of another plan's approval, moved to this plan and incident."""
    other, _ = elsewhere(attacker)
    of_checker = (STATEMENTS.c.subject == other.digest, STATEMENTS.c.person == "checker-1")
    attacker.does(update(STATEMENTS).where(*of_checker).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(unchecked, "G08")
def another_incidents_clearance(attacker: Attacker, plan: Cleared) -> None:
    """Everything that was ever signed of a cleared plan of another incident, filed under this one."""
    other = attacker.site.cleared("x-city")
    about = (STATEMENTS.c.subject == other.digest, STATEMENTS.c.kind.in_(("submit", "approve")))
    attacker.does(update(STATEMENTS).where(*about).values(subject=plan.digest, incident=plan.incident))


@CAMPAIGN.forgery(unchecked, "G08")
def a_live_approval(attacker: Attacker, plan: Cleared) -> None:
    """The checker's approval of a live plan, filed under the exercise's."""
    other = attacker.site.submitted("live-x", mode=Mode.LIVE)
    clearing.approve(attacker.site.desk, other.digest, attacker.site.pen("checker-1"))
    row = attacker.row(STATEMENTS, STATEMENTS.c.subject == other.digest, STATEMENTS.c.person == "checker-1")
    files_raw(attacker, plan, attacker.site.signed(row["id"]))


@CAMPAIGN.forgery(unchecked, "G08")
def the_same_words_signed_live(attacker: Attacker, plan: Cleared) -> None:
    """The approval of this very plan, said in live mode and signed in its namespace."""
    files(attacker, plan, mode=Mode.LIVE)


@CAMPAIGN.forgery(unchecked, "G08")
def a_live_signature_under_exercise_words(attacker: Attacker, plan: Cleared) -> None:
    """The payload says exercise, the signature was made in the live namespace."""
    payload = attacker.said(plan).encoded()
    live = attacker.key("checker-1").sign("dispatcher-live-v1", payload)
    files_raw(attacker, plan, Envelope(payload, live))


@CAMPAIGN.forgery(unchecked, "G08")
def a_signature_made_for_a_file(attacker: Attacker, plan: Cleared) -> None:
    """The checker signed these bytes as a file, as one signs a commit or an e-mail."""
    payload = attacker.said(plan).encoded()
    files_raw(attacker, plan, Envelope(payload, attacker.key("checker-1").sign("file", payload)))


@CAMPAIGN.forgery(unchecked, "G08")
def a_signature_copied_to_other_words(attacker: Attacker, plan: Cleared) -> None:
    """A true signature of the checker's over another plan, put under this plan's words."""
    _, envelope = elsewhere(attacker)
    files_raw(attacker, plan, Envelope(attacker.said(plan).encoded(), envelope.signature))


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
    row = attacker.row(STATEMENTS, STATEMENTS.c.subject == plan.digest, STATEMENTS.c.kind == "approve")
    edited = payload.replace(b'"director-1"', b'"checker-1"').replace(b'"duty_director"', b'"checker"')
    files_raw(attacker, plan, Envelope(edited, attacker.site.signed(row["id"]).signature))


@CAMPAIGN.forgery(unchecked, "G08")
def the_directors_approval_twice(attacker: Attacker, plan: Cleared) -> None:
    """The director's approval once more, in a row that says checker."""
    row = attacker.row(STATEMENTS, STATEMENTS.c.subject == plan.digest, STATEMENTS.c.kind == "approve")
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
    files_raw(attacker, plan, Envelope(attacker.said(plan).encoded(), signature))


@CAMPAIGN.forgery(unchecked, "G08")
def an_rsa_key(attacker: Attacker, plan: Cleared) -> None:
    """A good signature by ssh-keygen, of a type that is not taken."""
    folder = attacker.site.folder.with_name("rsa")
    folder.mkdir(exist_ok=True)
    key, message = make_key_file(folder / DRAWN(4).hex(), "rsa"), folder / "message"
    message.write_bytes(payload := attacker.said(plan).encoded())
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
    begun = attacker.said(plan).not_before - timedelta(seconds=1)
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
    message = attacker.row(PLANS, PLANS.c.digest == plan.digest)["message"]
    wish = Wish(accounts=("x-city",), purpose="public_safety")
    later = submitting.submit(site.desk, message, wish, site.pen("author-1")).stored
    clearing.approve(site.desk, later.digest, site.pen("checker-1"))
    about = (STATEMENTS.c.subject == later.digest, STATEMENTS.c.person == "checker-1")
    attacker.does(update(STATEMENTS).where(*about).values(subject=plan.digest))
    assert later.plan.generation == 2


@CAMPAIGN.forgery(unchecked, "G08")
def no_json(attacker: Attacker, plan: Cleared) -> None:
    """Envelopes that cannot be read: of another shape, with bytes for a payload, without a signature."""
    payload = attacker.said(plan).encoded().decode()
    for document in ({}, {"payload": 7, "signature": []}, {"payload": payload}, {"payload": "{", "signature": ""}):
        files_raw(attacker, plan, document)


@CAMPAIGN.forgery(unchecked, "G08")
def a_huge_statement(attacker: Attacker, plan: Cleared) -> None:
    """Signed by the checker, and longer than anything that is read."""
    files(attacker, plan, body={"channels": ["x"], "more": "x" * 70_000})


@CAMPAIGN.forgery(unchecked, "G08")
def a_duplicate_key(attacker: Attacker, plan: Cleared) -> None:
    """Signed by the checker, with a second list of channels in the same object."""
    payload = attacker.said(plan, body={"channels": ["webhook"]}).encoded()
    doubled = payload.replace(b'"channels":["webhook"]', b'"channels":["webhook"],"channels":["x"]')
    assert doubled != payload
    files_raw(attacker, plan, Envelope(doubled, attacker.key("checker-1").sign(EXERCISE, doubled)))


@CAMPAIGN.forgery(unchecked, "G08")
def a_break_glass_by_strangers(attacker: Attacker, plan: Cleared) -> None:
    """Two strangers sign that life is in danger, under the names of the two who were asked."""
    for seed, name, role in ((13, "security-1", "security"), (14, "director-1", "duty_director")):
        about: dict[str, Any] = {"kind": StatementKind.BREAK_GLASS, "person": name, "role": role}
        statement = attacker.said(plan, **about)
        attacker.files(attacker.says(statement, SoftKey(seed)), statement)


@pytest.mark.parametrize(
    "forgery", CAMPAIGN.forgeries + forged_evidence.CAMPAIGN.forgeries, ids=lambda forgery: forgery.name
)
def test_a_forged_statement_sends_nothing(attacker: Attacker, forgery: Forgery) -> None:
    """Nothing leaves, and every delivery's refusal is on record with its clause and no other."""
    assert forgery.strike(attacker) == forgery.clauses


def test_the_true_approval_lets_it_go(exercise: Deployment, attacker: Attacker) -> None:
    """The control: the checker's own approval is all that the forgeries' plan lacked."""
    plan = unchecked(attacker)
    files(attacker, plan)
    attacker.dispatches(plan)
    assert exercise.ended(plan) == {"accepted": 1}
