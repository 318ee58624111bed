"""The console's two cookies: one that says who is signed in, one while somebody is on the way to the provider.

Rules
  1. The first is ``SameSite=Strict``: no link on a foreign page is followed as somebody signed in. The second is sealed
     with a key of ours, lives ten minutes, and is ``Lax``, because the provider sends people back from its own site.
  2. Where the public address is https both are ``Secure`` and their names begin with ``__Host-``: no other host of the
     domain can set them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import HTTPConnection
from starlette.responses import Response

SIGNED_IN = "dispatcher-console"
ON_THE_WAY = "dispatcher-sign-in"
WAY_S = 600
LONGEST = 4_096


@dataclass(frozen=True, slots=True)
class Begun:
    """What a sign-in that was begun here is known by, and where it is to lead."""

    state: str
    nonce: str
    verifier: str
    goes_on: str


class Seal:
    """Seals a :class:`Begun` into a cookie. ``secret`` is the same in all processes that may answer."""

    def __init__(self, secret: bytes) -> None:
        key = hmac.new(secret, b"dispatcher/console/sign-in/v1", hashlib.sha256).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, begun: Begun, now: datetime) -> str:
        """As a cookie's value."""
        return self._fernet.encrypt_at_time(json.dumps(asdict(begun)).encode(), int(now.timestamp())).decode()

    def open(self, sealed: str, now: datetime) -> Begun | None:
        """What was sealed less than ten minutes ago; None for anything else."""
        if not sealed.isascii() or len(sealed) > LONGEST:
            return None
        try:
            return Begun(**json.loads(self._fernet.decrypt_at_time(sealed, WAY_S, int(now.timestamp()))))
        except (InvalidToken, ValueError, TypeError):
            return None


def is_secure(address: str) -> bool:
    """Whether cookies travel over https alone."""
    return address.lower().startswith("https://")


def value(request: HTTPConnection, name: str, *, secure: bool) -> str:
    """What a cookie holds, or nothing."""
    return request.cookies.get(_named(name, secure=secure), "")


def put(answer: Response, name: str, value: str, *, secure: bool) -> None:
    """Set one of the two."""
    on_the_way = name == ON_THE_WAY
    same_site: Literal["lax", "strict"] = "lax" if on_the_way else "strict"
    answer.set_cookie(
        _named(name, secure=secure),
        value,
        max_age=WAY_S if on_the_way else None,
        path="/",
        secure=secure,
        httponly=True,
        samesite=same_site,
    )


def drop(answer: Response, name: str, *, secure: bool) -> None:
    """Remove one of the two."""
    answer.delete_cookie(_named(name, secure=secure), path="/", secure=secure, httponly=True, samesite="strict")


def _named(name: str, *, secure: bool) -> str:
    return f"__Host-{name}" if secure else name
