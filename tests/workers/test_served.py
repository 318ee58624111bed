"""Our own feed and pages in an exercise: written by the role, served by the simulator, fetched back as evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.contract import Account
from channels.simulator.webserver import WebServer
from dispatcher.domain.message import TextKind
from dispatcher.sender_bootstrap import now
from dispatcher.service import accounts, taking_back
from dispatcher.settings import ChannelFigures
from tests.certificate import signing
from tests.stage import MODE, Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

OFTEN = {"read_back_ms": 100, "read_back_most_ms": 100, "poll_ms": 50}
ROLES = ("relay", "accounts")
CHANNELS = ("cap_feed", "public_page")


@pytest.fixture
def served(make: Make) -> Iterator[Stage]:
    """A feed with a key for exercises and pages, both at the simulator's address."""
    stage = make(timing=OFTEN)
    figures = dict.fromkeys(CHANNELS, ChannelFigures(timeout_ms=3_000, lag_ms=100))
    stage.desk = replace(stage.desk, settings=replace(stage.desk.settings, channels=figures))
    for channel in CHANNELS:
        folder = stage.folder / "www" / f"{channel}-1"
        folder.mkdir(parents=True)
        far = stage.far.provider(channel)
        assert isinstance(far, WebServer)
        far.root = folder.parent
        address = f"{stage.far.address(channel)}/{folder.name}"
        settings = {"folder": str(folder), "sender": "alerts@city.example", "public_base_url": address}
        made = Account(folder.name, channel, f"Example on {channel}", ("en-GB",), settings)
        held = signing("EXERCISE", begins=now() - timedelta(days=1)) if channel == "cap_feed" else {}
        accounts.add(stage.desk, made, MODE, held, "ops-1")
    yield stage
    for channel in CHANNELS:
        far = stage.far.provider(channel)
        assert isinstance(far, WebServer)
        far.root = None


def public(stage: Stage, channel: str) -> Path:
    """The file that the public reads of the one message there is."""
    folder = stage.folder / "www" / f"{channel}-1"
    (file,) = [one for one in folder.glob("*") if one.suffix in {".xml", ".html"} and "index" not in one.name]
    return file


def state(stage: Stage, plan: str, kind: str = "publish") -> dict[str, str]:
    """The state of each channel's delivery of a kind."""
    return {row.channel: row.state for row in stage.rows(plan) if row.kind == kind}


def test_what_is_fetched_back_is_the_evidence(served: Stage) -> None:
    """Seen where it is served; missing once it is served no more; and a withdrawal is seen by its own words."""
    plan = served.cleared(area=("Example Bay",))
    served.release(plan)
    served.work(lambda: set(state(served, plan).values()) == {"visible"}, roles=ROLES)
    asked = {one.provider for one in served.far.journal.arrivals if one.route == "read"}
    assert asked >= set(CHANNELS)
    gone = {channel: public(served, channel) for channel in CHANNELS}
    kept = {file: file.read_bytes() for file in gone.values()}
    for file in kept:
        file.unlink()
    served.work(lambda: set(state(served, plan).values()) == {"missing"}, roles=ROLES)
    for file, data in kept.items():
        file.write_bytes(data)
    taking_back.take_back(served.desk, plan, TextKind.WITHDRAW, served.pen("director-1"))
    wanted = dict.fromkeys(CHANNELS, "visible")
    served.work(lambda: state(served, plan, "withdraw") == wanted, roles=ROLES)
    assert "Withdrawn at" in gone["public_page"].read_text()
