"""An office for the tests of use cases: a real deployment, a clock that stands, everybody's key files as pens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from channels.contract import Account, LanguageText, Secret
from channels.notify.simulator import TEMPLATE_ID, api_key
from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Envelope, Mode, Statement
from dispatcher.gate.policy_file import load
from dispatcher.service import accounts, clearing, deploying, incidents, ledger, messages, submitting
from dispatcher.service.areas import Where
from dispatcher.service.desk import Desk
from dispatcher.service.ledger import LedgerLine
from dispatcher.service.submitting import Wish
from dispatcher.settings import load_settings
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.trust import load_trust
from dispatcher.store import deliveries
from dispatcher.store.database import Store, open_engine
from dispatcher.store.tables import DELIVERIES
from tests.builders import FixedClock, drawn
from tests.deployments import deployed_when_the_clock_stands

SIMULATOR = "http://127.0.0.1:9"
SECRETS = {
    "secret": Secret("whsec_" + "QUJD" * 8),
    "token": Secret("planted-token"),
    "api_key": Secret(api_key("26785a09-ab16-4eb0-8407-a37497a57506")),
}
EXCEPTIONAL = Wish(purpose="exceptional_public_safety", no_alternative="people under 25 in the Old Town")
"""What a plan with a hand-off on TikTok says."""

OLD_TOWN = Where(("Old Town",))
"""A place in words, for messages of which it matters only that they have one."""

SETTINGS: dict[str, Mapping[str, str]] = {
    "webhook": {"base_url": f"{SIMULATOR}/webhook"},
    "x": {"base_url": f"{SIMULATOR}/x", "user_id": "1"},
    "notify": {"base_url": f"{SIMULATOR}/notify", "template_id": TEMPLATE_ID},
    "tiktok": {},
}


class FilePen:
    """Signs with a key file of the deployment."""

    def __init__(self, path: Path) -> None:
        self._signer = KeyFileSigner(path)
        self.fingerprint = self._signer.fingerprint
        self.signed: list[Statement] = []

    def sign(self, statement: Statement) -> Envelope:
        """As the Pen protocol says."""
        self.signed.append(statement)
        return sign(statement, self._signer)


@dataclass
class Office:
    """A deployment's desk with everybody's pen, and the notices it sent: URL, title, body."""

    desk: Desk
    clock: FixedClock
    notices: list[tuple[str, str, str]]
    pens: dict[str, FilePen] = field(default_factory=dict)

    def pen(self, person: str) -> FilePen:
        """The pen of one of the example people."""
        if person not in self.pens:
            self.pens[person] = FilePen(self.desk.settings.path("keys", "exercise", person))
        return self.pens[person]

    def account(self, channel: str, name: str = "", languages: tuple[str, ...] = ("en-GB", "cy")) -> Account:
        """Add an exercise account with its languages English and Welsh."""
        made = Account(name or f"{channel}-1", channel, f"Example on {channel}", languages, SETTINGS[channel])
        return accounts.add(self.desk, made, Mode.EXERCISE, SECRETS, "ops-1").account

    def message(
        self,
        languages: tuple[str, ...] = ("en-GB", "cy"),
        *,
        text: str = "Stay in.",
        welsh: str = "Arhoswch.",
        valid_for: timedelta = timedelta(hours=6),
        **incident: Any,
    ) -> str:
        """An incident, of which what is named here is so, and an armed message about it; returns the message's id."""
        warning = Item("warning", "red", "national weather service", self.clock.now)
        about = {"kind": "severe_weather", "title": "Storm", "severity": Severity.S3, "evidence": (warning,)}
        declared = incidents.declare(self.desk, mode=Mode.EXERCISE, person="author-1", **{**about, **incident})
        translated = LanguageText("cy", "Storm heno", welsh)
        texts = (LanguageText("en-GB", "Storm tonight", text), *([translated] if "cy" in languages else []))
        written = messages.Draft(texts, valid_until=self.clock.now + valid_for, where=OLD_TOWN)
        message = messages.draft(self.desk, declared.id, written, "author-1").message
        messages.arm(self.desk, message, {}, "author-1")
        return message

    def plan(self, wish: Wish | None = None, languages: tuple[str, ...] = ("en-GB", "cy"), **about: Any) -> str:
        """The same, and a submitted plan over all accounts; returns the plan's digest."""
        message = self.message(languages, **about)
        return submitting.submit(self.desk, message, wish or Wish(), self.pen("author-1")).stored.digest

    def approved(self, *also: str, wish: Wish | None = None) -> str:
        """A plan that checker, director and Welsh checker approved, and whoever is named besides."""
        digest = self.plan(wish)
        for person in ("checker-1", "director-1", "welsh-checker-1", *also):
            clearing.approve(self.desk, digest, self.pen(person))
        return digest

    def ledger(self, *kinds: str) -> list[LedgerLine]:
        """Ledger entries of these kinds."""
        return ledger.tail(self.desk, 1_000, kinds=kinds)

    def delivery(self, plan: str, account: str = "") -> str:
        """The id of a plan's first delivery, or of that to an account."""
        with self.desk.store.read() as work:
            rows = deliveries.listed(work, plan=plan)
            return next(str(row.id) for row in rows if account in ("", row.account))

    def set_state(self, delivery: str, *states: str, reason: str = "", **values: object) -> None:
        """Walk a delivery through states, as workers would."""
        for state in states:
            with self.desk.store.write() as work:
                why = reason if state == states[-1] else ""
                change = update(DELIVERIES).where(DELIVERIES.c.id == delivery)
                work.execute(change.values(state=state, reason=why, fence=DELIVERIES.c.fence + 1, **values))


@contextmanager
def office_at(folder: Path) -> Iterator[Office]:
    """Make a test deployment in a folder and sit down at its desk."""
    clock = FixedClock()
    blueprint = deploying.Blueprint("example-city", DeploymentKind.TEST, "Example City", SIMULATOR)
    deployed_when_the_clock_stands(folder, blueprint)
    settings = load_settings(folder)
    trust = load_trust(settings.path("trust"), load, floor=settings.path("data", "floor.json"), now=clock.now)
    store = Store(open_engine(settings.database), clock, "tests")
    notices: list[tuple[str, str, str]] = []

    def send(url: str, title: str, body: str) -> bool:
        notices.append((url, title, body))
        return True

    yield Office(Desk(settings, trust, store, clock, drawn("desk"), send), clock, notices)
    store.close()
