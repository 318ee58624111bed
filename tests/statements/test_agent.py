"""ssh-agent: a real one, and one in software for what a real one cannot be made to do here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.statements import sshsig
from dispatcher.statements.agent import AgentSigner, agent_keys
from dispatcher.statements.errors import SigningError
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.wire import string, uint32
from tests.servers import missing
from tests.statements.support import SecurityKey, SoftAgent, SoftKey, make_key_file, statement

STATEMENT = statement()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """A real ssh-agent on its own socket, ended with the test."""
    program = shutil.which("ssh-agent") or missing("ssh-agent", "install openssh-client")
    path = tmp_path / "agent"
    with subprocess.Popen([program, "-D", "-a", str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # printed once the socket listens
        yield path
        process.terminate()


def add(agent: Path, key: Path) -> None:
    environment = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", str(key)], check=True, env=environment, capture_output=True)


@pytest.mark.system
def test_a_real_agent_signs(agent: Path, tmp_path: Path) -> None:
    """A key added with ssh-add signs a statement that verifies."""
    key = make_key_file(tmp_path / "key")
    add(agent, key)
    fingerprint = KeyFileSigner(key).fingerprint
    envelope = sign(STATEMENT, AgentSigner(agent, fingerprint))
    read = sshsig.verify(envelope.signature, envelope.payload, sshsig.NAMESPACES[Mode.LIVE])
    assert read.fingerprint == fingerprint


@pytest.mark.system
def test_a_real_agent_and_its_key_file_make_the_same_signature(agent: Path, tmp_path: Path) -> None:
    """The road to the key does not show in the signature."""
    key = make_key_file(tmp_path / "key")
    add(agent, key)
    from_file = KeyFileSigner(key)
    assert sign(STATEMENT, AgentSigner(agent, from_file.fingerprint)) == sign(STATEMENT, from_file)


@pytest.mark.system
def test_keys_that_may_not_sign_are_passed_over(agent: Path, tmp_path: Path) -> None:
    """An RSA key beside an ed25519 key does not show, and does not disturb."""
    add(agent, make_key_file(tmp_path / "rsa", "rsa"))
    key = make_key_file(tmp_path / "key")
    add(agent, key)
    assert [held.fingerprint for held in agent_keys(agent)] == [KeyFileSigner(key).fingerprint]


@pytest.mark.system
def test_an_empty_agent_says_to_add_a_key(agent: Path) -> None:
    """The next step is ssh-add."""
    with pytest.raises(SigningError, match="holds no ed25519 key") as refused:
        AgentSigner(agent, SoftKey(1).fingerprint)
    assert "ssh-add" in refused.value.next_step


@pytest.mark.system
def test_a_key_removed_meanwhile_is_a_refusal(agent: Path, tmp_path: Path) -> None:
    """The agent's failure answer becomes a message."""
    key = make_key_file(tmp_path / "key")
    add(agent, key)
    signer = AgentSigner(agent, KeyFileSigner(key).fingerprint)
    environment = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", "-D"], check=True, env=environment, capture_output=True)
    with pytest.raises(SigningError, match="refused to sign"):
        sign(STATEMENT, signer)


def test_a_security_key_behind_an_agent_signs_with_its_flags(tmp_path: Path) -> None:
    """Touch and PIN come through the agent's answer."""
    token = SecurityKey(2, flags=0x05)
    with SoftAgent(token).listening(tmp_path / "agent") as path:
        envelope = sign(STATEMENT, AgentSigner(path, token.fingerprint))
    read = sshsig.verify(envelope.signature, envelope.payload, sshsig.NAMESPACES[Mode.LIVE])
    assert (read.fingerprint, read.touched, read.pin) == (token.fingerprint, True, True)


def test_no_agent_at_the_socket_is_a_refusal(tmp_path: Path) -> None:
    """The message names the socket, the next step SSH_AUTH_SOCK."""
    with pytest.raises(SigningError, match="no ssh-agent at") as refused:
        agent_keys(tmp_path / "nowhere")
    assert "SSH_AUTH_SOCK" in refused.value.next_step


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x05", b"\x0c", b"\x0c" + uint32(3), b"\x0c" + uint32(1) + string(b"x"), b"\x0c" + uint32(0) + b"x"],
)
def test_an_answer_that_cannot_be_read_is_a_refusal(answer: bytes, tmp_path: Path) -> None:
    """A failing, short or overlong answer raises SigningError and nothing else."""
    with (
        SoftAgent(answer=answer).listening(tmp_path / "agent") as path,
        pytest.raises(SigningError, match="cannot read"),
    ):
        agent_keys(path)


def test_an_agent_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """The wait for a touch ends with a message."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(tmp_path / "agent"))
        silent.listen()
        with pytest.raises(SigningError, match="no answer from the agent"):
            agent_keys(tmp_path / "agent", timeout_s=0.05)
