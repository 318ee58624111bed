"""What a deployment may say of a channel's limits and prices."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from channels.capabilities import Rate
from dispatcher.domain.errors import Invalid
from dispatcher.settings import ChannelFigures, Settings, Timing, load_settings

OWN = Rate(3000, 60.0, burst=1000, daily=250_000)


def settings(folder: Path, more: str) -> Settings:
    """The settings of a deployment with these tables."""
    (folder / "deployment.toml").write_text(f'deployment = "example"\nkind = "test"\n{more}')
    return load_settings(folder)


@pytest.mark.parametrize(
    ("figures", "rate"),
    [
        (ChannelFigures(), OWN),
        (ChannelFigures(sends_per_minute=0), None),
        (ChannelFigures(sends_per_minute=21_600), Rate(21_600, 60.0, burst=360, daily=250_000)),
        (ChannelFigures(sends_per_minute=60, burst=5, sends_per_day=100), Rate(60, 60.0, burst=5, daily=100)),
        (ChannelFigures(burst=10), Rate(3000, 60.0, burst=10, daily=250_000)),
        (ChannelFigures(sends_per_day=50), Rate(3000, 60.0, burst=1000, daily=50)),
    ],
)
def test_a_deployment_may_say_another_limit_than_the_adapter(figures: ChannelFigures, rate: Rate | None) -> None:
    """A raised one, a lower one, or none."""
    assert figures.rate(OWN) == rate


def test_without_a_limit_of_its_own_a_channel_has_none() -> None:
    """Unless the deployment says one."""
    assert ChannelFigures().rate(None) is None
    assert ChannelFigures(sends_per_minute=60).rate(None) == Rate(60, 60.0, burst=1)


def test_the_price_of_a_day_is_the_newest_that_is_in_force(tmp_path: Path) -> None:
    """Yesterday's stands until the new one begins; before the first there is none."""
    made = settings(
        tmp_path,
        '[[price]]\nchannel = "notify"\nsince = 2025-04-01\npence_per_thousand = 2000\nsource = "old list"\n'
        '[[price]]\nchannel = "notify"\nsince = 2026-04-01\npence_per_thousand = 2400\nsource = "new list"\n',
    )
    days = (date(2025, 3, 31), date(2025, 4, 1), date(2026, 3, 31), date(2026, 4, 1))
    prices = [made.price("notify", day) for day in days]
    assert [price and price.pence_per_thousand for price in prices] == [None, 2000, 2000, 2400]


@pytest.mark.parametrize(
    "more",
    [
        '[[price]]\nchannel = "notify"\nsince = "April"\npence_per_thousand = 2400\nsource = "list"\n',
        '[[price]]\nchannel = "notify"\nsince = 2026-04-01\npence_per_thousand = 2.4\nsource = "list"\n',
        '[[price]]\nchannel = "notify"\nsince = 2026-04-01\npence_per_thousand = -1\nsource = "list"\n',
        '[[price]]\nchannel = "notify"\nsince = 2026-04-01\n',
        '[[price]]\nchannels = "notify"\n',
        '[price]\nchannel = "notify"\n',
        "[channel.notify]\nsends_per_minute = -1\n",
        "[channel.notify]\nburst = 0\n",
        "[channel.notify]\nsends_per_minute = true\n",
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(more: str, tmp_path: Path) -> None:
    """Money without whole pence or a date, limits below zero."""
    with pytest.raises(Invalid, match=r"price|channel\.notify"):
        settings(tmp_path, more)


def test_exercises_may_have_a_far_side_for_mail_beside_the_other(tmp_path: Path) -> None:
    """An exercise account may point to either, and to nothing where neither is said."""
    made = settings(tmp_path, 'simulator = "http://127.0.0.1:8790"\nsimulator_smtp = "smtp://127.0.0.1:8791"\n')
    assert made.simulated == {"127.0.0.1:8790", "127.0.0.1:8791"}
    assert settings(tmp_path, "").simulated == frozenset()


def test_a_deployment_may_list_hosts_for_confined_senders(tmp_path: Path) -> None:
    """As strings, in the order in which they stand."""
    assert settings(tmp_path, 'egress = ["open.example", "b:8443"]').egress == ("open.example", "b:8443")


@pytest.mark.parametrize("egress", ['"open.example"', "[443]", "true"])
def test_what_is_no_list_of_hosts_is_refused(egress: str, tmp_path: Path) -> None:
    """With what one looks like."""
    with pytest.raises(Invalid, match="egress must be a list of texts"):
        settings(tmp_path, f"egress = {egress}")


def test_a_post_that_is_not_ours_is_told_of_within_a_minute() -> None:
    """The longest wait for a look, and a poll each of who looks and of who tells (reference: reliability 7)."""
    assert Timing().foreign_ms + 2 * Timing().poll_ms <= 60_000 - 8_000, "eight seconds are left for the look itself"
