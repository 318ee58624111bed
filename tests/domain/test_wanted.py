"""What a reader wants of a record, by what an entry says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher.domain.wanted import Wanted

AT = datetime(2026, 11, 21, 18, tzinfo=UTC)
ENTRY: dict[str, Any] = {
    "incident": "inc-storm",
    "actor": "director-1",
    "plan": "ab12",
    "deliveries": ["dlv-1", "dlv-2"],
    "channel": "x",
    "account": "city-x",
    "failures": [{"clause": "G05", "fact": "the Old Town is not cleared"}],
    "resumed_by": ["ops-1", "security-1"],
    "statement": {"subject": "cd34", "body": {"scope": "account", "target": "city-feed"}},
    "count": 17,
}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"incident": "inc-st"},
        {"plan": "ab"},
        {"plan": "cd34"},
        {"delivery": "dlv-2"},
        {"channel": "x"},
        {"account": "city-x"},
        {"account": "city-feed"},
        {"clause": "G05"},
        {"person": "director-1"},
        {"person": "security-1"},
        {"kinds": ("gate.refused",)},
        {"kinds": ("plan.", "gate.")},
        {"words": ("OLD town", "cleared")},
        {"words": ("refused",)},
        {"words": ("17",)},
        {"since": AT, "until": AT + timedelta(seconds=1)},
        {"channel": "x", "person": "ops-1", "kinds": ("gate.",), "words": ("old",)},
    ],
)
def test_an_entry_fits_what_it_says(asked: dict[str, Any]) -> None:
    """By any name it stands under, in any depth, and by nothing that is not asked."""
    assert Wanted(**asked).fits("gate.refused", AT, ENTRY)


def test_only_names_that_are_written_as_they_are_may_be_looked_for_in_bytes() -> None:
    """Whatever JSON would write in another way is looked for where it is read."""
    asked = Wanted(person="director-1", plan="ab12", account='ci"ty', channel="caf\u00e9", words=("storm",))
    assert asked.names == ("director-1", "ab12")


@pytest.mark.parametrize(
    "asked",
    [
        {"incident": "inc-other"},
        {"plan": "b12"},
        {"delivery": "dlv-3"},
        {"channel": "city"},
        {"account": "city"},
        {"clause": "G0"},
        {"person": "director"},
        {"person": "ops-2"},
        {"kinds": ("gate",)},
        {"kinds": ("gate.refuse",)},
        {"words": ("old", "castle")},
        {"words": ("actor",)},
        {"since": AT + timedelta(microseconds=1)},
        {"until": AT},
        {"channel": "x", "person": "nobody"},
    ],
)
def test_an_entry_that_lacks_one_thing_does_not_fit(asked: dict[str, Any]) -> None:
    """Short names are not shortened, a kind is whole or a family, words are of what is said and not of its labels."""
    assert not Wanted(**asked).fits("gate.refused", AT, ENTRY)
