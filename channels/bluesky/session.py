"""The login of one Bluesky account, kept and renewed (reference: platforms 6).

Rules
  1. Logins are limited to 30 in 5 minutes, so a session is kept for the adapter's life and refreshed when it expires.
  2. One renewal at a time: whoever waited for another's renewal uses its result.
  3. Nothing is published by logging in: every failure here is deferred, or rejected where the password is wrong.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from channels.bluesky import wire
from channels.contract import Clock, Outcome, Secret, Verdict
from channels.http import Answer, Http, TransportError

CREATE = "com.atproto.server.createSession"
REFRESH = "com.atproto.server.refreshSession"


@dataclass(frozen=True, slots=True)
class Session:
    """Who we are and with what; the tokens do not show."""

    did: str
    access: Secret
    refresh: Secret


class NoSessionError(Exception):
    """There is no session; ``outcome`` says what that means for a delivery that was waiting for one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Login:
    """Gives the current session, and a new one in place of one that expired. Raises NoSessionError."""

    def __init__(self, http: Http, base_url: str, identifier: Secret, password: Secret, clock: Clock) -> None:
        self._http = http
        self._base_url = base_url
        self._identifier = identifier
        self._password = password
        self._clock = clock
        self._session: Session | None = None
        self._lock = asyncio.Lock()

    async def session(self, timeout_s: float, *, instead_of: Session | None = None) -> Session:
        """The session at hand; one that is not ``instead_of``, where that is given."""
        async with self._lock:
            current = self._session
            if current is not None and current is not instead_of:
                return current
            self._session = None  # a failed renewal leaves none behind, so that the next one logs in anew
            self._session = renewed = await self._renewed(current, timeout_s)
            return renewed

    async def _renewed(self, expired: Session | None, timeout_s: float) -> Session:
        try:
            if expired is not None:
                headers = {"Authorization": f"Bearer {expired.refresh.reveal()}"}
                answer = await self._http.request("POST", self._url(REFRESH), headers=headers, timeout_s=timeout_s)
                if (session := _session(answer)) is not None:
                    return session
            answer = await self._http.request("POST", self._url(CREATE), json=self._claim(), timeout_s=timeout_s)
        except TransportError as error:
            reason = f"no login: {error}"
            raise NoSessionError(Outcome(Verdict.DEFERRED, reason=reason, code=error.code)) from None
        session = _session(answer)
        if session is None:
            raise NoSessionError(_unacted(wire.refused(answer, self._clock())))
        return session

    def _url(self, method: str) -> str:
        return f"{self._base_url}/xrpc/{method}"

    def _claim(self) -> dict[str, str]:
        return {"identifier": self._identifier.reveal(), "password": self._password.reveal()}


def _unacted(outcome: Outcome) -> Outcome:
    """A login's outcome as the delivery's: what is in doubt about a login is not in doubt about a post."""
    return replace(outcome, verdict=Verdict.DEFERRED) if outcome.verdict is Verdict.IN_DOUBT else outcome


def _session(answer: Answer) -> Session | None:
    body = answer.json() if answer.status == 200 else None
    did, access, refresh = ((body or {}).get(name) for name in ("did", "accessJwt", "refreshJwt"))
    if not (isinstance(did, str) and isinstance(access, str) and isinstance(refresh, str)):
        return None
    return Session(did, Secret(access), Secret(refresh))
