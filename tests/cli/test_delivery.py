"""Deliveries, watching them, and resolving those that wait for people."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Office


def test_deliveries_are_listed_with_their_schema(office: Office) -> None:
    """A submitted plan has its deliveries; no machine column is among them."""
    plan = office.plan()
    document = office.run("delivery", "list", "--plan", plan[:10]).json
    assert document["schema"] == "dispatcher/deliveries/v1"
    assert [(d["account"], d["state"]) for d in document["deliveries"]] == [("feed-city", "ready")]
    assert not {"fence", "owner", "destination"} & document["deliveries"][0].keys()


def test_a_filter_that_fits_nothing_gives_an_empty_list(office: Office) -> None:
    """States are filtered by their own words."""
    office.plan()
    assert office.run("delivery", "list", "--state", "held").json["deliveries"] == []


def test_one_delivery_is_shown_by_the_beginning_of_its_name(office: Office) -> None:
    """The document holds its attempts."""
    office.released()
    name = office.move("leased")
    shown = office.run("delivery", "show", name[:8]).json
    assert (shown["id"], shown["state"], shown["tried"]) == (name, "leased", [])


def test_a_held_delivery_says_how_it_is_resolved(office: Office) -> None:
    """Where bytes may have left, the next step asks two people."""
    office.released()
    name = office.move("leased", "sending", "in_doubt", "held", reason="ambiguous")
    said = office.run("delivery", "show", name)
    assert "two people's answer" in said.err
    assert f"dispatcher delivery resolve {name} seen|not_seen|cancel" in said.err


def test_two_people_resolve_an_ambiguous_delivery(office: Office) -> None:
    """One answer waits for a second person; the second moves it."""
    office.released()
    name = office.move("leased", "sending", "in_doubt", "held", reason="ambiguous")
    first = office.run("delivery", "resolve", name, "seen", "--url", "https://city.example/1", by="ops-1")
    assert (first.json["state"], first.json["needed"]) == ("held", 1)
    second = office.run("delivery", "resolve", name, "seen", by="director-1")
    assert second.json["state"] == "accepted"


def test_nobody_can_have_seen_what_never_left(office: Office) -> None:
    """``seen`` for an exhausted delivery is refused by policy: exit code 8."""
    office.released()
    name = office.move("leased", "held", reason="exhausted")
    office.run("delivery", "resolve", name, "seen", by="ops-1", code=8)


def test_watch_ends_when_everything_has_ended(office: Office) -> None:
    """All accepted: one JSON line, exit code 0, and the review is next."""
    plan = office.released()
    office.move("leased", "sending", "accepted")
    said = office.run("watch", plan)
    assert json.loads(said.out)["by_state"] == {"accepted": 1}
    assert "Next: dispatcher review inc-" in said.err


@pytest.mark.parametrize(
    "states", [("leased", "sending", "rejected"), ("leased", "held"), ("cancelled",), ("leased", "expired")]
)
def test_watch_ends_with_6_when_something_did_not_end_well(office: Office, states: tuple[str, ...]) -> None:
    """Rejected, held, cancelled and expired are told, with the command that lists them."""
    plan = office.released()
    office.move(*states, reason="refused")
    said = office.run("watch", plan, code=6)
    assert f"1 {states[-1]}" in said.err
    assert f"--state {states[-1]}" in said.err


def test_watch_leads_to_what_is_finished_by_hand(office: Office) -> None:
    """A hand-off ends well for the machines; its operators are next."""
    plan = office.released()
    office.move("leased", "sending", "handed_over")
    assert f"Next: dispatcher delivery list --plan {plan[:12]} --state handed_over" in office.run("watch", plan).err


def test_watch_before_a_release_is_wrong_input(office: Office) -> None:
    """There is nothing to follow: exit code 2, and where to look."""
    plan = office.plan()
    assert "is not released" in office.run("watch", plan, code=2).err


def test_a_hand_off_needs_a_delivery_that_was_handed_over(office: Office) -> None:
    """A packet for anything else is wrong input, and nothing is issued."""
    office.released()
    name = office.move("leased")
    said = office.run("handoff", "open", name, by="operator-1", code=2)
    assert "not handed over" in said.err


def test_a_receipt_needs_a_packet(office: Office) -> None:
    """Without an opened packet there is nothing to sign for."""
    office.released()
    name = office.move("leased", "sending", "handed_over")
    words = ("handoff", "receipt", name, "--url", "https://exercise.invalid/x")
    assert "dispatcher handoff open" in office.run(*words, by="operator-1", code=2).err


def test_recover_says_what_it_would_do_and_does_it_when_told(office: Office) -> None:
    """Without --yes nothing is changed; with it the delivery is in doubt, and a second time there is nothing."""
    office.released()
    said = office.run("recover", by="ops-1")
    assert (said.json["unsettled"], said.json["marked"]) == ({"ready": 1}, 0)
    assert "Next: dispatcher recover --yes" in said.err
    assert office.run("recover", "--yes", by="ops-1").json["marked"] == 1
    assert office.run("delivery", "list").json["deliveries"][0]["state"] == "in_doubt"
    assert office.run("recover", "--yes", by="ops-1").json == {
        "schema": "dispatcher/recovery/v1",
        "unsettled": {},
        "marked": 0,
    }


def test_a_choice_is_counted_and_named_before_anything_is_signed(office: Office) -> None:
    """Without --set nothing is done; the next step names the set."""
    plan = office.released()
    office.move("leased", "sending", "in_doubt", "held", reason="ambiguous")
    entries = office.ledger()
    said = office.run("delivery", "resolve", "not_seen", "--plan", plan, by="ops-1")
    assert (said.json["schema"], said.json["count"], said.json["left"]) == ("dispatcher/choice/v1", 1, 0)
    assert f"--set {said.json['set'][:12]} --reason TEXT" in said.err
    assert office.ledger() == entries


def test_two_people_resolve_a_set_by_its_name(office: Office) -> None:
    """The first is told what the second types; the second moves it."""
    plan = office.released()
    office.move("leased", "sending", "in_doubt", "held", reason="ambiguous")
    words = ("delivery", "resolve", "seen", "--plan", plan)
    named = office.run(*words, by="ops-1").json["set"]
    first = office.run(*words, "--set", named[:12], "--reason", "looked", by="ops-1")
    assert (first.json["moved"], first.json["waiting"]) == (0, 1)
    assert "another person who gives the same answer" in first.err
    second = office.run(*words, "--set", named[:12], "--reason", "looked", by="director-1")
    assert (second.json["moved"], second.json["waiting"]) == (1, 0)
    assert office.run("delivery", "list", "--plan", plan).json["deliveries"][0]["state"] == "accepted"


def test_a_set_is_acted_on_with_a_reason_only(office: Office) -> None:
    """Exit code 2 without one, 5 where the set is another by now."""
    plan = office.released()
    office.move("leased", "held", reason="exhausted")
    words = ("delivery", "retry", "--plan", plan)
    named = office.run(*words, by="ops-1").json["set"]
    office.run(*words, "--set", named, by="ops-1", code=2)
    office.move("ready", "leased", "held", reason="exhausted", attempts=2)
    office.run(*words, "--set", named, "--reason", "the platform is back", by="ops-1", code=5)
    again = office.run(*words, by="ops-1").json["set"]
    made = office.run(*words, "--set", again, "--reason", "the platform is back", by="ops-1").json
    assert (made["moved"], made["waiting"]) == (1, 0)


def test_one_delivery_is_retried_by_its_name(office: Office) -> None:
    """What may have been published is not: exit code 8."""
    office.released()
    name = office.move("leased", "held", reason="poison")
    assert office.run("delivery", "retry", name, by="ops-1").json["state"] == "ready"
    office.move("leased", "sending", "in_doubt", "held", reason="ambiguous")
    office.run("delivery", "retry", name, by="ops-1", code=8)


def test_a_name_and_a_choice_are_not_given_together(office: Office) -> None:
    """Nor is a choice given that is of no incident and no plan: exit code 2."""
    office.released()
    name = office.move("leased", "held", reason="poison")
    office.run("delivery", "retry", name, "--channel", "cap_feed", by="ops-1", code=2)
    said = office.run("delivery", "retry", "--channel", "cap_feed", by="ops-1", code=2)
    assert "needs an incident or a plan" in said.err


def test_a_person_has_the_platform_asked_now(office: Office) -> None:
    """By name or by choice; what is in its quiet period waits."""
    plan = office.released()
    name = office.move("leased", "sending", "in_doubt")
    assert office.run("delivery", "reconcile", name, by="ops-1").json["waiting"] == 1
    words = ("delivery", "reconcile", "--plan", plan)
    named = office.run(*words, by="ops-1").json["set"]
    made = office.run(*words, "--set", named, "--reason", "it is back", by="ops-1").json
    assert (made["schema"], made["count"], made["moved"]) == ("dispatcher/act/v1", 1, 0)


def test_what_is_held_for_a_reason_is_listed_and_counted(office: Office) -> None:
    """The count is of all, the list of as many as asked."""
    office.released()
    office.move("leased", "held", reason="poison")
    assert office.run("delivery", "list", "--held", "poison").json["count"] == 1
    assert office.run("delivery", "list", "--held", "exhausted").json["count"] == 0


def test_an_answer_that_is_none_is_wrong_usage(office: Office) -> None:
    """Exit code 2, with the answers there are."""
    office.released()
    name = office.move("leased", "held", reason="poison")
    assert "not_seen" in office.run("delivery", "resolve", name, "perhaps", by="ops-1", code=2).err
