"""A run: the stage is set, the scenario played, and its scorecard worked out and recorded, whatever happened.

Rules
  1. A run needs a deployment with a simulator's address. The simulator and the roles are started where they are not
     there, the example cast is prepared where there is no exercise account, and each is said. What the run started
     ends with it; what was there stays.
  2. Whoever breaks a run off, by Ctrl-C, SIGTERM or a command that fails, leaves a scorecard that says so, and no
     fault armed at the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher.domain.errors import Invalid
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode
from dispatcher.service import exercising
from dispatcher.service.desk import Desk
from dispatcher.service.exercising import BEGAN, Run
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.store import deliveries, history, records
from ops.exercise.cast import NUMBERS, holder, prepared
from ops.exercise.moves import Story
from ops.exercise.player import FEED, Player, cast_of
from ops.exercise.scenario import Scenario, Step
from ops.exercise.score import Scorecard, score
from ops.exercise.stage import Stage, Tell, far_side, running
from ops.exercise.tally import Tally, count, since

MOST_DELIVERIES = 100_000
MOVES = ("delivery.moved", "deliveries.moved")
"""Entries that no score is worked out from, of which there are many."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run's entries, what the far sides saw since it began, its delivery rows, and the last two compared."""

    entries: list[LedgerLine]
    far: dict[str, list[dict[str, Any]]]
    rows: list[dict[str, Any]]
    tally: Tally


def run(
    desk: Desk,
    scenario: Scenario,
    tell: Tell,
    *,
    people: Collection[Role] = (),
    numbers: int = NUMBERS,
) -> Run:
    """Play a scenario on the desk's own deployment, in mode exercise. Returns the run as it stands in the ledger.

    ``numbers``: how many recipients the example list has where it is prepared. Raises Invalid, Forbidden, and
    ExerciseFailed after the run was recorded as broken off.
    """
    if not desk.settings.simulator:
        raise Invalid(
            "this deployment names no simulator, so nothing could be sent in an exercise",
            'write simulator = "http://127.0.0.1:8790" into deployment.toml',
        )
    stage = Stage(desk.settings.root, desk.settings.simulator, tell)
    with far_side(stage):
        prepare(desk, tell, numbers)
        with running(stage):
            story = played(desk, stage, scenario, people=people)
    return exercising.run_named(desk, story.run)


def prepare(desk: Desk, tell: Tell, numbers: int = NUMBERS) -> None:
    """Do the daytime routine of the example cast, and say so."""
    if prepared(desk, numbers):
        tell(
            f"There was no exercise account: the example cast was added, 13 accounts and a list of {numbers} numbers."
        )


def played(
    desk: Desk,
    stage: Stage,
    scenario: Scenario,
    *,
    people: Collection[Role] = (),
    after: Callable[[Step, Story], None] = lambda _step, _story: None,
) -> Story:
    """Play a scenario on a stage that is set, and record its scorecard. Raises as :func:`run` does.

    ``after`` is called after each step, with the step and the story.
    """
    accounts, lists = cast_of(desk, scenario)
    by_people = _by_people(desk, scenario, people)
    stage.tell(f"EXERCISE EXERCISE EXERCISE: {scenario.title}. Simulated platforms; nothing leaves this machine.")
    for role, who in by_people.items():
        stage.tell(f"Played by people: {role} ({who}).")
    story = Story(exercising.begin(desk, scenario.name, by_people), scenario, Path(), accounts, lists)
    story.folder = desk.settings.path("run", "exercise", story.run)
    story.folder.mkdir(parents=True)
    with _disarmed(stage):
        try:
            Player(desk, stage, scenario, story, people).play(lambda step: after(step, story))
        except BaseException as error:
            with suppress(OSError):  # a simulator that is gone must not hide why
                _scored(desk, stage, story, finished=False, why=str(error).partition("\n")[0] or "interrupted")
                stage.tell(f"\nBroken off, and on record: dispatcher exercise show {story.run}")
            raise
        _scored(desk, stage, story, finished=True)
    stage.tell("\nThis was an EXERCISE.")
    return story


def found(desk: Desk, stage: Stage, story: Story) -> Found:
    """What a scorecard is worked out from, as it is now."""
    entries = _entries(desk, story)
    far = since(stage.journal(), next(one.at for one in entries if one.kind == BEGAN))
    with desk.store.read() as work:
        listed = deliveries.listed(work, limit=MOST_DELIVERIES, incident=story.incident) if story.incident else []
        feeds = [
            Path(str(one.settings["folder"])) for one in records.accounts(work, Mode.EXERCISE) if one.channel == FEED
        ]
    rows = [dict(row._mapping) for row in listed]
    return Found(entries, far, rows, count(rows, far, feeds))


def _scored(desk: Desk, stage: Stage, story: Story, *, finished: bool, why: str = "") -> Scorecard:
    seen = found(desk, stage, story)
    card = score(seen.entries, seen.far, seen.tally, finished=finished, why=why)
    exercising.score(desk, story.run, story.scenario.name, card.outcome, card.document())
    return card


def _entries(desk: Desk, story: Story) -> list[LedgerLine]:
    """The entries since the run began that are its own, its incident's, or nobody's."""
    found: list[LedgerLine] = []
    with desk.store.read() as work:
        for row in history.newest_first(work):
            if row.kind in MOVES or row.incident not in (None, story.incident):
                continue
            found.append(line_of(row))
            if row.kind == BEGAN and found[-1].facts["run"] == story.run:
                return found
    return found


def _by_people(desk: Desk, scenario: Scenario, people: Collection[Role]) -> dict[str, str]:
    """Roles that people play: those asked for, and those of whom no key lies here. Who holds them, in words."""
    now = desk.now()
    played_by = [role for role in scenario.roles if role in people or holder(desk, role) is None]
    return {str(role): ", ".join(person.id for person in desk.trust.roster.holders(role, now)) for role in played_by}


@contextmanager
def _disarmed(stage: Stage) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError):
            stage.disarm()
