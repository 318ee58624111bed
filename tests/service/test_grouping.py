"""Groups of accounts: joined and left on the record, looked up when a plan is submitted."""

from __future__ import annotations

import pytest

from channels.contract import Account
from dispatcher.domain.errors import DispatcherError, Invalid, NotFound, SignatureNeeded
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, grouping, submitting
from dispatcher.service.submitting import Wish
from tests.office import SECRETS, SETTINGS, Office


def grouped(office: Office) -> None:
    """Three accounts: north and south in wales, south among the police too, east in none."""
    for name, groups in {"north": ("wales",), "south": ("wales", "all-police"), "east": ()}.items():
        account = Account(name, "webhook", name, ("en-GB",), SETTINGS["webhook"])
        accounts.add(office.desk, account, Mode.EXERCISE, SECRETS, "ops-1", groups=groups)


def reached(office: Office, wish: Wish) -> list[str]:
    """The accounts of a plan."""
    message = office.message(("en-GB",))
    standing = submitting.submit(office.desk, message, wish, office.pen("author-1"))
    return [place.account for place in standing.stored.plan.destinations]


def test_an_account_is_listed_with_its_groups(office: Office) -> None:
    """In order, each once; the ledger says with which it was added."""
    grouped(office)
    listed = {one.account.id: one.groups for one in accounts.listed(office.desk)}
    assert listed == {"north": ("wales",), "south": ("all-police", "wales"), "east": ()}
    assert [entry.facts.get("groups") for entry in office.ledger("account.added")] == [
        ["wales"],
        ["all-police", "wales"],
        None,
    ]


def test_a_group_reaches_all_its_accounts_and_no_other(office: Office) -> None:
    """An account named beside it comes first; who is in two groups is reached once."""
    grouped(office)
    assert reached(office, Wish(groups=("wales",))) == ["north", "south"]
    assert reached(office, Wish(groups=("all-police", "wales"))) == ["north", "south"]
    assert reached(office, Wish(["east"], groups=("all-police",))) == ["east", "south"]


def test_a_group_that_nobody_is_in_is_refused_with_those_there_are(office: Office) -> None:
    """A slip of the finger must not leave a region out."""
    grouped(office)
    with pytest.raises(NotFound, match="no exercise account is in a group whales") as raised:
        reached(office, Wish(groups=("wales", "whales")))
    assert raised.value.next_step == "name one of these: all-police, wales"


def test_a_group_of_the_other_mode_alone_is_empty(office: Office) -> None:
    """An exercise does not reach live accounts by a group either."""
    office.account("webhook")
    live = Account("live", "webhook", "live", ("en-GB",), {"base_url": "https://hooks.example.org/warnings"})
    accounts.add(office.desk, live, Mode.LIVE, SECRETS, "ops-1", groups=("wales",))
    with pytest.raises(NotFound, match="no exercise account is in a group wales") as raised:
        reached(office, Wish(groups=("wales",)))
    assert "account group" in raised.value.next_step


def test_joining_and_leaving_is_on_the_record(office: Office) -> None:
    """With what the account is in now."""
    grouped(office)
    assert grouping.regroup(office.desk, "south", ["coast"], ["wales"], office.pen("ops-1")) == (
        "all-police",
        "coast",
    )
    (entry,) = office.ledger("account.grouped")
    about = {"actor": "ops-1", "account": "south", "added": ["coast"], "removed": ["wales"]}
    assert entry.facts == {**about, "groups": ["all-police", "coast"]}
    assert reached(office, Wish(groups=("wales",))) == ["north"]


def test_who_joins_later_changes_no_plan(office: Office) -> None:
    """People sign accounts, not groups."""
    grouped(office)
    message = office.message(("en-GB",))
    plan = submitting.submit(office.desk, message, Wish(groups=("wales",)), office.pen("author-1")).stored.plan
    grouping.regroup(office.desk, "east", ["wales"], [], office.pen("ops-1"))
    assert [place.account for place in plan.destinations] == ["north", "south"]


@pytest.mark.parametrize(
    ("add", "remove", "kind", "said"),
    [
        ([], [], Invalid, "which groups it joins"),
        (["wales"], ["wales"], Invalid, "which groups it joins"),
        (["North Wales"], [], Invalid, "cannot name a group"),
        ([], ["coast"], Invalid, "north is not in coast"),
    ],
)
def test_what_makes_no_sense_is_refused(
    office: Office, add: list[str], remove: list[str], kind: type[DispatcherError], said: str
) -> None:
    """And nothing is changed."""
    grouped(office)
    with pytest.raises(kind, match=said):
        grouping.regroup(office.desk, "north", add, remove, office.pen("ops-1"))
    assert office.ledger("account.grouped") == []


def test_an_author_groups_nothing(office: Office) -> None:
    """Ops and security do."""
    grouped(office)
    with pytest.raises(SignatureNeeded):
        grouping.regroup(office.desk, "east", ["wales"], [], office.pen("author-1"))
