"""Texts, tokens and answers as GOV.UK Notify has them."""

import json
from datetime import UTC, datetime

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Found, Secret, Seen, Verdict
from channels.http import Answer
from channels.notify import wire
from channels.notify.simulator_rules import as_sent

SERVICE, SECRET = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
NUMBER = "07700 900123"


def answer(status, document=None):
    """An answer with that status and JSON."""
    return Answer(status, {}, b"" if document is None else json.dumps(document).encode(), 3.0)


def error(status, name, message="No."):
    """An error as Notify words it."""
    return answer(status, {"status_code": status, "errors": [{"error": name, "message": message}]})


def judged(given_answer):
    """The outcome of a sending to NUMBER that was answered so."""
    return wire.outcome(given_answer, "Hello", Secret(NUMBER), datetime(2026, 11, 21, tzinfo=UTC))


def test_a_token_names_the_service_and_the_time(content):
    """Each request is signed with the key's secret for the moment it is made."""
    headers = wire.ApiKey.parse(Secret(f"my-key-{SERVICE}-{SECRET}")).headers(content.valid_until)
    token = headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_iat": False})
    assert claims == {"iss": SERVICE, "iat": int(content.valid_until.timestamp())}


@pytest.mark.parametrize("key", ["", "x", f"{SERVICE}-{SECRET}", f"name-{SERVICE}", f"name-{SERVICE}-{SECRET}0"])
def test_a_bad_key_is_refused_without_being_shown(key):
    """The message says what a key looks like, not what was given."""
    with pytest.raises(ValueError, match="api_key must be") as caught:
        wire.ApiKey.parse(Secret(key))
    assert len(key) < 2 or key not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("a" * 919, "919 characters (7 gsm7 segments), 918 fit"),
        ("ŵ" + "a" * 918, "919 characters (14 ucs2 segments), 918 fit"),
        ("Zażółć", "replace"),
        ("Stay in 🏠", "replace"),
        ("two  spaces", "tidy"),
        ("end. ", "tidy"),
        ("line \nline", "tidy"),
        ("space , comma", "tidy"),
        ("a\n\n\n\nb", "tidy"),
        ("a\tb", "invisible"),
    ],
)
def test_a_text_that_would_not_arrive_as_signed_is_named(text, says):
    """Too long, or letters and spaces that Notify would change."""
    assert any(says in fault for fault in wire.text_faults(text))


@pytest.mark.parametrize(
    "text", ["a" * 918, "Rhybudd: llifogydd yn Llŷn. Ewch i dir uwch.\n\nŴ Ẃ Ẅ Ẁ", "€5 [sic] {x}"]
)
def test_a_text_of_english_or_welsh_arrives_as_signed(text):
    """What Notify sends unchanged has no faults."""
    assert wire.text_faults(text) == ()


@given(
    st.text(alphabet=st.one_of(st.sampled_from(" .,\n\t'’–ŵáÿ🏠ż\u00a0\u200b€"), st.characters(max_codepoint=0x17F)))
)
def test_what_passes_is_sent_unchanged(text):
    """The adapter's rules against the simulated Notify's: a text without faults leaves as it was signed."""
    assert wire.text_faults(text) or as_sent(text) == text


@pytest.mark.parametrize(
    ("given_answer", "verdict"),
    [
        (answer(201, {"id": "n-1", "content": {"body": "Hello"}}), Verdict.ACCEPTED),
        (error(400, "ValidationError"), Verdict.REJECTED),
        (error(400, "BadRequestError"), Verdict.REJECTED),
        (error(401, "AuthError"), Verdict.REJECTED),
        (error(403, "AuthError", "Invalid token: API key revoked"), Verdict.REJECTED),
        (error(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds"), Verdict.DEFERRED),
        (error(404, "NoResultFound"), Verdict.REJECTED),
        (error(429, "RateLimitError"), Verdict.DEFERRED),
        (error(429, "TooManyRequestsError"), Verdict.REJECTED),
        (error(500, "Exception"), Verdict.IN_DOUBT),
        (error(504, "EventletTimeout"), Verdict.IN_DOUBT),
        (answer(503), Verdict.IN_DOUBT),
        (answer(408), Verdict.IN_DOUBT),
        (answer(302), Verdict.IN_DOUBT),
        (answer(200), Verdict.IN_DOUBT),
        (answer(201), Verdict.IN_DOUBT),
        (answer(201, {"id": 7}), Verdict.IN_DOUBT),
    ],
)
def test_an_answer_is_judged_by_status_and_class(given_answer, verdict):
    """Each row of Notify's error table, and answers that say nothing."""
    assert judged(given_answer).verdict is verdict


def test_the_minute_limit_concerns_the_whole_account():
    """All that the account sends slows down for about a second."""
    outcome = judged(error(429, "RateLimitError"))
    assert (outcome.retry_after_s, outcome.account_wide) == (1.0, True)


def test_the_daily_limit_ends_the_account_for_today():
    """It is not tried again, and the code says why."""
    outcome = judged(error(429, "TooManyRequestsError"))
    assert (outcome.code, outcome.account_wide, outcome.retry_after_s) == ("TooManyRequestsError", True, None)


@pytest.mark.parametrize("echo", [NUMBER, "+447700900123", "(07700) 900-123", "447700900123"])
def test_a_number_in_notifys_words_is_scrubbed(echo):
    """Whatever form of a number an error repeats, it does not reach the outcome."""
    outcome = judged(error(400, "ValidationError", f"phone_number {echo} is not valid"))
    assert echo not in repr(outcome)
    assert "ValidationError: phone_number *** is not valid" in outcome.reason


@pytest.mark.parametrize("echo", ["News@Paper.example", "news@paper.example", "<news@paper.example>"])
def test_an_address_in_notifys_words_is_scrubbed(echo):
    """As it was given, and as Notify keeps it."""
    refusal = error(400, "ValidationError", f"email_address {echo} is not valid")
    outcome = wire.outcome(refusal, "Hello", Secret("News@Paper.example"), datetime(2026, 11, 21, tzinfo=UTC))
    assert "paper" not in repr(outcome).lower()
    assert "ValidationError: email_address" in outcome.reason


def test_a_number_as_error_class_is_not_recorded():
    """The code is a class name or nothing."""
    assert judged(error(400, NUMBER)).code == ""


def test_a_template_that_adds_words_shows_in_the_outcome():
    """The message was taken, and people learn that it is not the one they signed."""
    outcome = judged(answer(201, {"id": "n-1", "content": {"body": "Dear all, Hello"}}))
    assert outcome.verdict is Verdict.ACCEPTED
    assert "another text" in outcome.reason


@pytest.mark.parametrize(
    ("given_answer", "expected"),
    [
        (answer(200, {"notifications": [], "links": {}}), Found.ABSENT),
        (answer(200, {"notifications": [{"id": "n-1", "status": "technical-failure"}]}), Found.FOUND),
        (answer(200), Found.UNKNOWN),
        (answer(200, {"links": {}}), Found.UNKNOWN),
        (answer(200, {"notifications": [None]}), Found.UNKNOWN),
        (answer(200, {"notifications": [{"status": "delivered"}]}), Found.UNKNOWN),
        (error(403, "AuthError"), Found.UNKNOWN),
        (answer(503), Found.UNKNOWN),
    ],
)
def test_only_an_empty_list_means_absent(given_answer, expected):
    """Any other answer to a look-up proves nothing."""
    assert wire.finding(given_answer).found is expected


def test_a_found_message_tells_its_status():
    """A technical failure was taken by Notify, and people should know."""
    finding = wire.finding(answer(200, {"notifications": [{"id": "n-1", "status": "technical-failure"}]}))
    assert (finding.reference, finding.reason) == ("n-1", "Notify's status is technical-failure")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("delivered", Seen.VISIBLE),
        ("sent", Seen.VISIBLE),
        ("created", Seen.UNKNOWN),
        ("sending", Seen.UNKNOWN),
        ("pending", Seen.UNKNOWN),
        ("permanent-failure", Seen.MISSING),
        ("temporary-failure", Seen.MISSING),
        ("technical-failure", Seen.MISSING),
    ],
)
def test_a_status_says_what_the_recipient_has(status, expected):
    """Delivered is visible, under way is unknown, a failure is missing."""
    assert wire.read_back(answer(200, {"status": status, "body": "Hello"}), "Hello").seen is expected


def test_another_text_on_the_phone_is_noticed():
    """Delivered with other words is altered."""
    seen = wire.read_back(answer(200, {"status": "delivered", "body": "Goodbye"}), "Hello")
    assert (seen.seen, seen.text) == (Seen.ALTERED, "Goodbye")
