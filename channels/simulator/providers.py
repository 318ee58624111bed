"""The table of simulated platforms. A new channel adds its line here."""

from __future__ import annotations

from channels.bluesky.simulator import BlueskySimulator
from channels.facebook.simulator import FacebookSimulator
from channels.instagram.simulator import InstagramSimulator
from channels.mastodon.simulator import MastodonSimulator
from channels.notify.simulator import Notify
from channels.press_email.simulator import PressEmail
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
)
