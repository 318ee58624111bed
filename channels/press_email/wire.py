"""An e-mail as bytes.

Rules
  1. The message is a function of the job: a repeat is the same bytes under the same ``Message-ID`` (RFC 5322, 3.6.4).
     That is for whoever reads two, and for finding it in a server's log; no server is bound to know a repeat by it.
  2. Plain text in the recipient's language, quoted-printable, so that no server on the way has a reason to change it
     (RFC 2045, 6.7). ``Auto-Submitted`` keeps out-of-office answers away (RFC 3834). There is no
     ``List-Unsubscribe``: the list is the press office's own, and nobody leaves it by a click of a mail program.
  3. Nothing that could begin another header reaches one: headlines, names and addresses are refused for it.
"""

from __future__ import annotations

import quopri
import re
from datetime import UTC
from email.charset import SHORTEST, Charset
from email.header import Header
from email.utils import format_datetime

from channels.contract import DeliveryKind, Job, Part, Rendering
from channels.mail import message_id
from channels.text import check_text, mailbox_fault, subject_of

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9_-]{1,40}@[A-Za-z0-9.-]{1,255}>")
_PLAIN_HEADER = re.compile(r"[A-Za-z0-9 ,.:;!?()'/&-]{1,60}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ]{1,60}")


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


def message(job: Job, part: Part, recipient: str) -> bytes:
    """The message's bytes, the same on every attempt. The rendering was found to be without faults."""
    options = job.rendering.options
    name = _encoded(str(options["from_name"]), _PLAIN_NAME, "From")
    headers = {
        "Date": format_datetime(job.intended_at.astimezone(UTC)),
        "From": f"{name}\r\n <{options['from']}>",
        "To": f"<{recipient}>",
        "Subject": _encoded(subject_of(job.rendering, part.language) or "", _PLAIN_HEADER, "Subject"),
        "Message-ID": message_id(job.delivery, str(options["from"])),
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
