"""What an examination has to go by: as much of a deployment as can be opened, and why the rest cannot."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from channels.contract import Clock
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_file import load
from dispatcher.sending.credentials import Credential
from dispatcher.settings import Settings, examine_settings
from dispatcher.statements.errors import TrustError
from dispatcher.statements.trust import Trust, load_trust, read_documents
from dispatcher.store.database import Store, open_engine

Network = Callable[[Settings, Credential], Any]
"""Where an account may go (``sender_bootstrap.network``): raises what a sender would raise at its start."""

Dial = Callable[[Settings], Any]
"""A Redis client for a deployment. Raises what hinders that."""


@dataclass(frozen=True, slots=True)
class Site:
    """One deployment under examination. ``faults`` are those of ``deployment.toml``."""

    folder: Path
    settings: Settings
    faults: tuple[str, ...]
    trust: Trust[Policies] | None
    trust_fault: str
    store: Store | None
    store_fault: str
    clock: Clock
    network: Network
    dial: Dial

    @property
    def now(self) -> datetime:
        """The time here."""
        return self.clock()

    @property
    def production(self) -> bool:
        """Whether it is a deployment of kind production."""
        return self.settings.kind is DeploymentKind.PRODUCTION

    @property
    def modes(self) -> tuple[Mode, ...]:
        """Both, live first."""
        return Mode.LIVE, Mode.EXERCISE


@contextmanager
def open_site(folder: Path, clock: Clock, writer: str, network: Network, dial: Dial) -> Iterator[Site]:
    """Open as much of a deployment as can be opened; nothing is changed, and the store is closed at the end."""
    settings, faults = examine_settings(folder)
    settings = settings or _guessed(folder)
    trust, trust_fault = _trust(folder, clock())
    store, store_fault = _store(settings, clock, writer)
    try:
        yield Site(folder, settings, tuple(faults), trust, trust_fault, store, store_fault, clock, network, dial)
    finally:
        if store:
            store.close()


def _guessed(folder: Path) -> Settings:
    """What a deployment would be by its trust root and the default settings."""
    name, kind = "unknown", DeploymentKind.PRODUCTION
    with suppress(TrustError, OSError, ValueError):
        root = read_documents(folder / "trust", load).root
        name, kind = root.deployment, root.kind
    return Settings(folder, name, kind, f"sqlite:///{folder / 'data' / 'dispatcher.db'}")


def _trust(folder: Path, now: datetime) -> tuple[Trust[Policies] | None, str]:
    """The trust files, held against a copy of this host's floor: reading must not raise it."""
    with tempfile.TemporaryDirectory() as place:
        floor = Path(place) / "floor.json"
        with suppress(OSError):
            shutil.copyfile(folder / "data" / "floor.json", floor)
        try:
            return load_trust(folder / "trust", load, floor=floor, now=now), ""
        except (TrustError, OSError) as error:
            return None, str(error)


def _store(settings: Settings, clock: Clock, writer: str) -> tuple[Store | None, str]:
    path, store = database_file(settings), None
    try:
        if path and not path.is_file():
            return None, f"{path} is not there"
        store = Store(open_engine(settings.database), clock, writer)
        with store.read():
            return store, ""
    except (DispatcherError, OSError) as error:
        fault = str(error)
    except Exception as error:  # noqa: BLE001 - an address that makes no sense; it may hold a password
        fault = f"{type(error).__name__} at its address"
    if store:
        store.close()
    return None, fault


def database_file(settings: Settings) -> Path | None:
    """The file of an SQLite database; None of another."""
    return Path(settings.database.removeprefix("sqlite:///")) if settings.database.startswith("sqlite:///") else None
