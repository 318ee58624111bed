"""An e-mail as bytes, and what the replies of a submission server mean.

Rules
  1. The message is a function of the job: a repeat is the same bytes under the same ``Message-ID`` (RFC 5322, 3.6.4).
     That is for whoever reads two, and for finding it in a server's log; no server is bound to know a repeat by it.
  2. Plain text in the recipient's language, quoted-printable, so that no server on the way has a reason to change it
     (RFC 2045, 6.7). ``Auto-Submitted`` keeps out-of-office answers away (RFC 3834). There is no
     ``List-Unsubscribe``: the list is the press office's own, and nobody leaves it by a click of a mail program.
  3. Nothing that could begin another header reaches one: headlines, names and addresses are refused for it.
  4. Only 250 to the end of the data takes a message. There, 4yz and 5yz refuse it (RFC 5321, 4.2.1), except 500 to
     504: they are about commands, no reply to data (RFC 5321, 4.3.2), so that they prove nothing. Nor does a reply
     whose enhanced code says otherwise (RFC 2034, 3).
  5. Before that nothing was taken, whatever is said. Trouble until the login is done concerns no message, so it is
     deferred, unless the login itself is refused (RFC 4954, 6).
  6. Of a server's own words only the codes are kept: the rest repeats addresses.
"""

from __future__ import annotations

import hashlib
import quopri
import re
from datetime import UTC
from email.charset import SHORTEST, Charset
from email.header import Header
from email.utils import format_datetime
from typing import Any

from channels.contract import DeliveryKind, Job, Outcome, Part, Rendering, Verdict
from channels.smtp import Said, Stage
from channels.text import check_text, mailbox_fault, subject_of

RETRY_AFTER_S = "60"
"""Ours. RFC 5321, 4.5.4.1 has half an hour between tries, which no alert has."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9_-]{1,40}@[A-Za-z0-9.-]{1,255}>")
_PLAIN_HEADER = re.compile(r"[A-Za-z0-9 ,.:;!?()'/&-]{1,60}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ]{1,60}")

_MEANINGS = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such domain",
    "1.3": "the server does not take this address",
    "1.8": "the server does not take the sender's address",
    "2.1": "the mailbox takes no messages",
    "2.2": "the mailbox is full",
    "3.2": "the server takes no mail now",
    "3.4": "the message is too big for the server",
    "4.5": "the server is overloaded",
    "5.3": "too many recipients for now",
    "7.0": "the server asks for another login, or has a rule against this",
    "7.1": "the server's rules refuse this sender or message",
    "7.8": "the login is not taken",
}
"""What enhanced status codes say, by subject and detail (RFC 3463, 3; RFC 4954, 6)."""

_LOGIN_REFUSED = frozenset({530, 534, 535, 538})  # RFC 4954, 4 and 6
_ABOUT_COMMANDS = range(500, 505)
_WHOLE_SERVER = ("3.", "7.")  # mail system, and security or policy: whoever is next hears the same


def domain(address: str) -> str:
    """The part behind the @."""
    return address.rpartition("@")[2].lower()


def seconds(text: str) -> float:
    """A wait as a setting says it. Raises ValueError for anything but a whole number up to a day."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 86_400:
        raise ValueError("the setting retry_after_s must be a whole number of seconds, 86400 at most")
    return float(text)


def option_faults(rendering: Rendering) -> list[str]:
    """What is wrong with names and addresses in a rendering's options."""
    options, faults = rendering.options, []
    for key in ("from", "reply_to"):
        value = options.get(key)
        if (key in options or key == "from") and not (isinstance(value, str) and not mailbox_fault(value)):
            faults.append(f"{key} is no e-mail address: set the account's {key}")
    name = options.get("from_name")
    if not isinstance(name, str) or not name.strip():
        faults.append("there is no name that the messages are from: set sent_by in deployment.toml")
    elif _breaks(name):
        faults.append("the name that the messages are from holds a line break or an invisible character")
    return faults


def message_id(job: Job) -> str:
    """The ``Message-ID`` of a delivery: its id, or a digest where that could not stand there."""
    known = _PLAIN_ID.fullmatch(job.delivery)
    left = job.delivery if known else hashlib.sha256(job.delivery.encode()).hexdigest()[:32]
    return f"<{left}@{domain(str(job.rendering.options['from']))}>"


def message(job: Job, part: Part, recipient: str) -> bytes:
    """The message's bytes, the same on every attempt. The rendering was found to be without faults."""
    options = job.rendering.options
    name = _encoded(str(options["from_name"]), _PLAIN_NAME, "From")
    headers = {
        "Date": format_datetime(job.intended_at.astimezone(UTC)),
        "From": f"{name}\r\n <{options['from']}>",
        "To": f"<{recipient}>",
        "Subject": _encoded(subject_of(job.rendering, part.language) or "", _PLAIN_HEADER, "Subject"),
        "Message-ID": message_id(job),
        **_threaded(job),
        "Auto-Submitted": "auto-generated",
        "Content-Language": part.language,
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    if options.get("reply_to"):
        headers["Reply-To"] = f"<{options['reply_to']}>"
    head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    body = quopri.encodestring(part.text.encode() + b"\n").replace(b"\n", b"\r\n")
    return head.encode("ascii") + b"\r\n" + body


def outcome(said: Said, reference: str, retry_after_s: float) -> Outcome:
    """What the deciding reply of one attempt means."""
    code, first = said.reply.code, said.reply.code // 100
    if said.stage is not Stage.MESSAGE:
        return _not_taken(said, retry_after_s)
    if _contradicts(said):
        return _made(said, Verdict.IN_DOUBT, "the mail server contradicted itself about the message")
    if code == 250:
        return _made(said, Verdict.ACCEPTED, "", reference=reference)
    if code in _ABOUT_COMMANDS or first not in {4, 5}:
        return _made(said, Verdict.IN_DOUBT, "the mail server's reply does not say what became of the message")
    return _refused(said, retry_after_s)


def _not_taken(said: Said, retry_after_s: float) -> Outcome:
    code = said.reply.code
    if said.stage in {Stage.LOGIN, Stage.SENDER} and code in _LOGIN_REFUSED:
        reason = "the mail server refused the login: mend the account's username and password"
        return _made(said, Verdict.REJECTED, reason, account_wide=True)
    if said.stage in {Stage.GREETING, Stage.HELLO, Stage.TLS, Stage.LOGIN}:
        reason = f"the mail server refused at its {said.stage}; no message was handed over"
        return _made(said, Verdict.DEFERRED, reason, retry_after_s=retry_after_s, account_wide=True)
    if code // 100 in {2, 3}:
        reason = f"the mail server's reply at {said.stage} makes no sense; no message was handed over"
        return _made(said, Verdict.DEFERRED, reason, retry_after_s=retry_after_s)
    return _refused(said, retry_after_s)


def _refused(said: Said, retry_after_s: float) -> Outcome:
    wide = said.reply.code == 421 or said.stage is Stage.SENDER or said.reply.enhanced[2:].startswith(_WHOLE_SERVER)
    meaning = _MEANINGS.get(said.reply.enhanced[2:])
    told = f": {meaning}" if meaning else ""
    if said.reply.code // 100 == 4:
        reason = f"the mail server refused for now, at {said.stage}{told}"
        return _made(said, Verdict.DEFERRED, reason, retry_after_s=retry_after_s, account_wide=wide)
    return _made(said, Verdict.REJECTED, f"the mail server refused, at {said.stage}{told}", account_wide=wide)


def _contradicts(said: Said) -> bool:
    enhanced = said.reply.enhanced
    return bool(enhanced) and enhanced[0] != str(said.reply.code)[0]


def _made(said: Said, verdict: Verdict, reason: str, **more: Any) -> Outcome:
    code = "" if verdict is Verdict.ACCEPTED else f"{said.reply.code} {said.reply.enhanced}".strip()
    return Outcome(verdict, reason, code=code, provider_ms=said.elapsed_ms, **more)


def _threaded(job: Job) -> dict[str, str]:
    """What puts a correction beside the message that it corrects, in the reader's mail program."""
    if job.rendering.kind is DeliveryKind.PUBLISH or not _MESSAGE_ID.fullmatch(job.original or ""):
        return {}
    return {"In-Reply-To": str(job.original), "References": str(job.original)}


def _encoded(text: str, plain: re.Pattern[str], name: str) -> str:
    """Text as a header takes it: as it is, or in encoded words (RFC 2047), folded."""
    if plain.fullmatch(text) and text == text.strip():
        return text
    return Header(text, _utf8(), header_name=name).encode(linesep="\r\n")


def _utf8() -> Charset:
    """UTF-8 whose header words are as short as can be; the table of charsets is anybody's to change in a process."""
    charset = Charset("utf-8")
    charset.header_encoding = SHORTEST
    return charset


def _breaks(text: str) -> bool:
    return "\n" in text or bool(check_text(text))
