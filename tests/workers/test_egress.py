"""What the egress role lets through: data of the deployment and of the lane's adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.errors import Invalid
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.egress.guard import Guard
from dispatcher.sender_bootstrap import egress_socket
from dispatcher.settings import Settings
from workers.egress import guard


def settings(kind: DeploymentKind = DeploymentKind.PRODUCTION, *egress: str) -> Settings:
    """A deployment with these hosts."""
    simulator = "http://127.0.0.1:8790"
    return Settings(Path("/nowhere"), "example", kind, "", simulator=simulator, egress=egress)


def test_an_exercise_reaches_the_simulator_only() -> None:
    """Whatever the deployment lists for its live senders."""
    found = guard(settings(DeploymentKind.PRODUCTION, "open.example"), Mode.EXERCISE)
    assert found == Guard(frozenset({"127.0.0.1:8790"}), allow_private=True)


def test_hand_off_needs_no_host() -> None:
    """TikTok's adapter names none: by itself the live list is empty, and everything is refused."""
    assert guard(settings(), Mode.LIVE) == Guard(frozenset())


def test_a_deployment_may_list_hosts() -> None:
    """They are reached at public addresses only."""
    found = guard(settings(DeploymentKind.PRODUCTION, "open.example", "upload.example:8443"), Mode.LIVE)
    assert found == Guard(frozenset({"open.example", "upload.example:8443"}), allow_private=False)


def test_a_test_deployment_reaches_private_addresses() -> None:
    """Of hosts that it lists: its far sides are simulated."""
    found = guard(settings(DeploymentKind.TEST, "127.0.0.1:8790"), Mode.LIVE)
    assert found == Guard(frozenset({"127.0.0.1:8790"}), allow_private=True)


def test_a_host_that_is_none_is_no_start() -> None:
    """The message names it and says what a list looks like."""
    with pytest.raises(Invalid, match=r"deployment.toml: 'https://open.example' is not host or host:port"):
        guard(settings(DeploymentKind.PRODUCTION, "https://open.example"), Mode.LIVE)


def test_each_mode_has_a_socket_of_its_own() -> None:
    """In the folder that is the group's."""
    names = {str(egress_socket(settings(), mode)) for mode in Mode}
    assert names == {"/nowhere/run/egress/live.sock", "/nowhere/run/egress/exercise.sock"}
