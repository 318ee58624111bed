"""The egress role: the way out of the confined TikTok sender, and the only process of that lane with a network.

What it lets through is data: the hosts that the lane's adapters name in their capabilities, and those that
``deployment.toml`` adds; in an exercise the simulator and nothing else.
"""

from __future__ import annotations

import asyncio

from channels import registry
from dispatcher.domain.errors import Invalid
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.egress.guard import Guard
from dispatcher.egress.proxy import Proxy, serve
from dispatcher.sender_bootstrap import egress_socket
from dispatcher.settings import Settings


def guard(settings: Settings, mode: Mode) -> Guard:
    """What may be reached in a mode. Raises Invalid for an entry of ``deployment.toml`` that is no host."""
    if mode is Mode.EXERCISE:
        return Guard(settings.simulated, allow_private=True)
    adapters = [entry.load() for entry in registry.TABLE if entry.lane is registry.Lane.TIKTOK and entry.load]
    hosts = frozenset(settings.egress).union(*(adapter.capabilities.hosts for adapter in adapters))
    try:
        return Guard(hosts, allow_private=settings.kind is DeploymentKind.TEST)
    except ValueError as error:
        raise Invalid(f"deployment.toml: egress: {error}", 'mend the list, such as egress = ["host"]') from error


async def serve_until(settings: Settings, mode: Mode, stopping: asyncio.Event) -> None:
    """Serve the mode's list until ``stopping``."""
    await serve(Proxy(guard(settings, mode)), egress_socket(settings, mode), stopping)
