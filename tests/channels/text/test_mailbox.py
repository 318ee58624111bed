"""E-mail addresses: which can be sent to as they are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.text import mailbox_fault


@pytest.mark.parametrize(
    "address",
    [
        "news@paper.example",
        "a.b+c@x-y.example",
        "o'brien@paper.example",
        f"{'a' * 64}@paper.example",
        f"news@{'a.' * 121}example",  # 254 characters
    ],
)
def test_plain_addresses_are_taken(address):
    """With the marks that people have in theirs."""
    assert mailbox_fault(address) == ""


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("", "no e-mail address"),
        ("07700 900123", "no e-mail address"),
        ("desk@paper", "no e-mail address"),
        ("Zoë@paper.example", "no e-mail address"),
        ("news@b\u00fccher.example", "no e-mail address"),
        ('"a b"@paper.example', "no e-mail address"),
        ("news@[192.0.2.1]", "no e-mail address"),
        ("News <news@paper.example>", "no e-mail address"),
        ("a..b@paper.example", "no e-mail address"),
        ("news@-a.example", "no e-mail address"),
        ("news@paper.example\n", "no e-mail address"),
        (f"{'a' * 65}@paper.example", "too long"),
        (f"news@{'a.' * 121}examples", "too long"),
    ],
)
def test_what_no_server_need_take_is_told(address, fault):
    """Without the address."""
    told = mailbox_fault(address)
    assert fault in told
    assert not address or address not in told


@settings(max_examples=300)
@given(st.text() | st.from_regex(r"[^@]{1,20}@[^@]{1,20}\\.[a-z]{2,5}", fullmatch=True))
def test_no_address_that_is_taken_holds_what_ends_a_line_or_an_envelope(address):
    """Whatever is read as an address is one word of ASCII without angle brackets."""
    if not mailbox_fault(address):
        assert address.isascii()
        assert not set(address) & set('\r\n\t\0 <>,;:"\\()[]')
