"""Since when the ledger waits to be sealed: asked by every role at each poll, also while nobody seals anything."""

from __future__ import annotations

from sqlalchemy import insert

from dispatcher.store import checkpoints
from dispatcher.store.database import Work
from dispatcher.store.tables import LEDGER
from tests.office import Office

MANY = 20_000


def steps(work: Work) -> int:
    """How many hundred steps SQLite takes to answer."""
    taken = [0]

    def step() -> int:
        taken[0] += 1
        return 0

    driver = work.connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(step, 100)
    try:
        assert checkpoints.waiting_since(work) is not None
    finally:
        driver.set_progress_handler(None, 0)
    return taken[0]


def test_asking_costs_no_more_where_more_waits(office: Office) -> None:
    """Twenty thousand entries, and not one of them is read in vain."""
    with office.desk.store.write() as work:
        work.record("test.first")
        row = {"writer": "x", "prev": "", "leaf": "", "kind": "x", "recorded_at": work.now, "body": b"{}"}
        work.execute(insert(LEDGER), [{**row, "sequence": number} for number in range(MANY)])
    with office.desk.store.read() as work:
        assert steps(work) < 50
