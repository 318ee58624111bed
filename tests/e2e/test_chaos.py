"""The short version of ``make chaos``: the same campaign with the same count, a few faults of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.embedded.errors import RedisMissing
from ops.chaos.campaign import Size, run
from ops.chaos.schedule import Fault
from ops.postgres import PostgresMissing
from tests.draws import WHOLE
from tests.servers import missing

pytestmark = pytest.mark.system

SHORT = Size(seconds=10, hosts=2, plan_every_s=4)
SEED = 1
BUT_POSTGRES = set(Fault) - {Fault.POSTGRES}


STORMS = [("sqlite", BUT_POSTGRES), ("postgresql", set(Fault))] if WHOLE else [("postgresql", set(Fault))]


@pytest.mark.parametrize(("database", "kinds"), STORMS)
def test_a_storm_loses_nothing_and_doubles_nothing(tmp_path: Path, database: str, kinds: set[Fault]) -> None:
    """Every kind of fault struck; by the platforms' count nothing is lost, doubled, falsely accepted or left over.

    And the record holds, against the heads that were copied out and against the tables.
    """
    try:
        campaign = run(tmp_path / database, database, SEED, SHORT)
    except (PostgresMissing, RedisMissing) as error:
        missing(database, str(error))
    found = campaign.count
    assert set(+campaign.faults) == kinds
    assert found.ambiguous > 0
    assert (found.lost, found.duplicated, found.false_sent, found.unmatched) == (0, 0, 0, 0), campaign.document()
    assert campaign.leftovers == []
    assert campaign.record == []
