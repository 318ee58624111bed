"""Public keys: what is admitted, and how it is named."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from dispatcher.domain.people import KeyType
from dispatcher.statements.errors import SshsigError
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.wire import string
from tests.statements.support import SecurityKey, SoftKey, make_key_file, ssh_keygen

KEY = SoftKey(1)
POINT = KEY.key.blob[-32:]


def line(kind: str, blob: bytes) -> str:
    return f"{kind} {base64.b64encode(blob).decode()}"


@pytest.mark.parametrize("key", [KEY, SecurityKey(2)], ids=["ed25519", "sk-ed25519"])
def test_a_comment_is_left_out(key: SoftKey) -> None:
    """The line kept is type and key; the comment is nobody's word."""
    assert parse_public_line(f"{key.public} somebody at a desk\n").public == key.public


def test_the_type_comes_from_the_key() -> None:
    """A security key is told from a plain one."""
    assert parse_public_line(SecurityKey(2).public).type is KeyType.SK_ED25519


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        SecurityKey(2).public.removesuffix("="),
        KEY.public[:-8],
        f"{KEY.public}\n{KEY.public}",
        f"no-pty {KEY.public}",
        KEY.public.replace("ssh-ed25519", "sk-ssh-ed25519@openssh.com"),
        line("ssh-ed25519", KEY.blob + b"\0"),
        line("ssh-ed25519", string(b"ssh-ed25519") + string(POINT[:-1])),
        line("ssh-ed25519", string(b"ssh-ed25519") + string(bytes(32))),
        line("sk-ssh-ed25519@openssh.com", string(b"sk-ssh-ed25519@openssh.com") + string(POINT)),
        line("sk-ssh-ed25519@openssh.com", string(b"sk-ssh-ed25519@openssh.com") + string(POINT) + string(b"ssh:x")),
        line("ssh-ed25519-cert-v01@openssh.com", string(b"ssh-ed25519-cert-v01@openssh.com") + string(POINT)),
    ],
)
def test_a_line_that_is_not_one_sound_key_is_refused(text: str) -> None:
    """Truncated, doubled, mislabelled, small-order, certified and foreign-application keys are refused."""
    with pytest.raises(SshsigError):
        parse_public_line(text)


@pytest.mark.system
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_key_types_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    """The message says which type came, and the next step how to make one that may sign."""
    public = make_key_file(tmp_path / "key", kind).with_suffix(".pub").read_text()
    with pytest.raises(SshsigError, match=kind) as refused:
        parse_public_line(public)
    assert "ssh-keygen -t ed25519" in refused.value.next_step


@pytest.mark.system
def test_the_fingerprint_is_the_one_ssh_keygen_prints(tmp_path: Path) -> None:
    """People compare fingerprints by eye with ``ssh-keygen -l``."""
    key = make_key_file(tmp_path / "key")
    listed = subprocess.run([ssh_keygen(), "-l", "-f", str(key)], capture_output=True, check=True).stdout.decode()
    assert parse_public_line(key.with_suffix(".pub").read_text()).fingerprint in listed
