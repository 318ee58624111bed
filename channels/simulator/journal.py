"""What arrived at the far sides and what came of it: the one count of lost and doubled.

Rules
  1. Every request to a provider is an :class:`Arrival`, whether the provider acted on it or not.
  2. Every change of the public record is an :class:`Effect`. A repeat that a platform recognises changes nothing and
     is no effect.
  3. ``key`` names one intended post as the far side can see it: an idempotency key, a record key, or, where the
     platform has none, the text. Two publishing effects with one account and key are a double.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class EffectKind(StrEnum):
    """How the public record changed."""

    PUBLISHED = "published"
    ALTERED = "altered"
    WITHDRAWN = "withdrawn"


@dataclass(slots=True)
class Arrival:
    """One request. ``acted`` and ``status`` are filled in as it is handled; status 0 is no answer."""

    provider: str
    account: str
    route: str
    path: str
    at: datetime
    key: str = ""
    fault: str = ""
    acted: bool = False
    status: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of the public record. ``visible_at`` is None for a post that read-back never shows.

    ``media`` names the pictures that it shows by the digest of their bytes, as the platform keeps them.
    """

    provider: str
    account: str
    key: str
    kind: EffectKind
    reference: str
    text: str
    at: datetime
    visible_at: datetime | None
    media: tuple[str, ...] = ()

    def visible(self, now: datetime) -> bool:
        """Whether the platform's own record shows it yet."""
        return self.visible_at is not None and self.visible_at <= now


class Journal:
    """Arrivals and effects, in order, in memory."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.effects: list[Effect] = []

    def published(self, provider: str, account: str | None = None) -> list[Effect]:
        """The publishing effects of a provider, or of one account of it."""
        return [
            effect
            for effect in self.effects
            if effect.kind is EffectKind.PUBLISHED
            and effect.provider == provider
            and account in {None, effect.account}
        ]

    def doubled(self, provider: str) -> int:
        """How many posts of a provider are on the public record more often than once, counted per surplus post."""
        counts = Counter((effect.account, effect.key) for effect in self.published(provider))
        return sum(count - 1 for count in counts.values())

    def counts(self) -> dict[str, dict[str, int]]:
        """Per provider: requests, faulted, acted, published, altered, withdrawn, doubled."""
        providers = {arrival.provider for arrival in self.arrivals}
        return {provider: self._count(provider) for provider in sorted(providers)}

    def document(self) -> dict[str, Any]:
        """The whole journal as JSON: counts, effects and requests; times as RFC 3339."""
        return {
            "counts": self.counts(),
            "effects": [_plain(asdict(effect)) for effect in self.effects],
            "requests": [_plain(asdict(arrival)) for arrival in self.arrivals],
        }

    def _count(self, provider: str) -> dict[str, int]:
        arrivals = [arrival for arrival in self.arrivals if arrival.provider == provider]
        kinds = Counter(effect.kind for effect in self.effects if effect.provider == provider)
        return {
            "requests": len(arrivals),
            "faulted": sum(1 for arrival in arrivals if arrival.fault),
            "acted": sum(1 for arrival in arrivals if arrival.acted),
            **{str(kind): kinds[kind] for kind in EffectKind},
            "doubled": self.doubled(provider),
        }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
