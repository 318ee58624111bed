"""The player: one scenario, step by step, by the commands that people type, or by people who type them.

The way of a run::

    alarm on record → for each step: told, on record, faults armed, roles killed → the act: typed by the script where
    the role's exercise key lies here, else awaited from people → found in the ledger → the next

Every wait is for something that the ledger or a far side shows, never for a time.
"""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from channels import registry
from channels.capabilities import Address
from channels.contract import Account
from channels.simulator.providers import PROVIDERS
from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode
from dispatcher.domain.wanted import Wanted
from dispatcher.service import exercising
from dispatcher.service.desk import Desk
from dispatcher.service.ledger import Following, LedgerLine
from dispatcher.store import deliveries, recipients, records
from ops.exercise.alert import alert
from ops.exercise.cast import holder
from ops.exercise.moves import DONE, REFUSED, Story
from ops.exercise.scenario import Act, Scenario, Step
from ops.exercise.stage import ExerciseFailed, Stage, until

GATE_CLOSED = 3
SCRIPT_S = 30.0
ENDS_WITHIN_S = 300.0
LOOK_S = 0.2
FEED = "cap_feed"

After = Callable[[Step], None]


@dataclass
class Player:
    """Plays one run. ``people``: the roles that people play, whatever keys lie here."""

    desk: Desk
    stage: Stage
    scenario: Scenario
    story: Story
    people: Collection[Role]
    before: int = field(default=0, init=False)
    """How many requests the far sides had seen when the run began."""

    def play(self, after: After = lambda _step: None) -> None:
        """Play every step; ``after`` is called when one is done. Raises ExerciseFailed where one cannot be."""
        self.before = len(self.stage.journal()["requests"])
        self.story.write_texts()
        if self.scenario.alert:
            texts = self.story.texts(TextKind.PUBLISH)
            self.story.alert.write_text(alert(self.scenario, texts, self.story.run, self.desk.now()))
        for number, step in enumerate(self.scenario.step, 1):
            self._play(number, step)
            after(step)

    def _play(self, number: int, step: Step) -> None:
        if step.under_way:
            until(lambda: self._under_way(step), f"{step.under_way} messages are under way", SCRIPT_S)
        actor = holder(self.desk, step.role, step.number) if step.act and step.role not in self.people else None
        if step.tell:
            self.stage.tell(f"\n{step.at}  {step.tell}".rstrip())
        self._note(number, step, actor)
        for trouble in step.trouble:
            self.stage.tell(f"       fault: {trouble.called}")
            self.stage.fault(**trouble.order())
        for role in step.kill:
            pid = self.stage.roles()[role]
            os.kill(pid, signal.SIGKILL)
            self.stage.tell(f"       kill -9 {pid} ({role})")
        if step.act:
            self._act(step, actor)
        if step.until_sent:
            until(self._sent, "every delivery has ended", ENDS_WITHIN_S)

    def _note(self, number: int, step: Step, actor: str | None) -> None:
        facts: dict[str, Any] = {"number": number, "told": step.tell}
        if step.act:
            kind = REFUSED if step.refused else DONE[step.act]
            played = "script" if actor else "people"
            facts |= {"act": str(step.act), "role": str(step.role), "awaits": kind, "played_by": played}
        troubles = [{"called": t.called, "provider": t.provider, "kind": str(t.kind)} for t in step.trouble]
        facts |= {"troubles": troubles} if troubles else {}
        facts |= {"killed": list(step.kill)} if step.kill else {}
        exercising.step(self.desk, self.story.run, self.story.incident or None, **facts)

    def _act(self, step: Step, actor: str | None) -> None:
        kind = REFUSED if step.refused else DONE[step.act or Act.RELEASE]
        following = Following(self.desk, Wanted(kinds=(kind,)))
        answer = None
        if actor:
            answer = self.stage.act(actor, *self.story.words(step), fails=GATE_CLOSED if step.refused else None)
        else:
            self._ask(step)
        seconds = SCRIPT_S if actor else float(self.scenario.wait_s)
        what = f"{step.act} by {actor or step.role} is on record"
        entry = until(
            lambda: self._found(step, following, actor), what, seconds, every_s=LOOK_S if not actor else 0.05
        )
        if not actor:
            self.stage.tell(f"       done by {entry.facts.get('actor')}")
        self.story.learn(step, entry, answer)

    def _ask(self, step: Step) -> None:
        """Say who is awaited, and what they type in a terminal of their own."""
        now = self.desk.now()
        who = ", ".join(person.id for person in self.desk.trust.roster.holders(step.role, now)) or "nobody holds it"
        self.stage.tell(f"       AWAITED: {step.role} ({who}) types, in a terminal of their own:")
        self.stage.tell(
            f"       dispatcher --deployment {self.stage.deployment} {shlex.join(self.story.words(step))}"
        )

    def _found(self, step: Step, following: Following, actor: str | None) -> LedgerLine | None:
        for entry in following.news():
            who = str(entry.facts.get("actor"))
            theirs = who == actor if actor else self._holds(who, step.role)
            if theirs and self.story.shows(step, entry):
                return entry
        return None

    def _holds(self, who: str, role: Role) -> bool:
        return self.desk.trust.roster.holds(who, role, self.desk.now())

    def _under_way(self, step: Step) -> bool | None:
        sent = [one for one in self.stage.journal()["requests"][self.before :] if one["route"] == "publish"]
        return sum(one["provider"] == step.under_way_on for one in sent) >= step.under_way or None

    def _sent(self) -> bool | None:
        """Whether no machine has anything left to move of the plan that was released last."""
        with self.desk.store.read() as work:
            states = {row[3] for row in deliveries.counts(work, self.story.plan)}
        return None if UNSETTLED & states else True


def cast_of(desk: Desk, scenario: Scenario) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The accounts that a scenario goes to, and the lists: exercise accounts whose platform is simulated.

    Left out are those that need a picture, TikTok where the scenario says nothing of its audience, and those that
    send to lists where there is none. Raises ExerciseFailed where none is left.
    """
    with desk.store.read() as work:
        known = [one for one in records.accounts(work, Mode.EXERCISE) if _plays(one, scenario)]
        lists = [row.id for row in recipients.lists(work, Mode.EXERCISE) if row.purged_at is None]
    listed = {one.id: registry.adapter(one.channel).capabilities.recipients for one in known}
    to_lists = [name for name, address in listed.items() if address]
    with_list = [name for name in to_lists if listed[name] is Address.PHONE and lists and scenario.recipients]
    sent = {name: f"{name}={lists[0]}" for name in with_list}
    names = tuple(one.id for one in known if one.id not in to_lists or one.id in sent)
    if not names:
        raise ExerciseFailed(
            "no exercise account of this deployment can carry a text to a simulated platform",
            "dispatcher account add --help",
        )
    return names, tuple(sent.values())


def _plays(account: Account, scenario: Scenario) -> bool:
    if account.channel == "tiktok":
        return bool(scenario.no_alternative)
    simulated = account.channel == FEED or account.channel in {provider.name for provider in PROVIDERS}
    return simulated and not any(limit.least for limit in registry.adapter(account.channel).capabilities.media)
