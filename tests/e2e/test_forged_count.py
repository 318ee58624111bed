"""The forge campaign as a whole: how many forgeries have a name."""

from __future__ import annotations

import inspect

from tests.e2e import forged_evidence, test_forged_rows, test_forged_statements, test_forged_stops, test_forged_trust

AT_LEAST = 40
"""How many named forgeries reach no platform (reference: reliability 7, promise 1)."""

ATTACKS = [
    *(
        f.attack
        for module in (forged_evidence, test_forged_statements, test_forged_rows, test_forged_stops)
        for f in module.CAMPAIGN.forgeries
    ),
    *test_forged_trust.TABLE.values(),
]


def test_at_least_forty_forgeries_have_a_name_of_their_own() -> None:
    """Each is a function with a sentence that says what is forged, and no two have one name or one sentence."""
    names = {attack.__name__ for attack in ATTACKS}
    sentences = {inspect.getdoc(attack) for attack in ATTACKS}
    assert len(names) == len(sentences) == len(ATTACKS) >= AT_LEAST
    assert None not in sentences
