"""Sealing and opening a packet, without a browser."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from channels.by_hand import HandOverError
from channels.contract import Json, Secret
from tests.packets import Closed, open_packet

MakeContents = Callable[..., dict[str, Json]]
SealPacket = Callable[..., bytes]
ChangeHeader = Callable[..., bytes]


def test_a_packet_opens_to_what_was_sealed(
    make_contents: MakeContents, seal_packet: SealPacket, device_secret: Secret, code: str
) -> None:
    """Every field comes back, for a correction in an exercise too."""
    contents = make_contents(kind="correct", exercise=True, original="https://www.tiktok.com/@ukgov/video/1")
    assert open_packet(seal_packet(contents), device_secret, code) == contents


def test_the_file_shows_nothing_of_the_message(seal_packet: SealPacket) -> None:
    """Neither caption, account nor delivery can be read from the sealed file."""
    html = seal_packet().decode()
    assert not [word for word in ("flood", "llifogydd", "@ukgov", "dlv-0001") if word in html]


def test_the_file_names_no_address(seal_packet: SealPacket) -> None:
    """There is no URL in the file that a browser could ask for."""
    assert re.findall(rb"https?:|//[a-z]+\.|src=|url\(", seal_packet()) == []


def test_the_content_policy_allows_only_this_style_and_this_script(seal_packet: SealPacket) -> None:
    """Everything is refused except by hash; there is no unsafe-inline."""
    found = re.search(rb'Content-Security-Policy" content="([^"]*)"', seal_packet())
    assert found is not None
    directives = dict(part.strip().split(" ", 1) for part in found[1].decode().split(";"))
    assert directives["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", directives["script-src"])
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", directives["style-src"])
    others = {"base-uri", "form-action", "require-trusted-types-for", "trusted-types"}
    assert set(directives) == {"default-src", "script-src", "style-src"} | others


def test_another_code_does_not_open(seal_packet: SealPacket, device_secret: Secret) -> None:
    """A well-formed code of another packet is refused."""
    with pytest.raises(Closed):
        open_packet(seal_packet(), device_secret, "00000-00000")


def test_another_device_does_not_open(seal_packet: SealPacket, other_device_secret: Secret, code: str) -> None:
    """The code alone is worth nothing on another device."""
    with pytest.raises(Closed):
        open_packet(seal_packet(), other_device_secret, code)


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": "2026-11-22T18:15:00.000000Z"},
        {"device": "someone-elses-phone"},
        {"exercise": True},
        {"packet": "00" * 16},
        {"extra": "field"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_header_does_not_open(
    seal_packet: SealPacket, change_header: ChangeHeader, device_secret: Secret, code: str, change: dict[str, str]
) -> None:
    """The header is authenticated with the contents."""
    with pytest.raises(Closed):
        open_packet(change_header(seal_packet(), **change), device_secret, code)


@pytest.mark.parametrize("life", [timedelta(0), timedelta(seconds=-1), timedelta(minutes=10, microseconds=1)])
def test_a_packet_lives_ten_minutes_at_most(seal_packet: SealPacket, issued_at: datetime, life: timedelta) -> None:
    """Longer, empty and negative lives cannot be sealed."""
    with pytest.raises(HandOverError, match="ten minutes at most"):
        seal_packet(expires_at=issued_at + life)


def test_a_packet_does_not_outlast_the_window(seal_packet: SealPacket, issued_at: datetime) -> None:
    """With five minutes of the plan's window left, ten minutes are refused."""
    with pytest.raises(HandOverError, match="within the plan's window"):
        seal_packet(not_after=issued_at + timedelta(minutes=5))


def test_the_same_task_sealed_twice_shares_no_key(
    make_contents: MakeContents, seal_packet: SealPacket, device_secret: Secret, code: str
) -> None:
    """Salt, nonce and packet id are fresh, so the files differ while the contents agree."""
    other = seal_packet(random_bytes=random.Random(99).randbytes)
    assert other != seal_packet()
    assert open_packet(other, device_secret, code) == make_contents()


def test_a_malformed_code_cannot_seal(seal_packet: SealPacket) -> None:
    """A code that nobody could type back is refused at sealing."""
    with pytest.raises(HandOverError):
        seal_packet(code="short")
