"""Simulating: what the public would see of a text on each platform, by the platform's simulator on this machine.

The adapter is the one that sends; account and credential are the simulator's own. Nothing is stored, and nothing
leaves the machine: an adapter may reach its simulator's address and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from channels import registry
from channels.contract import Account, Content, DeliveryKind, Job, LanguageText, RenderError, Verdict
from dispatcher.domain.errors import Invalid
from dispatcher.service.accounts import channel_named
from dispatcher.service.desk import Desk

if TYPE_CHECKING:  # web server and client are loaded by whoever simulates
    from channels.simulator.provider import Example
    from channels.simulator.server import Simulator

TIMEOUT_S = 10.0
VALID_FOR = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What one platform shows, or why it shows nothing."""

    channel: str
    shown: str
    problem: str = ""


def simulate(desk: Desk, text: LanguageText, names: Collection[str]) -> list[Simulated]:
    """Send a text to the simulators of these channels, or of all that carry a text alone.

    Raises NotFound, Forbidden, Invalid.
    """
    return asyncio.run(_simulate(desk, text, [channel_named(name) for name in names]))


async def _simulate(desk: Desk, text: LanguageText, names: list[str]) -> list[Simulated]:
    from channels.simulator.providers import PROVIDERS
    from channels.simulator.server import Simulator

    known = [provider.name for provider in PROVIDERS]
    if lacking := sorted(set(names) - set(known)):
        raise _no_simulator(lacking[0])
    async with Simulator(clock=desk.clock) as far:
        shown = names or [name for name in known if _carries_text_alone(name)]
        examples = {name: far.provider(name).example(far.address(name)) for name in shown}
        if names and (bare := [name for name, example in examples.items() if example is None]):
            raise _no_simulator(bare[0])
        return [await _on(desk, text, far, name, example) for name, example in examples.items() if example]


def _no_simulator(channel: str) -> Invalid:
    return Invalid(f"{channel} has no simulator that shows a text", "dispatcher message preview MESSAGE")


def _carries_text_alone(channel: str) -> bool:
    return not any(limit.least for limit in registry.adapter(channel).capabilities.media)


async def _on(desk: Desk, text: LanguageText, far: Simulator, name: str, example: Example) -> Simulated:
    from channels.http import Http, HttpPolicy

    account = Account("simulated", name, example.handle, (text.language,), example.settings)
    now, sent_by = desk.now(), desk.settings.sent_by
    content = Content(DeliveryKind.PUBLISH, (text,), now + VALID_FOR, sent_by, exercise=False)
    http = Http(HttpPolicy(frozenset({urlsplit(far.address(name)).netloc}), allow_private=True, https_only=False))
    try:
        adapter = registry.adapter(name)(account, example.credential, http, desk.clock)
        rendering = adapter.render(content, account)
        if problems := adapter.problems(rendering):
            return Simulated(name, "", "; ".join(problems))
        language = text.language if example.recipient else None
        job = Job(desk.new_id("dlv"), 1, rendering, now, TIMEOUT_S, example.recipient, language)
        outcome = await adapter.send(job, _unnoted)
    except RenderError as error:
        return Simulated(name, "", str(error))
    finally:
        await http.close()
    if outcome.verdict is not Verdict.ACCEPTED:
        return Simulated(name, "", outcome.reason or str(outcome.verdict))
    return Simulated(name, "\n\n".join(effect.text for effect in far.journal.published(name)))


async def _unnoted(_handle: str) -> None:
    """A simulated post is never looked for again."""
