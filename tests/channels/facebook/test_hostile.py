"""Facebook: no answer raises, whatever is in it, and none passes for more than it is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Seen, Verdict
from channels.facebook import wire
from channels.facebook.wire import FACEBOOK
from channels.http import Answer
from channels.meta import answers, codes
from channels.meta.usage import LONGEST_S, Pace

PACE = Pace(95.0, 60.0)
BUSINESS = "X-Business-Use-Case-Usage"
WORDS = st.text('a1_-/:{}[]"\\ ŵ🌊\ud800', max_size=10)
NAMES = st.sampled_from(
    (
        *("id", "success", "error", "code", "type", "error_subcode", "is_transient", "data", "message", "paging"),
        *(
            "next",
            "cursors",
            "after",
            "created_time",
            "permalink_url",
            "call_count",
            "estimated_time_to_regain_access",
        ),
    )
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.sampled_from(["1_2", 100, 33, 190, 506, "OAuthException", "2026-11-21T12:00:00+0000", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | WORDS, inner, max_size=4),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5).map(json.dumps).map(str.encode)
ANSWERS = st.builds(
    Answer,
    st.integers(100, 599) | st.just(200),
    st.dictionaries(
        st.sampled_from([BUSINESS, "X-App-Usage", "X-Page-Usage"]),
        WORDS | DOCUMENTS.map(bytes.decode),
        max_size=3,
    ),
    st.binary(max_size=40) | DOCUMENTS | st.just(b"[" * 100_000),
    st.just(1.0),
)


@given(ANSWERS, st.booleans())
def test_no_answer_to_a_post_raises_or_passes_for_more_than_it_is(hostile, first):
    """Accepted is a 200 with an id; a refusal is in Graph's envelope; a wait is a sensible number."""
    outcome = FACEBOOK.posted(hostile, PACE, first=first)
    if outcome.verdict is Verdict.ACCEPTED:
        assert hostile.status == 200
        assert answers.is_post_id(outcome.reference)
    if outcome.verdict in {Verdict.REJECTED, Verdict.DEFERRED}:
        assert codes.error_of(hostile) is not None
    assert outcome.retry_after_s is None or 0 < outcome.retry_after_s <= LONGEST_S


@given(ANSWERS)
def test_no_answer_to_an_edit_or_deletion_raises(hostile):
    """Each is accepted only by success in a 200."""
    for outcome in (wire.edited(hostile, "1_2", PACE, first=True), FACEBOOK.deleted(hostile, "1_2", PACE)):
        accepted = hostile.status == 200 and (hostile.json() or {}).get("success") is True
        assert (outcome.verdict is Verdict.ACCEPTED) is accepted


@given(ANSWERS)
def test_no_answer_to_a_reading_raises(hostile):
    """A list, a look and a name are read or not; nothing else happens."""
    page, seen = FACEBOOK.posts(hostile), FACEBOOK.looked_up(hostile, "Flood")
    assert page is None or hostile.status == 200
    assert seen.seen is not Seen.VISIBLE or hostile.status == 200
    assert answers.node_id(hostile) is None or hostile.status == 200
    assert answers.harmless(hostile, PACE, "unread").verdict is not Verdict.IN_DOUBT
