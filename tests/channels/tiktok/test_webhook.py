"""Webhooks: whose they are, by the reference's vector, and what they say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.contract import Secret
from channels.tiktok.webhook import WebhookRefused, signature, verified

KEY = Secret("secret")
AT_S = 1633174587
NOW = datetime.fromtimestamp(AT_S, UTC)
VECTOR = "6809a734f2043a2416489e43626bf25b98ad9e62d580e3b3a93440336e5ac61c"
SAID = {
    "client_key": "k",
    "event": "post.publish.publicly_available",
    "create_time": 1790000000,
    "user_openid": "act123",
    "content": json.dumps({"publish_id": "v_pub_file~v2-1.7312", "post_id": "7312345678901234567"}),
}


def call(said: Any, at_s: int = AT_S) -> tuple[bytes, str]:
    """A body and the header that TikTok would send with it."""
    body = json.dumps(said).encode()
    return body, f"t={at_s},s={signature(body, at_s, KEY)}"


def test_the_signature_is_the_references() -> None:
    """The vector of reference: platforms 1.10."""
    assert signature(b'{"event":"post.publish.complete"}', AT_S, KEY) == VECTOR


def test_a_signed_call_says_what_happened_to_which_post() -> None:
    """The content is JSON within JSON, and the post's id stays text."""
    event = verified(*call(SAID), KEY, NOW)
    assert (event.name, event.open_id) == ("post.publish.publicly_available", "act123")
    assert event.content["post_id"] == "7312345678901234567"
    assert event.at == datetime.fromtimestamp(1790000000, UTC)


@pytest.mark.parametrize("bit", range(0, 8 * 40, 37))
def test_one_flipped_bit_of_the_body_is_refused(bit: int) -> None:
    """Whatever it changes."""
    body, header = call(SAID)
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(WebhookRefused, match="not TikTok's"):
        verified(bytes(changed), header, KEY, NOW)


def test_another_clients_signature_is_refused() -> None:
    """The key is the client's own."""
    with pytest.raises(WebhookRefused, match="not TikTok's"):
        verified(*call(SAID), Secret("other"), NOW)


def test_another_time_under_the_same_signature_is_refused() -> None:
    """The time is signed too."""
    body, header = call(SAID)
    with pytest.raises(WebhookRefused, match="not TikTok's"):
        verified(body, header.replace(str(AT_S), str(AT_S + 1)), KEY, NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_five_minutes_are_the_most(seconds: int) -> None:
    """Both ways, for clocks are not the same."""
    with pytest.raises(WebhookRefused, match="five minutes"):
        verified(*call(SAID), KEY, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_will_do(seconds: int) -> None:
    """At the edge it still counts."""
    assert verified(*call(SAID), KEY, NOW + timedelta(seconds=seconds)).open_id == "act123"


@pytest.mark.parametrize("header", ["", "t=1", f"s={VECTOR}", f"t=x,s={VECTOR}", f"t={AT_S},s={VECTOR.upper()}"])
def test_a_header_of_another_form_is_refused(header: str) -> None:
    """Nothing is guessed from it."""
    with pytest.raises(WebhookRefused, match="TikTok-Signature"):
        verified(b"{}", header, KEY, NOW)


@pytest.mark.parametrize(
    "said",
    [
        {},
        [],
        {**SAID, "content": "{"},
        {**SAID, "content": "[]"},
        {**SAID, "content": 7},
        {**SAID, "event": None},
        {**SAID, "create_time": "soon"},
        {**SAID, "create_time": 10**30},
    ],
)
def test_a_signed_call_that_says_nothing_is_refused(said: Any) -> None:
    """With one kind of error, whatever is wrong."""
    with pytest.raises(WebhookRefused, match="says nothing"):
        verified(*call(said), KEY, NOW)
