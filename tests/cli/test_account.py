"""Holding an account from the command line, and what everybody then sees."""

from __future__ import annotations

from tests.cli.conftest import Office


def test_a_hold_is_in_the_ledger_with_who_and_why(office: Office) -> None:
    """And so is its end."""
    feed = office.feed()
    office.run("account", "hold", feed, "--reason", "maintenance", by="ops-1")
    office.run("account", "unhold", feed, by="director-1")
    entries = office.run("ledger", "tail", "--kind", "account.").json["entries"]
    told = [(entry["kind"], entry["facts"]) for entry in entries if entry["kind"] != "account.added"]
    about = {"account": feed, "mode": "exercise"}
    assert told == [
        ("account.held", {"actor": "ops-1", **about, "reason": "maintenance"}),
        ("account.unheld", {"actor": "director-1", **about}),
    ]


def test_status_shows_what_is_held(office: Office) -> None:
    """Who holds it, and why."""
    feed = office.feed()
    office.run("account", "hold", feed, "--reason", "maintenance", by="ops-1")
    (shown,) = office.run("status").json["holds"]
    assert (shown["account"], shown["person"], shown["reason"]) == (feed, "ops-1", "maintenance")


def test_a_delivery_that_waits_for_a_held_account_says_so(office: Office) -> None:
    """It is ready, with the reason."""
    office.cleared()
    office.run("account", "hold", "feed-city", "--reason", "maintenance", by="ops-1")
    (listed,) = office.run("delivery", "list").json["deliveries"]
    assert (listed["state"], listed["reason"]) == ("ready", "the account is held: maintenance")
    assert office.run("delivery", "show", listed["id"]).json["reason"] == listed["reason"]


def test_an_author_holds_no_account(office: Office) -> None:
    """Ops, the duty director and the security team do: exit code 4, as for any signature that is missing."""
    office.run("account", "hold", office.feed(), "--reason", "maintenance", by="author-1", code=4)
    assert office.run("status").json["holds"] == []


def test_what_is_held_is_not_held_again(office: Office) -> None:
    """The second is told whose hold there is."""
    feed = office.feed()
    office.run("account", "hold", feed, "--reason", "maintenance", by="ops-1")
    assert "maintenance" in office.run("account", "hold", feed, "--reason", "mine", by="ops-1", code=2).err


def test_what_nobody_holds_cannot_be_let_go(office: Office) -> None:
    """Wrong input, and nothing is recorded."""
    office.run("account", "unhold", office.feed(), by="ops-1", code=2)


def test_an_account_that_is_none_cannot_be_held(office: Office) -> None:
    """A misspelt name holds nothing."""
    office.run("account", "hold", "feed-town", "--reason", "maintenance", by="ops-1", code=2)
