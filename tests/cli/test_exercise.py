"""Exercises at the command line: what there is, what is wrong, and what a team that never had one is told."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from dispatcher.cli.exercise import roles_named
from dispatcher.cli.main import root
from dispatcher.domain.errors import Invalid
from dispatcher.domain.people import Role
from dispatcher.service import exercising
from tests.cli.conftest import Office

ROLES = (Role.AUTHOR, Role.CHECKER, Role.LANGUAGE_CHECKER, Role.DUTY_DIRECTOR)


def test_the_scenarios_are_listed(office: Office) -> None:
    """With the command that plays one."""
    made = office.run("exercise", "list")
    assert [one["name"] for one in made.json["scenarios"]] == ["riot", "storm", "terror"]
    assert made.json["runs"] == []
    assert "Next: dispatcher exercise run storm" in made.err


def test_a_run_that_never_was_is_answered_with_how_to_have_one(office: Office) -> None:
    """Exit code 2."""
    assert "dispatcher exercise run storm" in office.run("exercise", "show", code=2).err


def test_an_unknown_scenario_is_refused_before_anything_starts(office: Office) -> None:
    """Nothing is on record."""
    assert "riot, storm, terror" in office.run("exercise", "run", "flood", code=2).err
    assert "exercise.began" not in office.kinds()


def test_without_a_deployment_the_command_that_makes_one_is_named(office: Office) -> None:
    """Whoever is new types that first."""
    told = office.run("exercise", "run", "storm", "--deployment", office.folder / "none", code=2).err
    assert "dispatcher init" in told


def test_without_a_simulator_nothing_is_played(office: Office) -> None:
    """The line to write is in the message."""
    file = office.folder / "deployment.toml"
    file.write_text(file.read_text().replace('simulator = "http://127.0.0.1:9"', 'simulator = ""'))
    assert "simulator = " in office.run("exercise", "run", "storm", code=2).err


def test_a_simulator_elsewhere_is_not_started_here(office: Office) -> None:
    """Its host starts it."""
    file = office.folder / "deployment.toml"
    file.write_text(file.read_text().replace("http://127.0.0.1:9", "http://simulator.invalid:8790"))
    assert "python -m channels.simulator" in office.run("exercise", "run", "storm", code=2).err


@pytest.mark.parametrize(
    ("words", "roles"),
    [
        (["director", "checker"], {Role.DUTY_DIRECTOR, Role.CHECKER}),
        (["duty_director"], {Role.DUTY_DIRECTOR}),
        ([""], set()),
    ],
)
def test_roles_are_named_as_people_name_them(words: list[str], roles: set[Role]) -> None:
    """A whole name before the end of another."""
    assert roles_named(words, ROLES) == roles


def test_a_role_that_nobody_plays_is_refused() -> None:
    """With those there are."""
    with pytest.raises(Invalid, match="'king' is no role"):
        roles_named(["king"], ROLES)


def test_status_warns_a_team_that_has_held_no_exercise(office: Office) -> None:
    """It blocks nothing."""
    assert "Warning: policy asks for an exercise every 31 days" in office.run("status").err


def test_the_release_of_an_exercise_warns_nobody(office: Office) -> None:
    """Live releases do."""
    assert "policy asks for an exercise" not in office.run("release", office.cleared(), by="director-1").err


def test_a_release_says_that_the_last_exercise_is_too_old(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it was released: it blocks nothing."""
    monkeypatch.setattr(exercising, "lapsed", lambda _desk, mode: (f"Warning: too old for {mode}",))
    assert "Warning: too old for exercise" in office.run("release", office.cleared(), by="director-1").err


def test_quick_waits_are_for_test_deployments_only(office: Office) -> None:
    """A production deployment keeps the reference's."""
    folder = office.folder.parent / "quick"
    words = ["init", str(folder), "--name", "example-city", "--quick", "--kind"]
    assert CliRunner().invoke(root, [*words, "test"]).exit_code == 0
    assert "lease_ms = 5000" in (folder / "deployment.toml").read_text()
    words[1] = str(office.folder.parent / "live")
    assert CliRunner().invoke(root, [*words, "production"]).exit_code == 8
