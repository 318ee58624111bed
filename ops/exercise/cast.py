"""The example cast: accounts on six channels, a list of numbers, and what policy wants on record about them.

This is daytime routine, done before anybody is alarmed, so it goes through the use cases and not through commands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from channels.contract import Account, Secret
from channels.simulator.providers import example_of
from dispatcher.domain.errors import Forbidden
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Mode
from dispatcher.service import accounts, evidence, recipients
from dispatcher.service.desk import Desk
from dispatcher.service.evidence import AssessmentOutcome, AssessmentRecord
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import records
from ops.console.pen import KeyPen

NUMBERS = 120
LIST = "residents"
ACCOUNT_OF_LIST = "sms-city"
DEVICE = "phone-1"
APP_VERSION = "41.2"
ASSESSED = ("x", "bluesky", "tiktok")
ATTESTED = "tiktok-city"
SUITABLE = "Found suitable for an exercise."
RECORD = AssessmentRecord(SUITABLE, SUITABLE, SUITABLE, SUITABLE)
LOOKED_AT = b"What was looked at, by whom and when, stands here in a real department.\n"

_BOTH = ("en-GB", "cy-GB")
_ACCOUNTS: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("x-city", "x", "@x-city", ("en-GB",), "1001"),
    ("x-dinas", "x", "@x-dinas", ("cy-GB",), "1002"),
    ("x-police", "x", "@x-police", ("en-GB",), "1003"),
    ("bluesky-city", "bluesky", "bluesky-city.example.org", ("en-GB",), ""),
    ("bluesky-dinas", "bluesky", "bluesky-dinas.example.org", ("cy-GB",), ""),
    ("bluesky-fire", "bluesky", "bluesky-fire.example.org", ("en-GB",), ""),
    ("webhook-broadcaster", "webhook", "webhook-broadcaster", _BOTH, ""),
    ("webhook-transport", "webhook", "webhook-transport", _BOTH, ""),
    ("webhook-council", "webhook", "webhook-council", _BOTH, ""),
    ("feed-city", "cap_feed", "feed-city", _BOTH, ""),
    ("feed-region", "cap_feed", "feed-region", _BOTH, ""),
    ("sms-city", "notify", "CityAlert", _BOTH, "11111111-2222-4333-8444-555555555555"),
    ("tiktok-city", "tiktok", "@city", ("en-GB",), ""),
)
"""Name, channel, handle, languages, and what its platform calls it, where that is not the handle."""


def prepared(desk: Desk, numbers: int = NUMBERS) -> bool:
    """Add the example cast where the deployment has no exercise account; whether it did.

    Else the accounts there are play, and only what people attest daily is renewed. Raises Forbidden where the cast is
    missing and the example people's keys are, too.
    """
    with desk.store.read() as work:
        known = {account.id for account in records.accounts(work, Mode.EXERCISE, None)}
    if not known:
        _add(desk, numbers)
    if not known or ATTESTED in known:
        _attest(desk)
    return not known


def holder(desk: Desk, role: Role, number: int = 1) -> str | None:
    """The so-manieth person who holds a role and whose exercise key lies in the deployment, if there is one."""
    keys = desk.settings.path("keys", "exercise")
    holding = [p.id for p in desk.trust.roster.holders(role, desk.now()) if (keys / p.id).is_file()]
    return holding[number - 1] if len(holding) >= number else None


def examples(simulator: str, feed: Path) -> Iterator[tuple[Account, dict[str, Secret]]]:
    """Thirteen accounts with their credentials: X, Bluesky, webhook, CAP feed, GOV.UK Notify, TikTok."""
    for name, channel, handle, languages, called in _ACCOUNTS:
        settings, secrets = example_of(channel, simulator, called or handle)
        if channel == "cap_feed":
            folder = feed / name
            folder.mkdir(parents=True, exist_ok=True)
            settings = {"folder": str(folder), "sender": "warnings@example.org"}
        yield Account(name, channel, handle, languages, settings), dict(secrets)


def _add(desk: Desk, numbers: int) -> None:
    ops, director, security = (_player(desk, role) for role in (Role.OPS, Role.DUTY_DIRECTOR, Role.SECURITY))
    for account, secrets in examples(desk.settings.simulator, desk.settings.path("feed").absolute()):
        accounts.add(desk, account, Mode.EXERCISE, secrets, ops)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "numbers.csv"
        _write_numbers(file, numbers)
        recipients.import_csv(desk, LIST, file, Mode.EXERCISE, ops)
    accounts.register(desk, DEVICE, ATTESTED, ops)
    for channel in ASSESSED:
        evidence.assess(
            desk,
            _pen(desk, director),
            Mode.EXERCISE,
            channel=channel,
            placement=Placement.ORGANIC,
            outcome=AssessmentOutcome.PERMITTED,
            record=RECORD,
            evidence=_digest(),
        )
    need = "reaches young adults whom nothing else reaches"
    evidence.exempt(desk, _pen(desk, security), Mode.EXERCISE, channel="tiktok", account=ATTESTED, need=need)


def _attest(desk: Desk) -> None:
    security = holder(desk, Role.SECURITY)
    if security is None:  # then it is people's to renew, as on any day
        return
    scope = {"channel": "tiktok", "account": ATTESTED, "device": DEVICE, "app_version": APP_VERSION}
    evidence.attest(desk, _pen(desk, security), Mode.EXERCISE, **scope, evidence=_digest())


def _player(desk: Desk, role: Role) -> str:
    found = holder(desk, role)
    if found is None:
        raise Forbidden(
            f"there is no exercise account, and no exercise key of a {role} to prepare the example cast with",
            "dispatcher account add --help",
        )
    return found


def _pen(desk: Desk, person: str) -> KeyPen:
    return KeyPen(KeyFileSigner(desk.settings.path("keys", "exercise", person)))


def _digest() -> str:
    return hashlib.sha256(LOOKED_AT).hexdigest()


def _write_numbers(path: Path, numbers: int) -> None:
    """A list of numbers from the range that is kept for drama, a third of them Welsh speakers."""
    rows = (f"07700900{300 + index:03d},{'cy-GB' if index % 3 == 0 else 'en-GB'}" for index in range(numbers))
    path.write_text("phone,language\n" + "\n".join(rows) + "\n")
