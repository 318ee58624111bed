"""Release codes, device secrets and the ten minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.by_hand import HandOverError
from channels.contract import Secret
from channels.tiktok import codes

ISSUED_AT = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)


def all_ones(count: int) -> bytes:
    """The largest number that many bytes can hold."""
    return b"\xff" * count


def test_a_release_code_is_two_groups_of_five() -> None:
    """The largest number spells as ten times the last letter of the alphabet."""
    assert codes.release_code(all_ones) == "ZZZZZ-ZZZZZ"


def test_a_release_code_carries_fifty_bits() -> None:
    """Each of the fifty highest random bits changes the code."""
    numbers = (1 << bit for bit in range(6, 56))
    spelled = {codes.release_code(lambda count: next(numbers).to_bytes(count, "big")) for _ in range(50)}
    assert len(spelled) == 50
    assert "00000-00000" not in spelled


@given(st.binary(min_size=7, max_size=7))
def test_a_code_read_from_its_own_display_is_the_same(data: bytes) -> None:
    """Normalising removes the hyphen and nothing else."""
    shown = codes.release_code(lambda count: data)
    assert codes.normalise_code(shown) == shown.replace("-", "")


def test_typed_codes_are_forgiven_case_spaces_hyphens_and_lookalikes() -> None:
    """O reads as zero, I and L as one, in either case."""
    assert codes.normalise_code(" o1il-abc xyz\t") == "0111ABCXYZ"


@pytest.mark.parametrize("typed", ["", "7K3QM-2F9X", "7K3QM-2F9XDA", "UUUUU-UUUUU", "7K3QM-2F9X!", "7K3QM-2F9Xé"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    """Wrong lengths and foreign characters raise."""
    with pytest.raises(HandOverError, match="release code"):
        codes.normalise_code(typed)


@given(st.binary(min_size=32, max_size=32))
def test_a_device_secret_reads_back_as_its_bytes(data: bytes) -> None:
    """What is shown at registration carries all 256 bits."""
    assert codes.secret_bytes(codes.device_secret(lambda count: data)) == data


def test_a_device_secret_is_shown_in_eight_groups_of_seven() -> None:
    """Fifty-six characters are 256 bits and a 24-bit checksum."""
    groups = codes.device_secret(all_ones).reveal().split("-")
    assert [len(group) for group in groups] == [7] * 8


@given(st.integers(min_value=0, max_value=55))
def test_one_wrong_character_in_a_device_secret_is_noticed(place: int) -> None:
    """The checksum refuses a slip at any place."""
    shown = codes.device_secret(all_ones).reveal().replace("-", "")
    wrong = "0" if shown[place] != "0" else "1"
    with pytest.raises(HandOverError, match="a character is wrong"):
        codes.secret_bytes(Secret(shown[:place] + wrong + shown[place + 1 :]))


def test_an_error_does_not_repeat_the_secret() -> None:
    """The message about a malformed secret holds none of what was typed."""
    with pytest.raises(HandOverError) as caught:
        codes.secret_bytes(Secret("HUNTER2"))
    assert "HUNTER2" not in str(caught.value)


@pytest.mark.parametrize(("minutes", "seconds", "late"), [(0, 5, False), (10, 0, False), (10, 1, True)])
def test_a_receipt_is_late_after_ten_minutes(minutes: int, seconds: int, late: bool) -> None:
    """Ten minutes exactly is still in time."""
    received_at = ISSUED_AT + timedelta(minutes=minutes, seconds=seconds)
    assert codes.receipt_is_late(ISSUED_AT, received_at) is late
