"""Submitting, approving, rejecting, revoking and releasing from the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Office


def test_a_submission_says_who_is_missing_and_what_to_type(office: Office) -> None:
    """The author's command ends with the roles that must sign, the people who hold them, and the command."""
    said = office.run("clearance", "submit", office.message(), by="author-1")
    assert "checker (checker-1)" in said.err
    assert f"Next: dispatcher clearance approve {said.json['plan'][:12]}" in said.err


def test_a_submission_is_one_document_with_its_schema(office: Office) -> None:
    """Elsewhere than on a terminal a plan is JSON: state, channels, and every clause that fails."""
    document = office.run("clearance", "submit", office.message(), by="author-1").json
    assert document["schema"] == "dispatcher/clearance/v1"
    assert [(c["channel"], c["clear"]) for c in document["channels"]] == [("cap_feed", False)]
    assert "G08" in {failure["clause"] for failure in document["channels"][0]["failures"]}


def test_a_submission_that_nothing_could_clear_is_refused(office: Office) -> None:
    """Exit code 3, the clause with who can mend it, and no plan."""
    name = office.message(incident=office.incident())
    said = office.run("clearance", "submit", name, by="author-1", code=3)
    assert "G02" in said.err
    assert "dispatcher incident evidence" in said.err
    assert office.run("status").json["plans"] == []


def test_no_alternative_is_in_what_people_sign(office: Office) -> None:
    """Which audience no other channel reaches stands in the plan."""
    words = ("clearance", "submit", office.message(), "--no-alternative", "people under 25")
    plan = office.run(*words, by="author-1").json["plan"]
    assert office.document(plan)["no_alternative"] == "people under 25"


def test_a_renewal_is_a_new_plan_that_names_the_old_one(office: Office) -> None:
    """It has no signature but its submitter's, and the old plan stays as it was."""
    old = office.cleared()
    made = office.run("clearance", "renew", old[:12], "--window", "30m", by="author-1").json
    document = office.document(made["plan"])
    assert (document["renews"], document["renewal"]) == (old, 1)
    assert "G08" in {failure["clause"] for failure in made["channels"][0]["failures"]}


def test_enough_different_people_clear_a_plan(office: Office) -> None:
    """After a checker and a director the channel is clear, and the next command is the release."""
    said = office.run("clearance", "show", office.cleared())
    assert said.json["channels"][0]["state"] == "clear"
    assert "Next: dispatcher release" in said.err


def test_where_only_the_release_is_missing_it_is_the_release_that_is_named(office: Office) -> None:
    """A director who has just approved is not asked for the approval again, here or in the status."""
    plan = office.plan()
    office.run("clearance", "approve", plan, by="checker-1")
    last = office.run("clearance", "approve", plan, by="director-1").err
    status = office.run("status")
    for said in (last, status.err):
        assert "Missing: the release, by duty_director (director-1" in said
    assert [one["what"] for one in status.json["awaited"]] == [f"release of {plan[:12]}"]


def test_a_plan_whose_clearance_was_taken_back_asks_for_a_new_plan(office: Office) -> None:
    """Its release would be refused, so that is not what to type next."""
    plan = office.cleared()
    said = office.run("clearance", "revoke", plan, "--reason", "wrong area", by="director-1")
    assert "Missing: a new plan: revoked by director-1" in said.err
    assert f"Next: dispatcher clearance submit {said.json['message']}" in said.err


def test_an_approver_reads_what_approving_signs(office: Office) -> None:
    """The message comes first, then the armed texts, each as its account will carry it."""
    texts = office.run("clearance", "read", office.plan()).json["texts"]
    assert [text["text"] for text in texts] == ["publish", "correct", "withdraw", "all_clear"]
    assert all(part["text"] for text in texts for part in text["parts"])


def test_an_author_cannot_approve_their_own_plan(office: Office) -> None:
    """Self-approval is refused by policy with its clause, and nothing is written."""
    plan = office.plan()
    before = office.ledger()
    said = office.run("clearance", "approve", plan, by="author-1", code=4)
    assert "does not hold" in said.err
    assert office.ledger() == before


def test_a_contributor_who_holds_an_approving_role_is_refused_by_g08(office: Office) -> None:
    """A checker who edited the message may not approve it, though the role is held: exit code 8."""
    name = office.message()
    file = office.folder.parent / "storm.txt"
    file.write_text("Storm at six\n\nStay indoors.\n")
    office.run("message", "edit", name, "--text", f"en-GB={file}", by="checker-1")
    plan = office.run("clearance", "submit", name, by="author-1").json["plan"]
    before = office.ledger()
    said = office.run("clearance", "approve", plan, by="checker-1", code=8)
    assert "(G08)" in said.err
    assert office.ledger() == before


def test_a_key_that_is_not_on_the_roster_signs_nothing(office: Office) -> None:
    """A stranger's key ends with exit code 4 and leaves no trace in the ledger."""
    plan = office.plan()
    before = office.ledger()
    said = office.run("--key", office.folder / "keys" / "status", "clearance", "approve", plan, code=4)
    assert "is nobody's on roster" in said.err
    assert office.ledger() == before


def test_nobody_at_the_keyboard_is_told_how_to_sign(office: Office) -> None:
    """Without key and agent the command ends with exit code 4 and names both ways."""
    said = office.run("clearance", "approve", office.plan(), code=4)
    assert "--key FILE" in said.err


def test_a_rejection_needs_its_reason(office: Office) -> None:
    """A rejection without a reason is wrong input."""
    said = office.run("clearance", "reject", office.plan(), by="checker-1", code=2)
    assert "--reason TEXT" in said.err


def test_one_rejection_refuses_the_channel(office: Office) -> None:
    """A checker's rejection moves the clearance to refused."""
    said = office.run("clearance", "reject", office.plan(), "--reason", "wrong time", by="checker-1")
    assert said.json["channels"][0]["state"] == "refused"


def test_anybody_on_the_roster_revokes(office: Office) -> None:
    """A reviewer's revocation takes a clear plan back at once."""
    said = office.run("clearance", "revoke", office.cleared(), by="reviewer-1")
    assert said.json["channels"][0]["state"] == "revoked"


def test_a_plan_is_found_by_the_beginning_of_its_name(office: Office) -> None:
    """Twelve characters of a plan's digest are enough."""
    plan = office.plan()
    assert office.run("clearance", "show", plan[:12]).json["plan"] == plan


def test_an_unknown_plan_is_wrong_input(office: Office) -> None:
    """A name that fits nothing ends with exit code 2."""
    said = office.run("clearance", "show", "ffff", code=2)
    assert "there is no plan ffff" in said.err


def test_a_release_before_clearance_is_refused_with_every_reason(office: Office) -> None:
    """The gate is not clear: exit code 3, each clause with who can mend it."""
    said = office.run("release", office.plan(), by="director-1", code=3)
    assert "G08" in said.err
    assert "who can mend it: checker (checker-1)" in said.err


def test_a_refused_release_is_a_json_document_when_asked_for(office: Office) -> None:
    """With --json the refusal is one document on stderr and nothing stands on stdout."""
    import json

    said = office.run("--json", "release", office.plan(), by="director-1", code=3)
    document = json.loads(said.err.splitlines()[-1])
    assert (document["schema"], document["exit_code"]) == ("dispatcher/error/v1", 3)
    assert document["reasons"][0]["clause"] == "G08"
    assert said.out == ""


def test_a_release_without_redis_warns_and_releases(office: Office) -> None:
    """A doorbell that cannot be rung loses nothing: the release stands, a warning says when it will be found."""
    said = office.run("release", office.cleared(), by="director-1")
    assert said.json["schema"] == "dispatcher/dispatch/v1"
    assert said.err.count("Warning: ") == 1


def test_a_plan_is_released_once(office: Office) -> None:
    """The second release comes too late: exit code 5."""
    plan = office.cleared()
    office.run("release", plan, by="director-1")
    office.run("release", plan, by="director-2", code=5)


def test_only_who_may_release_releases(office: Office) -> None:
    """A checker's release is not a signature that counts: exit code 4."""
    office.run("release", office.cleared(), by="checker-1", code=4)


@pytest.mark.parametrize("option", ["--yes", "--force", "-y"])
def test_there_is_no_way_around_the_gate(office: Office, option: str) -> None:
    """No option says yes for somebody else."""
    said = office.run("release", "whatever", option, by="director-1", code=2)
    assert "No such option" in said.err


def test_a_legal_flag_calls_for_its_role(office: Office) -> None:
    """A plan flagged arrest waits for the legal role."""
    said = office.run("clearance", "submit", office.message(), "--flag", "arrest", by="author-1")
    assert "legal (legal-1)" in said.err


def test_on_ambiguous_is_hold_or_resend(office: Office) -> None:
    """Any other word is wrong input."""
    words = ("clearance", "submit", office.message(), "--on-ambiguous", "cap_feed=maybe")
    assert "say hold or resend" in office.run(*words, by="author-1", code=2).err


def test_approvers_see_how_long_it_takes_and_what_it_costs(office: Office) -> None:
    """Before they sign; after the release it is no longer an estimate."""
    plan = office.cleared()
    shown = office.run("clearance", "show", plan).json
    assert shown["estimate"] == "1 delivery in 0:00:00 at the platforms' limits"
    assert [(one["account"], one["cost"], one["warnings"]) for one in shown["estimates"]] == [
        ("feed-city", "unknown", [])
    ]
    office.run("release", plan, by="director-1")
    assert "estimates" not in office.run("clearance", "show", plan).json
