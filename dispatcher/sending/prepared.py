"""Turning a bundle that nobody vouches for into verified evidence.

Every digest is computed here from the bytes at hand. What does not decode or verify is left out and counts for
nothing; the gate then says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from channels.contract import PURCHASE, Channel, DeliveryKind, Rendering
from channels.media.carried import media_problems
from dispatcher.domain import canonical, documents
from dispatcher.domain.message import ARMED, DELIVERED_AS
from dispatcher.domain.people import Role, Roster
from dispatcher.domain.plan import Destination, Placement, Plan
from dispatcher.domain.statement import Envelope, Statement, StatementKind, Verified, resolved
from dispatcher.gate.decide import Judgement
from dispatcher.gate.evidence import END_OF_TIME
from dispatcher.gate.mitigations import trackers
from dispatcher.sending.order import Bundle
from dispatcher.statements.verify import Verifier

K = TypeVar("K")
V = TypeVar("V")
RENDERING_SCHEMA = "rendering/v1"
REMEMBERED_BUNDLES = 16
"""Bundles that a sender remembers having read."""

RESOLVED_BY = 2
RESOLVING = (Role.OPS, Role.DUTY_DIRECTOR, Role.SECURITY, Role.OPERATOR)
"""Who may say what became of a delivery."""


class Renderings(Mapping[str, Rendering]):
    """Renderings by the digest recomputed from their bytes; each is read when it is first asked for.

    Unreadable bytes have no digest that anybody signed: they are not there.
    """

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = {canonical.digest(RENDERING_SCHEMA, body): body for body in bodies.values()}
        self._read: dict[str, Rendering | None] = {}

    def __getitem__(self, digest: str) -> Rendering:
        if digest not in self._read:
            self._read[digest] = _rendering(self._bodies[digest])
        found = self._read[digest]
        if found is None:
            raise KeyError(digest)
        return found

    def __iter__(self) -> Iterator[str]:
        return (digest for digest in self._bodies if digest in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass  # without slots, so that what is the same for every delivery is worked out once
class Texts:
    """A plan, its renderings by recomputed digest, and what lint finds in them; no statement changes any of it."""

    plan: Plan
    renderings: Mapping[str, Rendering]
    problems: dict[tuple[str, object], tuple[str, ...]] = field(default_factory=dict)
    tracked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    purchases: dict[str, str | None] = field(default_factory=dict)

    def read_ahead(self, account: str, adapter: type[Channel] | Channel) -> None:
        """Find now what will be asked of the texts to an account, because then it will be urgent."""
        destination = self.plan.destination(account)
        for kind, digest in destination.renderings.items() if destination else ():
            self.check(digest, adapter)
            if kind not in ARMED:
                self.trackers(digest)

    def check(self, digest: str, adapter: type[Channel] | Channel) -> tuple[str, ...]:
        """What an adapter's lint finds in one rendering; remembered for that adapter, since an order may name any."""
        known = self.problems.get((digest, adapter))
        if known is None:
            rendering = self.renderings.get(digest)
            found = lint(rendering, adapter) if rendering else [f"rendering {digest[:12]} is not at hand"]
            known = self.problems[digest, adapter] = tuple(found)
        return known

    def trackers(self, digest: str) -> tuple[str, ...]:
        """Tracking parameters in the links of one rendering; remembered."""
        if digest not in self.tracked:
            rendering = self.renderings.get(digest)
            parts = rendering.parts if rendering else ()
            self.tracked[digest] = tuple(name for part in parts for name in trackers(part.text))
        return self.tracked[digest]

    def purchase_fault(self, destination: Destination) -> str | None:
        """Why what the texts of a destination order is not what the plan lets it buy, or None; remembered."""
        account = destination.account
        if account not in self.purchases:
            paid = destination.placement is Placement.PAID
            bought = self.plan.purchase(destination.channel) if paid else None
            expected = documents.to_json(bought) if bought else None
            found = (self.renderings.get(digest) for digest in destination.renderings.values())
            ordered = (one.options[PURCHASE] for one in found if one and PURCHASE in one.options)
            sound = all(said == expected for said in ordered)
            self.purchases[account] = None if sound else "what is ordered is not what the plan lets it buy"
        return self.purchases[account]

    def route(self, digest: str) -> str | None:
        """How the channel is reached with one rendering, where it has several ways."""
        rendering = self.renderings.get(digest)
        route = rendering.options.get("route") if rendering else None
        return route if isinstance(route, str) else None

    def armed_problems(self, destination: Destination, adapter: type[Channel] | Channel) -> tuple[str, ...]:
        """Why the armed texts of a destination could not be sent as they stand."""
        return tuple(
            f"armed {kind}: {problem}"
            for kind in ARMED
            if kind in destination.renderings
            for problem in self.check(destination.renderings[kind], adapter)
        )

    def carried_languages(self) -> frozenset[str]:
        """The languages that some destination's message carries."""
        languages: set[str] = set()
        for destination in self.plan.destinations:
            for kind, digest in destination.renderings.items():
                rendering = self.renderings.get(digest)
                if rendering and DELIVERED_AS[kind] is DeliveryKind.PUBLISH:
                    languages |= rendering_languages(rendering)
        return frozenset(languages)

    @cached_property
    def plan_problems(self) -> tuple[str, ...]:
        """What lint finds in the plan as a whole: a language of the message that no destination carries."""
        carried = self.carried_languages()
        lacking = [language for language in self.plan.languages if language not in carried]
        return tuple(f"no destination carries the message in {language}" for language in lacking)


@dataclass(slots=True)
class Prepared:
    """A bundle read once: its texts, authentic statements, and what was judged.

    At ``until`` a key or a role of the roster begins or ends, and the statements have to be verified again.
    """

    texts: Texts
    statements: tuple[Verified, ...]
    judged: dict[tuple[str, str, DeliveryKind, str, int], tuple[Judgement, str]] = field(default_factory=dict)
    until: datetime = END_OF_TIME

    @property
    def plan(self) -> Plan:
        """The plan that people signed."""
        return self.texts.plan

    @property
    def digest(self) -> str:
        """What names the plan."""
        return self.texts.plan.digest

    def resolved_unsent(self, delivery: str, since: datetime) -> bool:
        """Whether two people signed that this delivery is not to be seen, having looked after its last attempt."""
        people = {
            v.statement.person
            for v in self.statements
            if (v.statement.kind, v.statement.subject) == (StatementKind.RESOLVE, self.digest)
            and v.statement.role in RESOLVING
            and v.statement.not_before >= since
            and _says_unsent(v.statement, delivery)
        }
        return len(people) >= RESOLVED_BY


def lint(rendering: Rendering, adapter: type[Channel] | Channel) -> list[str]:
    """What a platform would refuse in a rendering: its adapter's own rules, and what it takes of media."""
    return adapter.problems(rendering) + media_problems(rendering, adapter.capabilities.media)


def remember(known: dict[K, V], key: K, value: V) -> None:
    """Keep a value with the newest of its kind."""
    while len(known) >= REMEMBERED_BUNDLES and key not in known:
        known.pop(next(iter(known)))
    known[key] = value


def rendering_languages(rendering: Rendering) -> frozenset[str]:
    """The languages a rendering carries; a post in several names them in its options."""
    named = rendering.options.get("languages")
    listed = {str(item) for item in named} if isinstance(named, list) else set()
    return frozenset(listed | {part.language for part in rendering.parts if part.language != "mul"})


def prepare(bundle: Bundle, verifier: Verifier, now: datetime, texts: Texts | None = None) -> Prepared:
    """Read a bundle. Raises CanonicalError or DocumentError where the plan itself cannot be read.

    ``texts`` is what was read of the same bytes before, with other statements: it is not read again.
    """
    texts = texts or read_texts(bundle)
    verified, _ = verifier.verify_all(_distinct(bundle.envelopes), now)
    until = min((moment for moment in _changes(verifier.roster) if moment > now), default=END_OF_TIME)
    return Prepared(texts, tuple(verified), until=until)


def read_texts(bundle: Bundle) -> Texts:
    """What no statement changes. Raises CanonicalError or DocumentError where the plan itself cannot be read."""
    return Texts(Plan.decode(bundle.plan), Renderings(bundle.renderings))


def read_ahead(bundle: Bundle) -> Texts:
    """The same, with what is asked of the plan as a whole: of a plan to thousands, the first order need not wait."""
    texts = read_texts(bundle)
    _ = texts.plan_problems
    return texts


def _changes(roster: Roster) -> Iterator[datetime]:
    for person in roster.people:
        for role in person.roles:
            yield from filter(None, (role.not_before, role.expires))
        for key in person.keys:
            yield from filter(None, (key.not_before, key.expires, key.revoked_at))


def _distinct(envelopes: Sequence[Envelope]) -> list[Envelope]:
    return list({envelope.payload: envelope for envelope in envelopes}.values())


def _rendering(body: bytes) -> Rendering | None:
    try:
        document = canonical.decode(body)
        return Rendering.from_document(document) if isinstance(document, dict) else None
    except (ValueError, TypeError, KeyError):
        return None


def _says_unsent(statement: Statement, delivery: str) -> bool:
    return statement.body.get("seen") == "not_seen" and delivery in resolved(statement.body)
