"""The demo's accounts on six channels, its list of numbers, and what goes wrong for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from channels.notify.simulator import TEMPLATE_ID, api_key
from channels.webhook.simulator import secret as webhook_secret

NOTIFY_SERVICE = "11111111-2222-4333-8444-555555555555"
NUMBERS = 120
LIST = "residents"


@dataclass(frozen=True, slots=True)
class Account:
    """One account to add: settings are public, secrets are not."""

    name: str
    channel: str
    handle: str
    languages: tuple[str, ...]
    settings: dict[str, str]
    secrets: dict[str, str]


def accounts(simulator: str, feed: Path) -> Iterator[Account]:
    """Thirteen accounts: X, Bluesky, webhook, CAP feed, GOV.UK Notify, TikTok."""
    for name, user, language in (
        ("x-city", "1001", "en-GB"),
        ("x-dinas", "1002", "cy-GB"),
        ("x-police", "1003", "en-GB"),
    ):
        settings = {"base_url": f"{simulator}/x", "user_id": user}
        yield Account(name, "x", f"@{name}", (language,), settings, {"token": f"sim-{user}"})
    for name, languages in (
        ("bluesky-city", ("en-GB",)),
        ("bluesky-dinas", ("cy-GB",)),
        ("bluesky-fire", ("en-GB",)),
    ):
        handle = f"{name}.example.org"
        secrets = {"identifier": handle, "password": f"app-{handle}"}
        yield Account(name, "bluesky", handle, languages, {"base_url": f"{simulator}/bluesky"}, secrets)
    for name in ("webhook-broadcaster", "webhook-transport", "webhook-council"):
        settings = {"base_url": f"{simulator}/webhook/{name}"}
        secrets = {"secret": webhook_secret(name)}
        yield Account(name, "webhook", name, ("en-GB", "cy-GB"), settings, secrets)
    for name in ("feed-city", "feed-region"):
        folder = feed / name
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"folder": str(folder), "sender": "warnings@example.org"}
        yield Account(name, "cap_feed", name, ("en-GB", "cy-GB"), settings, {})
    settings = {"base_url": f"{simulator}/notify", "template_id": TEMPLATE_ID}
    yield Account(
        "sms-city", "notify", "CityAlert", ("en-GB", "cy-GB"), settings, {"api_key": api_key(NOTIFY_SERVICE)}
    )
    yield Account("tiktok-city", "tiktok", "@city", ("en-GB",), {}, {})


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
