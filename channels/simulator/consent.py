"""The page where people consent to an app, as the far sides have it: RFC 6749, 4.1, with PKCE where one wants it.

Whoever opens the page consents at once. A test may set ``denied``; ``withheld``: scopes that are left unticked;
``owner``: who it is that consents. A code is good for one use within :data:`CODE_LIFE`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from channels.contract import Clock

CODE_LIFE = timedelta(seconds=30)
"""X's (reference: platforms 3.1); nobody else documents a shorter one."""


@dataclass(frozen=True, slots=True)
class Given:
    """What one consent gave: for whom, and which scopes. What comes with its code ``must`` say the same."""

    owner: str
    scopes: tuple[str, ...]
    must: Mapping[str, str]
    challenge: str
    until: datetime


class ConsentPage:
    """The page of one platform.

    ``app`` is what an app says of itself when it brings a code, its id first; ``challenge`` writes PKCE's digest.
    """

    def __init__(
        self,
        clock: Clock,
        app: Mapping[str, str],
        *,
        separator: str = ",",
        challenge: Callable[[bytes], str] | None = None,
    ) -> None:
        self.denied, self.withheld, self.owner = False, frozenset[str](), "1"
        self._clock, self._app = clock, app
        self._separator, self._challenge = separator, challenge
        self._codes: dict[str, Given] = {}
        self._issued = 0

    async def page(self, request: web.Request) -> web.Response:
        """Send the browser back with a code, or without one where consent is denied."""
        asked, (name, app) = request.query, next(iter(self._app.items()))
        told = (asked.get("response_type"), asked.get(name), {"redirect_uri", "state"} <= set(asked))
        if told != ("code", app, True):
            return web.Response(status=400, text="This app is not known, or asks for something else.")
        answer = {"error": "access_denied"} if self.denied else {"code": self._code(asked)}
        back = f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}"
        return web.Response(status=302, headers={"Location": back})

    def redeemed(self, given: Mapping[str, str]) -> Given | None:
        """What was consented to, by the form that brings its code; None where something in it is not right."""
        found = self._codes.pop(given.get("code", ""), None)
        if found is None or self._clock() >= found.until:
            return None
        if any(given.get(name) != value for name, value in found.must.items()):
            return None
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        return found if self._challenge is None or self._challenge(digest) == found.challenge else None

    def _code(self, asked: Mapping[str, str]) -> str:
        self._issued += 1
        code = f"code/{self._issued}*"  # with what must be escaped in an address
        scopes = tuple(one for one in asked.get("scope", "").split(self._separator) if one not in self.withheld)
        must = {"grant_type": "authorization_code", "redirect_uri": asked["redirect_uri"], **self._app}
        until = self._clock() + CODE_LIFE
        self._codes[code] = Given(self.owner, scopes, must, asked.get("code_challenge", ""), until)
        return code
