"""Halting and resuming from the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Office


def halt(office: Office, *words: str, by: str = "reviewer-1") -> dict[str, object]:
    """Halt something in exercises."""
    return office.run("halt", "--mode", "exercise", *words, by=by).json


@pytest.mark.parametrize(
    ("words", "scope"),
    [((), "all"), (("--channel", "cap_feed"), "channel"), (("--everything",), "everything")],
)
def test_anybody_on_the_roster_halts(office: Office, words: tuple[str, ...], scope: str) -> None:
    """One person, one short command; the next step names two others."""
    made = halt(office, *words)
    assert (made["schema"], made["scope"], made["in_force"]) == ("dispatcher/halt/v1", scope, True)


def test_a_halt_of_an_incident_takes_its_mode(office: Office) -> None:
    """Nobody types the mode of what has one."""
    name = office.incident()
    assert office.run("halt", "--incident", name, by="ops-1").json["mode"] == "exercise"


def test_a_halt_of_an_account_takes_its_mode(office: Office) -> None:
    """The same for an account."""
    assert office.run("halt", "--account", office.feed(), by="ops-1").json["mode"] == "exercise"


def test_without_a_mode_live_is_halted(office: Office) -> None:
    """Where nothing runs here, the mode that matters is stopped."""
    assert office.run("halt", by="ops-1").json["mode"] == "live"


def test_one_halt_stops_one_thing(office: Office) -> None:
    """Two scopes at once are wrong input, and nothing is signed."""
    office.run("halt", "--channel", "x", "--everything", by="ops-1", code=2)
    assert office.run("status").json["halts"] == []


def test_a_target_that_is_none_is_refused(office: Office) -> None:
    """A misspelt channel stops nothing and is said so."""
    office.run("halt", "--channel", "twiter", by="ops-1", code=2)


def test_a_halt_closes_the_gate(office: Office) -> None:
    """A release during a halt is refused by G16: exit code 3."""
    plan = office.cleared()
    halt(office)
    assert "G16" in office.run("release", plan, by="director-1", code=3).err


def test_two_others_resume(office: Office) -> None:
    """The first resume waits for another person; the second ends the halt."""
    name = str(halt(office, by="ops-1")["statement"])[:12]
    first = office.run("resume", name, by="director-1")
    assert first.json["in_force"]
    assert "Missing: the signature of one more person" in first.err
    assert not office.run("resume", name, by="director-2").json["in_force"]


def test_the_halter_does_not_resume(office: Office) -> None:
    """Refused by policy: exit code 8."""
    name = str(halt(office, by="ops-1")["statement"])
    office.run("resume", name, by="ops-1", code=8)


def test_status_leads_with_a_halt(office: Office) -> None:
    """As long as something is halted, status says so first."""
    name = str(halt(office, by="ops-1")["statement"])
    said = office.run("status")
    assert [made["statement"] for made in said.json["halts"]] == [name]
    assert f"Next: dispatcher resume {name[:12]}" in said.err
