"""Connecting an account: a person consents at its platform, and what that gives is sealed to the role that sends.

Rules
  1. What can be refused is refused before anybody is asked to consent, and nothing is kept before all is there:
     secrets, scopes, and that they are the account's. Who consents while logged in as somebody else, such as
     themselves, is told so.
  2. Secrets go from the platform's answer into the sealed file. They are in no argument, log or output.
  3. Where a platform is, the program knows. An account's ``base_url``, which SQL could have been made to say, counts
     in exercises and in test deployments only.
  4. An account that is there keeps what it is: its credential is replaced as :func:`accounts.rotate` does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from channels import registry
from channels.contract import Account, Secret
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.domain.people import DeploymentKind, Person
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts
from dispatcher.service.accounts import Listed
from dispatcher.service.desk import Desk, Pen

if TYPE_CHECKING:  # aiohttp is not loaded by commands that only look
    from channels.authorising import Authorisation, Client, Consent, Granted
    from channels.http import Http

APP = ("client_id", "client_secret")
"""What the app is told by, whatever its platform calls it."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An account that is being connected: its question to a person, and who asked for it. ``known``: it is there."""

    account: Account
    mode: Mode
    known: bool
    person: Person
    described: Authorisation
    client: Client
    consent: Consent


def wanted(account: Account) -> tuple[str, ...]:
    """Which of :data:`APP` must be given for such an account. Raises Invalid for one that people do not connect."""
    return APP[:1] if _described(account).public else APP


def account_named(desk: Desk, name: str) -> tuple[Account, Mode]:
    """An account that is there, and whose credential lies on this host. Raises NotFound."""
    account, mode, _ = accounts.held(desk, name)
    return account, mode


def begin(
    desk: Desk, account: Account, mode: Mode, app: Mapping[str, Secret], redirect: str, pen: Pen, *, known: bool
) -> Connection:
    """Compose the question to a person. ``redirect`` is where their browser is sent afterwards.

    Raises Invalid, Forbidden, NotFound, SignatureNeeded.
    """
    from channels.authorising import Client, ask

    person = desk.person(pen)
    desk.role(person, accounts.ROTATING)
    account = account if known else _new(desk, account, mode)
    described = _described(account)
    if missing := [name for name in wanted(account) if name not in app]:
        raise Invalid(f"what the app is told by is missing: {', '.join(missing)}", "--secret-file NAME=FILE for each")
    if unknown := sorted(set(app) - set(APP)):
        raise Invalid(f"{', '.join(unknown)}: the platform gives that itself", f"give {' and '.join(APP)} only")
    owner = {described.owner: account.settings.get(described.owner, "0")} if described.owner else {}
    given = {name: Secret("given by the platform") for name in described.gives}
    accounts.check_credential(desk, replace(account, settings={**account.settings, **owner}), mode, given)
    client = Client(app["client_id"], app.get("client_secret"))
    consent = ask(described, at_platform(desk, account, mode), client, redirect, desk.random_bytes)
    return Connection(account, mode, known, person, described, client, consent)


def at_platform(desk: Desk, account: Account, mode: Mode) -> Account:
    """The account as its platform is called while it is being connected: see rule 3."""
    if mode is Mode.EXERCISE or desk.settings.kind is DeploymentKind.TEST:
        return account
    settings = {name: value for name, value in account.settings.items() if name not in accounts.ADDRESSES}
    return replace(account, settings=settings)


async def redeem(desk: Desk, asked: Connection, redirected: str, http: Http) -> Granted:
    """What the person's consent gives, by the address that their browser was sent to. Raises Invalid, Unavailable."""
    from channels.authorising import Exchange, NotGrantedError, code_of
    from channels.authorising import redeem as redeemed
    from channels.http import TransportError

    exchange = Exchange(at_platform(desk, asked.account, asked.mode), asked.client, http, desk.now())
    try:
        code = code_of(asked.consent, redirected)
        return await redeemed(asked.described, asked.consent, code, exchange)
    except NotGrantedError as error:
        raise Invalid(f"{asked.account.id} is not connected: {error}", error.next_step) from None
    except TransportError as error:
        step = _EGRESS if http.policy.egress else "give the command again"
        raise Unavailable(f"{asked.account.id} is not connected: {error}", step) from None


def keep(desk: Desk, asked: Connection, granted: Granted, pen: Pen) -> Listed:
    """Seal what was granted, and have it probed. Raises Invalid where it is somebody else's; as add and rotate do."""
    account = _owned(asked, granted)
    facts: dict[str, Any] = {"connected": {"owner": granted.owner, "scopes": list(asked.described.scopes)}}
    secrets, until = granted.secrets, granted.expires_at
    if asked.known:
        return accounts.rotate(desk, account.id, secrets, pen, until, facts)
    return accounts.add(desk, account, asked.mode, secrets, asked.person.id, until, facts)


def _new(desk: Desk, account: Account, mode: Mode) -> Account:
    if any(one.account.id == account.id for one in accounts.listed(desk)):
        raise Invalid(
            f"account {account.id} exists already", "leave out what it is, and its credential is replaced; or rename"
        )
    return accounts.checked(desk, account, mode)


def _owned(asked: Connection, granted: Granted) -> Account:
    """The account, which says who it is at its platform from now on. Raises Invalid."""
    setting, account = asked.described.owner, asked.account
    said = account.settings.get(setting)
    if setting and said is not None and said != granted.owner:
        raise Invalid(
            f"who consented is {granted.owner} there, and {account.id} is {said}; nothing was kept",
            f"log in as {account.handle} in that browser, and give the command again",
        )
    known = {setting: granted.owner} if setting and not asked.known else {}
    return replace(account, settings={**account.settings, **known})


def _described(account: Account) -> Authorisation:
    from channels.authorising import Connecting

    try:
        adapter = registry.adapter_of(account)
    except registry.UnknownChannelError as error:
        raise Invalid(str(error), "use one of these") from error
    if not issubclass(adapter, Connecting):
        raise Invalid(f"{account.channel} has no page where people consent", "dispatcher account add --help")
    try:
        return adapter.authorisation(account)
    except ValueError as error:
        raise Invalid(str(error), "mend the settings: --set NAME=VALUE") from error


_EGRESS = "is the role egress running, and does egress in deployment.toml name that host? then give the command again"
