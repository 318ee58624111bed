"""Deployments as far as a night has come, each made once and copied for every session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Office
from tests.cli.sessions.telling import Told

COUNTDOWN_S = 1
NEVER_MS = 86_400_000
"""No role runs here, and a stage is copied long after its release: nobody is silent in these sessions."""


@dataclass(frozen=True)
class Scene:
    """A deployment of one's own, and what is there: an incident, its armed message, its plan."""

    told: Told
    incident: str = ""
    message: str = ""
    plan: str = ""

    @property
    def office(self) -> Office:
        """Its people, for what is not the subject."""
        return self.told.office

    @property
    def name(self) -> str:
        """The plan, as people type it."""
        return self.plan[:12]

    @property
    def token(self) -> str:
        """The token of the plan, from where it is read."""
        self.told.tokens.append(str(self.office.run("clearance", "read", self.plan).json["token"]))
        return self.told.tokens[-1]


Stage = Callable[[Office], dict[str, str]]


def _empty(office: Office) -> dict[str, str]:
    office.feed()
    return {}


def _drafted(office: Office) -> dict[str, str]:
    message = office.message()
    incident = office.run("status").json["incidents"][0]["id"]
    return {"message": message, "incident": incident}


def _submitted(office: Office) -> dict[str, str]:
    made = _drafted(office)
    return {**made, "plan": office.run("clearance", "submit", made["message"], by="author-1").json["plan"]}


def _cleared(office: Office) -> dict[str, str]:
    made = _submitted(office)
    for person in ("checker-1", "director-1"):
        office.run("clearance", "approve", made["plan"], by=person)
    return made


def _released(office: Office) -> dict[str, str]:
    made = _cleared(office)
    office.run("release", made["plan"], by="director-1")
    return made


STAGES: dict[str, Stage] = {
    "empty": _empty,
    "drafted": _drafted,
    "submitted": _submitted,
    "cleared": _cleared,
    "released": _released,
}
Scenes = Callable[[str], Scene]


@pytest.fixture(scope="session")
def stages(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, dict[str, str]]]:
    """A deployment that has come as far as a stage, to be copied."""
    known: dict[str, tuple[Path, dict[str, str]]] = {}

    def stage(name: str) -> tuple[Path, dict[str, str]]:
        if name not in known:
            folder = tmp_path_factory.mktemp(name) / "deployment"
            shutil.copytree(made, folder)
            settings = folder / "deployment.toml"
            timing = f"[timing]\nsilence_ms = {NEVER_MS}\n"
            settings.write_text(f"countdown_s = {COUNTDOWN_S}\n{settings.read_text()}\n{timing}")
            known[name] = (folder, STAGES[name](Office(folder)))
        return known[name]

    return stage


@pytest.fixture
def scene(stages: Callable[[str], tuple[Path, dict[str, str]]], tmp_path: Path) -> Scenes:
    """A copy of the deployment at a stage, of one's own."""

    def at(name: str) -> Scene:
        folder, made = stages(name)
        shutil.copytree(folder, tmp_path / "deployment")
        return Scene(Told(Office(tmp_path / "deployment")), **made)

    return at
