"""Reading the Procfile."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dispatcher.embedded.errors import ProcfileInvalid
from dispatcher.embedded.procfile import Role, find_procfile, read_procfile


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "Procfile"
    path.write_text(text)
    return path


def test_the_project_procfile_starts_with_the_migration(tmp_path: Path) -> None:
    """The Procfile of this repository runs migrate as a step, and the roles after it."""
    roles = read_procfile(find_procfile(tmp_path))
    assert [role.name for role in roles if role.is_step] == ["migrate"]
    assert {"relay", "accounts", "recipients", "tiktok", "tiktok-sender", "egress", "console"} <= {role.name for role in roles}


def test_the_dispatcher_command_is_the_one_beside_this_python(tmp_path: Path) -> None:
    """Roles run the installation that supervises them, whatever is on PATH."""
    assert {role.argv[0] for role in read_procfile(find_procfile(tmp_path))} == {
        str(Path(sys.executable).with_name("dispatcher"))
    }


def test_a_deployment_may_bring_its_own(tmp_path: Path) -> None:
    """A Procfile in the deployment goes before the installation's."""
    assert find_procfile(tmp_path) != written(tmp_path, "one: sh") == find_procfile(tmp_path)


def test_words_are_split_as_a_shell_would(tmp_path: Path) -> None:
    """Quoted words stay together, comments and empty lines are passed over."""
    path = written(tmp_path, "# roles\n\none: python -c 'print(1, 2)'\n")
    assert read_procfile(path) == (Role("one", (str(Path(sys.executable).with_name("python")), "-c", "print(1, 2)")),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no colon here", r"Procfile:1: expected `name: command`"),
        ("one: sh\nUPPER: sh", r"Procfile:2: expected `name: command`, got 'UPPER: sh'"),
        ("redis: sh", r"Procfile:1: expected"),
        ("one: sh 'open", r"Procfile:1: No closing quotation"),
        ("one: no-such-program-anywhere", r"there is no program 'no-such-program-anywhere'"),
        ("one: sh\none: sh", r"names a role twice: one"),
        ("# nothing", r"names no role"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """A Procfile that cannot be run is refused with the line and the fault."""
    with pytest.raises(ProcfileInvalid, match=problem):
        read_procfile(written(tmp_path, text))


def test_a_missing_procfile_is_told(tmp_path: Path) -> None:
    """A path without a file is refused with the system's reason."""
    with pytest.raises(ProcfileInvalid, match="cannot be read: No such file"):
        read_procfile(tmp_path / "Procfile")
