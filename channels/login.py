"""The bearer token of an account, which runs out: a call that it does not open is made once more with a fresh one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from channels.contract import Clock, Secret
from channels.http import Answer, NotSent
from channels.renewing import Renew, Renewal, renewed

UNAUTHORISED = 401


class Login:
    """One account's ``token`` on a platform that is called ``named``, beside what ``renew`` gets another one with.

    ``renewal`` keeps what is renewed; without it, or without a ``refresh_token``, a token that ran out stays so.
    """

    def __init__(self, named: str, credential: Mapping[str, Secret], renew: Renew, clock: Clock) -> None:
        self.credential = credential
        self.renewal: Renewal | None = None
        self._named = named
        self._renew = renew
        self._clock = clock

    async def call(self, once: Callable[[Secret], Awaitable[Answer]], until: datetime) -> Answer:
        """Make one call; after a token that ran out, refused without effect, once more. Raises TransportError."""
        used = self.credential
        if "token" in used:
            answer = await once(used["token"])
            if answer.status != UNAUTHORISED or self.renewal is None or "refresh_token" not in used:
                return answer
        return await once((await self._renewed(used, until))["token"])

    async def _renewed(self, used: Mapping[str, Secret], until: datetime) -> Mapping[str, Secret]:
        if self.renewal is None:
            raise NotSent("login", f"there is no token for {self._named}, and no place to keep one")
        left_s = max(0.0, (until - self._clock()).total_seconds())
        self.credential = await renewed(self.renewal, used, self._renew, on=self._named, timeout_s=left_s)
        return self.credential
