"""Requests and answers as a Mastodon server has them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Finding, Found, Seen, Verdict
from channels.http import Answer
from channels.mastodon import wire
from channels.mastodon.simulator_html import shown

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BASE = "https://social.example"
STATUS = {
    "id": "115000000000000001",
    "url": f"{BASE}/@council/115000000000000001",
    "created_at": "2026-11-21T12:00:00.000Z",
    "edited_at": None,
    "content": "<p>Flood</p>",
    "visibility": "public",
}


def answer(status, document, **headers):
    """An answer with that status and body."""
    data = document.encode() if isinstance(document, str) else json.dumps(document).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data, 1.0)


def posted(status, document, first=True, **headers):
    """What a post that was answered so came to."""
    return wire.posted(answer(status, document, **headers), BASE, NOW, first=first)


def test_a_post_is_made_of_text_visibility_and_language(make_job):
    """Nothing else is said, and nothing that depends on the attempt."""
    body = {"status": "Flood\n\nRain.", "visibility": "public", "language": "en"}
    assert wire.body(make_job()) == wire.body(make_job(attempt=9)) == body


def test_an_edit_leaves_the_visibility_alone(make_job):
    """Who may see a post cannot be changed."""
    assert wire.edit(make_job()) == {"status": "Flood\n\nRain.", "language": "en"}


@pytest.mark.parametrize("delivery", ["dly-1", "a.b_c-9", "x" * 64])
def test_the_key_is_the_delivery(delivery):
    """People find a delivery by its name in a server's log."""
    assert wire.key(delivery) == delivery


@pytest.mark.parametrize("delivery", ["", "a b", "a\r\nb", "ü", "x" * 65])
def test_a_name_that_a_header_cannot_carry_becomes_a_digest(delivery):
    """64 hexadecimal letters, the same each time."""
    assert wire.key(delivery) == wire.key(delivery)
    assert len(wire.key(delivery)) == 64
    assert wire.key(delivery).isalnum()


@pytest.mark.parametrize(
    ("status", "body", "verdict", "code"),
    [
        (200, STATUS, Verdict.ACCEPTED, ""),
        (200, {"id": "9xYzAbC"}, Verdict.ACCEPTED, ""),
        (200, {"id": 7}, Verdict.IN_DOUBT, "http_200"),
        (200, {"id": "../1"}, Verdict.IN_DOUBT, "http_200"),
        (200, {"error": "Remote data could not be fetched"}, Verdict.IN_DOUBT, "http_200"),
        (200, "<html>", Verdict.IN_DOUBT, "http_200"),
        (202, STATUS, Verdict.IN_DOUBT, "http_202"),
        (302, "", Verdict.IN_DOUBT, "http_302"),
        (400, {"error": "There was a problem parsing the JSON"}, Verdict.REJECTED, "http_400"),
        (400, "<html>", Verdict.IN_DOUBT, "http_400"),
        (401, {"error": "The access token is invalid"}, Verdict.REJECTED, "credentials"),
        (403, {"error": "This action is outside the authorized scopes"}, Verdict.REJECTED, "forbidden"),
        (403, "blocked by a firewall", Verdict.IN_DOUBT, "http_403"),
        (404, {"error": "Record not found"}, Verdict.REJECTED, "not_found"),
        (408, {"error": "Timeout"}, Verdict.IN_DOUBT, "http_408"),
        (422, {"error": "Validation failed: Text can't be blank"}, Verdict.REJECTED, "invalid"),
        (425, {"error": "Early"}, Verdict.IN_DOUBT, "http_425"),
        (429, {"error": "Too many requests"}, Verdict.DEFERRED, "throttled"),
        (429, {"error": ""}, Verdict.IN_DOUBT, "http_429"),
        (500, {"error": "We're sorry, but something went wrong on our end."}, Verdict.IN_DOUBT, "http_500"),
        (503, {"error": "There was a temporary problem serving your request"}, Verdict.IN_DOUBT, "http_503"),
        (504, "<html>", Verdict.IN_DOUBT, "http_504"),
    ],
)
def test_what_each_answer_to_a_post_means(status, body, verdict, code):
    """The reference's table, and what lies between, each with its outcome and code."""
    outcome = posted(status, body)
    assert (outcome.verdict, outcome.code, outcome.status) == (verdict, code, status)


def test_not_found_is_no_refusal_of_a_repeat():
    """The key of a repeat may belong to a post that was deleted."""
    assert posted(404, {"error": "Record not found"}, first=False).verdict is Verdict.IN_DOUBT


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_no_word_of_the_server_is_kept(status):
    """An answer that echoes a token brings it nowhere."""
    outcome = posted(status, {"error": "sim-token-1001", "error_description": "sim-token-1001"})
    assert "sim-token" not in repr(outcome)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"X_RateLimit_Reset": "2026-11-21T12:00:40.000000Z"}, 40.0),
        ({"X_RateLimit_Reset": "2026-11-21T12:00:39.100000Z"}, 40.0),
        ({"X_RateLimit_Reset": "2026-11-21T13:00:40+01:00"}, 40.0),
        ({"X_RateLimit_Reset": "2026-11-21T11:00:00Z"}, 0.0),
        ({"X_RateLimit_Reset": "2026-11-21T12:00:40"}, None),
        ({"X_RateLimit_Reset": "1790000000"}, None),
        ({"X_RateLimit_Reset": "soon", "Retry_After": "7"}, 7.0),
        ({"X_RateLimit_Reset": "0001-01-01T00:00:00+23:59"}, 0.0),
        ({"Retry_After": "7"}, 7.0),
        ({}, None),
    ],
)
def test_the_wait_ends_at_a_date(headers, wait_s):
    """The reset is ISO 8601 and no number; without one Retry-After counts. It concerns the whole account."""
    outcome = posted(429, {"error": "Too many requests"}, **headers)
    assert (outcome.retry_after_s, outcome.account_wide) == (wait_s, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/1",
        f"{BASE}.elsewhere.example/1",
        "javascript:alert(1)",
        f"{BASE}/a b",
        f"{BASE}/\u202e",
        f"{BASE}/\u0430dmin",
        f"{BASE}/{'a' * 300}",
        7,
        None,
    ],
)
def test_an_address_elsewhere_is_not_passed_on(url):
    """People are only led to the account's own server."""
    outcome = posted(200, {**STATUS, "url": url})
    assert (outcome.verdict, outcome.url) == (Verdict.ACCEPTED, None)


@pytest.mark.parametrize(("status", "wide"), [(401, True), (403, False), (422, False)])
def test_a_token_that_is_refused_concerns_all_that_the_account_sends(status, wide):
    """Other refusals may be about this post only."""
    assert posted(status, {"error": "x"}).account_wide is wide


def test_an_edit_of_another_post_is_in_doubt():
    """The answer must be about the post that was edited."""
    assert wire.edited(answer(200, STATUS), "115000000000000002", BASE, NOW).verdict is Verdict.IN_DOUBT


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {**STATUS, "text": "Flood"}, Verdict.ACCEPTED),
        (404, {"error": "Record not found"}, Verdict.ACCEPTED),
        (410, {"error": "Gone"}, Verdict.ACCEPTED),
        (404, "<html>", Verdict.IN_DOUBT),
        (200, {}, Verdict.IN_DOUBT),
        (403, {"error": "This action is not allowed"}, Verdict.REJECTED),
        (429, {"error": "Too many requests"}, Verdict.DEFERRED),
        (503, "", Verdict.IN_DOUBT),
    ],
)
def test_what_each_answer_to_a_deletion_means(status, body, verdict):
    """A post that the server itself does not know is as good as withdrawn."""
    assert wire.deleted(answer(status, body), STATUS["id"], NOW).verdict is verdict


@pytest.mark.parametrize(
    ("status", "body", "seen"),
    [
        (200, STATUS, Seen.VISIBLE),
        (200, {**STATUS, "content": "<p>Fire</p>"}, Seen.ALTERED),
        (200, {**STATUS, "content": None}, Seen.UNKNOWN),
        (200, "<html>", Seen.UNKNOWN),
        (404, {"error": "Record not found"}, Seen.MISSING),
        (404, "<html>", Seen.UNKNOWN),
        (401, {"error": "The access token is invalid"}, Seen.UNKNOWN),
        (500, {"error": "Oops"}, Seen.UNKNOWN),
    ],
)
def test_what_the_public_sees(status, body, seen):
    """Missing is only what the server itself says is missing."""
    assert wire.looked_up(answer(status, body), "Flood").seen is seen


@pytest.mark.parametrize(
    "page",
    [
        {"error": "x"},
        "nothing",
        [1],
        [{**STATUS, "id": None}],
        [{**STATUS, "content": 3}],
        [{**STATUS, "created_at": "yesterday"}],
        [STATUS, {}],
    ],
)
def test_a_page_that_is_not_whole_is_no_page(page):
    """One status that cannot be read makes the record unread: ours could be that one."""
    assert wire.statuses(answer(200, page), BASE) is None


def test_a_visibility_that_is_none_makes_no_post_of_ours():
    """Whatever stands there, the page is read."""
    (post,) = wire.statuses(answer(200, [{**STATUS, "visibility": []}]), BASE)
    assert not post.ours


def test_a_page_tells_what_is_needed_of_each_status():
    """Text, time, whether it was edited, and whether it is a public post of the account's own."""
    boost = {**STATUS, "id": "2", "reblog": {}, "edited_at": "2026-11-21T12:01:00.000Z"}
    page = wire.statuses(answer(200, [STATUS, boost]), BASE)
    assert page == [
        wire.Post(STATUS["id"], "Flood", NOW, False, True, STATUS["url"]),
        wire.Post("2", "Flood", NOW, True, False, STATUS["url"]),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>Flood</p><p>Rain<br />now<br>here</p>", "Flood\nRain\nnow\nhere"),
        ('<p>a &amp; b &lt;c&gt; &#39;d&#39; <a href="https://x.example"><span>https://</span>x</a></p>',
         "a & b <c> 'd' https://x"),
        ("&amp;lt;", "&lt;"),
        ("<<<", "<<<"),
        ("&#" + "9" * 5000 + ";", "\ufffd;"),
    ],
)  # fmt: skip
def test_html_is_read_as_people_see_it(content, text):
    """Tags go, entities are decoded once, breaks stay."""
    assert wire.readable(content) == text


@pytest.mark.parametrize(
    ("content", "limits"),
    [
        ({"max_characters": 500, "characters_reserved_per_url": 23}, wire.Limits(500, 23)),
        ({"max_characters": 5000, "characters_reserved_per_url": 23, "more": 1}, wire.Limits(5000, 23)),
        ({"max_characters": True, "characters_reserved_per_url": 23}, None),
        ({"max_characters": 0, "characters_reserved_per_url": 23}, None),
        ({"max_characters": 500}, None),
        ([], None),
    ],
)
def test_a_servers_limits_are_read(content, limits):
    """From the configuration of GET /api/v2/instance."""
    assert wire.limits(answer(200, {"configuration": {"statuses": content}})) == limits


def test_what_a_look_decides_before_a_repeat():
    """Found is accepted, absent may be sent, unknown stays in doubt."""
    verdicts = [wire.known(Finding(found)) for found in Found]
    assert [outcome and outcome.verdict for outcome in verdicts] == [Verdict.ACCEPTED, None, Verdict.IN_DOUBT]


_names = st.sampled_from([*STATUS, "error", "configuration", "statuses", "max_characters", "reblog"])
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(list(STATUS.values())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=8),
    max_leaves=20,
)
_bodies = st.binary() | _values.map(lambda value: json.dumps(value).encode())
_statuses = st.sampled_from([200, 202, 302, 400, 401, 403, 404, 408, 410, 422, 429, 500, 503]) | st.integers(0, 999)
_moments = st.text() | st.datetimes().map(lambda at: at.isoformat() + "Z")
_headers = st.dictionaries(st.sampled_from(["X-RateLimit-Reset", "Retry-After"]), _moments)


@given(status=_statuses, headers=_headers, body=_bodies)
def test_no_answer_makes_the_reader_stumble(status, headers, body):
    """Whatever arrives, each reading of it has a result; refused and deferred need the server's own error."""
    given_answer = Answer(status, headers, body, 1.0)
    outcome = wire.posted(given_answer, BASE, NOW, first=True)
    wire.edited(given_answer, "1", BASE, NOW)
    wire.deleted(given_answer, "1", NOW)
    wire.statuses(given_answer, BASE)
    wire.looked_up(given_answer, "Flood")
    wire.limits(given_answer)
    wire.account_id(given_answer)
    if outcome.verdict in {Verdict.REJECTED, Verdict.DEFERRED}:
        assert (given_answer.json() or {}).get("error")


@given(st.text())
def test_any_html_can_be_read(content):
    """Broken markup is text like any other."""
    assert isinstance(wire.readable(content), str)


_letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("\n<>&#@'\"/.:=a")


@given(st.text(alphabet=_letters))
def test_what_a_server_shows_of_a_text_is_that_text(text):
    """Through the server's HTML and back, a text is recognised."""
    assert wire.same_text(wire.readable(shown(text)), text)
