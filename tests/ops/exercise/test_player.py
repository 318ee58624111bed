"""The player with people: who is awaited is said with the command to type, and the run goes on when it was done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.domain.incident import Severity
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode
from dispatcher.service import exercising, incidents
from dispatcher.service.exercising import BEGAN, STEP
from ops.exercise import scenario
from ops.exercise.moves import Story
from ops.exercise.player import Player
from ops.exercise.scenario import Scenario
from ops.exercise.stage import ExerciseFailed, Stage
from tests.office import Office, office_at
from tests.ops.exercise.test_scenario import SHORT

AWAITED = "dispatcher --deployment"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A fresh test deployment."""
    with office_at(tmp_path / "deployment") as made:
        yield made


class Simulated(Stage):
    """A stage whose far sides have seen nothing."""

    def journal(self) -> dict[str, list[object]]:
        """Empty."""
        return {"requests": [], "effects": []}


class People:
    """Hears what is told, and declares an incident when asked to."""

    def __init__(self, office: Office, mode: Mode = Mode.EXERCISE, person: str = "author-1") -> None:
        self.office, self.mode, self.person = office, mode, person
        self.heard: list[str] = []

    def __call__(self, line: str) -> None:
        """As ``tell``."""
        self.heard.append(line)
        if AWAITED in line:
            about = {"kind": "severe_weather", "title": "Storm", "severity": Severity.S2}
            incidents.declare(self.office.desk, mode=self.mode, person=self.person, **about)


def short(**changes: object) -> Scenario:
    """One step: somebody declares."""
    return replace(scenario.read("short", SHORT), **changes)  # type: ignore[arg-type]


def player(office: Office, people: People, told: Scenario, folder: Path) -> Player:
    """A run whose author is a person."""
    story = Story(exercising.begin(office.desk, told.name, {"author": "author-1"}), told, folder)
    stage = Simulated(office.desk.settings.root, "http://127.0.0.1:9", people)
    return Player(office.desk, stage, told, story, {Role.AUTHOR})


def test_people_are_told_what_to_type_and_waited_for(office: Office, tmp_path: Path) -> None:
    """Their act is found in the ledger, and its names are what the next commands use."""
    people = People(office)
    made = player(office, people, short(), tmp_path)
    made.play()
    assert made.story.incident.startswith("inc-")
    asked = next(line for line in people.heard if AWAITED in line)
    assert asked.endswith("incident declare severe_weather Storm --severity S2 --area 'Example Bay' --mode exercise")
    assert any("AWAITED: author (author-1)" in line for line in people.heard)
    assert people.heard[-1].strip() == "done by author-1"


def test_each_step_is_on_record_before_its_act(office: Office, tmp_path: Path) -> None:
    """With who plays it: their time counts as waiting on people."""
    player(office, People(office), short(), tmp_path).play()
    began, step, _ = office.ledger(BEGAN, STEP, "incident.declared")
    assert (began.facts["scenario"], began.facts["by_people"]) == ("short", {"author": "author-1"})
    assert (step.facts["awaits"], step.facts["played_by"]) == ("incident.declared", "people")


@pytest.mark.parametrize(
    ("mode", "person"),
    [(Mode.LIVE, "author-1"), (Mode.EXERCISE, "checker-1")],
    ids=["a live incident", "somebody in another role"],
)
def test_another_act_is_not_taken_for_it(office: Office, tmp_path: Path, mode: Mode, person: str) -> None:
    """Waiting ends with its time: the message names who was awaited."""
    made = player(office, People(office, mode, person), short(wait_s=0), tmp_path)
    made.scenario = made.story.scenario = replace(made.scenario, wait_s=1)
    with pytest.raises(ExerciseFailed, match="declare by author is on record"):
        made.play()
    assert made.story.incident == ""
