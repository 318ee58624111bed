"""What a signature vouches for, how much of a file is read, and which part of it a fault is told of."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from dispatcher.domain.statement import Mode
from dispatcher.statements import sshsig
from dispatcher.statements.errors import SshsigError
from dispatcher.statements.signing import read_signature
from dispatcher.statements.sshsig import BEGIN, END, MAGIC, MAX_ARMOUR, Signature, verify
from dispatcher.statements.wire import string, uint32
from tests.statements.support import SoftKey

LIVE, MESSAGE, KEY = sshsig.NAMESPACES[Mode.LIVE], b"Stay indoors.", SoftKey(1)
SIGNED = KEY.signature_over(sshsig.to_be_signed(LIVE, MESSAGE))


def armoured(key: bytes = KEY.blob, signature: bytes = SIGNED, rest: bytes = b"") -> str:
    """A signature file of these parts."""
    fields = (key, LIVE.encode(), b"", sshsig.HASH, signature)
    blob = MAGIC + uint32(1) + b"".join(map(string, fields)) + rest
    return f"{BEGIN}\n{base64.b64encode(blob).decode()}\n{END}\n"


def test_a_plain_key_vouches_for_nothing_but_itself() -> None:
    """Neither hardware, nor touch, nor PIN."""
    assert verify(armoured(), MESSAGE, LIVE) == Signature(KEY.fingerprint, hardware=False, touched=False, pin=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (armoured(rest=b"x"), "signature has 1 bytes too many"),
        (armoured(signature=SIGNED + b"xx"), "signature has 2 bytes too many"),
        (armoured(signature=SIGNED[:-1]), "signature is cut short"),
        (armoured(key=KEY.blob + b"xxx"), "public key has 3 bytes too many"),
        (armoured(key=KEY.blob[:-1]), "public key is cut short"),
        (f"{BEGIN}\n!\n{END}\n", "signature: not base64"),
    ],
)
def test_a_fault_is_told_of_the_part_that_has_it(text: str, message: str) -> None:
    """Who copied badly sees which part to copy again."""
    with pytest.raises(SshsigError, match=f"^{message}"):
        verify(text, MESSAGE, LIVE)


def test_no_more_of_a_file_is_read_than_can_be_a_signature(tmp_path: Path) -> None:
    """One character more than the longest tells that it is none."""
    path = tmp_path / "it.sig"
    path.write_bytes(b"-" * 10_000)
    assert len(read_signature(path)) == MAX_ARMOUR + 1


def test_text_as_long_as_a_signature_may_be_is_looked_at() -> None:
    """A character more is refused for its length alone."""
    with pytest.raises(SshsigError, match="not an armoured SSH signature"):
        verify("-" * MAX_ARMOUR, MESSAGE, LIVE)
    with pytest.raises(SshsigError, match="too long for an SSH signature"):
        verify("-" * (MAX_ARMOUR + 1), MESSAGE, LIVE)
