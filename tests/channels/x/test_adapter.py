"""X: what is rendered, what each answer means, and how posts are recognised."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Found,
    Job,
    LanguageText,
    Outcome,
    Part,
    RenderError,
    Rendering,
    Secret,
    Verdict,
)
from channels.http import Answer, Http, HttpPolicy
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.server import Simulator
from channels.x import wire
from channels.x.adapter import Adapter
from channels.x.simulator import POSTS_PER_WINDOW, XSimulator

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ACCOUNT = Account("a1", "x", "@council", ("en",), {"user_id": "1001"})
CONTENT = Content(
    DeliveryKind.PUBLISH,
    (LanguageText("en", "Flood", "Rain."),),
    NOON + timedelta(hours=4),
    "Council",
    exercise=False,
)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


async def note(_handle: str) -> None:
    """X has nothing to note."""


def job(text: str = "Flood\n\nRain.", kind: DeliveryKind = DeliveryKind.PUBLISH, original: str | None = None) -> Job:
    return Job("d1", 1, Rendering("x", "a1", kind, (Part("en", text),)), NOON, 5.0, original=original)


def on_x(work: Callable[[Simulator, Adapter, Clock], Awaitable[None]], token: str = "sim-1001") -> Simulator:
    async def run() -> Simulator:
        async with Simulator([XSimulator], clock=(clock := Clock())) as far:
            http = Http(
                HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False)
            )
            account = replace(ACCOUNT, settings={**ACCOUNT.settings, "base_url": f"{far.url}/x"})
            await work(far, Adapter(account, {"token": Secret(token)}, http, clock), clock)
            await http.close()
            return far

    return asyncio.run(run())


def posted(status: int, body: object, **headers: str) -> Outcome:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data, 1.0)
    return wire.posted(answer, "@council", NOON, first=False)


def test_a_rendering_too_long_says_the_count_and_the_limit() -> None:
    """The error names what the post counts, 280, and by how much to shorten."""
    long = replace(CONTENT, texts=(LanguageText("en", "Flood", "ŵ" * 280),))
    with pytest.raises(RenderError, match="counts 287 of at most 280; shorten it by 7"):
        Adapter.render(long, ACCOUNT)


def test_a_rendering_at_the_limit_passes() -> None:
    """280 is sendable and 281 is not."""
    exact = Rendering("x", "a1", DeliveryKind.PUBLISH, (Part("en", "a" * 280),))
    assert Adapter.problems(exact) == []
    assert len(Adapter.problems(replace(exact, parts=(Part("en", "a" * 281),)))) == 1


@pytest.mark.parametrize("text", ["Rain http://example.gov.uk", "Rain\u202e", "", "  "])
def test_what_should_not_be_sent_is_a_problem(text: str) -> None:
    """Plain http, hidden characters and empty posts are problems."""
    rendering = Rendering("x", "a1", DeliveryKind.PUBLISH, (Part("en", text),))
    assert Adapter.problems(rendering) != []


def test_a_credential_without_a_token_is_refused_at_once() -> None:
    """The adapter cannot be made without its token, and says which account lacks it."""
    with pytest.raises(ValueError, match="@council on X has no 'token'"):
        Adapter(ACCOUNT, {}, Http(HttpPolicy(frozenset())), Clock())


DUPLICATE = {
    "detail": "You are not allowed to create a Tweet with duplicate content.",
    "type": "about:blank",
    "title": "Forbidden",
    "status": 403,
}
CREDITS = {"account_id": 1, "title": "CreditsDepleted", "type": "https://api.twitter.com/2/problems/credits"}


@pytest.mark.parametrize(
    ("status", "body", "verdict", "code"),
    [
        (201, {"data": {"id": "2000000000000000001"}}, Verdict.ACCEPTED, ""),
        (201, {"data": {"id": "20"}, "errors": [{"title": "Partial"}]}, Verdict.ACCEPTED, ""),
        (201, {"data": {}}, Verdict.IN_DOUBT, "http_201"),
        (201, {"data": {"id": "../1"}}, Verdict.IN_DOUBT, "http_201"),
        (200, {"errors": [{"title": "Internal"}]}, Verdict.IN_DOUBT, "http_200"),
        (307, "", Verdict.IN_DOUBT, "http_307"),
        (
            400,
            {"title": "Invalid Request", "type": "https://a/problems/invalid-request"},
            Verdict.REJECTED,
            "invalid-request",
        ),
        (400, "<html>", Verdict.IN_DOUBT, "http_400"),
        (401, {"title": "Unauthorized"}, Verdict.REJECTED, "credentials"),
        (402, CREDITS, Verdict.REJECTED, "CreditsDepleted"),
        (403, DUPLICATE, Verdict.IN_DOUBT, "duplicate"),
        (403, {"errors": [{"code": 187, "message": "Status is a duplicate."}]}, Verdict.IN_DOUBT, "duplicate"),
        (403, {"title": "Forbidden", "detail": "You are not permitted"}, Verdict.REJECTED, "Forbidden"),
        (408, {"title": "Timeout"}, Verdict.IN_DOUBT, "http_408"),
        (429, {"title": "Too Many Requests", "type": "about:blank"}, Verdict.DEFERRED, "Too-Many-Requests"),
        (429, {"type": "https://api.twitter.com/2/problems/usage-capped"}, Verdict.REJECTED, "usage-capped"),
        (500, {"title": "Internal"}, Verdict.IN_DOUBT, "http_500"),
        (503, "<html>", Verdict.IN_DOUBT, "http_503"),
    ],
)
def test_what_each_answer_to_a_post_means(status: int, body: object, verdict: Verdict, code: str) -> None:
    """Every documented answer, and what lies between, has its outcome and code."""
    outcome = posted(status, body)
    assert (outcome.verdict, outcome.code, outcome.status) == (verdict, code, status)


def test_an_accepted_post_has_its_address() -> None:
    """Reference and public URL come with the acceptance."""
    outcome = posted(201, {"data": {"id": "20"}})
    assert (outcome.reference, outcome.url) == ("20", "https://x.com/council/status/20")


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"x_rate_limit_reset": str(int(NOON.timestamp()) + 40)}, 40.0),
        ({"x_rate_limit_reset": "1"}, 0.0),
        ({"x_rate_limit_reset": "soon"}, None),
        ({}, None),
        (
            {
                "x_rate_limit_reset": str(int(NOON.timestamp()) + 40),
                "x_user_limit_24hour_remaining": "0",
                "x_user_limit_24hour_reset": str(int(NOON.timestamp()) + 7200),
            },
            7200.0,
        ),
    ],
)
def test_the_wait_is_the_windows_or_the_used_up_days(headers: dict[str, str], wait_s: float | None) -> None:
    """A used-up day outlasts the window, and the wait concerns the whole account."""
    outcome = posted(429, {"title": "Too Many Requests"}, **headers)
    assert (outcome.retry_after_s, outcome.account_wide) == (wait_s, True)


@pytest.mark.parametrize(
    "text",
    [
        "Flood & storm <now>: https://gov.uk/flood/ and https://gov.uk/b",
        "Llifogydd – “ewch” 🌊",
        "See gov.uk/flood\n\nor call 999",
    ],
)
def test_a_post_is_recognised_through_what_x_rewrites(text: str) -> None:
    """Shortened links and escaped characters do not hide a post from find."""

    async def work(far: Simulator, x: Adapter, _clock: Clock) -> None:
        far.arm(Fault("x", FaultKind.ACT_THEN_DROP))
        assert (await x.send(job(text), note)).verdict is Verdict.IN_DOUBT
        assert (await x.find(job(text))).found is Found.FOUND

    on_x(work)


def test_a_bare_link_is_recognised_although_x_adds_a_scheme() -> None:
    """X expands gov.uk/a to http://gov.uk/a; it is the same post."""
    post = {
        "text": "See https://t.co/1",
        "entities": {"urls": [{"url": "https://t.co/1", "expanded_url": "http://gov.uk/a"}]},
    }
    assert wire.same_post(post, "See gov.uk/a")


def test_another_text_is_not_taken_for_ours() -> None:
    """A timeline with other posts only answers absent."""

    async def work(_far: Simulator, x: Adapter, _clock: Clock) -> None:
        await x.send(job("Flood in Hull"), note)
        assert (await x.find(job("Flood in Hall"))).found is Found.ABSENT

    on_x(work)


def test_a_post_from_before_the_release_is_not_taken_for_ours() -> None:
    """The same text of an earlier day is no proof that this delivery went out."""

    async def work(_far: Simulator, x: Adapter, clock: Clock) -> None:
        clock.now = NOON - timedelta(days=2)
        await x.send(job(), note)
        clock.now = NOON
        assert (await x.find(job())).found is Found.ABSENT

    on_x(work)


def test_find_reads_on_past_the_first_page() -> None:
    """A busy account's post is found on the second page of its timeline."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        await x.send(job("ours"), note)
        clock.now += timedelta(minutes=16)  # a new window for posts
        for number in range(POSTS_PER_WINDOW):
            await x.send(job(f"update {number}"), note)
        assert (await x.find(job("ours"))).found is Found.FOUND
        assert len([a for a in far.journal.arrivals if a.route == "read"]) == 2

    on_x(work)


def test_without_a_user_id_nothing_is_known() -> None:
    """An account that cannot be looked up answers unknown and says what is missing."""

    async def run() -> str:
        http = Http(HttpPolicy(frozenset()))
        finding = await Adapter(replace(ACCOUNT, settings={}), {"token": Secret("t")}, http, Clock()).find(job())
        return f"{finding.found}: {finding.reason}"

    assert asyncio.run(run()) == "unknown: @council has no user_id in its settings; add it"


def test_a_first_attempt_at_a_text_that_is_up_already_is_rejected() -> None:
    """No attempt came before it: the equal text is another post's, and trying again would not help."""

    async def work(_far: Simulator, x: Adapter, _clock: Clock) -> None:
        await x.send(job(), note)
        other = await x.send(replace(job(), delivery="dly-other"), note)
        assert (other.verdict, other.code) == (Verdict.REJECTED, "duplicate")

    on_x(work)


def test_the_second_of_two_equal_posts_is_left_to_the_timeline() -> None:
    """X's duplicate answer is in doubt, and the timeline then shows the post: nothing is doubled."""

    async def work(_far: Simulator, x: Adapter, _clock: Clock) -> None:
        await x.send(job(), note)
        again = await x.send(replace(job(), attempt=2), note)
        assert (again.verdict, again.code) == (Verdict.IN_DOUBT, "duplicate")
        assert (await x.find(job())).found is Found.FOUND

    assert on_x(work).journal.doubled("x") == 0


def test_the_hundred_and_first_post_of_a_window_waits() -> None:
    """X's own limit defers with the time until the window's end."""

    async def work(_far: Simulator, x: Adapter, _clock: Clock) -> None:
        for number in range(POSTS_PER_WINDOW):
            assert (await x.send(job(f"update {number}"), note)).verdict is Verdict.ACCEPTED
        late = await x.send(job("one more"), note)
        assert (late.verdict, late.retry_after_s) == (Verdict.DEFERRED, 900.0)

    on_x(work)


def test_a_withdrawal_without_an_original_is_refused() -> None:
    """Nothing is deleted where no post is named, and nothing is claimed found."""

    async def work(far: Simulator, x: Adapter, _clock: Clock) -> None:
        withdrawal = job(kind=DeliveryKind.WITHDRAW)
        assert (await x.withdraw(withdrawal, note)).code == "no_original"
        assert (await x.find(withdrawal)).found is Found.UNKNOWN
        assert far.journal.arrivals == []

    on_x(work)


def test_a_withdrawal_that_did_not_happen_is_found_absent() -> None:
    """Dropped without acting: the original is still up, so the withdrawal is not."""

    async def work(far: Simulator, x: Adapter, _clock: Clock) -> None:
        first = await x.send(job(), note)
        withdrawal = job("gone", DeliveryKind.WITHDRAW, original=first.reference)
        far.arm(Fault("x", FaultKind.DROP, on="withdraw"))
        assert (await x.withdraw(withdrawal, note)).verdict is Verdict.IN_DOUBT
        assert (await x.find(withdrawal)).found is Found.ABSENT

    on_x(work)


def test_a_probe_notices_the_token_of_another_account() -> None:
    """A token that belongs to another user is found out before anything is sent."""

    async def work(_far: Simulator, x: Adapter, _clock: Clock) -> None:
        probe = await x.probe()
        assert (probe.ok, "2002" in probe.detail) == (False, True)

    on_x(work, token="sim-2002")


def test_a_probe_says_what_is_left_of_the_day() -> None:
    """Where X tells; and until when there is nothing left."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        simulator = far.provider("x")
        assert isinstance(simulator, XSimulator)
        assert (await x.probe()).quota == ""
        simulator.a_day = 2
        until = f"{clock() + timedelta(days=1):%Y-%m-%d %H:%M} UTC"
        await x.send(job("One"), note)
        fine = await x.probe()
        assert (fine.ok, fine.quota) == (True, "1 of 2 calls in 24 hours")
        await x.send(job("Two"), note)
        spent = await x.probe()
        assert (spent.ok, spent.detail) == (False, f"all 2 calls in 24 hours are used up until {until}")

    on_x(work)


def test_a_probe_says_that_x_asks_to_wait() -> None:
    """It is not the token that is wrong."""

    async def work(far: Simulator, x: Adapter, clock: Clock) -> None:
        far.arm(Fault("x", FaultKind.THROTTLE, on="session", delay_s=600))
        until = f"{clock() + timedelta(minutes=10):%Y-%m-%d %H:%M} UTC"
        probe = await x.probe()
        assert (probe.ok, probe.detail) == (False, f"X asks to wait until {until}")

    on_x(work)


def test_a_probe_says_that_the_credits_are_used_up() -> None:
    """X answers 402 then, to everything (reference: platforms 3.3)."""

    async def work(far: Simulator, x: Adapter, _clock: Clock) -> None:
        far.arm(Fault("x", FaultKind.REFUSE, on="session", status=402))
        probe = await x.probe()
        assert (probe.ok, probe.quota) == (False, "no credits")

    on_x(work)
