"""How a public key that is not admitted is told to who pasted it."""

from __future__ import annotations

import base64

import pytest

from dispatcher.statements.errors import SshsigError
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.wire import string


def test_what_is_not_base64_is_called_so() -> None:
    """A stray character is told from a key that was cut short."""
    with pytest.raises(SshsigError, match="public key: not base64"):
        parse_public_line("ssh-ed25519 AAAA!AAAA")


def test_of_a_foreign_types_name_so_much_is_shown() -> None:
    """Forty characters tell what it is, and no more of a stranger's words reach the terminal."""
    blob = base64.b64encode(string(b"x" * 100)).decode()
    with pytest.raises(SshsigError, match=f"^'{'x' * 40}' keys are not admitted"):
        parse_public_line(f"ssh-ed25519 {blob}")
