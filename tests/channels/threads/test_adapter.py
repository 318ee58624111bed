"""The Threads adapter against a platform that publishes what was prepared."""

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import (
    Content,
    DeliveryKind,
    Found,
    LanguageText,
    Part,
    RenderError,
    Secret,
    Seen,
    Verdict,
)
from channels.media.carried import media_problems
from channels.meta.simulator import app_secret, token
from channels.simulator.faults import FaultKind
from channels.threads.adapter import Adapter
from tests.channels.meta.line import DIGEST, NOON, PICTURE
from tests.channels.threads.conftest import ACCOUNT, USER

CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW
SERVED = {"media_base_url": "https://media.city.example/pictures"}


def test_a_post_is_prepared_noted_and_published(on_line, make_job):
    """The container is durable before the call that publishes; reference and address are the post's own."""

    async def use(line):
        return await line.send(make_job()), line.noted, line.platform

    outcome, noted, threads = on_line(use)
    [post] = threads.posts
    assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, post.id)
    assert outcome.url == f"https://www.threads.net/@{USER}/post/{post.id}"
    assert noted == list(threads.containers)
    assert noted != [post.id]


def test_what_cannot_be_noted_is_not_published(on_line, make_job):
    """Without a durable container nothing would tell later whether the post is up."""

    async def use(line):
        async def note(handle):
            raise OSError(handle)

        with pytest.raises(OSError, match="1"):
            await line.adapter.send(make_job(), note)
        return line.texts()

    assert on_line(use) == []


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.ACT_THEN_DROP, FaultKind.ACT_THEN_ERROR, FaultKind.STALL])
def test_trouble_with_preparing_leaves_no_doubt(on_line, make_job, kind):
    """Whatever became of the container, it was not published."""

    async def use(line):
        line.arm(kind, on="upload", delay_s=1.0)
        return await line.send(make_job(timeout_s=0.5)), line.noted, line.texts()

    outcome, noted, texts = on_line(use)
    assert (outcome.verdict, noted, texts) == (Verdict.DEFERRED, [], [])


@pytest.mark.parametrize(("kind", "found"), [(FaultKind.ACT_THEN_DROP, Found.FOUND), (FaultKind.DROP, Found.ABSENT)])
def test_the_container_tells_what_a_lost_answer_meant(on_line, make_job, kind, found):
    """From outside both look the same."""

    async def use(line):
        line.arm(kind)
        outcome = await line.send(make_job())
        finding = await line.adapter.find(make_job(handle=line.noted[0]))
        return outcome.verdict, finding, line.platform.posts

    verdict, finding, posts = on_line(use)
    assert (verdict, finding.found) == (Verdict.IN_DOUBT, found)
    assert finding.reference == (posts[0].id if posts else None)


def test_a_post_that_was_not_published_is_published_from_its_container(on_line, make_job):
    """Nothing is prepared twice."""

    async def use(line):
        line.arm(FaultKind.DROP)
        await line.send(make_job())
        outcome = await line.send(make_job(attempt=2))
        return outcome.verdict, len(line.platform.containers), line.texts()

    assert on_line(use) == (Verdict.ACCEPTED, 1, ["Flood\n\nRain."])


def test_a_post_that_is_up_is_not_published_again(on_line, make_job):
    """An attempt that finds its container published leaves it to a look."""

    async def use(line):
        line.arm(FaultKind.ACT_THEN_DROP)
        await line.send(make_job())
        outcome = await line.send(make_job(attempt=2))
        return (outcome.verdict, outcome.code), len(line.platform.posts)

    assert on_line(use) == ((Verdict.IN_DOUBT, "duplicate"), 1)


def test_a_published_post_that_does_not_show_yet_stays_in_doubt(on_line, make_job):
    """It is up, and without its id nobody could take it back."""

    async def use(line):
        line.arm(FaultKind.LAG, delay_s=60)
        await line.send(make_job())
        early = await line.adapter.find(make_job(handle=line.noted[0]))
        line.clock.now += timedelta(minutes=2)
        return early, (await line.adapter.find(make_job(handle=line.noted[0]))).found

    early, late = on_line(use)
    assert (early.found, late) == (Found.UNKNOWN, Found.FOUND)
    assert "does not show in the profile's list yet" in early.reason


@pytest.mark.parametrize("status", ["EXPIRED", "ERROR"])
def test_a_container_that_is_of_no_use_is_made_anew(on_line, make_job, status):
    """It was not published, so the text is prepared again."""

    async def use(line):
        line.arm(FaultKind.DROP)
        await line.send(make_job())
        line.platform.containers[line.noted[0]].status = status
        finding = await line.adapter.find(make_job(handle=line.noted[0]))
        outcome = await line.send(make_job(attempt=2))
        return finding.found, outcome.verdict, len(line.noted), line.texts()

    assert on_line(use) == (Found.ABSENT, Verdict.ACCEPTED, 2, ["Flood\n\nRain."])


def test_a_container_that_is_gone_is_made_anew(on_line, make_job):
    """Meta shows none of this id; the profile's list decides whether the post is up."""

    async def use(line):
        finding = await line.adapter.find(make_job(handle="18099"))
        outcome = await line.adapter.send(make_job(handle="18099", attempt=2), line.note)
        return finding.found, outcome.verdict, len(line.texts())

    assert on_line(use) == (Found.ABSENT, Verdict.ACCEPTED, 1)


def test_a_container_that_is_not_ready_waits(on_line, make_job):
    """First Threads says so when it should publish, then the container does."""

    async def use(line):
        line.platform.preparing = "IN_PROGRESS"
        first, second = await line.send(make_job()), await line.send(make_job(attempt=2))
        line.platform.containers[line.noted[0]].status = "FINISHED"
        return first, second, await line.send(make_job(attempt=3)), len(line.platform.posts)

    first, second, third, posts = on_line(use)
    assert (first.verdict, first.code) == (Verdict.DEFERRED, "9007.2207027")
    assert (second.verdict, second.code, second.retry_after_s) == (Verdict.DEFERRED, "not_ready", 30.0)
    assert (third.verdict, posts) == (Verdict.ACCEPTED, 1)


@pytest.mark.parametrize(
    "kind", [FaultKind.DROP, FaultKind.ACT_THEN_HTML, FaultKind.ACT_THEN_ERROR, FaultKind.THROTTLE]
)
def test_a_container_that_cannot_be_read_proves_nothing(on_line, make_job, kind):
    """A look is unknown; a new attempt waits, for it has published nothing."""

    async def use(line):
        line.arm(FaultKind.DROP)
        await line.send(make_job())
        line.arm(kind, on="read", times=4)
        finding = await line.adapter.find(make_job(handle=line.noted[0]))
        outcome = await line.send(make_job(attempt=2))
        return finding.found, outcome.verdict, line.texts()

    assert on_line(use) == (Found.UNKNOWN, Verdict.DEFERRED, [])


def test_a_correction_is_a_reply_to_the_post(on_line, make_job):
    """It is found again among the replies, not among the posts."""

    async def use(line):
        first = await line.send(make_job())
        fix = make_job("Wrong", CORRECT, original=first.reference)
        second = await line.correct(fix)
        found = await line.adapter.find(fix)
        return first, second, found, [post.reply_to for post in line.platform.posts]

    first, second, found, replies = on_line(use)
    assert second.verdict is Verdict.ACCEPTED
    assert (found.found, found.reference) == (Found.FOUND, second.reference)
    assert replies == [None, first.reference]


def test_a_correction_without_an_original_stands_by_itself(on_line, make_job):
    """The post that it would reply to never came to be."""

    async def use(line):
        outcome = await line.correct(make_job("Wrong", CORRECT))
        return outcome.verdict, [post.reply_to for post in line.platform.posts]

    assert on_line(use) == (Verdict.ACCEPTED, [None])


@pytest.mark.parametrize("original", ["x", "../me", "1/2"])
def test_what_is_no_post_is_neither_corrected_nor_withdrawn(on_line, make_job, original):
    """And it is put into no address."""

    async def use(line):
        fixed = await line.correct(make_job(kind=CORRECT, original=original))
        gone = await line.adapter.withdraw(make_job(kind=WITHDRAW, original=original), line.note)
        return fixed.code, gone.code, line.far.journal.arrivals

    assert on_line(use) == ("no_original", "no_original", [])


def test_a_withdrawal_deletes_and_is_known_afterwards(on_line, make_job):
    """The public sees it no more."""

    async def use(line):
        first = await line.send(make_job())
        job = make_job(kind=WITHDRAW, original=first.reference)
        before = await line.adapter.find(job)
        outcome = await line.adapter.withdraw(job, line.note)
        seen = await line.adapter.read_back(make_job(), first.reference)
        return before.found, outcome.verdict, (await line.adapter.find(job)).found, seen.seen

    assert on_line(use) == (Found.ABSENT, Verdict.ACCEPTED, Found.FOUND, Seen.MISSING)


def test_a_day_of_posts_that_is_used_up_ends_the_account_for_now(on_line, make_job):
    """250 in 24 hours; it is refused, so that people take another channel."""

    async def use(line):
        line.platform.posts += (await _up(line, make_job)) * 249
        return await line.adapter.send(make_job("One more"), line.note)

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code, outcome.account_wide) == (Verdict.REJECTED, "9.2207042", True)


async def _up(line, make_job):
    await line.send(make_job())
    return list(line.platform.posts)


@pytest.mark.parametrize(
    ("credential", "says"),
    [
        ({"token": token("3333"), "app_secret": app_secret()}, "the token speaks for 3333, the settings say profile"),
        ({"token": "dead", "app_secret": app_secret()}, "does not accept the account's token"),
    ],
)
def test_a_probe_notices_what_cannot_post(on_line, credential, says):
    """Another profile's token and a dead one are found out before anything is sent."""

    async def use(line):
        return await line.adapter.probe()

    probe = on_line(use, held={name: Secret(value) for name, value in credential.items()})
    assert not probe.ok
    assert says in probe.detail


def test_a_probe_says_what_is_left_of_the_day(on_line, make_job):
    """Posts, replies and deletions are limits of their own; a correction is a reply."""

    async def use(line):
        first = await line.send(make_job())
        await line.adapter.correct(make_job("Mend", kind=DeliveryKind.CORRECT, original=first.reference), line.note)
        await line.adapter.withdraw(make_job(kind=DeliveryKind.WITHDRAW, original=first.reference), line.note)
        return await line.adapter.probe()

    probe = on_line(use)
    left = "249 of 250 posts in 24 hours, 999 of 1000 replies in 24 hours, 99 of 100 deletions in 24 hours"
    assert (probe.ok, probe.detail, probe.quota) == (True, "profile 2222", left)


def test_a_probe_says_that_the_days_posts_are_used_up(on_line, make_job):
    """Until when, in words, because Threads names no time; replies are left for corrections all the same."""

    async def use(line):
        line.platform.posts += (await _up(line, make_job)) * 249
        return await line.adapter.probe()

    probe = on_line(use)
    assert not probe.ok
    assert probe.detail == "all 250 posts in 24 hours are used up until the oldest of those posts is a day old"
    assert "1000 of 1000 replies" in probe.quota


def test_a_picture_is_shown_with_the_text(on_line, make_job):
    """Threads fetches it by the digest of the signed bytes; of a lost answer the container tells as before."""

    async def use(line):
        line.arm(FaultKind.ACT_THEN_DROP)
        await line.send(make_job(media=(PICTURE,)))
        return (await line.adapter.find(make_job(handle=line.noted[0]))).found, line.platform.posts

    found, [post] = on_line(use, **SERVED)
    assert (found, post.text, post.effects[0].media) == (Found.FOUND, "Flood\n\nRain.", (DIGEST,))


@pytest.mark.parametrize(("media", "settings"), [((PICTURE,), {}), ((PICTURE, PICTURE), SERVED)])
def test_what_cannot_be_shown_as_signed_is_not_prepared(on_line, make_job, media, settings):
    """A picture that nobody serves, and a second one."""

    async def use(line):
        return await line.send(make_job(media=media)), line.far.journal.arrivals

    outcome, arrivals = on_line(use, **settings)
    assert (outcome.verdict, outcome.code, arrivals) == (Verdict.REJECTED, "picture", [])


CONTENT = Content(
    DeliveryKind.PUBLISH,
    (LanguageText("en", "River rising", "Move."), LanguageText("cy", "Afon yn codi", "Symudwch.")),
    NOON + timedelta(hours=4),
    "Example City",
    exercise=False,
    link="https://city.example/flood",
    media=(replace(PICTURE, alt=(Part("cy", "Map y llif"), Part("en", "A map"))),),
)


def test_every_language_and_the_link_stand_in_one_post():
    """In the account's order."""
    rendering = Adapter.render(CONTENT, ACCOUNT)
    assert [part.text for part in rendering.parts] == [
        "River rising\n\nMove.\n\nAfon yn codi\n\nSymudwch.\n\nhttps://city.example/flood"
    ]


def test_an_account_carries_pictures_where_it_says_who_serves_them():
    """Another goes out with the text alone, as accounts did before: a warning waits for no web server."""
    served = replace(ACCOUNT, settings={**ACCOUNT.settings, **SERVED})
    (picture,) = Adapter.render(CONTENT, served).media
    assert (picture.digest, picture.alt) == (DIGEST, (Part("mul", "A map\n\nMap y llif"),))
    assert Adapter.render(CONTENT, ACCOUNT).media == ()


@pytest.mark.parametrize(
    ("media", "says"),
    [
        ((PICTURE, PICTURE), "2 of at most 1 pictures"),
        ((replace(PICTURE, mime="image/webp"),), "takes no image/webp"),
        ((replace(PICTURE, mime="image/png", size=8_000_000),), ""),
        ((replace(PICTURE, size=8_000_001),), "8,000,001 of at most 8,000,000 bytes"),
        ((replace(PICTURE, width=1_441),), "of at most 1440 by 14400"),
        ((replace(PICTURE, width=1_440, height=144),), ""),
        ((replace(PICTURE, width=1_440, height=143),), "from 0.1 to 10 times as wide as high"),
        ((replace(PICTURE, width=1_000, height=10_000),), ""),
        ((replace(PICTURE, width=1_000, height=10_001),), "from 0.1 to 10 times as wide as high"),
        ((replace(PICTURE, alt=(Part("en", "a" * 1_001),)),), "1001 of at most 1000 characters"),
    ],
)
def test_a_picture_is_one_of_the_sizes_that_threads_takes(make_job, media, says):
    """The figures of the reference, written down a second time (platforms 4.4)."""
    found = media_problems(make_job(media=media).rendering, Adapter.capabilities.media)
    assert [says in one for one in found] == ([True] if says else [])


@pytest.mark.parametrize(("body", "fits"), [("🌊" * 125, True), ("🌊" * 125 + "x", False), ("ŵ" * 500, True)])
def test_a_post_is_500_with_an_emoji_as_its_bytes(body, fits):
    """What Threads would refuse is refused when it is written."""
    content = replace(CONTENT, texts=(LanguageText("en", "", body),), link=None)
    account = replace(ACCOUNT, languages=("en",))
    if fits:
        assert Adapter.render(content, account).parts[0].text == body
        return
    with pytest.raises(RenderError, match="counts 501 of at most 500, an emoji as its bytes; shorten it by 1"):
        Adapter.render(content, account)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"user_id": "me"},
        {"user_id": USER, "version": "1"},
        {"user_id": USER, "media_base_url": "http://media.city.example"},
    ],
)
def test_an_account_without_a_sound_profile_is_refused(settings):
    """Before anything is sent."""
    with pytest.raises(ValueError, match="account th-1: the setting"):
        Adapter(replace(ACCOUNT, settings=settings), {}, None, None)


@pytest.mark.parametrize("lacking", ["token", "app_secret"])
def test_an_incomplete_credential_is_refused(lacking):
    """The message names what is missing."""
    held = {name: Secret("x") for name in ("token", "app_secret") if name != lacking}
    with pytest.raises(ValueError, match=f"@city on threads has no {lacking}; store one"):
        Adapter(ACCOUNT, held, None, None)
