"""Meta's error codes and what each means for a post (reference: platforms 4.1).

Rules
  1. An error counts only in Graph's envelope, ``{"error": {"type", "code", "error_subcode"?, "is_transient"?, …}}``.
  2. Its code decides, not the HTTP status, which varies for throttles; a known subcode goes before the code.
  3. ``is_transient`` means "later", not "nothing happened": it puts in doubt what would else be a refusal.
  4. An unknown code waits in a 429, refuses in any other 4xx but 408, and is in doubt in anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.contract import Verdict
from channels.http import Answer

THROTTLES = (4, 17, 32, 341, 613, 80001, 80002)
DUPLICATES = frozenset({506})
DUPLICATE_SUBCODES = frozenset({1366051})
_PERMISSIONS = range(200, 300)
_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an error means: the verdict, the sentence for people, whether it concerns all that the account sends."""

    verdict: Verdict
    reason: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class GraphError:
    """An error in Graph's envelope; of its words nothing is kept."""

    code: int
    subcode: int | None = None
    transient: bool = False

    @property
    def label(self) -> str:
        """Code and subcode, for records: ``190.463``."""
        return str(self.code) if self.subcode is None else f"{self.code}.{self.subcode}"

    @property
    def is_missing(self) -> bool:
        """The object is not there, or this token may not see it: Graph does not tell them apart."""
        return (self.code, self.subcode) == (100, 33)

    @property
    def is_duplicate(self) -> bool:
        """The same post is up already."""
        return self.code in DUPLICATES or self.subcode in DUPLICATE_SUBCODES


def _no(reason: str, *, wide: bool = False) -> Ruling:
    return Ruling(Verdict.REJECTED, reason, wide)


_UNCLEAR = Ruling(Verdict.IN_DOUBT, "Meta had a fault of its own; it may have acted")
_WAIT = Ruling(Verdict.DEFERRED, "Meta asks to wait", wide=True)
_TOKEN = _no("Meta does not accept the account's token; a person must renew it", wide=True)
_PERMISSION = _no("the app or token may not do this; grant the permissions that this channel's page names")
_BAD = _no("Meta refused the request as wrong")
_MISSING = _no("Meta does not show this to the token")
_BLOCKED = _no("Meta blocks this app or account for breach of its rules; appeal, and use another channel", wide=True)
_LINK = _no("Meta does not let this link be posted; leave it out or use another")
_NO_CONTAINER = Ruling(Verdict.DEFERRED, "what was prepared is gone; it is prepared anew")
_NOT_MADE = Ruling(Verdict.DEFERRED, "Meta could not prepare the post; it is prepared anew")
_ABUSIVE = _no("Meta takes the text for abuse; word it anew")

_UNFETCHED = Ruling(Verdict.DEFERRED, "Meta cannot fetch the picture; see that its address answers from the internet")

CODES: Mapping[int, Ruling] = {
    -2: _UNCLEAR,
    -1: _UNCLEAR,
    1: _UNCLEAR,
    2: _UNCLEAR,
    3: _no("the app lacks the capability to post; have it reviewed by Meta", wide=True),
    10: _PERMISSION,
    100: _BAD,
    102: _TOKEN,
    190: _TOKEN,
    368: _BLOCKED,
    1609005: _LINK,
    **dict.fromkeys(THROTTLES, _WAIT),
    **dict.fromkeys(_PERMISSIONS, _PERMISSION),
}
SUBCODES: Mapping[int, Ruling] = {
    458: _no("the account's owner removed the app; have it added again, and renew the token", wide=True),
    459: _no("Meta wants the token's owner to log in and pass a check", wide=True),
    460: _no("the token's owner changed the password; renew the token", wide=True),
    463: _no("the account's token ran out; a person must renew it", wide=True),
    464: _no("the token's owner is not confirmed; have that done, and renew the token", wide=True),
    467: _no("the account's token is not valid any more; a person must renew it", wide=True),
    1346003: _ABUSIVE,
    1404102: _ABUSIVE,
    1363047: _UNCLEAR,
    1609010: _UNCLEAR,
    1366046: _no("Meta does not take the picture's size or format"),
    1390008: Ruling(Verdict.DEFERRED, "Meta finds that the account posts too fast", wide=True),
    1404078: _no("the account needs Meta's publishing authorisation; its owner must pass it", wide=True),
    1609005: _LINK,
    2207001: _UNCLEAR,
    2207003: _UNFETCHED,
    2207004: _no("Meta finds the picture too large"),
    2207005: _no("Meta does not take the picture's format"),
    2207006: _NO_CONTAINER,
    2207008: Ruling(Verdict.DEFERRED, "Meta does not show what was prepared yet"),
    2207009: _no("Meta does not take the picture's shape"),
    2207010: _no("Meta finds the caption too long"),
    2207020: _NO_CONTAINER,
    2207027: Ruling(Verdict.DEFERRED, "Meta has not finished preparing the post"),
    2207032: _NOT_MADE,
    2207042: _no("the account has used up what it may publish in 24 hours; use another channel", wide=True),
    2207050: _no("Meta restricts this account; its owner must open the app and follow what it says", wide=True),
    2207051: Ruling(Verdict.IN_DOUBT, "Meta takes the post for spam; it may be up"),
    2207052: _UNFETCHED,
    2207053: _NOT_MADE,
}
"""Those of 2207000 and above are about a container, which is published on Instagram and Threads (platforms 4.3, 4.4).
"""


def error_of(answer: Answer) -> GraphError | None:
    """The error in an answer's envelope; None where there is no envelope, or no sound one."""
    error = (answer.json() or {}).get("error")
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return None
    code = _number(error.get("code"))
    if code is None:
        return None
    return GraphError(code, _number(error.get("error_subcode")), error.get("is_transient") is True)


def ruling(error: GraphError, status: int) -> Ruling:
    """What an error means for a call that publishes, edits or deletes; see the rules of the module."""
    found = _MISSING if error.is_missing else SUBCODES.get(error.subcode or 0) or CODES.get(error.code)
    if found is None:
        found = _unknown(error, status)
    return _UNCLEAR if error.transient and found.verdict is Verdict.REJECTED else found


def _unknown(error: GraphError, status: int) -> Ruling:
    if status == 429:
        return _WAIT
    refuses = 400 <= status < 500 and status != 408
    return _no(f"Meta refused with code {error.label}") if refuses else _UNCLEAR


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST else None
