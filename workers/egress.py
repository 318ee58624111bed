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
    is_exercise = mode is Mode.EXERCISE
    hosts = settings.simulated if is_exercise else frozenset(settings.egress) | _adapters_hosts()
    try:
        return Guard(hosts, allow_private=is_exercise or settings.kind is DeploymentKind.TEST)
    except ValueError as error:
        raise Invalid(
            f"deployment.toml: {error}", "mend egress or simulator there, and start the role again"
        ) from error


def _adapters_hosts() -> frozenset[str]:
    lane = [entry for entry in registry.TABLE if entry.lane is registry.Lane.TIKTOK and entry.load]
    return frozenset(host for entry in lane for host in registry.adapter(entry.name).capabilities.hosts)


async def serve_until(settings: Settings, mode: Mode, stopping: asyncio.Event) -> None:
    """Serve the mode's list until ``stopping``."""
    await serve(Proxy(guard(settings, mode)), egress_socket(settings, mode), stopping)
