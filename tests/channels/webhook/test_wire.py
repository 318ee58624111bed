"""Events and signatures as Standard Webhooks 1.0 has them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from channels.contract import DeliveryKind, Secret, Verdict
from channels.http import Answer
from channels.webhook import wire

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def answer(status, **headers):
    """An answer with that status."""
    return Answer(status, headers, b"", 3.0)


def test_the_published_vector_is_signed_as_published():
    """The standard's own example gives the standard's own signature."""
    sent = datetime.fromtimestamp(1614265330, UTC)
    headers = wire.headers(wire.key(Secret(SECRET)), "msg_p5jXN8AQM9LWM0D4loKWxJek", sent, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_reference_library_verifies_an_event(make_job):
    """A receiver that uses the standard's own library takes what we send."""
    body = wire.body(make_job())
    headers = wire.headers(wire.key(Secret(SECRET)), "d-1", datetime.now(UTC), body)
    assert Webhook(SECRET).verify(body, headers)["data"]["texts"][1]["headline"] == "Afon yn codi"


def test_the_reference_library_refuses_a_changed_event(make_job):
    """One changed letter voids the signature."""
    body = wire.body(make_job())
    headers = wire.headers(wire.key(Secret(SECRET)), "d-1", datetime.now(UTC), body)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"rising", b"fallen"), headers)


def test_a_repeat_carries_the_same_bytes(make_job):
    """The body does not depend on the attempt."""
    job = make_job()
    assert wire.body(job) == wire.body(replace(job, attempt=9))


def test_an_event_tells_what_the_rendering_holds(make_job):
    """Type, release time, ids and the rendering's data make the event; nothing is added to the data."""
    job = make_job(kind=DeliveryKind.CORRECT, original="d-0")
    event = json.loads(wire.body(job))
    assert (event["type"], event["timestamp"]) == ("alert.corrected", "2026-11-21T11:59:00Z")
    assert event["data"] == {**job.rendering.options["data"], "id": "d-1", "original": "d-0"}


@pytest.mark.parametrize("delivery", ["a.b", "", "a b", "a\r\nb", "ü", "x" * 101])
def test_an_id_that_would_spoil_the_signature_becomes_a_digest(delivery):
    """A full stop separates id, time and body, so it may not stand in the id."""
    assert len(wire.event_id(delivery)) == 32
    assert wire.event_id(delivery).isalnum()


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", SECRET[6:], "whsec_c2hvcnQ=", "whsec_" + "A" * 88])
def test_a_bad_secret_is_refused_without_being_shown(secret):
    """Wrong prefix, wrong alphabet and wrong length are refused when the adapter is made."""
    with pytest.raises(ValueError, match="24 to 64 bytes") as caught:
        wire.key(Secret(secret))
    assert secret in {"", "whsec_"} or secret not in str(caught.value)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_is_acceptance(status):
    """Every 2xx means that the receiver has the event."""
    assert wire.outcome(answer(status), "d-1", NOW).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_an_answer_that_proves_nothing_is_in_doubt(status):
    """A proxy may have lost the answer of a receiver that acted."""
    assert wire.outcome(answer(status), "d-1", NOW).verdict is Verdict.IN_DOUBT


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_the_endpoints_wish_is_heard(status):
    """Whoever says when to come back has not taken the event: it waits that long."""
    outcome = wire.outcome(answer(status, **{"Retry-After": "7"}), "d-1", NOW)
    assert (outcome.verdict, outcome.retry_after_s) == (Verdict.DEFERRED, 7.0)


def test_throttling_without_a_hint_is_deferred():
    """The engine's own schedule says when."""
    assert wire.outcome(answer(429), "d-1", NOW).verdict is Verdict.DEFERRED


@pytest.mark.parametrize(
    ("status", "says"), [(301, "not followed"), (308, "not followed"), (410, "gone"), (401, "secret")]
)
def test_a_refusal_says_what_to_do(status, says):
    """Redirects, a closed endpoint and a refused event end the delivery with advice."""
    outcome = wire.outcome(answer(status), "d-1", NOW)
    assert outcome.verdict is Verdict.REJECTED
    assert says in outcome.reason
