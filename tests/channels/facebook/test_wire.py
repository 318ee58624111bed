"""Facebook: what each answer means, and how posts are read."""

import json
from datetime import UTC, datetime

import pytest

from channels.contract import Found, ReadBack, Secret, Seen, Verdict
from channels.facebook import wire
from channels.facebook.wire import FACEBOOK
from channels.http import Answer
from channels.meta import answers, codes
from channels.meta.graph import proof
from channels.meta.usage import Pace

PACE = Pace(95.0, 60.0)
BUSINESS = "X-Business-Use-Case-Usage"


def answer(status, body=None, **headers):
    """An answer with that status and body."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data, 1.0)


def error(code, subcode=None, **more):
    """An error in Graph's envelope."""
    sub = {} if subcode is None else {"error_subcode": subcode}
    return {"error": {"message": "m", "type": "OAuthException", "code": code, "fbtrace_id": "A1", **sub, **more}}


def posted(status, body=None, *, first=False, **headers):
    """What became of a post so answered."""
    return FACEBOOK.posted(answer(status, body, **headers), PACE, first=first)


def test_the_published_vector_is_proved_as_published():
    """The reference's own secret and token give the reference's own proof."""
    expected = "ae1b07ead3b7507abe97aece06bb44cdb60f757a20629eb7a6f1fa5d607e983d"
    assert proof(Secret("EAAToken"), Secret("appsecret")) == expected


@pytest.mark.parametrize(
    ("status", "body", "verdict", "code"),
    [
        (200, {"id": "1111_2222"}, Verdict.ACCEPTED, ""),
        (200, {"id": "../1"}, Verdict.IN_DOUBT, "http_200"),
        (500, {"id": "1111_2222"}, Verdict.IN_DOUBT, "http_500"),
        (200, {"id": 5}, Verdict.IN_DOUBT, "http_200"),
        (200, {}, Verdict.IN_DOUBT, "http_200"),
        (200, {"success": True}, Verdict.IN_DOUBT, "http_200"),
        (200, "Service Unavailable", Verdict.IN_DOUBT, "http_200"),
        (302, "", Verdict.IN_DOUBT, "http_302"),
        (400, "<html>", Verdict.IN_DOUBT, "http_400"),
        (400, {"error": "a word"}, Verdict.IN_DOUBT, "http_400"),
        (400, {"error": {"code": 190}}, Verdict.IN_DOUBT, "http_400"),
        (400, {"error": {"type": "OAuthException", "code": "190"}}, Verdict.IN_DOUBT, "http_400"),
        (400, {"error": {"type": "OAuthException", "code": True}}, Verdict.IN_DOUBT, "http_400"),
        (429, "", Verdict.IN_DOUBT, "http_429"),
        (503, "<html>", Verdict.IN_DOUBT, "http_503"),
        (400, error(190, 463), Verdict.REJECTED, "190.463"),
        (403, error(4, is_transient=True), Verdict.DEFERRED, "4"),
        (500, error(2, is_transient=True), Verdict.IN_DOUBT, "2"),
        (200, error(190), Verdict.REJECTED, "190"),
        (400, error(506), Verdict.IN_DOUBT, "duplicate"),
        (400, error(100, 1366051), Verdict.IN_DOUBT, "duplicate"),
        (400, error(100, 33), Verdict.REJECTED, "100.33"),
        (400, error(100, is_transient=True), Verdict.IN_DOUBT, "100"),
        (400, error(5555), Verdict.REJECTED, "5555"),
        (429, error(5555), Verdict.DEFERRED, "5555"),
        (408, error(5555), Verdict.IN_DOUBT, "5555"),
        (500, error(5555), Verdict.IN_DOUBT, "5555"),
    ],
)
def test_what_each_answer_to_a_post_means(status, body, verdict, code):
    """Every documented answer, and what lies between, has its outcome and code."""
    outcome = posted(status, body)
    assert (outcome.verdict, outcome.code, outcome.status) == (verdict, code, status)


@pytest.mark.parametrize(
    ("verdict", "numbers"),
    [
        (Verdict.IN_DOUBT, [1, 2]),
        (Verdict.DEFERRED, [4, 17, 32, 341, 613, 80001, 80002]),
        (Verdict.REJECTED, [3, 10, 100, 102, 190, 200, 250, 299, 368, 1609005]),
    ],
)
def test_every_code_of_the_reference_has_its_class(verdict, numbers):
    """The reference's table, code by code."""
    assert {codes.ruling(codes.GraphError(number), 400).verdict for number in numbers} == {verdict}


@pytest.mark.parametrize(
    ("verdict", "numbers"),
    [
        (Verdict.IN_DOUBT, [1363047, 1609010]),
        (Verdict.DEFERRED, [1390008]),
        (Verdict.REJECTED, [458, 459, 460, 463, 464, 467, 1366046, 1346003, 1404102, 1404078, 1609005]),
    ],
)
def test_every_subcode_of_the_reference_goes_before_its_code(verdict, numbers):
    """The reference's table, subcode by subcode, under a code that says another thing."""
    other = 1 if verdict is not Verdict.IN_DOUBT else 100
    assert {codes.ruling(codes.GraphError(other, number), 400).verdict for number in numbers} == {verdict}


@pytest.mark.parametrize(
    ("code", "wide"), [(190, True), (368, True), (3, True), (4, True), (100, False), (10, False)]
)
def test_what_concerns_the_whole_account_says_so(code, wide):
    """A dead token ends more than one post; a wrong text does not."""
    assert posted(400, error(code)).account_wide is wide


def test_an_accepted_post_has_its_address():
    """Reference and public address come with the acceptance."""
    outcome = posted(200, {"id": "1111_2222"})
    assert (outcome.reference, outcome.url) == ("1111_2222", "https://www.facebook.com/1111_2222")


def test_a_first_attempt_at_a_text_that_is_up_already_is_rejected():
    """No attempt came before it: the equal text is another post's."""
    assert posted(400, error(506), first=True).verdict is Verdict.REJECTED


@pytest.mark.parametrize(("first", "verdict"), [(True, Verdict.REJECTED), (False, Verdict.IN_DOUBT)])
def test_an_edit_to_a_text_that_is_up_goes_by_the_attempt_too(first, verdict):
    """A later attempt may meet what an earlier one did."""
    assert wire.edited(answer(400, error(506)), "1_2", PACE, first=first).verdict is verdict


def test_a_post_out_of_sight_is_told_from_a_wrong_request():
    """100 alone says that we erred, 100 with 33 that the token does not see it."""
    assert posted(400, error(100, 33)).reason != posted(400, error(100)).reason


def test_nothing_of_facebooks_words_is_kept():
    """A message that echoes a token stays out of the outcome."""
    said = error(100, error_user_msg="EAAToken", error_user_title="EAAToken")
    said["error"]["message"] = "Invalid EAAToken"
    assert "EAAToken" not in repr(posted(400, said))


@pytest.mark.parametrize("judge", [wire.edited, lambda a, i, p, first: FACEBOOK.deleted(a, i, p)])
@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"success": True}, Verdict.ACCEPTED),
        (200, {"success": "true"}, Verdict.IN_DOUBT),
        (200, {"id": "1_2"}, Verdict.IN_DOUBT),
        (500, {"success": True}, Verdict.IN_DOUBT),
        (403, error(200), Verdict.REJECTED),
        (403, error(32), Verdict.DEFERRED),
    ],
)
def test_an_edit_or_deletion_is_accepted_by_its_success_alone(judge, status, body, verdict):
    """Success in a 200, and nothing else."""
    assert judge(answer(status, body), "1_2", PACE, first=True).verdict is verdict


@pytest.mark.parametrize(
    ("status", "body", "verdict", "code"),
    [
        (500, error(2), Verdict.DEFERRED, "2"),
        (200, "Service Unavailable", Verdict.DEFERRED, "http_200"),
        (400, error(190), Verdict.REJECTED, "190"),
        (403, error(4), Verdict.DEFERRED, "4"),
    ],
)
def test_an_original_that_could_not_be_read_leaves_no_doubt(status, body, verdict, code):
    """Nothing was changed yet, so the correction waits or is refused."""
    outcome = answers.harmless(answer(status, body), PACE, "unread")
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_an_accepted_post_near_a_limit_has_the_account_wait():
    """The post is up, and what comes next waits."""
    outcome = posted(200, {"id": "1_2"}, **{BUSINESS: '{"1": [{"call_count": 99}]}'})
    assert (outcome.verdict, outcome.retry_after_s, outcome.account_wide) == (Verdict.ACCEPTED, 60.0, True)


def test_a_refusal_near_a_limit_is_no_fault_of_the_account():
    """A wrong post does not stand for all that the account sends."""
    outcome = posted(400, error(100), **{BUSINESS: '{"1": [{"call_count": 99}]}'})
    assert (outcome.verdict, outcome.retry_after_s, outcome.account_wide) == (Verdict.REJECTED, None, False)


ENTRY = {"id": "1_2", "message": "Flood", "created_time": "2026-11-21T12:00:00+0000"}


@pytest.mark.parametrize(
    ("change", "readable"),
    [
        ({}, True),
        ({"message": 5}, False),
        ({"id": "x"}, False),
        ({"id": None}, False),
        ({"created_time": "soon"}, False),
        ({"created_time": "2026-11-21T12:00:00"}, False),
        ({"created_time": 5}, False),
    ],
)
def test_a_post_is_read_whole_or_not_at_all(change, readable):
    """A post without a sound id, text or time is none, and spoils its page."""
    entry = {**ENTRY, **change}
    assert (FACEBOOK.post_of(entry) is not None) is readable
    assert (FACEBOOK.posts(answer(200, {"data": [ENTRY, entry]})) is not None) is readable


def test_a_posts_time_is_read_with_its_zone():
    """Graph's own form of a time."""
    post = FACEBOOK.post_of(ENTRY)
    assert post is not None
    assert post.at == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_picture_is_a_post_without_a_text():
    """A post that carries no message does not make the page unreadable."""
    post = FACEBOOK.post_of({"id": "1_2", "created_time": ENTRY["created_time"]})
    assert post is not None
    assert post.text == ""


@pytest.mark.parametrize(
    ("shown", "url"),
    [
        ("https://www.facebook.com/city/posts/2", "https://www.facebook.com/city/posts/2"),
        ("https://evil.example/", "https://www.facebook.com/1_2"),
        (None, "https://www.facebook.com/1_2"),
    ],
)
def test_a_posts_address_is_facebooks(shown, url):
    """An address elsewhere is not passed on."""
    post = FACEBOOK.post_of({**ENTRY, "permalink_url": shown})
    assert post is not None
    assert post.url == url


NEXT = "https://graph.facebook.com/v25.0/1/published_posts?access_token=EAAToken&after=Q2"


@pytest.mark.parametrize(
    ("paging", "after"),
    [
        ({}, None),
        ({"cursors": {"after": "Q2"}}, None),
        ({"cursors": {"after": "Q2"}, "next": NEXT}, "Q2"),
    ],
)
def test_there_is_a_next_page_where_graph_names_one(paging, after):
    """A cursor alone is no next page; of a next page only the cursor is used."""
    assert FACEBOOK.posts(answer(200, {"data": [ENTRY], "paging": paging})).after == after


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"data": []}),
        (200, {}),
        (200, {"data": {}}),
        (200, {"data": [5]}),
        (200, {"data": [], "error": {}}),
        (200, {"data": [], "paging": 5}),
        (200, {"data": [], "paging": {"next": NEXT}}),
        (200, {"data": [], "paging": {"next": NEXT, "cursors": {"after": "a b"}}}),
    ],
)
def test_what_is_no_whole_page_is_no_page(status, body):
    """A list that may go on out of reach proves no absence."""
    assert FACEBOOK.posts(answer(status, body)) is None


@pytest.mark.parametrize(
    ("status", "body", "seen"),
    [
        (200, ENTRY, Seen.VISIBLE),
        (200, {**ENTRY, "message": " Flood\n"}, Seen.VISIBLE),
        (200, {**ENTRY, "message": "Fire"}, Seen.ALTERED),
        (500, ENTRY, Seen.UNKNOWN),
        (400, error(100, 33), Seen.MISSING),
        (400, error(100), Seen.UNKNOWN),
        (404, "", Seen.UNKNOWN),
        (200, error(2), Seen.UNKNOWN),
    ],
)
def test_what_a_look_at_a_post_shows(status, body, seen):
    """Missing only by Graph's own word."""
    assert FACEBOOK.looked_up(answer(status, body), "Flood").seen is seen


def test_a_text_is_known_in_another_form_and_spacing():
    """What Facebook may do to a text does not hide it."""
    assert answers.same_text("G\u0175yl\n\nheno", "Gw\u0302yl heno ")
    assert wire.mark("G\u0175yl\nheno") == wire.mark("Gw\u0302yl heno")


BEFORE = wire.mark("Flood")


@pytest.mark.parametrize(
    ("seen", "mark", "found"),
    [
        (ReadBack(Seen.VISIBLE, "Corrected"), BEFORE, Found.FOUND),
        (ReadBack(Seen.ALTERED, "Flood"), BEFORE, Found.ABSENT),
        (ReadBack(Seen.ALTERED, "All clear"), BEFORE, Found.UNKNOWN),
        (ReadBack(Seen.ALTERED, "Flood"), None, Found.UNKNOWN),
        (ReadBack(Seen.MISSING), BEFORE, Found.ABSENT),
        (ReadBack(Seen.UNKNOWN), BEFORE, Found.UNKNOWN),
    ],
)
def test_a_correction_is_absent_only_where_the_post_is_as_before(seen, mark, found):
    """A third text may have come later: people look."""
    assert wire.corrected(seen, "1_2", mark).found is found


@pytest.mark.parametrize(
    ("seen", "mark", "settled"),
    [
        (ReadBack(Seen.VISIBLE, "Corrected"), None, Verdict.ACCEPTED),
        (ReadBack(Seen.ALTERED, "Flood"), None, None),
        (ReadBack(Seen.ALTERED, "Flood"), BEFORE, None),
        (ReadBack(Seen.ALTERED, "All clear"), BEFORE, Verdict.REJECTED),
        (ReadBack(Seen.MISSING), None, None),
    ],
)
def test_an_edit_is_made_unless_a_later_text_stands_there(seen, mark, settled):
    """What stands there already is accepted, what came later is not undone."""
    outcome = wire.before_edit(seen, "1_2", mark)
    assert (outcome.verdict if outcome else None) is settled


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (Seen.MISSING, Found.FOUND),
        (Seen.VISIBLE, Found.ABSENT),
        (Seen.ALTERED, Found.ABSENT),
        (Seen.UNKNOWN, Found.UNKNOWN),
    ],
)
def test_a_withdrawal_took_effect_where_the_post_is_missing(seen, found):
    """A post that is still up was not withdrawn."""
    assert answers.withdrawn(ReadBack(seen)).found is found
