"""E-mail addresses that can be sent to as they are.

Plain addresses only: ASCII, because no server is bound to take others (RFC 6531); no quotes, comments or address
literals; a domain with a dot. Of 64 and 254 characters at most (RFC 5321, 4.5.3.1; RFC 3696, erratum 1690).

>>> mailbox_fault("news@paper.example"), mailbox_fault("news@paper")
('', 'this is no e-mail address (name@domain in unaccented letters)')
"""

from __future__ import annotations

import re

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@{_LABEL}(?:\.{_LABEL})+")


def mailbox_fault(address: str) -> str:
    """What is wrong with an e-mail address, without the address; empty where nothing is."""
    match = _MAILBOX.fullmatch(address)
    if match is None:
        return "this is no e-mail address (name@domain in unaccented letters)"
    if len(match[1]) > 64 or len(address) > 254:
        return "the e-mail address is too long"
    return ""
