"""Estimating, before anybody approves: how long a plan takes at its platforms' limits, and what it may cost.

Rules
  1. The time is what the limits alone make of it: burst first, then the rate. A busy platform takes longer.
  2. The cost is an upper bound: every recipient gets the longest language version, and no free allowance is left.
     Prices are the deployment's own data, dated; where there is none the cost is unknown, never zero.
  3. Nothing is refused for it. Whoever approves sees what speaks against it, and decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from channels.capabilities import Rate
from channels.contract import Rendering
from channels.registry import adapter
from channels.text import sms_count
from dispatcher.domain.message import TextKind
from dispatcher.domain.money import pounds
from dispatcher.domain.plan import Destination, Plan
from dispatcher.sending.prepared import read_texts
from dispatcher.service.desk import Desk
from dispatcher.settings import Price, Settings
from dispatcher.store import records

SMS = "notify"
"""The channel whose messages are charged by the fragment."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What sending to one account takes. ``pence`` is None where nobody said what it costs; ``warnings`` are for
    people. ``fragments`` are those of all messages together, as the platform charges them."""

    account: str
    channel: str
    deliveries: int
    seconds: int
    fragments: int
    pence: int | None
    warnings: tuple[str, ...]


def of_plan(desk: Desk, digest: str) -> list[Estimate]:
    """One estimate per destination of a plan that is in the store, as of now."""
    with desk.store.read() as work:
        texts = read_texts(records.bundle(work, digest))
    return estimates(texts.plan, texts.renderings, desk.settings, desk.now())


def estimates(plan: Plan, renderings: Mapping[str, Rendering], settings: Settings, now: datetime) -> list[Estimate]:
    """One estimate per destination. ``renderings`` by digest; a text that is not among them is one fragment."""
    found = []
    for destination in plan.destinations:
        rate = settings.channel(destination.channel).rate(adapter(destination.channel).capabilities.rate)
        price = settings.price(destination.channel, now.date())
        rendering = renderings.get(destination.renderings[TextKind.PUBLISH])
        left = plan.not_after - max(now, plan.not_before)
        found.append(estimate(destination, rendering, rate, price, left))
    return found


def estimate(
    destination: Destination, rendering: Rendering | None, rate: Rate | None, price: Price | None, left: timedelta
) -> Estimate:
    """What sending to one destination takes, where its window is open for ``left``."""
    count = sum(signed.count for signed in destination.lists) if destination.lists else 1
    fragments = count * _fragments(destination.channel, rendering)
    seconds = 0 if rate is None else ceil(max(0, count - rate.burst) * rate.per_s / rate.sends)
    return Estimate(
        destination.account,
        destination.channel,
        count,
        seconds,
        fragments,
        None if price is None else ceil(fragments * price.pence_per_thousand / 1000),
        tuple(_warnings(count, seconds, rate, left)),
    )


def total(found: list[Estimate]) -> str:
    """All estimates in a sentence."""
    longest = timedelta(seconds=max((one.seconds for one in found), default=0))
    known = [one.pence for one in found if one.pence is not None]
    cost = f", at most {pounds(sum(known))}" if known else ""
    count = sum(one.deliveries for one in found)
    return f"{count:,} {'delivery' if count == 1 else 'deliveries'} in {longest} at the platforms' limits{cost}"


def _fragments(channel: str, rendering: Rendering | None) -> int:
    if channel != SMS or rendering is None:
        return 1
    return max((sms_count(part.text).segments for part in rendering.parts), default=1)


def _warnings(count: int, seconds: int, rate: Rate | None, left: timedelta) -> list[str]:
    found = []
    if rate is not None and rate.daily is not None and count > rate.daily:
        found.append(f"{count:,} are more than the {rate.daily:,} that the platform takes in a day")
    if timedelta(seconds=seconds) > left:
        spare = timedelta(seconds=max(0, int(left.total_seconds())))
        found.append(f"takes {timedelta(seconds=seconds)}, and the window is open for {spare}: the rest would expire")
    return found
