"""The relay's signed status: what it says, and that it is read strictly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dispatcher.domain import canonical
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.sending.status import Status, StatusRefused, read_status, sign_status
from dispatcher.statements import sshsig
from tests.cast import DEPLOYMENT, NOW, STATUS_SIGNER
from tests.statements.support import SoftKey

KEY = SoftKey(14)
STATUS = Status(DEPLOYMENT, Mode.LIVE, NOW, ("ab" * 32, "cd" * 32))


def signed(document: dict[str, Any] | bytes) -> Envelope:
    """A document signed with the status key."""
    payload = document if isinstance(document, bytes) else canonical.encode(document)
    return Envelope(payload, KEY.sign(sshsig.NAMESPACES[Mode.LIVE], payload))


def read(envelope: Envelope) -> Status:
    """Read as a live sender does."""
    return read_status(envelope, KEY.key, DEPLOYMENT, Mode.LIVE)


def document(**changes: Any) -> dict[str, Any]:
    """The status as a document, changed."""
    found: Any = canonical.decode(STATUS.encoded())
    return {**found, **changes}


@pytest.mark.parametrize("mode", Mode)
def test_what_was_signed_is_read(mode: Mode) -> None:
    """With the ids of stops in order, in the mode of who signed."""
    envelope = sign_status(DEPLOYMENT, mode, NOW, ["cd" * 32, "ab" * 32], KEY)
    assert read_status(envelope, KEY.key, DEPLOYMENT, mode) == Status(DEPLOYMENT, mode, NOW, STATUS.stops)


def test_the_key_of_the_trust_root_signs() -> None:
    """And no other, however well it signs."""
    with pytest.raises(StatusRefused, match="not signed with the key that the trust root names"):
        read(sign_status(DEPLOYMENT, Mode.LIVE, NOW, [], STATUS_SIGNER))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"schema": "status/v2"}, "status: not a status/v1 document"),
        ({"deployment": "sample"}, "for another deployment or mode"),
        ({"mode": "exercise"}, "for another deployment or mode"),
        ({"mode": "rehearsal"}, "'rehearsal' is not a valid Mode"),
        ({"made_at": "now"}, "made_at"),
        ({"stops": [1]}, "stops"),
        ({"more": True}, "unknown key more"),
    ],
)
def test_each_field_is_read_strictly(changed: dict[str, Any], message: str) -> None:
    """The reason says which one is not as it must be."""
    with pytest.raises(StatusRefused, match=f"^status: .*{message}"):
        read(signed(document(**changed)))


@pytest.mark.parametrize("key", ["schema", "deployment", "mode", "made_at", "stops"])
def test_a_field_that_is_missing_is_refused(key: str) -> None:
    """Nothing is made up."""
    with pytest.raises(StatusRefused):
        read(signed({name: value for name, value in document().items() if name != key}))


@pytest.mark.parametrize("payload", [b"", b"[]", b"junk", STATUS.encoded() + b"\n"])
def test_what_is_no_document_is_refused(payload: bytes) -> None:
    """Signed or not."""
    with pytest.raises(StatusRefused, match=r"^status: "):
        read(signed(payload))


def test_a_status_that_was_changed_after_signing_is_refused() -> None:
    """Its time is inside the signed bytes."""
    envelope = sign_status(DEPLOYMENT, Mode.LIVE, NOW, [], KEY)
    later = Status(DEPLOYMENT, Mode.LIVE, NOW + timedelta(seconds=5), ()).encoded()
    with pytest.raises(StatusRefused, match="does not hold"):
        read(Envelope(later, envelope.signature))
