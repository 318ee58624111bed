"""Scenarios: what is shipped can be read, what is wrong is named, and none can name a mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.errors import Invalid, NotFound
from ops.exercise import scenario
from ops.exercise.moves import DONE, Story
from ops.exercise.scenario import Act, Scenario

SHORT = """
title = "Storm"
summary = "A short one."
kind = "severe_weather"
severity = "S2"
area = ["Example Bay"]

[texts.publish.en-GB]
headline = "Gale"
body = "Stay in. ({run})"

[[step]]
act = "declare"
by = "author"
"""
SHIPPED = scenario.shipped()


def story(told: Scenario) -> Story:
    """A story in which every name is known."""
    made = Story("exr-1", told, Path("texts"), ("x-city",), ("sms-city=residents",))
    made.incident, made.message, made.plan, made.halt = "inc-1", "msg-1", "a" * 64, "b" * 64
    return made


def test_riot_storm_and_terror_are_shipped() -> None:
    """By these names."""
    assert [one.name for one in SHIPPED] == ["riot", "storm", "terror"]


@pytest.mark.parametrize("told", SHIPPED, ids=lambda one: one.name)
def test_every_command_of_a_scenario_is_about_an_exercise(told: Scenario) -> None:
    """What names a mode names exercise, and after the declaration everything names this run's own."""
    typed = [story(told).words(step) for step in told.step if step.act]
    assert all("live" not in words for words in typed)
    modes = [words[words.index("--mode") + 1] for words in typed if "--mode" in words]
    assert modes
    assert set(modes) == {"exercise"}
    assert all({"inc-1", "msg-1", "a" * 12, "b" * 64} & set(words) for words in typed if words[1] != "declare")


@pytest.mark.parametrize("told", SHIPPED, ids=lambda one: one.name)
def test_a_scenario_declares_once_and_first(told: Scenario) -> None:
    """Nothing can be done to an incident that was there before."""
    acts = [step.act for step in told.step if step.act]
    assert acts[0] is Act.DECLARE
    assert acts.count(Act.DECLARE) == 1


def test_every_act_has_its_entry() -> None:
    """So that anybody can know that it was done."""
    assert DONE.keys() == set(Act)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('mode = "live"', "unknown key 'mode'"),
        ('link = "--mode=live"', "looks like an option"),
        ('kind = "-x"', "looks like an option"),
        ("severity = 7", "severity"),
    ],
)
def test_a_fault_in_a_scenario_is_named(line: str, named: str) -> None:
    """With its place, and nothing is played."""
    key = line.partition(" ")[0]
    kept = [one for one in SHORT.strip().splitlines() if not one.startswith(f"{key} =")]
    with pytest.raises(Invalid, match=named):
        scenario.read("broken", "\n".join([line, *kept]))


@pytest.mark.parametrize(
    ("step", "named"),
    [
        ('act = "release"', "an act needs who does it"),
        ('act = "release"\nby = "king"', "'king' is no role"),
        ('act = "evidence"\nby = "author"', "evidence needs its item"),
        ('kill = ["postgres"]', "postgres is no role's process"),
        ('act = "roster"\nby = "author"', "step"),
    ],
)
def test_a_step_that_cannot_be_played_is_named(step: str, named: str) -> None:
    """The number of the step and what is wrong with it."""
    with pytest.raises(Invalid, match=named):
        scenario.read("broken", f"{SHORT}\n[[step]]\n{step}\n")


def test_an_unknown_scenario_is_answered_with_those_there_are() -> None:
    """And with the command that lists them."""
    with pytest.raises(NotFound, match="riot, storm, terror"):
        scenario.named("flood")


def test_two_runs_never_say_the_same() -> None:
    """The run's id stands in every text, because platforms refuse repeats."""
    for told in SHIPPED:
        for kind in told.texts:
            assert all("exr-1" in text.body for text in story(told).texts(kind).values())


def test_without_kills_every_process_is_left_alive() -> None:
    """And a step that did nothing else is gone."""
    told = scenario.named("storm")
    assert not any(step.kill for step in told.without_kills().step)
    assert len(told.without_kills().step) == len(told.step) - 1
