"""A run built entry by entry, for scores that need no run: times in seconds after the alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dispatcher.service.ledger import LedgerLine
from ops.exercise.tally import Tally

ALARM = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)
INCIDENT, PLAN = "inc-storm", "a" * 64
GOOD = Tally(deliveries=3, by_state={"accepted": 3}, attempts=4, lost=0, doubled=0)


def at(seconds: float) -> datetime:
    """So many seconds after the alarm."""
    return ALARM + timedelta(seconds=seconds)


class Night:
    """Entries and far sides of one run, in the order in which they are told."""

    def __init__(self) -> None:
        self.entries: list[LedgerLine] = []
        self.far: dict[str, list[dict[str, Any]]] = {"requests": [], "effects": []}
        self.says(0, "exercise.began", incident=None, run="exr-1", scenario="storm", by_people={})

    def says(self, seconds: float, kind: str, incident: str | None = INCIDENT, **facts: Any) -> None:
        """The ledger holds an entry."""
        number = len(self.entries) + 1
        self.entries.append(LedgerLine(number, at(seconds), kind, incident, "w", number, "", facts))

    def step(self, seconds: float, **facts: Any) -> None:
        """A step begins."""
        self.says(seconds, "exercise.step", run="exr-1", **facts)

    def act(
        self, seconds: float, kind: str, who: str, lasted: float, played_by: str = "people", **facts: Any
    ) -> None:
        """A step awaits somebody, who acts ``lasted`` seconds later."""
        self.step(seconds, awaits=kind, played_by=played_by, act=facts.pop("act", ""))
        self.says(seconds + lasted, kind, actor=who, **facts)

    def sends(self, seconds: float, key: str, fault: str = "", provider: str = "x") -> None:
        """A request reaches a platform."""
        about = {"provider": provider, "account": "1001", "key": key, "at": at(seconds).isoformat()}
        self.far["requests"].append({**about, "route": "publish", "fault": fault})

    def shows(self, seconds: float, key: str, kind: str = "published", provider: str = "x") -> None:
        """A platform shows a post."""
        about = {"provider": provider, "account": "1001", "key": key, "at": at(seconds).isoformat()}
        self.far["effects"].append({**about, "kind": kind, "reference": key})


def storm() -> Night:
    """Declared after 30 s, submitted at 120, signed at 150 and 200, released at 240, public at 241 and 244."""
    night = Night()
    night.act(0, "incident.declared", "author-1", 30, incident=INCIDENT)
    night.act(30, "plan.submitted", "author-1", 90, plan=PLAN)
    night.act(120, "statement.approve", "checker-1", 30, subject=PLAN)
    night.act(150, "statement.approve", "director-1", 50, "script", subject=PLAN)
    night.act(200, "plan.released", "director-1", 40, "script", plan=PLAN)
    for seconds, key in ((241, "first"), (244, "last")):
        night.sends(seconds, key)
        night.shows(seconds, key)
    return night
