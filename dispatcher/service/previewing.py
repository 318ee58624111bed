"""What people look at before they send or sign: each account's texts as they will go out, counted, with reasons.

Rules
  1. A card's text is the rendering's, to the character. What a channel refuses is shown as it would have been, so
     that people see where it goes wrong; it has no digest, and nobody can sign it.
  2. A draft's cards are rendered now; a plan's are those whose recomputed digests the plan names.
  3. The message comes first, account by account, and then each way back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from channels import registry
from channels.capabilities import Address, Capabilities, Unit
from channels.contract import Account, Json, Medium, Rendering
from channels.text import MASTODON_LINK, Counted, Measure, counted, subject_of
from dispatcher.domain.errors import Invalid
from dispatcher.domain.incident import Incident
from dispatcher.domain.message import Revision, TextKind
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode
from dispatcher.sending.prepared import lint
from dispatcher.service import clearing, linting, messages
from dispatcher.service.desk import Desk
from dispatcher.store import records
from dispatcher.wording import Remark

MOST, PER_LINK = ("max_characters", "characters"), "characters_reserved_per_url"
"""The options under which a rendering says what its own server, or the people who post it, allow and count."""


@dataclass(frozen=True, slots=True)
class Told:
    """One text of a card: in its language, exact, with the subject where it is an e-mail, and counted."""

    language: str
    text: str
    subject: str | None
    counted: Counted


@dataclass(frozen=True, slots=True)
class Card:
    """One kind of text as one account carries it; ``digest`` is None where it cannot be sent as it is.

    ``left_out``: how many pictures and videos the account goes without. ``takes_captions``: the channel is given a
    video's captions.
    """

    account: str
    handle: str
    channel: str
    called: str
    kind: TextKind
    digest: str | None
    texts: tuple[Told, ...]
    media: tuple[Medium, ...]
    options: Mapping[str, Json]
    problems: tuple[str, ...]
    left_out: int
    takes_captions: bool

    @property
    def alike(self) -> tuple[object, ...]:
        """What is the same of cards that differ in nothing but their account."""
        options = json.dumps(self.options, sort_keys=True, ensure_ascii=False)
        return (self.channel, self.kind, self.texts, self.media, self.problems, self.left_out, options)

    @property
    def name(self) -> str:
        """The account as people know it."""
        return f"{self.account}, {self.handle}" if self.handle != self.account else self.account


@dataclass(frozen=True, slots=True)
class Sheet:
    """All cards of a message, or of a plan of it, with what they are about."""

    incident: Incident
    revision: Revision
    plan: Plan | None
    state: str
    cards: tuple[Card, ...]
    remarks: tuple[Remark, ...]

    @property
    def exercise(self) -> bool:
        """Whether nothing of it reaches the public."""
        return self.incident.mode is Mode.EXERCISE

    def of_kind(self, kind: TextKind) -> tuple[tuple[Card, ...], ...]:
        """The cards of one kind, those alike together: fifty accounts that carry the same are looked at once."""
        return _together({(card.account,): (card,) for card in self.cards if card.kind is kind})

    def by_account(self) -> tuple[tuple[Card, ...], ...]:
        """The cards of accounts that are alike in every kind: of one account after the other."""
        kept: dict[object, list[Card]] = {}
        for card in self.cards:
            kept.setdefault((card.account,), []).append(card)
        return _together({account: tuple(cards) for account, cards in kept.items()})


def _together(by_account: Mapping[object, tuple[Card, ...]]) -> tuple[tuple[Card, ...], ...]:
    found: dict[object, list[Card]] = {}
    for cards in by_account.values():
        found.setdefault(tuple(card.alike for card in cards), []).extend(cards)
    return tuple(map(tuple, found.values()))


def of_message(desk: Desk, message: str, accounts: Sequence[str] = ()) -> Sheet:
    """The newest revision of a message on these accounts, or on all of its mode. Raises NotFound, Invalid."""
    with desk.store.read() as work:
        revision = records.newest_revision(work, message)
        incident = records.incident(work, revision.incident)
        chosen = records.accounts(work, incident.mode, accounts or None)
    if not chosen:
        raise Invalid(f"there is no {incident.mode} account yet", "dispatcher account add --help")
    found = messages.previews(desk, revision, chosen, incident.mode)
    said = linting.remarks_on(desk, revision, incident.mode)
    return Sheet(incident, revision, None, "draft", _sorted(map(_of_preview, found)), said)


def of_plan(desk: Desk, name: str) -> Sheet:
    """What approving a plan signs. Raises NotFound."""
    texts = clearing.texts(desk, name)
    with desk.store.read() as work:
        stored = records.plan(work, name)
        incident = records.incident(work, stored.plan.incident)
        revision = records.revision(work, stored.plan.revision)
        known = {account.id: account for account in records.accounts(work, stored.plan.mode)}
    cards = []
    for place, kind, rendering in texts:
        unknown = Account(place.account, place.channel, place.account, ())
        left_out = max(0, len(revision.media) - len(rendering.media)) if kind is TextKind.PUBLISH else 0
        digest = place.renderings[kind]
        cards.append(card(known.get(place.account, unknown), kind, rendering, digest, (), left_out))
    said = linting.remarks_on(desk, revision, incident.mode)
    return Sheet(incident, revision, stored.plan, stored.state, _sorted(cards), said)


def _sorted(cards: Iterator[Card] | Sequence[Card]) -> tuple[Card, ...]:
    kinds = list(TextKind)
    return tuple(sorted(cards, key=lambda card: kinds.index(card.kind)))


def _of_preview(made: messages.Preview) -> Card:
    """What is refused says why in the adapter's own words, which are the same for every account of a channel."""
    problems = made.problems
    if made.unfit:
        problems = tuple(lint(made.unfit, registry.adapter_of(made.account))) or problems
    return card(made.account, made.kind, made.rendering or made.unfit, made.digest, problems, made.left_out)


def card(
    account: Account,
    kind: TextKind,
    rendering: Rendering | None,
    digest: str | None,
    problems: tuple[str, ...],
    left_out: int,
) -> Card:
    """A rendering as a card, whoever made it; None where nothing came of it. ``digest`` as of :class:`Card`."""
    able = _able(account, rendering)
    return Card(
        account=account.id,
        handle=account.handle,
        channel=account.channel,
        called=registry.called(account.channel),
        kind=kind,
        digest=digest,
        texts=tuple(_told(rendering, able)) if rendering else (),
        media=rendering.media if rendering else (),
        options=rendering.options if rendering else {},
        problems=problems,
        left_out=left_out,
        takes_captions=able is not None and any(limit.captions for limit in able.media),
    )


def _told(rendering: Rendering, able: Capabilities | None) -> Iterator[Told]:
    measure = measure_of(able, rendering.options)
    for part in rendering.parts:
        yield Told(part.language, part.text, subject_of(rendering, part.language), counted(part.text, measure))


def measure_of(able: Capabilities | None, options: Mapping[str, Json] = {}) -> Measure:
    """How a channel counts, by its capabilities and by what a rendering's options say of its own server."""
    limit = able.text if able else None
    own = next((value for name in MOST if type(value := options.get(name)) is int), None)
    per_link = options.get(PER_LINK)
    return Measure(
        unit=limit.unit if limit else Unit.CHARACTERS,
        most=own if own is not None else limit.most if limit else None,
        sms=able is not None and able.recipients is Address.PHONE,
        per_link=per_link if type(per_link) is int else MASTODON_LINK,
    )


def _able(account: Account, rendering: Rendering | None) -> Capabilities | None:
    """What the account's channel can do, by the route that was rendered for; None where its package is gone."""
    route = rendering.options.get("route") if rendering else None
    try:
        if isinstance(route, str):
            return registry.adapter(account.channel, route).capabilities
        return registry.adapter_of(account).capabilities
    except registry.UnknownChannelError:
        return None
