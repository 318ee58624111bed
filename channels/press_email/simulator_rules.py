"""What a strict submission server asks of commands, logins and messages: pure functions, each with its RFC."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageDefect
from email.message import EmailMessage

COMMAND_OCTETS = 512  # RFC 5321, 4.5.3.1.4, with the line end
LINE_OCTETS = 1000  # RFC 5321, 4.5.3.1.6, with the line end
MESSAGE_OCTETS = 65_536  # RFC 5321, 4.5.3.1.7: what every server takes; this one takes no more

_PATH = re.compile(
    r"(?i:FROM|TO):<([^\s<>@\"\\,;:]{1,64}@[A-Za-z0-9.-]{1,255})>((?: [A-Z0-9]+(?:=[!-~]+)?)*)", re.ASCII
)
_ONCE = ("Date", "From", "Message-ID")


@dataclass(frozen=True, slots=True)
class No:
    """A refusal: reply code, enhanced code, words."""

    code: int
    enhanced: str
    text: str


def path(argument: str) -> str | No:
    """The address in ``FROM:<…>`` or ``TO:<…>`` (RFC 5321, 4.1.1.2)."""
    match = _PATH.fullmatch(argument)
    if match is None:
        return No(501, "5.5.2", "syntax: FROM:<address> or TO:<address>")
    if match[2]:
        return No(555, "5.5.4", "no such parameter here")
    return match[1]


def words(encoded: str, count: int) -> list[str] | No:
    """What stands in a base64 answer, ``count`` words with NUL between them (RFC 4616)."""
    try:
        found = base64.b64decode(encoded, validate=True).decode().split("\0")
    except (binascii.Error, ValueError):
        return No(501, "5.5.2", "this is not base64 of UTF-8")
    return found if len(found) == count else No(501, "5.5.2", f"{count} words are wanted")


def message(data: bytes, sender: str) -> EmailMessage | No:
    """The message in the data, its dots unstuffed, or why it is not taken (RFC 5322, 2.1.1, 3.6; RFC 6409, 6.1)."""
    if len(data) > MESSAGE_OCTETS:
        return No(552, "5.3.4", "the message is too big")
    if re.search(rb"\r(?!\n)|(?<!\r)\n|[\x80-\xff\0]", data) or any(len(line) > 998 for line in data.split(b"\r\n")):
        return No(554, "5.6.0", "a bare CR or LF, a line over 998 octets, or a byte that is not 7 bit")
    read = message_from_bytes(data, policy=policy.SMTP)
    if not isinstance(read, EmailMessage) or _defects(read):
        return No(554, "5.6.0", "the message is malformed")
    if any(len(read.get_all(name, [])) != 1 for name in _ONCE) or len(read.get_all("Subject", [])) > 1:
        return No(554, "5.6.0", f"{', '.join(_ONCE)} must stand in it, each once")
    addresses = read["From"].addresses
    if len(addresses) != 1 or addresses[0].addr_spec != sender:
        return No(553, "5.7.1", "From is not the sender's address")
    return read


def _defects(read: EmailMessage) -> list[MessageDefect]:
    return [*read.defects, *(defect for value in read.values() for defect in value.defects)]
