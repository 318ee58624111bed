"""A live sender looks, once, whether it reaches a platform that its host must not reach (mitigation M12)."""

from __future__ import annotations

import socket

import pytest

from dispatcher import sender_bootstrap
from dispatcher.gate.policy import Policies
from tests.cast import policies


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that are looked at; of TikTok's, one is reached."""
    hosts: list[str] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        hosts.append(address[0])
        if address == ("www.tiktok.com", 443):
            return socket.socket()
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", connect)
    return hosts


def reached(*channels: str, known: Policies | None = None) -> tuple[str, ...]:
    """What a sender that holds these channels finds."""
    return sender_bootstrap._reached(known or policies(), channels)


def test_a_host_that_is_reached_is_named(looked: list[str]) -> None:
    """Of all of TikTok's hosts, the one that answers."""
    assert reached("tiktok") == ("www.tiktok.com",)
    assert set(looked) == {"tiktok.com", "www.tiktok.com", "open.tiktokapis.com"}


def test_nobody_looks_where_policy_does_not_ask(looked: list[str]) -> None:
    """WeChat has hosts and no mitigations, X neither."""
    assert (reached("x", "wechat"), looked) == ((), [])
