"""Templates and remarks at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dispatcher.cli import wording
from dispatcher.cli.main import root
from tests.cli.conftest import Office

FLOOD = ("--template", "flood", "--slot", "river=River Example", "--valid-until", "+6h")
ARRESTED = "Storm tonight\n\nPolice arrested two people. Stay in.\n"


def test_one_command_drafts_and_the_next_one_submits(office: Office) -> None:
    """The way back is armed; the step after is the submission."""
    office.feed()
    said = office.run("message", "draft", office.warned(), *FLOOD, by="author-1")
    assert said.json["template"].startswith("flood ")
    assert set(said.json["texts"]) == {"publish", "correct", "withdraw", "all_clear"}
    assert f"Next: dispatcher clearance submit {said.json['message']}" in said.err
    assert "Left out: cy" in said.err
    office.run("clearance", "submit", said.json["message"], by="author-1")


def test_what_is_missing_is_named_with_its_flags(office: Office) -> None:
    """Where there is no terminal nothing is asked."""
    refused = office.run("message", "draft", office.incident(), "--template", "flood", by="author-1", code=2)
    assert "river (place, such as River Example)" in refused.err
    assert "until (time, such as 18:00 or +6h)" in refused.err
    assert "--slot river=… --slot until=…" in refused.err


def test_at_a_terminal_what_is_missing_is_asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slot by slot, each with its flag, and again where the answer cannot stand."""
    incident = office.incident()
    monkeypatch.setattr(wording, "is_terminal", lambda: True)
    environment = {"DISPATCHER_DEPLOYMENT": str(office.folder), "DISPATCHER_KEY": str(office.key("author-1"))}
    words = ["message", "draft", incident, "--template", "flood"]
    done = CliRunner(env=environment).invoke(root, words, input="River Example\nteatime\n+6h\n")
    assert done.exit_code == 0, done.stderr
    assert "--slot river (place, such as River Example): which river or coast" in done.stderr
    assert "'teatime' is no time; such as 18:00 or +6h" in done.stderr
    assert json.loads(done.stdout)["number"] == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--slot", "river=Dee"), "slots and languages are those of a template"),
        ((*FLOOD, "--text", "en-GB=README"), "a template brings its own texts"),
        ((*FLOOD, "--slot", "sea=North"), "has no slot sea"),
        (("--template", "plague"), "there is no template plague"),
    ],
)
def test_a_template_and_its_slots_belong_together(office: Office, words: tuple[str, ...], why: str) -> None:
    """Each mistake says what to type instead."""
    file = office.folder.parent / "README"
    file.write_text("Storm\n\nStay in.\n")
    typed = [word.replace("README", str(file)) for word in words]
    assert why in office.run("message", "draft", office.incident(), *typed, by="author-1", code=2).err


def test_the_list_has_every_template_and_says_which_are_no_use(office: Office) -> None:
    """Ours and the department's own."""
    folder = office.folder / "templates"
    folder.mkdir()
    (folder / "ours.toml").write_text("summary = ")
    listed = {one["name"]: one for one in office.run("message", "templates").json["templates"]}
    assert {"riot", "terror-attack", "flood", "correction", "ours"} <= set(listed)
    assert listed["ours"]["summary"].startswith("NO USE: template ours cannot be used")
    assert (listed["ours"]["own"], listed["flood"]["own"]) == (True, False)


def test_a_template_shows_its_slots_and_its_texts(office: Office) -> None:
    """With type, example, default and each sentence's element."""
    made = office.run("message", "templates", "flood").json
    slots = {one["slot"]: one for one in made["slots"]}
    assert (slots["river"]["type"], slots["river"]["default"]) == ("place", "must be given")
    assert slots["until"]["default"] == "the incident's valid_until"
    assert slots["level"]["options"] == ["severe", "warning", "alert"]
    assert {one["element"] for one in made["texts"]} == {"source", "hazard", "location", "time", "guidance"}


def test_a_refusing_remark_is_a_problem_of_lint(office: Office) -> None:
    """Exit code 3, with the words."""
    name = office.message("Storm\n\nThis is not a drill. Stay in.\n")
    said = office.run("message", "lint", name, code=3)
    assert [one["account"] for one in said.json["problems"]] == ["wording"]
    assert "This is not a drill" in said.json["problems"][0]["problem"]


def test_advice_is_shown_and_stops_nothing(office: Office) -> None:
    """In lint and in the preview."""
    name = office.message()
    lint = office.run("message", "lint", name).json
    assert lint["problems"] == []
    assert "no_link" in {one["code"] for one in lint["remarks"]}
    assert office.run("message", "preview", name).json["remarks"] == lint["remarks"]


def test_who_approves_reads_the_remarks_and_the_denied_flag(office: Office) -> None:
    """With the reason that was signed."""
    words = ("clearance", "submit", office.message(ARRESTED), "--not-flag", "arrest=an arrest of 1926")
    plan = office.run(*words, by="author-1").json
    assert plan["not_flags"] == ["arrest: an arrest of 1926"]
    read = office.run("clearance", "read", plan["plan"]).json
    assert read["not_flags"] == [{"flag": "arrest", "why": "an arrest of 1926"}]
    assert "arrest" in {one["flag"] for one in read["remarks"]}


def test_a_flag_that_was_found_shows_in_the_plan(office: Office) -> None:
    """And legal is among those awaited."""
    plan = office.run("clearance", "submit", office.message(ARRESTED), by="author-1").json
    assert plan["flags"] == ["arrest"]
    assert any("legal" in who for channel in plan["channels"] for who in channel["who"])


def test_the_templates_are_in_the_package() -> None:
    """A deployment that was installed has them as well."""
    folder = Path(wording.__file__).parents[1] / "wording" / "templates"
    assert (folder / "__init__.py").is_file()
