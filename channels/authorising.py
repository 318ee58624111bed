"""How a person lets our app act for an account, by OAuth 2's authorisation code (RFC 6749, 4.1; PKCE: RFC 7636).

A channel describes its platform's way as an :class:`Authorisation`; the rest is the same for all::

    consent = ask(described, account, client, redirect, random_bytes)  # the person opens consent.url, and consents
    code = code_of(consent, redirected)                                # the address that the browser was sent to
    granted = await redeem(described, consent, code, exchange)         # what the credential will hold

Rules
  1. A redirect that does not carry our state is no answer to our question: its code is not used (RFC 6749, 10.12).
  2. All scopes are granted, or nothing is kept: half a permission would be found out on the worst night.
  3. Of a platform's own words only an error's code is shown, and only where it looks like one: answers can echo a
     code or a secret.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlencode, urlsplit

from channels.contract import Account, RandomBytes, Secret
from channels.http import Answer, Http

TIMEOUT_S = 30.0
LONGEST_S = 10 * 365 * 86_400
_OWNER = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,63}")


class NotGrantedError(Exception):
    """There is no credential; ``next_step`` says what a person does about it. Neither holds a secret."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Client:
    """Our app, as its platform knows it; a public one has no secret."""

    id: Secret
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a consent came to: the account's new secrets, whom the platform says they act for, and until when.

    ``owner`` is empty where the platform does not say; ``expires_at`` None where no person has to come back.
    """

    secrets: Mapping[str, Secret]
    owner: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a code is redeemed with: the account it is for, our app, and the way out."""

    account: Account
    client: Client
    http: Http
    now: datetime

    @property
    def app_secret(self) -> Secret:
        """What a platform that knows no public apps is told."""
        return self.client.secret or Secret("")

    async def call(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        """The JSON object that a platform answers. Raises TransportError, NotGrantedError."""
        answer = await self.http.request(method, placed(self.account, url), timeout_s=TIMEOUT_S, **more)
        return _document(answer)


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What one platform wants.

    People consent at ``page``; ``token_url`` takes the code. ``scopes`` are joined by ``joined_by``. ``client_id`` is
    what the platform calls our app's id. ``keep`` makes a credential of the answer with a token: it ``gives`` these
    secrets. ``owner``: the account setting that says who the account is there. ``public``: an app may have no secret,
    and one that has says it by HTTP Basic. ``challenge`` writes PKCE's digest as the platform has it; None: no PKCE.
    ``more`` is what else the page is told.
    """

    page: str
    token_url: str
    scopes: tuple[str, ...]
    gives: tuple[str, ...]
    keep: Callable[[Exchange, Mapping[str, Any]], Awaitable[Granted]]
    owner: str = ""
    joined_by: str = " "
    client_id: str = "client_id"
    public: bool = False
    challenge: Callable[[bytes], str] | None = None
    more: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Connecting(Protocol):
    """What the adapter of an account that people connect has besides :class:`Channel`."""

    @classmethod
    def authorisation(cls, account: Account) -> Authorisation:
        """How people consent for such an account. Raises ValueError where its settings leave no way."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One question to a person: the address to open, and what the answer must match."""

    url: str
    redirect: str
    state: Secret
    verifier: Secret


def ask(
    described: Authorisation, account: Account, client: Client, redirect: str, random_bytes: RandomBytes
) -> Consent:
    """The question to put. ``redirect`` is where the browser is sent then; most platforms want it registered."""
    state, verifier = unpadded(random_bytes(32)), unpadded(random_bytes(32))
    query = {
        "response_type": "code",
        described.client_id: client.id.reveal(),
        "redirect_uri": redirect,
        "scope": described.joined_by.join(described.scopes),
        "state": state,
        **described.more,
    }
    if described.challenge is not None:
        digest = hashlib.sha256(verifier.encode()).digest()
        query |= {"code_challenge": described.challenge(digest), "code_challenge_method": "S256"}
    url = f"{placed(account, described.page)}?{urlencode(query)}"
    return Consent(url, redirect, Secret(state), Secret(verifier))


def code_of(consent: Consent, redirected: str) -> Secret:
    """The code in the address that the browser was sent to. Raises NotGrantedError."""
    found = dict(parse_qsl(redirected.strip().partition("#")[0].partition("?")[2]))  # whatever else was pasted
    if "state" not in found or Secret(found["state"]) != consent.state:
        raise NotGrantedError("the address does not answer this question: its state is another", _AGAIN)
    if "error" in found:
        denied = found["error"] == "access_denied"
        said = "consent was denied" if denied else f"the platform refused to ask: {_shown(found['error'])}"
        raise NotGrantedError(said, "consent in the browser" if denied else _SETTINGS)
    if not found.get("code"):
        raise NotGrantedError("the address holds no code", "paste the whole address that the browser was sent to")
    return Secret(found["code"])


async def redeem(described: Authorisation, consent: Consent, code: Secret, exchange: Exchange) -> Granted:
    """Exchange a code, which is good for one use. Raises TransportError, NotGrantedError."""
    client, headers = exchange.client, dict[str, str]()
    form = {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": consent.redirect}
    form |= {described.client_id: client.id.reveal()}
    if described.challenge is not None:
        form["code_verifier"] = consent.verifier.reveal()
    if client.secret is not None and described.public:
        headers = basic(client.id, client.secret)
    elif client.secret is not None:
        form["client_secret"] = client.secret.reveal()
    answer = await exchange.call("POST", described.token_url, form=form, headers=headers)
    if isinstance(scope := answer.get("scope"), str):
        check_scopes(described.scopes, re.split(r"[ ,]+", scope))
    granted = await described.keep(exchange, answer)
    if granted.owner and not _OWNER.fullmatch(granted.owner):
        raise nonsense("sound name of who consented")
    return granted


def placed(account: Account, url: str) -> str:
    """A platform's address, or the same below the ``base_url`` of an account that has one."""
    base = account.settings.get("base_url")
    return f"{base.rstrip('/')}{urlsplit(url).path}" if base else url


def check_scopes(wanted: Iterable[str], granted: Iterable[str]) -> None:
    """Raises NotGrantedError naming each scope that was not granted."""
    if missing := sorted(set(wanted) - set(granted)):
        raise NotGrantedError(
            f"the consent lacks {', '.join(missing)}", "leave every box ticked; else have the app given that scope"
        )


def text(answer: Mapping[str, Any], name: str) -> str:
    """A value that must be there, as text. Raises NotGrantedError."""
    value = answer.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise nonsense(name)
    return value


def nonsense(name: str) -> NotGrantedError:
    """The error for an answer that lacks a value which must be there."""
    return NotGrantedError(f"the platform's answer is not as it should be: it has no {name}", _LATER)


def ends(answer: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    """When something ends that lasts so many seconds from now; None where the answer does not sensibly say."""
    seconds = answer.get(name)
    return now + timedelta(seconds=seconds) if type(seconds) is int and 0 < seconds <= LONGEST_S else None


def basic(client_id: Secret, client_secret: Secret) -> dict[str, str]:
    """The header by which an app says who it is (RFC 7617)."""
    said = base64.b64encode(f"{client_id.reveal()}:{client_secret.reveal()}".encode()).decode()
    return {"Authorization": f"Basic {said}"}


def unpadded(data: bytes) -> str:
    """Base64 for addresses, without padding: PKCE's own way of writing (RFC 7636, appendix A)."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _document(answer: Answer) -> Mapping[str, Any]:
    body = answer.json()
    if answer.status == 200 and body is not None and "error" not in body:
        return body
    error = (body or {}).get("error")
    kind = error.get("type") if isinstance(error, dict) else error
    code = _shown(kind) if isinstance(kind, str) else f"status {answer.status}"
    if body is None or answer.status >= 500:
        raise NotGrantedError(f"the platform gave no usable answer (status {answer.status})", _LATER)
    raise NotGrantedError(f"the platform gives no token: {code}", f"{_AGAIN}; if that stays, {_SETTINGS}")


def _shown(word: str) -> str:
    return word if _WORD.fullmatch(word) else "for a reason that is no plain word"


_AGAIN = "give the command again, and open the new address at once: a code lives for seconds"
_LATER = "give the command again in a minute"
_SETTINGS = "compare the app's id, secret, redirect address and permissions with the platform's developer portal"
