"""What the ledger holds of exercises: that one began, each of its steps, and its scorecard.

Rules
  1. A run has an id of its own. Its entries are ``exercise.began``, an ``exercise.step`` per step, and at the end
     ``exercise.scored``, which also says of a run that was broken off that it was.
  2. A scorecard is worked out from these entries, the incident's and what the far sides counted, and from nothing
     else; the last runs are read from here.
  3. How old a team's last exercise may be is policy's to say (``exercise_max_age_days``). Older ones warn and never
     block: who has to warn the public at night is not kept from it (reference: ux 9, operator tests).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.statement import Mode
from dispatcher.service.desk import Desk
from dispatcher.service.ledger import line_of
from dispatcher.store import history
from dispatcher.store.database import Work

BEGAN, STEP, SCORED = "exercise.began", "exercise.step", "exercise.scored"
MOST_RUNS = 200
AGAIN = "dispatcher exercise run storm"


class Outcome(StrEnum):
    """How a run ended."""

    PASSED = "passed"  # played to its end, nothing lost or doubled, everything ended where it may
    GAPS = "gaps"  # played to its end, with something lost, doubled or ended badly
    BROKEN_OFF = "broken_off"  # stopped on the way


@dataclass(frozen=True, slots=True)
class Run:
    """One scored run. ``card`` is its scorecard as a document, without what stands here."""

    run: str
    scenario: str
    outcome: Outcome
    ended_at: datetime
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lapse:
    """That the last exercise is older than policy allows; ``last`` is None where none is on record."""

    last: datetime | None
    max_age: timedelta

    @property
    def told(self) -> str:
        """In words."""
        last = f"the last was on {self.last:%-d %B %Y}" if self.last else "none is on record"
        return f"policy asks for an exercise every {self.max_age.days} days, and {last}"


def begin(desk: Desk, scenario: str, by_people: Mapping[str, str]) -> str:
    """Record that a run begins: the alarm. ``by_people``: roles that people play. Returns the run's id."""
    run = desk.new_id("exr")
    with desk.store.write() as work:
        work.record("exercise.began", run=run, scenario=scenario, by_people=dict(by_people))
    return run


def step(desk: Desk, run: str, incident: str | None, **facts: Any) -> None:
    """Record that a step of a run begins: what people are told, who is awaited, what goes wrong."""
    with desk.store.write() as work:
        work.record("exercise.step", incident=incident, run=run, **facts)


def score(desk: Desk, run: str, scenario: str, outcome: Outcome, card: Mapping[str, Any]) -> None:
    """Record the scorecard of a run."""
    with desk.store.write() as work:
        work.record("exercise.scored", run=run, scenario=scenario, outcome=str(outcome), **card)


def runs(desk: Desk, scenario: str | None = None) -> list[Run]:
    """The scored runs, of one scenario or of all, newest first, 200 at most."""
    with desk.store.read() as work:
        lines = [line_of(row) for row in history.entries(work, limit=MOST_RUNS, kinds=[SCORED])]
    found = [_run(line.at, dict(line.facts)) for line in reversed(lines)]
    return [one for one in found if scenario in (None, one.scenario)]


def run_named(desk: Desk, name: str | None) -> Run:
    """The newest run, or that whose id begins so. Raises NotFound, and Invalid for a beginning that fits several."""
    known = runs(desk)
    if not known:
        raise NotFound("no exercise has been scored here", "dispatcher exercise run storm")
    fitting = [one for one in known if name is None or one.run.startswith(name)]
    if not fitting:
        raise NotFound(f"there is no run {name}", "dispatcher exercise list")
    if name is not None and len(fitting) > 1:
        raise Invalid(f"{name} fits {len(fitting)} runs", "dispatcher exercise list")
    return fitting[0]


def lapse(last: datetime | None, max_age: timedelta | None, now: datetime) -> Lapse | None:
    """Whether the last exercise is older than it may be; never where policy sets no age."""
    if max_age is None or (last is not None and now - last <= max_age):
        return None
    return Lapse(last, max_age)


def lapsed(desk: Desk, mode: Mode = Mode.LIVE) -> tuple[str, ...]:
    """The warning that this team's last exercise is too old, or nothing; an exercise itself is not warned of.

    Runs that were broken off do not count.
    """
    version = desk.trust.policy.in_force(desk.now())
    if mode is not Mode.LIVE or version is None or version.exercise_max_age is None:
        return ()
    with desk.store.read() as work:
        found = lapse(last_held(work), version.exercise_max_age, desk.now())
    return (f"Warning: {found.told}: {AGAIN}",) if found else ()


def last_held(work: Work) -> datetime | None:
    """When the last exercise ended that was not broken off."""
    lines = (line_of(row) for row in history.newest_first(work, kinds=[SCORED]))
    return next((line.at for line in lines if line.facts["outcome"] != Outcome.BROKEN_OFF), None)


def _run(at: datetime, facts: dict[str, Any]) -> Run:
    named = (str(facts.pop("run")), str(facts.pop("scenario")), Outcome(facts.pop("outcome")))
    return Run(*named, at, facts)
