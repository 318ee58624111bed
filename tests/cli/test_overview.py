"""``dispatcher overview``: the console's sentences in a terminal."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.cli.overview import in_words
from dispatcher.service.operating.values import Tone
from tests.cli.conftest import Office
from tests.ops.console.seen import EMPTY, channel, incident, lane


def test_a_deployment_at_rest_says_that_nothing_is_under_way() -> None:
    """Not four zeros."""
    said = ["Nothing is under way.", "Nothing waits for a person.", "Processes: 0 live"]
    assert list(in_words(EMPTY)) == said


def test_a_person_reads_each_channel_as_a_sentence_under_its_incident() -> None:
    """With its mode in capitals."""
    seen = replace(EMPTY, incidents=(incident(channel("cap_feed", "live since 14:03:07", Tone.DONE)),))
    assert list(in_words(seen))[:2] == [
        "EXERCISE Severe gale tonight (inc-exercise)",
        "  CAP feed: live since 14:03:07",
    ]


def test_a_queue_without_a_worker_cannot_be_overlooked() -> None:
    """A growing queue looks the same with slow workers and with none."""
    said = list(in_words(replace(EMPTY, lanes=(lane(waiting=1_200, live=0, per_minute=0),))))
    assert "Queue accounts exercise: 1,200 waiting; 0 a minute; NO LIVE WORKER" in said


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
