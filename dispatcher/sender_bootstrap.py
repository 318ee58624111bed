"""Putting a sender together: trust files, credentials, spent file, adapters, network. No store and no Redis.

Apart from ``dispatcher.bootstrap``, so that a process that only sends loads neither.
"""

from __future__ import annotations

import contextlib
import gc
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from channels import registry
from channels.capabilities import Idempotency
from channels.contract import Account
from channels.modes import OfOneMode
from channels.renewing import Renewing
from dispatcher.domain.errors import DispatcherError, Forbidden, Invalid
from dispatcher.domain.ids import drawn_ahead
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.embedded.folder import Folder
from dispatcher.gate.policy import Policies
from dispatcher.opening import now as now  # noqa: PLC0414 - whoever sends takes the clock and the trust from here
from dispatcher.opening import open_trust as open_trust  # noqa: PLC0414 - as above
from dispatcher.sending.credentials import Credential, Vault
from dispatcher.sending.decisions import Decisions
from dispatcher.sending.keeping import Keeping
from dispatcher.sending.outlets import Outlet
from dispatcher.sending.probing import LocalProber
from dispatcher.sending.renewing import VaultRenewal
from dispatcher.sending.sender import LocalSender
from dispatcher.sending.spent import SpentFile
from dispatcher.sending.stopbook import StopBook
from dispatcher.settings import Settings
from dispatcher.statements.verify import Verifier

GARBAGE = 20_000
"""New objects between two looks for cycles."""

SECURE = ("https", "smtps")
"""Schemes under which nothing leaves in the clear; smtps is TLS from the first byte, or STARTTLS that is demanded."""

CONFINED = frozenset({"tiktok-sender"})
"""Roles that reach nothing but the socket of the egress proxy."""

REACH_S = 2.0
"""How long a look at a host that must not be reachable may take at the start."""

if TYPE_CHECKING:  # aiohttp is loaded by whoever sends, not by whoever asks for the trust
    from channels.http import Http, HttpPolicy


def open_sender(settings: Settings, mode: Mode, role: str) -> tuple[LocalSender, LocalProber]:
    """The sender of one role in one mode, with that role's credentials only, and who probes with them.

    Raises Forbidden for credentials of the other mode or a network they may not reach, Invalid, TrustError.
    """
    place = settings.path("sender", str(mode), role)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    trust = open_trust(settings, place / "floor.json")
    vault = settings.vault(mode, role)
    outlets = VaultOutlets(settings, vault)
    keeping = Keeping(
        trust=trust,
        spent=SpentFile(place / "spent.jsonl"),
        stops=StopBook(
            place / "stops.jsonl", Verifier(trust.roster, trust.root.deployment, mode), trust.root.status_key
        ),
        decisions=Decisions(place / "decisions.jsonl"),
        media=settings.media_folder,
        list_identity=vault.identity() if role == "recipients" else None,
        reaches=_reached(trust.policy, outlets.channels) if mode is Mode.LIVE else (),
    )
    drawn = drawn_ahead(secrets.token_bytes)
    nonce = lambda: drawn(16).hex()  # noqa: E731 - a name for what the sender takes
    sender = LocalSender(keeping, outlets, mode, now, nonce, let_go=outlets.close, elapsed=_elapsed)
    return sender, LocalProber(outlets)


def egress_socket(settings: Settings, mode: Mode) -> Path:
    """Where the egress proxy of a mode listens."""
    return Folder(settings.root).socket(f"egress/{mode}.sock")


def look_rarely_for_cycles() -> None:
    """Have Python look for cycles among new objects only, and rarely: what a send makes is nearly all freed without.

    Call it once everything is loaded. A look then takes about 10 ms, and comes once in some 700 sends.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _elapsed() -> float:
    """Seconds that nobody can set, those asleep included where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _reached(policies: Policies, channels: Iterable[str]) -> tuple[str, ...]:
    """Hosts of these channels that policy says no host of ours may reach, and that this one does (mitigation M12).

    An exercise reaches the simulator only, wherever it runs.
    """
    version = policies.in_force(now())
    rules = [version.rule(channel) for channel in channels] if version else []
    hosts = sorted({host for rule in rules if rule and "M12" in rule.mitigations for host in rule.hosts})
    found: list[str] = []
    looks = [threading.Thread(target=_look, args=(host, found), daemon=True) for host in hosts]
    for look in looks:
        look.start()
    for look in looks:
        look.join(REACH_S)
    return tuple(sorted(found))


def _look(host: str, found: list[str]) -> None:
    with contextlib.suppress(OSError), socket.create_connection((host, 443), REACH_S):
        found.append(host)


class VaultOutlets:
    """The outlets of one role's credential files: opened at the start, and when a file was added or replaced.

    Files are looked at whenever the accounts are listed, as every lease does. At the start a file that does not open
    is a reason not to start; later what was open stays so, and the log says why. An account whose channel cannot be
    loaded, which a third party's may not be, is not held: its deliveries wait, and no other account's do.
    """

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._settings = settings
        self._vault = vault
        self._open: dict[str, tuple[Credential, Outlet]] = {}
        self._unusable: set[str] = set()
        self._clients: dict[tuple[str, HttpPolicy], Http] = {}
        self._renewals: dict[str, VaultRenewal] = {}
        self._seen = vault.stamp
        self._held = vault.accounts
        for credential in vault.open_all():
            self._use(credential)

    def __iter__(self) -> Iterator[str]:
        """The accounts that there are files for."""
        if self._vault.stamp != self._seen:
            self._look()
        return iter(self._held)

    def get(self, account: str) -> Outlet | None:
        """The outlet of an account, or None."""
        if account not in self._open and account not in self._unusable and self._vault.holds(account):
            self._look()
        found = self._open.get(account)
        return found and found[1]

    @property
    def channels(self) -> frozenset[str]:
        """The channels of the accounts that are open."""
        return frozenset(credential.account.channel for credential, _ in self._open.values())

    async def close(self) -> None:
        """Let renewals end that have begun, and close every connection."""
        for renewal in self._renewals.values():
            await renewal.finish()
        for http in self._clients.values():
            await http.close()

    def _look(self) -> None:
        self._seen, self._held = self._vault.stamp, self._vault.accounts
        for account in sorted(self._held):
            try:
                self._use(self._vault.open(account))
            except (DispatcherError, ValueError) as error:
                structlog.get_logger("vault").error("credential_refused", account=account, reason=str(error))

    def _use(self, credential: Credential) -> None:
        """Make the outlet of a credential that is new: an adapter keeps its sessions while its credential stands."""
        account = credential.account
        if account.id in self._open and self._open[account.id][0] == credential:
            return
        try:
            outlet = _outlet(self._settings, credential, self._client(credential))
        except registry.UnknownChannelError as error:
            self._unusable.add(account.id)
            about = {"account": account.id, "channel": account.channel, "reason": str(error)}
            structlog.get_logger("outlets").warning("account_unusable", **about)
            return
        if isinstance(outlet.adapter, Renewing):
            outlet.adapter.renew_by(self._renewals.setdefault(account.id, VaultRenewal(self._vault, account.id)))
        self._open[account.id] = credential, outlet

    def _client(self, credential: Credential) -> Http:
        """The client of a channel's accounts that may go to the same places: they share its connections.

        Another channel has its own, so that a silent one cannot take them all: in exercises all are at one place.
        """
        from channels.http import Http

        policy = way_out(self._settings, credential, self._vault.role)
        known = (credential.account.channel, policy)
        if known not in self._clients:
            self._clients[known] = Http(policy)
        return self._clients[known]


def _outlet(settings: Settings, credential: Credential, http: Http) -> Outlet:
    account = credential.account
    adapter = registry.adapter_of(account)
    timing = settings.channel(account.channel)
    capability = adapter.capabilities.idempotency
    idempotency = replace(
        capability,
        ttl_s=_seconds(timing.ttl_ms, capability.ttl_s),
        lag_s=_seconds(timing.lag_ms, capability.lag_s),
    )
    timeout_s = _seconds(timing.timeout_ms, adapter.capabilities.timeout_s)
    if timeout_s >= settings.timing.lease_ms / 2000:
        raise Invalid(
            f"a call to {account.channel} may take {timeout_s:g} s, and a lease lasts {settings.timing.lease_ms} ms",
            f"make lease_ms more than twice timeout_ms of {account.channel} in deployment.toml",
        )
    made = adapter(account, credential.secrets, http, now)
    if isinstance(made, OfOneMode) and (fault := made.serve(exercise=credential.mode is Mode.EXERCISE)):
        structlog.get_logger("outlets").error("account_refuses", account=account.id, reason=fault)
    return Outlet(
        account=account,
        adapter=made,
        timeout_s=timeout_s,
        idempotency=Idempotency(idempotency.kind, idempotency.ttl_s, idempotency.lag_s),
    )


def way_out(settings: Settings, credential: Credential, role: str) -> HttpPolicy:
    """Where an account's adapter may go, and how from this role. Raises Forbidden and Invalid as :func:`network`."""
    policy = network(settings, credential)
    return replace(policy, egress=egress_socket(settings, credential.mode)) if role in CONFINED else policy


def network(settings: Settings, credential: Credential) -> HttpPolicy:
    """Where an account's adapter may go: the simulator in exercises, else the platform's hosts.

    Raises Forbidden for an exercise account that points elsewhere, and for a live account of a production deployment
    that points to a private address or away from https.
    """
    from channels.http import HttpPolicy

    account = credential.account
    if credential.mode is Mode.EXERCISE:
        return _exercise_network(settings, account)
    targets = [urlsplit(url) for url in _urls(account.settings)]
    hosts = frozenset({*registry.adapter_of(account).capabilities.hosts, *(t.netloc for t in targets)})
    if settings.kind is DeploymentKind.TEST:
        return HttpPolicy(hosts, allow_private=True, https_only=False)
    for target in targets:
        if target.scheme not in SECURE or _is_private(target.hostname or ""):
            raise Forbidden(
                f"live account {account.id} points to {target.netloc}, which is not a public https or smtps address",
                "mend the account, or use a deployment of kind test",
            )
    return HttpPolicy(hosts)


def _exercise_network(settings: Settings, account: Account) -> HttpPolicy:
    from channels.http import HttpPolicy

    for url in _urls(account.settings):
        if urlsplit(url).netloc not in settings.simulated:
            raise Forbidden(
                f"exercise account {account.id} points to {urlsplit(url).netloc}, not to the simulator",
                "exercise accounts reach the simulator only: set simulator in deployment.toml",
            )
    if not any(_urls(account.settings)) and registry.adapter_of(account).capabilities.hosts:
        raise Invalid(f"exercise account {account.id} has no base_url", "add it again with --set base_url=…")
    return HttpPolicy(settings.simulated, allow_private=True, https_only=False)


def _urls(account_settings: Mapping[str, str]) -> list[str]:
    return [value for key, value in account_settings.items() if key in ("base_url", "url", "public_base_url")]


def _is_private(host: str) -> bool:
    from channels.http import is_public

    try:
        return not is_public(host.strip("[]"))
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host


def _seconds(milliseconds: int | None, default: float) -> float:
    return default if milliseconds is None else milliseconds / 1000
