"""The architecture holds: imports, sizes, names, docstrings; and the contracts would notice if it did not."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dispatcher", "channels", "workers", "migrations", "ops")
LINES_AT_MOST = 400
HISTORY = "migrations/versions/"  # a migration is written once and never split or tidied afterwards
HOSTS_AND_PATHS = re.compile(
    r"py.i[.]org|pythonhos.ed[.]org|npm.s[.]|deb[.]deb.an|security[.]deb.an"
    r"|[/]opt[/](py.i|wheels)|[/]work[/]|[/]root[/]|[/]home[/]|[/]Users[/]"
)


def tracked(*patterns: str) -> list[Path]:
    """Return the files git knows, deleted ones left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules() -> list[Path]:
    return [path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in PACKAGES]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the tree at ``root``, and of no other on the path."""
    command: list[str | Path] = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    environment = os.environ | {"PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages and their contracts, to break."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_import_contract_is_kept() -> None:
    """No module imports what stands above it, beside it, or out of its reach."""
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("dispatcher/domain/extra.py", "import dispatcher.gate", "Imports run downwards"),
        ("dispatcher/gate/extra.py", "import channels.http", "Imports run downwards"),
        ("dispatcher/store/extra.py", "import dispatcher.service", "Imports run downwards"),
        ("dispatcher/sending/extra.py", "import dispatcher.store", "Imports run downwards"),
        ("dispatcher/areas/extra.py", "import dispatcher.statements", "CAP and areas know nothing of signed"),
        ("dispatcher/areas/extra.py", "import dispatcher.service", "Imports run downwards"),
        ("channels/webhook/extra.py", "import dispatcher.domain", "Only the registry, among the channels"),
        ("channels/webhook/extra.py", "import channels.cap_feed", "A channel sees the contract"),
        ("channels/text/extra.py", "import channels.webhook", "A channel sees the contract"),
        ("channels/telegram.py", "", "A channel sees the contract"),
        ("workers/extra.py", "import channels.webhook.adapter", "Only the registry loads adapters"),
        ("workers/extra.py", "import channels.tiktok", "Only the registry loads TikTok"),
        ("workers/extra.py", "import dispatcher.sending.permit", "Only sending mints a permit"),
        ("dispatcher/sending/extra.py", "import redis", "A sender behind a socket has no SQL"),
        ("workers/tiktok_sender.py", "import dispatcher.bootstrap", "A sender behind a socket has no SQL"),
    ],
)
def test_a_planted_import_breaks_its_contract(copy: Path, module: str, line: str, broken: str) -> None:
    """Each contract notices the import that it forbids."""
    (copy / module).parent.mkdir(exist_ok=True)
    (copy / module).with_name("__init__.py").touch()
    (copy / module).write_text(line + "\n")
    checked = lint_imports(copy)
    assert checked.returncode == 1
    assert re.search(rf"^{re.escape(broken)}.*BROKEN", checked.stdout, re.MULTILINE), checked.stdout


def test_every_package_says_what_lives_in_it_and_what_may_not() -> None:
    """A newcomer learns from the docstring of each folder what belongs there and what does not."""
    folders = {path.parent for path in modules()}
    unsaid = {str(folder.relative_to(ROOT)) for folder in folders if not _says_its_rules(folder / "__init__.py")}
    assert unsaid == set()


def _says_its_rules(init: Path) -> bool:
    docstring = ast.get_docstring(ast.parse(init.read_text())) if init.exists() else None
    return docstring is not None and "May not live here" in docstring


def test_no_module_is_too_long() -> None:
    """A module that grows beyond the limit wants to be two."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in tracked("*.py")}
    long = {name: lines for name, lines in lengths.items() if lines > LINES_AT_MOST and not name.startswith(HISTORY)}
    assert long == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    """Names like utils say nothing about what is inside."""
    drawers = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert [path for path in tracked("*.py") if path.stem in drawers] == []


def test_nothing_names_a_package_host_or_a_machine() -> None:
    """The tree works wherever it is cloned: no host of a registry, no path of one machine."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), start=1)
        if HOSTS_AND_PATHS.search(line)
    ]
    assert found == []
