"""``dispatcher doctor`` as it is typed."""

from __future__ import annotations

import json

import pytest

from dispatcher.cli import output
from tests.cli.conftest import Office


def test_a_deployment_in_which_nothing_fails_ends_with_0(office: Office) -> None:
    """Warnings are allowed unless it is strict; it is on record with its counts."""
    said = office.run("doctor").json
    assert (said["counts"]["failing"], said["unrecorded"]) == (0, "")
    assert said["counts"]["warning"] > 0
    assert office.kinds()[-1] == "doctor.run"
    assert office.run("doctor", "--strict", code=11).json["counts"]["failing"] == 0


def test_what_fails_ends_it_with_11_and_the_fix(office: Office) -> None:
    """The worst comes first, in the document and in the message."""
    (office.folder / "keys" / "status").chmod(0o644)
    said = office.run("doctor", code=11)
    worst = said.json["findings"][0]
    assert (worst["level"], worst["family"]) == ("failing", "keys")
    assert worst["fix"].startswith("chmod 600")
    assert "1 thing to mend first" in said.err


def test_people_get_lines_with_the_summary_last(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is well only where they ask for it."""
    monkeypatch.setattr(output, "wants_json", lambda asked: asked)
    said = office.run("doctor").out
    assert said.startswith("WARNING\n")
    assert "\nOK\n" not in said
    assert said.splitlines()[-1].startswith("0 failing, ")
    assert "\nOK\n" in office.run("doctor", "--all").out


def test_a_broken_deployment_is_examined(office: Office) -> None:
    """Without its database and with a file that says nothing, as far as the trust root and the folders tell."""
    (office.folder / "data" / "dispatcher.db").unlink()
    (office.folder / "deployment.toml").write_text("] nonsense")
    said = office.run("doctor", code=11)
    families = {one["family"] for one in json.loads(said.out)["findings"] if one["level"] == "failing"}
    assert families == {"settings", "database"}
    assert json.loads(said.out)["deployment"] == "example-city"
    assert "Not in the ledger" in said.err
