"""A login at a submission server, as accounts that send e-mail have it, and what the server's replies mean.

Rules
  1. Only 250 to the end of the data takes a message. There, 4yz and 5yz refuse it (RFC 5321, 4.2.1), except 500 to
     504: they are about commands, no reply to data (RFC 5321, 4.3.2), so that they prove nothing. Nor does a reply
     whose enhanced code says otherwise (RFC 2034, 3).
  2. Before that nothing was taken, whatever is said. Trouble until the login is done concerns no message, so it is
     deferred, unless the login itself is refused (RFC 4954, 6).
  3. Of a server's own words only the codes are kept: the rest repeats addresses.

Settings of an account: ``base_url``, ``starttls``, ``from``, ``retry_after_s``; its credential: ``username`` and
``password``. The protocol itself is ``channels.smtp``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from channels.contract import Account, Outcome, Probe, Secret, Verdict
from channels.http import Http, TransportError
from channels.smtp import Login, Mail, Said, Server, Smtp, Stage
from channels.text import mailbox_fault

RETRY_AFTER_S = "60"
"""Ours. RFC 5321, 4.5.4.1 has half an hour between tries, which no alert has."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")

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


class Mailer:
    """One account's login. It keeps no connection."""

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http) -> None:
        """Raises ValueError where the server's address, ``from`` or the login is missing or unsound."""
        settings = account.settings
        self._login = Login(credential.get("username", Secret("")), credential.get("password", Secret("")))
        if not self._login.username.reveal() or not self._login.password.reveal():
            raise ValueError(f"account {account.id}: the credential needs a username and a password")
        self._sender = settings.get("from", "")
        if mailbox_fault(self._sender):
            raise ValueError(f"account {account.id}: the setting from must be an e-mail address")
        if settings.get("starttls", "no") not in {"yes", "no"}:
            raise ValueError(f"account {account.id}: the setting starttls must be yes or no")
        starttls = settings.get("starttls") == "yes"
        self._server = Server.at(settings.get("base_url", ""), _domain(self._sender), starttls=starttls)
        self._retry_after_s = _seconds(settings.get("retry_after_s", RETRY_AFTER_S))
        self._smtp = Smtp(http.policy)

    async def submit(self, mail: Mail, reference: str, timeout_s: float) -> Outcome:
        """Hand one message over; ``reference`` is what it is called once it was taken."""
        try:
            said = await self._smtp.submit(self._server, self._login, mail, timeout_s)
        except TransportError as error:
            return error.outcome()
        return outcome(said, reference, self._retry_after_s)

    async def probe(self, timeout_s: float) -> Probe:
        """Log in and offer the sender's address, and hand nothing over."""
        try:
            said = await self._smtp.look(self._server, self._login, self._sender, timeout_s)
        except TransportError as error:
            return Probe(ok=False, detail=str(error))
        if said.stage is Stage.SENDER and said.reply.code == 250:
            return Probe(ok=True, detail="the mail server takes the login and the sender's address")
        told = outcome(said, "", self._retry_after_s)
        return Probe(ok=False, detail=f"{told.reason} ({told.code})")


def message_id(delivery: str, sender: str) -> str:
    """The ``Message-ID`` of a delivery: its id, or a digest where that could not stand there."""
    known = _PLAIN_ID.fullmatch(delivery)
    left = delivery if known else hashlib.sha256(delivery.encode()).hexdigest()[:32]
    return f"<{left}@{_domain(sender)}>"


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


def _domain(address: str) -> str:
    """The part behind the @."""
    return address.rpartition("@")[2].lower()


def _seconds(text: str) -> float:
    """A wait as a setting says it. Raises ValueError for anything but a whole number up to a day."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 86_400:
        raise ValueError("the setting retry_after_s must be a whole number of seconds, 86400 at most")
    return float(text)
