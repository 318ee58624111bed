"""The demo's accounts on six channels, its list of numbers, and what goes wrong for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from channels.contract import Secret
from channels.simulator.providers import example_of

NUMBERS = 120
LIST = "residents"


@dataclass(frozen=True, slots=True)
class Account:
    """One account to add: settings are public, secrets are not."""

    name: str
    channel: str
    handle: str
    languages: tuple[str, ...]
    settings: Mapping[str, str]
    secrets: Mapping[str, Secret]


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


def accounts(simulator: str, feed: Path) -> Iterator[Account]:
    """Thirteen accounts: X, Bluesky, webhook, CAP feed, GOV.UK Notify, TikTok."""
    for name, channel, handle, languages, called in _ACCOUNTS:
        settings, secrets = example_of(channel, simulator, called or handle)
        if channel == "cap_feed":
            folder = feed / name
            folder.mkdir(parents=True, exist_ok=True)
            settings = {"folder": str(folder), "sender": "warnings@example.org"}
        yield Account(name, channel, handle, languages, settings, secrets)


FAULTS: tuple[dict[str, object], ...] = (
    {"provider": "x", "kind": "act_then_drop", "match": "1001"},
    {"provider": "x", "kind": "drop_without_acting", "match": "1002"},
    {"provider": "x", "kind": "throttle", "match": "1003", "delay_s": 1},
    {"provider": "bluesky", "kind": "refuse", "status": 503, "match": "bluesky-city"},
    {"provider": "bluesky", "kind": "act_then_drop", "match": "bluesky-dinas"},
    {"provider": "bluesky", "kind": "throttle", "match": "bluesky-fire", "delay_s": 1},
    {"provider": "webhook", "kind": "refuse", "status": 503, "match": "webhook-broadcaster"},
    {"provider": "webhook", "kind": "drop_without_acting", "match": "webhook-transport"},
    {"provider": "notify", "kind": "throttle", "delay_s": 1},
    {"provider": "notify", "kind": "act_then_drop", "times": 3},
    {"provider": "notify", "kind": "drop_without_acting", "times": 3},
    {"provider": "notify", "kind": "act_then_error", "status": 500, "times": 2},
)
"""A 429 with Retry-After, a 503, connections dropped after acting and before, also where a repeat would double."""


def write_numbers(path: Path) -> None:
    """A list of numbers from the range that is kept for drama, a third of them Welsh speakers."""
    rows = (f"07700900{300 + index:03d},{'cy-GB' if index % 3 == 0 else 'en-GB'}" for index in range(NUMBERS))
    path.write_text("phone,language\n" + "\n".join(rows) + "\n")
