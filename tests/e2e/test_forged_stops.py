"""Full write access to SQL and Redis: what was stopped stays stopped, and no message makes a lane send."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import dramatiq
import pytest
from sqlalchemy import delete, insert, update

from dispatcher.domain.ids import new_id
from dispatcher.domain.statement import Mode, Statement
from dispatcher.gate.stops import HaltScope
from dispatcher.sending.status import sign_status
from dispatcher.service import clearing, stopping
from dispatcher.statements.signing import KeyFileSigner, Signer
from dispatcher.store.tables import ClearanceRow, DeliveryRow, StatementRow, StatusRow
from tests.e2e.attacker import DRAWN, Attacker, attacker_on, nothing_leaves, refused
from tests.e2e.deployment import Cleared, Deployment
from tests.servers import until
from tests.statements.support import SoftKey
from workers.broker import queue_name

pytestmark = pytest.mark.system

STOPS = StatementRow.kind.in_(("halt", "revoke"))


@pytest.fixture(scope="module")
def attacker(exercise: Deployment) -> Iterator[Attacker]:
    """Somebody inside the running exercise's database and Redis."""
    exercise.add("tiktok", "live-tiktok", Mode.LIVE)
    with attacker_on(exercise) as intruder:
        yield intruder


def forgotten(site: Deployment, attacker: Attacker, plan: Cleared) -> None:
    """Wait until the lane's sender has heard of every stop about a plan's incident, then wipe them out of SQL."""
    book = site.folder / "sender" / "exercise" / "accounts" / "stops.jsonl"
    said = attacker.row(StatementRow, StatementRow.incident == plan.incident, STOPS)
    nonce = Statement.decode(site.signed(said["id"]).payload).nonce
    until(lambda: book.exists() and nonce in book.read_text(), "the sender has heard of it")
    attacker.does(delete(StatementRow).where(StatementRow.incident == plan.incident, STOPS))


def test_a_deleted_halt_still_stops(exercise: Deployment, attacker: Attacker) -> None:
    """SQL has forgotten the halt, so that the release goes through; the sender has not (G16)."""
    plan = exercise.cleared("x-city")
    stopping.halt(exercise.desk, HaltScope.INCIDENT, plan.incident, exercise.pen("ops-1"), Mode.EXERCISE)
    with nothing_leaves(exercise):
        forgotten(exercise, attacker, plan)
        exercise.release(plan)
        assert "G16" in refused(exercise, plan)


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
        assert exercise.states(plan) == {"cancelled": 1}
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
    attacker.does(update(ClearanceRow).where(ClearanceRow.plan == plan.digest).values(state="clear"))
    attacker.does(update(DeliveryRow).where(DeliveryRow.plan == plan.digest).values(state="ready", reason=""))


@pytest.mark.parametrize("whose", ["his own", "the relay's"])
def test_a_status_counts_only_under_the_relays_key(exercise: Deployment, attacker: Attacker, whose: str) -> None:
    """Where no relay runs, TikTok waits for its status; one signed by a stranger does not end that (G16)."""
    site = exercise
    signer: Signer = SoftKey(13) if whose == "his own" else KeyFileSigner(site.folder / "keys" / "status")
    plan = site.cleared("live-tiktok", mode=Mode.LIVE)
    made = sign_status(site.desk.settings.deployment, Mode.LIVE, site.desk.now(), (), signer)
    attacker.does(delete(StatusRow).where(StatusRow.mode == "live"))
    attacker.does(insert(StatusRow).values(mode="live", made_at=site.desk.now(), envelope=made.document()))
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


@pytest.mark.parametrize("pushed", ["foreign", "garbage", "ill-fitting", "huge"])
def test_a_lane_outlives_what_is_no_doorbell(exercise: Deployment, attacker: Attacker, pushed: str) -> None:
    """An actor of another program, bytes, wrong arguments, a megabyte: nothing leaves, and the next ring is heard."""
    messages = {
        "foreign": bell(actor="publish", args=("x-city", "Go out!")),
        "garbage": b"\x80\x04\x95\xff not a message",
        "ill-fitting": bell(actor="ring_accounts", args=(1, 2, 3)),
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


def bell(actor: str, args: tuple[object, ...]) -> bytes:
    """A message as Dramatiq writes it."""
    message: dramatiq.Message[None] = dramatiq.Message(queue_name("accounts", "exercise"), actor, args, {}, {})
    encoded: bytes = message.encode()
    return encoded
