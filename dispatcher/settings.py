"""Settings of one deployment: ``deployment.toml`` and the folders beside it. Nothing secret stands here.

A deployment folder::

    deployment.toml          this file's subject
    trust/                   root.json, roster, policy and their signatures
    keys/                    people's exercise keys, the relay's status key, roles' identities
    credentials/MODE/ROLE/   one age file per account
    sender/MODE/ROLE/        what a sender keeps: spent file, stops, version floor
    data/ redis/ run/ logs/  database, private Redis, sockets, role logs
    media/                   pictures and videos by digest; elsewhere where ``media`` says so
    checkpoints/             the ledger's signed heads; elsewhere where ``checkpoints`` says so
    feed/ hand-off/          what the CAP feed publishes; sealed packets
    areas/                   places by name: GeoJSON files, which people put there
    templates/               a department's own templates, where it has any

Unknown keys are refused; every key but the deployment's name and kind has a default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from channels.capabilities import Rate
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.statements.errors import TrustError
from dispatcher.statements.toml import parse_toml

if TYPE_CHECKING:  # settings are read by every command, and few look at credentials or pictures
    from dispatcher.sending.credentials import Vault
    from dispatcher.sending.media import MediaFolder

DEPLOYMENT_VARIABLE = "DISPATCHER_DEPLOYMENT"
UNLIMITED = {"sends_per_minute"}
"""Figures that may be zero."""

CHUNK = 200
"""Deliveries that a worker leases at once (source: reference, dramatiq: a small first chunk, then 100 to 200)."""

COUNTDOWN_S = 5
"""As in Voyent Alert (reference: ux 2)."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take, in milliseconds (source: reference, reliability 1.3; shorter ones in exercises).

    ``lease_ms`` is more than twice the longest call (30 s on X); ``quiet_ms`` is how long a delivery in doubt is left
    alone before anyone looks; ``retry_ms`` and ``retry_most_ms`` bound the wait between tries; there are ``tries``.
    ``checkpoint_ms`` is how often new entries of the ledger are put in order and its head is signed.
    ``notice_ms`` is how long a command waits for all the notices it sends; ``probe_ms`` how often a live account is
    probed, unless its platform bears it less often (source: UK Emergency Alerts, whose links are tested every three
    minutes). ``read_back_ms`` after it was accepted a post is read back for the first time, then each time after four
    times its age, but every ``read_back_most_ms``; every ``foreign_ms`` its account is looked at for posts that are
    not ours, and whoever is silent for ``silence_ms`` raises an alarm (within the 60 s of reference: reliability 7,
    promise 26).
    """

    lease_ms: int = 75_000
    quiet_ms: int = 45_000
    look_again_ms: int = 20_000
    looks: int = 4
    retry_ms: int = 1_000
    retry_most_ms: int = 60_000
    tries: int = 8
    status_ms: int = 5_000
    checkpoint_ms: int = 250
    stops_ms: int = 200
    poll_ms: int = 2_000
    sweep_ms: int = 500
    ring_again_ms: int = 2_000
    notice_ms: int = 4_000
    probe_ms: int = 180_000
    read_back_ms: int = 10_000
    read_back_most_ms: int = 3_600_000
    foreign_ms: int = 45_000
    silence_ms: int = 30_000

    def lasting(self, name: str) -> timedelta:
        """One of these as a duration: ``timing.lasting("lease")``."""
        return timedelta(milliseconds=getattr(self, f"{name}_ms"))


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """What a deployment says of one channel in place of the adapter's own figures.

    ``sends_per_minute`` is per account, with ``burst`` sends at once before that, a second's worth unless said; 0
    means that there is no limit. ``sends_per_day`` is the platform's daily cap. ``in_flight`` is how many calls each
    process may have under way at once, to one account and to the channel.
    """

    timeout_ms: int | None = None
    lag_ms: int | None = None
    ttl_ms: int | None = None
    sends_per_minute: int | None = None
    burst: int | None = None
    sends_per_day: int | None = None
    in_flight: int | None = None

    def rate(self, own: Rate | None) -> Rate | None:
        """The limit of each account, where ``own`` is the adapter's; None where there is none."""
        if self.sends_per_minute == 0:
            return None
        if self.sends_per_minute is not None:
            burst = self.burst or max(1, self.sends_per_minute // 60)
            return Rate(self.sends_per_minute, 60.0, burst, self.sends_per_day or (own.daily if own else None))
        return own and replace(own, burst=self.burst or own.burst, daily=self.sends_per_day or own.daily)


@dataclass(frozen=True, slots=True)
class Price:
    """What a platform charges from a day on, in pence for a thousand fragments; ``source`` says who says so."""

    channel: str
    since: date
    pence_per_thousand: int
    source: str


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The ops console. ``listen`` is host and port, port 0 a free one; ``run/console.url`` says which it came to.

    ``address`` is the public one where a proxy stands before it, such as ``https://console.example.gov.uk``.
    ``issuer``, ``client_id`` and ``client_secret_file`` are those of the OpenID provider; without an issuer people
    come in by one-time links. ``groups`` maps the values of ``groups_claim`` to roles of the roster; who is in none
    of them is refused. ``name_claim`` is what the provider calls a person. A session ends after ``idle_minutes``
    without a request, and after ``session_minutes`` in any case.
    """

    listen: str = "127.0.0.1:0"
    address: str = ""
    issuer: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    groups: Mapping[str, str] = field(default_factory=dict)
    session_minutes: int = 360
    idle_minutes: int = 30


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment. ``redis`` is a URL, or ``embedded`` for the private one that ``dispatcher up`` starts.

    ``countdown_s``: how many seconds a release on a terminal may still be stopped with Ctrl-C, once it was confirmed.
    ``chunk`` is how many deliveries a worker leases at once; ``simulator`` the far side of all exercises, and
    ``simulator_smtp`` its mail server, such as ``smtp://127.0.0.1:8791``.
    ``processes`` is how many processes of a role run on all hosts together: without Redis each keeps to its share.
    ``media`` is the folder of pictures and videos, on storage that all hosts share.
    ``keep_lists_days``: when recipient lists are purged that no plan needs (UK GDPR, article 5(1)(e)).
    ``checkpoints``: folders that the ledger's signed heads are copied to; in production, storage of other hosts.
    ``egress``: hosts that confined senders may reach besides those that their adapters name.
    ``metrics``: where the exporter listens, as the console does; ``run/metrics.url`` says where that is.
    ``traces``: an OTLP endpoint over HTTP that spans are sent to; none are made without.
    """

    root: Path
    deployment: str
    kind: DeploymentKind
    database: str
    redis: str = "embedded"
    sent_by: str = ""
    simulator: str = ""
    simulator_smtp: str = ""
    chunk: int = CHUNK
    countdown_s: int = COUNTDOWN_S
    processes: int = 1
    keep_lists_days: int = 30
    media: str = "media"
    checkpoints: tuple[str, ...] = ("checkpoints",)
    egress: tuple[str, ...] = ()
    metrics: str = "127.0.0.1:0"
    traces: str = ""
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    timing: Timing = field(default_factory=Timing)
    channels: Mapping[str, ChannelFigures] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()

    @property
    def simulated(self) -> frozenset[str]:
        """Host and port of each far side of exercises: what exercise accounts may point to."""
        return frozenset(urlsplit(url).netloc for url in (self.simulator, self.simulator_smtp)) - {""}

    @property
    def keep_lists(self) -> timedelta:
        """How long recipient lists are kept."""
        return timedelta(days=self.keep_lists_days)

    def path(self, *parts: str) -> Path:
        """A place in the deployment folder."""
        return self.root.joinpath(*parts)

    @property
    def media_folder(self) -> MediaFolder:
        """Where pictures are."""
        from dispatcher.sending.media import MediaFolder

        return MediaFolder(self.path(self.media))

    def vault(self, mode: Mode, role: str) -> Vault:
        """Where one role's credentials are."""
        from dispatcher.sending.credentials import Vault

        return Vault(
            folder=self.path("credentials", str(mode), role),
            identity_file=self.path("keys", f"role-{mode}-{role}"),
            recipient_file=self.path("keys", f"role-{mode}-{role}.pub"),
            mode=mode,
            role=role,
        )

    def channel(self, name: str) -> ChannelFigures:
        """What this deployment says of a channel."""
        return self.channels.get(name, ChannelFigures())

    def price(self, channel: str, day: date) -> Price | None:
        """What a channel costs on a day, where anybody said."""
        known = [price for price in self.prices if price.channel == channel and price.since <= day]
        return max(known, key=lambda price: price.since, default=None)


def find_deployment(given: str | None) -> Path:
    """The deployment folder: given, else from the environment, else ``./deployment``. Raises NotFound."""
    folder = Path(given or os.environ.get(DEPLOYMENT_VARIABLE) or "deployment").absolute()
    if not (folder / "deployment.toml").is_file():
        raise NotFound(f"{folder} is not a deployment", f"dispatcher init {folder}")
    return folder


def load_settings(folder: Path) -> Settings:
    """Read ``deployment.toml``. Raises Invalid naming the key."""
    try:
        document = parse_toml((folder / "deployment.toml").read_text(), "deployment.toml")
        return _settings(folder, document)
    except OSError as error:
        raise NotFound(f"{folder} is not a deployment: {error.strerror}", f"dispatcher init {folder}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise Invalid(f"deployment.toml: {error}", "mend the file and run the command again") from error


def examine_settings(folder: Path) -> tuple[Settings | None, list[str]]:
    """What can be read of ``deployment.toml``, key by key, and everything that is wrong with it.

    None where it does not even say which deployment this is.
    """
    try:
        document = parse_toml((folder / "deployment.toml").read_text(), "deployment.toml")
    except (OSError, ValueError, TrustError) as error:
        return None, [str(error).removeprefix("deployment.toml: ")]
    needed, taken = ("deployment", "kind"), dict[str, Any]()
    faults = [f"{name} is missing" for name in needed if name not in document]
    for name in sorted(document, key=lambda name: name not in needed):
        tried = {"deployment": "unknown", "kind": "test"} | taken
        try:
            _settings(folder, {**tried, name: document[name]})
            taken[name] = document[name]
        except (ValueError, TypeError, KeyError) as error:
            faults.append(str(error))
    return (_settings(folder, taken) if {*needed} <= taken.keys() else None), faults


def _settings(folder: Path, document: dict[str, Any]) -> Settings:
    _only(
        document,
        {"deployment", "kind", "database", "redis", "sent_by", "simulator", "simulator_smtp", "chunk", "processes"}
        | {"countdown_s", "keep_lists_days", "media", "checkpoints", "egress", "timing", "channel", "price"}
        | {"metrics", "traces", "console"},
        "",
    )
    database = str(document.get("database", "sqlite:///data/dispatcher.db"))
    return Settings(
        root=folder,
        deployment=str(document["deployment"]),
        kind=DeploymentKind(document["kind"]),
        database=database.replace("sqlite:///data/", f"sqlite:///{folder / 'data'}/"),
        redis=str(document.get("redis", "embedded")),
        sent_by=str(document.get("sent_by", document["deployment"])),
        simulator=str(document.get("simulator", "")),
        simulator_smtp=str(document.get("simulator_smtp", "")),
        chunk=int(document.get("chunk", CHUNK)),
        countdown_s=max(0, int(document.get("countdown_s", COUNTDOWN_S))),
        processes=max(1, int(document.get("processes", 1))),
        keep_lists_days=max(1, int(document.get("keep_lists_days", 30))),
        media=str(document.get("media", "media")),
        checkpoints=_texts(document, "checkpoints", ["checkpoints"], '["/mnt/elsewhere/checkpoints"]'),
        egress=_texts(document, "egress", [], '["open.example.org"]'),
        metrics=str(document.get("metrics", "127.0.0.1:0")),
        traces=str(document.get("traces", "")),
        console=_console(document.get("console", {})),
        timing=Timing(**_integers(document.get("timing", {}), Timing, "timing")),
        channels={
            name: ChannelFigures(**_integers(values, ChannelFigures, f"channel.{name}"))
            for name, values in document.get("channel", {}).items()
        },
        prices=tuple(_price(values) for values in document.get("price", [])),
    )


def _texts(document: dict[str, Any], name: str, unless_said: list[str], such_as: str) -> tuple[str, ...]:
    values = document.get(name, unless_said)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{name} must be a list of texts, such as {such_as}")
    return tuple(values)


def _price(document: Any) -> Price:
    names = {f.name for f in fields(Price)}
    _only(document, names, "price")
    if lacking := sorted(names - set(document)):
        raise ValueError(f"price.{lacking[0]} is missing")
    try:
        price = Price(**{**document, "since": date.fromisoformat(document["since"])})
    except (ValueError, TypeError) as error:
        raise ValueError("price.since must be a date, such as 2026-04-01") from error
    if type(price.pence_per_thousand) is not int or price.pence_per_thousand < 0:
        raise ValueError("price.pence_per_thousand must be a whole number")
    return price


def _console(document: Any) -> ConsoleSettings:
    _only(document, {f.name for f in fields(ConsoleSettings)}, "console")
    groups = document.get("groups", {})
    if not isinstance(groups, dict) or not all(isinstance(value, str) for value in groups.values()):
        raise TypeError('console.groups must map groups to roles, such as "duty-ops" = "ops"')
    minutes = {name: document[name] for name in ("session_minutes", "idle_minutes") if name in document}
    known: dict[str, Any] = {name: str(value) for name, value in document.items()}
    return ConsoleSettings(**known | {"groups": dict(groups)} | _integers(minutes, ConsoleSettings, "console"))


def _integers(document: Any, target: type[Any], where: str) -> dict[str, int]:
    names = {f.name for f in fields(target)}
    _only(document, names, where)
    wrong = [name for name, value in document.items() if type(value) is not int or value < (name not in UNLIMITED)]
    if wrong:
        raise ValueError(f"{where}.{wrong[0]} must be a whole number above zero")
    return dict(document)


def _only(document: Any, names: set[str], where: str) -> None:
    if not isinstance(document, dict):
        raise TypeError(f"{where} must be a table")
    unknown = sorted(set(document) - names)
    if unknown:
        raise ValueError(f"unknown key {where + '.' if where else ''}{unknown[0]}")
