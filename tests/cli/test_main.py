"""The top of the command line: help, exit codes, errors, terminals."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dispatcher.cli.commands import SUMMARIES
from dispatcher.cli.errors import EXIT_CODES
from dispatcher.cli.main import load, root
from dispatcher.embedded.lock import Lock
from dispatcher.store import records
from tests.cli.conftest import Office
from tests.servers import until

SCRIPT = Path(sys.executable).with_name("dispatcher")
MODULE = [sys.executable, "-c", "from dispatcher.cli.main import run; run()"]
GOLDEN = Path(__file__).with_name("help.txt")


def on_a_terminal(office: Office, *words: str, **environment: str) -> str:
    """What a person sees of one command: it runs on a real terminal, 120 columns wide."""
    master, slave = pty.openpty()
    settings = {**os.environ, "DISPATCHER_DEPLOYMENT": str(office.folder), "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        [SCRIPT, *words], stdin=slave, stdout=slave, stderr=slave, env={**settings, **environment}
    ) as child:
        os.close(slave)
        shown = b""
        while piece := _read(master):
            shown += piece
        assert child.wait() == 0, shown
    os.close(master)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError as error:
        if error.errno == errno.EIO:  # how Linux says that nobody holds the other side any more
            return b""
        raise


def test_the_top_level_help_is_as_written() -> None:
    """The help is read in an incident: every change to it is looked at."""
    assert CliRunner().invoke(root, ["--help"], terminal_width=100).stdout == GOLDEN.read_text()


def test_every_exit_code_is_in_the_help() -> None:
    """What programs rely on is documented where people look."""
    told = CliRunner().invoke(root, ["--help"]).stdout
    assert [code for code, meaning in EXIT_CODES.items() if f"{code:<4} {meaning}" not in told] == []


@pytest.mark.parametrize("name", list(SUMMARIES))
def test_every_command_of_the_table_is_there_under_its_name(name: str) -> None:
    """The table and the modules agree."""
    assert load(name).name == name


def test_the_help_loads_no_command_and_status_no_channel(office: Office) -> None:
    """``--help`` imports no database; ``status`` neither broker, client, XML, signer, counting nor gate."""
    looking = "dramatiq redis aiohttp lxml structlog rich cryptography regex sqlalchemy.orm dispatcher.gate.decide"
    for words, heavy in ((["--help"], "sqlalchemy"), (["status"], looking)):
        program = (
            "import sys; from dispatcher.cli.main import root; root(sys.argv[2:], standalone_mode=False);"
            "print([name for name in sys.argv[1].split() if name in sys.modules], file=sys.stderr)"
        )
        environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(office.folder)}
        command = [sys.executable, "-c", program, heavy, *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("dispatcher.cli.release", "aiohttp redis dramatiq structlog rich cryptography"),
        ("dispatcher.cli.way_back", "aiohttp redis dramatiq structlog rich cryptography"),
        ("channels.x.adapter", "aiohttp"),
        ("workers.doorbell", "aiohttp structlog rich"),
    ],
)
def test_what_people_wait_for_is_loaded_light(module: str, heavy: str) -> None:
    """From typing a release to the first post takes less than a second, and half of that is loading."""
    program = f"import sys, {module}; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_folder_without_deployment_says_how_to_make_one(tmp_path: Path) -> None:
    """Exit code 2 and ``dispatcher init``."""
    said = Office(tmp_path / "none").run("status", code=2)
    assert f"Next: dispatcher init {tmp_path / 'none'}" in said.err


def test_init_makes_a_deployment_whole(tmp_path: Path) -> None:
    """Folders, trust root, policy, exercise keys and a migrated database; what comes next is said."""
    office = Office(tmp_path / "city")
    words = ("init", office.folder, "--kind", "test", "--name", "example-city")
    said = office.run(*words)
    assert said.json["schema"] == "dispatcher/deployment/v1"
    assert "exercise run storm" in said.err
    assert office.run("migrate").json["before"] == office.run("migrate").json["now"]


def test_init_touches_no_folder_that_is_in_use(office: Office) -> None:
    """A second init is wrong input, and the deployment stays as it was."""
    before = (office.folder / "trust" / "root.json").read_bytes()
    office.run("init", office.folder, "--kind", "test", "--name", "other", code=2)
    assert (office.folder / "trust" / "root.json").read_bytes() == before


def test_init_of_a_production_deployment_warns_of_its_keys(tmp_path: Path) -> None:
    """Exercise keys prove nothing, and production is told so."""
    said = Office(tmp_path / "live").run("init", tmp_path / "live", "--kind", "production", "--name", "example-city")
    assert "Warning: " in said.err


def test_a_second_up_is_told_who_runs(office: Office) -> None:
    """The lock is held: exit code 9, nothing started."""
    with Lock(office.folder / "run" / "up.lock", "`dispatcher up` for this deployment"):
        said = office.run("up", "--mode", "exercise", code=9)
    assert str(os.getpid()) in said.err


def test_a_role_that_there_is_not_is_wrong_input(office: Office) -> None:
    """The message names those there are."""
    assert "relay" in office.run("worker", "nobody", "--mode", "exercise", code=2).err


def test_a_bug_is_one_line_without_a_traceback(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever nobody thought of ends with exit code 1 and where to look."""
    monkeypatch.setattr(records, "incidents", lambda *_: 1 / 0)
    said = office.run("incident", "list", code=1)
    assert said.err.splitlines()[0] == (
        "Error: unexpected ZeroDivisionError: division by zero (with DISPATCHER_DEBUG=1 it says where)"
    )
    assert "Next: dispatcher log" in said.err
    assert "Traceback" not in said.err


def test_a_database_that_is_away_is_unreachable(office: Office) -> None:
    """Exit code 9, nothing was changed."""
    (office.folder / "data" / "dispatcher.db").unlink()
    (office.folder / "data" / "dispatcher.db").mkdir()
    office.run("incident", "list", code=9)


def test_ctrl_c_is_130(office: Office) -> None:
    """An interrupted command says so by its exit code."""
    (office.folder / "logs" / "relay.jsonl").write_text('{"event":"ready"}\n')
    environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(office.folder)}
    command = [SCRIPT, "log", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert b"ready" in child.stdout.readline()
        child.send_signal(signal.SIGINT)
        try:
            assert child.wait(timeout=20) == 130
        finally:
            child.kill()


def test_follow_tells_what_is_written_later(office: Office) -> None:
    """A line that a role writes afterwards is printed, whole."""
    log = office.folder / "logs" / "relay.jsonl"
    log.write_text("")
    environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(office.folder), "PYTHONUNBUFFERED": "1"}
    out = office.folder.parent / "out"
    with (
        out.open("wb") as file,
        subprocess.Popen([SCRIPT, "log", "-f"], stdout=file, stderr=subprocess.DEVNULL, env=environment) as child,
    ):

        def written() -> bool:
            with log.open("a") as lines:
                lines.write('{"event":"later"}\n')
            return bool(out.read_bytes())

        until(written, "the line is told")
        child.terminate()
    assert json.loads(out.read_text().splitlines()[0])["event"] == "later"


def test_following_the_ledger_tells_each_entry_once_and_ends_with_ctrl_c(office: Office) -> None:
    """What is there, then what comes, as one document a line; exit code 130."""
    name = office.incident()
    environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(office.folder)}
    command = [*MODULE, "ledger", "tail", "--follow", "--incident", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["kind"] == "incident.declared"
        for text in ("first", "second"):
            office.run("incident", "note", name, text, by="author-1")
            told = json.loads(child.stdout.readline())
            assert (told["schema"], told["facts"]["text"]) == ("dispatcher/entry/v1", text)
        child.send_signal(signal.SIGINT)
        try:
            assert child.wait(timeout=20) == 130
        finally:
            child.kill()


@pytest.mark.parametrize("words", [("ledger", "tail", "-f"), ("log", "-f"), ("log",)])
def test_a_pipe_that_was_closed_ends_a_reader_quietly(office: Office, words: tuple[str, ...]) -> None:
    """As in ``dispatcher log -f | head``: no traceback, no word."""
    (office.folder / "logs" / "relay.jsonl").write_text('{"event":"ready"}\n' * 20_000)
    environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(office.folder)}
    command = [*MODULE, *words, "-n", "20000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        while child.poll() is None:
            office.incident()
            with (office.folder / "logs" / "relay.jsonl").open("a") as log:
                log.write('{"event":"later"}\n')
        assert child.stderr.read() == b""


def test_a_terminal_gets_a_table(office: Office) -> None:
    """Names over columns, no JSON."""
    office.incident()
    shown = on_a_terminal(office, "incident", "list")
    assert "severity" in shown
    assert '"schema"' not in shown


def test_json_is_printed_on_a_terminal_when_asked_for(office: Office) -> None:
    """--json goes before or after the command."""
    office.incident()
    assert '"schema"' in on_a_terminal(office, "incident", "list", "--json")
    assert '"schema"' in on_a_terminal(office, "--json", "incident", "list")


def test_hostile_text_cannot_drive_the_terminal(office: Office) -> None:
    """Escape sequences and direction marks in what somebody says of an incident are spelled out."""
    words = ("incident", "declare", "disorder", "Disorder", "--fact", "crowd=a\x1b[2Jb\u202ec", "--mode", "live")
    name = office.run(*words, by="author-1").json["id"]
    shown = on_a_terminal(office, "incident", "show", name, NO_COLOR="1", TERM="dumb")
    assert "\x1b[2J" not in shown
    assert "\\x1b[2Jb\\u202ec" in shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1", "TERM": "dumb"}, {"ACCESSIBLE": "1", "NO_COLOR": "1"}])
def test_watch_appends_lines_where_asked(office: Office, environment: dict[str, str]) -> None:
    """For a screen reader or a dumb terminal nothing is repainted."""
    plan = office.released()
    office.move("leased", "sending", "accepted")
    shown = on_a_terminal(office, "watch", plan, **environment)
    assert "ended, 1 of 1 channels done, 1 of 1 out: 1 accepted" in shown
    assert "\x1b" not in shown


def test_watch_draws_a_table_on_a_terminal(office: Office) -> None:
    """Account, state and attempts, in place."""
    plan = office.released()
    office.move("leased", "sending", "accepted")
    shown = on_a_terminal(office, "watch", plan)
    assert "feed-city" in shown
    assert "accepted" in shown


def test_a_narrow_terminal_folds_and_never_cuts(office: Office) -> None:
    """On 40 columns a name may be folded into two lines; none of it is lost."""
    name = office.incident()
    shown = on_a_terminal(office, "incident", "list", COLUMNS="40", NO_COLOR="1")
    cells = [line.split() for line in shown.splitlines()]
    assert name in "".join(line[0] for line in cells if line)


@pytest.mark.parametrize("words", [("--deployment", "{}", "status"), ("status", "--deployment", "{}")])
def test_a_deployment_that_is_typed_goes_before_the_environments(
    office: Office, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Wherever the option stands: the command acts on the deployment that the person named."""
    environment = {"DISPATCHER_DEPLOYMENT": str(tmp_path / "elsewhere")}
    done = CliRunner(env=environment).invoke(root, [word.format(office.folder) for word in words])
    assert done.exit_code == 0, done.stderr
