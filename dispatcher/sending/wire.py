"""What goes over the sender's socket: frames, and the forms of all that a sender is asked and answers.

Rules
  1. A frame is four bytes of length (big-endian) and that many bytes of one canonical JSON object, 16 MiB at most.
  2. Reading is strict: an object with a key too many, too few or of another kind closes the connection.
  3. A request names its ``verb``. What comes back is any number of ``note`` frames, each acknowledged with ``noted``
     before the sender goes on, and then one ``answer`` or ``failed`` frame::

         → {"permit":{…},"verb":"send"}
         ← {"note":"upload-4711"}      → {"noted":true}
         ← {"answer":{"verdict":"accepted",…}}
  4. Durations travel as whole microseconds, and texts from outside are made NFC, because canonical JSON has neither
     floats nor anything else.
"""

from __future__ import annotations

import struct
import unicodedata
from base64 import b64decode, b64encode
from enum import StrEnum
from typing import TypeVar

from channels.contract import Finding, Found, Json, Outcome, Probe, ReadBack, Seen, Verdict
from dispatcher.domain import canonical, documents
from dispatcher.domain.canonical import format_time
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.gate.evidence import Failure, Then
from dispatcher.sending.permit import HandOff, Permit, Refusal

W = TypeVar("W", bound=StrEnum)
LENGTH = struct.Struct(">I")
MAX_FRAME = 16 * 1024 * 1024
NOTED: Json = {"noted": True}
NOT_NOTED: Json = {"noted": False}


class FrameError(ValueError):
    """What came, or should go, over the socket is not what rules 1 to 3 say."""


def pack(document: Json) -> bytes:
    """One frame. Raises FrameError, also for what has no canonical form."""
    try:
        body = canonical.encode(document)
    except canonical.CanonicalError as error:
        raise FrameError(f"cannot be sent: {error}") from error
    return LENGTH.pack(checked_length(len(body))) + body


def checked_length(length: int) -> int:
    """The length of a frame's body. Raises FrameError beyond the cap."""
    if length > MAX_FRAME:
        raise FrameError(f"a frame of {length} bytes; {MAX_FRAME} are the most")
    return length


def unpack(body: bytes) -> Json:
    """Read a frame's body. Raises FrameError."""
    try:
        return canonical.decode(body)
    except canonical.CanonicalError as error:
        raise FrameError(str(error)) from error


def answer_document(answer: Permit | Refusal | HandOff) -> dict[str, Json]:
    """What permit and issue answer."""
    match answer:
        case Permit():
            return permit_document(answer)
        case Refusal():
            failures: list[Json] = [{**_clean(f.document()), "then": str(f.then)} for f in answer.failures]
            return {"refused": answer.delivery, "failures": failures, "then": str(answer.then)}
    return {
        "packet": b64encode(answer.packet).decode(),
        "code": answer.code,
        "issued_at": format_time(answer.issued_at),
        "expires_at": format_time(answer.expires_at),
    }


def permit_document(permit: Permit) -> dict[str, Json]:
    """A permit."""
    return {
        "permit": permit.id,
        "delivery": permit.delivery,
        "expires_at": format_time(permit.expires_at),
        "policy": list(permit.policy),
        "decision": permit.decision,
    }


def read_permit(document: Json, where: str = "permit") -> Permit:
    """Read what :func:`permit_document` wrote. Raises DocumentError."""
    reader = Reader(document, where)
    about = (reader.text("permit"), reader.text("delivery"), reader.time("expires_at"))
    permit = Permit(*about, reader.texts("policy"), reader.text("decision"))
    reader.done()
    return permit


def read_permit_or_refusal(document: Json, where: str) -> Permit | Refusal:
    """One answer to permit. Raises DocumentError."""
    return _read_refusal(document, where) if _is_refusal(document) else read_permit(document, where)


def read_hand_off_or_refusal(document: Json) -> HandOff | Refusal:
    """The answer to issue. Raises DocumentError."""
    if _is_refusal(document):
        return _read_refusal(document, "hand-off")
    reader = Reader(document, "hand-off")
    try:
        packet = b64decode(reader.text("packet"), validate=True)
    except ValueError as error:
        raise DocumentError("hand-off.packet: not base64") from error
    hand_off = HandOff(packet, reader.text("code"), reader.time("issued_at"), reader.time("expires_at"))
    reader.done()
    return hand_off


def outcome_document(outcome: Outcome) -> dict[str, Json]:
    """What send answers."""
    return {
        "verdict": str(outcome.verdict),
        "reason": _nfc(outcome.reason),
        "code": _nfc(outcome.code),
        "reference": outcome.reference,
        "url": outcome.url,
        "retry_after_us": None if outcome.retry_after_s is None else round(outcome.retry_after_s * 1_000_000),
        "account_wide": outcome.account_wide,
        "status": outcome.status,
        "provider_us": None if outcome.provider_ms is None else round(outcome.provider_ms * 1_000),
    }


def read_outcome(document: Json) -> Outcome:
    """Read what :func:`outcome_document` wrote. Raises DocumentError."""
    reader = Reader(document, "outcome")
    retry_after, provider = _integer_or_none(reader, "retry_after_us"), _integer_or_none(reader, "provider_us")
    outcome = Outcome(
        verdict=_word(Verdict, reader.text("verdict"), "outcome.verdict"),
        reason=reader.text("reason"),
        code=reader.text("code"),
        reference=reader.text_or_none("reference"),
        url=reader.text_or_none("url"),
        retry_after_s=None if retry_after is None else retry_after / 1_000_000,
        account_wide=reader.flag("account_wide"),
        status=_integer_or_none(reader, "status"),
        provider_ms=None if provider is None else provider / 1_000,
    )
    reader.done()
    return outcome


def finding_document(finding: Finding) -> dict[str, Json]:
    """What find answers."""
    return {
        "found": str(finding.found),
        "reference": finding.reference,
        "url": finding.url,
        "reason": _nfc(finding.reason),
    }


def read_finding(document: Json) -> Finding:
    """Read what :func:`finding_document` wrote. Raises DocumentError."""
    reader = Reader(document, "finding")
    found = _word(Found, reader.text("found"), "finding.found")
    finding = Finding(found, reader.text_or_none("reference"), reader.text_or_none("url"), reader.text("reason"))
    reader.done()
    return finding


def probe_document(probe: Probe) -> dict[str, Json]:
    """What probe answers."""
    expires_at = None if probe.expires_at is None else format_time(probe.expires_at)
    words = {"detail": _nfc(probe.detail), "quota": _nfc(probe.quota)}
    return {"ok": probe.ok, **words, "expires_at": expires_at, "renews": probe.renews}


def read_probe(document: Json) -> Probe:
    """Read what :func:`probe_document` wrote. Raises DocumentError."""
    return documents.read(Probe, document, "probe")


def read_back_document(read: ReadBack) -> dict[str, Json]:
    """What read_back answers."""
    text = None if read.text is None else _nfc(read.text)
    return {"seen": str(read.seen), "text": text, "reason": _nfc(read.reason)}


def read_read_back(document: Json) -> ReadBack:
    """Read what :func:`read_back_document` wrote. Raises DocumentError."""
    reader = Reader(document, "read_back")
    seen = _word(Seen, reader.text("seen"), "read_back.seen")
    read = ReadBack(seen, reader.text_or_none("text"), reader.text("reason"))
    reader.done()
    return read


def _is_refusal(document: Json) -> bool:
    return isinstance(document, dict) and "refused" in document


def _read_refusal(document: Json, where: str) -> Refusal:
    reader = Reader(document, where)
    then = _word(Then, reader.text("then"), f"{where}.then")
    refusal = Refusal(reader.text("refused"), reader.each("failures", _read_failure), then)
    reader.done()
    return refusal


def _read_failure(document: Json, where: str) -> Failure:
    reader = Reader(document, where)
    then = _word(Then, reader.text("then"), f"{where}.then")
    failure = Failure(reader.text("clause"), reader.text("fact"), reader.text("mend"), then)
    reader.done()
    return failure


def _word(words: type[W], text: str, where: str) -> W:
    try:
        return words(text)
    except ValueError as error:
        raise DocumentError(f"{where}: {error}") from error


def _integer_or_none(reader: Reader, key: str) -> int | None:
    value = reader.raw(key)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise DocumentError(f"{key}: expected an integer or null")


def _clean(texts: dict[str, str]) -> dict[str, Json]:
    return {key: _nfc(text) for key, text in texts.items()}


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
