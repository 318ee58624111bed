"""Scenarios: nights told as data.

Rules
  1. A scenario is a TOML file; what it says is read strictly, and the place of a fault is named.
  2. A step tells people something, awaits an act of one role, or lets something go wrong, or all of these. Acts are
     words of a table (``ops.exercise.moves``), never commands, and nothing in a scenario may look like an option: it
     cannot name a mode, a person's key, another deployment or another incident.
  3. ``{run}`` in a text becomes the run's id, so that two runs never say the same: platforms refuse repeats.

A scenario in short::

    title = "Storm over Example Bay"
    kind = "severe_weather"
    severity = "S3"
    area = ["Example Bay"]

    [texts.publish.en-GB]
    headline = "Severe gale tonight"
    body = "Gusts of 90 mph from 21:00. Exercise {run}."

    [[step]]
    at = "20:40"
    tell = "The weather service warns of a severe gale."
    act = "declare"
    by = "author"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import resources

from channels.contract import Json
from channels.simulator.faults import FaultKind
from dispatcher.domain import documents
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.incident import Severity
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.statements.errors import TrustError
from dispatcher.statements.toml import parse_toml

KILLABLE = ("relay", "accounts", "recipients", "tiktok", "tiktok-sender")


class Act(StrEnum):
    """What a person is awaited to do."""

    DECLARE = "declare"
    ACTIVATE = "activate"
    EVIDENCE = "evidence"
    DRAFT = "draft"
    ARM = "arm"
    SUBMIT = "submit"
    APPROVE = "approve"
    DECIDE = "decide"
    CONFIRM = "confirm"
    RELEASE = "release"
    HALT = "halt"
    RESUME = "resume"
    REVOKE = "revoke"
    RENEW = "renew"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True)
class Text:
    """One language of a text."""

    headline: str
    body: str
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of evidence that a step records."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault of a simulated platform: ``called`` so on the scorecard; the rest as the simulator's menu has it."""

    called: str
    provider: str
    kind: FaultKind
    match: str = ""
    times: int = 1
    delay_ms: int = 0
    status: int = 503

    def order(self) -> dict[str, object]:
        """As the simulator takes it."""
        same = {name: getattr(self, name) for name in ("provider", "kind", "match", "times", "status")}
        return {**same, "delay_s": self.delay_ms / 1_000}


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``at`` is the story's own clock, for people to read.

    ``by``: the role awaited, with a number where it is not the first who holds it (``duty_director 2``).
    ``refused``: the gate must refuse it. ``under_way``: it begins when so many messages have reached the platform
    ``under_way_on``. ``kill``: roles whose process is then killed by kill -9. ``until_sent``: it ends when every
    delivery has ended.
    """

    at: str = ""
    tell: str = ""
    act: Act | None = None
    by: str = ""
    refused: bool = False
    item: Item | None = None
    reason: str = ""
    trouble: tuple[Trouble, ...] = ()
    kill: tuple[str, ...] = ()
    under_way: int = 0
    under_way_on: str = "notify"
    until_sent: bool = False

    @property
    def role(self) -> Role:
        """The role awaited."""
        return Role(self.by.partition(" ")[0])

    @property
    def number(self) -> int:
        """Which of those who hold it."""
        return int(self.by.partition(" ")[2] or 1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One night. ``alert``: it begins with a CAP alert made of the ``publish`` texts, in ``polygon``.

    ``recipients``: whether the cast's list is sent text messages. ``no_alternative``: what a plan with TikTok says of
    its audience; without it TikTok is left out. ``wait_s``: how long one person is waited for.
    """

    name: str
    title: str
    summary: str
    kind: str
    severity: Severity
    area: tuple[str, ...]
    texts: Mapping[TextKind, Mapping[str, Text]]
    step: tuple[Step, ...]
    link: str = "https://www.gov.uk/example"
    alert: bool = False
    polygon: str = ""
    recipients: bool = True
    no_alternative: str = ""
    wait_s: int = 1_800

    @property
    def roles(self) -> tuple[Role, ...]:
        """Who is awaited, in the order of the first time."""
        return tuple(dict.fromkeys(step.role for step in self.step if step.act))

    def without_kills(self) -> Scenario:
        """The same with every process left alive."""
        left = (replace(step, kill=()) for step in self.step)
        return replace(self, step=tuple(step for step in left if step != Step(at=step.at, under_way=step.under_way)))


def shipped() -> tuple[Scenario, ...]:
    """The scenarios that come with the dispatcher, by name."""
    return tuple(named(name) for name in sorted(_names()))


def named(name: str) -> Scenario:
    """A shipped scenario. Raises NotFound naming those there are."""
    if name not in _names():
        known = ", ".join(sorted(_names()))
        raise NotFound(f"there is no scenario {name}; there are {known}", "dispatcher exercise list")
    return read(name, resources.files(__package__).joinpath("scenarios", f"{name}.toml").read_text("utf-8"))


def read(name: str, text: str) -> Scenario:
    """A scenario from its file. Raises Invalid naming the place."""
    try:
        document = parse_toml(text, f"scenario {name}")
        made = documents.read(Scenario, {"name": name, **document}, f"scenario {name}", defaults=True)
    except (DocumentError, TrustError) as error:
        raise Invalid(str(error), "mend the scenario's file") from error
    for word in _words(document):
        if word.startswith("-"):
            raise Invalid(
                f"scenario {name}: {word!r} looks like an option", "no text of a scenario begins with a dash"
            )
    for number, step in enumerate(made.step, 1):
        for fault in _faults(made, step):
            raise Invalid(f"scenario {name}, step {number}: {fault}", "mend the scenario's file")
    return made


def _faults(scenario: Scenario, step: Step) -> Iterator[str]:
    role, _, number = step.by.partition(" ")
    if bool(step.act) != bool(step.by):
        yield "an act needs who does it, and nobody is awaited without one"
    if step.by and (role not in set(Role) or (number and not number.isdigit())):
        yield f"{step.by!r} is no role"
    if (step.act is Act.EVIDENCE) != (step.item is not None):
        yield "evidence needs its item, and nothing else has one"
    if unknown := set(step.kill) - set(KILLABLE):
        yield f"{min(unknown)} is no role's process that may be killed"
    if TextKind.PUBLISH not in scenario.texts:
        yield "there is no text to publish"


def _words(value: Json) -> Iterator[str]:
    """Every text in a scenario."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)


def _names() -> set[str]:
    folder = resources.files(__package__).joinpath("scenarios")
    return {one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml")}
