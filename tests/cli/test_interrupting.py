"""Ctrl-C, a lost terminal, a closed pipe: nothing is half done, and one line says how to go on."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Office
from tests.servers import until
from tests.statements.support import ssh_keygen
from tests.terminal import PROGRAM, Screen, terminal

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def locked(office: Office, person: str) -> Path:
    """Give a person's key a passphrase: it is asked for on a terminal."""
    key = office.key(person)
    subprocess.run([ssh_keygen(), "-p", "-q", "-P", "", "-N", "secret", "-f", key], check=True, capture_output=True)
    return key


def last_words(screen: Screen) -> list[str]:
    """The lines after the key that was pressed, none of them empty."""
    return [line.strip() for line in screen.transcript.rpartition("^C")[2].splitlines() if line.strip()]


@pytest.mark.system
def test_ctrl_c_at_a_passphrase_signs_nothing(office: Office) -> None:
    """Exit code 130, one line and the next step; the plan stands where it stood."""
    plan, before = office.plan(), office.kinds()
    locked(office, "checker-1")
    with terminal("clearance", "approve", plan, folder=office.folder, by="checker-1") as screen:
        screen.expect("Passphrase of")
        screen.press("ctrl-c")
        assert screen.ended() == 130
    assert "Error: interrupted; what was not finished was not done" in screen.transcript
    assert "Next: dispatcher status" in screen.transcript
    assert "Traceback" not in screen.transcript
    assert office.kinds() == before


@pytest.mark.system
def test_the_end_of_input_at_a_passphrase_is_a_cancellation(office: Office) -> None:
    """Ctrl-D is no interruption: exit code 2, nothing signed."""
    plan, before = office.plan(), office.kinds()
    locked(office, "checker-1")
    with terminal("clearance", "approve", plan, folder=office.folder, by="checker-1") as screen:
        screen.expect("Passphrase of")
        screen.press("ctrl-d")
        assert screen.ended() == 2
    assert "cancelled; nothing was changed" in screen.transcript
    assert office.kinds() == before


@pytest.mark.system
def test_a_passphrase_is_never_shown(office: Office) -> None:
    """What is typed signs, and does not stand on the screen."""
    plan = office.plan()
    locked(office, "checker-1")
    with terminal("clearance", "approve", plan, folder=office.folder, by="checker-1") as screen:
        screen.expect("Passphrase of")
        screen.type("secret")
        assert screen.ended() == 0
    assert "secret" not in screen.transcript
    assert "statement.approve" in office.kinds()


def test_ctrl_c_ends_who_follows(office: Office) -> None:
    """``watch`` sends nothing, so ending it stops nothing: the next step says how to go on."""
    plan = office.released()
    with terminal("watch", plan, folder=office.folder, ACCESSIBLE="1") as screen:
        screen.expect("ready")
        screen.press("ctrl-c")
        assert screen.ended() == 130
    assert any(line.startswith("Next: ") and f"dispatcher watch {plan[:12]}" in line for line in last_words(screen))


def test_a_lost_terminal_ends_a_command_and_status_goes_on(office: Office) -> None:
    """The command is gone, nothing is half done, and ``status`` names the plan to be watched."""
    plan = office.released()
    with terminal("watch", plan, folder=office.folder, ACCESSIBLE="1") as screen:
        screen.expect("ready")
        screen.hang_up()
        assert screen.ended() == 130
    assert f"Next: dispatcher watch {plan[:12]}" in office.run("status").err


def test_whoever_ignores_hanging_up_is_left_alone(office: Office) -> None:
    """As under nohup: the command goes on."""
    plan = office.released()
    deaf = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); {PROGRAM}"
    with terminal("watch", plan, folder=office.folder, program=deaf) as screen:
        screen.expect("ready")
        screen.signal(signal.SIGHUP)
        office.move("leased", "sending", "accepted")
        assert screen.ended() == 0


@pytest.mark.parametrize("module", ["dispatcher.cli.main", "click", "dispatcher.cli.completing"])
def test_ctrl_c_while_modules_are_imported_ends_as_quietly(module: str) -> None:
    """In the first milliseconds of a command nothing catches it yet but what the installed program begins with."""
    begins, function = PROJECT["scripts"]["dispatcher"].split(":")
    pressing = f"""
import signal, sys
class Pressed:
    def find_spec(self, name, *more):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Pressed())
from {begins} import {function}
sys.exit({function}())
"""
    done = subprocess.run([sys.executable, "-c", pressing, "status"], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "Error: interrupted; what was not finished was not done\nNext: dispatcher status\n"


def test_ctrl_c_in_the_middle_of_a_write_leaves_nothing(office: Office) -> None:
    """A command that waits for its turn to write is interrupted: no row of it is there."""
    before, database = office.kinds(), office.folder / "data" / "dispatcher.db"
    words = ("incident", "declare", "severe_weather", "Storm", "--mode", "exercise")
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with terminal(*words, folder=office.folder, by="author-1") as screen:
            files = Path(f"/proc/{screen.child.pid}/fd")
            until(lambda: any(_leads_to(file, database) for file in files.iterdir()), "it waits for its turn")
            screen.press("ctrl-c")
            assert screen.ended() == 130
        other.execute("ROLLBACK")
    assert office.kinds() == before


def _leads_to(file: Path, target: Path) -> bool:
    try:
        return file.readlink() == target
    except FileNotFoundError:
        return False


def test_nothing_is_asked_where_there_is_no_terminal(office: Office) -> None:
    """An encrypted key in a script fails at once, with 7, and does not hang."""
    plan = office.plan()
    locked(office, "checker-1")
    said = office.run("clearance", "approve", plan, by="checker-1", code=7)
    assert "Next:" in said.err


@pytest.mark.parametrize("off", [{"NO_COLOR": "1"}, {"CLICOLOR": "0"}, {"TERM": "dumb"}, {}])
def test_colour_is_left_out_where_it_is_not_wanted(office: Office, off: dict[str, str]) -> None:
    """By each of the customs, and by the option: not one escape sequence."""
    office.incident()
    words = ["incident", "list"] + ([] if off else ["--no-color"])
    with terminal(*words, folder=office.folder, **off) as screen:
        assert screen.ended() == 0
    assert "\x1b" not in screen.raw
    assert "severity" in screen.transcript


def test_on_a_terminal_there_is_emphasis(office: Office) -> None:
    """Otherwise the tests of its absence would prove nothing."""
    office.incident()
    with terminal("incident", "list", folder=office.folder) as screen:
        assert screen.ended() == 0
    assert "\x1b[" in screen.raw
