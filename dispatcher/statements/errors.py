"""What can be wrong with a signature, a signer or a trust file.

Invalid
├── SshsigError             the key or signature cannot be read, or does not hold over these bytes
│   └── WrongNamespace      it holds in another namespace: an exercise's signature on a live statement
└── TrustError              root, roster, policy or floor on this disk is not one to go by
SignatureNeeded
├── SigningError            no signature could be made: key file, passphrase, agent
└── StatementRefused        this statement is not authentic here; ``code`` says which rule refused it
"""

from __future__ import annotations

from enum import StrEnum

from dispatcher.domain.errors import Invalid, SignatureNeeded


class SshsigError(Invalid):
    """A key or a signature that cannot be read, or does not hold."""


class WrongNamespace(SshsigError):
    """A signature made for another purpose, such as an exercise."""


class TrustError(Invalid):
    """A trust file that this sender will not go by; the message names file and place."""


class SigningError(SignatureNeeded):
    """No signature could be made; the message says what to do."""


class RefusalCode(StrEnum):
    """Which rule refused a statement."""

    MALFORMED = "malformed"  # not a statement/v1, or not in canonical form
    SIGNATURE = "signature"  # unreadable, or does not hold over these bytes
    NAMESPACE = "namespace"  # signed for the other mode or another purpose
    TOUCH = "touch"  # a hardware key that nobody touched
    DEPLOYMENT = "deployment"
    MODE = "mode"
    WINDOW = "window"  # the statement's own window is empty, or (owners' signatures) not open now
    ROSTER_VERSION = "roster_version"
    UNKNOWN_KEY = "unknown_key"
    PERSON = "person"  # the key speaks for somebody else
    KEY_WINDOW = "key_window"
    KEY_REVOKED = "key_revoked"
    ROLE = "role"
    SUBJECT = "subject"  # owners' signatures: about another document
    KIND = "kind"  # owners' signatures: not a policy statement
    THRESHOLD = "threshold"  # owners' signatures: too few people


class StatementRefused(SignatureNeeded):
    """The statement is not authentic here."""

    def __init__(self, code: RefusalCode, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.code = code
