"""Whether a webhook is TikTok's, and what it says (reference: platforms 1.10). Pure.

Rules
  1. The signature is checked over the bytes as they came, in constant time, before anything is read.
  2. One that is older or newer than five minutes is refused, whoever signed it. TikTok repeats a call for 72 hours:
     it may come twice and out of order, so what it says is a hint to look, and never settles anything by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.contract import Secret

TOLERANCE = timedelta(minutes=5)
_HEADER = re.compile(r"t=([0-9]{1,12}),s=([0-9a-f]{64})", re.ASCII)


class WebhookRefused(ValueError):
    """The call is not TikTok's, or says nothing; the message says which, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a webhook says. ``content`` is the event's own, such as ``publish_id`` and ``post_id``."""

    name: str
    at: datetime
    open_id: str
    content: Mapping[str, Any]


def signature(body: bytes, at_s: int, client_secret: Secret) -> str:
    """The signature of a body at a time in seconds: HMAC-SHA256 in hex."""
    return hmac.new(client_secret.reveal().encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()


def verified(body: bytes, header: str, client_secret: Secret, now: datetime) -> Event:
    """What a call says whose header ``TikTok-Signature`` is this one. Raises WebhookRefused."""
    match = _HEADER.fullmatch(header)
    if match is None:
        raise WebhookRefused("the header TikTok-Signature is missing or not t=…,s=…")
    at_s = int(match[1])
    if not hmac.compare_digest(signature(body, at_s, client_secret), match[2]):
        raise WebhookRefused("the signature is not TikTok's")
    if abs(now.timestamp() - at_s) > TOLERANCE.total_seconds():
        raise WebhookRefused("the signature is older or newer than five minutes; check this host's clock")
    try:
        said = json.loads(body)
        content = json.loads(said["content"])  # JSON in a string: it is read twice
        at = datetime.fromtimestamp(said["create_time"], UTC)
        event = Event(said["event"], at, said["user_openid"], content)
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise WebhookRefused("the call is signed, and says nothing that can be read") from error
    if not isinstance(event.name, str) or not isinstance(event.open_id, str) or not isinstance(content, dict):
        raise WebhookRefused("the call is signed, and says nothing that can be read")
    return event
