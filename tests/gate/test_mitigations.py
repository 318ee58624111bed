"""What an attestation names, and what leads back from a link."""

from __future__ import annotations

import pytest

from channels.contract import Json
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.mitigations import names, trackers
from tests.cast import signed
from tests.gate.support import said


@pytest.mark.parametrize(("mitigations", "named"), [(["M01", "M02"], True), ("M01 M02", False), (None, False)])
def test_an_attestation_names_mitigations_in_a_list(mitigations: Json, named: bool) -> None:
    """A text in which the code occurs attests nothing."""
    assert names(said(signed(StatementKind.ATTEST, "security-2", mitigations=mitigations)), "M01") is named


def test_a_tracker_is_told_by_the_name_of_its_parameter() -> None:
    """Without its value, which may name a person, and without the signs around it."""
    assert trackers("https://city.example/?a=1&utm_source=x https://b.example?FBCLID=2") == ("utm_source", "FBCLID")
