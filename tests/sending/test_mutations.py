"""100,000 pieces of damage to what people signed and to what a sender goes by: not one permit, a reason for each.

So many are made by ``make draws``.

Damaged are a plan's bytes, statements and their signatures, offered to a real sender; the trust root, roster, policy
and their signatures, offered to a sender that has gone by the honest ones; and the relay's signed status.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.domain.people import Roster
from dispatcher.domain.statement import Envelope, Mode
from dispatcher.gate import policy_file
from dispatcher.gate.policy import Policies
from dispatcher.sending.order import Bundle
from dispatcher.sending.permit import Permit
from dispatcher.sending.status import StatusRefused, read_status
from dispatcher.statements.errors import TrustError
from dispatcher.statements.trust import Trust, load_trust
from tests.builders import draft, status
from tests.cast import DEPLOYMENT, STATUS_SIGNER, person, write_trust
from tests.draws import draws
from tests.sending.kit import House, run
from tests.sending.mutating import BYTES, JSON, damaged

OFFERED = {"plan": 24_000, "payload": 9_000, "signature": 9_000}
INSTALLED = {
    "root.json": 8_000,
    "roster.toml": 4_000,
    "policy.toml": 3_000,
    "roster.sigs.json": 1_000,
    "policy.sigs.json": 1_000,
}
STATUSES = 41_000
PARTS = 2

POLICY = """
schema = 1
[[policy]]
version = "1"
effective_from = 2025-12-08T00:00:00Z
recorded_at = 2025-12-07T12:00:00Z
source = "tests"
checked_languages = ["cy"]
may_release = ["duty_director"]
may_assess = ["security"]
may_attest = ["security"]
may_exempt = ["security"]
armed_hours = 72
renewals_max = 3
[policy.stand_down]
deletion_hours = 24
hot_review_hours = 72
formal_review_days = 28
source = "tests"
[policy.spending_control]
threshold_pence = 10_000_000
source = "tests"
[policy.flags]
arrest = "legal"
[policy.tier.T0]
approvals = ["checker", "duty_director"]
window_max_minutes = 1440
severity_min = "S1"
hold_when_stale = false
source = "tests"
[policy.channel.webhook]
tier = "T0"
placements = ["organic"]
purposes = ["public_safety"]
incident_kinds = ["disorder"]
source = "tests"
"""
"""One short version, so that it is read a thousand times a second."""


def test_the_mutations_are_as_many_as_is_said() -> None:
    """100,000 in all."""
    assert sum(OFFERED.values()) + sum(INSTALLED.values()) + STATUSES == 100_000


def offers(what: str, bundle: Bundle, random_: random.Random) -> Iterator[Bundle]:
    """The bundle, with one thing in it damaged each time."""
    while True:
        if what == "plan":
            yield replace(bundle, plan=damaged(random_, bundle.plan, JSON))
            continue
        at = random_.randrange(len(bundle.envelopes))
        envelopes = list(bundle.envelopes)
        if what == "payload":
            envelopes[at] = replace(envelopes[at], payload=damaged(random_, envelopes[at].payload, JSON))
        else:
            envelopes[at] = replace(envelopes[at], signature=scratched(random_, envelopes[at].signature))
        yield replace(bundle, envelopes=tuple(envelopes))


def scratched(random_: random.Random, signature: str) -> str:
    """An armoured signature, damaged; what is no text any more is carried as Latin letters."""
    return damaged(random_, signature.encode(), BYTES).decode("latin-1")


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("what", OFFERED)
def test_what_was_damaged_gets_no_permit(tmp_path: Path, what: str, part: int) -> None:
    """Refused with a reason, each on the sender's record; but for armour whose lines break elsewhere, as may be."""
    house = House(tmp_path, draft("webhook"))
    order, count = house.drafted.order("webhook"), draws(OFFERED[what]) // PARTS
    random_ = random.Random(f"{what} {part}")

    async def main() -> tuple[int, int]:
        honest = house.bundle
        assert isinstance(await house.ask(order), Permit)
        refused = same = 0
        for number, offered in zip(range(count), offers(what, honest, random_), strict=False):
            answer = await house.ask(replace(order, delivery=f"dlv-{number}"), offered)
            if isinstance(answer, Permit):
                assert plain(offered) == plain(honest), offered
                same += 1
            else:
                assert answer.failures[0].fact
                refused += 1
        return refused, same

    refused, same = run(main)
    assert (refused + same, what == "signature" or not same) == (count, True)
    assert house.decisions_path.read_text().count('"decided": "refusal"') == refused
    assert house.made() == 0


def plain(bundle: Bundle) -> tuple[bytes, list[tuple[bytes, str]]]:
    """Plan, payloads and signatures, those without the breaks between their lines."""
    return bundle.plan, [(envelope.payload, joined(envelope)) for envelope in bundle.envelopes]


@pytest.mark.parametrize("name", INSTALLED)
def test_a_damaged_trust_file_is_not_gone_by(tmp_path: Path, name: str) -> None:
    """A sender that went by the honest files refuses to start; but for a file that says the very same."""
    people = Roster(3, DEPLOYMENT, (person("author-1"), person("checker-1"), person("director-1")))
    folder = write_trust(tmp_path, people, POLICY)
    honest, before = load_trust(folder, policy_file.load), (folder / name).read_bytes()
    random_, same = random.Random(name), 0
    for _ in range(draws(INSTALLED[name])):
        after = damaged(random_, before, BYTES if name.endswith(".toml") else JSON)
        (folder / name).write_bytes(after)
        read = trusted(folder)
        assert read, "a refusal says why"
        if not isinstance(read, str):
            assert (read, says(name, after)) == (honest, says(name, before)), after
            same += 1
    assert same < draws(INSTALLED[name]) * 0.1


def trusted(folder: Path) -> Trust[Policies] | str:
    """What a sender goes by, or why it does not start."""
    try:
        return load_trust(folder, policy_file.load)
    except TrustError as error:
        return error.message


def says(name: str, data: bytes) -> object:
    """What a file says: TOML whatever its spaces, armour wherever its lines break."""
    if name.endswith(".toml"):
        return tomllib.loads(data.decode())
    document = json.loads(data)
    if name.endswith(".sigs.json"):
        return {(one["payload"], "".join(one["signature"].split())) for one in document}
    return document


@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_status_is_not_gone_by(part: int) -> None:
    """Payload or signature: refused with a reason; but for armour whose lines break elsewhere."""
    honest = status(["ab" * 32, "cd" * 32])
    random_, counts = random.Random(part), Counter[bool]()
    assert read(honest) is None
    for number in range(draws(STATUSES) // PARTS):
        if number % 2:
            offered = Envelope(damaged(random_, honest.payload, JSON), honest.signature)
        else:
            offered = Envelope(honest.payload, scratched(random_, honest.signature))
        reason = read(offered)
        assert reason or (offered.payload, joined(offered)) == (honest.payload, joined(honest)), offered
        counts[reason is None] += 1
    assert counts[True] < counts[False] * 0.1
    assert counts.total() == draws(STATUSES) // PARTS


def read(envelope: Envelope) -> str | None:
    """Why a sender does not take the status, or None."""
    try:
        read_status(envelope, STATUS_SIGNER.key, DEPLOYMENT, Mode.LIVE)
    except StatusRefused as refusal:
        return str(refusal)
    return None


def joined(envelope: Envelope) -> str:
    """The armour without the breaks between its lines."""
    return "".join(envelope.signature.split())
