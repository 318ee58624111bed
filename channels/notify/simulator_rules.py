"""What the simulated GOV.UK Notify takes and refuses: requests, numbers, addresses, and the text as it
would send it.

Written from Notify's documentation and its open code's behaviour (reference: emergency-alerts 4), apart from what the
adapter believes of it, so that each is a check on the other.
"""

from __future__ import annotations

import json
import re
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Any

import phonenumbers
from aiohttp import web

SENDER_ID = "5b1e0f43-6a55-4f0c-8a34-0c6f4f1d2e77"
REPLY_TO_ID = "0d6a3f2e-51c8-4b0e-9d0c-6d1b0a6f7e21"

_KEYS = {
    "sms": ("phone_number", "sms_sender_id"),
    "email": ("email_address", "email_reply_to_id", "one_click_unsubscribe_url", "sanitise_content_for"),
}
_COMMON = frozenset({"template_id", "personalisation", "reference", "scheduled_for"})
_SENDERS = {"sms_sender_id": SENDER_ID, "email_reply_to_id": REPLY_TO_ID}
_ADDRESS = re.compile(r"[^\s@]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\(\((\w+)\)\)")
_SMS_CHARACTERS, _EMAIL_BYTES = 918, 2_000_000
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


@dataclass(frozen=True, slots=True)
class Template:
    """A template of text messages, or of e-mail, which has a subject."""

    type: str
    content: str
    subject: str | None = None


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


def validated(body: dict[str, Any], kind: str) -> str:
    """The recipient of a well-formed sending, a number in E.164. Raises Refusal for any other request."""
    recipient, sender = _KEYS[kind][:2]
    strange = sorted(set(body) - _COMMON - set(_KEYS[kind]))
    faults = [f"{name} is a required property" for name in (recipient, "template_id") if name not in body]
    if strange:
        faults.append(f"Additional properties are not allowed ({', '.join(strange)} was unexpected)")
    if len(str(body.get("reference", ""))) > 1000:
        faults.append("reference is too long")
    if faults:
        raise invalid(*faults)
    check_uuid(body["template_id"], "template_id")
    found = _number(body[recipient]) if kind == "sms" else _address(body[recipient])
    if sender in body:
        check_uuid(body[sender], sender)
        if body[sender] != _SENDERS[sender]:
            raise Refusal(400, "BadRequestError", f"{sender} {body[sender]} does not exist in database")
    return found


def filled(template: Template, personalisation: dict[str, Any]) -> tuple[str, str | None]:
    """Body and subject with their placeholders filled. Raises Refusal where one is missing, or too much."""
    body, subject = (_filled(text, personalisation) for text in (template.content, template.subject or ""))
    text = as_sent(body) if template.type == "sms" else body.strip()
    if not text:
        raise Refusal(400, "BadRequestError", "Your message is empty.")
    if template.type == "sms" and len(text) > _SMS_CHARACTERS:
        raise _too_long(
            f"Text messages cannot be longer than {_SMS_CHARACTERS} characters", f"{len(text)} characters"
        )
    if (size := len(text.encode())) > _EMAIL_BYTES:
        raise _too_long(f"Emails cannot be longer than {_EMAIL_BYTES} bytes", f"{size} bytes")
    return text, None if template.subject is None else " ".join(subject.split())


def _filled(text: str, personalisation: dict[str, Any]) -> str:
    for name in _PLACEHOLDER.findall(text):
        if personalisation.get(name) is None:
            raise Refusal(400, "BadRequestError", f"Missing personalisation: {name}")
    return _PLACEHOLDER.sub(lambda found: str(personalisation[found[1]]), text)


def _too_long(rule: str, length: str) -> Refusal:
    return Refusal(400, "BadRequestError", f"Your message is too long. {rule}. Your message is {length} long.")


def _address(given: object) -> str:
    if not isinstance(given, str):
        raise invalid(f"email_address {given} is not of type string")
    if not _ADDRESS.fullmatch(given.strip()):
        raise invalid("email_address Not a valid email address")
    return given.strip().lower()


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
