"""What each channel can do, who may use it, and how a text measures up to its limit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from channels import registry
from channels.capabilities import Capabilities, Unit
from channels.registry import Entry
from channels.text import length
from dispatcher.domain.errors import NotFound
from dispatcher.gate.policy import PolicyVersion
from dispatcher.service import accounts
from dispatcher.service.desk import Desk


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """One channel. ``tier`` is that of the policy in force; ``accounts`` how many there are in both modes.

    ``corrects`` says how: in place, by a new post, by a person, or not; ``withdraws`` likewise. ``repeats`` says how
    a second try is told from the first. ``text`` is the limit in the platform's unit.
    """

    name: str
    lane: str
    aliases: tuple[str, ...]
    tier: str | None
    accounts: int
    adapter: bool
    text: str = ""
    media: tuple[str, ...] = ()
    corrects: str = ""
    withdraws: str = ""
    reads_back: bool = False
    repeats: str = ""
    rate: str = ""
    hosts: tuple[str, ...] = ()
    source: str = ""


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
    """Every channel that there is, used or not."""
    version, held = desk.policy(), Counter(one.account.channel for one in accounts.listed(desk))
    return [_facts(entry, version, held[entry.name]) for entry in registry.TABLE]


def named(desk: Desk, name: str) -> ChannelFacts:
    """One channel by any of its names. Raises NotFound."""
    try:
        entry = registry.entry(name)
    except registry.UnknownChannelError as error:
        raise NotFound(str(error), "see them all: dispatcher channel list") from error
    held = sum(one.account.channel == entry.name for one in accounts.listed(desk))
    return _facts(entry, desk.policy(), held)


def measured(text: str) -> list[Measured]:
    """A text against the limit of each channel that has one."""
    limits = [(entry.name, entry.load().capabilities.text) for entry in registry.TABLE if entry.load]
    return [Measured(name, one.unit, length(text, one.unit), one.most) for name, one in limits if one]


def _facts(entry: Entry, version: PolicyVersion, held: int) -> ChannelFacts:
    rule = version.rule(entry.name)
    about = ChannelFacts(
        entry.name, str(entry.lane), entry.aliases, rule.tier if rule else None, held, entry.load is not None
    )
    return about if entry.load is None else _able(about, entry.load().capabilities)


def _able(about: ChannelFacts, able: Capabilities) -> ChannelFacts:
    told, rate = able.idempotency, able.rate
    return ChannelFacts(
        name=about.name,
        lane=about.lane,
        aliases=about.aliases,
        tier=about.tier,
        accounts=about.accounts,
        adapter=about.adapter,
        text=f"{able.text.most} {able.text.unit}" if able.text else "no limit",
        media=able.media,
        corrects=_how(able.can_correct, able, "in place" if able.edits else "by a new post"),
        withdraws=_how(able.can_withdraw, able, "yes"),
        reads_back=able.can_read_back,
        repeats=f"{told.kind}, {told.ttl_s or told.lag_s:g} s" if told.ttl_s or told.lag_s else str(told.kind),
        rate=f"{rate.sends} in {rate.per_s:g} s, {rate.burst} at once" if rate else "no limit",
        hosts=able.hosts,
        source=able.source,
    )


def _how(can: bool, able: Capabilities, how: str) -> str:
    if not can:
        return "no: a task for a person opens"
    return "by a person" if able.by_hand else how
