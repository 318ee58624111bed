"""``dispatcher exercise``: play a night on simulated platforms, and see how it went."""

from __future__ import annotations

from collections.abc import Iterable

import click

from dispatcher.cli.commands import Noun, Text
from dispatcher.cli.errors import Partial, termination_interrupts
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.people import Role
from dispatcher.service import exercising
from dispatcher.service.exercising import Outcome, Run

exercise = Noun("exercise")


@exercise.command("list")
def list_(session: Session) -> None:
    """The scenarios there are, and the runs that were scored, newest first."""
    from ops.exercise import scenario
    from ops.review.words import took

    runs = _scored(session)
    scenarios = [{"name": one.name, "title": one.title, "summary": one.summary} for one in scenario.shipped()]
    scored = [
        {
            "run": one.run,
            "scenario": one.scenario,
            "outcome": one.outcome,
            "ended_at": one.ended_at,
            "first_public": took(one.card["times"]["first_public"]),
        }
        for one in runs
    ]
    body = {"scenarios": scenarios, "runs": scored}
    session.show("exercises", body, scenarios="name title summary", runs="run scenario outcome ended_at first_public")
    next_step(f"dispatcher exercise show {runs[0].run}" if runs else "dispatcher exercise run storm")


def _scored(session: Session) -> list[Run]:
    """The runs on record: none where there is no deployment yet, since scenarios can be read without one."""
    try:
        return list(exercising.runs(session.desk))
    except NotFound:
        return []


@exercise.command()
@click.argument("scenario")
@click.option("--people", default="", metavar="ROLE,…", help="Roles that people play, such as director,checker.")
@click.option(
    "--numbers", type=click.IntRange(1, 1_000), default=120, help="Recipients of the example list, if made."
)
def run(session: Session, scenario: str, people: str, numbers: int) -> None:
    """Play SCENARIO: riot, storm or terror, in mode exercise, on simulated platforms; then its scorecard.

    What is not there is started or made, and said: the simulator, the roles, the example accounts. A role is played
    by the script where its exercise key lies in keys/exercise; for others it says who is awaited and what they type.
    Ctrl-C or SIGTERM breaks it off, which is recorded. Exit code 6 where something was lost, doubled or ended badly.

    \b
    dispatcher exercise run storm
    dispatcher exercise run terror --people director,checker
    """
    from ops.exercise import run as exercise_run
    from ops.exercise import scenario as scenarios

    night = scenarios.named(scenario)
    chosen = roles_named(people.split(","), night.roles)
    with termination_interrupts():
        made = exercise_run.run(session.desk, night, say, people=chosen, numbers=numbers)
    _show(session, made)
    if made.outcome is Outcome.GAPS:
        raise Partial("not everything of the exercise ended well", f"dispatcher review {made.card['incident']}")
    next_step(f"dispatcher review {made.card['incident']}")


@exercise.command()
@click.argument("name", metavar="[RUN]", required=False)
def show(session: Session, name: Text) -> None:
    """The scorecard of RUN, else of the newest, beside the runs before it and what real events took."""
    made = exercising.run_named(session.desk, name)
    _show(session, made)
    next_step(f"dispatcher exercise run {made.scenario}")


def roles_named(words: Iterable[str], roles: tuple[Role, ...]) -> frozenset[Role]:
    """The roles meant, by name or by its end, such as director. Raises Invalid naming those there are."""
    found = set()
    for word in filter(None, (one.strip() for one in words)):
        ends = [role for role in roles if role == word] or [role for role in roles if role.endswith(f"_{word}")]
        if len(ends) != 1:
            known = ", ".join(roles)
            raise Invalid(f"{word!r} is no role of this scenario", f"give some of: --people {known}")
        found.add(ends[0])
    return frozenset(found)


def _show(session: Session, made: Run) -> None:
    from ops.exercise.shown import document, told

    card = document(made, exercising.runs(session.desk))
    session.read_out("exercise", card, told(card))
