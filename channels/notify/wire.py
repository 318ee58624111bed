"""GOV.UK Notify's API on the wire: the token, the payload, the text as it will be sent, and what answers mean.

Rules (reference: emergency-alerts 4)
  1. A token lives 30 seconds; the requests of one second, which would all be given the same one, share it.
  2. ``reference`` is the delivery. It is no idempotency key: a repeat sends a second message. It is how a message is
     found again.
  3. Notify rewrites what it cannot send: it replaces letters outside GSM-7 and Welsh, and tidies spaces. A text that
     it would rewrite is refused here, so that what was signed is what is sent.
  4. Errors are told apart by status and error class. The one exception is a wrong clock, which has only its text.
  5. An e-mail is a template's too, and Notify reads Markdown in it: what would lose or gain words by that is refused.
     What Notify does to quotation marks and dashes is let be.
  6. Nothing that holds a recipient's number or address leaves this module: Notify's words are scrubbed of both.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import jwt

from channels.contract import (
    Content,
    Finding,
    Found,
    Job,
    Json,
    LanguageText,
    Outcome,
    Part,
    Probe,
    ReadBack,
    Rendering,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Answer
from channels.text import EXERCISE_LINE, NOTIFY_SMS_CHARACTERS, check_text, sms_count, subject_of

HOST = "api.notifications.service.gov.uk"

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_KEY = re.compile(rf".+-({_UUID})-({_UUID})", re.DOTALL)
_WELSH = frozenset("àèìòùẁỳÀÈÌÒÙẀỲáéíóúẃýÁÉÍÓÚẂÝäëïöüẅÿÄËÏÖÜẄŸâêîôûŵŷÂÊÎÔÛŴŶ")
_PLAIN = str.maketrans({"–": "-", "—": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " "})
_UNTIDY = re.compile(r"\A\s|\s\Z|^ | $| {2,}|\n{3,}| [,.]", re.MULTILINE)
_MARKDOWN = re.compile(
    r"^(?: *(?:[#^]|\d+\.|[-*•](?! \S)|`{3}|~{3}|[-*_=|: ]{3,}$).*|.*(?:\][(:]|\\|&#?\w+;).*)", re.MULTILINE
)
"""Lines that Notify's Markdown would change the words of: headings, quotes, numbers (counted anew, and ``10.30`` is
one), bullets without a space, rules, tables, code, links by name, escapes. A bullet with its space stays one."""
_PERSONAL = re.compile(r"[+(]*\d[\d\s().-]{3,}\d|\S+@\S+")
_CLASS = re.compile(r"[A-Za-z]{1,60}")
_PAUSE_S = 1.0
_SENT = frozenset({"delivered", "sent"})
_UNDERWAY = frozenset({"created", "sending", "pending"})


@dataclass(frozen=True, slots=True)
class Notification:
    """One kind of message, in Notify's words and in ours.

    ``recipient`` is the field with the address, ``sender`` the one that names who sends; ``placeholders`` are those
    of the template.
    """

    type: str
    recipient: str
    sender: str
    placeholders: tuple[str, ...]
    named: str


SMS = Notification("sms", "phone_number", "sms_sender_id", ("message",), "a text message")
EMAIL = Notification("email", "email_address", "email_reply_to_id", ("subject", "message"), "an e-mail")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A service's API key: who we are, and the secret that signs for it."""

    service: str
    secret: Secret

    @classmethod
    def parse(cls, key: Secret) -> ApiKey:
        """Read a key as Notify shows it. Raises ValueError, without the key, for anything else."""
        match = _KEY.fullmatch(key.reveal().strip())
        if match is None:
            raise ValueError("the Notify api_key must be a name, the service's id and the secret, joined by hyphens")
        return cls(match[1], Secret(match[2]))

    def headers(self, now: datetime) -> dict[str, str]:
        """The authorization of one request made at ``now``."""
        return {"Authorization": f"Bearer {_token(self, int(now.timestamp()))}"}


@lru_cache(maxsize=8)
def _token(key: ApiKey, issued_at: int) -> str:
    claims = {"iss": key.service, "iat": issued_at}
    return jwt.encode(claims, key.secret.reveal(), algorithm="HS256")


def message(text: LanguageText, content: Content) -> str:
    """One language as a text message: mark, headline, body, instruction, link, a line each, typography made plain."""
    lines = [EXERCISE_LINE] if content.exercise else []
    lines += [text.headline.strip(), text.body.strip(), text.instruction.strip(), content.link or ""]
    joined = "\n".join(line for line in lines if line)
    return unicodedata.normalize("NFC", joined).translate(_PLAIN)


@lru_cache(maxsize=64)
def text_faults(text: str) -> tuple[str, ...]:
    """Why Notify would refuse this text, or send another than this. One text goes to many: it is looked at once."""
    count, faults = sms_count(text), check_text(text)
    if not text.strip():
        faults.append("the text message is empty")
    if count.characters > NOTIFY_SMS_CHARACTERS:
        faults.append(
            f"{count.characters} characters ({count.segments} {count.encoding} segments), "
            f"{NOTIFY_SMS_CHARACTERS} fit: shorten it"
        )
    strange = [letter for letter in count.beyond_gsm7 if letter not in _WELSH and not check_text(letter)]
    if strange:
        faults.append(f"Notify would replace {' '.join(strange)}: write it with letters of English or Welsh")
    if _UNTIDY.search(text):
        faults.append("Notify would tidy the spaces or empty lines of this text: remove the surplus ones")
    return tuple(faults)


def sms_faults(rendering: Rendering) -> list[str]:
    """Per language: what :func:`text_faults` finds, and a missing mark of an exercise."""
    exercise, faults = rendering.options.get("exercise") is True, []
    for part in rendering.parts:
        faults += [f"{part.language}: {fault}" for fault in text_faults(part.text)]
        if part.text.startswith(EXERCISE_LINE) is not exercise:
            faults.append(f"{part.language}: an exercise, and nothing else, begins with {EXERCISE_LINE}")
    return faults if rendering.parts else ["there is no text"]


def markdown_faults(rendering: Rendering) -> list[str]:
    """Per language: the first line that Notify would take for formatting, and show with other words."""
    found = {part.language: _MARKDOWN.search(part.text) for part in rendering.parts}
    return [
        f"{language}: Notify would format the line {line[0].strip()!r}: begin it with a word, or with a hyphen and a "
        "space, and write links in full, without brackets, backslashes or entities"
        for language, line in found.items()
        if line
    ]


def option_faults(rendering: Rendering, notification: Notification) -> list[str]:
    """What is wrong with the ids in a rendering's options."""
    faults = []
    if not _is_uuid(rendering.options.get("template_id")):
        faults.append("template_id is not an id: set the account's template_id to the id that Notify shows")
    sender = rendering.options.get(notification.sender)
    if sender is not None and not _is_uuid(sender):
        faults.append(f"{notification.sender} is not an id: set it to the id that Notify shows, or leave it out")
    return faults


def payload(job: Job, part: Part, recipient: Secret, notification: Notification) -> dict[str, Json]:
    """The body of the one call that sends."""
    options = job.rendering.options
    told = {"message": part.text, "subject": subject_of(job.rendering, part.language)}
    body: dict[str, Json] = {
        notification.recipient: recipient.reveal(),
        "template_id": options["template_id"],
        "personalisation": {name: told[name] for name in notification.placeholders},
        "reference": job.delivery,
    }
    if options.get(notification.sender):
        body[notification.sender] = options[notification.sender]
    return body


def outcome(answer: Answer, text: str, recipient: Secret, now: datetime) -> Outcome:
    """What the answer to a sending means (reference: emergency-alerts 4, table)."""
    body = answer.json()
    if answer.status == 201 and body and isinstance(body.get("id"), str):
        return answer.outcome(Verdict.ACCEPTED, reason=_difference(body, text), reference=body["id"])
    if answer.status < 400 or answer.status in {408, 425} or answer.status >= 500:
        reason = f"Notify answered {answer.status} without saying what became of the message"
        return answer.outcome(Verdict.IN_DOUBT, reason=reason, code=_error(body))
    said = _said(body, recipient)
    if answer.status == 429:
        return _throttled(answer, said, answer.retry_after_s(now) or _PAUSE_S)
    if answer.status == 403 and "system clock" in said:
        return answer.outcome(Verdict.DEFERRED, reason=said, code="clock", retry_after_s=_PAUSE_S)
    return answer.outcome(Verdict.REJECTED, reason=said or f"Notify answered {answer.status}", code=_error(body))


def finding(answer: Answer) -> Finding:
    """What the list of messages under our reference means."""
    body = answer.json()
    found = body.get("notifications") if body else None
    if answer.status != 200 or not isinstance(found, list) or not all(map(_is_message, found)):
        return Finding(Found.UNKNOWN, reason=f"Notify answered {answer.status} to the look-up")
    if not found:
        return Finding(Found.ABSENT)
    first = found[0]
    reason = f"Notify's status is {first.get('status')}"
    if len(found) > 1:
        reason += f"; {len(found)} messages carry this reference"
    return Finding(Found.FOUND, reference=first["id"], reason=reason)


def read_back(answer: Answer, text: str | None) -> ReadBack:
    """What one message's record means.

    ``delivered`` and ``sent`` (abroad, where no receipt comes) are visible, or altered where the text is another;
    ``created``, ``sending`` and ``pending`` are not known yet; every other status means that it did not arrive.
    """
    body = answer.json()
    if answer.status != 200 or not body or not isinstance(body.get("status"), str):
        return ReadBack(Seen.UNKNOWN, reason=f"Notify answered {answer.status}: kept for 7 days unless set otherwise")
    status, sent = body["status"], str(body.get("body", ""))
    if status in _UNDERWAY:
        return ReadBack(Seen.UNKNOWN, text=sent, reason=f"Notify's status is still {status}")
    if status not in _SENT:
        return ReadBack(Seen.MISSING, text=sent, reason=f"Notify's status is {status}")
    if sent != text:
        return ReadBack(Seen.ALTERED, text=sent, reason="Notify sent another text than was signed")
    return ReadBack(Seen.VISIBLE, text=sent)


def previewed(answer: Answer, text: str, notification: Notification) -> Probe:
    """Whether the template, previewed with ``text`` for each placeholder, is of that kind and holds no more."""
    body = answer.json() or {}
    if answer.status != 200:
        return Probe(ok=False, detail=f"Notify answered {answer.status}: {_said(body) or 'no reason given'}")
    if body.get("type") != notification.type or body.get("body") != text or body.get("subject") not in (None, text):
        whole = " and ".join(f"(({name}))" for name in notification.placeholders)
        return Probe(ok=False, detail=f"the template must be {notification.named} whose whole content is {whole}")
    return Probe(ok=True, detail=f"Notify takes the key and the template (version {body.get('version')})")


def _is_message(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str)


def _throttled(answer: Answer, said: str, wait_s: float) -> Outcome:
    code = _error(answer.json())
    if code == "TooManyRequestsError":
        reason = f"{said}: Notify's daily limit is used up until midnight UTC; use another channel"
        return answer.outcome(Verdict.REJECTED, reason=reason, code=code, wide=True)
    reason = said or "Notify answered 429"
    return answer.outcome(Verdict.DEFERRED, reason=reason, code=code, retry_after_s=wait_s, wide=True)


def _difference(body: dict[str, Any], text: str) -> str:
    content = body.get("content")
    if isinstance(content, dict) and content.get("body") != text:
        return "Notify sent another text than was signed: make the template's whole content ((message))"
    return ""


def _errors(body: dict[str, Any] | None) -> list[dict[str, Any]]:
    errors = body.get("errors") if body else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _error(body: dict[str, Any] | None) -> str:
    name = str(next((error.get("error", "") for error in _errors(body)), ""))
    return name if _CLASS.fullmatch(name) else ""


def _said(body: dict[str, Any] | None, recipient: Secret | None = None) -> str:
    said = "; ".join(f"{error.get('error', '')}: {error.get('message', '')}" for error in _errors(body))
    known = said.replace(recipient.reveal(), "***") if recipient and recipient.reveal() else said
    return _PERSONAL.sub("***", known)[:300]


def _is_uuid(value: Json) -> bool:
    return isinstance(value, str) and re.fullmatch(_UUID, value) is not None
