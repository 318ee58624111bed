"""Bluesky: the same record every time, what each answer means, and one login for many."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.bluesky import wire
from channels.bluesky.adapter import Adapter
from channels.bluesky.simulator import BlueskySimulator
from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Found,
    Job,
    LanguageText,
    Part,
    RenderError,
    Rendering,
    Secret,
    Verdict,
)
from channels.http import Answer, Http, HttpPolicy
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import EffectKind
from channels.simulator.server import Simulator

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
ACCOUNT = Account("a1", "bluesky", "council.example", ("en", "cy"))
CREDENTIAL = {"identifier": Secret("council.example"), "password": Secret("app-council.example")}
TEXTS = (LanguageText("en", "Flood", "Rain."), LanguageText("cy", "Llifogydd", "Glaw."))
CONTENT = Content(DeliveryKind.PUBLISH, TEXTS, NOON + timedelta(hours=4), "Council", exercise=False)
PLACE = wire.Place("did:plc:a", "3m5xxxxxxxx2a")


async def note(_handle: str) -> None:
    """Bluesky has nothing to note."""


def job(delivery: str = "d1", text: str = "Flood", original: str | None = None) -> Job:
    rendering = Rendering("bluesky", "a1", DeliveryKind.PUBLISH, (Part("en", text),), {"languages": ["en"]})
    return Job(delivery, 1, rendering, NOON, 5.0, original=original)


def on_bluesky(work: Callable[[Simulator, BlueskySimulator, Adapter], Awaitable[None]]) -> Simulator:
    async def run() -> Simulator:
        async with Simulator([BlueskySimulator], clock=lambda: NOON) as far:
            http = Http(
                HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False)
            )
            account = replace(ACCOUNT, settings={"base_url": f"{far.url}/bluesky"})
            pds = far.provider("bluesky")
            assert isinstance(pds, BlueskySimulator)
            await work(far, pds, Adapter(account, CREDENTIAL, http, lambda: NOON))
            await http.close()
            return far

    return asyncio.run(run())


def answer(status: int, body: object, **headers: str) -> Answer:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data, 1.0)


def test_both_languages_are_in_the_text_and_in_the_options() -> None:
    """The post is one text, and tells Bluesky its languages."""
    rendering = Adapter.render(CONTENT, ACCOUNT)
    assert rendering.parts == (Part("mul", "Flood\n\nRain.\n\nLlifogydd\n\nGlaw."),)
    assert rendering.options == {"languages": ["en", "cy"]}


def test_a_rendering_too_long_says_the_count_and_the_limit() -> None:
    """Graphemes are counted, not code points, and the error says by how much to shorten."""
    long = replace(CONTENT, texts=(TEXTS[0], LanguageText("cy", "👨‍👩‍👧‍👦" * 290, "")))
    with pytest.raises(
        RenderError, match=r"304 of at most 300 characters; shorten it by 4; .* of at most 3000 bytes"
    ):
        Adapter.render(long, ACCOUNT)


@pytest.mark.parametrize("langs", [None, [], ["en", "cy", "pl", "ur"], [1]])
def test_the_languages_are_one_to_three(langs: list[str] | None) -> None:
    """A rendering without languages, or with four, is a problem."""
    rendering = Rendering("bluesky", "a1", DeliveryKind.PUBLISH, (Part("en", "Flood"),), {"languages": langs})  # type: ignore[dict-item]
    assert len(Adapter.problems(rendering)) == 1


def test_a_credential_without_its_parts_is_refused_at_once() -> None:
    """The adapter cannot be made without identifier and password, and says what lacks."""
    with pytest.raises(ValueError, match="no identifier and no password"):
        Adapter(ACCOUNT, {}, Http(HttpPolicy(frozenset())), lambda: NOON)


@given(st.text(), st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC)))
def test_a_record_key_is_a_valid_tid(delivery: str, intended_at: datetime) -> None:
    """Whatever the delivery and time, the key is one that Bluesky takes."""
    key = wire.record_key(delivery, intended_at)
    assert len(key) == 13
    assert set(key) <= set("234567abcdefghijklmnopqrstuvwxyz")
    assert key[0] in "234567abcdefghij"


def test_record_keys_sort_by_time_and_differ_by_delivery() -> None:
    """A later second sorts later; a thousand deliveries of one moment have a thousand keys."""
    assert wire.record_key("a", NOON) < wire.record_key("b", NOON + timedelta(seconds=1))
    assert len({wire.record_key(str(number), NOON) for number in range(1000)}) == 1000


def test_the_record_depends_on_the_delivery_and_not_on_the_attempt() -> None:
    """A second attempt gives the same bytes."""
    first, second = (
        job(text="Flood https://gov.uk #gwynt"),
        replace(job(text="Flood https://gov.uk #gwynt"), attempt=7),
    )
    assert json.dumps(wire.record(first)) == json.dumps(wire.record(second))


def test_the_record_holds_time_languages_links_and_tags() -> None:
    """createdAt is the intended time in milliseconds; links and tags are facets over bytes."""
    assert wire.record(job(text="Dŵr https://gov.uk #gwynt")) == {
        "$type": "app.bsky.feed.post",
        "text": "Dŵr https://gov.uk #gwynt",
        "createdAt": "2026-11-21T12:00:00.123Z",
        "langs": ["en"],
        "facets": [
            {
                "index": {"byteStart": 5, "byteEnd": 19},
                "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://gov.uk"}],
            },
            {
                "index": {"byteStart": 20, "byteEnd": 26},
                "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "gwynt"}],
            },
        ],
    }


@pytest.mark.parametrize(
    ("status", "body", "verdict", "code"),
    [
        (200, {"uri": PLACE.uri, "cid": "bafy"}, Verdict.ACCEPTED, ""),
        (200, {"uri": "at://did:plc:b/app.bsky.feed.post/1", "cid": "bafy"}, Verdict.IN_DOUBT, "http_200"),
        (200, {"error": "InternalServerError"}, Verdict.IN_DOUBT, "http_200"),
        (400, {"error": "InvalidRecord"}, Verdict.REJECTED, "InvalidRecord"),
        (400, {"error": "InvalidSwap"}, Verdict.IN_DOUBT, "InvalidSwap"),
        (400, {"error": "ExpiredToken"}, Verdict.REJECTED, "ExpiredToken"),
        (400, {"error": "Bearer 1234"}, Verdict.IN_DOUBT, "http_400"),
        (400, "<html>", Verdict.IN_DOUBT, "http_400"),
        (401, {"error": "AuthenticationRequired"}, Verdict.REJECTED, "AuthenticationRequired"),
        (429, {"error": "RateLimitExceeded"}, Verdict.DEFERRED, "RateLimitExceeded"),
        (502, {"error": "UpstreamFailure"}, Verdict.IN_DOUBT, "http_502"),
    ],
)
def test_what_each_answer_to_a_record_means(status: int, body: object, verdict: Verdict, code: str) -> None:
    """Every documented answer, and what lies between, has its outcome and code."""
    outcome = wire.written(answer(status, body), PLACE, "council.example", NOON)
    assert (outcome.verdict, outcome.code) == (verdict, code)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [({"Retry_After": "9"}, 9.0), ({"RateLimit_Reset": str(int(NOON.timestamp()) + 9)}, 9 - 0.123456), ({}, None)],
)
def test_the_wait_is_read_from_either_header(headers: dict[str, str], wait_s: float | None) -> None:
    """Retry-After first, else the end of the window."""
    outcome = wire.refused(answer(429, {"error": "RateLimitExceeded"}, **headers), NOON)
    assert outcome.retry_after_s == (wait_s if wait_s is None else pytest.approx(wait_s))


def test_many_deliveries_share_one_login() -> None:
    """Ten posts at once log in once."""

    async def work(_far: Simulator, pds: BlueskySimulator, bluesky: Adapter) -> None:
        await asyncio.gather(*(bluesky.send(job(f"d{number}"), note) for number in range(10)))
        assert pds.logins == 1

    assert len(on_bluesky(work).journal.published("bluesky")) == 10


def test_an_expired_session_is_refreshed_once_for_all() -> None:
    """Ten posts that meet an expired token refresh it once, and all are published."""

    async def work(_far: Simulator, pds: BlueskySimulator, bluesky: Adapter) -> None:
        await bluesky.probe()
        pds.expire()
        await asyncio.gather(*(bluesky.send(job(f"d{number}"), note) for number in range(10)))
        assert (pds.logins, pds.refreshes) == (1, 1)

    assert len(on_bluesky(work).journal.published("bluesky")) == 10


def test_a_refresh_whose_answer_is_lost_ends_in_a_new_login() -> None:
    """The first delivery is deferred, the next logs in anew."""

    async def work(far: Simulator, pds: BlueskySimulator, bluesky: Adapter) -> None:
        await bluesky.probe()
        pds.expire()
        far.arm(Fault("bluesky", FaultKind.ACT_THEN_DROP, on="session"))
        verdicts = [(await bluesky.send(job(), note)).verdict for _ in range(2)]
        assert (verdicts, pds.logins) == ([Verdict.DEFERRED, Verdict.ACCEPTED], 2)

    on_bluesky(work)


def test_a_token_that_stays_expired_is_not_tried_for_ever() -> None:
    """After one refresh the refusal stands."""

    async def work(far: Simulator, _pds: BlueskySimulator, bluesky: Adapter) -> None:
        far.arm(Fault("bluesky", FaultKind.TOKEN_EXPIRED, times=5))
        assert (await bluesky.send(job(), note)).verdict is Verdict.REJECTED

    assert len([a for a in on_bluesky(work).journal.arrivals if a.route == "publish"]) == 2


def test_a_wrong_password_is_refused_for_the_whole_account() -> None:
    """The login is rejected, nothing is sent, and the password does not show."""

    async def run() -> None:
        async with Simulator([BlueskySimulator]) as far:
            http = Http(
                HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False)
            )
            account = replace(ACCOUNT, settings={"base_url": f"{far.url}/bluesky"})
            wrong = {**CREDENTIAL, "password": Secret("hunter2")}
            outcome = await Adapter(account, wrong, http, lambda: NOON).send(job(), note)
            await http.close()
            assert (outcome.verdict, outcome.account_wide) == (Verdict.REJECTED, True)
            assert "hunter2" not in repr(outcome)

    asyncio.run(run())


def test_a_correction_replies_to_its_original() -> None:
    """The correction's record links thread and parent, and the original stays as it was."""

    async def work(_far: Simulator, pds: BlueskySimulator, bluesky: Adapter) -> None:
        first = await bluesky.send(job(), note)
        await bluesky.correct(job("d2", "Disregard", original=first.reference), note)
        original, correction = pds.records.values()
        link = {"uri": first.reference, "cid": original.cid}
        assert correction.record["reply"] == {"root": link, "parent": link}

    assert EffectKind.ALTERED not in {effect.kind for effect in on_bluesky(work).journal.effects}


def test_a_correction_of_a_deleted_post_stands_by_itself() -> None:
    """Where the original is gone, the correction still goes out."""

    async def work(_far: Simulator, pds: BlueskySimulator, bluesky: Adapter) -> None:
        gone = f"at://did:plc:sim-council.example/{wire.COLLECTION}/3m5xxxxxxxx2a"
        assert (await bluesky.correct(job("d2", original=gone), note)).verdict is Verdict.ACCEPTED
        assert all("reply" not in stored.record for stored in pds.records.values())

    on_bluesky(work)


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.REFUSE, FaultKind.ACT_THEN_HTML])
def test_a_correction_waits_while_the_original_cannot_be_read(kind: FaultKind) -> None:
    """Nothing is written meanwhile: deferred, with nothing in doubt."""

    async def work(far: Simulator, _pds: BlueskySimulator, bluesky: Adapter) -> None:
        first = await bluesky.send(job(), note)
        far.arm(Fault("bluesky", kind, on="read", times=2))
        correction = await bluesky.correct(job("d2", original=first.reference), note)
        assert correction.verdict is Verdict.DEFERRED

    assert len(on_bluesky(work).journal.published("bluesky")) == 1


def test_a_withdrawal_deletes_the_original() -> None:
    """The record is gone and find says so."""

    async def work(_far: Simulator, pds: BlueskySimulator, bluesky: Adapter) -> None:
        first = await bluesky.send(job(), note)
        rendering = replace(job().rendering, kind=DeliveryKind.WITHDRAW)
        withdrawal = replace(job("d2", original=first.reference), rendering=rendering)
        assert (await bluesky.find(withdrawal)).found is Found.ABSENT
        assert (await bluesky.withdraw(withdrawal, note)).verdict is Verdict.ACCEPTED
        assert ((await bluesky.find(withdrawal)).found, pds.records) == (Found.FOUND, {})

    on_bluesky(work)


@pytest.mark.parametrize("original", [None, "", "at://did:plc:a/app.bsky.feed.like/1", "https://bsky.app/x"])
def test_a_withdrawal_without_a_posts_address_is_refused(original: str | None) -> None:
    """What is no post's address is never sent to be deleted."""

    async def work(_far: Simulator, _pds: BlueskySimulator, bluesky: Adapter) -> None:
        assert (await bluesky.withdraw(job(original=original), note)).code == "no_original"

    assert on_bluesky(work).journal.arrivals == []


@pytest.mark.parametrize("dated", ["2020-01-01T00:00:00Z", "yesterday", None])
def test_a_post_that_is_dated_back_is_as_new_as_its_key(dated):
    """Whoever holds the account may write any time into a record."""
    key = wire.record_key("d1", at := datetime(2026, 11, 22, 12, tzinfo=UTC))
    entry = {"uri": f"at://did:plc:a/{wire.COLLECTION}/{key}", "value": {"text": "Go out.", "createdAt": dated}}
    page = wire.listed(Answer(200, {}, json.dumps({"records": [entry]}).encode(), 1.0), "did:plc:a", "@city")
    assert page is not None
    assert abs(page.posts[0].at - at) < timedelta(minutes=1)
