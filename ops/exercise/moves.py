"""Acts as commands: the words that a person types, and the ledger entry by which everybody knows that it was done.

``--mode exercise`` is written here and nowhere else: a scenario names acts and never a mode, and after the
declaration every command is about this run's own incident, which cannot change its mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dispatcher.domain.ids import short
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.service.ledger import LedgerLine
from ops.exercise.scenario import Act, Scenario, Step, Text

DONE: Mapping[Act, str] = {
    Act.DECLARE: "incident.declared",
    Act.ACTIVATE: "incident.activated",
    Act.EVIDENCE: "incident.evidence",
    Act.DRAFT: "message.revised",
    Act.ARM: "message.revised",
    Act.SUBMIT: "plan.submitted",
    Act.APPROVE: "statement.approve",
    Act.DECIDE: "statement.decide",
    Act.CONFIRM: "statement.confirm",
    Act.RELEASE: "plan.released",
    Act.HALT: "statement.halt",
    Act.RESUME: "statement.resume",
    Act.REVOKE: "statement.revoke",
    Act.RENEW: "plan.submitted",
    Act.CORRECT: "way_back.ordered",
}
REFUSED = "release.refused"
SUBJECTS = {Act.APPROVE: "plan", Act.DECIDE: "plan", Act.CONFIRM: "plan", Act.REVOKE: "plan", Act.RESUME: "halt"}
"""What the statement of an act has to be about, as the story names it."""

IN_EXERCISE = ("--mode", str(Mode.EXERCISE))


@dataclass
class Story:
    """What has become of a run so far. ``accounts`` are those it goes to, ``lists`` as ``submit`` takes them."""

    run: str
    scenario: Scenario
    folder: Path
    accounts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    incident: str = ""
    message: str = ""
    plan: str = ""
    halt: str = ""
    code: str = "CODE"
    plans: list[str] = field(default_factory=list)

    def words(self, step: Step) -> list[str]:  # noqa: C901 - one case per act
        """What a person types to do the act of a step; what confirms a release is read before it is released."""
        plan, why = short(self.plan) if self.plan else "", ["--reason", step.reason or step.tell]
        match step.act:
            case Act.DECLARE:
                return ["incident", "declare", *self._declared(), *IN_EXERCISE]
            case Act.ACTIVATE:
                return ["incident", "activate", self.incident]
            case Act.EVIDENCE if step.item:
                about = [step.item.name, step.item.value, "--source", step.item.source]
                return ["incident", "evidence", self.incident, *about]
            case Act.DRAFT:
                return ["message", "draft", self.incident, *self._drafted()]
            case Act.ARM:
                return ["message", "arm", self.message, *self._files("correct", TextKind.CORRECT)]
            case Act.SUBMIT:
                return ["clearance", "submit", self.message, *self._wished()]
            case Act.RENEW:
                return ["clearance", "renew", plan]
            case Act.APPROVE:
                return ["clearance", "approve", plan, "--role", str(step.role)]
            case Act.DECIDE:
                return ["evidence", "decide", plan, "--decision", "agreed", "--channel", "tiktok"]
            case Act.CONFIRM:
                return ["evidence", "confirm", plan, "--code", self.code]
            case Act.HALT:
                return ["halt", "--incident", self.incident, *IN_EXERCISE, *why]
            case Act.RESUME:
                return ["resume", self.halt]
            case Act.REVOKE:
                return ["clearance", "revoke", plan, *why]
            case Act.CORRECT:
                return ["correct", plan, *why]
        return ["release", plan]

    def shows(self, step: Step, entry: LedgerLine) -> bool:
        """Whether an entry says that the act of a step was done, about this run."""
        facts = entry.facts
        if step.act is Act.DECLARE:
            return bool(facts.get("mode") == Mode.EXERCISE)
        if step.act in SUBJECTS:
            return bool(facts.get("subject") == getattr(self, SUBJECTS[step.act]))
        return bool(facts.get("incident") == self.incident)

    def learn(self, step: Step, entry: LedgerLine, answer: Any) -> None:
        """Take from an entry, and from a command's answer, the names that later commands need."""
        facts = entry.facts
        match step.act:
            case Act.DECLARE:
                self.incident = str(facts["incident"])
            case Act.DRAFT:
                self.message = str(facts["message"])
            case Act.SUBMIT | Act.RENEW:
                self.plan = str(facts["plan"])
                self.plans.append(self.plan)
            case Act.HALT:
                self.halt = str(facts["statement"])
            case Act.DECIDE if answer:
                self.code = str(answer.get("code") or self.code)

    def texts(self, kind: TextKind) -> dict[str, Text]:
        """The texts of a kind, with the run's id in them."""
        given = self.scenario.texts.get(kind, {})
        return {
            tag: Text(*(part.replace("{run}", self.run) for part in (text.headline, text.body, text.instruction)))
            for tag, text in given.items()
        }

    def write_texts(self) -> None:
        """Write each text into a file as officers do."""
        for kind in self.scenario.texts:
            for tag, text in self.texts(kind).items():
                parts = [text.headline, "", text.body, *(["---", text.instruction] if text.instruction else [])]
                self._file(kind, tag).write_text("\n".join(parts) + "\n")

    @property
    def alert(self) -> Path:
        """Where the alert lies that the night begins with."""
        return self.folder / "alert.xml"

    def _declared(self) -> list[str]:
        told = self.scenario
        if told.alert:
            return ["--from-cap", str(self.alert)]
        areas = [word for place in told.area for word in ("--area", place)]
        return [told.kind, told.title, "--severity", told.severity.name, *areas]

    def _drafted(self) -> list[str]:
        """The one place where a message is written: from the alert, or from text files."""
        link = ["--link", self.scenario.link]
        if self.scenario.alert:
            return link
        return [*self._files("text", TextKind.PUBLISH), *link, "--valid-until", "+6h"]

    def _wished(self) -> list[str]:
        words = [word for name in self.accounts for word in ("--account", name)]
        words += [word for name in self.lists for word in ("--list", name)]
        if self.scenario.no_alternative:
            words += ["--purpose", "exceptional_public_safety", "--no-alternative", self.scenario.no_alternative]
        return words

    def _files(self, option: str, kind: TextKind) -> list[str]:
        languages = self.scenario.texts.get(kind, {})
        return [word for tag in languages for word in (f"--{option}", f"{tag}={self._file(kind, tag)}")]

    def _file(self, kind: TextKind, tag: str) -> Path:
        return self.folder / f"{kind}.{tag}.txt"
