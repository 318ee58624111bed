"""What was signed, in the store: as it was signed, the oldest first, and for a sender no more than it has use for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from dispatcher.domain.statement import StatementKind
from dispatcher.store import statements
from dispatcher.store.database import Store
from dispatcher.store.history import entries
from dispatcher.store.tables import STATEMENTS
from tests.builders import INCIDENT, Drafted, everything_signed, verified
from tests.cast import DAY, NOW, signed


def test_a_statement_is_written_once(store: Store, planned: Drafted) -> None:
    """The same one again is no second entry in the ledger."""
    envelope = signed(StatementKind.REJECT, "checker-2", subject=planned.plan.digest, channels=["x"])
    (said,) = verified([envelope])
    with store.write() as work:
        assert [statements.add(work, said, envelope, INCIDENT) for _ in range(2)] == [True, False]
    with store.read() as work:
        assert len(entries(work, kinds=["statement.reject"])) == 1


def test_what_stands_goes_along_until_it_expires(store: Store, planned: Drafted) -> None:
    """An assessment of a channel is about no plan: it is read with every plan of its mode, while it lasts."""
    standing = {e.payload for e in everything_signed(planned.plan) if statements.statement_of(e).kind == "assess"}
    with store.read() as work:
        now, then = work, replace(work, now=NOW + 3_650 * DAY)
        read, later = (statements.envelopes_for(each, "another plan", "live") for each in (now, then))
    assert ({e.payload for e in read} >= standing, later) == (True, [])


@pytest.mark.usefixtures("planned")
def test_what_stands_in_another_mode_does_not_go_along(store: Store) -> None:
    """Nothing that was signed live speaks for an exercise."""
    with store.read() as work:
        assert statements.envelopes_for(work, "another plan", "exercise") == []


def test_of_a_moment_before_nothing_is_read_that_came_after(store: Store, planned: Drafted) -> None:
    """A plan is judged again as it was judged then."""
    with store.read() as work:
        past = replace(work, now=work.now - timedelta(seconds=1), past=True)
        assert statements.envelopes_for(work, planned.plan.digest, "live")
        assert statements.envelopes_for(past, planned.plan.digest, "live") == []


def test_a_row_that_holds_no_envelope_keeps_no_other_from_being_read(store: Store, planned: Drafted) -> None:
    """Nobody vouches for rows: one that was written by hand is left out."""
    with store.write() as work:
        before = statements.envelopes_for(work, planned.plan.digest, "live")
        forged = {column.name: "none at all" for column in STATEMENTS.columns}
        times = dict.fromkeys(("not_before", "expires", "recorded_at"), NOW)
        work.execute(insert(STATEMENTS).values(**{**forged, **times, "subject": planned.plan.digest}))
        assert statements.envelopes_for(work, planned.plan.digest, "live") == before


def test_halts_are_read_by_their_mode(store: Store) -> None:
    """What stops the live night does not stop an exercise."""
    envelope = signed(StatementKind.HALT, "ops-1", scope="all", target="")
    (said,) = verified([envelope])
    with store.write() as work:
        statements.add(work, said, envelope, None)
        modes = {mode: statements.stop_envelopes(work, mode) for mode in ("live", "exercise")}
    assert modes == {"live": [envelope], "exercise": []}
