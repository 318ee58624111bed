"""What the acceptance stories share: their people at the command line, and what they hold the record to.

Roles run as processes of their own. A person's command is run in this one, which says the same in a tenth of the
time; where two people must type at one moment, :meth:`Deployment.run` starts a process for each.

The way of a story::

    incident, message = drafted(site, STORM)
    plan = submitted(site, message, "x-city")
    with nothing_leaves(site):
        assert clauses(typed(site, "director-1", "release", plan, fails=3)) == {"G08"}
    denied(site, incident, "release.refused", "G08")     # one entry, which a reviewer reads
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from channels import registry
from channels.contract import Json
from dispatcher.bootstrap import open_desk
from dispatcher.cli.main import root
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import StatementKind
from dispatcher.store import records
from dispatcher.store.tables import PLANS
from ops.reading import having_read
from tests.e2e.attacker import Attacker
from tests.e2e.deployment import Cleared, Deployment

STORM = {"en-GB": "Storm tonight\n\nStay in.", "cy-GB": "Storm heno\n\nArhoswch dan do, Ŵyr."}
PURPOSE = "exceptional_public_safety"
NEED = ("--no-alternative", "people under 25, whom nothing else reaches")
EVERYBODY = (
    ("author-1", Role.AUTHOR, StatementKind.SUBMIT),
    ("checker-1", Role.CHECKER, StatementKind.APPROVE),
    ("director-1", Role.DUTY_DIRECTOR, StatementKind.APPROVE),
    ("security-1", Role.SECURITY, StatementKind.APPROVE),
    ("minister-1", Role.MINISTER, StatementKind.DECIDE),
    ("director-1", Role.DUTY_DIRECTOR, StatementKind.RELEASE),
)
"""Whom policy could ask about any channel, in the order in which they sign."""


@dataclass
class Roles:
    """A deployment with every exercise role running, which may be started again."""

    site: Deployment
    running: ExitStack = field(default_factory=ExitStack)

    def restart(self) -> None:
        """End them as an operator would, if they run, and start them."""
        self.running.close()
        self.running.enter_context(self.site.up())


@contextmanager
def roles_of(site: Deployment) -> Iterator[Roles]:
    """Run a deployment's roles meanwhile."""
    roles = Roles(site)
    with roles.running:
        roles.restart()
        yield roles


def typed(site: Deployment, person: str, *words: str, fails: int = 0, key: Path | None = None) -> Any:
    """A command by a person, and what it answered: its JSON, or what it told the person when it failed."""
    held = key or site.folder / "keys" / "exercise" / person
    words = words if fails else having_read(words, lambda *read: typed(site, person, *read, key=key))
    runner = CliRunner(env={"DISPATCHER_KEY": str(held), "SSH_AUTH_SOCK": None, "TERM": None})
    done = runner.invoke(root, ["--deployment", str(site.folder), "--json", *words])
    assert done.exit_code == fails, (words, done.stdout, done.stderr, done.exception)
    return done.stderr if fails else json.loads(done.stdout)


def clauses(told: str) -> set[str]:
    """The clauses that a refusal names."""
    return set(re.findall(r"\bG\d\d\b", told))


def denied(site: Deployment, incident: str, kind: str, *names: str) -> None:
    """Hold the record of an incident to one denial of a kind, by these clauses, which a reviewer can read."""
    read = typed(site, "reviewer-1", "review", incident)
    found = [denial for denial in read["denials"] if denial["kind"] == kind]
    assert {denial["clause"] for denial in found} == set(names)
    assert {denial["count"] for denial in found} == {1}


def drafted(site: Deployment, texts: dict[str, str], kind: str = "severe_weather", *evidence: str) -> tuple[str, str]:
    """An incident with its evidence and an armed message; returns both ids."""
    about = (kind, "Storm", "--mode", "exercise", "--area", "Old Town")
    incident = typed(site, "author-1", "incident", "declare", *about)["id"]
    for item in evidence or ("warning",):
        typed(site, "author-1", "incident", "evidence", incident, item, "red", "--source", "weather service")
    words, mark = [], "".join(secrets.choice("abcdefghkmnpqrstwxyz") for _ in range(8))
    for language, text in texts.items():
        file = site.folder.with_name(f"{language}.txt")
        file.write_text(f"{text} ({mark})")
        words += ["--text", f"{language}={file}"]
    message = typed(site, "author-1", "message", "draft", incident, *words, "--valid-until", "+6h")["message"]
    typed(site, "author-1", "message", "arm", message)
    return incident, message


def submitted(site: Deployment, message: str, *accounts: str, texts: tuple[str, ...] = NEED) -> str:
    """A submitted plan over these accounts; returns its digest."""
    words = [word for account in accounts for word in ("--account", account)]
    made = typed(site, "author-1", "clearance", "submit", message, *words, "--purpose", PURPOSE, *texts)
    return str(made["plan"])


def approved(site: Deployment, plan: str, *people: str) -> None:
    """These people approve, each in the role they hold."""
    for person in people:
        typed(site, person, "clearance", "approve", plan)


def proposed(site: Deployment, file: Path) -> str:
    """A folder that proposes a trust file, which two policy owners signed."""
    folder = str(site.folder.with_name(f"change-{secrets.token_hex(4)}"))
    typed(site, "owner-1", "roster", "rotate", folder, "--with", str(file))
    for owner in ("owner-1", "owner-2"):
        typed(site, owner, "roster", "sign", folder)
    return folder


def installed(site: Deployment, file: Path) -> None:
    """Put a trust file in place, signed by two policy owners, and go by it here."""
    typed(site, "owner-1", "roster", "install", proposed(site, file))
    site.desk.store.close()
    site.desk = open_desk(site.folder, "tests")


def scripted(attacker: Attacker, like: Cleared, plan: Plan, due_in: timedelta = timedelta(0)) -> Cleared:
    """A plan of somebody's own making, written past the question at submit, signed by everybody with their own keys.

    Its rows are those of another plan with what it says put in.
    """
    site, made = attacker.site, Cleared(plan.digest, plan.incident, like.headline)
    head = {"digest": plan.digest, "incident": plan.incident, "body": plan.encoded()}
    attacker.inserts(PLANS, attacker.row(PLANS, PLANS.c.digest == like.digest), **head)
    for place in plan.destinations:
        about = {"channel": place.channel, "account": place.account, "destination": place.account}
        about |= {"plan": plan.digest, "incident": plan.incident, "rendering": place.renderings[TextKind.PUBLISH]}
        lane = str(registry.entry(place.channel).lane)
        attacker.delivery(like, **about, lane=lane, due_at=site.desk.now() + due_in)
    body: dict[str, Json] = {"channels": list(plan.channels), "decision": "agreed", "kinds": ["publish"]}
    for person, role, kind in EVERYBODY:
        envelope = site.desk.sign(site.pen(person), (role,), kind, plan.digest, plan.mode, body)
        with site.desk.store.write() as work:
            site.desk.record(work, envelope, plan.mode, plan.incident)
    return made


def plan_of(site: Deployment, cleared: Cleared) -> Plan:
    """A plan as it was signed."""
    with site.desk.store.read() as work:
        return records.plan(work, cleared.digest).plan
