"""The tables that a review shows, held against the record."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from dispatcher.service import matching
from tests.office import Office
from tests.service.test_proving import recorded, tampered  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE incidents SET title = 'A drill'", "its title is A drill"),
        ("UPDATE incidents SET severity = 1 + severity % 2", "its severity is"),
        ("UPDATE incidents SET severity = 77", "its severity is 77"),
        ("UPDATE plans SET body = x'7b7d'", "its bytes are not those"),
        ("UPDATE renderings SET body = x'7b7d'", "its bytes are not those"),
        ("UPDATE revisions SET body = x'ff'", "its bytes are not those"),
        ("DELETE FROM revisions", "is on record, and it is gone"),
    ],
)
def test_a_changed_table_is_told(recorded: Office, statement: str, said: str) -> None:  # noqa: F811
    """Whoever owns the database changes a row, and the record says otherwise."""
    fixed = [f"DROP TRIGGER {table}_{how}" for table in ("revisions", "renderings") for how in ("fixed", "kept")]
    assert any(said in fault.what for fault in tampered(recorded, *fixed, statement).faults)


@pytest.mark.parametrize("name", ["channel", "account"])
def test_a_delivery_stays_where_it_was_recorded(recorded: Office, name: str) -> None:  # noqa: F811
    """Its moves say over which account of which channel it went."""
    with recorded.desk.store.write() as work:
        row = work.execute(text("SELECT id, channel, account FROM deliveries LIMIT 1")).one()
        work.record("delivery.moved", delivery=row.id, channel=row.channel, account=row.account)
        assert matching.disagreements(work) == []
    other = (
        f"UPDATE deliveries SET {name} = (SELECT max({name}) FROM deliveries WHERE {name} <> '{row._mapping[name]}')"
    )
    found = tampered(recorded, f"{other} WHERE id = '{row.id}'")
    assert any(f"delivery {row.id}: its {name} is" in fault.what for fault in found.faults)
