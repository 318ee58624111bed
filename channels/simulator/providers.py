"""The table of simulated platforms, and their example accounts. A new channel adds its line here."""

from __future__ import annotations

from collections.abc import Mapping

from channels.bluesky.simulator import BlueskySimulator
from channels.cap_feed.simulator import FeedServer
from channels.contract import Secret
from channels.facebook.simulator import FacebookSimulator
from channels.instagram.simulator import InstagramSimulator
from channels.mastodon.simulator import MastodonSimulator
from channels.notify.simulator import Notify
from channels.press_email.simulator import PressEmail
from channels.public_page.simulator import PageServer
from channels.simulator.provider import Provider
from channels.threads.simulator import ThreadsSimulator
from channels.tiktok.simulator import TikTokSimulator
from channels.webhook.simulator import Receiver
from channels.x.simulator import XSimulator
from channels.youtube.simulator import YouTubeSimulator

PROVIDERS: tuple[type[Provider], ...] = (
    XSimulator,
    BlueskySimulator,
    FacebookSimulator,
    InstagramSimulator,
    MastodonSimulator,
    Notify,
    PressEmail,
    ThreadsSimulator,
    TikTokSimulator,
    Receiver,
    YouTubeSimulator,
    FeedServer,
    PageServer,
)


def example_of(channel: str, simulator: str, name: str) -> tuple[Mapping[str, str], Mapping[str, Secret]]:
    """Settings and credential of the account that a channel's platform calls ``name``, at the simulator's address.

    Both are empty for a channel without such accounts. Of platforms that speak no HTTP ``simulator`` is no address.
    """
    provider = next((one for one in PROVIDERS if one.name == channel), None)
    example = provider.example(f"{simulator}/{channel}", name) if provider else None
    return (example.settings, example.credential) if example else ({}, {})
