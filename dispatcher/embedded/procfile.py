"""The Procfile: which roles one deployment runs, one ``name: command`` per line.

Rules
  1. A name is lower-case letters, digits and hyphens; it names the role's log too. Names are unique.
  2. Commands are split like a shell splits words, and no shell runs them. A program is looked for beside this Python
     first, so that ``dispatcher`` is the one of this installation, then on PATH.
  3. Names in :data:`ONE_SHOT` are steps: run to their end, in the file's order, before any other role starts.
  4. A deployment may have a Procfile of its own; otherwise the installation's is used.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from dispatcher.embedded.errors import ProcfileInvalid

ONE_SHOT = ("migrate",)
_LINE = re.compile(r"([a-z][a-z0-9-]*):\s+(\S.*)")
_RESERVED = "redis"


@dataclass(frozen=True, slots=True)
class Role:
    """One line: ``argv`` is ready to be started."""

    name: str
    argv: tuple[str, ...]

    @property
    def is_step(self) -> bool:
        return self.name in ONE_SHOT


def find_procfile(deployment: Path) -> Path:
    """Return the deployment's own Procfile where there is one, else the installation's."""
    own = deployment / "Procfile"
    return own if own.exists() else Path(__file__).parents[2] / "Procfile"


def read_procfile(path: Path) -> tuple[Role, ...]:
    """Read every role of ``path``, in order. Raises ProcfileInvalid, naming the line."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ProcfileInvalid(f"The Procfile {path} cannot be read: {error.strerror}.") from error
    roles = tuple(
        _role(line, f"{path}:{number}")
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    )
    names = [role.name for role in roles]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not roles:
        raise ProcfileInvalid(
            f"{path} {'names a role twice: ' + ', '.join(repeated) if repeated else 'names no role'}."
        )
    return roles


def _role(line: str, where: str) -> Role:
    matched = _LINE.fullmatch(line.strip())
    if matched is None or matched[1] == _RESERVED:
        raise ProcfileInvalid(f"{where}: expected `name: command`, got {line.strip()!r}.")
    try:
        program, *arguments = shlex.split(matched[2])
    except ValueError as error:
        raise ProcfileInvalid(f"{where}: {error}.") from error
    return Role(matched[1], (_resolve(program, where), *arguments))


def _resolve(program: str, where: str) -> str:
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.is_file() else shutil.which(program)
    if found is None:
        raise ProcfileInvalid(f"{where}: there is no program {program!r} beside {sys.executable} or on PATH.")
    return found
