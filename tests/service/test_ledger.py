"""The ledger's tail: the newest entries in order, by kind or family."""

from __future__ import annotations

from dispatcher.service import ledger
from dispatcher.service.releasing import release
from tests.office import Office


def test_the_tail_is_the_newest_in_order(office: Office) -> None:
    """Two entries: the last two, the older first."""
    office.account("webhook")
    office.account("x")
    everything = ledger.tail(office.desk, 100)
    assert ledger.tail(office.desk, 2) == everything[-2:]
    assert [line.id for line in everything] == sorted(line.id for line in everything)


def test_the_tail_takes_kinds_and_families(office: Office) -> None:
    """A kind by its whole name, a family by its beginning."""
    office.account("webhook")
    release(office.desk, office.approved(), office.pen("director-1"))
    assert {line.kind for line in ledger.tail(office.desk, kinds=["statement.approve"])} == {"statement.approve"}
    family = {line.kind for line in ledger.tail(office.desk, kinds=["statement."])}
    assert family == {"statement.submit", "statement.approve", "statement.release"}
