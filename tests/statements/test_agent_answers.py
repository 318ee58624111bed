"""What an ssh-agent may answer: its own limit on length, whole answers only, and time enough for a touch."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dispatcher.statements.agent import MAX_ANSWER, AgentSigner, agent_keys
from dispatcher.statements.errors import SigningError
from dispatcher.statements.signing import sign
from dispatcher.statements.wire import string, uint32
from tests.statements.support import SecurityKey, SoftAgent, SoftKey, statement

KEY = SoftKey(1)


class Trailing(SoftAgent):
    """Lists its keys, and puts a byte behind its signatures."""

    def reply(self, request: bytes) -> bytes:
        """The answer, with a byte too many when it is a signature."""
        answer = super().reply(request)
        return answer if request[0] == 11 else answer + b"\0"


class Touchless(SoftAgent):
    """Lists its keys, and waits for ever for a touch."""

    def reply(self, request: bytes) -> bytes:
        """The list, or nothing until the asker has gone."""
        if request[0] != 11:
            self.asked_away.wait()
        return super().reply(request)

    asked_away = threading.Event()


@contextmanager
def saying(path: Path, raw: bytes) -> Iterator[Path]:
    """An agent that writes these very bytes to whoever connects, and hangs up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with connection, suppress(BrokenPipeError):  # the asker may hang up first
                connection.recv(5, socket.MSG_WAITALL)
                connection.sendall(raw)

        thread = threading.Thread(target=answer)
        thread.start()
        yield path
        thread.join()


def listing(length: int) -> bytes:
    """A list of one key, with a comment that makes the answer so long."""
    head = b"\x0c" + uint32(1) + string(KEY.blob)
    return head + string(b"c" * (length - len(head) - 4))


def test_a_signer_names_its_key(tmp_path: Path) -> None:
    """The fingerprint is the one that it was asked to sign with, whatever else the agent holds."""
    with SoftAgent(SoftKey(2), KEY, SecurityKey(3)).listening(tmp_path / "agent") as path:
        assert AgentSigner(path, KEY.fingerprint).fingerprint == KEY.fingerprint


def test_a_refusal_names_the_keys_there_are(tmp_path: Path) -> None:
    """Who asks for a key that is not there sees which are."""
    with (
        SoftAgent(SoftKey(2), SoftKey(3)).listening(tmp_path / "agent") as path,
        pytest.raises(SigningError) as refused,
    ):
        AgentSigner(path, KEY.fingerprint)
    assert f"it holds {SoftKey(2).fingerprint}, {SoftKey(3).fingerprint}" in refused.value.message


def test_an_answer_as_long_as_agents_may_give_is_read(tmp_path: Path) -> None:
    """OpenSSH's own limit is ours."""
    with saying(tmp_path / "agent", string(listing(MAX_ANSWER))) as path:
        assert [key.fingerprint for key in agent_keys(path)] == [KEY.fingerprint]


def test_an_answer_longer_than_agents_may_give_is_not_read(tmp_path: Path) -> None:
    """A wrong program at the socket cannot make us wait for gigabytes."""
    with (
        saying(tmp_path / "agent", string(listing(MAX_ANSWER + 1))) as path,
        pytest.raises(SigningError, match="answer too long"),
    ):
        agent_keys(path)


@pytest.mark.parametrize("raw", [b"", b"\0\0", string(listing(200))[:-1]], ids=["nothing", "half a length", "cut"])
def test_an_agent_that_hangs_up_in_mid_answer_is_a_refusal(raw: bytes, tmp_path: Path) -> None:
    """What did arrive counts for nothing."""
    with (
        saying(tmp_path / "agent", raw) as path,
        pytest.raises(SigningError, match="closed in mid-answer"),
    ):
        agent_keys(path)


class Hearing(SoftAgent):
    """Remembers what it was asked."""

    def __init__(self, *keys: SoftKey) -> None:
        super().__init__(*keys)
        self.heard: list[bytes] = []

    def reply(self, request: bytes) -> bytes:
        """The answer."""
        self.heard.append(request)
        return super().reply(request)


def test_an_agent_is_asked_to_sign_without_flags(tmp_path: Path) -> None:
    """First its list, then a signature; flags choose a hash for RSA and mean nothing here."""
    agent = Hearing(KEY)
    with agent.listening(tmp_path / "agent") as path:
        sign(statement(), AgentSigner(path, KEY.fingerprint))
    asked, signed = agent.heard
    assert (asked, signed[:1], signed[-4:]) == (b"\x0b", b"\x0d", bytes(4))


def test_an_answer_to_another_question_is_refused(tmp_path: Path) -> None:
    """A list is believed only where it says that it is one."""
    with (
        SoftAgent(answer=b"\x0e" + listing(200)[1:]).listening(tmp_path / "agent") as path,
        pytest.raises(SigningError, match="cannot read"),
    ):
        agent_keys(path)


def test_bytes_behind_a_signature_are_refused(tmp_path: Path) -> None:
    """An answer is a signature and nothing else."""
    with Trailing(KEY).listening(tmp_path / "agent") as path:
        signer = AgentSigner(path, KEY.fingerprint)
        with pytest.raises(SigningError, match="refused to sign"):
            sign(statement(), signer)


def test_a_touch_that_never_comes_is_given_up(tmp_path: Path) -> None:
    """The signer waits as long as it was told to, and says to touch the key."""
    agent = Touchless(KEY)
    with agent.listening(tmp_path / "agent") as path:
        signer = AgentSigner(path, KEY.fingerprint, timeout_s=0.5)
        with pytest.raises(SigningError, match="no answer from the agent") as refused:
            sign(statement(), signer)
        agent.asked_away.set()
    assert "Touch" in refused.value.next_step
