"""Holding an account from the command line, and what everybody then sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.contract import Secret
from dispatcher.domain.statement import Mode
from dispatcher.settings import load_settings
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


def test_a_feed_is_added_once_its_folder_is_there(office: Office, tmp_path: Path) -> None:
    """The command to type makes it; where it is a share that is not mounted, nothing was made in its place."""
    about = ("--channel", "cap_feed", "--handle", "City", "--language", "en-GB", "--mode", "exercise")
    words = ("account", "add", "feed-1", *about, "--set", "sender=warnings@example.org", "--set")
    said = office.run(*words, f"folder={tmp_path / 'feed'}", by="ops-1", code=2)
    assert f"Next: mkdir -p {tmp_path / 'feed'}\n" in said.err
    assert not (tmp_path / "feed").exists()
    (tmp_path / "feed").mkdir()
    assert office.run(*words, f"folder={tmp_path / 'feed'}", "-q", by="ops-1").out == "feed-1\n"


def test_a_folder_is_given_whole(office: Office) -> None:
    """The roles are not started where somebody types."""
    about = ("--channel", "public_page", "--handle", "City", "--language", "en-GB", "--mode", "exercise")
    said = office.run("account", "add", "page-1", *about, "--set", "folder=pages", by="ops-1", code=2)
    assert f"Next: give it whole: --set folder={Path('pages').absolute()}" in said.err


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


@pytest.fixture
def account(office: Office) -> str:
    """An exercise account on X whose credential ends in forty days."""
    settings = ("--set", "base_url=http://127.0.0.1:9/x", "--set", "user_id=1", "--expires", "+40d")
    about = ("--channel", "x", "--handle", "@city", "--language", "en-GB", "--mode", "exercise", *settings)
    office.run("account", "add", "city-x", *about, "--secret-file", f"token={secret(office, 'old')}", by="ops-1")
    return "city-x"


def secret(office: Office, value: str) -> Path:
    """A file with a secret in it."""
    file = office.folder.parent / f"{value}.txt"
    file.write_text(f"{value}\n")
    return file


def test_a_secret_is_replaced_from_a_file(office: Office, account: str) -> None:
    """The sender's vault opens to the new one; neither it nor the old is printed."""
    given = ("--secret-file", f"token={secret(office, 'planted-new')}", "--expires", "+90d")
    said = office.run("account", "rotate", account, *given, by="ops-1")
    vault = load_settings(office.folder).vault(Mode.EXERCISE, "accounts")
    assert vault.open(account).secrets == {"token": Secret("planted-new")}
    assert "planted" not in said.out + said.err
    assert "dispatcher channel probe city-x" in said.err


def test_an_author_rotates_no_account(office: Office, account: str) -> None:
    """Ops and the security team do: exit code 4."""
    office.run("account", "rotate", account, "--secret-file", f"token={secret(office, 'new')}", by="author-1", code=4)


def test_a_rotation_without_a_secret_is_told_how(office: Office, account: str) -> None:
    """Exit code 2."""
    assert "--secret-file NAME=FILE" in office.run("account", "rotate", account, by="ops-1", code=2).err


def test_the_days_until_a_credential_ends_are_listed(office: Office, account: str) -> None:
    """Among the accounts and, since it is not long, in status; after a rotation the new end's."""
    shown = [office.run(*words).json["accounts"][0]["days_left"] for words in (("account", "list"), ("status",))]
    assert shown == [39, 39]
    given = ("--secret-file", f"token={secret(office, 'new')}", "--expires", "+90d")
    office.run("account", "rotate", account, *given, by="ops-1")
    assert [row["days_left"] for row in office.run("account", "list").json["accounts"]] == [89]
    assert office.run("status").json["accounts"] == []
