"""Help, suggestions, completions and manual pages: what somebody meets who does not know the commands by heart."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dispatcher.cli.commands import SUMMARIES
from dispatcher.cli.examples import EXAMPLES, examples
from dispatcher.cli.help import GROUPS, OTHERS, grouped
from dispatcher.cli.main import root
from dispatcher.cli.manual import pages
from dispatcher.cli.reference import walked
from tests.cli import recorded
from tests.cli.conftest import BURIED, Office
from tests.servers import program

MODULE = [sys.executable, "-c", "from dispatcher.cli.main import run; run()"]
VERBS = dict(recorded.verbs())
ROOT = Path(__file__).parents[2]
ERRORS = {
    *(
        "NotFound",
        "Invalid",
        "GateClosed",
        "SignatureNeeded",
        "Stale",
        "Forbidden",
        "Unavailable",
        "Partial",
        "Broken",
    ),
    *("Unwell", "NeedsTerminal", "Interrupted", "Unconfirmed", "Damaged", "TrustError", "StatementRefused"),
}
LINES = [(verb, line) for verb, command in VERBS.items() for line in examples(verb, command.help or "")]


def said(*words: str) -> str:
    """What a command says on stderr that is not understood."""
    done = CliRunner().invoke(root, list(words))
    assert done.exit_code == 2, done.output
    return done.stderr


def completed(office: Office | None, *words: str) -> list[str]:
    """What bash is offered for the last of these words."""
    settings = {"_DISPATCHER_COMPLETE": "bash_complete", "COMP_WORDS": "\n".join(["dispatcher", *words])}
    settings |= {"COMP_CWORD": str(len(words)), "DISPATCHER_DEPLOYMENT": str(office.folder if office else "nowhere")}
    done = subprocess.run(MODULE, env=os.environ | settings, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.partition(",")[2] or line for line in done.stdout.splitlines()]


def steps(path: Path) -> Iterator[str]:
    """The next steps that a module writes out: of its commands, and of the errors that it raises."""
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call):
            named = getattr(call.func, "id", getattr(call.func, "attr", ""))
            at = 0 if named == "next_step" else 1
            if (named == "next_step" or named in ERRORS) and len(call.args) > at:
                yield from spelled(call.args[at])


def spelled(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may come to, with ``dispatcher x`` for what is put in at the beginning."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            first, *rest = [part.value if isinstance(part, ast.Constant) else "" for part in parts]
            yield "".join(map(str, [first or "dispatcher x", *rest]))
        case ast.IfExp(body=one, orelse=other):
            yield from (*spelled(one), *spelled(other))


def test_a_next_step_that_names_a_command_begins_with_it() -> None:
    """So that the line can be pasted; whatever else there is to say stands before it. Pages are read, not pasted."""
    modules = [path for package in ("dispatcher", "workers", "ops") for path in (ROOT / package).rglob("*.py")]
    pages = {ROOT / "dispatcher/service/tightening.py", *(ROOT / "ops/console").rglob("*.py")}
    written = {step: path for path in modules if path not in pages for step in steps(path)}
    assert len(written) > 200
    assert {step: path for step, path in written.items() if BURIED.match(f"Next: {step}")} == {}


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_commands_help_begins_with_an_example(verb: str) -> None:
    """Right after its usage, before a word of explanation."""
    shown = CliRunner().invoke(root, [*verb.split(), "--help"], terminal_width=120).stdout
    usage, first = (part.strip() for part in shown.split("\n\n")[:2])
    assert usage.startswith(f"Usage: dispatcher {verb}")
    assert first.startswith(f"dispatcher {verb}")


@pytest.mark.parametrize(("verb", "line"), LINES)
def test_every_example_can_be_typed(verb: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options are there, nothing that is required lacks, and its words are among the choices."""
    monkeypatch.chdir(tmp_path)
    for needed in ("storm.txt", "inc-7kq2.zip"):
        (tmp_path / needed).touch()
    words = shlex.split(re.split(r"\s{3,}", line)[0])[1:]  # what stands far to the right is a remark
    verb = next(name for name in VERBS if words[: len(name.split())] == name.split())
    context = click.Context(root, info_name="dispatcher")
    command = VERBS[verb]
    command.make_context(verb, words[len(verb.split()) :], parent=context)


def test_no_example_is_of_a_command_that_is_gone() -> None:
    """The table has no row too many, and none beside a docstring's own lines."""
    assert set(EXAMPLES) <= set(VERBS)
    own = {verb for verb, command in VERBS.items() if re.search(r"^ *dispatcher ", command.help or "", re.MULTILINE)}
    assert own & set(EXAMPLES) == set()


def test_the_help_names_every_command_once_by_who_types_it() -> None:
    """And a command is in no two groups."""
    listed = [name for names in grouped(SUMMARIES).values() for name in names]
    assert sorted(listed) == sorted(SUMMARIES)
    named = [name for names in GROUPS.values() for name in names]
    assert len(named) == len(set(named))


def test_only_what_is_about_the_program_is_in_no_group() -> None:
    """A new command is put where people look for it."""
    assert set(grouped(SUMMARIES)[OTHERS]) <= {"completion", "schema"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("relase", "dispatcher release"),
        ("clearence", "dispatcher clearance"),
        ("approve", "dispatcher clearance approve"),
        ("aprove", "dispatcher clearance approve"),
        ("incident declar", "dispatcher incident declare"),
        ("incident approve", "dispatcher clearance approve"),
        ("inc-7kq2", "dispatcher incident show inc-7kq2"),
        ("incident declare --sevrity s2", "--severity"),
    ],
)
def test_what_was_meant_is_suggested(typed: str, meant: str) -> None:
    """A letter too many, a command without its noun, a name without its command, a misspelt option."""
    assert meant in said(*typed.split())


@pytest.mark.parametrize("typed", ["relea", "incident decl", "incident declare --sev s1"])
def test_nothing_is_understood_by_its_beginning(typed: str) -> None:
    """A command that is added later must not change what a short word does."""
    said(*typed.split())


def test_a_suggestion_is_not_run(office: Office) -> None:
    """Nothing happens but the suggestion."""
    before = office.kinds()
    office.run("haltt", code=2)
    assert office.kinds() == before


def test_an_incident_where_a_plan_is_wanted_names_its_plan(office: Office) -> None:
    """And a plan where an incident is; a name that nobody has says where to look."""
    plan = office.plan()
    document = office.document(plan)
    told = office.run("release", document["incident"], by="director-1", code=2).err
    assert f"{document['incident']} is an incident, not a plan" in told
    assert f"its newest plan is {plan[:12]}\nNext: dispatcher clearance show {plan[:12]}" in told
    assert (
        f"Next: dispatcher incident show {document['incident']}" in office.run("incident", "show", plan, code=2).err
    )
    assert "there is no plan" in office.run("release", "ffff", by="director-1", code=2).err


def test_commands_and_options_are_completed() -> None:
    """Nouns, their commands, options also of every command, and the words that an option takes."""
    assert completed(None, "inc") == ["incident"]
    assert completed(None, "incident", "dec") == ["declare"]
    assert "--mode" in completed(None, "incident", "declare", "--mo")
    assert "--json" in completed(None, "status", "--js")
    assert completed(None, "incident", "declare", "--mode", "") == ["live", "exercise"]
    assert completed(None, "--json", "incident", "dec") == ["declare"]
    assert completed(None, "channel", "show", "tik") == ["tiktok_paid", "tiktok"]


def test_names_are_completed_from_the_database(office: Office) -> None:
    """Incidents, messages, plans and accounts, each where it is wanted."""
    plan = office.plan()
    document = office.document(plan)
    assert completed(office, "release", plan[:3]) == [plan[:12]]
    assert completed(office, "incident", "show", "") == [document["incident"]]
    assert completed(office, "account", "hold", "") == ["feed-city"]
    assert completed(office, "halt", "--incident", "inc-") == [document["incident"]]
    assert completed(None, "--deployment", str(office.folder), "release", "") == [plan[:12]]


def test_completing_writes_nothing_and_bears_everything(office: Office, tmp_path: Path) -> None:
    """A deployment that is not there, a database that is none: nothing is offered, and nothing is made."""
    before = office.kinds()
    completed(office, "release", "")
    assert office.kinds() == before
    assert completed(None, "release", "") == []
    database = office.folder / "data" / "dispatcher.db"
    database.write_bytes(b"no database")
    assert completed(office, "release", "") == []
    database.unlink()
    assert completed(office, "release", "") == []
    assert not database.exists()


def test_a_completion_imports_no_command() -> None:
    """Neither SQLAlchemy nor a channel."""
    settings = {"_DISPATCHER_COMPLETE": "bash_complete", "COMP_WORDS": "dispatcher release --", "COMP_CWORD": "2"}
    code = (
        "import sys; from dispatcher.cli.main import run; run();"
        "print([name for name in ('sqlalchemy', 'channels', 'cryptography', 'rich') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | settings, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_bash_completes_by_the_script_that_is_printed(tmp_path: Path) -> None:
    """The script, in a real bash, with the program on the path."""
    bash = program("bash")
    (tmp_path / "dispatcher").write_text(f'#!/bin/sh\nexec {shlex.join(MODULE)} "$@"\n')
    (tmp_path / "dispatcher").chmod(0o755)
    script = CliRunner().invoke(root, ["completion", "bash"]).stdout
    asked = "COMP_WORDS=(dispatcher clearance appr); COMP_CWORD=2; _dispatcher_completion dispatcher clearance appr"
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [bash, "-c", f'{script}\n{asked}; echo "${{COMPREPLY[@]}}"']
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "approve"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shells_script_is_printed_whole(shell: str) -> None:
    """On stdout the script, on stderr where to keep it; where the shell is here, it can read it."""
    done = CliRunner().invoke(root, ["completion", shell])
    assert done.exit_code == 0
    assert f"dispatcher completion {shell} >" in done.stderr
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=done.stdout, text=True, check=True)


def test_the_manual_has_every_command_and_option() -> None:
    """One page for the program and one for each noun or command, which names what there is."""
    made = pages(walked())
    assert set(made) == {"dispatcher.1", *(f"dispatcher-{name}.1" for name in SUMMARIES)}
    for verb, command in VERBS.items():
        page = made[f"dispatcher-{verb.split()[0]}.1"].replace("\\-", "-")
        assert f"dispatcher {verb}" in page
        hidden = {opt for one in command.params if getattr(one, "hidden", False) for opt in one.opts}
        shown = {opt for one in command.params for opt in one.opts if opt.startswith("--")} - hidden
        assert {opt for opt in shown if opt not in page} == set()


def test_the_manual_is_sound(tmp_path: Path) -> None:
    """groff reads every page without a warning."""
    groff = program("groff")
    made = pages(walked())
    for name, page in made.items():
        (tmp_path / name).write_text(page)
    files = [str(tmp_path / name) for name in made]
    done = subprocess.run(
        [groff, "-k", "-man", "-ww", "-z", "-Tutf8", *files], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_help_is_quick_to_find_again() -> None:
    """Every page of the manual leads back to the program's own, which leads to all."""
    made = pages(walked())
    assert all("dispatcher(1)" in page for name, page in made.items() if name != "dispatcher.1")
    assert len(re.findall(r"dispatcher\\-[a-z\\-]+\(1\)", made["dispatcher.1"])) == len(SUMMARIES)
