"""The Bluesky adapter against a real PDS (reference: platforms 6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from channels.bluesky.adapter import Adapter
from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Found,
    Job,
    LanguageText,
    Part,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Http, HttpPolicy
from tests.peers.conftest import HANDLE, Pds
from tests.peers.losing import losing

T = TypeVar("T")
NOW = datetime.now(UTC)
PUT = b"com.atproto.repo.putRecord"


async def note(_handle: str) -> None:
    """Bluesky has nothing to note."""


def content(kind: DeliveryKind, words: str) -> Content:
    """English and Welsh, with a link and a tag."""
    english = LanguageText(
        "en", "Flood warning", f"{words} See https://example.gov.uk/flood #storm", "Move to high ground."
    )
    welsh = LanguageText("cy", "Rhybudd llifogydd", "Mae'r dŵr yn codi ŷ 🌊", "Ewch i dir uchel.")
    return Content(kind, (english, welsh), NOW + timedelta(hours=6), "Example Council", exercise=False)


def job(delivery: str, kind: DeliveryKind = DeliveryKind.PUBLISH, original: str | None = None) -> Job:
    """A job of one delivery, the same each time."""
    account = Account("a1", "bluesky", HANDLE, ("en", "cy"))
    return Job(delivery, 1, Adapter.render(content(kind, delivery), account), NOW, 10.0, original=original)


@asynccontextmanager
async def adapter_at(host: str, password: str) -> AsyncIterator[Adapter]:
    """An adapter that logs in at a PDS, or at what stands before it."""
    http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
    account = Account("a1", "bluesky", HANDLE, ("en", "cy"), {"base_url": f"http://{host}"})
    credential = {"identifier": Secret(HANDLE), "password": Secret(password)}
    try:
        yield Adapter(account, credential, http, lambda: datetime.now(UTC))
    finally:
        await http.close()


def on(pds: Pds, work: Callable[[Adapter], Awaitable[T]], *, password: str = "") -> T:
    """Work with an adapter that knows the account's app password."""

    async def run() -> T:
        async with adapter_at(pds.host, password or pds.app_password) as adapter:
            return await work(adapter)

    return asyncio.run(run())


def test_a_post_is_published_found_and_read_back(pds: Pds) -> None:
    """The record is valid by Bluesky's own lexicon, and says its languages, its link and its tag."""

    async def work(adapter: Adapter) -> str:
        sent = await adapter.send(job("whole"), note)
        assert (sent.verdict, sent.reason) == (Verdict.ACCEPTED, "")
        assert (await adapter.find(job("whole"))).reference == sent.reference
        assert (await adapter.read_back(job("whole"), sent.reference or "")).seen is Seen.VISIBLE
        assert (await adapter.probe()).ok
        return sent.reference or ""

    repo, collection, rkey = on(pds, work).removeprefix("at://").split("/")
    record = pds.call("com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=rkey)["value"]
    data = record["text"].encode()
    pieces = [data[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in record["facets"]]
    assert (repo, record["langs"], pieces) == (pds.did, ["en", "cy"], ["https://example.gov.uk/flood", "#storm"])


def test_a_timeline_has_what_the_account_published_since_the_newest_first(pds: Pds) -> None:
    """By key, which a real server makes of the time too; nothing is of what was made before."""

    async def work(adapter: Adapter) -> None:
        old, new = replace(job("old"), intended_at=NOW - timedelta(hours=1)), job("new")
        for one in (old, new):
            assert (await adapter.send(one, note)).verdict is Verdict.ACCEPTED
        listed = await adapter.timeline(NOW - timedelta(minutes=1))
        assert listed.fault == ""
        names = [post.reference for post in listed.posts]
        assert (await adapter.find(new)).reference in names
        assert (await adapter.find(old)).reference not in names
        assert [post.at for post in listed.posts] == sorted((post.at for post in listed.posts), reverse=True)

    on(pds, work)


def test_what_was_never_sent_is_absent(pds: Pds) -> None:
    """The PDS says so in the words that the adapter knows."""
    assert on(pds, lambda adapter: adapter.find(job("never"))).found is Found.ABSENT


def test_a_repeat_is_the_same_record_and_no_commit(pds: Pds) -> None:
    """What the whole recipe of exactly once rests on."""

    async def work(adapter: Adapter) -> None:
        first = await adapter.send(job("twice"), note)
        cid, commit = pds.cid(first.reference or ""), pds.commit()
        second = await adapter.send(job("twice"), note)
        assert (second.verdict, second.reference) == (Verdict.ACCEPTED, first.reference)
        assert (pds.cid(first.reference or ""), pds.commit()) == (cid, commit)

    on(pds, work)


@pytest.mark.parametrize("acts", [True, False], ids=["acted", "did not act"])
def test_a_lost_answer_is_settled_by_looking_and_by_repeating(pds: Pds, acts: bool) -> None:
    """Both look the same from here; the record tells, and a repeat ends both in one post."""
    delivery = f"lost-{acts}"

    async def run() -> None:
        async with losing(pds.host, PUT, acts=acts) as host, adapter_at(host, pds.app_password) as adapter:
            assert (await adapter.send(job(delivery), note)).verdict is Verdict.IN_DOUBT
            found = await adapter.find(job(delivery))
            assert found.found is (Found.FOUND if acts else Found.ABSENT)
            before = pds.commit()
            again = await adapter.send(job(delivery), note)
            assert again.verdict is Verdict.ACCEPTED
            assert (pds.commit() == before) is acts

    asyncio.run(run())


def test_a_correction_is_a_reply_and_a_withdrawal_deletes(pds: Pds) -> None:
    """The original stays until it is withdrawn; withdrawing twice is harmless."""

    async def work(adapter: Adapter) -> None:
        first = (await adapter.send(job("wrong"), note)).reference or ""
        mended = job("right", DeliveryKind.CORRECT, first)
        corrected = await adapter.correct(mended, note)
        assert corrected.verdict is Verdict.ACCEPTED
        repo, collection, rkey = (corrected.reference or "").removeprefix("at://").split("/")
        record = pds.call("com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=rkey)["value"]
        assert record["reply"]["parent"] == {"uri": first, "cid": pds.cid(first)}
        away = job("away", DeliveryKind.WITHDRAW, first)
        for _ in range(2):
            assert (await adapter.withdraw(away, note)).verdict is Verdict.ACCEPTED
        assert (await adapter.find(away)).found is Found.FOUND
        assert (await adapter.read_back(job("wrong"), first)).seen is Seen.MISSING

    on(pds, work)


@pytest.mark.parametrize(("text", "verdict"), [("ŵ" * 300, Verdict.ACCEPTED), ("ŵ" * 301, Verdict.REJECTED)])
def test_the_limit_is_where_we_say_it_is(pds: Pds, text: str, verdict: Verdict) -> None:
    """Three hundred graphemes are taken, one more is not: had the adapter not refused it, the PDS would have."""
    asked = job("long")
    rendering = replace(asked.rendering, parts=(Part("mul", text),))
    sent = replace(asked, rendering=rendering, delivery=f"long-{len(text)}")
    assert on(pds, lambda adapter: adapter.send(sent, note)).verdict is verdict


def test_a_wrong_password_is_refused_for_the_whole_account(pds: Pds) -> None:
    """Nothing is in doubt, and people are told."""
    refused = on(pds, lambda adapter: adapter.send(job("locked out"), note), password="wrong")
    assert (refused.verdict, refused.account_wide) == (Verdict.REJECTED, True)
