"""The eighteen clauses once more, as somebody would write them down on one page: slow, flat, sharing nothing.

``failing(world, channel, safe)`` are the codes of what is not so. It knows one plan (:data:`PLAN`), its people by
their one role in the cast, and three policies that differ in what :class:`Rules` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations, permutations
from typing import Any

from channels.contract import Json
from dispatcher.domain.canonical import parse_time
from tests.builders import READ_BACK_CODE, draft
from tests.cast import CAST, DAY, HOUR, NOW

PLAN = draft("x", "webhook", "tiktok").plan
MAKERS = {"author-1", "translator-1"}
AGES = dict.fromkeys((f"M{n:02}" for n in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 15, 18, 19, 20, 22)), 2160)
AGES |= {"M06": 168, "M08": 24, "M19": 24}
FOREVER = timedelta(days=3_000)


@dataclass(frozen=True)
class Rules:
    """In what the policies differ; hours of M01, days of an assessment."""

    begins: datetime
    owned: tuple[str, ...] = ("checker", "duty_director")
    m01_hours: int = 24
    assessed_days: int = 180


@dataclass(frozen=True)
class Said:
    """One signed sentence. ``channels`` is empty where it names none."""

    kind: str
    person: str
    at: datetime
    ends: datetime
    channels: tuple[str, ...] = ()
    more: dict[str, Json] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The one role of the person; the console has a key and is none of them."""
        return "console" if self.person == "console" else str(CAST[self.person])


@dataclass
class World:
    """All there is to know. ``rules`` begin one after the other, the plan was made under the first."""

    rules: list[Rules]
    now: datetime = NOW
    said: list[Said] = field(default_factory=list)
    incident: str = "active"
    over: bool = False
    spent: bool = False
    status_at: datetime = NOW

    def holding(self, kind: str, channel: str = "") -> list[Said]:
        """What of this kind holds now, and names the channel if one is given."""
        held = [s for s in self.said if s.kind == kind and s.at <= self.now < s.ends]
        return [s for s in held if not channel or channel in s.channels]


def failing(world: World, channel: str, *, safe: bool) -> set[str]:
    """The clauses that are false under the plan's own rules or those in force now."""
    in_force = [rules for rules in world.rules if rules.begins <= world.now][-1]
    return {
        code
        for rules in (world.rules[0], in_force)
        for code, holds in clauses(world, rules, channel, safe)
        if not holds
    }


def clauses(world: World, rules: Rules, channel: str, safe: bool) -> Iterator[tuple[str, bool]]:
    """Each clause that can fail here, and whether it holds."""
    now, tiktok = world.now, channel == "tiktok"
    known = now - (NOW - HOUR) < 168 * HOUR
    yield "G02", world.incident in (("active", "stood_down") if safe else ("active",)) and (safe or known)
    yield "G02", safe or not world.over
    kinds = [kind for s in world.holding("release") if s.role == "duty_director" for kind in s.more["kinds"]]  # type: ignore[union-attr]
    yield "G03", ("correct" if safe else "publish") in kinds and (safe or not any_of(world, "revoke"))
    ends = NOW + 78 * HOUR if safe else NOW + 4 * HOUR
    yield "G04", NOW - HOUR <= now <= ends - timedelta(seconds=10)
    yield "G08", approved(world, rules, channel)
    yield "G09", safe or channel == "webhook" or assessed(world, rules, channel)
    yield "G10", safe or not tiktok or bool(world.holding("exempt"))
    yield "G11", not tiktok or mitigated(world, rules)
    yield "G12", safe or not tiktok or ministered(world)
    yield "G15", not world.spent
    yield "G16", not halted(world, channel, safe)
    yield "G16", not tiktok or now - world.status_at <= timedelta(seconds=60)


def any_of(world: World, kind: str) -> list[Said]:
    """What was ever said of this kind."""
    return [s for s in world.said if s.kind == kind]


def approved(world: World, rules: Rules, channel: str) -> bool:
    """Submitted by a maker, rejected by nobody, and each role asked for given by somebody else who made nothing."""
    if not {s.person for s in world.holding("submit")} & MAKERS:
        return False
    if any(not s.channels or channel in s.channels for s in any_of(world, "reject")):
        return False
    needed = [*(("checker", "duty_director", "security") if channel == "tiktok" else rules.owned)]
    if channel == "x":
        needed = ["checker", "duty_director"]
    breaking = [s for s in world.holding("break_glass", channel) if world.now - s.at < HOUR and channel != "tiktok"]
    breaking = [s for s in breaking if s.role not in ("ops", "reviewer")]
    pairs = combinations({s.person for s in breaking}, 2)
    broken = any(not set(pair) <= MAKERS for pair in pairs)
    needed = [role for role in needed if not broken or role not in ("checker", "legal")]
    counts = [s for s in world.holding("approve", channel) + (breaking if broken else []) if s.person not in MAKERS]
    if not any(s.role == "language_checker" and "cy" in str(s.more.get("languages")) for s in counts):
        return False
    people = {s.person for s in counts}
    return any([str(CAST[one]) for one in chosen] == needed for chosen in permutations(people, len(needed)))


def assessed(world: World, rules: Rules, channel: str) -> bool:
    """The newest record says permitted, is young, and not due for review."""
    records = [s for s in world.holding("assess", channel) if s.role in ("duty_director", "security")]
    newest = max(records, key=lambda s: s.at, default=None)
    if newest is None or newest.more["outcome"] != "permitted":
        return False
    due = newest.more.get("review_at")
    try:
        return world.now - newest.at < rules.assessed_days * DAY and (due is None or world.now < parse_time(due))
    except ValueError:
        return False


def mitigated(world: World, rules: Rules) -> bool:
    """All attested freshly, the terms read for the app as it is, and the exemption fit to be seen."""
    attested = [s for s in world.holding("attest") if s.role == "security"]
    ages: dict[str, Any] = {**AGES, "M01": rules.m01_hours}
    for code, hours in ages.items():
        if not any(code in str(s.more["mitigations"]) and world.now - s.at < hours * HOUR for s in attested):
            return False
    newest = max(attested, key=lambda s: s.at).more["app_version"]
    if not any("M10" in str(s.more["mitigations"]) and s.more["app_version"] == newest for s in attested):
        return False
    exemptions = world.holding("exempt")
    fit = [s for s in exemptions if str(s.more["need"]).strip() and s.ends - s.at <= 365 * DAY]
    return not any("*" in str(s.more["need"]) for s in exemptions) and (not exemptions or bool(fit))


def ministered(world: World) -> bool:
    """The minister agreed in person, or by the private office, fresh or confirmed in time; and refused nowhere."""
    decisions = world.holding("decide", "tiktok")
    if any(s.more["decision"] == "refused" for s in decisions):
        return False
    codes = [s.at for s in world.holding("confirm") if s.more["code"] == READ_BACK_CODE]
    return any(
        s.role == "minister" or world.now - s.at < DAY or any(at - s.at < DAY for at in codes) for s in decisions
    )


def halted(world: World, channel: str, safe: bool) -> bool:
    """Somebody halted it, and no two others, neither of them platform admin or reviewer, let it go on.

    Who had the console halt it is no other, and the console itself lets nothing go on.
    """
    for halt in any_of(world, "halt"):
        said = [s for s in any_of(world, "resume") if s.more["halt"] == halt.more["name"]]
        others = {s.person for s in said if s.role not in ("ops", "reviewer", "console")}
        if len(others - {halt.person, halt.more.get("asked_by")}) >= 2:
            continue
        scope, target = halt.more["scope"], halt.more["target"]
        if scope == "everything" or (not safe and (scope == "all" or target in (channel, PLAN.digest))):
            return True
    return False
