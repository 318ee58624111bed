"""The live path from declaration to read receipt, in a test deployment; and the processes that refuse to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from channels.contract import Account, Secret
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.credentials import Credential
from tests.e2e.deployment import BOTH, LIST_SIZE, USERS, Cleared, Deployment, deployment_at

pytestmark = pytest.mark.system

LIVE = (("x", "live-x"), ("bluesky", "live-bluesky"), ("webhook", "live-webhook"), ("cap_feed", "live-feed"))
"""The account posts; the list and the hand-off come besides."""

FORBIDDEN = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """A live plan that went out, and how its deliveries ended."""

    site: Deployment
    plan: Cleared
    states: dict[str, int]


@pytest.fixture(scope="module")
def sent(empty: Deployment) -> Iterator[Sent]:
    """One live plan, cleared and released with every live role running, beside an account for exercises."""
    for channel, name in (*LIVE, ("notify", "live-sms"), ("tiktok", "live-tiktok")):
        empty.add(channel, name, Mode.LIVE)
    empty.add("x", "x-city")
    empty.add_list("residents", mode=Mode.LIVE)
    with empty.up(Mode.LIVE):
        names = (*(name for _, name in LIVE), "live-sms", "live-tiktok")
        plan = empty.cleared(*names, mode=Mode.LIVE, languages=BOTH)
        empty.release(plan)
        yield Sent(empty, plan, empty.ended(plan))


def test_a_live_plan_goes_out_on_every_channel(sent: Sent) -> None:
    """Posts, alert and every text message are accepted; TikTok waits for two operators."""
    assert sent.states == {"accepted": len(LIVE) + LIST_SIZE, "handed_over": 1}


def test_every_platform_shows_what_was_signed_once(sent: Sent) -> None:
    """By the far sides' own count: one post each, one message a number, one alert."""
    shown = {name: len(sent.site.published(name, sent.plan.headline)) for name in ("x", "bluesky", "webhook")}
    assert shown == {"x": 1, "bluesky": 1, "webhook": 1}
    assert len(sent.site.published("notify")) == LIST_SIZE
    assert [sent.plan.headline in alert for alert in sent.site.alerts()] == [True]


def test_a_live_text_does_not_say_exercise(sent: Sent) -> None:
    """Neither in a post nor in the alert."""
    texts = [effect["text"] for effect in sent.site.journal()["effects"]] + sent.site.alerts()
    assert len(texts) == len(LIVE) + LIST_SIZE
    assert [text for text in texts if "exercise" in text.lower()] == []


def test_a_live_plan_uses_live_accounts_only(sent: Sent) -> None:
    """No platform hears from the account that is kept for exercises."""
    assert sent.site.desk.settings.vault(Mode.EXERCISE, "accounts").holds("x-city")
    assert {request["account"] for request in sent.site.requests("x")} == {USERS["live-x"]}


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Deployment]:
    """A production deployment."""
    with deployment_at(tmp_path, DeploymentKind.PRODUCTION) as site:
        yield site


def plant(site: Deployment, mode: Mode, where: Mode, address: str) -> None:
    """Put a sealed credential of one mode into the accounts role's folder of a mode, past every check of adding."""
    settings = {"base_url": address, "user_id": "9501"}
    account = Account("planted-x", "x", "@planted", ("en-GB",), settings)
    site.desk.settings.vault(where, "accounts").put(Credential(account, mode, {"token": Secret("sim-9501")}))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/x", "https://10.1.2.3/x", "https://localhost/x", "http://api.example.org/x"]
)
def test_a_live_account_at_a_private_address_does_not_start_in_production(
    production: Deployment, address: str
) -> None:
    """The role ends at once, refused by policy, naming the account and what to do about it."""
    plant(production, Mode.LIVE, Mode.LIVE, address)
    done = production.run("worker", "accounts", "--mode", "live")
    assert done.returncode == FORBIDDEN
    assert "live account planted-x points to" in done.stderr
    assert "Next: mend the account, or use a deployment of kind test" in done.stderr


@pytest.mark.parametrize("mode", list(Mode))
def test_a_role_that_finds_a_credential_of_the_other_mode_does_not_start(empty: Deployment, mode: Mode) -> None:
    """Neither an exercise with a live account, nor the other way round."""
    other = next(found for found in Mode if found is not mode)
    plant(empty, other, mode, f"{empty.simulator}/x")
    try:
        done = empty.run("worker", "accounts", "--mode", str(mode))
    finally:
        (empty.folder / "credentials" / str(mode) / "accounts" / "planted-x.age").unlink()
    assert done.returncode == FORBIDDEN
    assert f"is for {other}, this process serves {mode}" in done.stderr


def test_an_exercise_account_away_from_the_simulator_does_not_start(empty: Deployment) -> None:
    """An exercise reaches nothing else, whatever its credential file says."""
    plant(empty, Mode.EXERCISE, Mode.EXERCISE, "https://api.example.org/x")
    try:
        done = empty.run("worker", "accounts", "--mode", "exercise")
    finally:
        (empty.folder / "credentials" / "exercise" / "accounts" / "planted-x.age").unlink()
    assert done.returncode == FORBIDDEN
    assert "exercise accounts reach the simulator only" in done.stderr


def test_a_live_sender_of_tiktok_that_is_not_confined_does_not_start(empty: Deployment) -> None:
    """It says what it found open, and how it is started right."""
    done = empty.run("worker", "tiktok-sender", "--mode", "live")
    assert done.returncode == FORBIDDEN
    assert "tiktok-sender is not confined: " in done.stderr
    assert str(empty.folder / "data") in done.stderr
    assert "python -m ops.deploy.confined tiktok-sender" in done.stderr
