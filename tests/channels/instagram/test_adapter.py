"""The Instagram adapter against a platform that fetches its pictures and publishes what was prepared."""

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
from channels.instagram.adapter import Adapter
from channels.media.carried import media_problems
from channels.meta.simulator import app_secret, token
from channels.simulator.faults import FaultKind
from tests.channels.instagram.conftest import ACCOUNT
from tests.channels.meta.line import DIGEST, NOON, PICTURE

WITHDRAW = DeliveryKind.WITHDRAW


def test_a_picture_is_prepared_noted_and_published_with_its_caption(on_line, make_job):
    """The container is durable before the call that publishes; reference and address are the post's own."""

    async def use(line):
        return await line.send(make_job()), line.noted, line.platform

    outcome, noted, instagram = on_line(use)
    [post] = instagram.posts
    assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, post.id)
    assert outcome.url == f"https://www.instagram.com/p/{post.id}/"
    assert noted == list(instagram.containers)
    assert (post.text, post.effects[0].media) == ("Flood\n\nRain.", (DIGEST,))


def test_the_address_ends_in_the_digest_of_the_signed_bytes(on_line, make_job, monkeypatch):
    """Below where the account says that the media folder is served; with the text for who cannot see it."""

    async def use(line):
        seen = []
        keep = line.adapter._graph.call

        async def call(method, path, until, **more):
            seen.append(more.get("form"))
            return await keep(method, path, until, **more)

        monkeypatch.setattr(line.adapter._graph, "call", call)
        await line.send(make_job())
        return seen[0]

    assert on_line(use) == {
        "image_url": f"https://media.city.example/pictures/{'ab' * 32}.jpg",
        "caption": "Flood\n\nRain.",
        "alt_text": "A map",
    }


def test_without_a_picture_nothing_is_asked(on_line, make_job):
    """Instagram has no post of text alone."""

    async def use(line):
        return await line.send(make_job(media=())), line.far.journal.arrivals

    outcome, arrivals = on_line(use)
    assert (outcome.verdict, outcome.code, arrivals) == (Verdict.REJECTED, "no_picture", [])


@pytest.mark.parametrize("base", ["https://media.city.example/a b", "http://media.city.example", ""])
def test_pictures_are_served_under_https(on_line, base):
    """An account without a sound address for them is refused before anything is sent."""

    async def use(line):
        return line

    with pytest.raises(ValueError, match="media_base_url"):
        on_line(use, media_base_url=base)


def test_a_picture_that_instagram_cannot_fetch_waits(on_line, make_job):
    """Nothing was published; a person sees what to look at, and a later attempt goes on."""

    async def use(line):
        line.arm(FaultKind.REFUSE, "upload", status=400, body=_error(9004, 2207052))
        return await line.send(make_job()), await line.send(make_job(attempt=2))

    first, second = on_line(use)
    assert (first.verdict, first.code) == (Verdict.DEFERRED, "9004.2207052")
    assert "see that its address answers from the internet" in first.reason
    assert second.verdict is Verdict.ACCEPTED


def _error(code, subcode):
    return f'{{"error": {{"type": "OAuthException", "code": {code}, "error_subcode": {subcode}}}}}'


@pytest.mark.parametrize(("kind", "found"), [(FaultKind.ACT_THEN_DROP, Found.FOUND), (FaultKind.DROP, Found.ABSENT)])
def test_the_container_tells_what_a_lost_answer_meant(on_line, make_job, kind, found):
    """From outside both look the same."""

    async def use(line):
        line.arm(kind)
        outcome = await line.send(make_job())
        finding = await line.adapter.find(make_job(handle=line.noted[0]))
        again = await line.send(make_job(attempt=2))
        return outcome.verdict, finding.found, again.code, len(line.platform.posts), len(line.platform.containers)

    again = "duplicate" if found is Found.FOUND else ""
    assert on_line(use) == (Verdict.IN_DOUBT, found, again, 1, 1)


def test_a_picture_that_is_not_ready_waits_a_minute(on_line, make_job):
    """First Instagram says so when it should publish, then the container does."""

    async def use(line):
        line.platform.preparing = "IN_PROGRESS"
        first, second = await line.send(make_job()), await line.send(make_job(attempt=2))
        line.platform.containers[line.noted[0]].status = "FINISHED"
        return first, second, await line.send(make_job(attempt=3)), len(line.platform.posts)

    first, second, third, posts = on_line(use)
    assert (first.verdict, first.code) == (Verdict.DEFERRED, "9007.2207027")
    assert (second.verdict, second.retry_after_s) == (Verdict.DEFERRED, 60.0)
    assert (third.verdict, posts) == (Verdict.ACCEPTED, 1)


def test_a_day_of_posts_that_is_used_up_ends_the_account_for_now(on_line, make_job):
    """The probe says so before, with the figures."""

    async def use(line):
        fine = await line.adapter.probe()
        await line.send(make_job())
        line.platform.posts *= 50
        full = await line.adapter.probe()
        return fine, full, await line.adapter.send(make_job("One more"), line.note)

    fine, full, outcome = on_line(use)
    assert (fine.ok, fine.quota) == (True, "50 of 50 posts in 24 hours")
    spent = "all 50 posts in 24 hours are used up until the oldest of those posts is a day old"
    assert (full.ok, full.detail, full.quota) == (False, spent, "0 of 50 posts in 24 hours")
    assert (outcome.verdict, outcome.code, outcome.account_wide) == (Verdict.REJECTED, "9.2207042", True)


@pytest.mark.parametrize(("held", "says"), [(token("4444"), "may not do this"), ("dead", "does not accept")])
def test_a_probe_notices_what_cannot_post(on_line, held, says):
    """Another account's token and a dead one are found out before anything is sent."""

    async def use(line):
        return await line.adapter.probe()

    probe = on_line(use, held={"token": Secret(held), "app_secret": Secret(app_secret())})
    assert not probe.ok
    assert says in probe.detail


def test_a_withdrawal_deletes_and_is_known_afterwards(on_line, make_job):
    """The public sees it no more."""

    async def use(line):
        first = await line.send(make_job())
        job = make_job(kind=WITHDRAW, media=(), original=first.reference)
        before = await line.adapter.find(job)
        outcome = await line.adapter.withdraw(job, line.note)
        seen = await line.adapter.read_back(make_job(), first.reference)
        return before.found, outcome.verdict, (await line.adapter.find(job)).found, seen.seen

    assert on_line(use) == (Found.ABSENT, Verdict.ACCEPTED, Found.FOUND, Seen.MISSING)


def test_a_token_that_may_not_delete_is_refused(on_line, make_job):
    """The post is still there, and the reason names what to do."""

    async def use(line):
        line.platform.may_delete = False
        first = await line.send(make_job())
        job = make_job(kind=WITHDRAW, media=(), original=first.reference)
        return await line.adapter.withdraw(job, line.note), (await line.adapter.find(job)).found

    outcome, found = on_line(use)
    assert (outcome.verdict, outcome.code, found) == (Verdict.REJECTED, "10", Found.ABSENT)
    assert "grant the permissions" in outcome.reason


def test_nothing_is_corrected_by_a_machine(on_line, make_job):
    """The caption cannot be changed, and an armed text has no picture."""

    async def use(line):
        return await line.adapter.correct(make_job(kind=DeliveryKind.CORRECT, original="1"), line.note)

    assert on_line(use).verdict is Verdict.REJECTED
    assert not Adapter.capabilities.can_correct


CONTENT = Content(
    DeliveryKind.PUBLISH,
    (LanguageText("en", "River rising", "Move."), LanguageText("cy", "Afon yn codi", "Symudwch.")),
    NOON + timedelta(hours=4),
    "Example City",
    exercise=False,
    link="https://city.example/flood",
    media=(replace(PICTURE, alt=(Part("cy", "Map y llif"), Part("en", "A map"))),),
)


def test_every_language_stands_in_one_caption_and_in_one_alternative_text():
    """In the account's order."""
    rendering = Adapter.render(CONTENT, ACCOUNT)
    assert [part.text for part in rendering.parts] == [
        "River rising\n\nMove.\n\nAfon yn codi\n\nSymudwch.\n\nhttps://city.example/flood"
    ]
    assert rendering.media[0].alt == (Part("mul", "A map\n\nMap y llif"),)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("x" * 2_200, ""),
        ("x" * 2_201, "2201 of at most 2200 UTF-16 units; shorten it by 1"),
        ("#flood " * 30, ""),
        ("#flood " * 31, "31 of at most 30 #; leave some out"),
        ("@city " * 20, ""),
        ("@city " * 21, "21 of at most 20 @; leave some out"),
    ],
)
def test_a_caption_is_2200_with_30_hashes_and_20_ats(body, says):
    """What Instagram would refuse is refused when it is written."""
    content = replace(CONTENT, texts=(LanguageText("en", "", body),), link=None)
    account = replace(ACCOUNT, languages=("en",))
    if not says:
        assert Adapter.render(content, account).parts[0].text == body.strip()
        return
    with pytest.raises(RenderError, match=says):
        Adapter.render(content, account)


@pytest.mark.parametrize(
    ("media", "says"),
    [
        ((), "takes no post without a picture; attach one: dispatcher message attach"),
        ((PICTURE, PICTURE), "2 of at most 1 pictures"),
        ((replace(PICTURE, mime="image/png"),), "takes no image/png"),
        ((replace(PICTURE, size=8 * 1024 * 1024 + 1),), "8,388,609 of at most 8,388,608 bytes"),
        ((replace(PICTURE, width=1_441, height=1_000),), "1441 by 1000 of at most 1440 by 1800"),
        ((replace(PICTURE, width=1_440, height=1_800),), ""),
        ((replace(PICTURE, width=799, height=1_000),), "from 0.8 to 1.91 times as wide as high"),
        ((replace(PICTURE, width=1_337, height=700),), ""),
        ((replace(PICTURE, width=1_338, height=700),), "from 0.8 to 1.91 times as wide as high"),
    ],
)
def test_a_picture_is_one_jpeg_of_instagrams_shapes(make_job, media, says):
    """The figures of the reference, written down a second time (platforms 4.3)."""
    found = media_problems(make_job(media=media).rendering, Adapter.capabilities.media)
    assert [says in one for one in found] == ([True] if says else [])


@pytest.mark.parametrize("settings", [{}, {"ig_id": "me"}, {"version": "1"}, {"may_delete": "true"}])
def test_an_account_whose_settings_are_unsound_is_refused(settings):
    """Before anything is sent."""
    whole = {**ACCOUNT.settings, **settings} if settings else {}
    with pytest.raises(ValueError, match="account ig-1: the setting"):
        Adapter(replace(ACCOUNT, settings=whole), {}, None, None)
