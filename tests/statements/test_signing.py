"""Signing: key files, files signed elsewhere, and that a bad signature never becomes an envelope."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.statements import sshsig
from dispatcher.statements.errors import SigningError
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.signing import KeyFileSigner, attach, read_signature, sign, to_sign
from tests.statements.support import SoftKey, make_key_file, ssh_keygen, statement

STATEMENT = statement()


class BrokenSigner(SoftKey):
    """Signs something else than it was given."""

    def sign(self, namespace: str, message: bytes) -> str:
        return super().sign(namespace, message + b"!")


@pytest.mark.parametrize("mode", list(Mode))
def test_the_mode_chooses_the_namespace(mode: Mode) -> None:
    """A live statement is signed for live, an exercise's for exercises."""
    envelope = sign(statement(mode=mode), SoftKey(1))
    read = sshsig.verify(envelope.signature, envelope.payload, sshsig.NAMESPACES[mode])
    assert read.fingerprint == SoftKey(1).fingerprint


def test_the_payload_is_the_statements_exact_bytes() -> None:
    """What travels is what was signed."""
    assert sign(STATEMENT, SoftKey(1)).payload == STATEMENT.encoded()


def test_a_signer_that_signs_something_else_is_found_out_at_once() -> None:
    """No envelope is made of a signature that does not hold."""
    with pytest.raises(SigningError, match="does not hold"):
        sign(STATEMENT, BrokenSigner(1))


def test_a_signature_for_the_other_mode_cannot_be_attached() -> None:
    """The next step names the namespace to sign with."""
    exercise = SoftKey(1).sign(sshsig.NAMESPACES[Mode.EXERCISE], to_sign(STATEMENT))
    with pytest.raises(SigningError) as refused:
        attach(STATEMENT, exercise)
    assert "-n dispatcher-live-v1" in refused.value.next_step


@pytest.mark.system
def test_a_key_file_signs(tmp_path: Path) -> None:
    """An OpenSSH key file signs under the key in its .pub file."""
    path = make_key_file(tmp_path / "key")
    signer = KeyFileSigner(path)
    assert sign(STATEMENT, signer).payload == to_sign(STATEMENT)
    assert parse_public_line(path.with_suffix(".pub").read_text()).fingerprint == signer.fingerprint


@pytest.mark.system
def test_an_encrypted_key_file_asks_for_its_passphrase(tmp_path: Path) -> None:
    """The passphrase comes from the callable, once."""
    asked: list[str] = []
    path = make_key_file(tmp_path / "key", passphrase="correct horse")
    signer = KeyFileSigner(path, lambda: asked.append("asked") or "correct horse")  # type: ignore[func-returns-value]
    sign(STATEMENT, signer)
    assert asked == ["asked"]


@pytest.mark.system
def test_a_clear_key_file_asks_for_nothing(tmp_path: Path) -> None:
    """Nobody is asked for a passphrase that is not needed."""
    signer = KeyFileSigner(make_key_file(tmp_path / "key"), lambda: pytest.fail("asked"))
    assert signer.fingerprint.startswith("SHA256:")


@pytest.mark.system
def test_a_wrong_passphrase_is_a_clear_refusal(tmp_path: Path) -> None:
    """The message names the file and the passphrase."""
    path = make_key_file(tmp_path / "key", passphrase="correct horse")
    with pytest.raises(SigningError, match="key: wrong passphrase"):
        KeyFileSigner(path, lambda: "battery staple")


@pytest.mark.system
def test_an_encrypted_key_file_without_anybody_to_ask_is_refused(tmp_path: Path) -> None:
    """A program without a terminal says that it needs the passphrase."""
    path = make_key_file(tmp_path / "key", passphrase="correct horse")
    with pytest.raises(SigningError, match="needs its passphrase"):
        KeyFileSigner(path)


@pytest.mark.system
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_key_files_of_other_types_are_refused(kind: str, tmp_path: Path) -> None:
    """Only ed25519 key files sign."""
    with pytest.raises(SigningError, match="only ed25519"):
        KeyFileSigner(make_key_file(tmp_path / "key", kind))


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_private_key_is_refused(content: bytes, tmp_path: Path) -> None:
    """Junk is a SigningError that names the file."""
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SigningError, match="key: "):
        KeyFileSigner(tmp_path / "key")


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    """The message names the path."""
    with pytest.raises(SigningError, match="nowhere: cannot be read"):
        KeyFileSigner(tmp_path / "nowhere")


@pytest.mark.system
def test_a_file_signed_on_another_machine_becomes_an_envelope(tmp_path: Path) -> None:
    """to_sign, ssh-keygen -Y sign, read_signature, attach."""
    document = tmp_path / "statement"
    document.write_bytes(to_sign(STATEMENT))
    key = make_key_file(tmp_path / "key")
    command = [ssh_keygen(), "-q", "-Y", "sign", "-f", str(key), "-n", "dispatcher-live-v1", str(document)]
    subprocess.run(command, check=True, capture_output=True)
    envelope = attach(STATEMENT, read_signature(document.with_suffix(".sig")))
    assert envelope.payload == to_sign(STATEMENT)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_signature_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    """A missing or binary file is a SigningError."""
    if content is not None:
        (tmp_path / "it.sig").write_bytes(content)
    with pytest.raises(SigningError, match="no signature to read"):
        read_signature(tmp_path / "it.sig")
