"""Full write access to SQL: nothing leaves, and the ledger says by which clause the sender refused it.

The plans are honest and cleared; the attacker has dropped every trigger. What he changes while a plan is being sent
happens with its deliveries put off, so that no test depends on who is faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import update

from channels.contract import Secret
from dispatcher.domain import canonical
from dispatcher.domain.ids import new_id
from dispatcher.domain.statement import Mode, Statement
from dispatcher.sending.lists import ListKey, Row, tree_of
from dispatcher.sending.prepared import RENDERING_SCHEMA
from dispatcher.service import clearing
from dispatcher.statements.signing import sign
from dispatcher.store.tables import (
    DeliveryRow,
    DispatchRow,
    PlanRow,
    RecipientListRow,
    RecipientRow,
    RenderingRow,
    StatementRow,
)
from tests.e2e.attacker import DRAWN, Attacker, attacker_on, nothing_leaves, refused
from tests.e2e.conftest import CAST
from tests.e2e.deployment import BOTH, LIST_SIZE, Cleared, Deployment
from tests.statements.support import SoftKey

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def attacker(exercise: Deployment) -> Iterator[Attacker]:
    """Somebody inside the running exercise's database; there are accounts that no plan here names."""
    exercise.add("x", "x-dinas")
    exercise.add("x", "live-x", Mode.LIVE)
    with attacker_on(exercise) as intruder:
        yield intruder


@pytest.fixture
def waiting(exercise: Deployment, attacker: Attacker) -> Cleared:
    """A released plan over one account, its delivery put off."""
    plan = exercise.cleared("x-city")
    attacker.holds_back(plan)
    exercise.release(plan)
    return plan


def test_an_honest_plan_goes_out(exercise: Deployment, attacker: Attacker) -> None:
    """The control: with the attacker inside, all that was signed still reaches all six channels, once."""
    before = len(exercise.requests())
    plan = exercise.cleared(*(name for _, name in CAST), languages=BOTH)
    exercise.release(plan)
    assert exercise.ended(plan) == {"accepted": len(CAST) - 2 + LIST_SIZE, "handed_over": 1}
    assert len(exercise.requests()) - before == len(CAST) - 3 + LIST_SIZE
    assert sum(plan.headline in alert for alert in exercise.alerts()) == 1


def test_a_rendering_edited_after_its_clearance_is_refused(
    exercise: Deployment, attacker: Attacker, waiting: Cleared
) -> None:
    """Other words under the digest that was signed (G07)."""
    digest = attacker.row(DeliveryRow, DeliveryRow.plan == waiting.digest)["rendering"]
    body = attacker.row(RenderingRow, RenderingRow.digest == digest)["body"].replace(b"Stay in", b"Go out!")
    with nothing_leaves(exercise):
        attacker.does(update(RenderingRow).where(RenderingRow.digest == digest).values(body=body))
        attacker.lets_go(waiting)
        assert "G07" in refused(exercise, waiting)


def test_a_rendering_of_his_own_is_refused(exercise: Deployment, attacker: Attacker, waiting: Cleared) -> None:
    """Other words under their own true digest, and the delivery pointed at them (G07)."""
    digest = attacker.row(DeliveryRow, DeliveryRow.plan == waiting.digest)["rendering"]
    body = attacker.row(RenderingRow, RenderingRow.digest == digest)["body"].replace(b"Stay in", b"Go out!")
    forged = canonical.digest(RENDERING_SCHEMA, body)
    with nothing_leaves(exercise):
        attacker.inserts(RenderingRow, {"digest": forged, "body": body})
        attacker.does(update(DeliveryRow).where(DeliveryRow.plan == waiting.digest).values(rendering=forged))
        attacker.lets_go(waiting)
        assert "G07" in refused(exercise, waiting)


def test_a_delivery_to_another_account_is_refused(exercise: Deployment, attacker: Attacker, waiting: Cleared) -> None:
    """An account that the sender holds and the signed plan does not name (G07)."""
    with nothing_leaves(exercise):
        made = attacker.delivery(waiting, account="x-dinas", destination="x-dinas")
        assert "G07" in refused(exercise, waiting, made)


def test_a_delivery_with_another_plans_text_is_refused(
    exercise: Deployment, attacker: Attacker, waiting: Cleared
) -> None:
    """A text that was signed, but for a plan that nobody released (G07)."""
    other = exercise.cleared("x-city")
    text = attacker.row(DeliveryRow, DeliveryRow.plan == other.digest)["rendering"]
    with nothing_leaves(exercise):
        made = attacker.delivery(waiting, destination="twice", rendering=text)
        assert "G07" in refused(exercise, waiting, made)


def test_a_correction_that_nobody_released_is_refused(
    exercise: Deployment, attacker: Attacker, waiting: Cleared
) -> None:
    """The release covers publishing; a hand-made row of another kind finds no release (G03)."""
    with nothing_leaves(exercise):
        made = attacker.delivery(waiting, kind="correct")
        assert "G03" in refused(exercise, waiting, made)


def test_what_went_out_does_not_go_out_again(exercise: Deployment, attacker: Attacker) -> None:
    """An accepted delivery put back to ready is stopped by the sender's own spent file (G15)."""
    plan = exercise.cleared("x-city")
    exercise.release(plan)
    exercise.ended(plan)
    with nothing_leaves(exercise):
        attacker.does(update(DeliveryRow).where(DeliveryRow.plan == plan.digest).values(state="ready"))
        assert "G15" in refused(exercise, plan)


def test_a_second_delivery_to_the_same_account_is_refused(exercise: Deployment, attacker: Attacker) -> None:
    """A copy under a new id is the same text to the same account, which is spent (G15)."""
    plan = exercise.cleared("x-city")
    exercise.release(plan)
    exercise.ended(plan)
    with nothing_leaves(exercise):
        made = attacker.delivery(plan, destination="twice")
        assert "G15" in refused(exercise, plan, made)


def test_a_recipient_slipped_into_a_list_is_refused(exercise: Deployment, attacker: Attacker) -> None:
    """A row behind the last one, with its delivery, has no path to the signed root (G07)."""
    plan = exercise.cleared("sms-city", languages=BOTH, lists={"": [exercise.add_list("slipped", 3)]})
    attacker.holds_back(plan)
    exercise.release(plan)
    first = attacker.row(RecipientRow, RecipientRow.list == "slipped")
    with nothing_leaves(exercise):
        attacker.inserts(RecipientRow, first, position=3, leaf="ab" * 32)
        made = attacker.delivery(plan, destination="ab" * 32, position=3)
        attacker.lets_go(plan)
        assert "G07" in refused(exercise, plan, made)


def test_a_list_replaced_by_his_own_is_refused(exercise: Deployment, attacker: Attacker) -> None:
    """Other numbers under another key, sealed to the sender as an importer would, have another root (G07)."""
    plan = exercise.cleared("sms-city", languages=BOTH, lists={"": [exercise.add_list("replaced", 3)]})
    attacker.holds_back(plan)
    exercise.release(plan)
    key = ListKey(DRAWN(32))
    rows = [key.seal(Row(Secret(f"+44770090070{number}"), "en-GB"), DRAWN) for number in range(3)]
    sealed_key = key.sealed_to(exercise.desk.settings.vault(Mode.EXERCISE, "recipients").recipient())
    with nothing_leaves(exercise):
        for position, row in enumerate(rows):
            at = (RecipientRow.list == "replaced", RecipientRow.position == position)
            attacker.does(update(RecipientRow).where(*at).values(leaf=row.leaf, sealed=row.sealed))
        root = tree_of([row.leaf for row in rows]).root.hex()
        named = RecipientListRow.id == "replaced"
        attacker.does(update(RecipientListRow).where(named).values(root=root, sealed_key=sealed_key))
        attacker.lets_go(plan)
        assert "G07" in refused(exercise, plan)


def test_a_plan_dispatched_by_hand_is_refused(exercise: Deployment, attacker: Attacker) -> None:
    """Cleared and not released: a dispatch, a doorbell and a plan marked released are no signature (G03)."""
    plan = exercise.cleared("x-city", "webhook-council", "sms-city", languages=BOTH)
    with nothing_leaves(exercise):
        attacker.dispatches(plan)
        assert "G03" in refused(exercise, plan)


def test_a_release_copied_from_another_plan_is_refused(
    exercise: Deployment, attacker: Attacker, waiting: Cleared
) -> None:
    """A director's own release of one plan says nothing of another, wherever its row is filed (G03)."""
    plan = exercise.cleared("x-city")
    release = attacker.row(StatementRow, StatementRow.subject == waiting.digest, StatementRow.kind == "release")
    with nothing_leaves(exercise):
        attacker.inserts(StatementRow, release, id=new_id("stm", DRAWN), subject=plan.digest)
        attacker.dispatches(plan)
        assert "G03" in refused(exercise, plan)


def test_edited_contributors_are_refused(exercise: Deployment, attacker: Attacker, waiting: Cleared) -> None:
    """An author taken out of the plan's bytes, so that he could approve it: nobody signed those bytes (G08)."""
    body = attacker.row(PlanRow, PlanRow.digest == waiting.digest)["body"].replace(b'"author-1"', b'"legal-1"')
    with nothing_leaves(exercise):
        attacker.does(update(PlanRow).where(PlanRow.digest == waiting.digest).values(body=body))
        attacker.lets_go(waiting)
        assert {"G03", "G08"} <= refused(exercise, waiting)


def test_an_approval_copied_from_another_plan_does_not_count(
    exercise: Deployment, attacker: Attacker, waiting: Cleared
) -> None:
    """The checker approved one plan; the other still lacks a checker (G08)."""
    plan = exercise.submitted("x-city")
    clearing.approve(exercise.desk, plan.digest, exercise.pen("director-1"))
    of_checker = (StatementRow.kind == "approve", StatementRow.person == "checker-1")
    copied = attacker.row(StatementRow, StatementRow.subject == waiting.digest, *of_checker)
    with nothing_leaves(exercise):
        attacker.inserts(StatementRow, copied, id=new_id("stm", DRAWN), subject=plan.digest)
        attacker.dispatches(plan)
        assert "G08" in refused(exercise, plan)


def test_an_approval_by_a_key_of_his_own_does_not_count(exercise: Deployment, attacker: Attacker) -> None:
    """The checker's name under a stranger's signature is not the checker's (G08)."""
    plan = exercise.submitted("x-city")
    standing = clearing.approve(exercise.desk, plan.digest, exercise.pen("director-1"))
    like = attacker.row(StatementRow, StatementRow.subject == plan.digest, StatementRow.kind == "approve")
    said = Statement.decode(exercise.signed(like["id"]).payload)
    forged = sign(replace(said, person="checker-1", role="checker", nonce=DRAWN(16).hex()), SoftKey(13))
    with nothing_leaves(exercise):
        named = {"id": new_id("stm", DRAWN), "person": "checker-1", "role": "checker"}
        attacker.inserts(StatementRow, like, **named, envelope=forged.document())
        attacker.dispatches(plan)
        assert standing.stored.state == "submitted"
        assert "G08" in refused(exercise, plan)


def test_an_edited_statement_does_not_count(exercise: Deployment, attacker: Attacker, waiting: Cleared) -> None:
    """An approval whose bytes were touched after signing is gone, and with it the quorum (G08)."""
    of_checker = (StatementRow.kind == "approve", StatementRow.person == "checker-1")
    row = attacker.row(StatementRow, StatementRow.subject == waiting.digest, *of_checker)
    envelope = exercise.signed(row["id"])
    touched = replace(envelope, payload=envelope.payload.replace(b'"x"', b'"y"')).document()
    with nothing_leaves(exercise):
        attacker.does(update(StatementRow).where(StatementRow.id == row["id"]).values(envelope=touched))
        attacker.lets_go(waiting)
        assert "G08" in refused(exercise, waiting)


def test_a_live_plan_moved_into_the_exercise_is_refused(exercise: Deployment, attacker: Attacker) -> None:
    """Every row says exercise, and names an account that is here: the signed plan still says live (G14)."""
    plan = exercise.cleared("live-x", mode=Mode.LIVE)
    exercise.release(plan)
    with nothing_leaves(exercise):
        moved = {"mode": "exercise"}
        attacker.does(update(PlanRow).where(PlanRow.digest == plan.digest).values(**moved))
        attacker.does(update(DispatchRow).where(DispatchRow.plan == plan.digest).values(**moved))
        rows = update(DeliveryRow).where(DeliveryRow.plan == plan.digest)
        attacker.does(rows.values(**moved, account="x-city", destination="x-city"))
        assert "G14" in refused(exercise, plan)


def test_a_delivery_moved_to_another_incident_is_refused(
    exercise: Deployment, attacker: Attacker, waiting: Cleared
) -> None:
    """Even another open incident is not the plan's (G02)."""
    other = exercise.submitted("x-city")
    with nothing_leaves(exercise):
        rows = update(DeliveryRow).where(DeliveryRow.plan == waiting.digest)
        attacker.does(rows.values(incident=other.incident))
        attacker.lets_go(waiting)
        assert "G02" in refused(exercise, waiting)
