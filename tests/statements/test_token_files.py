"""The private key file of a security key: a handle, which only the token behind an agent can sign with."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from dispatcher.domain.people import KeyType
from dispatcher.statements.errors import SigningError
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.statements.wire import string, uint32
from tests.statements.support import SecurityKey


def test_the_file_of_a_security_key_is_refused_with_the_way_to_sign(tmp_path: Path) -> None:
    """The next step is to give it to the agent, which asks the token."""
    handle = uint32(1) * 2 + string(KeyType.SK_ED25519.encode())
    none = string(b"none") * 2 + string(b"") + uint32(1)
    raw = b"openssh-key-v1\0" + none + string(SecurityKey(2).blob) + string(handle)
    kind = b"OPENSSH PRIVATE KEY"
    text = b"-----BEGIN %b-----\n%b-----END %b-----\n" % (kind, base64.encodebytes(raw), kind)
    (tmp_path / "key_sk").write_bytes(text)
    with pytest.raises(SigningError, match="cannot be loaded") as refused:
        KeyFileSigner(tmp_path / "key_sk")
    assert refused.value.next_step.endswith(f"through the agent: ssh-add {tmp_path / 'key_sk'}")
