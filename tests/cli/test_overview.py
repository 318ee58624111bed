"""``dispatcher overview``: the console's sentences in a terminal."""

from __future__ import annotations

from tests.cli.conftest import Office


def test_a_deployment_at_rest_says_that_nothing_is_under_way(office: Office) -> None:
    """Not four zeros."""
    assert "Nothing is under way." in office.run("overview").err


def test_each_channel_has_its_sentence(office: Office) -> None:
    """The same as on the console's first page."""
    office.cleared()
    (channel,) = office.run("overview").json["channels"]
    assert channel["sentence"].startswith("cleared, waiting for its release since ")
    assert (channel["reached"], channel["total"], channel["state"]) == (0, 1, "waiting")


def test_what_presses_most_is_what_to_type_next(office: Office) -> None:
    """With what it is about."""
    office.released()
    name = office.move("leased", "sending", "held", reason="exhausted")
    said = office.run("overview")
    assert f"dispatcher delivery retry {name}" in [one["command"] for one in said.json["attention"]]
    assert "Next: dispatcher " in said.err
