"""Standard Webhooks 1.0 on the wire: the body of an event, and the headers that sign it.

Rules (reference: platforms 10)
  1. ``webhook-id`` is a function of the delivery: the receiver knows a repeat by it.
  2. The body is a function of the job, so a repeat carries the same bytes; only ``webhook-timestamp``, the time of
     the attempt, and with it the signature, differ.
  3. Signed is ``id.timestamp.body`` with HMAC-SHA256; an id therefore holds no full stop.

    POST <endpoint>
    webhook-id: 0192f0c1
    webhook-timestamp: 1795284303
    webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=

    {"data":{"id":"0192f0c1","texts":[…],…},"timestamp":"2026-11-21T12:00:00Z","type":"alert.published"}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import unicodedata
from datetime import UTC, datetime

from channels.contract import Content, DeliveryKind, Job, Json, LanguageText, Outcome, Part, Secret, Verdict
from channels.http import Answer
from channels.text import EXERCISE_LINE

TYPES = {
    DeliveryKind.PUBLISH: "alert.published",
    DeliveryKind.CORRECT: "alert.corrected",
    DeliveryKind.WITHDRAW: "alert.withdrawn",
}
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")


def key(secret: Secret) -> bytes:
    """The signing key in a ``whsec_…`` secret. Raises ValueError, without the secret, where it is not one."""
    text = secret.reveal()
    try:
        decoded = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not text.startswith("whsec_") or not 24 <= len(decoded) <= 64:
        raise ValueError("the webhook secret must be whsec_ and the base64 of 24 to 64 bytes")
    return decoded


def event_id(delivery: str) -> str:
    """The ``webhook-id`` of a delivery: its id, or a digest where that could not stand in a header or a signature."""
    return delivery if _PLAIN.fullmatch(delivery) else hashlib.sha256(delivery.encode()).hexdigest()[:32]


def headers(signing_key: bytes, name: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt made at ``now``."""
    timestamp = str(int(now.timestamp()))
    signed = hmac.digest(signing_key, b".".join((name.encode(), timestamp.encode(), body)), "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def data(content: Content, texts: list[LanguageText]) -> dict[str, Json]:
    """What the receiver is told of a message; this stands in the rendering's options and is signed there."""
    return {
        "exercise": content.exercise,
        "sent_by": content.sent_by,
        "valid_until": _time(content.valid_until),
        "link": content.link,
        "area": list(content.area),
        "polygons": list(content.polygons),
        "circles": list(content.circles),
        "cap": dict(content.cap),
        "texts": [_entry(text, exercise=content.exercise) for text in texts],
    }


def parts(told: Json) -> tuple[Part, ...]:
    """Each language of ``data`` as the one text that people sign. Raises ValueError where it is another document."""
    entries = told.get("texts") if isinstance(told, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the option data must be an object with a list of texts")  # noqa: TRY004 - see the docstring
    return tuple(_part(entry) for entry in entries)


def body(job: Job) -> bytes:
    """The event's bytes, the same on every attempt. ``original`` names the event that this one mends."""
    options = job.rendering.options
    told = options["data"]
    if not isinstance(told, dict):
        raise TypeError("the option data must be an object")
    event = {
        "type": options["type"],
        "timestamp": _time(job.intended_at),
        "data": {**told, "id": event_id(job.delivery), "original": job.original},
    }
    return json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def outcome(answer: Answer, reference: str, now: datetime) -> Outcome:
    """What the receiver's answer means.

    429, and a 5xx that says when to come back, refuse the event for now. Any other 5xx may come from a proxy in front
    of a receiver that acted: in doubt, and settled by sending the same event again.
    """
    status, wait = answer.status, answer.retry_after_s(now)
    if 200 <= status < 300:
        return answer.outcome(Verdict.ACCEPTED, reference=reference)
    if status == 429 or (status >= 500 and wait is not None):
        reason = f"the endpoint answered {status}: it wants the event later"
        return answer.outcome(Verdict.DEFERRED, reason=reason, code=str(status), retry_after_s=wait)
    if status >= 500 or status in {408, 425}:
        reason = f"the endpoint answered {status}, which does not say whether it took the event"
        return answer.outcome(Verdict.IN_DOUBT, reason=reason, code=str(status))
    return answer.outcome(Verdict.REJECTED, reason=_refusal(status), code=str(status))


def _entry(text: LanguageText, *, exercise: bool) -> Json:
    pieces = {
        "language": text.language,
        "headline": f"{EXERCISE_LINE} {text.headline}" if exercise else text.headline,
        "body": f"{EXERCISE_LINE}\n{text.body}" if exercise else text.body,
        "instruction": text.instruction,
    }
    return {key: unicodedata.normalize("NFC", piece) for key, piece in pieces.items()}


def _part(entry: Json) -> Part:
    if not isinstance(entry, dict) or set(entry) != {"language", "headline", "body", "instruction"}:
        raise ValueError("a text in the data has a language, a headline, a body and an instruction, nothing else")
    pieces = [str(entry[key]) for key in ("headline", "body", "instruction")]
    return Part(str(entry["language"]), "\n\n".join(piece for piece in pieces if piece))


def _refusal(status: int) -> str:
    if status == 410:
        return "the endpoint is gone (410): ask the partner for a new one and change or close this account"
    if 300 <= status < 400:
        return f"the endpoint answered with a redirect ({status}), which is not followed: set its final address"
    return f"the endpoint refused the event ({status}): ask the partner to check the secret and the address"


def _time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
