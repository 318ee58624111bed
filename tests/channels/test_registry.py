"""The registry: what is reached through it, so that nobody else loads an adapter."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from channels import registry
from channels.tiktok.codes import secret_bytes
from channels.tiktok.handoff import exercise_link, task_reference

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


def test_a_channel_that_is_not_used_has_none_either() -> None:
    """WeChat is refused before anything else is asked."""
    with pytest.raises(registry.UnknownChannelError, match="no signature opens it"):
        registry.exercise_receipt("wechat", "dlv-1")
