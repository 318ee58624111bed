"""The calls of one account to TikTok, with a token that is renewed as it runs out (reference: platforms 1.1, 1.2).

Rules
  1. Calls that fetch a token are one at a time: TikTok may answer each with another refresh token, and two at once
     can strand the account.
  2. What goes wrong with a token publishes nothing: it is never in doubt.
  3. A token that TikTok calls invalid is renewed once, and the call is made once more; it was refused without effect.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Clock, Json, Outcome, Secret, Verdict
from channels.http import Answer, Http, TransportError
from channels.tiktok import errors

BASE_URL = "https://open.tiktokapis.com"
HOSTS = ("open.tiktokapis.com", "open-upload.tiktokapis.com", "upload.us.tiktokapis.com")
CREDENTIAL = ("client_key", "client_secret", "refresh_token")
EARLY = timedelta(minutes=5)
LONGEST_S = 86_400
"""How long an access token lives (reference: platforms 1.1)."""

_REFUSED = re.compile(r"(access_denied|invalid_\w{1,20}|unauthorized_client|unsupported_\w{1,20})", re.ASCII)


class NoTokenError(Exception):
    """There is no token; ``outcome`` says what that means for a delivery that was waiting for one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Api:
    """One account's calls. Raises ValueError where the credential is incomplete."""

    def __init__(
        self, base_url: str, handle: str, credential: Mapping[str, Secret], http: Http, clock: Clock
    ) -> None:
        if missing := [name for name in CREDENTIAL if name not in credential]:
            raise ValueError(f"the credential of {handle} on TikTok has no {' and no '.join(missing)}")
        self._base_url = base_url.rstrip("/")
        self._client = {name: credential[name] for name in CREDENTIAL[:2]}
        self._refresh = credential["refresh_token"]
        self._http = http
        self._clock = clock
        self._token: Secret | None = None
        self._token_ends = clock()
        self._lock = asyncio.Lock()

    async def call(self, path: str, body: Json, until: datetime) -> Answer:
        """One call with the account's token. Raises TransportError and NoTokenError."""
        token = await self._access(until)
        answer = await self._once(path, body, token, until)
        error = errors.error_of(answer)
        if error is None or (answer.status, error.code) != (401, "access_token_invalid"):
            return answer
        return await self._once(path, body, await self._access(until, instead_of=token), until)

    async def put(self, url: str, data: bytes, headers: Mapping[str, str], until: datetime) -> Answer:
        """Put bytes to an upload address, which is its own secret: no token goes there. Raises TransportError."""
        return await self._http.request("PUT", url, data=data, headers=headers, timeout_s=self._left_s(until))

    def until(self, timeout_s: float) -> datetime:
        """When what begins now must have ended."""
        return self._clock() + timedelta(seconds=timeout_s)

    async def _once(self, path: str, body: Json, token: Secret, until: datetime) -> Answer:
        headers = {"Authorization": f"Bearer {token.reveal()}", "Content-Type": "application/json; charset=UTF-8"}
        url = f"{self._base_url}{path}"
        return await self._http.request("POST", url, headers=headers, json=body, timeout_s=self._left_s(until))

    async def _access(self, until: datetime, *, instead_of: Secret | None = None) -> Secret:
        async with self._lock:
            if self._token is None or self._token is instead_of or self._clock() >= self._token_ends:
                self._token = None
                self._token = await self._renewed(until)
            return self._token

    async def _renewed(self, until: datetime) -> Secret:
        form = {name: secret.reveal() for name, secret in self._client.items()}
        form |= {"grant_type": "refresh_token", "refresh_token": self._refresh.reveal()}
        url = f"{self._base_url}/v2/oauth/token/"
        try:
            answer = await self._http.request("POST", url, form=form, timeout_s=self._left_s(until))
        except TransportError as error:
            raise NoTokenError(Outcome(Verdict.DEFERRED, f"no token: {error}", error.code)) from None
        body: Mapping[str, Any] = answer.json() or {}
        token, refresh, lasts_s = (body.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        if not isinstance(token, str) or not isinstance(refresh, str) or type(lasts_s) is not int:
            raise NoTokenError(_no_token(answer, body.get("error")))
        self._refresh = Secret(refresh)
        self._token_ends = self._clock() + timedelta(seconds=min(max(lasts_s, 0), LONGEST_S)) - EARLY
        return Secret(token)

    def _left_s(self, until: datetime) -> float:
        return max(0.0, (until - self._clock()).total_seconds())


def _no_token(answer: Answer, error: Any) -> Outcome:
    """OAuth answers are flat, and come with 200 or 400 (reference: platforms 1.1, 15)."""
    outcome = errors.refused(answer, harmless=True)
    if answer.status < 500 and isinstance(error, str) and _REFUSED.fullmatch(error):
        reason = "TikTok gives no token for this account; connect it again"
        return replace(outcome, verdict=Verdict.REJECTED, code=error, reason=reason, account_wide=True)
    return outcome
