"""Accounts and devices: who we are on each channel, and what may open a hand-off packet.

Rules
  1. What SQL and ledger get is never secret. The credential goes into one file, sealed to the role that will send;
     whoever adds an account cannot read it back.
  2. An account is of one mode for good. An exercise account reaches the simulator and nothing else.
  3. A credential that its adapter would not start with is refused now, not at the moment of sending.
  4. A channel that is not used (WeChat, Telegram) gets no account, however its name is spelled, and no account of
     another channel points at its hosts (clause G05; reference: policy 6.9, story 11).
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from channels import registry
from channels.contract import Account, Secret
from channels.modes import OfOneMode
from channels.registry import Lane
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import Forbidden, Invalid, NotFound
from dispatcher.domain.ids import is_name
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy import NEVER_USED, PolicyVersion
from dispatcher.sending.credentials import Credential, Vault
from dispatcher.service import grouping
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import accounts, probes

SENT_BY: Mapping[str, str] = {
    Lane.ACCOUNTS: "accounts",
    Lane.RECIPIENTS: "recipients",
    Lane.TIKTOK: "tiktok-sender",
}
"""The role that holds the credentials of a lane."""

ROTATING = (Role.OPS, Role.SECURITY)

ADDRESSES = ("base_url", "url", "public_base_url")
"""Account settings that say where an adapter goes."""

FOLDER = "folder"
"""The account setting that names a folder to publish into."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One account, as everybody may see it."""

    account: Account
    mode: Mode
    lane: str
    device: str | None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A device, with its secret. The secret is shown once: nothing here can read it again."""

    device: str
    account: str
    mode: Mode
    secret: Secret


def channel_named(name: str) -> str:
    """A channel's own name from any spelling. Raises NotFound, Forbidden for one that is not used."""
    return _entry(name).name


def lane_of(channel: str) -> Lane:
    """The lane that a channel's deliveries travel in."""
    return _entry(channel).lane


def add(
    desk: Desk,
    account: Account,
    mode: Mode,
    secrets: Mapping[str, Secret],
    person: str,
    expires_at: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
    groups: Sequence[str] = (),
) -> Listed:
    """Add an account with its credential, which ends at ``expires_at`` where that is known.

    ``facts`` go into the ledger too. Raises Invalid, Forbidden, NotFound for a channel that is none.
    """
    account, groups = checked(desk, account, mode), grouping.checked(groups)
    check_credential(desk, account, mode, secrets, expires_at)
    lane = lane_of(account.channel)
    with desk.store.write() as work:
        accounts.add_account(work, account, str(lane), mode, expires_at, groups)
        known = {"channel": account.channel, "lane": str(lane), "handle": account.handle}
        more = {"languages": list(account.languages), "settings": dict(account.settings), "secrets": sorted(secrets)}
        about: dict[str, Any] = {"account": account.id, "mode": str(mode), **more, **_ends(expires_at)}
        about |= {"groups": list(groups)} if groups else {}
        work.record("account.added", actor=person, **about, **known, **(facts or {}))
        desk.settings.vault(mode, SENT_BY[lane]).put(Credential(account, mode, secrets))
    return Listed(account, mode, str(lane), None, groups)


def checked(desk: Desk, account: Account, mode: Mode) -> Account:
    """A new account by its channel's own name, if there may be such a one. Raises Invalid, Forbidden, NotFound."""
    policy = desk.policy()
    _check_used(policy, account.channel)
    entry = _entry(account.channel)
    _check_used(policy, entry.name)
    account = replace(account, channel=entry.name)
    _check_route(policy, entry, account)
    _check_hosts(policy, account)
    _check_folder(account)
    _check(desk, account, mode)
    return account


def rotate(
    desk: Desk,
    name: str,
    secrets: Mapping[str, Secret],
    pen: Pen,
    expires_at: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Listed:
    """Replace all secrets of an account; what it is stays. Raises Invalid, NotFound, SignatureNeeded.

    A sender that runs goes by the new ones with its next lease, and probes them. ``facts`` go into the ledger too.
    """
    person = desk.person(pen)
    desk.role(person, ROTATING)
    account, mode, vault = held(desk, name)
    if not secrets:
        raise Invalid(f"no new secret of account {name} was given", "name each: --secret-file NAME=FILE")
    check_credential(desk, account, mode, secrets, expires_at)
    with vault.locked(name), desk.store.write() as work:  # a sender may be renewing what is replaced
        probes.renew(work, name, expires_at)
        about: dict[str, Any] = {"account": name, "mode": str(mode), "secrets": sorted(secrets), **_ends(expires_at)}
        work.record("account.rotated", actor=person.id, **about, **(facts or {}))
        vault.put_secrets(name, secrets)
    return Listed(account, mode, str(lane_of(account.channel)), None)


def held(desk: Desk, name: str) -> tuple[Account, Mode, Vault]:
    """An account whose credential lies on this host, with its mode and vault. Raises NotFound."""
    with desk.store.read() as work:
        row = accounts.row(work, name)
    account, mode = accounts.account_of(row), Mode(row.mode)
    vault = desk.settings.vault(mode, SENT_BY[row.lane])
    if not vault.holds(name):
        raise NotFound(f"account {name} has no credential on this host", "give the command where its role sends")
    return account, mode, vault


def listed(desk: Desk, mode: Mode | None = None) -> list[Listed]:
    """The accounts of one mode, or of both."""
    with desk.store.read() as work:
        return [
            Listed(
                accounts.account_of(row),
                Mode(row.mode),
                row.lane,
                accounts.device_of(work, row.id),
                accounts.groups_of(row),
            )
            for row in accounts.rows(work, mode)
        ]


def register(desk: Desk, device: str, account: str, person: str) -> Registered:
    """Make a device the one that opens an account's packets. Raises Invalid, NotFound, Forbidden."""
    if not is_name(device):
        raise Invalid(f"{device!r} cannot name a device", _NAMING)
    with desk.store.write() as work:
        row = accounts.row(work, account)
        if row.lane != Lane.TIKTOK:
            raise Forbidden(
                f"account {account} has no packets to open",
                "only accounts that hand off sealed packets have a device",
            )
        secret = registry.new_device_secret(row.channel, desk.random_bytes)
        probes.ask(work, [account])
        accounts.add_device(work, row, device, person)
        work.record("device.registered", actor=person, device=device, account=account, mode=row.mode)
        desk.settings.vault(Mode(row.mode), SENT_BY[row.lane]).put_device(account, device, secret)
    return Registered(device, account, Mode(row.mode), secret)


def _entry(name: str) -> registry.Entry:
    try:
        entry = registry.entry(name)
    except registry.UnknownChannelError as error:
        raise NotFound(str(error), "use one of these") from error
    if entry.load is None:
        raise Forbidden(f"G05: {entry.name} is not used: it has no adapter, and no signature opens it", _ELSEWHERE)
    return entry


def _check_used(policy: PolicyVersion, name: str) -> None:
    closed = {_letters(channel) for channel, rule in policy.channel.items() if rule.tier == NEVER_USED}
    if _letters(name) in closed:
        raise Forbidden(f"G05: {name!r} is not used: policy {policy.version} opens it to no signature", _ELSEWHERE)


def _check_route(policy: PolicyVersion, entry: registry.Entry, account: Account) -> None:
    route, rule = account.settings.get(registry.ROUTE), policy.rule(entry.name)
    if route is None or not entry.routes:
        return
    if route not in entry.routes:
        raise Invalid(f"{entry.name} has no route {route!r}", f"use one of these: {', '.join(entry.routes)}")
    if rule is None or route not in rule.routes:
        raise Forbidden(f"G05: policy {policy.version} does not open the route {route} to {entry.name}", _BY_HAND)


def _check_hosts(policy: PolicyVersion, account: Account) -> None:
    own = registry.adapter_of(account).capabilities.hosts  # a third party's adapter names its own
    said = _plain(unquote(" ".join([*account.settings.values(), *own])))
    for channel, rule in policy.channel.items():
        for host in rule.hosts:
            if channel != account.channel and re.search(rf"(?<![\w-]){re.escape(host)}(?![\w-]|\.\w)", said):
                raise Forbidden(f"G05: account {account.id} points at {host}, which is {channel}'s", _ELSEWHERE)


def _check_folder(account: Account) -> None:
    """A folder to publish into is there; one that is missing later is a share that is not mounted, and never made."""
    given = account.settings.get(FOLDER)
    if not given:
        return
    folder = Path(given)
    if not folder.is_absolute():
        raise Invalid(
            f"account {account.id} has the folder {given}, which every role would look for where it was started",
            f"give it whole: --set {FOLDER}={folder.absolute()}",
        )
    if not folder.is_dir():
        raise Invalid(
            f"account {account.id} has the folder {folder}, which is not there: where it is a share, mount it; else "
            "make it, for the user that the roles run as to write into",
            f"mkdir -p {shlex.quote(given)}",
        )


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, _plain(name)))


def _plain(text: str) -> str:
    """As software that resolves names would read it: no costume, no case, nothing that is skipped over."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u3002", ".")
    return "".join(letter for letter in folded if unicodedata.category(letter)[0] not in "CM")


def _check(desk: Desk, account: Account, mode: Mode) -> None:
    if not is_name(account.id):
        raise Invalid(f"{account.id!r} cannot name an account", _NAMING)
    if not account.languages:
        raise Invalid(f"account {account.id} has no language", "give one or more, in posting order: --language en-GB")
    adapter = registry.adapter_of(account)
    if mode is Mode.EXERCISE:
        _check_exercise(desk, account, bool(adapter.capabilities.hosts))


def check_credential(
    desk: Desk, account: Account, mode: Mode, secrets: Mapping[str, Secret], expires_at: datetime | None = None
) -> None:
    """Raises Invalid for one that its adapter would not start with, or that has ended."""
    from channels.http import Http, HttpPolicy  # aiohttp is not loaded by commands that only look

    try:
        made = registry.adapter_of(account)(account, secrets, Http(HttpPolicy(frozenset())), desk.clock)
    except ValueError as error:
        raise Invalid(str(error), "give it again with what is missing") from error
    if isinstance(made, OfOneMode) and (fault := made.serve(exercise=mode is Mode.EXERCISE)):
        raise Invalid(f"account {account.id}: {fault}", "give it again with a credential of this mode")
    if expires_at is not None and expires_at <= desk.now():
        raise Invalid(f"the credential ended at {expires_at:%Y-%m-%d %H:%M} UTC", "get a new one from the platform")


def _ends(expires_at: datetime | None) -> dict[str, str]:
    return {} if expires_at is None else {"expires_at": format_time(expires_at)}


def _check_exercise(desk: Desk, account: Account, needs_address: bool) -> None:
    simulated = desk.settings.simulated
    targets = [urlsplit(account.settings[key]).netloc for key in ADDRESSES if key in account.settings]
    away = [target for target in targets if target not in simulated]
    where = ", ".join(sorted(simulated)) or "set it in deployment.toml"
    if away:
        raise Forbidden(
            f"exercise account {account.id} points to {away[0] or 'nowhere'}, not to the simulator",
            f"exercise accounts reach the simulator only: {where}",
        )
    if needs_address and not targets:
        raise Invalid(
            f"exercise account {account.id} has no base_url", f"add --set base_url={desk.settings.simulator}/…"
        )


_BY_HAND = "leave the setting route out: people post then; only a new policy, signed by two owners, opens another"
_ELSEWHERE = "use another channel; only a new policy, signed by two owners, could change this"
_NAMING = "use lower case letters, digits, dot, dash, underscore; 63 at most"
