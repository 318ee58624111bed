"""The one HTTP client; with ``channels.smtp``, which goes by the same policy, the only way out.

Rules
  1. Only hosts on the allow-list are called, over https unless the policy says otherwise. Redirects are answers, not
     orders; proxies from the environment and cookies are ignored.
  2. The address is checked at the moment of connecting, on the very address that is connected to: without
     ``allow_private`` nothing but public addresses is reached, whatever a name resolves to.
  3. One request is sent at most once; only GET and HEAD may be sent again when a kept-alive connection turns out
     stale. Whatever publishes shares connections that were in use a moment ago (``IDLE_S``): a fan-out does not
     shake hands for every send, and no server gives up a connection that soon. (aiohttp by itself re-sends PUT and
     DELETE after a lost connection; ``channels.exchange`` stops that.)
  4. An answer is read within one total time, up to 64 headers and 256 KiB where no other limit is asked for,
     uncompressed (reference: reliability 4). Whatever breaks a cap is as good as no answer.
  5. An error names the host and nothing else of the URL, and carries no aiohttp error with it, because those hold
     headers and queries.
  6. Where the policy names an egress proxy, that is the only way: nothing is resolved or connected to from here.
  7. aiohttp is loaded with the first client (``channels.exchange``), not by whoever only reads answers: adapters lint
     texts in commands that people wait for, and it takes as long to load as the database does to answer.

Errors stand in ``channels.calls``: :class:`NotSent` and :class:`Ambiguous`.

Example::

    http = Http(HttpPolicy(hosts=frozenset({"api.x.com"})))
    answer = await http.request("POST", "https://api.x.com/2/tweets", json={"text": text}, timeout_s=10)
    if answer.status == 201 and (body := answer.json()): ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from channels.calls import Ambiguous as Ambiguous  # noqa: PLC0414 - adapters find them here
from channels.calls import Answer as Answer  # noqa: PLC0414 - as above
from channels.calls import HttpPolicy as HttpPolicy  # noqa: PLC0414 - as above
from channels.calls import NotSent as NotSent  # noqa: PLC0414 - as above
from channels.calls import TransportError as TransportError  # noqa: PLC0414 - as above
from channels.calls import is_public as is_public  # noqa: PLC0414 - as above


class Http:
    """The client of one process and policy. Use inside one event loop; call :meth:`close` at its end."""

    def __init__(self, policy: HttpPolicy) -> None:
        from channels.exchange import Exchange

        self._policy = policy
        self._exchange = Exchange(policy)

    @property
    def policy(self) -> HttpPolicy:
        """Where this client may go: what speaks another protocol for the same account goes by it too."""
        return self._policy

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        data: bytes | None = None,
        params: Mapping[str, str] | None = None,
        timeout_s: float,
        most_bytes: int | None = None,
    ) -> Answer:
        """Send one request and read its answer within ``timeout_s`` in total and ``most_bytes``, else the policy's.

        At most one of ``json``, ``form`` and ``data`` gives the body. Raises NotSent or Ambiguous; any status,
        3xx included, is an answer.
        """
        content = _body(json, form, data)
        return await self._exchange.request(method, url, headers or {}, params or {}, content, timeout_s, most_bytes)

    async def close(self) -> None:
        """Close every connection."""
        await self._exchange.close()


def multipart(fields: Mapping[str, str], name: str, mime: str, data: bytes) -> tuple[str, bytes]:
    """A form with one file: its content type and its body, the same bytes for the same form (RFC 7578)."""
    boundary = hashlib.sha256(data).hexdigest()
    parts = [(f'name="{key}"', "text/plain; charset=utf-8", value.encode()) for key, value in fields.items()]
    parts.append((f'name="{name}"; filename="{name}"', mime, data))
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\nContent-Type: {kind}\r\n\r\n".encode()
        + value
        + b"\r\n"
        for about, kind, value in parts
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def _body(json: Any, form: Mapping[str, str] | None, data: bytes | None) -> tuple[str, bytes] | None:
    if sum(part is not None for part in (json, form, data)) > 1:
        raise ValueError("give one of json, form and data")
    if json is not None:
        return "application/json", orjson.dumps(json)
    if form is not None:
        return "application/x-www-form-urlencoded", urlencode(form).encode()
    return None if data is None else ("application/octet-stream", data)
