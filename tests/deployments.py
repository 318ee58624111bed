"""Deployments as ``dispatcher init`` makes them, made once by each test process and copied for each test.

Making one takes a fifth of a second, most of it migrations; a copy takes a hundredth.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

from dispatcher.domain.people import DeploymentKind
from dispatcher.sender_bootstrap import now
from dispatcher.service import deploying
from dispatcher.service.deploying import Blueprint
from tests.builders import FixedClock, drawn


def deployed(folder: Path, blueprint: Blueprint, age: timedelta = timedelta(0)) -> None:
    """Make a deployment whose people got their keys ``age`` ago, or earlier in this process."""
    if blueprint.database:
        deploying.init(folder, blueprint, now() - age, secrets.token_bytes)
    else:
        _copy(folder, blueprint, age)


def deployed_when_the_clock_stands(folder: Path, blueprint: Blueprint) -> None:
    """Make a deployment that is the same in every run, at the moment of the clock that stands."""
    _copy(folder, blueprint, None)


def _copy(folder: Path, blueprint: Blueprint, age: timedelta | None) -> None:
    shutil.copytree(_made(blueprint.deployment, blueprint.kind, blueprint.sent_by, age), folder, dirs_exist_ok=True)
    (folder / "deployment.toml").write_text(deploying.deployment_toml(blueprint))


@cache
def _made(name: str, kind: DeploymentKind, sent_by: str, age: timedelta | None) -> Path:
    parent = Path(tempfile.mkdtemp(prefix="made-"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    folder, plain = parent / "deployment", Blueprint(name, kind, sent_by)
    if age is None:
        deploying.init(folder, plain, FixedClock().now, drawn("init"))
    else:
        deploying.init(folder, plain, now() - age, secrets.token_bytes)
    return folder
