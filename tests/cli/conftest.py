"""A real test deployment on disk, and its people at the command line."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dispatcher.cli.main import root
from ops.reading import having_read
from tests.cli import documents, recorded

BURIED = re.compile(r"(?m)^Next: (?!dispatcher ).*(?<!`)\bdispatcher [a-z]")
"""A next step whose command stands behind other words, so that the line cannot be pasted."""
ENGLISH = "Storm tonight\n\nStay indoors from 6pm.\n---\nCharge your telephone now.\n"


@dataclass(frozen=True)
class Said:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass(frozen=True)
class Office:
    """A deployment, and how each of its people types a command. Without a person there is no key."""

    folder: Path

    def key(self, person: str) -> Path:
        """A person's private key file."""
        return self.folder / "keys" / "exercise" / person

    def run(self, *words: object, by: str | None = None, code: int = 0) -> Said:
        """Run one command; it must end with this exit code, and be recorded as the table says."""
        environment = {"DISPATCHER_DEPLOYMENT": str(self.folder), "DISPATCHER_KEY": None, "SSH_AUTH_SOCK": None}
        if by:
            environment["DISPATCHER_KEY"] = str(self.key(by))
        typed = [str(word) for word in words]
        if code == 0:
            typed = list(having_read(typed, lambda *read: self.run(*read).json))
        before = self.kinds()
        done = CliRunner(env=environment).invoke(root, typed)
        assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
        assert not BURIED.search(done.stderr), done.stderr
        documents.check(typed, done.stdout + done.stderr)
        if code == 0 and "--help" not in typed:
            recorded.check(typed, self.kinds()[len(before) :])
        return Said(done.exit_code, done.stdout, done.stderr)

    def kinds(self) -> list[str]:
        """The kinds of all ledger entries, in order; none where there is no database."""
        path = self.folder / "data" / "dispatcher.db"
        if not path.is_file():
            return []
        with contextlib.closing(sqlite3.connect(path)) as database:
            return [kind for (kind,) in database.execute("SELECT kind FROM ledger ORDER BY id")]

    def ledger(self) -> int:
        """How many entries the ledger has."""
        return len(self.run("ledger", "tail", "-n", "10000").json["entries"])

    def incident(self) -> str:
        """Declare an exercise about a storm."""
        words = ("incident", "declare", "severe_weather", "Storm", "--mode", "exercise", "--area", "Old Town")
        return str(self.run(*words, by="author-1").json["id"])

    def warned(self) -> str:
        """The same, with the warning that policy wants to know of."""
        name = self.incident()
        self.run("incident", "evidence", name, "warning", "red", "--source", "weather service", by="author-1")
        return name

    def feed(self, name: str = "feed-city") -> str:
        """Add an exercise account on the CAP feed."""
        folder = self.folder / "feed"
        folder.mkdir(exist_ok=True)
        settings = ("--set", f"folder={folder}", "--set", "sender=warnings@example.org")
        about = ("--channel", "cap_feed", "--handle", "City feed", "--language", "en-GB", "--mode", "exercise")
        self.run("account", "add", name, *about, *settings, by="ops-1")
        return name

    def message(self, text: str = ENGLISH, incident: str = "") -> str:
        """Draft and arm a message for an exercise with one account; about a storm that was warned of, else named."""
        self.feed()
        file = self.folder.parent / "storm.txt"
        file.write_text(text)
        words = ("message", "draft", incident or self.warned(), "--text", f"en-GB={file}", "--valid-until", "+6h")
        name = str(self.run(*words, by="author-1").json["message"])
        self.run("message", "arm", name, by="author-1")
        return name

    def plan(self) -> str:
        """Submit a plan for one feed in English, which a checker and a director must approve."""
        return str(self.run("clearance", "submit", self.message(), by="author-1").json["plan"])

    def document(self, plan: str) -> dict[str, Any]:
        """A plan as people sign it."""
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "dispatcher.db")) as database:
            (body,) = database.execute("SELECT body FROM plans WHERE digest = ?", (plan,)).fetchone()
        document: dict[str, Any] = json.loads(body)
        return document

    def cleared(self) -> str:
        """A plan that only wants its release."""
        plan = self.plan()
        for person in ("checker-1", "director-1"):
            self.run("clearance", "approve", plan, by=person)
        return plan

    def released(self) -> str:
        """A released plan with one delivery, which no worker takes because none runs."""
        plan = self.cleared()
        self.run("release", plan, by="director-1")
        return plan

    def move(self, *states: str, reason: str = "", attempts: int = 1) -> str:
        """Play the worker: move the one delivery along its lifecycle; gives its name."""
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "dispatcher.db")) as database, database:
            for state in states:
                values = (state, reason, attempts)
                database.execute("UPDATE deliveries SET state = ?, reason = ?, attempts = ?", values)
            return str(database.execute("SELECT id FROM deliveries").fetchone()[0])


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment as ``dispatcher init`` makes it, to be copied."""
    folder = tmp_path_factory.mktemp("made") / "deployment"
    words = ["init", str(folder), "--kind", "test", "--name", "example-city", "--simulator", "http://127.0.0.1:9"]
    done = CliRunner().invoke(root, words)
    assert done.exit_code == 0, (done.stderr, done.exception)
    return folder


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Office:
    """A deployment of one's own."""
    shutil.copytree(made, tmp_path / "deployment")
    return Office(tmp_path / "deployment")
