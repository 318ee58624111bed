"""How single values are told on pages: a delivery's state, what an entry holds, long text, addresses elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment

from dispatcher.domain.canonical import format_time
from dispatcher.domain.lifecycle import DeliveryState
from dispatcher.sending.prepared import RESOLVING
from dispatcher.service.holding import HOLDING
from dispatcher.service.operating.attention import KINDS
from dispatcher.service.operating.values import Matter, Tone

TONES: Mapping[str, Tone] = {
    DeliveryState.READY: Tone.WAITING,
    DeliveryState.LEASED: Tone.GOING,
    DeliveryState.SENDING: Tone.GOING,
    DeliveryState.ACCEPTED: Tone.DONE,
    DeliveryState.REJECTED: Tone.TROUBLE,
    DeliveryState.HANDED_OVER: Tone.WAITING,
    DeliveryState.IN_DOUBT: Tone.TROUBLE,
    DeliveryState.HELD: Tone.TROUBLE,
    DeliveryState.VISIBLE: Tone.DONE,
    DeliveryState.MISSING: Tone.TROUBLE,
    DeliveryState.CANCELLED: Tone.STOPPED,
    DeliveryState.EXPIRED: Tone.STOPPED,
}
_ANSWER = " or ".join(role.replace("_", " ") for role in RESOLVING)
WHO: Mapping[str, str] = {
    "delivery resolve": f"Two different people sign the same answer: {_ANSWER}",
    "delivery retry": f"One person signs: {_ANSWER}",
    "delivery reconcile": f"One person: {_ANSWER}",
    "account unhold": "One person: " + " or ".join(role.replace("_", " ") for role in HOLDING),
    "handoff": "Operators",
}
"""Who may type a command, where not everybody may, by the words that it begins with."""

MOST = 200
MOST_ITEMS = 20


def shortened(text: Any, most: int = MOST) -> str:
    """The first ``most`` characters, and how many more there are."""
    said = str(text)
    return said if len(said) <= most else f"{said[:most]}… and {len(said) - most:,} more characters"


def told(value: Any) -> str:
    """A JSON value in words, without brackets at the outside."""
    if value in (None, "", {}, []):
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_within(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        more = f" and {len(value) - MOST_ITEMS:,} more" if len(value) > MOST_ITEMS else ""
        return ", ".join(map(_within, value[:MOST_ITEMS])) + more
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_time(value) if isinstance(value, datetime) else str(value)


def _within(value: Any) -> str:
    return f"({told(value)})" if isinstance(value, Mapping | list | tuple) else told(value)


def is_web(url: Any) -> bool:
    """Whether this may be linked to: an address of the web with a host, and nothing that a browser would run."""
    try:
        read = urlsplit(str(url))
    except ValueError:
        return False
    return read.scheme in ("http", "https") and bool(read.hostname) and str(url).isprintable() and " " not in str(url)


def who_may(command: str) -> str:
    """Who may type a command, in words; empty where everybody may."""
    return next((who for words, who in WHO.items() if command.startswith(f"dispatcher {words}")), "")


def by_kind(matters: Iterable[Matter]) -> Iterator[tuple[str, str, Sequence[Matter]]]:
    """Each kind of what wants a person, as they press: its name, its heading, its matters."""
    found: dict[str, list[Matter]] = {}
    for matter in matters:
        found.setdefault(matter.kind, []).append(matter)
    for kind in sorted(found, key=lambda one: list(KINDS).index(one) if one in KINDS else len(KINDS)):
        yield kind, KINDS.get(kind, kind.replace("_", " ")), found[kind]


def register(templates: Environment) -> None:
    """Give these to templates."""
    templates.tests["web"] = is_web
    templates.filters.update(shortened=shortened, told=told)
    templates.globals.update(by_kind=by_kind, who_may=who_may, state_tones=TONES)
