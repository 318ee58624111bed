"""Full write access to SQL and Redis: what was stopped stays stopped, and no message makes a lane send."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import dramatiq
import pytest
from sqlalchemy import delete, insert, select, update

from dispatcher.domain.ids import new_id
from dispatcher.domain.statement import Mode, Statement, StatementKind
from dispatcher.gate.stops import STOP_KINDS, HaltScope
from dispatcher.sending.status import sign_status
from dispatcher.service import clearing, closing, evidence, stopping
from dispatcher.service.evidence import Decision
from dispatcher.statements.signing import KeyFileSigner, Signer
from dispatcher.store.tables import CLEARANCES, DELIVERIES, INCIDENTS, STATEMENTS, STATUSES
from tests.e2e.attacker import DRAWN, Attacker, Campaign, Forgery, attacker_on, nothing_leaves, refused
from tests.e2e.deployment import BOTH, Cleared, Deployment
from tests.e2e.honest import released, waiting
from tests.servers import until
from tests.statements.support import SoftKey
from workers.broker import queue_name

pytestmark = pytest.mark.system

CAMPAIGN = Campaign()
FLOOD = 3_000
CALLBACKS: dict[str, Any] = {
    "on_success": "ring_accounts",
    "on_failure": "publish",
    "pipe_target": {"actor_name": "publish", "args": ["x-city"], "kwargs": {}, "options": {}},
}
"""Options by which Dramatiq's own middleware would run other actors."""

STOPS = STATEMENTS.c.kind.in_([str(kind) for kind in STOP_KINDS])


@pytest.fixture(scope="module")
def attacker(exercise: Deployment) -> Iterator[Attacker]:
    """Somebody inside the running exercise's database and Redis."""
    exercise.add("tiktok", "live-tiktok", Mode.LIVE)
    exercise.add("webhook", "live-webhook", Mode.LIVE)
    exercise.add("x", "x-dinas")
    with attacker_on(exercise) as intruder:
        yield intruder


def video(attacker: Attacker) -> Cleared:
    """A released plan for a video, its delivery put off; its other half, a webhook, is left out."""
    plan = released(attacker, attacker.site.cleared("tiktok-city", "webhook-council", languages=BOTH))
    of_webhook = (DELIVERIES.c.plan == plan.digest, DELIVERIES.c.channel == "webhook")
    attacker.does(delete(DELIVERIES).where(*of_webhook))
    return plan


def heard(attacker: Attacker, statement: str, lane: str = "accounts") -> str:
    """Wait until the lane's sender has written a stop down; returns its name."""
    site = attacker.site
    book = site.folder / "sender" / "exercise" / lane / "stops.jsonl"
    nonce = Statement.decode(site.signed(statement).payload).nonce
    until(lambda: book.exists() and nonce in book.read_text(), "the sender has heard of it")
    return statement


def newest(attacker: Attacker, kind: StatementKind, subject: str) -> str:
    """The name of the last statement of a kind about a subject."""
    where = (STATEMENTS.c.kind == str(kind), STATEMENTS.c.subject == subject)
    found: str = (
        attacker.does(select(STATEMENTS.c.id).where(*where).order_by(STATEMENTS.c.recorded_at.desc()))
        .scalars()
        .first()
    )
    return found


def wiped(attacker: Attacker, statement: str, lane: str = "accounts") -> None:
    """Delete a stop that the lane's sender has heard of."""
    attacker.does(delete(STATEMENTS).where(STATEMENTS.c.id == heard(attacker, statement, lane)))


def forgotten(site: Deployment, attacker: Attacker, plan: Cleared) -> None:
    """Wipe every stop about a plan's incident out of SQL, once the lane's sender has heard of it."""
    said = attacker.row(STATEMENTS, STATEMENTS.c.incident == plan.incident, STOPS)
    heard(attacker, said["id"])
    attacker.does(delete(STATEMENTS).where(STATEMENTS.c.incident == plan.incident, STOPS))


def halt(attacker: Attacker, plan: Cleared) -> str:
    """Operations halt the plan's incident; returns the halt."""
    pen = attacker.site.pen("ops-1")
    return stopping.halt(attacker.site.desk, HaltScope.INCIDENT, plan.incident, pen, Mode.EXERCISE).statement


@CAMPAIGN.forgery(waiting, "G16")
def a_deleted_halt(attacker: Attacker, plan: Cleared) -> None:
    """SQL has forgotten that the incident is halted."""
    wiped(attacker, halt(attacker, plan))


@CAMPAIGN.forgery(waiting, "G16")
def a_deleted_suspension(attacker: Attacker, plan: Cleared) -> None:
    """SQL has forgotten that this plan is suspended."""
    pen = attacker.site.pen("security-1")
    wiped(attacker, stopping.halt(attacker.site.desk, HaltScope.PLAN, plan.digest, pen, Mode.EXERCISE).statement)


@CAMPAIGN.forgery(waiting, "G16")
def a_halt_filed_as_something_else(attacker: Attacker, plan: Cleared) -> None:
    """Its row says that it is an approval, in live mode, of another incident."""
    named = heard(attacker, halt(attacker, plan))
    moved = {"kind": "approve", "mode": "live", "incident": None}
    attacker.does(update(STATEMENTS).where(STATEMENTS.c.id == named).values(**moved))


@CAMPAIGN.forgery(waiting, "G03")
def a_deleted_revocation(attacker: Attacker, plan: Cleared) -> None:
    """SQL has forgotten that the plan was taken back, and every row is as it was before."""
    clearing.revoke(attacker.site.desk, plan.digest, attacker.site.pen("security-1"))
    wiped(attacker, newest(attacker, StatementKind.REVOKE, plan.digest))
    revived(attacker, plan)


@CAMPAIGN.forgery(waiting, "G02")
def a_deleted_stand_down(attacker: Attacker, plan: Cleared) -> None:
    """SQL has forgotten that the incident was stood down: it is active, and its deliveries are ready."""
    closing.stand_down(attacker.site.desk, plan.incident, attacker.site.pen("director-1"))
    where = (STATEMENTS.c.kind == "stand_down", STATEMENTS.c.incident == plan.incident)
    wiped(attacker, attacker.row(STATEMENTS, *where)["id"])
    attacker.does(update(INCIDENTS).where(INCIDENTS.c.id == plan.incident).values(state="active"))
    revived(attacker, plan)


@CAMPAIGN.forgery(waiting, "G08")
def a_deleted_rejection(attacker: Attacker, plan: Cleared) -> None:
    """SQL has forgotten that somebody said no; every approval is still there."""
    clearing.reject(attacker.site.desk, plan.digest, attacker.site.pen("security-1"), "the road is open again")
    wiped(attacker, newest(attacker, StatementKind.REJECT, plan.digest))
    revived(attacker, plan)


@CAMPAIGN.forgery(video, "G12")
def a_deleted_refusal(attacker: Attacker, plan: Cleared) -> None:
    """The minister agreed and then refused; SQL has forgotten the second."""
    site = attacker.site
    evidence.decide(site.desk, plan.digest, site.pen("private-office-1"), Decision.REFUSED, ("tiktok",))
    wiped(attacker, newest(attacker, StatementKind.DECIDE, plan.digest), "tiktok-sender")
    revived(attacker, plan)


@CAMPAIGN.forgery(waiting, "G16")
def a_forged_resume_by_the_halter(attacker: Attacker, plan: Cleared) -> None:
    """The halter signs for the end of the halt twice, and once as somebody else."""
    named = heard(attacker, halt(attacker, plan))
    for name, role in (("ops-1", "ops"), ("ops-1", "ops"), ("director-1", "duty_director")):
        resumes(attacker, named, "ops-1", person=name, role=role)


@CAMPAIGN.forgery(waiting, "G16")
def a_forged_resume_by_strangers(attacker: Attacker, plan: Cleared) -> None:
    """Two officers' names under two strangers' signatures."""
    named = heard(attacker, halt(attacker, plan))
    for seed, name, role in ((13, "director-1", "duty_director"), (14, "security-1", "security")):
        resumes(attacker, named, SoftKey(seed), person=name, role=role)


@CAMPAIGN.forgery(waiting, "G16")
def a_resume_by_one_and_operations(attacker: Attacker, plan: Cleared) -> None:
    """One officer's true resume, the same again, and one by operations, who never resume."""
    named = heard(attacker, halt(attacker, plan))
    resumes(attacker, named, "director-1", person="director-1", role="duty_director")
    resumes(attacker, named, "director-1", person="director-1", role="duty_director")
    resumes(attacker, named, "ops-1", person="ops-1", role="ops")


@CAMPAIGN.forgery(waiting, "G16")
def a_resume_of_another_halt(attacker: Attacker, plan: Cleared) -> None:
    """Two officers resumed another incident; their rows are moved to this halt."""
    site, named = attacker.site, heard(attacker, halt(attacker, plan))
    other = halt(attacker, site.submitted("x-city"))
    for person in ("director-1", "security-1"):
        stopping.resume(site.desk, other, site.pen(person))
    attacker.does(update(STATEMENTS).where(STATEMENTS.c.subject == other).values(subject=named))


@CAMPAIGN.forgery(waiting, "G16")
def an_older_status_put_back(attacker: Attacker, plan: Cleared) -> None:
    """The status from before the halt, in the place of the newest, and the halt deleted."""
    before = attacker.row(STATUSES, STATUSES.c.mode == "exercise")["envelope"]
    wiped(attacker, halt(attacker, plan))
    attacker.does(update(STATUSES).where(STATUSES.c.mode == "exercise").values(envelope=before))


@CAMPAIGN.forgery(waiting, "G16")
def a_status_by_a_stranger(attacker: Attacker, plan: Cleared) -> None:
    """A status of tomorrow that lists nothing, signed with a key of his own, and the halt deleted."""
    wiped(attacker, halt(attacker, plan))
    now = attacker.site.desk.now()
    made = sign_status(attacker.site.desk.settings.deployment, Mode.EXERCISE, now, (), SoftKey(13))
    attacker.does(update(STATUSES).where(STATUSES.c.mode == "exercise").values(envelope=made.document()))


def resumes(attacker: Attacker, halted: str, by: str | Signer, **who: str) -> None:
    """File a resume of a halt, signed with a person's key or another."""
    signer = attacker.key(by) if isinstance(by, str) else by
    like = attacker.statement(StatementKind.HALT, STATEMENTS.c.id == halted)
    about: dict[str, Any] = {"kind": StatementKind.RESUME, "subject": halted, "body": {}, **who}
    envelope = attacker.says(like, signer, **about)
    attacker.files(envelope, Statement.decode(envelope.payload))


@pytest.mark.parametrize("forgery", CAMPAIGN.forgeries, ids=lambda forgery: forgery.name)
def test_what_was_stopped_stays_stopped(attacker: Attacker, forgery: Forgery) -> None:
    """Nothing leaves, and every delivery's refusal is on record with its clause."""
    assert forgery.strike(attacker) >= forgery.clauses


def test_a_halt_that_two_others_ended_stops_nothing(exercise: Deployment, attacker: Attacker) -> None:
    """The control: with the attacker inside, two true resumes let an honest plan go."""
    plan = waiting(attacker)
    ended = heard(attacker, halt(attacker, plan))
    for person in ("director-1", "security-1"):
        stopping.resume(exercise.desk, ended, exercise.pen(person))
    attacker.lets_go(plan)
    assert exercise.ended(plan) == {"accepted": 1}


def test_a_deleted_revocation_still_counts_after_a_restart(exercise: Deployment, attacker: Attacker) -> None:
    """Deleted, undone in every row, released, and the lane killed by kill -9: its own book says revoked (G03)."""
    plan = exercise.cleared("x-city")
    clearing.revoke(exercise.desk, plan.digest, exercise.pen("security-1"))
    with nothing_leaves(exercise):
        forgotten(exercise, attacker, plan)
        killed = restarted(exercise, "accounts")
        revived(attacker, plan)
        exercise.release(plan)
        assert "G03" in refused(exercise, plan)
        assert exercise.ended(plan) == {"cancelled": 1}
    assert killed


def restarted(site: Deployment, role: str) -> bool:
    """Kill a role by kill -9 and wait until ``up`` has started it again."""
    before = site.report()
    assert before is not None
    os.kill(before.roles[role], signal.SIGKILL)

    def again() -> bool:
        now = site.report()
        return now is not None and now.restarts[role] > before.restarts[role]

    return until(again, f"{role} was started again")


def revived(attacker: Attacker, plan: Cleared) -> None:
    """Write a plan's rows back to what they were before its revocation."""
    attacker.does(update(CLEARANCES).where(CLEARANCES.c.plan == plan.digest).values(state="clear"))
    attacker.does(update(DELIVERIES).where(DELIVERIES.c.plan == plan.digest).values(state="ready", reason=""))


@pytest.mark.parametrize("whose", ["his own", "the relay's"])
def test_a_status_counts_only_under_the_relays_key(exercise: Deployment, attacker: Attacker, whose: str) -> None:
    """Where no relay runs, TikTok waits for its status; one signed by a stranger does not end that (G16)."""
    site = exercise
    signer: Signer = SoftKey(13) if whose == "his own" else KeyFileSigner(site.folder / "keys" / "status")
    plan = site.cleared("live-tiktok", "live-webhook", mode=Mode.LIVE, languages=BOTH)
    attacker.does(delete(DELIVERIES).where(DELIVERIES.c.plan == plan.digest, DELIVERIES.c.channel == "webhook"))
    made = sign_status(site.desk.settings.deployment, Mode.LIVE, site.desk.now(), (), signer)
    attacker.does(delete(STATUSES).where(STATUSES.c.mode == "live"))
    attacker.does(insert(STATUSES).values(mode="live", made_at=site.desk.now(), envelope=made.document()))
    with nothing_leaves(site), ExitStack() as roles:
        for role in ("tiktok-sender", "tiktok"):
            roles.enter_context(site.role(role, Mode.LIVE))
        attacker.dispatches(plan)
        assert ("G16" in refused(site, plan)) == (whose == "his own")


def test_a_doorbell_for_an_unreleased_plan_moves_nothing(exercise: Deployment, attacker: Attacker) -> None:
    """The lane hears it, looks, and leaves alone what nobody released; what was released later does go out."""
    plan, honest = exercise.cleared("x-city"), exercise.cleared("x-city")
    attacker.pushes("ring", bell(actor="ring_accounts", args=("accounts", new_id("dsp", DRAWN))))
    attacker.heard()
    exercise.release(honest)
    assert exercise.ended(honest) == {"accepted": 1}
    assert [(row.state, row.fence) for row in exercise.rows(plan)] == [("ready", 0)]
    assert exercise.published("x", plan.headline) == []


@pytest.mark.parametrize("pushed", ["foreign", "garbage", "ill-fitting", "huge", "callbacks", "another lane's"])
def test_a_lane_outlives_what_is_no_doorbell(exercise: Deployment, attacker: Attacker, pushed: str) -> None:
    """Another actor, bytes, wrong arguments, a megabyte, callbacks: nothing leaves, and the next ring is heard."""
    messages = {
        "foreign": bell(actor="publish", args=("x-city", "Go out!")),
        "garbage": b"\x80\x04\x95\xff not a message",
        "ill-fitting": bell(actor="ring_accounts", args=(1, 2, 3)),
        "callbacks": bell(actor="ring_accounts", args=("accounts", "dsp-1"), **CALLBACKS),
        "another lane's": bell(actor="ring_tiktok", args=("tiktok", "dsp-1")),
        "huge": bell(actor="ring_accounts", args=("accounts", "x" * 1_000_000)),
    }
    before = exercise.report()
    with nothing_leaves(exercise):
        attacker.pushes(pushed, messages[pushed])
        attacker.heard()
        attacker.pushes("ring", bell(actor="ring_accounts", args=("accounts", new_id("dsp", DRAWN))))
        attacker.heard()
    after = exercise.report()
    assert before is not None
    assert after is not None
    assert after.roles["accounts"] == before.roles["accounts"]


def test_thousands_of_doorbells_send_nothing_twice(exercise: Deployment, attacker: Attacker) -> None:
    """A flood of rings for one true dispatch is one post, and the lane has emptied its queue."""
    plan = exercise.cleared("x-city")
    dispatch = exercise.release(plan)
    ring = bell(actor="ring_accounts", args=("accounts", dispatch))
    for number in range(FLOOD):
        attacker.pushes(f"flood-{number}", ring)
    assert exercise.ended(plan) == {"accepted": 1}
    attacker.heard()
    assert len(exercise.published("x", plan.headline)) == 1


def bell(actor: str, args: tuple[object, ...], **options: object) -> bytes:
    """A message as Dramatiq writes it."""
    queue = queue_name("accounts", "exercise")
    message: dramatiq.Message[None] = dramatiq.Message(queue, actor, args, {}, options)
    encoded: bytes = message.encode()
    return encoded
