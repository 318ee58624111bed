"""A whole cleared case, in memory: people with real keys, a policy, a message, a plan and everything signed about it.

The way of a test::

    drafted = draft("x", "tiktok")                        # a plan over two channels, with its renderings' bytes
    envelopes = everything_signed(drafted.plan)           # what a fully cleared and released plan needs
    evidence = evidence_for(drafted.plan, envelopes)      # for the gate
    bundle = drafted.bundle(envelopes)                    # for a sender

People, policy, time and single signatures are in ``tests.cast``, the in-memory adapter in ``tests.memory_channel``.
All is deterministic: time stands at NOW until a clock is moved, random bytes come from :func:`drawn`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pyrage

from channels.contract import (
    Account,
    DeliveryKind,
    Json,
    LanguageText,
    Secret,
)
from dispatcher.domain import canonical
from dispatcher.domain.ids import RandomBytes
from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.message import Revision, TextKind
from dispatcher.domain.people import Roster
from dispatcher.domain.plan import Destination, OnAmbiguous, Placement, Plan, SignedList
from dispatcher.domain.statement import Envelope, Mode, StatementKind, Verified
from dispatcher.gate.evidence import DeliveryFacts, Evidence
from dispatcher.gate.ministers import code_digest
from dispatcher.gate.stops import Stops
from dispatcher.sending.lists import ListKey, Row, tree_of
from dispatcher.sending.order import Bundle, Order, RecipientProof
from dispatcher.sending.prepared import RENDERING_SCHEMA
from dispatcher.sending.status import sign_status
from dispatcher.statements.verify import Verifier
from tests.cast import (
    DAY,
    DEPLOYMENT,
    HOUR,
    NOW,
    STATUS_SIGNER,
    policies,
    roster,
    signed,
)
from tests.memory_channel import MemoryChannel

INCIDENT = "inc-storm"
READ_BACK_CODE = "4711-0815"
MITIGATIONS = tuple(f"M{number:02}" for number in range(1, 24))

ACCOUNTS: Mapping[str, Account] = {
    channel: Account(f"{channel}-1", channel, f"Example City on {channel}", ("en-GB", "cy"))
    for channel in ("x", "bluesky", "webhook", "cap_feed", "notify", "tiktok", "wechat")
}


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self.now += by


def drawn(seed: str = "tests") -> RandomBytes:
    """Random bytes that are the same in every run."""
    count = 0

    def draw(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed}/{count}".encode()).digest(size)

    return draw


def revision(**changes: Any) -> Revision:
    """A storm warning in English and Welsh with all armed texts, by an author and a translator."""
    texts = {
        TextKind.PUBLISH: ("Storm tonight", "Stay indoors from 6pm.", "Storm heno", "Arhoswch dan do o 6yh, Ŵyr."),
        TextKind.CORRECT: ("Correction", "Disregard our last.", "Cywiriad", "Anwybyddwch ein neges."),
        TextKind.WITHDRAW: ("Withdrawn", "We withdraw our last.", "Tynnwyd yn ôl", "Tynnwn ein neges yn ôl."),
        TextKind.ALL_CLEAR: ("All clear", "The danger has passed.", "Popeth yn iawn", "Mae'r perygl drosodd."),
    }
    made = Revision(
        message="msg-1",
        number=1,
        incident=INCIDENT,
        sent_by="Example City",
        valid_until=NOW + 6 * HOUR,
        texts={k: (LanguageText("en-GB", a, b), LanguageText("cy", c, d)) for k, (a, b, c, d) in texts.items()},
        contributors={"author-1": ("author",), "translator-1": ("translate",)},
        link="https://city.example/storm",
        area=("Old Town",),
    )
    return replace(made, **changes)


@dataclass(frozen=True)
class TestList:
    """A recipient list sealed to an identity of its own, with a proof per row."""

    __test__ = False

    signed: SignedList
    proofs: tuple[RecipientProof, ...]
    sealed_key: str
    identity: Secret


def recipient_list(name: str, *addresses: str, language: str = "en-GB") -> TestList:
    """Seal addresses into a list."""
    draw = drawn(name)
    key, identity = ListKey(draw(32)), pyrage.x25519.Identity.generate()
    rows = [key.seal(Row(Secret(address), language), draw) for address in addresses]
    tree = tree_of([row.leaf for row in rows])
    proofs = tuple(
        RecipientProof(name, index, row.sealed, tuple(step.hex() for step in tree.path(index)))
        for index, row in enumerate(rows)
    )
    signed = SignedList(name, tree.root.hex(), len(rows))
    return TestList(signed, proofs, key.sealed_to(str(identity.to_public())), Secret(str(identity)))


@dataclass(frozen=True)
class Drafted:
    """A plan with the bytes of its renderings by digest."""

    plan: Plan
    renderings: Mapping[str, bytes]
    lists: Sequence[TestList] = field(default=())

    def bundle(self, envelopes: Iterable[Envelope]) -> Bundle:
        """As a sender is given it."""
        keys = {made.signed.id: made.sealed_key for made in self.lists}
        return Bundle(self.plan.encoded(), dict(self.renderings), tuple(envelopes), keys)

    def order(self, channel: str, text: TextKind = TextKind.PUBLISH, **changes: Any) -> Order:
        """The delivery of one text to the account of one channel."""
        account = ACCOUNTS[channel].id
        destination = self.plan.destination(account)
        assert destination is not None
        made = Order(
            delivery=f"dlv-{channel}-{text}",
            incident=self.plan.incident,
            incident_state="active",
            account=account,
            channel=channel,
            kind=_delivered_as(text),
            rendering=destination.renderings[text],
            intended_at=NOW - timedelta(minutes=1),
            attempt=1,
        )
        return replace(made, **changes)


def draft(
    *channels: str,
    mode: Mode = Mode.LIVE,
    message: Revision | None = None,
    lists: Sequence[TestList] = (),
    on_ambiguous: OnAmbiguous = OnAmbiguous.HOLD,
    **changes: Any,
) -> Drafted:
    """A plan of a message over channels, one account each, windows open at NOW. ``lists`` go to Notify."""
    written = message or revision()
    bodies: dict[str, bytes] = {}
    destinations = []
    for channel in channels:
        signed = tuple(made.signed for made in lists) if channel == "notify" else ()
        digests = {}
        for kind in TextKind:
            body = rendered(written, kind, ACCOUNTS[channel], exercise=mode is Mode.EXERCISE)
            digests[kind] = canonical.digest(RENDERING_SCHEMA, body)
            bodies[digests[kind]] = body
        account = ACCOUNTS[channel].id
        destinations.append(Destination(account, channel, Placement.ORGANIC, on_ambiguous, digests, signed))
    plan = Plan(
        deployment=DEPLOYMENT,
        mode=mode,
        incident=INCIDENT,
        incident_kind="severe_weather",
        severity=Severity.S3,
        purpose="exceptional_public_safety",
        revision=written.digest,
        languages=written.languages,
        destinations=tuple(destinations),
        area=written.area,
        not_before=NOW - HOUR,
        not_after=NOW + 4 * HOUR,
        armed_not_after=written.valid_until + 72 * HOUR,
        valid_until=written.valid_until,
        policy=policies().versions[-1].digest,
        contributors=written.contributors,
        generation=1,
        nonce=drawn("plan")(16).hex(),
        evidence=(Item("warning", "red, 4 by 4, Old Town until midnight", "national weather service", NOW - HOUR),),
        no_alternative="people under 25 in the Old Town, whom our other channels do not reach",
    )
    return Drafted(replace(plan, **changes), bodies, lists)


def rendered(message: Revision, kind: TextKind, account: Account, *, exercise: bool = False) -> bytes:
    """The canonical bytes of a text as the in-memory channel carries it."""
    return canonical.encode(MemoryChannel.render(message.content(kind, exercise=exercise), account).document())


def everything_signed(plan: Plan, kinds: Sequence[DeliveryKind] = (DeliveryKind.PUBLISH,)) -> list[Envelope]:
    """Every statement that a cleared and released plan needs on its channels, and none that it does not need.

    The minister's decision is 25 hours old, so that its confirmation counts.
    """
    channels: list[Json] = list(plan.channels)
    day_ago = NOW - 25 * HOUR

    def about(kind: StatementKind, person_id: str, at: datetime = NOW - HOUR, **body: Any) -> Envelope:
        return signed(kind, person_id, subject=plan.digest, at=at, mode=plan.mode, **body)

    envelopes = [
        about(StatementKind.SUBMIT, "author-1", day_ago),
        about(StatementKind.APPROVE, "checker-1", channels=channels),
        about(StatementKind.APPROVE, "director-1", channels=channels),
        about(StatementKind.APPROVE, "checker-cy", channels=channels, languages=["cy"]),
        about(StatementKind.RELEASE, "director-1", kinds=[str(kind) for kind in kinds]),
    ]
    envelopes += [assessed(c, mode=plan.mode) for c in plan.channels if c in ("x", "bluesky", "tiktok")]
    if "tiktok" in plan.channels:
        scope: dict[str, Any] = {"channel": "tiktok", "account": ACCOUNTS["tiktok"].id}
        digest = code_digest(READ_BACK_CODE, plan.digest)
        decision: dict[str, Any] = {"decision": "agreed", "channels": ["tiktok"], "code_digest": digest}
        envelopes += [
            about(StatementKind.APPROVE, "security-1", channels=channels),
            signed(StatementKind.EXEMPT, "security-2", at=NOW - 10 * DAY, mode=plan.mode, need="under 25s", **scope),
            attested(mode=plan.mode),
            about(StatementKind.DECIDE, "private-1", day_ago, **decision),
            about(StatementKind.CONFIRM, "private-1", day_ago + HOUR, code=READ_BACK_CODE),
        ]
    return envelopes


def assessed(channel: str, outcome: str = "permitted", *, at: datetime = NOW - 10 * DAY, **more: Any) -> Envelope:
    """An assessment record of organic use of a channel."""
    body: dict[str, Any] = {"channel": channel, "placement": "organic", "outcome": outcome}
    return signed(StatementKind.ASSESS, "director-2", at=at, **{**more, **body})


def attested(*mitigations: str, at: datetime = NOW - 2 * HOUR, **more: Any) -> Envelope:
    """An attestation of a device profile: the mitigations named, or all."""
    body: dict[str, Any] = {
        "channel": "tiktok",
        "account": ACCOUNTS["tiktok"].id,
        "device": "device-1",
        "mitigations": list(mitigations or MITIGATIONS),
        "evidence": "ab" * 32,
        "app_version": "41.2",
    }
    return signed(StatementKind.ATTEST, "security-2", at=at, **{**body, **more})


def status(stops: Iterable[str] = (), *, at: datetime = NOW, mode: Mode = Mode.LIVE) -> Envelope:
    """The relay's signed status."""
    return sign_status(DEPLOYMENT, mode, at, stops, STATUS_SIGNER)


def verified(
    envelopes: Iterable[Envelope], now: datetime = NOW, mode: Mode = Mode.LIVE, people: Roster | None = None
) -> tuple[Verified, ...]:
    """The statements of envelopes, every one of which must verify."""
    found, refused = Verifier(people or roster(), DEPLOYMENT, mode).verify_all(envelopes, now)
    assert refused == []
    return tuple(found)


def evidence_for(plan: Plan, envelopes: Iterable[Envelope] | None = None, **changes: Any) -> Evidence:
    """What the gate goes by; without envelopes, everything signed."""
    people = changes.get("roster") or roster()
    statements = everything_signed(plan) if envelopes is None else envelopes
    made = Evidence(
        plan=plan,
        deployment=DEPLOYMENT,
        mode=plan.mode,
        roster=people,
        policies=policies(),
        statements=verified(statements, mode=plan.mode, people=people),
        stops=Stops(status_at=NOW),
    )
    return replace(made, **changes)


def facts_for(plan: Plan, channel: str, text: TextKind = TextKind.PUBLISH, **changes: Any) -> DeliveryFacts:
    """A delivery against which nothing speaks."""
    destination = plan.destination(ACCOUNTS[channel].id)
    made = DeliveryFacts(
        incident=plan.incident,
        account=ACCOUNTS[channel].id,
        channel=channel,
        kind=_delivered_as(text),
        rendering=destination.renderings[text] if destination else "",
        needs=timedelta(seconds=10),
        incident_state="active",
    )
    return replace(made, **changes)


def _delivered_as(text: TextKind) -> DeliveryKind:
    return DeliveryKind.CORRECT if text is TextKind.ALL_CLEAR else DeliveryKind(str(text))
