"""Acceptance stories 1, 4, 5, 6 and 8: what is refused before anything could leave (reference: policy 6.9).

Everything the story's people do, they type. Roles are running all the while, so that what could leave would.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from dispatcher.store.tables import DELIVERIES, RENDERINGS
from tests.e2e.attacker import attacker_on, nothing_leaves, refused
from tests.e2e.deployment import Cleared, Deployment
from tests.e2e.stories import NEED, PURPOSE, STORM, approved, clauses, drafted, submitted, typed

pytestmark = pytest.mark.system


def test_a_campaign_on_tiktok_is_refused_at_submit(exercise: Deployment) -> None:
    """Story 1: no incident and a campaign's purpose fail G02 and G06; nobody is asked, the ledger has one denial."""
    about = ("none", "Passport renewal", "--mode", "exercise", "--area", "Example City")
    record = typed(exercise, "author-1", "incident", "declare", *about)["id"]
    file = exercise.folder.with_name("passport.txt")
    file.write_text("Renew online\n\nIt takes three weeks.")
    words = ("message", "draft", record, "--text", f"en-GB={file}", "--valid-until", "+6h")
    message = typed(exercise, "author-1", *words)["message"]
    typed(exercise, "author-1", "message", "arm", message)
    submit = ("clearance", "submit", message, "--account", "tiktok-city", "--account", "x-city", *NEED)
    with nothing_leaves(exercise):
        told = typed(exercise, "author-1", *submit, "--purpose", "campaign", fails=3)
        assert {"G02", "G06"} <= clauses(told)
        relabelled = typed(exercise, "author-1", *submit, "--purpose", PURPOSE, fails=3)
        assert "G02" in clauses(relabelled)
        assert "G06" not in clauses(relabelled)
    assert len(exercise.entries("submission.refused", incident=record)) == 2
    assert exercise.entries("notice.sent") == []


def test_nobody_approves_their_own_work(exercise: Deployment) -> None:
    """Story 4 a, c: who submitted, and who edited another's draft, cannot approve (G08)."""
    _, message = drafted(exercise, {"en-GB": STORM["en-GB"]})
    file = exercise.folder.with_name("edit.txt")
    file.write_text("Storm tonight\n\nStay in, please.")
    typed(exercise, "translator-1", "message", "edit", message, "--text", f"en-GB={file}")
    plan = submitted(exercise, message, "x-city")
    with nothing_leaves(exercise):
        for person in ("author-1", "translator-1"):
            refusal = exercise.run("clearance", "approve", plan, "--role", "checker", person=person)
            assert refusal.returncode in (4, 8), refusal.stderr
        shown = typed(exercise, "director-1", "clearance", "show", plan)
        assert shown["channels"][0]["clear"] is False
        assert "G08" in clauses(str(shown["channels"][0]["missing"]))
        assert "G08" in clauses(typed(exercise, "director-1", "release", plan, fails=3))


def test_one_changed_letter_voids_the_clearance(exercise: Deployment) -> None:
    """Story 5: an edit of one Welsh letter returns the plan; the new one needs everybody again."""
    _, message = drafted(exercise, STORM)
    plan = submitted(exercise, message, "webhook-council")
    approved(exercise, plan, "checker-1", "welsh-checker-1", "director-1")
    file = exercise.folder.with_name("cy-GB.txt")
    file.write_text(file.read_text().replace("Ŵ", "W"))
    with nothing_leaves(exercise):
        english = exercise.folder.with_name("en-GB.txt")
        texts = ("--text", f"en-GB={english}", "--text", f"cy-GB={file}")
        typed(exercise, "translator-1", "message", "edit", message, *texts)
        told = exercise.run("release", plan, person="director-1")
        assert told.returncode == 5, told.stderr
        assert typed(exercise, "director-1", "clearance", "show", plan)["state"] == "returned"
        again = submitted(exercise, message, "webhook-council")
        missing = typed(exercise, "director-1", "clearance", "show", again)["channels"][0]["missing"]
        assert "checker, duty_director" in str(missing)


def test_a_letter_changed_behind_the_clearance_is_refused(exercise: Deployment) -> None:
    """Story 5: the same change made in the database fails G07 at the sender."""
    _, message = drafted(exercise, STORM)
    plan = submitted(exercise, message, "webhook-council")
    approved(exercise, plan, "checker-1", "welsh-checker-1", "director-1")
    cleared = Cleared(plan, "", "Storm")
    with attacker_on(exercise) as attacker, nothing_leaves(exercise):
        attacker.holds_back(cleared)
        typed(exercise, "director-1", "release", plan)
        digest = attacker.row(DELIVERIES, DELIVERIES.c.plan == plan)["rendering"]
        body = attacker.row(RENDERINGS, RENDERINGS.c.digest == digest)["body"]
        changed = body.replace("Ŵ".encode(), b"W")
        assert changed != body
        attacker.does(update(RENDERINGS).where(RENDERINGS.c.digest == digest).values(body=changed))
        attacker.lets_go(cleared)
        assert "G07" in refused(exercise, cleared)


def test_a_clearance_is_for_its_own_incident(exercise: Deployment) -> None:
    """Story 6: the plan of storm A attached to storm B, same text and area, fails G02; B needs its own."""
    _, message = drafted(exercise, {"en-GB": STORM["en-GB"]})
    other, _ = drafted(exercise, {"en-GB": STORM["en-GB"]})
    plan = submitted(exercise, message, "x-city")
    approved(exercise, plan, "checker-1", "director-1")
    cleared = Cleared(plan, "", "Storm")
    with attacker_on(exercise) as attacker, nothing_leaves(exercise):
        attacker.holds_back(cleared)
        typed(exercise, "director-1", "release", plan)
        attacker.does(update(DELIVERIES).where(DELIVERIES.c.plan == plan).values(incident=other))
        attacker.lets_go(cleared)
        assert "G02" in refused(exercise, cleared)


def test_a_packet_that_went_out_does_not_go_out_again(exercise: Deployment) -> None:
    """Story 6: the same plan put back to ready after it was sent fails G15."""
    _, message = drafted(exercise, {"en-GB": STORM["en-GB"]})
    plan = submitted(exercise, message, "x-city")
    approved(exercise, plan, "checker-1", "director-1")
    cleared = Cleared(plan, "", "Storm")
    typed(exercise, "director-1", "release", plan)
    exercise.ended(cleared)
    with attacker_on(exercise) as attacker, nothing_leaves(exercise):
        attacker.does(update(DELIVERIES).where(DELIVERIES.c.plan == plan).values(state="ready"))
        assert "G15" in refused(exercise, cleared)


def test_without_the_minister_tiktok_waits_and_the_rest_goes_by_itself(exercise: Deployment) -> None:
    """Story 8: the security team's approval is not the minister's decision; split, T0 proceeds on its own."""
    _, message = drafted(exercise, {"en-GB": STORM["en-GB"]})
    whole = submitted(exercise, message, "tiktok-city", "x-city")
    approved(exercise, whole, "checker-1", "director-1", "security-1")
    with nothing_leaves(exercise):
        assert clauses(typed(exercise, "director-1", "release", whole, fails=3)) == {"G12"}
        own = exercise.run("evidence", "decide", whole, "--decision", "agreed", person="author-1")
        assert own.returncode == 4, own.stderr
        typed(exercise, "private-office-1", "evidence", "decide", whole, "--decision", "agreed", "--channel", "x")
        assert clauses(typed(exercise, "director-1", "release", whole, fails=3)) == {"G12"}
    part = submitted(exercise, message, "x-city", texts=())
    approved(exercise, part, "checker-1", "director-1")
    typed(exercise, "director-1", "release", part)
    assert exercise.ended(Cleared(part, "", "Storm")) == {"accepted": 1}


def test_a_file_of_evidence_is_named_by_its_digest(exercise: Deployment, tmp_path: Path) -> None:
    """What police and COBR said goes into the signed plan, with source and digest; two that differ are both shown."""
    _, message = drafted(exercise, {"en-GB": STORM["en-GB"]})
    file = tmp_path / "report.txt"
    file.write_text("amber")
    incident = exercise.entries("message.revised", message=message)[0]["incident"]
    about = ("incident", "evidence", incident, "warning", "amber", "--source", "river agency", "--file", str(file))
    typed(exercise, "author-1", *about)
    shown = typed(exercise, "author-1", "clearance", "show", submitted(exercise, message, "x-city"))
    assert [(item["value"], item["conflict"]) for item in shown["evidence"]] == [("red", True), ("amber", True)]
