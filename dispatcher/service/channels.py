"""What each channel can do, who may use it, and how a text measures up to its limit."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from channels import registry
from channels.capabilities import Capabilities, IdempotencyKind, MediaLimit, Unit
from channels.registry import Entry
from channels.text import length
from dispatcher.domain.errors import NotFound
from dispatcher.gate.policy import PolicyVersion
from dispatcher.service import accounts
from dispatcher.service.desk import Desk

REPEATS = {
    IdempotencyKind.IDEMPOTENT: "harmless",
    IdempotencyKind.QUERY: "looked up",
    IdempotencyKind.NONE: "people look",
}
"""What is done about a send whose answer was lost."""

BY_PEOPLE, BY_TASK = "by people", "by a task"


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """One channel. ``tier`` is that of the policy in force; ``accounts`` how many there are in both modes.

    ``corrects`` and ``withdraws`` say how; ``repeats`` what is done when an answer was lost; ``repeats_s`` is how
    long a repeat is known, or how long the record may lag. ``text`` is the limit in the platform's unit.
    """

    name: str
    lane: str
    aliases: tuple[str, ...]
    tier: str | None
    accounts: int
    adapter: bool
    text: str = ""
    media: str = ""
    corrects: str = ""
    withdraws: str = ""
    reads_back: bool = False
    repeats: str = ""
    repeats_s: int = 0
    rate: str = ""
    hosts: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A channel that an installed package offers and that is not used, with what to do about it."""

    name: str
    package: str
    why: str


@dataclass(frozen=True, slots=True)
class Measured:
    """How long a text is on one channel. ``left`` is below zero where it is too long."""

    channel: str
    unit: Unit
    count: int
    most: int

    @property
    def left(self) -> int:
        """What is left of the limit."""
        return self.most - self.count


def known(desk: Desk) -> list[ChannelFacts]:
    """Every channel that there is, used or not, third parties' included."""
    version, held = desk.policy(), Counter(one.account.channel for one in accounts.listed(desk))
    return [_facts(entry, version, held[entry.name]) for entry in _entries()]


def refused() -> list[Refused]:
    """What third parties' packages offer and cannot be used."""
    return [Refused(offer.name, offer.package, offer.fault) for offer in registry.offers() if offer.entry is None]


def named(desk: Desk, name: str) -> ChannelFacts:
    """One channel by any of its names. Raises NotFound."""
    try:
        entry = registry.entry(name)
    except registry.UnknownChannelError as error:
        raise NotFound(str(error), "dispatcher channel list") from error
    held = sum(one.account.channel == entry.name for one in accounts.listed(desk))
    return _facts(entry, desk.policy(), held)


def measured(text: str) -> list[Measured]:
    """A text against the limit of each channel that has one."""
    limits = [(entry.name, entry.load().capabilities.text) for entry in _entries() if entry.load]
    return [Measured(name, one.unit, length(text, one.unit), one.most) for name, one in limits if one]


def _entries() -> list[Entry]:
    return [*registry.TABLE, *(offer.entry for offer in registry.offers() if offer.entry)]


def _facts(entry: Entry, version: PolicyVersion, held: int) -> ChannelFacts:
    rule = version.rule(entry.name)
    able = _able(entry.load().capabilities) if entry.load else {}
    tier = rule.tier if rule else None
    return ChannelFacts(entry.name, str(entry.lane), entry.aliases, tier, held, entry.load is not None, **able)


def _able(able: Capabilities) -> dict[str, Any]:
    told, rate = able.idempotency, able.rate
    return {
        "text": f"{able.text.most} {able.text.unit}" if able.text else "no limit",
        "media": "; ".join(_carries(one) for one in able.media) or "none",
        "corrects": _how(able.can_correct, able, "in place" if able.edits else "new post"),
        "withdraws": _how(able.can_withdraw, able, _withdraws(able)),
        "reads_back": able.can_read_back,
        "repeats": REPEATS[told.kind],
        "repeats_s": round(told.ttl_s or told.lag_s),
        "rate": f"{rate.sends} in {rate.per_s:g} s, {rate.burst} at once" if rate else "no limit",
        "hosts": able.hosts,
        "source": able.source,
    }


def _withdraws(able: Capabilities) -> str:
    return f"with {able.withdraws_with}=yes, else {BY_TASK}" if able.withdraws_with else "yes"


def _carries(limit: MediaLimit) -> str:
    size = f"{limit.max_bytes:,} bytes and {limit.max_width} x {limit.max_height} pixels"
    shape = f", {limit.narrowest:g} to {limit.widest:g} times as wide as high" if math.isfinite(limit.widest) else ""
    length = f", {limit.shortest_s:g} to {limit.longest_s:g} seconds" if math.isfinite(limit.longest_s) else ""
    captions = ", captions" if limit.captions else ""
    fewest = f"{limit.least} to " if 0 < limit.least < limit.most else ""
    count = f"{'always ' if limit.least else ''}{fewest}{limit.most} {limit.kind}{'s' if limit.most > 1 else ''}"
    text = f"alternative text to {limit.alt_characters} characters"
    return f"{count} to {size}{shape}{length}{captions}, {text}"


def _how(can: bool, able: Capabilities, how: str) -> str:
    return (BY_PEOPLE if able.by_hand else how) if can else BY_TASK
