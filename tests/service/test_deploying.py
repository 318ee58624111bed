"""Making a deployment: what is in it, who can sign with what, and that it is whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from dispatcher.domain.errors import Forbidden, Invalid, Unavailable
from dispatcher.domain.people import DeploymentKind, Role
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy_file import load
from dispatcher.service import deploying
from dispatcher.service.deploying import Blueprint, Made
from dispatcher.settings import load_settings
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.statements.trust import load_trust
from dispatcher.store import migrate
from dispatcher.store.database import open_engine
from tests.builders import drawn
from tests.cast import NOW


def make(folder: Path, kind: DeploymentKind = DeploymentKind.TEST, name: str = "city", **more: object) -> Made:
    """Make a deployment in a folder."""
    return deploying.init(folder, Blueprint(name, kind, **more), NOW, drawn("init"))  # type: ignore[arg-type]


def test_its_trust_files_are_ones_to_go_by(tmp_path: Path) -> None:
    """All owners, two of whom are enough, signed roster and policy; the trust root has the digest to read aloud."""
    made = make(tmp_path / "d")
    trust = load_trust(tmp_path / "d" / "trust", load, floor=tmp_path / "floor.json", now=NOW)
    for name in ("roster", "policy"):
        signed = json.loads((tmp_path / "d" / "trust" / f"{name}.sigs.json").read_text())
        assert [json.loads(envelope["payload"])["person"] for envelope in signed] == ["owner-1", "owner-2", "owner-3"]
    assert trust.root.threshold == 2
    assert (trust.root.deployment, trust.root.digest) == ("city", made.root_digest)
    assert trust.policy.in_force(NOW) is not None


def test_everybody_can_sign_with_their_key_file(tmp_path: Path) -> None:
    """Each person's file holds the key that the roster has for them, and they hold a role from now on."""
    made = make(tmp_path / "d")
    roster = load_trust(tmp_path / "d" / "trust", load, now=NOW).roster
    for name in made.people:
        signer = KeyFileSigner(tmp_path / "d" / "keys" / "exercise" / name)
        person = roster.person_of_key(signer.fingerprint)
        assert person is not None
        assert (person.id, [held.valid_at(NOW) for held in person.roles]) == (name, [True])


def test_every_role_has_somebody(tmp_path: Path) -> None:
    """No clearance of the example policy lacks a person who could give it; the Welsh checker reads Welsh."""
    make(tmp_path / "d")
    roster = load_trust(tmp_path / "d" / "trust", load, now=NOW).roster
    assert [role for role in Role if not roster.holders(role, NOW)] == []
    assert [person.languages for person in roster.holders(Role.LANGUAGE_CHECKER, NOW)] == [("cy",)]


def test_a_test_deployment_has_its_console_on_the_roster(tmp_path: Path) -> None:
    """With a key of its own, in the one role that only stops things; in production the owners add it."""
    for kind, there in ((DeploymentKind.TEST, [Role.CONSOLE]), (DeploymentKind.PRODUCTION, [])):
        folder = tmp_path / kind
        make(folder, kind)
        roster = load_trust(folder / "trust", load, now=NOW).roster
        assert list(roster.roles_of("console", NOW)) == there
        assert (folder / "keys" / "console").exists() is bool(there)
    key = KeyFileSigner(tmp_path / DeploymentKind.TEST / "keys" / "console").fingerprint
    roster = load_trust(tmp_path / DeploymentKind.TEST / "trust", load, now=NOW).roster
    assert getattr(roster.person_of_key(key), "id", None) == "console"


def test_a_director_is_on_call_and_has_a_deputy(tmp_path: Path) -> None:
    """Whom to ask first, and who stands in for them: one voice."""
    make(tmp_path / "d")
    roster = load_trust(tmp_path / "d" / "trust", load, now=NOW).roster
    assert roster.holders(Role.DUTY_DIRECTOR, NOW)[0].id == "director-1"
    assert roster.voice("deputy-director-1", NOW) == {"director-1", "deputy-director-1"}


def test_the_relay_signs_with_the_key_that_the_trust_root_names(tmp_path: Path) -> None:
    """And that key is nobody's."""
    make(tmp_path / "d")
    trust = load_trust(tmp_path / "d" / "trust", load, now=NOW)
    signer = KeyFileSigner(tmp_path / "d" / "keys" / "status")
    assert signer.fingerprint == trust.root.status_key.fingerprint
    assert trust.roster.person_of_key(signer.fingerprint) is None


def test_nothing_in_it_is_open_to_others(tmp_path: Path) -> None:
    """The folder and its folders are 0700, secret files 0600."""
    make(tmp_path / "d")
    folders = [Path(base) for base, _, _ in os.walk(tmp_path / "d")]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    secret = [path for path in (tmp_path / "d" / "keys").rglob("*") if path.is_file() and path.suffix != ".pub"]
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


def test_each_sending_role_has_its_own_identity_per_mode(tmp_path: Path) -> None:
    """Six different ones: no role opens another's credentials, and no mode the other's."""
    make(tmp_path / "d")
    settings = load_settings(tmp_path / "d")
    roles = ("accounts", "recipients", "tiktok-sender")
    recipients = {settings.vault(mode, role).recipient() for mode in Mode for role in roles}
    assert len(recipients) == 6


def test_its_database_is_ready(tmp_path: Path) -> None:
    """The newest migration has run."""
    make(tmp_path / "d")
    engine = open_engine(load_settings(tmp_path / "d").database)
    assert migrate.current(engine) == migrate.head()
    engine.dispose()


def test_its_settings_are_what_was_asked_for(tmp_path: Path) -> None:
    """Names with quotes, shorter waits and channels' figures come back as given."""
    make(
        tmp_path / "d",
        sent_by='The "City" of Tŷ',
        simulator="http://127.0.0.1:9",
        chunk=7,
        timing={"lease_ms": 900},
        channels={"x": {"lag_ms": 50}},
    )
    settings = load_settings(tmp_path / "d")
    assert (settings.sent_by, settings.simulator, settings.chunk) == ('The "City" of Tŷ', "http://127.0.0.1:9", 7)
    assert (settings.timing.lease_ms, settings.channel("x").lag_ms) == (900, 50)


def test_ssh_keygen_reads_the_keys(tmp_path: Path) -> None:
    """They are ordinary OpenSSH key files, so an agent takes them."""
    make(tmp_path / "d")
    path = tmp_path / "d" / "keys" / "exercise" / "director-1"
    printed = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, text=True, check=True).stdout
    assert printed.split()[:2] == path.with_suffix(".pub").read_text().split()[:2]


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written beside what is there."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Invalid, match="in use"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """It becomes the deployment."""
    (tmp_path / "d").mkdir()
    make(tmp_path / "d")
    assert (tmp_path / "d" / "deployment.toml").is_file()


def test_a_deployment_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    """A database that cannot be opened ends it with a message and without a trace."""
    with pytest.raises(Unavailable, match="database"):
        make(tmp_path / "d", database=f"sqlite:///{tmp_path}/nowhere/dispatcher.db")
    assert list(tmp_path.iterdir()) == []


def test_a_production_deployment_says_that_its_people_are_examples(tmp_path: Path) -> None:
    """The same roster serves both modes, so the warning comes with it; a test deployment has none."""
    assert make(tmp_path / "p", DeploymentKind.PRODUCTION).warnings == (deploying.WARNING,)
    assert make(tmp_path / "t").warnings == ()


def test_a_production_deployment_keeps_the_references_waits(tmp_path: Path) -> None:
    """Shorter ones are refused."""
    with pytest.raises(Forbidden, match="waits"):
        make(tmp_path / "p", DeploymentKind.PRODUCTION, timing={"lease_ms": 1})


@pytest.mark.parametrize("name", ["City", "", "a/b"])
def test_a_deployments_name_is_a_plain_word(tmp_path: Path, name: str) -> None:
    """It is signed into every statement."""
    with pytest.raises(Invalid, match="cannot name"):
        make(tmp_path / "d", name=name)
