"""Whose key signs: a file, the agent, or another machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from dispatcher.cli.main import root
from tests.cli.conftest import Office
from tests.servers import missing, until
from tests.statements.support import SoftAgent, SoftKey, ssh_keygen


@contextmanager
def running_agent(folder: Path) -> Iterator[dict[str, str]]:
    """A real ssh-agent; gives the environment that finds it."""
    program = shutil.which("ssh-agent") or missing("ssh-agent", "install openssh-client")
    socket = folder / "agent"
    with subprocess.Popen([program, "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as agent:
        try:
            until(socket.exists, "the agent listens")
            yield {"SSH_AUTH_SOCK": str(socket)}
        finally:
            agent.terminate()


def sign_elsewhere(office: Office, person: str, file: Path) -> None:
    """What the person types on another machine."""
    words = ["-Y", "sign", "-n", "dispatcher-exercise-v1", "-f", office.key(person), file]
    subprocess.run([ssh_keygen(), *words], check=True, capture_output=True)


def to_sign(office: Office, person: str, *words: str) -> Path:
    """The file that ``--to-sign`` writes for a person of whom only the public key is here."""
    file = office.folder.parent / f"{person}.payload"
    key = office.key(person).with_suffix(".pub")
    office.run("--key", key, *words, "--to-sign", file, code=4)
    return file


@pytest.mark.system
def test_an_approval_is_signed_on_another_machine(office: Office) -> None:
    """What --to-sign wrote is signed by ssh-keygen and counts when it is brought back."""
    plan = office.plan()
    file = to_sign(office, "checker-1", "clearance", "approve", plan)
    sign_elsewhere(office, "checker-1", file)
    said = office.run("clearance", "approve", plan, "--payload", file, "--signature", f"{file}.sig")
    assert "checker (" not in said.err
    assert "duty_director (" in said.err


@pytest.mark.system
def test_a_release_signed_elsewhere_asks_for_its_token_where_it_is_released(office: Office) -> None:
    """Writing the payload releases nothing and asks for none; the half that brings the signature does."""
    plan = office.cleared()
    file = to_sign(office, "director-1", "release", plan)
    sign_elsewhere(office, "director-1", file)
    brought = ("release", plan, "--payload", file, "--signature", f"{file}.sig")
    assert "--confirm TOKEN" in office.run(*brought, code=7).err
    token = office.run("clearance", "read", plan).json["token"]
    assert office.run(*brought, "--confirm", token).json["plan"] == plan


@pytest.mark.system
def test_a_submission_is_signed_on_another_machine(office: Office) -> None:
    """The plan that is frozen with the signature is the very plan that was signed."""
    message = office.message()
    file = to_sign(office, "author-1", "clearance", "submit", message)
    sign_elsewhere(office, "author-1", file)
    said = office.run("clearance", "submit", message, "--payload", file, "--signature", f"{file}.sig")
    assert said.json["state"] == "submitted"


@pytest.mark.system
def test_show_writes_what_an_approver_signs(office: Office) -> None:
    """``clearance show --to-sign`` is the approval's payload, and says how to bring it back."""
    plan = office.plan()
    file = to_sign(office, "checker-1", "clearance", "show", plan)
    sign_elsewhere(office, "checker-1", file)
    office.run("clearance", "approve", plan, "--payload", file, "--signature", f"{file}.sig")


def test_to_sign_changes_nothing_and_says_how_to_go_on(office: Office) -> None:
    """The command stops with exit code 4, the ssh-keygen command and its own second half; the ledger is as before."""
    plan = office.plan()
    before = office.ledger()
    file = office.folder.parent / "approval"
    said = office.run("clearance", "approve", plan, "--to-sign", file, by="checker-1", code=4)
    assert f"ssh-keygen -Y sign -n dispatcher-exercise-v1 -f KEY {file}" in said.err
    assert f"dispatcher clearance approve {plan} --payload {file} --signature {file}.sig" in said.err
    assert office.ledger() == before


@pytest.mark.system
def test_a_signature_over_another_case_is_stale(office: Office) -> None:
    """A payload signed for all channels does not become an approval for one: exit code 5, nothing recorded."""
    plan = office.plan()
    file = to_sign(office, "checker-1", "clearance", "approve", plan)
    sign_elsewhere(office, "checker-1", file)
    before = office.ledger()
    both = ("--payload", str(file), "--signature", f"{file}.sig")
    office.run("clearance", "reject", plan, "--reason", "no", *both, code=5)
    assert office.ledger() == before


@pytest.mark.system
def test_somebody_elses_signature_is_not_the_signers(office: Office) -> None:
    """A payload in one person's name with another's signature is not what that other would sign: exit code 5."""
    plan = office.plan()
    file = to_sign(office, "checker-1", "clearance", "approve", plan)
    sign_elsewhere(office, "director-1", file)
    before = office.ledger()
    both = ("--payload", str(file), "--signature", f"{file}.sig")
    office.run("clearance", "approve", plan, *both, code=5)
    assert office.ledger() == before


def test_half_of_a_signature_is_wrong_input(office: Office) -> None:
    """A signature without its payload is refused, naming both options."""
    said = office.run("clearance", "approve", office.plan(), "--signature", "file", code=2)
    assert "--payload" in said.err


def test_a_payload_is_never_written_over(office: Office) -> None:
    """An existing file is left alone."""
    plan = office.plan()
    file = office.folder.parent / "mine"
    file.write_text("mine")
    office.run("clearance", "approve", plan, "--to-sign", file, by="checker-1", code=2)
    assert file.read_text() == "mine"


@pytest.mark.system
def test_the_agents_first_key_on_the_roster_signs(office: Office, tmp_path: Path) -> None:
    """With nothing but an agent the roster decides which of its keys is yours; the others are passed over."""
    plan = office.plan()
    with running_agent(tmp_path) as environment:
        for key in (office.folder / "keys" / "status", office.key("checker-1")):
            subprocess.run(["ssh-add", "-q", str(key)], check=True, env={**os.environ, **environment})
        done = CliRunner(env={**environment, "DISPATCHER_DEPLOYMENT": str(office.folder)}).invoke(
            root, ["clearance", "approve", plan]
        )
    assert done.exit_code == 0, done.stderr
    assert "duty_director (" in done.stderr


def test_a_public_key_signs_through_the_agent(office: Office, tmp_path: Path) -> None:
    """``--key me.pub`` names a key that the agent must hold; where it does not, the message says what to add."""
    plan = office.plan()
    with SoftAgent(SoftKey(1)).listening(tmp_path / "agent") as socket:
        environment = {"SSH_AUTH_SOCK": str(socket), "DISPATCHER_DEPLOYMENT": str(office.folder)}
        key = str(office.key("checker-1").with_suffix(".pub"))
        done = CliRunner(env=environment).invoke(root, ["clearance", "approve", plan, "--key", key])
    assert done.exit_code == 4
    assert "ssh-add" in done.stderr


def test_an_agent_without_a_rostered_key_signs_nothing(office: Office, tmp_path: Path) -> None:
    """An agent full of strangers is exit code 4."""
    plan = office.plan()
    with SoftAgent(SoftKey(1)).listening(tmp_path / "agent") as socket:
        environment = {"SSH_AUTH_SOCK": str(socket), "DISPATCHER_DEPLOYMENT": str(office.folder)}
        done = CliRunner(env=environment).invoke(root, ["clearance", "approve", plan])
    assert done.exit_code == 4
    assert "none of the agent's 1 keys is on roster 1" in done.stderr


@pytest.mark.system
def test_an_encrypted_key_needs_a_terminal(office: Office) -> None:
    """Its passphrase is asked for on a terminal only: exit code 7, naming the agent."""
    key = office.key("checker-1")
    subprocess.run([ssh_keygen(), "-p", "-q", "-P", "", "-N", "secret", "-f", key], check=True, capture_output=True)
    said = office.run("clearance", "approve", office.plan(), by="checker-1", code=7)
    assert "ssh-add" in said.err


@pytest.mark.parametrize("spoil", [lambda key: key.write_text("not a key"), lambda key: key.unlink()])
def test_a_key_file_that_is_none_is_said_so(office: Office, spoil: object) -> None:
    """A damaged or missing key file is exit code 4."""
    plan = office.plan()
    spoil(office.key("checker-1"))  # type: ignore[operator]
    office.run("clearance", "approve", plan, by="checker-1", code=4)
