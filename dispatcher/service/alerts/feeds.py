"""The feeds that a deployment watches: ``feeds.toml`` beside its other files, all of it optional.

    [feed.rivers]
    url = "https://alerts.agency.example/rivers.atom"
    hosts = ["files.agency.example"]     # where its alerts may be besides; its own host always
    profile = "strict"                   # one that ships, or profiles/NAME.toml in the deployment
    every_s = 60
    mode = "live"                        # what it may open: live, or exercise

An entry that cannot be used is named, and keeps nothing from the others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dispatcher.cap.profile import Profile
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.ids import is_name
from dispatcher.domain.statement import Mode
from dispatcher.service.alerts import profiles

FILE = "feeds.toml"
EVERY_S = 60
LEAST_S, MOST_S = 10, 86_400
_KEYS = {"url", "hosts", "profile", "every_s", "mode"}


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed: where it is, the hosts its alerts may be on, what is asked of them, how often and for which mode."""

    name: str
    url: str
    hosts: frozenset[str]
    profile: Profile
    every_s: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Watched:
    """The feeds that can be used, and by name what is wrong with the others."""

    feeds: tuple[Feed, ...] = ()
    faults: Mapping[str, str] | None = None


def watched(root: Path) -> Watched:
    """Read a deployment's ``feeds.toml``; without one, nothing is watched."""
    try:
        document = tomllib.loads((root / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return Watched()
    except (OSError, ValueError) as error:
        return Watched(faults={FILE: f"{FILE} cannot be read: {error}"})
    feeds, faults = [], {}
    for name, values in _tables(document).items():
        try:
            feeds.append(_feed(name, values, root))
        except (ValueError, DispatcherError) as error:
            faults[name] = f"{FILE}: {getattr(error, 'message', error)}"
    if unknown := sorted(document.keys() - {"feed"}):
        faults[FILE] = f"{FILE}: unknown key {unknown[0]}: write [feed.NAME]"
    return Watched(tuple(feeds), faults)


def _tables(document: Mapping[str, Any]) -> Mapping[str, Any]:
    feeds = document.get("feed", {})
    return feeds if isinstance(feeds, dict) else {FILE: feeds}


def _feed(name: str, values: Any, root: Path) -> Feed:
    if not is_name(name) or not isinstance(values, dict):
        raise ValueError(f"feed {name!r}: write [feed.NAME], the name in lower case letters, digits and hyphens")
    if unknown := sorted(values.keys() - _KEYS):
        raise ValueError(f"feed {name}: unknown key {unknown[0]}: the keys are {', '.join(sorted(_KEYS))}")
    url, hosts = values.get("url"), values.get("hosts", [])
    own = urlsplit(url).netloc.lower() if isinstance(url, str) else ""
    if not own:
        raise ValueError(f"feed {name}: url must be the address of an Atom or RSS list")
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise ValueError(f'feed {name}: hosts must be a list, such as ["files.agency.example"]')
    every_s = values.get("every_s", EVERY_S)
    if type(every_s) is not int or not LEAST_S <= every_s <= MOST_S:
        raise ValueError(f"feed {name}: every_s must be a whole number from {LEAST_S} to {MOST_S}")
    if values.get("mode") not in set(Mode):
        raise ValueError(f"feed {name}: mode must be live or exercise")
    profile = profiles.load(str(values.get("profile", "strict")), root)
    allowed = frozenset({own, *(host.lower() for host in hosts)})
    return Feed(name, str(url), allowed, profile, every_s, Mode(values["mode"]))
