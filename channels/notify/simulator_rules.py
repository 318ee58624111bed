"""What the simulated GOV.UK Notify takes and refuses: requests, numbers, and the text as it would send it.

Written from Notify's documentation and its open code's behaviour (reference: emergency-alerts 4), apart from what the
adapter believes of it, so that each is a check on the other.
"""

from __future__ import annotations

import json
import re
import unicodedata
import uuid
from typing import Any

import phonenumbers
from aiohttp import web

SENDER_ID = "5b1e0f43-6a55-4f0c-8a34-0c6f4f1d2e77"

_KEYS = frozenset({"phone_number", "template_id", "personalisation", "reference", "sms_sender_id", "scheduled_for"})
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
_WELSH = {
    unicodedata.normalize("NFC", letter + accent)
    for letter in "aeiouwyAEIOUWY"
    for accent in ("\u0300", "\u0301", "\u0302", "\u0308")
}
_DOWNGRADES = {"–": "-", "—": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\t": " "} | (
    dict.fromkeys("\u180e\u200b\u200c\u200d\u2060\ufeff", "")
)


def as_sent(text: str) -> str:
    """What Notify makes of a text before it sends it: letters downgraded, spaces and empty lines tidied."""
    plain = re.sub(r"[ \t]+([,.])", r"\1", "".join(_downgraded(letter) for letter in text))
    lines = "\n".join(" ".join(line.split()) for line in plain.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, error: str, *messages: str) -> None:
        super().__init__(error)
        errors = [{"error": error, "message": message} for message in messages]
        self.answer = web.json_response({"status_code": status, "errors": errors}, status=status)


def invalid(*messages: str) -> Refusal:
    """A request that breaks the schema."""
    return Refusal(400, "ValidationError", *messages)


def check_uuid(value: object, name: str) -> None:
    """Raises Refusal for anything but a UUID."""
    try:
        uuid.UUID(str(value))
    except ValueError:
        raise invalid(f"{name} is not a valid UUID") from None


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in a request's body. Raises Refusal."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise Refusal(400, "BadRequestError", "Invalid JSON supplied in POST data") from None
    if not isinstance(body, dict):
        raise invalid(f"{body} is not of type object")
    return body


def validated_number(body: dict[str, Any]) -> str:
    """The number of a well-formed sending, in E.164. Raises Refusal for any other request."""
    strange = sorted(set(body) - _KEYS)
    faults = [f"{name} is a required property" for name in ("phone_number", "template_id") if name not in body]
    if strange:
        faults.append(f"Additional properties are not allowed ({', '.join(strange)} was unexpected)")
    if len(str(body.get("reference", ""))) > 1000:
        faults.append("reference is too long")
    if faults:
        raise invalid(*faults)
    check_uuid(body["template_id"], "template_id")
    number = _number(body["phone_number"])
    if "sms_sender_id" in body:
        check_uuid(body["sms_sender_id"], "sms_sender_id")
        if body["sms_sender_id"] != SENDER_ID:
            raise Refusal(400, "BadRequestError", f"sms_sender_id {body['sms_sender_id']} does not exist in database")
    return number


def _number(given: object) -> str:
    if not isinstance(given, str):
        raise invalid(f"phone_number {given} is not of type string")
    if set(given) - set("0123456789()+- "):
        raise invalid("phone_number Must not contain letters or symbols")
    try:
        parsed = phonenumbers.parse(given, "GB")
    except phonenumbers.NumberParseException:
        raise invalid("phone_number Not enough digits") from None
    wrong = phonenumbers.is_possible_number_with_reason(parsed)
    if wrong != phonenumbers.ValidationResult.IS_POSSIBLE:
        long = wrong == phonenumbers.ValidationResult.TOO_LONG
        raise invalid(f"phone_number {'Too many digits' if long else 'Not enough digits'}")
    fictional = re.fullmatch(r"447700900\d{3}", f"{parsed.country_code}{parsed.national_number}")
    kind = phonenumbers.number_type(parsed)
    if not fictional and kind != phonenumbers.PhoneNumberType.MOBILE:
        raise invalid("phone_number Not a UK mobile number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _downgraded(letter: str) -> str:
    if letter in _GSM or letter in _WELSH:
        return letter
    if letter in _DOWNGRADES:
        return _DOWNGRADES[letter]
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base in _GSM else "?"
