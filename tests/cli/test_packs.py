"""Evidence packs from the command line."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from dispatcher.cli.main import root
from tests.cli.conftest import Office

RULES = '[[redact]]\nclass = "s40"\nreason = "junior staff"\nperson = "author-1"\n'


def test_a_pack_is_made_redacted_and_verified_by_what_is_in_it(office: Office, tmp_path: Path) -> None:
    """Each by one command, and both acts are in the ledger; the pack's own verify.py finds the redacted one good."""
    incident, rules = office.incident(), tmp_path / "rules.toml"
    rules.write_text(RULES)
    made = office.run("evidence", "export", incident, "--to", tmp_path / "pack.zip", by="reviewer-1")
    assert made.json["schema"] == "dispatcher/evidence-pack/v1"
    assert f"{made.json['unproved']} entries have no proof yet" in made.err
    words = ("evidence", "redact", tmp_path / "pack.zip", "--to", tmp_path / "less.zip", "--rules", rules)
    less = office.run(*words, by="reviewer-1")
    assert (less.json["entries"], less.json["redacted_from"]) == (1, made.json["sha256"])
    assert "is still in keys.json" in less.err
    with zipfile.ZipFile(tmp_path / "less.zip") as pack:
        program = pack.extract("verify.py", tmp_path)
    run = [sys.executable, "-I", program, str(tmp_path / "less.zip")]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "1 entries are redacted" in done.stdout) == (0, True)
    found = office.run("ledger", "tail", "--kind", "evidence.").json["entries"]
    assert [(one["kind"], one["facts"]["sha256"]) for one in found] == [
        ("evidence.exported", made.json["sha256"]),
        ("evidence.redacted", less.json["sha256"]),
    ]


def test_a_redaction_needs_no_deployment(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor a key: whoever has the pack can derive another."""
    incident, rules = office.incident(), tmp_path / "rules.toml"
    rules.write_text(RULES)
    office.run("evidence", "export", incident, "--to", tmp_path / "pack.zip", by="reviewer-1")
    words = [
        "evidence",
        "redact",
        str(tmp_path / "pack.zip"),
        "--to",
        str(tmp_path / "less.zip"),
        "--rules",
        str(rules),
    ]
    nobody = {"DISPATCHER_KEY": None, "SSH_AUTH_SOCK": None}
    unsigned = CliRunner(env={"DISPATCHER_DEPLOYMENT": str(office.folder), **nobody}).invoke(root, words)
    assert (unsigned.exit_code, "Nobody is on record" in unsigned.output) == (0, True), unsigned.output
    (tmp_path / "less.zip").unlink()
    monkeypatch.chdir("/")
    done = CliRunner(env={"DISPATCHER_DEPLOYMENT": None, **nobody}).invoke(root, words)
    assert (done.exit_code, (tmp_path / "less.zip").exists()) == (0, True), done.output


def test_an_export_is_made_by_somebody(office: Office, tmp_path: Path) -> None:
    """Without a key nobody could be named in the ledger: exit code 4, and no file."""
    office.run("evidence", "export", office.incident(), "--to", tmp_path / "pack.zip", code=4)
    assert not (tmp_path / "pack.zip").exists()
