"""A deployment to measure on: real keys, trust files, accounts and plans, through the use cases that commands call.

The way of one measurement::

    with office_at(root / "gate", simulator="http://127.0.0.1:9") as office:
        office.add("webhook", "webhook-1", ("en-GB", "cy-GB"))
        plan = office.cleared(languages=("en-GB", "cy-GB"))     # signed by everybody whom policy asks
        office.release(plan)
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from channels.contract import Account, Clock, LanguageText
from channels.simulator.providers import example_of
from dispatcher.bootstrap import open_desk
from dispatcher.domain.incident import Item
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Envelope, Mode, Statement
from dispatcher.embedded.folder import Folder
from dispatcher.embedded.redis import private_redis
from dispatcher.sender_bootstrap import now
from dispatcher.sending.decisions import Decisions
from dispatcher.sending.keeping import Keeping
from dispatcher.sending.outlets import Outlets
from dispatcher.sending.sender import LocalSender
from dispatcher.sending.spent import SpentFile
from dispatcher.sending.stopbook import StopBook
from dispatcher.service import (
    accounts,
    clearing,
    deploying,
    evidence,
    incidents,
    messages,
    recipients,
    releasing,
    submitting,
)
from dispatcher.service.areas import Where
from dispatcher.service.desk import Desk
from dispatcher.service.evidence import AssessmentOutcome, AssessmentRecord, Decision
from dispatcher.service.submitting import Wish
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.verify import Verifier
from workers.doorbell import open_doorbell

MODE = Mode.EXERCISE
EVIDENCE = "0" * 64
AUDIENCE = "people whom nothing else reaches"
SERVICE = "11111111-2222-4333-8444-555555555555"
DRAMA = 1_000
"""Numbers that are kept for drama, 07700 900000 to 900999: the most that one list can hold."""


UNLIMITED = {channel: {"sends_per_minute": 0} for channel in ("x", "bluesky", "notify")}
"""It is not the platforms' limits that are measured."""


class Scope(TypedDict):
    """The account that an exemption or attestation is about."""

    channel: str
    account: str


class FilePen:
    """Signs with a key file of the deployment."""

    def __init__(self, path: Path) -> None:
        self._signer = KeyFileSigner(path)
        self.fingerprint = self._signer.fingerprint

    def sign(self, statement: Statement) -> Envelope:
        """As the Pen protocol says."""
        return sign(statement, self._signer)


@dataclass(frozen=True, slots=True)
class Office:
    """One deployment, and everybody in it."""

    folder: Path
    desk: Desk

    def pen(self, person: str) -> FilePen:
        """The pen of one of the example people."""
        return FilePen(self.folder / "keys" / "exercise" / person)

    def add(self, channel: str, name: str, languages: Sequence[str] = ("en-GB",)) -> None:
        """Add an account that reaches the simulator, with what policy wants on record about it."""
        settings, held = example_of(channel, self.desk.settings.simulator, called(channel, name))
        accounts.add(self.desk, Account(name, channel, name, tuple(languages), settings), MODE, held, "ops-1")
        if channel == "tiktok":
            self._attest(name)
        if channel in ("x", "bluesky", "tiktok"):
            evidence.assess(
                self.desk,
                self.pen("director-1"),
                MODE,
                channel=channel,
                placement=Placement.ORGANIC,
                outcome=AssessmentOutcome.PERMITTED,
                record=AssessmentRecord("suitable", "organic", "respected", "enforced"),
                evidence=EVIDENCE,
            )

    def add_list(self, name: str, numbers: range = range(DRAMA)) -> None:
        """Import a list of numbers that reach nobody: these of the :data:`DRAMA` there are."""
        file = self.folder.with_name(f"{name}.csv")
        file.write_text("phone\n" + "".join(f"07700900{number:03d}\n" for number in numbers))
        recipients.import_csv(self.desk, name, file, MODE, "ops-1")

    def cleared(
        self,
        *,
        languages: Sequence[str] = ("en-GB",),
        lists: Sequence[str] = (),
        headline: str = "Storm tonight",
        correction: str = "",
        accounts: Sequence[str] | None = None,
    ) -> str:
        """A plan over these accounts, else all, signed by everybody but for its release; returns its digest."""
        warning = Item("warning", "red", "national weather service", now())
        incident = incidents.declare(
            self.desk, kind="severe_weather", title="Storm", mode=MODE, person="author-1", evidence=(warning,)
        ).id
        texts = tuple(LanguageText(tag, headline, f"Stay indoors ({tag}).") for tag in languages)
        written = messages.Draft(texts, valid_until=now() + timedelta(hours=6), where=Where(("Old Town",)))
        message = messages.draft(self.desk, incident, written, "author-1").message
        messages.arm(self.desk, message, _armed(languages, correction), "author-1")
        wish = Wish(accounts, {"": lists}, purpose="exceptional_public_safety", no_alternative=AUDIENCE)
        stored = submitting.submit(self.desk, message, wish, self.pen("author-1")).stored
        for person in ("checker-1", "director-1", *(["welsh-checker-1"] if "cy-GB" in languages else [])):
            clearing.approve(self.desk, stored.digest, self.pen(person))
        if "tiktok" in stored.plan.channels:
            self._decide(stored.digest)
        return stored.digest

    def release(self, plan: str) -> None:
        """Release a cleared plan."""
        releasing.release(self.desk, plan, self.pen("director-1"), open_doorbell(self.desk.settings))

    def _attest(self, name: str) -> None:
        security, scope = self.pen("security-1"), Scope(channel="tiktok", account=name)
        accounts.register(self.desk, f"phone-{name}", name, "ops-1")
        evidence.exempt(self.desk, security, MODE, **scope, need="nothing else reaches young adults")
        phone = f"phone-{name}"
        evidence.attest(self.desk, security, MODE, **scope, device=phone, app_version="41.2", evidence=EVIDENCE)

    def _decide(self, plan: str) -> None:
        office = self.pen("private-office-1")
        clearing.approve(self.desk, plan, self.pen("security-1"))
        decided = evidence.decide(self.desk, plan, office, Decision.AGREED, ("tiktok",))
        evidence.confirm(self.desk, plan, office, decided.code.reveal() if decided.code else "")


def _armed(languages: Sequence[str], correction: str) -> dict[TextKind, tuple[LanguageText, ...]]:
    """A correction in words of its own: X takes the ready one from an account once, and no second time."""
    texts = tuple(LanguageText(tag, "Correction", correction) for tag in languages)
    return {TextKind.CORRECT: texts} if correction else {}


@contextmanager
def office_at(root: Path, simulator: str, redis: str = "embedded", **more: Any) -> Iterator[Office]:
    """Make a deployment in a fresh ``root``, with the waits of the reference unless ``more`` says so; no limits."""
    shutil.rmtree(root, ignore_errors=True)
    folder = root.absolute() / "deployment"
    said: dict[str, Any] = {"redis": redis, "channels": UNLIMITED, **more}
    made = deploying.Blueprint("example-city", DeploymentKind.TEST, "Example City", simulator, **said)
    deploying.init(folder, made, now(), secrets.token_bytes)
    desk = open_desk(folder, "bench")
    try:
        yield Office(folder, desk)
    finally:
        desk.store.close()


def hosts(office: Office, role: str, count: int) -> list[Path]:
    """So many hosts that run a role on one database and one Redis: the deployment's folder, and copies beside it.

    Each account is held by one of them, in turn; lists by all. ``dispatcher up`` in the first starts them all.
    """
    folder = office.folder
    shared = (folder / "deployment.toml").read_text().replace("sqlite:///data/", f"sqlite:///{folder / 'data'}/")
    shared = shared.replace('redis = "embedded"', f'redis = "{private_redis(Folder(folder)).url}"')
    found = [folder, *(folder.with_name(f"host-{number}") for number in range(2, count + 1))]
    roles = ["migrate: dispatcher migrate", "relay: dispatcher worker relay"]
    for number, host in enumerate(found, 1):
        if host != folder:
            shutil.copytree(folder, host, ignore=shutil.ignore_patterns("data", "redis"))
            (host / "data").mkdir()
            (host / "deployment.toml").write_text(shared)
        roles.append(f"{role}-{number}: dispatcher worker {role} --deployment {host}")
    for number, host in enumerate(found):
        held = sorted((host / "credentials" / MODE / "accounts").glob("*.age"))
        for credential in set(held) - set(held[number::count]):
            credential.unlink()
    (folder / "Procfile").write_text("\n".join(roles) + "\n")
    return found


def sender_at(office: Office, outlets: Outlets, clock: Clock) -> LocalSender:
    """A sender that has seen nothing yet, with a place of its own on disk."""
    place = office.folder / "bench" / secrets.token_hex(4)
    place.mkdir(parents=True)
    trust = office.desk.trust
    book = StopBook(place / "stops", Verifier(trust.roster, trust.root.deployment, MODE), trust.root.status_key)
    media = office.desk.settings.media_folder
    keeping = Keeping(trust, SpentFile(place / "spent"), book, Decisions(place / "decisions"), media)
    nonce = partial(secrets.token_hex, 16)
    return LocalSender(keeping, outlets, MODE, clock, nonce, elapsed=lambda: clock().timestamp())


def called(channel: str, name: str) -> str:
    """An account as the bench has its platform call it."""
    return {"x": f"100{name.rpartition('-')[2]}", "notify": SERVICE}.get(channel, name)
