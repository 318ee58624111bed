"""The calls of one account to TikTok, with a token that is renewed as it runs out (reference: platforms 1.1, 1.2).

Rules
  1. A token is fetched through the account's renewal, one at a time on its host: TikTok may answer each with another
     refresh token, two at once can strand the account, and one that is on no disk is lost with its process. Where
     nobody keeps it, no token is fetched.
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

from channels.authorising import NotGrantedError
from channels.contract import Clock, Json, Outcome, Secret, Verdict
from channels.http import Answer, Http, TransportError
from channels.renewing import Renewal, moment, renewed
from channels.tiktok import errors
from channels.tiktok.login import GIVES, REFRESH_ENDS, TOKEN_ENDS, tokens

HOSTS = ("open.tiktokapis.com", "open-upload.tiktokapis.com", "upload.us.tiktokapis.com")
EARLY = timedelta(minutes=5)
SAME = timedelta(hours=1)
RENEWING_S = 30.0
"""How long a renewal may take; it is carried to its end, though a post waits for it no longer."""

_REFUSED = re.compile(r"(access_denied|invalid_\w{1,20}|unauthorized_client|unsupported_\w{1,20})", re.ASCII)


class NoTokenError(Exception):
    """There is no token; ``outcome`` says what that means for a delivery that was waiting for one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Api:
    """One account's calls. Raises ValueError where the credential is incomplete or says no time where it should."""

    def __init__(
        self, base_url: str, handle: str, credential: Mapping[str, Secret], http: Http, clock: Clock
    ) -> None:
        if missing := [name for name in GIVES if name not in credential]:
            raise ValueError(f"the credential of {handle} on TikTok has no {' and no '.join(missing)}")
        for name in (TOKEN_ENDS, REFRESH_ENDS):
            moment(credential, name)
        self._base_url = base_url.rstrip("/")
        self._held = credential
        self._renewal: Renewal | None = None
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()

    def renew_by(self, renewal: Renewal) -> None:
        """Fetch tokens in this way from now on."""
        self._renewal = renewal

    @property
    def ends(self) -> datetime | None:
        """When the refresh token ends, and a person has to connect the account again; None where nobody said."""
        return moment(self._held, REFRESH_ENDS)

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
            for _ in range(2):  # the first may bring what a person gave a moment ago, without a token yet
                if not self._is_good(instead_of):
                    self._held = await self._renewed(until)
            return self._held["token"]

    def _is_good(self, instead_of: Secret | None) -> bool:
        token, token_ends = self._held.get("token"), moment(self._held, TOKEN_ENDS)
        return token not in (None, instead_of) and token_ends is not None and self._clock() < token_ends - EARLY

    async def _renewed(self, until: datetime) -> Mapping[str, Secret]:
        if self._renewal is None:
            raise NoTokenError(Outcome(Verdict.DEFERRED, "no token: nobody keeps what a renewal brings", "login"))
        try:
            left_s = self._left_s(until)
            return await renewed(self._renewal, self._held, self._renew, on="TikTok", timeout_s=left_s)
        except TransportError as error:
            raise NoTokenError(Outcome(Verdict.DEFERRED, f"no token: {error}", error.code)) from None

    async def _renew(self, held: Mapping[str, Secret]) -> Mapping[str, Secret]:
        """Spend the refresh token (reference: platforms 1.1). Raises TransportError and NoTokenError."""
        form = {name: held[name].reveal() for name in GIVES} | {"grant_type": "refresh_token"}
        answer = await self._http.request(
            "POST", f"{self._base_url}/v2/oauth/token/", form=form, timeout_s=RENEWING_S
        )
        body: Mapping[str, Any] = answer.json() or {}
        try:
            fresh = tokens(body, self._clock())
        except NotGrantedError:
            raise NoTokenError(_no_token(answer, body.get("error"))) from None
        if _are_one(moment(held, REFRESH_ENDS), moment(fresh, REFRESH_ENDS)):
            fresh[REFRESH_ENDS] = held[REFRESH_ENDS]
        return {name: secret for name, secret in held.items() if name != TOKEN_ENDS} | fresh

    def _left_s(self, until: datetime) -> float:
        return max(0.0, (until - self._clock()).total_seconds())


def _are_one(one: datetime | None, other: datetime | None) -> bool:
    """Whether two ends are the same: TikTok tells it in seconds from an answer, and answers take their time."""
    return one is not None and other is not None and abs(one - other) < SAME


def _no_token(answer: Answer, error: Any) -> Outcome:
    """OAuth answers are flat, and come with 200 or 400 (reference: platforms 1.1, 15)."""
    outcome = errors.refused(answer, harmless=True)
    if answer.status < 500 and isinstance(error, str) and _REFUSED.fullmatch(error):
        reason = "TikTok gives no token for this account; connect it again"
        return replace(outcome, verdict=Verdict.REJECTED, code=error, reason=reason, account_wide=True)
    return outcome
