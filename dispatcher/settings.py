"""Settings of one deployment: ``deployment.toml`` and the folders beside it. Nothing secret stands here.

A deployment folder::

    deployment.toml          this file's subject
    trust/                   root.json, roster, policy and their signatures
    keys/                    people's exercise keys, the relay's status key, roles' identities
    credentials/MODE/ROLE/   one age file per account
    sender/MODE/ROLE/        what a sender keeps: spent file, stops, version floor
    data/ redis/ run/ logs/  database, private Redis, sockets, role logs
    feed/ hand-off/          what the CAP feed publishes; sealed packets

Unknown keys are refused; every key but the deployment's name and kind has a default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.credentials import Vault
from dispatcher.statements.toml import parse_toml

DEPLOYMENT_VARIABLE = "DISPATCHER_DEPLOYMENT"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take, in milliseconds (source: reference, reliability 1.3; shorter ones in exercises).

    ``lease_ms`` is more than twice the longest call (30 s on X); ``quiet_ms`` is how long a delivery in doubt is left
    alone before anyone looks; ``retry_ms`` and ``retry_most_ms`` bound the wait between tries; there are ``tries``.
    ``notice_ms`` is how long a command waits for all the notices it sends.
    """

    lease_ms: int = 75_000
    quiet_ms: int = 45_000
    look_again_ms: int = 20_000
    looks: int = 4
    retry_ms: int = 1_000
    retry_most_ms: int = 60_000
    tries: int = 8
    status_ms: int = 5_000
    stops_ms: int = 200
    poll_ms: int = 2_000
    sweep_ms: int = 500
    ring_again_ms: int = 2_000
    notice_ms: int = 4_000

    def lasting(self, name: str) -> timedelta:
        """One of these as a duration: ``timing.lasting("lease")``."""
        return timedelta(milliseconds=getattr(self, f"{name}_ms"))


@dataclass(frozen=True, slots=True)
class ChannelTiming:
    """What a deployment says of one channel in place of the adapter's own figures; milliseconds."""

    timeout_ms: int | None = None
    lag_ms: int | None = None
    ttl_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment. ``redis`` is a URL, or ``embedded`` for the private one that ``dispatcher up`` starts.

    ``chunk`` is how many deliveries a worker leases at once; ``simulator`` the far side of all exercises.
    """

    root: Path
    deployment: str
    kind: DeploymentKind
    database: str
    redis: str = "embedded"
    sent_by: str = ""
    simulator: str = ""
    chunk: int = 100
    timing: Timing = field(default_factory=Timing)
    channels: Mapping[str, ChannelTiming] = field(default_factory=dict)

    def path(self, *parts: str) -> Path:
        """A place in the deployment folder."""
        return self.root.joinpath(*parts)

    def vault(self, mode: Mode, role: str) -> Vault:
        """Where one role's credentials are."""
        return Vault(
            folder=self.path("credentials", str(mode), role),
            identity_file=self.path("keys", f"role-{mode}-{role}"),
            recipient_file=self.path("keys", f"role-{mode}-{role}.pub"),
            mode=mode,
            role=role,
        )

    def channel(self, name: str) -> ChannelTiming:
        """What this deployment says of a channel."""
        return self.channels.get(name, ChannelTiming())


def find_deployment(given: str | None) -> Path:
    """The deployment folder: given, else from the environment, else ``./deployment``. Raises NotFound."""
    folder = Path(given or os.environ.get(DEPLOYMENT_VARIABLE) or "deployment").absolute()
    if not (folder / "deployment.toml").is_file():
        raise NotFound(f"{folder} is not a deployment", f"make one: dispatcher init {folder}")
    return folder


def load_settings(folder: Path) -> Settings:
    """Read ``deployment.toml``. Raises Invalid naming the key."""
    try:
        document = parse_toml((folder / "deployment.toml").read_text(), "deployment.toml")
        return _settings(folder, document)
    except OSError as error:
        raise NotFound(f"{folder} is not a deployment: {error.strerror}", "make one: dispatcher init") from error
    except (ValueError, TypeError, KeyError) as error:
        raise Invalid(f"deployment.toml: {error}", "mend the file and run the command again") from error


def _settings(folder: Path, document: dict[str, Any]) -> Settings:
    _only(
        document,
        {"deployment", "kind", "database", "redis", "sent_by", "simulator", "chunk", "timing", "channel"},
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
        chunk=int(document.get("chunk", 100)),
        timing=Timing(**_integers(document.get("timing", {}), Timing, "timing")),
        channels={
            name: ChannelTiming(**_integers(values, ChannelTiming, f"channel.{name}"))
            for name, values in document.get("channel", {}).items()
        },
    )


def _integers(document: Any, target: type[Any], where: str) -> dict[str, int]:
    names = {f.name for f in fields(target)}
    _only(document, names, where)
    wrong = [name for name, value in document.items() if not isinstance(value, int) or value <= 0]
    if wrong:
        raise ValueError(f"{where}.{wrong[0]} must be a number of milliseconds above zero")
    return dict(document)


def _only(document: Any, names: set[str], where: str) -> None:
    if not isinstance(document, dict):
        raise TypeError(f"{where} must be a table")
    unknown = sorted(set(document) - names)
    if unknown:
        raise ValueError(f"unknown key {where + '.' if where else ''}{unknown[0]}")
