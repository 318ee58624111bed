"""Where accounts may go; and a live sender looks once whether it reaches what its host must not (mitigation M12)."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from channels.contract import Account, Secret
from channels.http import HttpPolicy
from dispatcher import sender_bootstrap
from dispatcher.domain.errors import Forbidden
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy import Policies
from dispatcher.sending.credentials import Credential
from dispatcher.settings import Settings, Timing
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


PRODUCTION = Settings(
    Path("nowhere"),
    "example",
    DeploymentKind.PRODUCTION,
    "",
    simulator="http://127.0.0.1:8790",
    simulator_smtp="smtp://127.0.0.1:8791",
)


def press(base_url: str, mode: Mode = Mode.LIVE) -> Credential:
    """The credential of a press list account at this mail server."""
    return Credential(Account("press-1", "press_email", "Press office", ("en-GB",), {"base_url": base_url}), mode, {})


def test_a_live_mail_server_is_reached_under_tls_only() -> None:
    """The policy that the SMTP client goes by names the server, and nothing private."""
    found = sender_bootstrap.network(PRODUCTION, press("smtps://mail.city.example"))
    assert found == HttpPolicy(frozenset({"mail.city.example"}), allow_private=False, https_only=True)


@pytest.mark.parametrize("url", ["smtp://mail.city.example", "smtps://10.0.0.1", "smtps://mail.internal"])
def test_a_live_mail_server_in_the_clear_or_private_is_no_start(url: str) -> None:
    """In a production deployment."""
    with pytest.raises(Forbidden, match="not a public https or smtps address"):
        sender_bootstrap.network(PRODUCTION, press(url))


def test_an_exercise_reaches_the_simulated_mail_server() -> None:
    """In the clear, at its own port."""
    found = sender_bootstrap.network(PRODUCTION, press("smtp://127.0.0.1:8791", Mode.EXERCISE))
    assert "127.0.0.1:8791" in found.hosts
    assert not found.https_only


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:25", "smtps://mail.city.example"])
def test_an_exercise_reaches_no_other_mail_server(url: str) -> None:
    """A real one on the same machine would send to the press."""
    with pytest.raises(Forbidden, match="not to the simulator"):
        sender_bootstrap.network(PRODUCTION, press(url, Mode.EXERCISE))
    with pytest.raises(Forbidden, match="not to the simulator"):
        sender_bootstrap.network(replace(PRODUCTION, simulator_smtp=""), press(url, Mode.EXERCISE))


@pytest.mark.parametrize(
    ("role", "channel", "egress"),
    [("tiktok-sender", "tiktok", "run/egress/live.sock"), ("accounts", "webhook", None)],
)
def test_a_confined_role_goes_out_through_the_proxy(
    tmp_path: Path, role: str, channel: str, egress: str | None
) -> None:
    """Whatever the account; the others go out themselves."""
    settings = replace(PRODUCTION, root=tmp_path, timing=Timing())
    vault = settings.vault(Mode.LIVE, role)
    vault.create()
    account = Account("city", channel, "@city", ("en-GB",), {"base_url": "https://hooks.city.example/a"})
    vault.put(Credential(account, Mode.LIVE, {"secret": Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}))
    outlets = sender_bootstrap.VaultOutlets(settings, vault)
    assert [policy.egress for _, policy in outlets._clients] == [egress and tmp_path / egress]
