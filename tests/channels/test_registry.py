"""The registry: what is reached through it, so that nobody else loads an adapter."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels import registry
from channels.contract import Account
from channels.registry import Lane
from channels.tiktok.codes import secret_bytes
from channels.tiktok.handoff import exercise_link, task_reference
from tests.packages import install, on_path

ISSUED_AT = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)


def test_a_device_is_given_a_secret_that_the_packet_reads() -> None:
    """What registration shows once is a device secret with its checksum."""
    assert len(secret_bytes(registry.new_device_secret("tiktok", random.Random(1).randbytes))) == 32


def test_an_exercise_has_a_receipt_link_of_its_own() -> None:
    """The link names the very task of the delivery and cannot exist."""
    assert registry.exercise_receipt("tiktok", "dlv-1") == exercise_link(task_reference("dlv-1"))


@pytest.mark.parametrize(
    ("after", "late"), [(timedelta(minutes=10), False), (timedelta(minutes=10, seconds=1), True)]
)
def test_a_receipt_is_late_ten_minutes_after_its_code(after: timedelta, late: bool) -> None:
    """The channel's own rule is reached through the registry."""
    assert registry.receipt_is_late("tiktok", ISSUED_AT, ISSUED_AT + after) is late


def test_a_channel_that_sends_by_itself_has_no_devices() -> None:
    """Asking for a device secret of X says what is wrong."""
    with pytest.raises(registry.UnknownChannelError, match="x is not finished by people"):
        registry.new_device_secret("x", random.Random(1).randbytes)


def on_route(**settings: str) -> Account:
    """An account on TikTok with these settings."""
    return Account("a-1", "tiktok", "@council", ("en",), settings)


def test_an_accounts_route_chooses_its_adapter() -> None:
    """People post where it says nothing; each route has figures of its own, and the way back is people's on all."""
    routes = [{}, {"route": "hand_off"}, {"route": "inbox_draft"}, {"route": "direct_post"}]
    made = [registry.adapter_of(on_route(**settings)) for settings in routes]
    assert [one.__name__ for one in made] == ["Adapter", "Adapter", "InboxDraft", "DirectPost"]
    assert [bool(one.capabilities.media) for one in made] == [False, False, True, True]
    assert all(one.capabilities.by_hand for one in made)


def test_a_route_that_a_channel_has_not_is_refused() -> None:
    """It says which there are; where a channel has one way only, nobody asks."""
    with pytest.raises(registry.UnknownChannelError, match=r"no route 'fax'.*hand_off, inbox_draft, direct_post"):
        registry.adapter_of(on_route(route="fax"))
    assert registry.adapter("x", "fax") is registry.adapter("x")


def test_a_channel_that_is_not_used_has_none_either() -> None:
    """WeChat is refused before anything else is asked."""
    with pytest.raises(registry.UnknownChannelError, match="no signature opens it"):
        registry.exercise_receipt("wechat", "dlv-1")


PIGEON = """
from tests.memory_channel import MemoryChannel


class Adapter(MemoryChannel):
    pass
"""


def offered(site: Path, name: str, module: str = PIGEON, value: str = "pigeon:Adapter") -> registry.Offer:
    """What becomes of a package that offers a channel of this name."""
    install(site, {name: value}, {"pigeon.py": module})
    with on_path(site):
        (offer,) = registry.offers()
    return offer


def test_a_third_partys_channel_is_found_by_its_entry_point(tmp_path: Path) -> None:
    """By its name in any spelling, in the lane of accounts."""
    install(tmp_path, {"pigeon": "pigeon:Adapter"}, {"pigeon.py": PIGEON})
    with on_path(tmp_path):
        assert registry.adapter("Pigeon").__module__ == "pigeon"
        assert registry.entry("pigeon").lane is Lane.ACCOUNTS
    with pytest.raises(registry.UnknownChannelError, match="there is no channel 'pigeon'"):
        registry.entry("pigeon")


def test_a_third_partys_channel_to_recipients_travels_in_their_lane(tmp_path: Path) -> None:
    """Its capabilities say so."""
    to_phones = "\n    capabilities = replace(MemoryChannel.capabilities, recipients=Address.PHONE)"
    imports = "from dataclasses import replace\nfrom channels.capabilities import Address\n"
    offer = offered(tmp_path, "pigeon", imports + PIGEON.replace("\n    pass", to_phones))
    assert offer.entry is not None
    assert offer.entry.lane is Lane.RECIPIENTS


TAKEN = sorted({name for entry in registry.TABLE for name in (entry.name, *entry.aliases)})


@pytest.mark.parametrize("name", [*TAKEN, "X", "We-Chat", "Ｔelegram", "TG", "face book", "wechat2", "x_2026"])
def test_a_name_of_ours_or_of_a_channel_that_is_not_used_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever the package is; its module is not even imported."""
    offer = offered(tmp_path, name, "raise AssertionError('imported')")
    assert offer.entry is None
    assert "its package must take another name" in offer.fault


@pytest.mark.parametrize("name", ["wechat", "weixin", "We-Chat", "telegram", "tg", "Telegram_Bot"])
def test_no_package_opens_a_channel_that_is_not_used(tmp_path: Path, name: str) -> None:
    """With the package there, every spelling still comes to a channel without an adapter."""
    install(tmp_path, {name: "pigeon:Adapter"}, {"pigeon.py": PIGEON})
    with on_path(tmp_path), pytest.raises(registry.UnknownChannelError, match="no signature opens it"):
        registry.adapter(name)


@pytest.mark.parametrize("name", ["Pigeon", "pi-geon", "pıgeon", "7pigeons", "p" * 64])
def test_a_name_that_could_be_taken_for_another_is_refused(tmp_path: Path, name: str) -> None:
    """Lower case letters of ASCII, digits and underscores."""
    assert "cannot name a channel" in offered(tmp_path, name).fault


def test_two_packages_of_one_name_are_both_refused(tmp_path: Path) -> None:
    """Which of them was meant is nobody's to guess."""
    for package in ("pigeons", "other_pigeons"):
        install(tmp_path, {"pigeon": f"{package}:Adapter"}, {f"{package}.py": PIGEON}, package)
    with on_path(tmp_path):
        assert ["remove all but one" in offer.fault for offer in registry.offers()] == [True, True]
        with pytest.raises(registry.UnknownChannelError, match="more than one package offers pigeon"):
            registry.adapter("pigeon")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import coo", "cannot be imported: ModuleNotFoundError: No module named 'coo'"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("Other = 1", "cannot be imported: AttributeError"),
        ("class Adapter: pass", "is no adapter: it lacks render, problems, send"),
        ("Adapter = 1", "is no adapter"),
        (PIGEON.replace("pass", "capabilities = None"), "is no adapter: it lacks capabilities"),
    ],
)
def test_a_package_that_cannot_be_loaded_disables_only_itself(tmp_path: Path, module: str, said: str) -> None:
    """It says why, and another package's channel is there."""
    install(tmp_path, {"pigeon": "pigeon:Adapter"}, {"pigeon.py": module}, "broken")
    install(tmp_path, {"owl": "owl:Adapter"}, {"owl.py": PIGEON}, "sound")
    with on_path(tmp_path):
        faults = {offer.name: offer.fault for offer in registry.offers()}
        assert said in faults.pop("pigeon")
        assert faults == {"owl": ""}
        with pytest.raises(registry.UnknownChannelError, match=r"channel pigeon of broken .* is not used"):
            registry.adapter("pigeon")


def test_our_own_channels_are_found_without_looking_at_any_package(tmp_path: Path) -> None:
    """So that no command and no sender waits for third parties that it does not use."""
    install(tmp_path, {"pigeon": "pigeon:Adapter"}, {"pigeon.py": "raise AssertionError('imported')"})
    code = "from channels import registry; registry.adapter('webhook'); print(registry._points.cache_info().misses)"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{root}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize(
    ("name", "called"), [("x", "X"), ("notify_email", "Notify e-mail"), ("weather_balloon", "weather_balloon")]
)
def test_a_channel_goes_by_what_people_call_it(name: str, called: str) -> None:
    """And one that nobody knows by its name."""
    assert registry.called(name) == called
