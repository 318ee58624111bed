"""An agency's account, a message in English and Welsh, and what is bought for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, Purchase, Rendering
from channels.insertion_order.adapter import Adapter

WHEN = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
BUYER, AGENCY, KILL = "paid@city.example", "orders@agency.example", "kill@agency.example"
BOUGHT = Purchase(
    case="storms",
    pence=16_000_001,
    approval="AMC-2026-014",
    starts=datetime(2026, 11, 22, 12, tzinfo=UTC),
    ends=datetime(2026, 11, 22, 18, tzinfo=UTC),
    nonce="ab" * 16,
)
SETTINGS: Mapping[str, str] = {
    "base_url": "smtp://127.0.0.1:9",
    "from": BUYER,
    "agency": AGENCY,
    "kill_contact": KILL,
    "kill_phone": "020 7946 0000",
    "inclusion_list": "government-2026-03",
}
CONTENT = Content(
    kind=DeliveryKind.PUBLISH,
    texts=(
        LanguageText("en-GB", "Storm tonight", "Stay in.", "Charge your telephone."),
        LanguageText("cy-GB", "Storm heno", "Arhoswch dan do, Ŵyr: tŷ."),
    ),
    valid_until=datetime(2026, 11, 22, 18, tzinfo=UTC),
    sent_by="Cyngor Môn",
    exercise=False,
    link="https://city.example/storm",
    area=("Example Bay", "Old Town"),
    purchase=BOUGHT,
)


def account(channel: str = "social_paid", **settings: str) -> Account:
    """An agency; a setting given empty is left out."""
    places = {"platforms": "Facebook, Instagram"} if channel == "social_paid" else {}
    kept = {key: value for key, value in {**SETTINGS, **places, **settings}.items() if value}
    return Account("agency-1", channel, "Example Agency", ("en-GB", "cy-GB"), kept)


def rendered(channel: str = "social_paid", **changes: Any) -> Rendering:
    """The order for the message, with what is changed in it."""
    return Adapter.render(replace(CONTENT, **changes), account(channel))


def job(rendering: Rendering, delivery: str = "dly-1") -> Job:
    """One attempt at it."""
    return Job(delivery, 1, rendering, WHEN, timeout_s=5.0)
