"""The console's own key, with which it signs what stops things in the name of who pressed."""

from __future__ import annotations

import structlog

from dispatcher.domain.errors import SignatureNeeded
from dispatcher.domain.statement import Envelope, Statement
from dispatcher.service.desk import Desk, Pen
from dispatcher.statements.errors import SigningError
from dispatcher.statements.signing import KeyFileSigner, sign


class KeyPen:
    """Signs with a key file."""

    def __init__(self, signer: KeyFileSigner) -> None:
        self._signer = signer

    @property
    def fingerprint(self) -> str:
        """As the Pen protocol says."""
        return self._signer.fingerprint

    def sign(self, statement: Statement) -> Envelope:
        """As the Pen protocol says. Raises SigningError."""
        return sign(statement, self._signer)


def pen_of(desk: Desk) -> Pen | None:
    """``keys/console``, where it is there and on the roster; without it the console stops nothing."""
    path = desk.settings.path("keys", "console")
    if not path.exists():
        return None
    try:
        pen = KeyPen(KeyFileSigner(path))
        desk.person(pen)
    except (SigningError, SignatureNeeded) as error:
        structlog.get_logger("console").warning("key_unusable", reason=str(error))
        return None
    return pen
