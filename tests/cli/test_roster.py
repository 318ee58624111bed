"""Who may do what, and a lost key replaced in three commands, as people type them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dispatcher.cli.main import root
from tests.cli.conftest import Office
from tests.statements.support import SecurityKey, SoftAgent, SoftKey, make_key_file, ssh_keygen


@pytest.fixture
def new_key(tmp_path: Path) -> Path:
    """A key that ssh-keygen made."""
    return make_key_file(tmp_path / "new")


def public(key: Path) -> Path:
    """Its public half."""
    return key.with_suffix(".pub")


def contents(office: Office) -> dict[str, bytes]:
    """Every trust file."""
    return {path.name: path.read_bytes() for path in (office.folder / "trust").iterdir()}


def sign_elsewhere(key: Path, file: Path) -> None:
    """What an owner types on a machine that has nothing but OpenSSH."""
    command = [ssh_keygen(), "-Y", "sign", "-n", "dispatcher-live-v1", "-f", str(key), str(file)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever opens an Internet connection fails."""
    import socket

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("this needs no network")

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        yield


@pytest.mark.system
@pytest.mark.usefixtures("no_network")
def test_an_officers_lost_key_is_replaced_in_three_commands(office: Office, new_key: Path) -> None:
    """Propose, sign (an owner with ssh-keygen, one here), install: the new key is the director's, the old no more."""
    change = office.folder.parent / "change"
    office.run("roster", "rotate", change, "--new", f"director-1={public(new_key)}")
    sign_elsewhere(office.key("owner-1"), change / "owner-1.statement")
    office.run("roster", "sign", change, "--key", office.key("owner-2"))
    assert office.run("roster", "install", change).json["roster"] == 2
    assert office.run("whoami", "--key", new_key).json["person"] == "director-1"
    assert "is revoked" in office.run("whoami", by="director-1", code=4).err
    office.run("incident", "declare", "storm", "Storm", "--mode", "exercise", by="director-1", code=4)


@pytest.mark.system
@pytest.mark.usefixtures("no_network")
def test_an_owners_lost_key_is_replaced_in_three_commands(office: Office, new_key: Path) -> None:
    """The same three; the root goes to version 2, and what the lost key signed from then on counts for nothing."""
    change = office.folder.parent / "change"
    made = office.run("roster", "rotate", change, "--new", f"owner-1={public(new_key)}").json
    for owner in ("owner-2", "owner-3"):
        sign_elsewhere(office.key(owner), change / f"{owner}.statement")
    installed = office.run("roster", "install", change).json
    assert (installed["root"], installed["root_digest"]) == (2, made["root_digest"])
    second = office.folder.parent / "second"
    office.run("roster", "rotate", second, "--new", f"director-1={public(make_key_file(new_key.with_name('other')))}")
    office.run("roster", "sign", second, "--key", office.key("owner-1"), code=4)
    office.run("roster", "sign", second, "--key", new_key)
    office.run("roster", "sign", second, "--key", office.key("owner-2"))
    assert office.run("roster", "install", second).json["roster"] == 3


@pytest.mark.system
def test_a_change_with_one_signature_is_not_installed(office: Office, new_key: Path) -> None:
    """It says how many are there; every file is as before."""
    change, before = office.folder.parent / "change", contents(office)
    office.run("roster", "rotate", change, "--new", f"director-1={public(new_key)}")
    office.run("roster", "sign", change, "--key", office.key("owner-1"))
    said = office.run("roster", "install", change, code=2)
    assert "signed by 1 of 2 policy owners" in said.err
    assert contents(office) == before


@pytest.mark.system
def test_every_step_says_what_comes_next(office: Office, new_key: Path) -> None:
    """Who signs which file and how, what to install, and that running roles must be started again."""
    change = office.folder.parent / "change"
    said = office.run("roster", "rotate", change, "--new", f"director-1={public(new_key)}")
    assert "Missing: the signatures of 2 policy owners" in said.err
    assert f"ssh-keygen -Y sign -n dispatcher-live-v1 -f KEY {change}/OWNER.statement" in said.err
    assert said.json["to_sign"] == [f"owner-{n}.statement" for n in (1, 2, 3)]
    for owner in ("owner-1", "owner-2"):
        said = office.run("roster", "sign", change, by=owner)
    assert f"Next: dispatcher roster install {change}" in said.err
    assert "started with the new files" in office.run("roster", "install", change).err


@pytest.mark.system
def test_an_owner_signs_without_a_deployment(office: Office, new_key: Path) -> None:
    """The folder that was carried to another machine is all that is needed."""
    change = office.folder.parent / "change"
    office.run("roster", "rotate", change, "--new", f"director-1={public(new_key)}")
    environment = {"DISPATCHER_DEPLOYMENT": str(office.folder.parent / "nowhere"), "SSH_AUTH_SOCK": None}
    done = CliRunner(env=environment).invoke(
        root, ["roster", "sign", str(change), "--key", str(office.key("owner-1"))]
    )
    assert done.exit_code == 0, done.stderr
    assert (change / "owner-1.statement.sig").exists()


KING = """\
schema = "roster/v1"
version = 1
deployment = "example-city"
people = [{ id = "a", name = "A", roles = [{ role = "king", not_before = 2026-01-01T00:00:00Z }] }]
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [("version = [", "not TOML"), (KING, "'king' is none of author"), ("a = 1\na = 2", "not TOML")],
    ids=["malformed", "unknown role", "a key twice"],
)
def test_a_faulty_roster_is_neither_checked_nor_proposed(office: Office, content: str, said: str) -> None:
    """A clear error, exit code 2, nothing written."""
    file = office.folder.parent / "roster.toml"
    file.write_text(content)
    change, before = office.folder.parent / "change", contents(office)
    assert said in office.run("roster", "check", file, code=2).err
    assert said in office.run("roster", "rotate", change, "--with", file, code=2).err
    assert not change.exists()
    assert contents(office) == before


@pytest.mark.parametrize("content", ["ssh-rsa AAAAB3NzaC1yc2E=", "junk", ""])
def test_a_new_key_that_may_not_sign_is_refused(office: Office, content: str) -> None:
    """RSA and what is no key at all; nothing is written."""
    file, change = office.folder.parent / "new.pub", office.folder.parent / "change"
    file.write_text(content)
    office.run("roster", "rotate", change, "--new", f"director-1={file}", code=2)
    assert not change.exists()


def test_check_shows_who_may_do_what(office: Office) -> None:
    """Roles, keys, who has only one, and for which roles nobody is on call; of the deployment or of a file."""
    shown = office.run("roster", "check").json
    assert shown == office.run("roster", "check", office.folder / "trust" / "roster.toml").json
    deputy = next(role for role in shown["roles"] if role["person"] == "deputy-director-1")
    assert (deputy["role"], deputy["deputy_for"], deputy["on_call"]) == ("duty_director", "director-1", False)
    assert "director-1" in shown["one_key"]
    assert "checker" in shown["nobody_on_call"]
    assert "duty_director" not in shown["nobody_on_call"]
    assert {key["state"] for key in shown["keys"]} == {"in force"}


def test_check_refuses_trust_files_that_were_edited(office: Office) -> None:
    """The deployment's are checked with their signatures."""
    file = office.folder / "trust" / "roster.toml"
    file.write_text(file.read_text().replace("Director 1", "Director 9"))
    assert "signed by 0 of 2" in office.run("roster", "check", code=2).err
    assert office.run("roster", "check", file).json["version"] == 1


def test_whoami_is_known_from_the_key(office: Office) -> None:
    """Person, languages, roles with their windows, deputy for whom, on call, and whether the key is hardware."""
    checker = office.run("whoami", by="welsh-checker-1").json
    assert (checker["person"], checker["languages"], checker["owner"]) == ("welsh-checker-1", ["cy"], False)
    assert (checker["key"]["hardware"], checker["key"]["state"]) == (False, "in force")
    director, deputy = (office.run("whoami", by=name).json for name in ("director-1", "deputy-director-1"))
    assert [(role["role"], role["on_call"]) for role in director["roles"]] == [
        *(("duty_director", False), ("duty_director", True)),
    ]
    assert deputy["roles"][0]["deputy_for"] == "director-1"
    assert office.run("whoami", by="owner-1").json["owner"] is True


@pytest.mark.system
def test_a_hardware_key_is_known_as_one(office: Office, tmp_path: Path) -> None:
    """A security key behind the agent, from the roster that names it."""
    token = SecurityKey(77)
    (tmp_path / "token.pub").write_text(token.public)
    change = office.folder.parent / "change"
    office.run("roster", "rotate", change, "--new", f"director-1={tmp_path / 'token.pub'}")
    for owner in ("owner-1", "owner-2"):
        office.run("roster", "sign", change, by=owner)
    office.run("roster", "install", change)
    with SoftAgent(token).listening(tmp_path / "agent") as agent:
        environment = {
            "DISPATCHER_DEPLOYMENT": str(office.folder),
            "SSH_AUTH_SOCK": str(agent),
            "DISPATCHER_KEY": None,
        }
        done = CliRunner(env=environment).invoke(root, ["--json", "whoami"])
    assert done.exit_code == 0, done.stderr
    assert '"hardware": true' in done.stdout


def test_nobody_is_at_the_keyboard_with_a_strangers_key(office: Office, new_key: Path) -> None:
    """Exit code 4, with whom to ask."""
    assert "is nobody's on roster 1" in office.run("whoami", "--key", new_key, code=4).err


def test_an_agent_of_strangers_is_nobody(office: Office, tmp_path: Path) -> None:
    """The same through an agent."""
    with SoftAgent(SoftKey(1)).listening(tmp_path / "agent") as agent:
        environment = {
            "DISPATCHER_DEPLOYMENT": str(office.folder),
            "SSH_AUTH_SOCK": str(agent),
            "DISPATCHER_KEY": None,
        }
        done = CliRunner(env=environment).invoke(root, ["whoami"])
    assert done.exit_code == 4
