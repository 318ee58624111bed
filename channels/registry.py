"""The channels there are: one explicit table, and entry points for third parties. No folder is scanned.

Rules
  1. Adapters are imported inside their loaders, so that a process loads only what its lane sends.
  2. WeChat and Telegram are named here so that every spelling of them is recognised and refused; they have no
     adapter.
  3. A third party's channel is an entry point of the group :data:`ENTRY_POINTS` of an installed package: its name is
     the channel's, its value ``module:class``. It is looked for only when a name is asked for that the table lacks.
  4. One that has a name of ours, or of a channel that is not used, is refused whatever its package says, also with
     figures before or after it; so are two of one name. One that cannot be loaded disables only itself.
     :func:`offers` says why.
  5. What may be sent to it is policy's to say, as of every channel: one that policy does not name is refused (G05).
  6. A channel that is reached by several routes has an adapter for each. The account's setting ``route`` chooses;
     where it says nothing, the channel's own adapter is meant.

A third party, in its pyproject.toml (docs/writing-a-channel.md)::

    [project.entry-points."dispatcher.channels"]
    pigeon = "pigeon.adapter:Adapter"
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol

from channels.by_hand import HandedOver, Sealed
from channels.capabilities import Capabilities
from channels.contract import Account, Channel, Clock, DeliveryKind, RandomBytes, Secret

if TYPE_CHECKING:
    from channels.http import Http  # aiohttp is loaded by whoever sends, not by whoever asks what there is

ENTRY_POINTS = "dispatcher.channels"
ROUTE = "route"
"""The account setting that says by which route its channel is reached."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_METHODS = ("render", "problems", "send", "find", "read_back", "correct", "withdraw", "probe")


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
    """There is no such channel, or it cannot be loaded; the message says which there are, or why not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One channel: its lane and how to load its adapter; ``load`` is None for a channel that is not used.

    ``routes`` are the ways to it besides ``load``'s; ``called`` is what people call it, where that is not its name.
    """

    name: str
    lane: Lane
    load: Callable[[], type[Adapter]] | None
    aliases: tuple[str, ...] = ()
    routes: Mapping[str, Callable[[], type[Adapter]]] = field(default_factory=dict)
    called: str = ""


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


def _threads() -> type[Adapter]:
    from channels.threads import adapter

    return adapter.Adapter


def _instagram() -> type[Adapter]:
    from channels.instagram import adapter

    return adapter.Adapter


def _youtube() -> type[Adapter]:
    from channels.youtube import adapter

    return adapter.Adapter


def _notify() -> type[Adapter]:
    from channels.notify import adapter

    return adapter.Adapter


def _notify_email() -> type[Adapter]:
    from channels.notify import adapter

    return adapter.EmailAdapter


def _press_email() -> type[Adapter]:
    from channels.press_email import adapter

    return adapter.Adapter


def _webhook() -> type[Adapter]:
    from channels.webhook import adapter

    return adapter.Adapter


def _cap_feed() -> type[Adapter]:
    from channels.cap_feed import adapter

    return adapter.Adapter


def _public_page() -> type[Adapter]:
    from channels.public_page import adapter

    return adapter.Adapter


def _manual() -> type[Adapter]:
    from channels.manual import adapter

    return adapter.Adapter


def _insertion_order() -> type[Adapter]:
    from channels.insertion_order import adapter

    return adapter.Adapter


def _tiktok() -> type[Adapter]:
    from channels.tiktok import adapter

    return adapter.Adapter


def _tiktok_inbox() -> type[Adapter]:
    from channels.tiktok import direct

    return direct.InboxDraft


def _tiktok_direct() -> type[Adapter]:
    from channels.tiktok import direct

    return direct.DirectPost


_TIKTOK_ROUTES = {"hand_off": _tiktok, "inbox_draft": _tiktok_inbox, "direct_post": _tiktok_direct}

TABLE = (
    Entry("x", Lane.ACCOUNTS, _x, ("twitter",), called="X"),
    Entry("bluesky", Lane.ACCOUNTS, _bluesky, ("bsky",), called="Bluesky"),
    Entry("mastodon", Lane.ACCOUNTS, _mastodon, ("fediverse",), called="Mastodon"),
    Entry("facebook", Lane.ACCOUNTS, _facebook, ("fb", "facebook_page"), called="Facebook"),
    Entry("threads", Lane.ACCOUNTS, _threads, called="Threads"),
    Entry("instagram", Lane.ACCOUNTS, _instagram, ("ig", "insta"), called="Instagram"),
    Entry("youtube", Lane.ACCOUNTS, _youtube, ("yt", "you_tube"), called="YouTube"),
    Entry("webhook", Lane.ACCOUNTS, _webhook, called="Webhook"),
    Entry("cap_feed", Lane.ACCOUNTS, _cap_feed, ("cap",), called="CAP feed"),
    Entry("public_page", Lane.ACCOUNTS, _public_page, ("web_page", "page"), called="Public page"),
    Entry("manual", Lane.ACCOUNTS, _manual, ("by_hand",), called="By hand"),
    Entry("notify", Lane.RECIPIENTS, _notify, ("sms", "govuk_notify"), called="Notify"),
    Entry("notify_email", Lane.RECIPIENTS, _notify_email, ("email", "govuk_notify_email"), called="Notify e-mail"),
    Entry("press_email", Lane.RECIPIENTS, _press_email, ("press", "press_list"), called="Press e-mail"),
    Entry("social_paid", Lane.ACCOUNTS, _insertion_order, ("paid_social",), called="Paid social"),
    Entry("tiktok_paid", Lane.ACCOUNTS, _insertion_order, ("tiktok_ads", "paid_tiktok"), called="Paid TikTok"),
    Entry("tiktok", Lane.TIKTOK, _tiktok, ("tik_tok", "douyin"), _TIKTOK_ROUTES, called="TikTok"),
    Entry("wechat", Lane.ACCOUNTS, None, ("weixin", "we_chat")),
    Entry("telegram", Lane.ACCOUNTS, None, ("tg", "telegram_bot")),
)


def entry(name: str) -> Entry:
    """The entry of a channel by any of its names. Raises UnknownChannelError."""
    if found := _NAMED.get(_folded(name)):
        return found
    for point in _points():
        if _folded(point.name) == _folded(name):
            offer = _offer(point)
            if offer.entry is None:
                raise UnknownChannelError(f"channel {offer.name} of {offer.package} is not used: {offer.fault}")
            return offer.entry
    known = ", ".join([*(e.name for e in TABLE if e.load), *sorted(point.name for point in _points())])
    raise UnknownChannelError(f"there is no channel {name!r}; the channels are: {known}")


def called(name: str) -> str:
    """What people call a channel; one that nobody knows goes by its name."""
    try:
        return entry(name).called or name
    except UnknownChannelError:
        return name


def adapter(name: str, route: str | None = None) -> type[Adapter]:
    """Load a channel's adapter. Raises UnknownChannelError, also for a channel that is not used.

    ``route`` is heard where the channel has several; one that it has not is refused.
    """
    found = entry(name)
    if found.load is None:
        raise UnknownChannelError(f"{found.name} is not used: it has no adapter, and no signature opens it")
    if route is None or not found.routes:
        return found.load()
    if route not in found.routes:
        raise UnknownChannelError(f"{found.name} has no route {route!r}; its routes are: {', '.join(found.routes)}")
    return found.routes[route]()


def adapter_of(account: Account) -> type[Adapter]:
    """Load the adapter of an account, by its channel and route. Raises UnknownChannelError."""
    return adapter(account.channel, account.settings.get(ROUTE))


@dataclass(frozen=True, slots=True)
class Offer:
    """A channel that an installed package offers: its ``entry``, or the ``fault`` for which there is none."""

    name: str
    package: str
    entry: Entry | None = None
    fault: str = ""


def offers() -> tuple[Offer, ...]:
    """What third parties' packages offer, by name. Imports all of them: for a list that a person asked for."""
    return tuple(_offer(point) for point in _points())


def left_to_people(channel: str, kind: DeliveryKind, settings: Mapping[str, str]) -> bool:
    """Whether a machine has no way to do this for an account of these settings; so on a channel that nobody knows."""
    try:
        able = adapter(channel, settings.get(ROUTE)).capabilities
    except UnknownChannelError:
        return True
    granted = not able.withdraws_with or settings.get(able.withdraws_with) == "yes"
    can = {DeliveryKind.CORRECT: able.can_correct, DeliveryKind.WITHDRAW: able.can_withdraw and granted}
    return not can.get(kind, True)


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


@cache
def _points() -> tuple[EntryPoint, ...]:
    """Third parties' entry points. Packages are installed before a process starts, so one look is enough."""
    return tuple(sorted(entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)))


@cache
def _offer(point: EntryPoint) -> Offer:
    """Import a third party's adapter, unless its name is not free. Nothing that goes wrong there leaves here."""
    package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    if fault := _name_fault(point.name):
        return Offer(point.name, package, fault=fault)
    try:
        made = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code may fail in any way
        return Offer(point.name, package, fault=f"{point.value} cannot be imported: {type(error).__name__}: {error}")
    if fault := _adapter_fault(made):
        return Offer(point.name, package, fault=f"{point.value} {fault}")
    lane = Lane.RECIPIENTS if made.capabilities.recipients else Lane.ACCOUNTS
    return Offer(point.name, package, Entry(point.name, lane, lambda: made))


def _name_fault(name: str) -> str:
    if taken := _NAMED.get(_folded(name)) or _NAMED.get(_folded(name).strip("0123456789")):
        ours = "a channel of ours" if taken.load else "a channel that is not used"
        return f"{name} names {taken.name}, {ours}: its package must take another name"
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot name a channel: use lower case letters, digits and underscores, 63 at most"
    if sum(_folded(point.name) == _folded(name) for point in _points()) > 1:
        return f"more than one package offers {name}: remove all but one"
    return ""


def _adapter_fault(made: Any) -> str:
    able = getattr(made, "capabilities", None)
    lacking = [method for method in _METHODS if not callable(getattr(made, method, None))]
    if not isinstance(made, type) or not isinstance(able, Capabilities) or lacking:
        return f"is no adapter: it lacks {', '.join(lacking) or 'capabilities'}; run python -m channels.conformance"
    return "leaves sending to people (by_hand), which no third party's channel may" if able.by_hand else ""


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


_NAMED = {_folded(name): entry for entry in TABLE for name in (entry.name, *entry.aliases)}
