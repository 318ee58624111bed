"""From the alarm to the release by the commands themselves, each the one that the last one named, and how many.

What daytime routine signed is not counted: accounts, assessments, exemptions and mitigations.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner

from dispatcher.cli.main import root
from ops.reading import having_read
from tests.e2e.deployment import AUDIENCE, Cleared, Deployment
from tests.e2e.stories import PURPOSE, typed

pytestmark = pytest.mark.system

MOST = 6
"""Commands of the officer from the alarm to the release."""

ALARM = (
    *("incident", "declare", "severe_weather", "Storm", "--mode", "exercise", "--area", "Old Town"),
    *("--evidence", "warning=red", "--source", "weather service"),
)
TIKTOK = (
    *("--account", "tiktok-city", "--account", "webhook-council", "--purpose", PURPOSE),
    *("--no-alternative", AUDIENCE),
)


SLOTS = ("--slot", "river=River Example", "--slot", "until=+6h", "--link", "https://www.gov.uk/check-flooding")


@dataclass
class Night:
    """Who typed what, and the command that the last one named."""

    site: Deployment
    counted: list[tuple[str, str]] = field(default_factory=list)
    next: str = ""

    def types(self, person: str, *words: str) -> Any:
        """One command that is counted."""
        made, told = self._run(person, *words)
        self.counted.append((person, " ".join(words[:2])))
        self.next = (re.findall(r"^Next: dispatcher (.+)$", told, re.MULTILINE) or [""])[-1]
        return made

    def goes_on(self, person: str, verb: str, *more: str) -> Any:
        """The very command that the last one named, which must be this one; ``more`` is typed behind it."""
        assert self.next.startswith(verb), f"it named `dispatcher {self.next}`, not {verb}"
        return self.types(person, *shlex.split(self.next), *more)

    def _run(self, person: str, *words: str) -> tuple[Any, str]:
        runner = CliRunner(env={"DISPATCHER_KEY": str(self.site.folder / "keys" / "exercise" / person)})
        said = having_read(words, lambda *read: typed(self.site, person, *read))
        done = runner.invoke(root, ["--deployment", str(self.site.folder), "--json", *said])
        assert done.exit_code == 0, (words, done.stdout, done.stderr, done.exception)
        return done.stdout, done.stderr

    def by(self, *people: str) -> Counter[str]:
        """How many commands each of these typed."""
        return Counter(person for person, _ in self.counted if person in people)

    def show(self, of: str) -> None:
        """For who reads the test's output: every command in order."""
        lines = [f"{of}: {len(self.counted)} commands", *(f"  {who}: {what}" for who, what in self.counted)]
        sys.stdout.write("\n".join(["", *lines, ""]))


def alarm_to_submit(night: Night, *wish: str) -> None:
    """The officer's commands until people are asked to sign."""
    night.types("author-1", *ALARM)
    night.next = night.next.replace("NAME", "flood")
    night.goes_on("author-1", "message draft", *SLOTS)
    night.goes_on("author-1", "clearance submit", *wish)


def officer(night: Night, approvals: Sequence[str]) -> int:
    """How many commands were not somebody's approval, until the release."""
    verbs = [what for _, what in night.counted]
    return len([what for what in verbs[: verbs.index("release") + 1] if what not in approvals])


def until_released(night: Night) -> None:
    """Release what is clear, and follow it."""
    night.goes_on("director-1", "release")
    night.counted[-1] = ("director-1", "release")  # its name is one word


def finished_by_hand(night: Night, plan: str) -> None:
    """One operator opens the packet, and both sign for the same address."""
    (row,) = typed(night.site, "operator-1", "delivery", "list", "--plan", plan, "--state", "handed_over")[
        "deliveries"
    ]
    night.types("operator-1", "handoff", "open", row["id"])
    shown = typed(night.site, "operator-1", "delivery", "show", row["id"])
    for person in ("operator-1", "operator-2"):
        url = f"https://exercise.invalid/{shown['reference']}"
        night.types(person, "handoff", "receipt", row["id"], "--url", url)


def test_six_commands_and_one_for_each_approver(exercise: Deployment) -> None:
    """On X and a webhook: declare, draft, arm, preview, submit, release; each was named by the one before."""
    night = Night(exercise)
    alarm_to_submit(night, "--account", "x-city", "--account", "webhook-council")
    for person in ("checker-1", "welsh-checker-1", "director-1"):
        night.goes_on(person, "clearance approve")
    until_released(night)
    night.show("X")
    assert officer(night, ("clearance approve",)) <= MOST
    assert night.by("checker-1") == {"checker-1": 1}


def test_for_tiktok_the_minister_is_one_more(exercise: Deployment) -> None:
    """Besides: security, the decision and its read-back, the packet and two receipts; the officer types no more."""
    night = Night(exercise)
    alarm_to_submit(night, *TIKTOK)
    plan = typed(exercise, "author-1", "status")["plans"][0]["plan"]
    for person in ("checker-1", "welsh-checker-1", "director-1", "security-1"):
        night.types(person, "clearance", "approve", plan)
    made = night.goes_on("private-office-1", "evidence decide")
    code = re.search(r'"code": "([^"]+)"', made)
    assert code
    night.types("private-office-1", "evidence", "confirm", plan, "--code", code[1])
    night.types("director-1", "clearance", "show", plan)
    night.counted.pop()  # it is looked at, and nobody has to
    until_released(night)
    assert exercise.ended(Cleared(plan, "", "Storm")) == {"accepted": 1, "handed_over": 1}
    finished_by_hand(night, plan)
    night.show("TikTok")
    assert officer(night, ("clearance approve", "evidence decide", "evidence confirm")) <= MOST
    assert night.by("checker-1", "security-1", "private-office-1") == {
        "checker-1": 1,
        "security-1": 1,
        "private-office-1": 2,
    }
