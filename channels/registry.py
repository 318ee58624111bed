"""The channels there are: one explicit table, and entry points for third parties. No folder is scanned.

Adapters are imported inside their loaders, so that a process loads only what its lane sends. WeChat and Telegram
are named here so that every spelling of them is recognised and refused; they have no adapter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from channels.contract import Account, Channel, Clock, DeliveryKind, HandedOver, RandomBytes, Sealed, Secret

if TYPE_CHECKING:
    from channels.http import Http  # aiohttp is loaded by whoever sends, not by whoever asks what there is

ENTRY_POINTS = "dispatcher.channels"


class Adapter(Channel, Protocol):
    """A channel's adapter: the contract, and how one is made for an account with its credential."""

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Make the adapter of one account."""


class Lane(StrEnum):
    """The queue a delivery travels in; each exists once per mode."""

    ACCOUNTS = "accounts"
    RECIPIENTS = "recipients"
    TIKTOK = "tiktok"


class UnknownChannelError(LookupError):
    """There is no such channel; the message lists those there are."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One channel: its lane and how to load its adapter; ``load`` is None for a channel that is not used."""

    name: str
    lane: Lane
    load: Callable[[], type[Adapter]] | None
    aliases: tuple[str, ...] = ()


def _x() -> type[Adapter]:
    from channels.x import adapter

    return adapter.Adapter


def _bluesky() -> type[Adapter]:
    from channels.bluesky import adapter

    return adapter.Adapter


def _mastodon() -> type[Adapter]:
    from channels.mastodon import adapter

    return adapter.Adapter


def _facebook() -> type[Adapter]:
    from channels.facebook import adapter

    return adapter.Adapter


def _notify() -> type[Adapter]:
    from channels.notify import adapter

    return adapter.Adapter


def _press_email() -> type[Adapter]:
    from channels.press_email import adapter

    return adapter.Adapter


def _webhook() -> type[Adapter]:
    from channels.webhook import adapter

    return adapter.Adapter


def _cap_feed() -> type[Adapter]:
    from channels.cap_feed import adapter

    return adapter.Adapter


def _insertion_order() -> type[Adapter]:
    from channels.insertion_order import adapter

    return adapter.Adapter


def _tiktok() -> type[Adapter]:
    from channels.tiktok import adapter

    return adapter.Adapter


TABLE = (
    Entry("x", Lane.ACCOUNTS, _x, ("twitter",)),
    Entry("bluesky", Lane.ACCOUNTS, _bluesky, ("bsky",)),
    Entry("mastodon", Lane.ACCOUNTS, _mastodon, ("fediverse",)),
    Entry("facebook", Lane.ACCOUNTS, _facebook, ("fb", "facebook_page")),
    Entry("webhook", Lane.ACCOUNTS, _webhook),
    Entry("cap_feed", Lane.ACCOUNTS, _cap_feed, ("cap",)),
    Entry("notify", Lane.RECIPIENTS, _notify, ("sms", "govuk_notify")),
    Entry("press_email", Lane.RECIPIENTS, _press_email, ("press", "press_list")),
    Entry("social_paid", Lane.ACCOUNTS, _insertion_order, ("paid_social",)),
    Entry("tiktok_paid", Lane.ACCOUNTS, _insertion_order, ("tiktok_ads", "paid_tiktok")),
    Entry("tiktok", Lane.TIKTOK, _tiktok, ("tik_tok", "douyin")),
    Entry("wechat", Lane.ACCOUNTS, None, ("weixin", "we_chat")),
    Entry("telegram", Lane.ACCOUNTS, None, ("tg", "telegram_bot")),
)


def entry(name: str) -> Entry:
    """The entry of a channel by any of its names. Raises UnknownChannelError."""
    if found := _NAMED.get(_folded(name)):
        return found
    for point in entry_points(group=ENTRY_POINTS, name=name):
        return Entry(point.name, Lane.ACCOUNTS, point.load)
    known = ", ".join(e.name for e in TABLE if e.load)
    raise UnknownChannelError(f"there is no channel {name!r}; the channels are: {known}")


def adapter(name: str) -> type[Adapter]:
    """Load a channel's adapter. Raises UnknownChannelError, also for a channel that is not used."""
    found = entry(name)
    if found.load is None:
        raise UnknownChannelError(f"{found.name} is not used: it has no adapter, and no signature opens it")
    return found.load()


def left_to_people(channel: str, kind: DeliveryKind) -> bool:
    """Whether a platform has no way for a machine to do this; so for a channel that nobody knows."""
    try:
        able = adapter(channel).capabilities
    except UnknownChannelError:
        return True
    return not {DeliveryKind.CORRECT: able.can_correct, DeliveryKind.WITHDRAW: able.can_withdraw}.get(kind, True)


def acts_unconfirmed(channel: str) -> bool:
    """Whether whoever is handed something on this channel may act before people sign the receipt."""
    try:
        return adapter(channel).capabilities.acts_unconfirmed
    except UnknownChannelError:
        return False


def is_shown(channel: str) -> bool:
    """Whether people finish it from a text that is shown to them here, and not from a packet on a device."""
    try:
        found = adapter(channel)
    except UnknownChannelError:
        return False
    return issubclass(found, HandedOver) and not issubclass(found, Sealed)


def new_device_secret(channel: str, random_bytes: RandomBytes) -> Secret:
    """The secret that a device of this channel is registered with. Raises UnknownChannelError."""
    return _sealed(channel).new_device_secret(random_bytes)


def exercise_receipt(channel: str, delivery: str) -> str:
    """What a receipt gives as the post's link in an exercise. Raises UnknownChannelError."""
    return _by_hand(channel).exercise_receipt(delivery)


def receipt_is_late(channel: str, issued_at: datetime, receipt_at: datetime) -> bool:
    """Whether a receipt came too long after its code was issued. Raises UnknownChannelError."""
    return _sealed(channel).receipt_is_late(issued_at, receipt_at)


def _by_hand(channel: str) -> type[HandedOver]:
    found = adapter(channel)
    if not issubclass(found, HandedOver):
        raise UnknownChannelError(f"{channel} is not finished by people: it has no device, packet or receipt")
    return found


def _sealed(channel: str) -> type[Sealed]:
    found = _by_hand(channel)
    if not issubclass(found, Sealed):
        raise UnknownChannelError(f"{channel} is posted from a text that is shown: it has no device or packet")
    return found


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


_NAMED = {_folded(name): entry for entry in TABLE for name in (entry.name, *entry.aliases)}
