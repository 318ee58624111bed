"""Signing in with the department's identity provider: OpenID Connect, authorization code flow with PKCE.

Rules
  1. Nothing that the browser brings is believed: the code is exchanged here, with the verifier that only this console has
     (RFC 7636, S256), and the ID token is checked (``tokens``).
  2. The provider is known by its issuer alone. Its endpoints come from its discovery document, which must name that very
     issuer; all of them are https, or http on the loopback address, where the tests' provider is.
  3. Names and groups are claims of the ID token. A group gives a role where the settings map it; who is in none of those
     is refused by name. Where several do, the first of ``sessions.ROLES`` is taken.
  4. What fails ends in :class:`Refused`: a reason for the ledger, and what to do next for the person.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from authlib.oauth2.client import OAuth2Client

from channels.contract import Clock
from dispatcher.domain.errors import Invalid
from dispatcher.domain.lookalikes import fault
from dispatcher.domain.people import Role
from dispatcher.service.sessions import Known, chosen
from dispatcher.settings import ConsoleSettings, Settings
from ops.console.signing_in.cookies import Begun
from ops.console.signing_in.tokens import TokenRefused, Wanted, check

SCOPE = "openid profile"
TIMEOUT_S = 10.0
ANSWER_MOST = 1024 * 1024
NAME_MOST = 200
OK = 200
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Refused(Exception):
    """A sign-in that came to nothing. ``reason`` is for the ledger, ``next_step`` for the person."""

    def __init__(self, reason: str, next_step: str, person: str | None = None, *, away: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.next_step, self.person, self.away = reason, next_step, person, away


@dataclass(frozen=True, slots=True)
class OpenId:
    """One provider as the settings have it; ``secret`` is empty for a public client."""

    settings: ConsoleSettings
    secret: str
    roles: Mapping[str, Role]
    clock: Clock

    async def way(self, begun: Begun, redirect: str) -> str:
        """Where to send a browser to sign in. Raises Refused."""
        async with _client() as http:
            told = await self._discovered(http)
        client = OAuth2Client(
            None, self.settings.client_id, scope=SCOPE, redirect_uri=redirect, code_challenge_method="S256"
        )
        at = _endpoint(told, "authorization_endpoint")
        url, _ = client.create_authorization_url(
            at, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier
        )
        return str(url)

    async def arrived(self, query: Mapping[str, str], begun: Begun | None, redirect: str) -> Known:
        """Who came back from the provider. Raises Refused."""
        if begun is None or not hmac.compare_digest(query.get("state", "").encode(), begun.state.encode()):
            raise Refused("the state is not that of a sign-in begun in this browser", AGAIN)
        if "error" in query:
            raise Refused(f"the provider says {_word(query['error'])}", AGAIN)
        async with _client() as http:
            told = await self._discovered(http)
            named = query.get("iss", self.settings.issuer)
            if named != self.settings.issuer:
                raise Refused("another provider answered", AGAIN)
            token = await self._exchanged(http, told, query.get("code", ""), begun.verifier, redirect)
            keys = await _read(http, _endpoint(told, "jwks_uri"))
        wanted = Wanted(
            self.settings.issuer, self.settings.client_id, begun.nonce, str(token.get("access_token", ""))
        )
        try:
            return self._known(check(str(token.get("id_token", "")), keys, wanted, self.clock()))
        except TokenRefused as error:
            raise Refused(f"the ID token: {error}", AGAIN) from error

    def _known(self, claims: Mapping[str, Any]) -> Known:
        settings = self.settings
        person, words = claims.get(settings.name_claim), claims.get("name")
        if not isinstance(person, str) or not person or len(person) > NAME_MOST or fault(person):
            raise Refused(f"the ID token has no usable claim {settings.name_claim}", NO_CLAIM)
        named = claims.get(settings.groups_claim, [])
        groups = [named] if isinstance(named, str) else named
        if not isinstance(groups, list):
            raise Refused(f"the ID token has no usable claim {settings.groups_claim}", NO_CLAIM, person)
        role = chosen([self.roles[group] for group in groups if isinstance(group, str) and group in self.roles])
        if role is None:
            raise Refused(f"{person} is in no group that has a role here", NO_GROUP, person)
        name = words if isinstance(words, str) and 0 < len(words) <= NAME_MOST and not fault(words) else person
        return Known(person, name, role, settings.issuer, str(claims["sub"])[:NAME_MOST])

    async def _discovered(self, http: httpx.AsyncClient) -> Mapping[str, Any]:
        told = await _read(http, f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != self.settings.issuer:
            raise Refused("the provider calls itself by another name than console.issuer", OPS)
        return told

    async def _exchanged(
        self, http: httpx.AsyncClient, told: Mapping[str, Any], code: str, verifier: str, redirect: str
    ) -> Mapping[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        auth = None
        if self.secret:  # RFC 6749, 2.3.1: both are form-encoded first
            auth = httpx.BasicAuth(quote(self.settings.client_id, safe=""), quote(self.secret, safe=""))
        else:
            form["client_id"] = self.settings.client_id
        request = http.build_request("POST", _endpoint(told, "token_endpoint"), data=form)
        status, answer = await _sent(http, request, auth)
        if status != OK:
            raise Refused(f"the provider does not take the code ({_word(answer.get('error'))})", AGAIN)
        return answer


def open_id(settings: Settings, clock: Clock) -> OpenId | None:
    """The provider of a deployment; None where people come by links alone. Raises Invalid."""
    console = settings.console
    if not console.issuer:
        return None
    if not console.client_id:
        raise Invalid("console.client_id is missing", "put the client id of the provider into deployment.toml")
    _trusted(console.issuer, "console.issuer")
    secret = ""
    if console.client_secret_file:
        try:
            secret = settings.path(console.client_secret_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"console.client_secret_file: {error}", "name the file that holds the secret") from error
    return OpenId(console, secret, _roles(console.groups), clock)


def _roles(groups: Mapping[str, str]) -> dict[str, Role]:
    for group, role in groups.items():
        if role == Role.CONSOLE or role not in frozenset(Role):
            raise Invalid(f"console.groups gives {group} the role {role!r}, which no person has", "name another role")
    return {group: Role(role) for group, role in groups.items()}


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, headers={"Accept": "application/json"})


async def _read(http: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    status, answer = await _sent(http, http.build_request("GET", url))
    if status != OK:
        raise Refused(f"the identity provider answers {status}", AWAY, away=True)
    return answer


async def _sent(
    http: httpx.AsyncClient, request: httpx.Request, auth: httpx.BasicAuth | None = None
) -> tuple[int, Mapping[str, Any]]:
    """The status, and the JSON object that was answered, or an empty one. Raises Refused."""
    body = b""
    try:
        response = await http.send(request, stream=True, auth=auth)
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > ANSWER_MOST:
                    raise Refused("the identity provider answers hugely", AWAY, away=True)
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused(f"the identity provider cannot be reached ({type(error).__name__})", AWAY, away=True) from error
    try:
        answer = httpx.Response(OK, content=body).json() if body else {}
    except ValueError:
        answer = {}
    return response.status_code, answer if isinstance(answer, dict) else {}


def _endpoint(told: Mapping[str, Any], name: str) -> str:
    url = told.get(name)
    if not isinstance(url, str):
        raise Refused(f"the provider names no {name}", OPS)
    try:
        _trusted(url, name)
    except Invalid as error:
        raise Refused(error.message, OPS) from error
    return url


def _trusted(url: str, what: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Invalid(f"{what} is no https address", "the provider has one; put it into deployment.toml")


def _word(said: object) -> str:
    """An error code of OAuth, and nothing else that somebody may have put there."""
    plain = str(said)
    return (
        plain if plain.replace("_", "").isalpha() and plain.isascii() and len(plain) < 60 else "something unreadable"
    )


AGAIN = "start again; if it stays so, tell ops, and use a one-time link: dispatcher console"
AWAY = "try again in a minute; until then use a one-time link: dispatcher console"
OPS = (
    "ops: compare console.issuer in deployment.toml with the provider's own documents; until then: dispatcher console"
)
NO_CLAIM = "ops: have the provider put it into the ID token, or name another claim in deployment.toml"
NO_GROUP = "ask whoever looks after the groups at the identity provider, or ops for console.groups in deployment.toml"
