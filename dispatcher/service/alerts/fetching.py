"""Getting alerts and lists from addresses: listed hosts only, no redirects, one time limit and one size for each.

Only a test deployment may fetch over http or from a private address, like its adapters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from dispatcher.cap.reader import MAX_BYTES
from dispatcher.domain.errors import Invalid, Unavailable

if TYPE_CHECKING:  # aiohttp is loaded by whoever fetches
    from channels.http import Answer, Http

TIMEOUT_S = 10.0
OK, NOT_MODIFIED = 200, 304


class Fetcher:
    """Fetches from ``hosts`` (``host`` or ``host:port``); use as an asynchronous context."""

    def __init__(self, hosts: Iterable[str], *, is_test: bool) -> None:
        self._hosts = frozenset(hosts)
        self._is_test = is_test
        self._http: Http | None = None

    async def __aenter__(self) -> Fetcher:
        from channels.http import Http, HttpPolicy

        is_test = self._is_test
        self._http = Http(HttpPolicy(self._hosts, is_test, https_only=not is_test, most_bytes=MAX_BYTES))
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._http:
            await self._http.close()

    async def get(self, address: str, headers: Mapping[str, str] | None = None) -> Answer:
        """What an address answers with 200 or 304. Raises Invalid, Unavailable."""
        from channels.http import TransportError

        if self._http is None:
            raise RuntimeError("a fetcher is used as a context")
        if not self._is_test and not address.startswith("https://"):
            raise Invalid(f"{address}: only https addresses are fetched", "save the alert and give its file")
        try:
            answer = await self._http.request("GET", address, headers=headers, timeout_s=TIMEOUT_S)
        except TransportError as error:
            raise Unavailable(f"{address} was not fetched: {error}", "save the alert and give its file") from error
        if answer.status in (OK, NOT_MODIFIED):
            return answer
        moved = " (it moved: write the address it moved to)" if 300 <= answer.status < 400 else ""
        why = f"{address} was not fetched: status {answer.status}{moved}"
        raise Unavailable(why, "check the address, or give a file")
