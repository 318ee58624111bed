"""The checks themselves: each arranges one situation and states what an adapter must say of it.

A check's docstring says what it proves. What went up is counted by the far side, never by what the adapter says.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from channels.capabilities import IdempotencyKind, TextLimit
from channels.conformance.bench import (
    SHORT_S,
    Bench,
    ConformanceError,
    Documented,
    adapter_at,
    content,
    expect,
    expect_found,
    expect_verdict,
)
from channels.contract import Content, DeliveryKind, Found, RenderError, Rendering, Seen, Verdict
from channels.listing import Listing, Timeline
from channels.simulator.faults import FaultKind
from channels.text import length

LOST = (FaultKind.ACT_THEN_DROP, FaultKind.DROP, FaultKind.STALL, FaultKind.LATE)
UNREADABLE = (
    FaultKind.ACT_THEN_HTML,
    FaultKind.ACT_THEN_BAD_JSON,
    FaultKind.ACT_THEN_LYING_LENGTH,
    FaultKind.ACT_THEN_HUGE,
    FaultKind.ACT_THEN_DRIP,
    FaultKind.ACT_THEN_COMPRESSED,
)
UNREAD = (*UNREADABLE, FaultKind.DROP, FaultKind.STALL, FaultKind.REFUSE, FaultKind.THROTTLE, FaultKind.ECHO)
UNLISTED = (FaultKind.ACT_THEN_HTML, FaultKind.DROP, FaultKind.REFUSE, FaultKind.THROTTLE, FaultKind.ECHO)
A_MINUTE = timedelta(minutes=1)


async def accepted(bench: Bench) -> None:
    """A clear answer is accepted with a reference; the post is up once and can be found."""
    job = bench.job()
    outcome = await bench.send(job)
    expect_verdict(outcome, bench.subject.made)
    expect(bool(outcome.reference), "an accepted post has a reference")
    expect(bench.published() == 1, f"published {bench.published()} times, not once")
    if bench.subject.finds:
        expect_found(await bench.find(job), Found.FOUND)


async def pictured(bench: Bench) -> None:
    """As many pictures as a post takes are shown as they were signed, bytes and order; a repeat changes nothing."""
    (limit, *_) = type(bench.channel).capabilities.media
    job = bench.job(pictures=limit.most)
    outcome = await bench.send(job)
    expect_verdict(outcome, bench.subject.made)
    if type(bench.channel).capabilities.idempotency.kind is IdempotencyKind.IDEMPOTENT:
        expect_verdict(await bench.send(job), Verdict.ACCEPTED)
    shown = [effect.media for effect in bench.far.journal.effects]
    signed = tuple(one.digest for one in job.rendering.media)
    expect(shown == [signed], f"the pictures shown are not those signed: {shown}")
    if bench.subject.finds:
        expect_found(await bench.find(job), Found.FOUND)
    if type(bench.channel).capabilities.can_read_back:
        seen = bench.checked(await bench.channel.read_back(job, outcome.reference or ""))
        expect(seen.seen is Seen.VISIBLE, f"a post with pictures reads back as {seen.seen}")


async def upload_lost(kind: FaultKind, bench: Bench) -> None:
    """Whatever happens to an upload, nothing is published by it and nothing in doubt; the next attempt succeeds."""
    job = bench.job(timeout_s=SHORT_S, pictures=1)
    bench.arm(kind, on="upload", delay_s=2 * SHORT_S)
    expect_verdict(await bench.send(job), Verdict.DEFERRED)
    expect(bench.published() == 0, "a post went out without its picture")
    expect_verdict(await bench.send(bench.job(pictures=1)), Verdict.ACCEPTED)
    expect(bench.published() == 1, f"after a repeat, published {bench.published()} times, not once")


async def unreachable(bench: Bench) -> None:
    """A closed port proves that nothing was sent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        await _not_sent(bench, f"http://127.0.0.1:{taken.getsockname()[1]}")


async def unresolved(bench: Bench) -> None:
    """A name that does not exist proves the same (RFC 6761: ``invalid`` never does)."""
    await _not_sent(bench, "http://far-side.invalid:80")


async def unsecured(bench: Bench) -> None:
    """A failed TLS handshake proves the same: the far side speaks none."""
    base = bench.far.address(bench.subject.simulator.name).split("/")[2]
    await _not_sent(bench, f"https://{base}")
    expect(not bench.far.journal.effects, "something was published although TLS had failed")


async def _not_sent(bench: Bench, base: str) -> None:
    async with adapter_at(bench.subject, base, bench.time) as (_, channel):
        outcome = bench.checked(await channel.send(bench.job(timeout_s=SHORT_S), bench.note))
        expect_verdict(outcome, Verdict.DEFERRED)


async def not_allowed(bench: Bench) -> None:
    """The allow-list is in force for this adapter, and its refusal is no doubt."""
    async with adapter_at(bench.subject, bench.far.url, bench.time, frozenset()) as (_, channel):
        expect_verdict(bench.checked(await channel.send(bench.job(), bench.note)), Verdict.DEFERRED)
    expect(not bench.far.journal.arrivals, "something was sent to a host that is not allowed")


async def lost(kind: FaultKind, bench: Bench) -> None:
    """A connection lost or silent after the request leaves it open what happened."""
    job = bench.job(timeout_s=SHORT_S)
    bench.arm(kind, delay_s=2 * SHORT_S)
    expect_verdict(await bench.send(job), Verdict.IN_DOUBT)
    await settled(bench, acted=kind in {FaultKind.ACT_THEN_DROP, FaultKind.LATE})


async def error(status: int, bench: Bench) -> None:
    """A server error after acting leaves it open what happened."""
    bench.arm(FaultKind.ACT_THEN_ERROR, status=status)
    expect_verdict(await bench.send(bench.job()), Verdict.IN_DOUBT)
    await settled(bench, acted=True)


async def unreadable(kind: FaultKind, bench: Bench) -> None:
    """An answer that cannot be read is never taken for a refusal."""
    bench.arm(kind)
    outcome = await bench.send(bench.job(timeout_s=SHORT_S))
    expect_verdict(outcome, Verdict.IN_DOUBT, *([] if bench.subject.reads_body else [Verdict.ACCEPTED]))
    await settled(bench, acted=True)


async def settled(bench: Bench, *, acted: bool) -> None:
    """Find out what became of a post in doubt; where only a repeat tells, repeat."""
    job = bench.job()
    finding = await bench.find(job)
    expect_found(finding, (Found.FOUND if acted else Found.ABSENT) if bench.subject.finds else Found.UNKNOWN)
    if type(bench.channel).capabilities.idempotency.kind is IdempotencyKind.IDEMPOTENT:
        expect_verdict(await bench.send(bench.job()), Verdict.ACCEPTED)
        expect(bench.published() == 1, f"after a repeat, published {bench.published()} times, not once")


async def refused(kind: FaultKind, bench: Bench) -> None:
    """A refusal, an expired token, an echo of our own headers: accepted is said exactly when it is up."""
    bench.arm(kind)
    outcome = await bench.send(bench.job())
    claimed = outcome.verdict is bench.subject.made
    expect(claimed is (bench.published() == 1), f"said {outcome.verdict}, and published {bench.published()} times")


async def documented(refusal: Documented, bench: Bench) -> None:
    """A refusal that the platform documents is told for what it is, and by no other word; nothing is up.

    It meets a renewed login, too.
    """
    bench.arm(FaultKind.REFUSE, status=refusal.status, body=refusal.body, times=2)
    expect_verdict(await bench.send(bench.job()), refusal.verdict)
    expect(bench.published() == 0, f"published {bench.published()} times after a refusal")


async def throttled(hint_s: int, bench: Bench) -> None:
    """Too many requests: deferred, with the wait that the platform asked for."""
    bench.arm(FaultKind.THROTTLE, delay_s=hint_s)
    outcome = await bench.send(bench.job())
    expect_verdict(outcome, Verdict.DEFERRED)
    if hint_s:
        expect(outcome.retry_after_s == hint_s, f"the wait is {hint_s} s, not {outcome.retry_after_s}")


async def login(kind: FaultKind, bench: Bench) -> None:
    """Trouble with a login concerns no post: deferred, unless this channel needs no login."""
    bench.arm(kind, on="session")
    outcome = await bench.send(bench.job())
    expected = bench.subject.made if bench.published() else Verdict.DEFERRED
    expect_verdict(outcome, expected)


async def unread(kind: FaultKind, bench: Bench) -> None:
    """Where the record could not be read, find does not say absent."""
    bench.arm(kind, on="read", times=2)  # a lost read may be tried once more
    expect_found(await bench.find(bench.job(timeout_s=SHORT_S)), Found.UNKNOWN)


async def lagging(bench: Bench) -> None:
    """A post that the record shows late is found once it shows."""
    job = bench.job()
    lag_s = type(bench.channel).capabilities.idempotency.lag_s + 60
    bench.arm(FaultKind.LAG, delay_s=lag_s)
    await bench.send(job)
    expect_found(await bench.find(job), Found.ABSENT, Found.UNKNOWN)
    bench.time.pass_s(lag_s)
    expect_found(await bench.find(job), Found.FOUND)


async def repeat(bench: Bench) -> None:
    """The same job again: accepted, same reference, nothing changed."""
    job = bench.job()
    first = await bench.send(job)
    bench.time.pass_s(120)
    second = await bench.send(job)
    expect_verdict(second, Verdict.ACCEPTED)
    expect(first.reference == second.reference, "a repeat got another reference")
    expect(len(bench.far.journal.effects) == 1, f"{len(bench.far.journal.effects)} changes, not one")


async def read_back(bench: Bench) -> None:
    """What is up is visible; what was withdrawn is missing."""
    job = bench.job()
    outcome = await bench.send(job)
    seen = bench.checked(await bench.channel.read_back(job, outcome.reference or ""))
    expect(seen.seen is Seen.VISIBLE, f"a published post reads back as {seen.seen}")
    if type(bench.channel).capabilities.can_withdraw:
        await bench.channel.withdraw(bench.job(DeliveryKind.WITHDRAW, original=outcome.reference), bench.note)
        gone = bench.checked(await bench.channel.read_back(job, outcome.reference or ""))
        expect(gone.seen is Seen.MISSING, f"a withdrawn post reads back as {gone.seen}")


async def timeline(bench: Bench) -> None:
    """A post is listed as its outcome names it, with its text; nothing is of what was made before."""
    job, since = bench.job(), bench.time() - A_MINUTE
    outcome = await bench.send(job)
    listed = await _timeline(bench, since)
    expect(not listed.fault, f"the timeline could not be read: {listed.fault}")
    expect([post.reference for post in listed.posts] == [outcome.reference], "the post is not in the timeline")
    text = job.rendering.parts[0].text
    expect(listed.posts[0].text.split() == text.split(), "the timeline has another text")
    expect(since <= listed.posts[0].at <= bench.time() + A_MINUTE, "the timeline has another time")
    later = await _timeline(bench, bench.time() + 2 * A_MINUTE)
    expect(later == Timeline(), "the timeline has what was made before")


async def unlisted(kind: FaultKind, bench: Bench) -> None:
    """Where the list cannot be read, the timeline says so and has no post."""
    await bench.send(bench.job())
    bench.arm(kind, on="read", times=2)  # a lost read may be tried once more
    listed = await _timeline(bench, bench.time() - A_MINUTE)
    expect(bool(listed.fault), "a timeline that could not be read says that it was")
    expect(not listed.posts, "a timeline that could not be read has posts")


async def _timeline(bench: Bench, since: datetime) -> Timeline:
    channel = cast("Listing", bench.channel)
    return bench.checked(await channel.timeline(since))


async def correct(bench: Bench) -> None:
    """A correction leaves the original its own place."""
    first = await bench.send(bench.job())
    job = bench.job(DeliveryKind.CORRECT, original=first.reference)
    second = bench.checked(await bench.channel.correct(job, bench.note))
    expect_verdict(second, Verdict.ACCEPTED)
    expect(first.reference != second.reference, "a correction must not replace the record of the original")


async def edit(bench: Bench) -> None:
    """An edit changes the post that is up, may be repeated, and can be told from one that did not happen."""
    first = await bench.send(bench.job())
    job = bench.job(DeliveryKind.CORRECT, original=first.reference)
    if bench.subject.finds:
        before = await bench.find(job)
        expect(before.found is not Found.FOUND, "an edit that did not happen is found")
    for _ in range(2):
        second = bench.checked(await bench.channel.correct(job, bench.note))
        expect_verdict(second, Verdict.ACCEPTED)
        expect(first.reference == second.reference, "an edited post has another reference")
    expect(bench.published() == 1, f"published {bench.published()} times, not once")
    expect(len(bench.far.journal.effects) == 2, "a repeat of an edit changed something")
    if type(bench.channel).capabilities.can_read_back:
        seen = bench.checked(await bench.channel.read_back(job, second.reference or ""))
        expect(seen.seen is Seen.VISIBLE, f"an edited post reads back as {seen.seen}")
    if bench.subject.finds:
        expect_found(await bench.find(job), Found.FOUND)


async def withdraw(bench: Bench) -> None:
    """A withdrawal succeeds, and so does its repeat."""
    first = await bench.send(bench.job())
    job = bench.job(DeliveryKind.WITHDRAW, original=first.reference)
    for _ in range(2):
        expect_verdict(bench.checked(await bench.channel.withdraw(job, bench.note)), Verdict.ACCEPTED)
    if bench.subject.finds:
        expect_found(await bench.find(job), Found.FOUND)


async def way_back_lost(deliver: DeliveryKind, kind: FaultKind, bench: Bench) -> None:
    """A correction or withdrawal whose answer was lost is in doubt; a look tells, or a repeat where that is harmless.

    What did not happen is not found, and what did is; after a repeat it happened once.
    """
    first = await bench.send(bench.job())
    job = bench.job(deliver, original=first.reference, timeout_s=SHORT_S)
    go = bench.channel.withdraw if deliver is DeliveryKind.WITHDRAW else bench.channel.correct
    bench.arm(kind, on=bench.withdraws_on if deliver is DeliveryKind.WITHDRAW else "publish")
    expect_verdict(bench.checked(await go(job, bench.note)), Verdict.IN_DOUBT)
    before = len(bench.far.journal.effects)
    acted = kind is FaultKind.ACT_THEN_DROP
    expect(before == 1 + acted, "the far side did not do what this check is about")
    again = replace(job, handle=bench.noted[-1] if bench.noted else None)
    if bench.subject.finds:
        expect_found(await bench.find(again), Found.FOUND if acted else Found.ABSENT)
    if type(bench.channel).capabilities.idempotency.kind is IdempotencyKind.IDEMPOTENT:
        expect_verdict(bench.checked(await go(again, bench.note)), Verdict.ACCEPTED)
        expect(len(bench.far.journal.effects) == 2, "after a repeat, it did not happen exactly once")


async def at_its_limit(limit: TextLimit, bench: Bench) -> None:
    """The longest text that fits goes up whole; one letter more is refused, or becomes another part: never cut."""
    fits, too_long = 0, limit.most + 1
    few = _parts(bench, 0)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        fits, too_long = (middle, too_long) if _parts(bench, middle) == few else (fits, middle)
    job = bench.job(more="a" * fits)
    longest = max(job.rendering.parts, key=lambda part: length(part.text, limit.unit))
    found = length(longest.text, limit.unit)
    expect(found == limit.most, f"the longest text is {found} {limit.unit}, and the limit says {limit.most}")
    expect("a" * fits in longest.text, "the longest text that fits was cut")
    expect_verdict(await bench.send(job), bench.subject.made)
    expect(bench.published() == 1, f"published {bench.published()} times, not once")


def _parts(bench: Bench, letters: int) -> int:
    """How many parts a text longer by so many letters becomes; 0 where it is refused."""
    try:
        return len(bench.channel.render(content(bench.account, more="a" * letters), bench.account).parts)
    except RenderError:
        return 0


async def renders(bench: Bench) -> None:
    """Rendering twice gives the same, its document reads back, and exercises say so."""
    for exercise in (True, False):
        asked = content(bench.account, exercise=exercise)
        rendering = bench.channel.render(asked, bench.account)
        expect(rendering == bench.channel.render(asked, bench.account), "the same content renders differently")
        expect(
            rendering == Rendering.from_document(rendering.document()),
            "the rendering's document reads back differently",
        )
        expect(
            not bench.channel.problems(rendering),
            f"its own rendering has problems: {bench.channel.problems(rendering)}",
        )
        marked = all("EXERCISE" in part.text for part in rendering.parts)
        expect(marked is exercise, "an exercise, and nothing else, says EXERCISE")


async def refuses_missing_language(bench: Bench) -> None:
    """No language of the account may be left out."""
    asked = content(bench.account)
    try:
        bench.channel.render(Content(asked.kind, (), asked.valid_until, asked.sent_by, asked.exercise), bench.account)
    except RenderError:
        return
    raise ConformanceError("content without a text in the account's language was rendered")


async def probe_fails(bench: Bench) -> None:
    """A probe that reaches nothing is not ok, and does not raise."""
    async with adapter_at(bench.subject, bench.far.url, bench.time, frozenset()) as (_, channel):
        expect(not bench.checked(await channel.probe()).ok, "a probe without a far side says that all is well")


async def probe_works(bench: Bench) -> None:
    """A probe finds the account well and leaves no trace in public."""
    probe = bench.checked(await bench.channel.probe())
    expect(probe.ok, f"the probe failed: {probe.detail}")
    expect(not bench.far.journal.effects, "the probe published something")
