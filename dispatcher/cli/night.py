"""``dispatcher night``: a walk through the commands of a release, one question at a time.

Rules
  1. It only asks, shows a command and runs that very command: whoever has walked once can type them.
  2. It signs for nobody but whoever is at this keyboard. Where another person is needed it says who types what, and
     waits until it is there.
  3. It keeps nothing: where it goes on is read from the incident. It can be left at any question and begun again.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from dispatcher.cli.awaiting import what_next
from dispatcher.cli.commands import Text, Verb
from dispatcher.cli.errors import Interrupted, NeedsTerminal
from dispatcher.cli.output import say
from dispatcher.cli.pens import known_key
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.incident import METHANE, Incident
from dispatcher.domain.lifecycle import SUPERSEDED, IncidentState
from dispatcher.domain.statement import Mode
from dispatcher.service import clearing
from dispatcher.service.clearing import Standing
from dispatcher.service.judging import who_can
from dispatcher.store import records
from dispatcher.store.records import StoredPlan

BY_HAND = (
    "incident declare",
    "message draft",
    "message arm",
    "clearance submit",
    "clearance approve",
    "release",
    "watch",
)
POLL_S = 1.0
SAID_AGAIN_S = 30.0
OPEN = (IncidentState.PROPOSED, IncidentState.ACTIVE)
DONE = ("settled", "settled_with_gaps", "stopped")


class Left(Exception):
    """Whoever is at the keyboard leaves the walk."""


@click.command(cls=Verb)
@click.argument("name", metavar="INCIDENT", required=False)
def night(session: Session, name: Text) -> None:
    """Walk through a release step by step: it asks, shows each command, and runs it when you press Enter.

    Without INCIDENT it goes on with an open one, or begins a new one. Leave it with Ctrl-C at any time, and type it
    again to go on where you were; nothing is kept but the incident itself.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NeedsTerminal(
            f"the walk asks questions, and there is no terminal; its commands, one by one, are {', '.join(BY_HAND)}",
            f"dispatcher {BY_HAND[0]} --help",
        )
    walk = Walk(session, _person(session))
    try:
        walk.go(name)
    except Left:
        say("You left the walk; nothing is lost. Go on: dispatcher night")
    except (KeyboardInterrupt, click.Abort) as stopped:
        raise Interrupted("you left the walk; nothing is lost", "dispatcher night") from stopped


def _person(session: Session) -> str:
    roster = session.desk.trust.roster
    found = roster.person_of_key(known_key(session.key, roster))
    return found.id if found else session.person  # raises, saying whose key it is not


@dataclass(frozen=True, slots=True)
class Walk:
    """The walk of one person, from question to question."""

    session: Session
    person: str

    def go(self, name: str | None) -> None:
        """Take step after step, until everything has ended. Raises Left."""
        say(f"You are {self.person}. Ctrl-C leaves at any time; `dispatcher night` goes on where you were.")
        found = self._incident(name)
        while self._step(found):
            found = self._again(found.id)

    def _step(self, case: Incident) -> bool:
        """The next step of an incident; whether there may be another."""
        say("", f"{case.mode.upper()} “{case.title}” ({case.id}), {case.state}")
        if case.state is IncidentState.PROPOSED:
            return self._run("incident", "activate", case.id)
        with self.session.desk.store.read() as work:
            plans, revisions = records.plans_of(work, case.id), records.revisions_of(work, case.id)
        plan = plans[-1] if plans and plans[-1].state not in SUPERSEDED else None
        if plan is None:
            return self._write(case) if not revisions else self._submit(revisions[-1].message)
        if plan.state == "submitted":
            return self._clear(plan)
        if plan.state in DONE:
            return self._afterwards(case, plan)
        self._run("watch", short(plan.digest))
        return self._afterwards(case, plan)

    def _incident(self, name: str | None) -> Incident:
        with self.session.desk.store.read() as work:
            if name:
                return records.incident(work, name)
            open_ = [case for case in records.incidents(work) if case.state in OPEN]
        new = "a new incident"
        told = [f"{case.mode.upper()} “{case.title}” ({case.id})" for case in open_]
        at = _choose("Which incident is this about?", [*told, new]) if open_ else 0
        return open_[at] if at < len(open_) else self._declare()

    def _declare(self) -> Incident:
        mode = list(Mode)[_choose("Is this real?", [_real(mode) for mode in Mode])]
        policy = self.session.desk.policy()
        kinds = sorted({kind for rule in policy.channel.values() for kind in rule.incident_kinds})
        kind = kinds[_choose("What kind of incident?", kinds)]
        words = ["incident", "declare", kind, _ask("Its title, in a few words"), "--mode", str(mode)]
        for place in filter(None, _ask("Where? Places, with commas between", "").split(",")):
            words += ["--area", place.strip()]
        known = policy.evidence.get(kind)
        for item in _items(known.base if known else ()):
            said = _ask(f"What policy wants known: {item} (Enter: not known yet)", "")
            words += ["--evidence", f"{item}={said}"] if said else []
        if "--evidence" in words:
            words += ["--source", _ask("Who says so? A force, a department, a warning service")]
        before = self._newest()
        while not self._run(*words) or self._newest() == before:
            self._again_or_leave()
        return self._again(self._newest())

    def _newest(self) -> str:
        with self.session.desk.store.read() as work:
            found = records.incidents(work, 1)
        return found[0].id if found else ""

    def _again(self, name: str) -> Incident:
        with self.session.desk.store.read() as work:
            return records.incident(work, name)

    def _write(self, case: Incident) -> bool:
        return self._run("message", "draft", case.id, *self._texts())

    def _texts(self) -> Iterator[str]:
        """Files of one's own, or else a template, whose slots the command itself asks for."""
        from dispatcher.cli.message import draft

        say("A text is a file: headline on the first line, the body below, an instruction after a line ---.")
        has_templates = any(parameter.name == "template" for parameter in draft.params)
        otherwise, given = "a template" if has_templates else "no more", False
        while file := _ask(f"A language and its file, as en-GB=storm.txt (Enter: {otherwise})", ""):
            yield from ("--text", file)
            otherwise, given = "no more", True
        if has_templates and not given:
            say("Which there are: dispatcher message templates")
            yield from ("--template", _ask("Which template?"))
        yield from ("--valid-until", f"+{_ask('How long does it hold?', '6h')}")

    def _submit(self, message: str) -> bool:
        with self.session.desk.store.read() as work:
            lacks_armed = bool(records.newest_revision(work, message).missing_armed)
        if lacks_armed:
            return self._run("message", "arm", message)
        self._run("message", "preview", message)
        words = ["clearance", "submit", message]
        while given := _ask("A recipient list to send to, as LIST (Enter: no more)", ""):
            words += ["--list", given]
        return self._run(*words)

    def _clear(self, plan: StoredPlan) -> bool:
        """Have it signed by whom it takes, then released by who may."""
        standing, name = clearing.show(self.session.desk, plan.digest), short(plan.digest)
        lacking = [failure for finding in standing.findings for failure in finding.lacking]
        failures = lacking or [failure for finding in standing.findings for failure in finding.failures]
        people = who_can(self.session.desk, failures, plan.plan)
        can = [role for role, found in people.items() if any(who.split()[0] == self.person for who in found)]
        if not lacking and can:
            self._run("clearance", "read", name)
            return self._run("release", name)
        uninvolved = self.person not in plan.plan.contributors
        if can and uninvolved and not self._signed(standing):
            self._run("clearance", "read", name)
            return self._run("clearance", "approve", name)
        self._await(standing, people)
        return True

    def _signed(self, standing: Standing) -> bool:
        return any(self.person in said for finding in standing.findings for said in finding.signed)

    def _await(self, standing: Standing, people: dict[str, list[str]]) -> None:
        """Say who types what, and wait until something about the plan has changed."""
        command, missing = what_next(self.session.desk, standing)
        what = "the release, by " if all(finding.clear for finding in standing.findings) else ""
        for role, found in people.items():
            say(f"Waiting for {what}{role}: {', '.join(found)}")
        say(*([] if people else [f"Missing: {missing}"]), f"They type, with their own key: {command}")
        before, told_at = _fingerprint(standing), time.monotonic()
        while _fingerprint(standing := clearing.show(self.session.desk, standing.stored.digest)) == before:
            if time.monotonic() - told_at > SAID_AGAIN_S:
                told_at = time.monotonic()
                say(f"Still waiting for {', '.join(people) or missing}. Ctrl-C leaves; the plan stays as it is.")
            time.sleep(POLL_S)
        say("Something has changed.")

    def _afterwards(self, case: Incident, plan: StoredPlan) -> bool:
        name = short(plan.digest)
        ways = {
            "leave it as it is, and leave the walk": (),
            "correct it: it was wrong": ("correct", name),
            "take it back": ("withdraw", name),
            "give the all-clear": ("all-clear", name),
            "follow it": ("watch", name),
            "end the incident's messaging": ("incident", "stand-down", case.id),
        }
        chosen = list(ways.values())[_choose("It is out. What now?", list(ways))]
        return bool(chosen) and self._run(*chosen)

    def _run(self, *words: str) -> bool:
        """Show a command, run it on Enter, and go on; where it failed, as often as is wanted. Raises Left."""
        root = click.get_current_context().find_root().command
        say("", f"$ dispatcher {shlex.join(words)}")
        _ask("Enter runs it, Ctrl-C leaves", "")
        where = ["--deployment", str(self.session.folder), *(["--key", self.session.key] if self.session.key else [])]
        try:
            code = root.main([*where, *words], prog_name="dispatcher", standalone_mode=False)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        if code:
            self._again_or_leave()
        return True

    def _again_or_leave(self) -> None:
        if _choose("That did not end well; it says why above.", ["go on from how things stand", "leave"]):
            raise Left


def _items(base: Sequence[str]) -> Iterator[str]:
    for item in base:
        yield from METHANE if item == "methane" else (item,)


def _real(mode: Mode) -> str:
    return "LIVE: the public reads it" if mode is Mode.LIVE else "exercise: simulated platforms, no public"


def _fingerprint(standing: Standing) -> tuple[object, ...]:
    return standing.stored.state, *((f.channel, f.state, f.signed, f.failures) for f in standing.findings)


def _choose(question: str, choices: Sequence[str]) -> int:
    """Ask for one of several by its number; gives its place, from 0."""
    say("", question, *(f"  {number} {choice}" for number, choice in enumerate(choices, 1)))
    return int(click.prompt("Number", type=click.IntRange(1, len(choices)), err=True)) - 1


def _ask(question: str, unless_said: str | None = None) -> str:
    shown = bool(unless_said)
    return str(click.prompt(question, default=unless_said, show_default=shown, err=True)).strip()
