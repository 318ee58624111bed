"""Probing by who holds the credential: here, and behind a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from channels.contract import Probe
from channels.listing import Timeline
from dispatcher.domain.errors import Unavailable
from dispatcher.sending import probing, wire
from dispatcher.sending.outlets import Outlet
from dispatcher.sending.probing import LocalProber
from dispatcher.sending.remote import RemoteSender
from tests.cast import NOW
from tests.memory_channel import MemoryChannel
from tests.sending.kit import House
from tests.sending.socketed import Place, planned, serving

FOUND = Probe(
    ok=True, detail="Dinas Caerdy\u0302dd", expires_at=NOW + timedelta(days=3), quota="48 of 50 posts", renews=True
)


class Probed(MemoryChannel):
    """A platform whose probe does what it is told."""

    def __init__(self, act: Callable[[], Awaitable[Probe]]) -> None:
        super().__init__()
        self._act_on_probe = act

    async def probe(self) -> Probe:
        """As told."""
        return await self._act_on_probe()


async def found() -> Probe:
    """All is well."""
    return FOUND


async def broken() -> Probe:
    """A bug."""
    raise RuntimeError("with a secret in it")


async def silent() -> Probe:
    """No answer, ever."""
    await asyncio.Event().wait()
    raise AssertionError


def prober(folder: Path, act: Callable[[], Awaitable[Probe]]) -> LocalProber:
    """Who probes one account on X."""
    place = Place(folder, planned())
    place.put("x", Probed(act))
    return LocalProber(place._outlets)


def test_what_the_adapter_finds_is_told(tmp_path: Path) -> None:
    """As it is."""
    assert asyncio.run(prober(tmp_path, found).probe("x-1")) == FOUND


def test_an_account_that_is_not_held_is_no_error(tmp_path: Path) -> None:
    """It says that there is no credential."""
    assert asyncio.run(prober(tmp_path, found).probe("x-9")) == Probe(
        ok=False, detail="this sender has no credential that opens for it"
    )


def test_a_bug_in_an_adapter_fails_its_probe_only(tmp_path: Path) -> None:
    """By name: what it says may hold anything."""
    assert asyncio.run(prober(tmp_path, broken).probe("x-1")) == Probe(
        ok=False, detail="the probe failed: RuntimeError"
    )


def test_a_silent_platform_fails_its_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a time that does not depend on the platform."""
    monkeypatch.setattr(probing, "LONGEST_S", 0.05)
    assert asyncio.run(prober(tmp_path, silent).probe("x-1")) == Probe(ok=False, detail="no answer within 0.05 s")


class Listed(MemoryChannel):
    """A platform whose list does what it is told."""

    def __init__(self, act: Callable[[], Awaitable[Probe]]) -> None:
        super().__init__()
        self._act_on_list = act

    async def timeline(self, since: datetime) -> Timeline:
        """Empty, or as told."""
        del since
        await self._act_on_list()
        return Timeline()


@pytest.mark.parametrize(
    ("channel", "name", "fault"),
    [
        (Listed(found), "x-1", ""),
        (Listed(broken), "x-1", "the look failed: RuntimeError"),
        (Listed(silent), "x-1", "no answer within 0.05 s"),
        (MemoryChannel(), "x-1", "nobody here can list what it has published"),
        (Listed(found), "x-9", "nobody here can list what it has published"),
    ],
)
def test_a_look_at_an_account_never_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channel: MemoryChannel, name: str, fault: str
) -> None:
    """Whatever an adapter does, and where there is none that could."""
    monkeypatch.setattr(probing, "LONGEST_S", 0.05)
    place = Place(tmp_path, planned())
    place.put("x", channel)
    assert asyncio.run(LocalProber(place._outlets).timeline(name, NOW)) == Timeline(fault=fault)


class Replaced(dict[str, Outlet]):
    """Outlets that find a replaced credential when somebody lists them, as those over a vault do."""

    def __init__(self, place: Place, channel: MemoryChannel) -> None:
        super().__init__(place._outlets)
        self._place, self._channel = place, channel

    def __iter__(self) -> Iterator[str]:
        self._place.put("x", self._channel)
        self.update(self._place._outlets)
        return super().__iter__()


def test_a_credential_that_was_replaced_a_moment_ago_is_gone_by(tmp_path: Path) -> None:
    """By probes, and by looks at what an account shows."""
    place = Place(tmp_path, planned())
    place.put("x", MemoryChannel())

    async def main() -> tuple[Probe, Timeline]:
        probe = await LocalProber(Replaced(place, Probed(found))).probe("x-1")
        place.put("x", MemoryChannel())
        return probe, await LocalProber(Replaced(place, Listed(found))).timeline("x-1", NOW)

    assert asyncio.run(main()) == (FOUND, Timeline())


def behind_a_socket(folder: Path, prober: LocalProber | None) -> Probe:
    """Probe over a real socket."""

    async def main() -> Probe:
        house = House(folder, planned())
        async with serving(house.sender, folder / "sender.sock", prober=prober):
            return await RemoteSender(folder / "sender.sock", 5.0).probe("x-1")

    return asyncio.run(main())


def test_a_probe_comes_over_the_socket_as_it_was(tmp_path: Path) -> None:
    """End and quota too; text from outside is made NFC."""
    (tmp_path / "house").mkdir()
    seen = behind_a_socket(tmp_path / "house", prober(tmp_path, found))
    assert seen == Probe(True, "Dinas Caerd\u0177dd", FOUND.expires_at, FOUND.quota, renews=True)


def test_a_probe_that_finds_nothing_out_comes_over_the_socket(tmp_path: Path) -> None:
    """Without an end."""
    assert wire.read_probe(wire.probe_document(Probe(ok=False, detail="no"))) == Probe(ok=False, detail="no")


def test_a_server_that_cannot_probe_says_so(tmp_path: Path) -> None:
    """The asker hears that nobody answered, and what to do."""
    with pytest.raises(Unavailable):
        behind_a_socket(tmp_path, None)


def test_nobody_lists_what_is_behind_a_socket(tmp_path: Path) -> None:
    """It is said, and is no error."""
    told = asyncio.run(RemoteSender(tmp_path / "sender.sock", 5.0).timeline("tiktok-1", NOW))
    assert told == Timeline(fault="nobody here can list what it has published")
