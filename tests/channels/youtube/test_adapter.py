"""The YouTube adapter against a platform that keeps what is uploaded private until it is told otherwise."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import (
    DeliveryKind,
    Found,
    Secret,
    Seen,
    Verdict,
)
from channels.simulator.faults import FaultKind
from channels.youtube import upload
from channels.youtube.handle import Handles, What
from tests.channels.documented import YOUTUBE
from tests.channels.youtube.conftest import CAPTIONS, FILM, SPOKEN, VIDEO

CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW


def _refusal(status, reason):
    return next(one.body for one in YOUTUBE if (one.status, reason in one.body) == (status, True))


def test_a_video_goes_up_unseen_and_is_then_made_public(on_line, make_job):
    """With its captions; what the next attempt needs is durable before the first byte and before it is public."""

    async def use(line):
        seen = []

        async def note(handle):
            line.noted.append(handle)
            sessions = [len(session.data) for session in line.youtube.sessions.values()]
            seen.append((sessions, [one.status["privacyStatus"] for one in line.youtube.videos.values()]))

        outcome = await line.account.send(make_job(), note)
        return outcome, line.video, seen, line.named(), line.far.journal.effects

    outcome, video, seen, named, (effect,) = on_line(use)
    assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, video.id)
    assert outcome.url == f"https://www.youtube.com/watch?v={video.id}"
    assert seen == [([0], []), ([len(FILM)], ["private"])]
    assert [list(one) for one in named] == [[What.SESSION], [What.VIDEO]]
    assert (video.data, video.captions, effect.media) == (FILM, SPOKEN, (VIDEO.digest,))


def test_what_youtube_is_told_was_signed(on_line, make_job):
    """Title, description, language, that it is public and not made for children; nothing of the part is left out."""

    async def use(line):
        await line.send(make_job())
        return line.video

    video = on_line(use)
    assert video.snippet == {
        "title": "Flood",
        "description": "Flood\n\nRain.",
        "categoryId": "25",
        "defaultLanguage": "en",
    }
    assert video.status == {
        "privacyStatus": "public",
        "selfDeclaredMadeForKids": False,
        "license": "youtube",
        "embeddable": True,
        "publicStatsViewable": True,
        "uploadStatus": "processed",
    }


def test_without_a_video_nothing_is_asked(on_line, make_job):
    """YouTube has no post of text alone."""

    async def use(line):
        job = make_job()
        outcome = await line.send(replace(job, rendering=replace(job.rendering, media=())))
        return outcome, line.far.journal.arrivals

    outcome, arrivals = on_line(use)
    assert (outcome.verdict, outcome.code, arrivals) == (Verdict.REJECTED, "no_video", [])


@pytest.mark.parametrize(
    "kind", [FaultKind.ACT_THEN_DROP, FaultKind.DROP, FaultKind.ACT_THEN_ERROR, FaultKind.REFUSE]
)
def test_a_chunk_that_is_lost_is_asked_for(on_line, make_job, kind):
    """Within the attempt: the same session goes on from what is there, and one video comes of it."""

    async def use(line):
        line.arm(kind, "upload", every=2)
        outcome = await line.send(make_job())
        return outcome.verdict, line.video.data, line.published, len(line.youtube.sessions)

    assert on_line(use) == (Verdict.ACCEPTED, FILM, 1, 1 + len(CAPTIONS))


def test_what_was_sent_is_not_taken_for_what_arrived(on_line, make_job):
    """YouTube keeps less of each chunk than it was given."""

    async def use(line):
        line.youtube.keeps = 300 * 1024
        return (await line.send(make_job())).verdict, line.video.data

    assert on_line(use) == (Verdict.ACCEPTED, FILM)


def test_an_upload_that_breaks_off_goes_on_at_the_next_attempt(on_line, make_job, monkeypatch):
    """At the session that was noted, from the bytes that are there; and nothing was in doubt meanwhile."""
    monkeypatch.setattr(upload, "CHUNK_BYTES", 256 * 1024)

    async def use(line):
        for _ in range(3):  # the address is given and one chunk is taken, then three calls fail
            line.arm(FaultKind.REFUSE, "upload", every=3)
        first = await line.send(make_job())
        (session,) = line.youtube.sessions.values()
        there = len(session.data)
        second = await line.send(make_job(attempt=2))
        return first, there, second.verdict, line.video.data, line.published

    first, there, *rest = on_line(use)
    assert (first.verdict, there) == (Verdict.DEFERRED, 256 * 1024)
    assert "nothing is public yet" in first.reason
    assert rest == [Verdict.ACCEPTED, FILM, 1]


def test_an_address_that_is_gone_is_replaced(on_line, make_job):
    """YouTube keeps one for about a week; nothing of what was there is missed."""

    async def use(line):
        line.arm(FaultKind.REFUSE, "upload", every=2, times=1)
        line.youtube.keeps = 0
        first = await line.send(make_job())
        line.youtube.keeps = None
        line.clock.now += timedelta(days=8)
        second = await line.send(make_job(attempt=2))
        return first.verdict, second.verdict, line.published, [list(one) for one in line.named()]

    noted = [[What.SESSION], [What.SESSION], [What.VIDEO]]
    assert on_line(use) == (Verdict.DEFERRED, Verdict.ACCEPTED, 1, noted)


def test_a_video_that_was_finished_unnoticed_is_not_uploaded_again(on_line, make_job):
    """The last answer was lost and the address is gone: the private video is found by its words, and made public."""

    async def use(line):
        for _ in range(3):  # the address is given; then the upload ends, and nobody hears of it
            line.arm(FaultKind.ACT_THEN_DROP, "upload", every=2)
        first = await line.send(make_job())
        line.youtube.sessions.clear()
        second = await line.send(make_job(attempt=2))
        return first.verdict, second.verdict, line.video.data, line.published

    assert on_line(use) == (Verdict.DEFERRED, Verdict.ACCEPTED, FILM, 1)


def test_a_video_that_youtube_could_not_use_is_uploaded_again(on_line, make_job):
    """It has the words of this one, and nobody would ever see it."""

    async def use(line):
        for _ in range(3):
            line.arm(FaultKind.ACT_THEN_DROP, "upload", every=2)
        await line.send(make_job())
        line.youtube.sessions.clear()
        line.video.status |= {"uploadStatus": "failed", "failureReason": "emptyFile"}
        second = await line.send(make_job(attempt=2))
        return second.verdict, len(line.youtube.videos), line.published

    assert on_line(use) == (Verdict.ACCEPTED, 2, 1)


@pytest.mark.parametrize(("kind", "found"), [(FaultKind.ACT_THEN_DROP, Found.FOUND), (FaultKind.DROP, Found.ABSENT)])
@pytest.mark.parametrize("remembers", [True, False])
def test_the_video_tells_what_a_lost_answer_meant(on_line, make_job, kind, found, remembers):
    """From outside both look the same; and a repeat makes the same video public, not another."""

    async def use(line):
        line.arm(kind)
        outcome = await line.send(make_job())
        finding = await line.account.find(line.handed(make_job()) if remembers else make_job())
        again = await line.send(make_job(attempt=2))
        return outcome.verdict, finding.found, again.verdict, len(line.youtube.videos), line.published

    assert on_line(use) == (Verdict.IN_DOUBT, found, Verdict.ACCEPTED, 1, 1)


def test_a_handle_that_is_not_ours_is_none(on_line, make_job):
    """Neither another delivery's nor one in clear nor one of another credential: a video of ours is uploaded."""

    async def use(line):
        await line.account.send(make_job(delivery="d0"), line.note)
        other = Handles(Secret("another")).write("d1", What.VIDEO, line.video.id)
        forged = [line.noted[-1], line.video.id, f"video {line.video.id}", other, "", "é"]
        return [(await line.account.send(make_job(handle=handle), line.note)).reference for handle in forged]

    references = on_line(use)
    assert len({*references, "vid00000001"}) == 7


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (503, "", Verdict.DEFERRED),
        (403, _refusal(403, "rateLimitExceeded"), Verdict.DEFERRED),
        (403, _refusal(403, "insufficientPermissions"), Verdict.REJECTED),
    ],
)
def test_a_video_without_its_captions_stays_private(on_line, make_job, status, body, verdict):
    """What was signed is published whole. The next attempt adds what is missing, to the same video."""

    async def use(line):
        line.arm(FaultKind.REFUSE, "upload", every=5, status=status, body=body)  # of the second language
        first, unseen = await line.send(make_job()), line.video.status["privacyStatus"]
        second = await line.send(make_job(attempt=2))
        return first.verdict, unseen, second.verdict, line.video.captions, line.published

    assert on_line(use) == (verdict, "private", Verdict.ACCEPTED, SPOKEN, 1)


def test_an_api_project_without_an_audit_is_found_out(on_line, make_job):
    """YouTube takes the update and keeps the video private: that is no publication, and the reason says why."""

    async def use(line):
        line.youtube.locked = True
        outcome = await line.send(make_job())
        return outcome, await line.account.read_back(make_job(), line.video.id), line.published

    outcome, seen, published = on_line(use)
    assert (outcome.verdict, outcome.code, outcome.account_wide, published) == (Verdict.REJECTED, "locked", True, 0)
    assert "until it has passed YouTube's audit" in outcome.reason
    assert (seen.seen, "passed YouTube's audit" in seen.reason) == (Seen.MISSING, True)


@pytest.mark.parametrize(
    ("change", "seen", "says"),
    [
        ({}, Seen.VISIBLE, ""),
        ({"description": "Sunny."}, Seen.ALTERED, ""),
        ({"privacyStatus": "unlisted"}, Seen.MISSING, "the video is unlisted"),
        ({"uploadStatus": "uploaded"}, Seen.UNKNOWN, "still processing"),
        ({"uploadStatus": "rejected", "rejectionReason": "duplicate"}, Seen.MISSING, "to nobody: rejected duplicate"),
        ({"uploadStatus": "failed", "failureReason": "codec"}, Seen.MISSING, "to nobody: failed codec"),
    ],
)
def test_read_back_says_what_the_public_sees(on_line, make_job, change, seen, says):
    """And why it sees nothing."""

    async def use(line):
        await line.send(make_job())
        for name, value in change.items():
            (line.video.snippet if name in line.video.snippet else line.video.status)[name] = value
        return await line.account.read_back(make_job(), line.video.id)

    read = on_line(use)
    assert (read.seen, says in read.reason) == (seen, True)


def test_a_correction_changes_title_and_description_in_place(on_line, make_job):
    """The video, its captions and who sees it stay what they are; no field of the part is cleared."""

    async def use(line):
        first = await line.send(make_job())
        job = make_job("It is over.", CORRECT, "Over", original=first.reference)
        before = await line.account.find(job)
        outcome = await line.account.correct(job, line.note)
        after = await line.account.find(job)
        seen = await line.account.read_back(job, first.reference)
        return before.found, outcome.verdict, after.found, seen.seen, line.video

    *told, video = on_line(use)
    assert told == [Found.ABSENT, Verdict.ACCEPTED, Found.FOUND, Seen.VISIBLE]
    assert (video.data, video.captions, video.status["privacyStatus"]) == (FILM, SPOKEN, "public")
    assert video.snippet == {
        "title": "Over",
        "description": "It is over.",
        "categoryId": "25",
        "defaultLanguage": "en",
    }


def test_a_withdrawal_makes_the_video_private_and_then_deletes_it(on_line, make_job):
    """In that order: private is instant."""

    async def use(line):
        first = await line.send(make_job())
        outcome = await line.account.withdraw(make_job(kind=WITHDRAW, original=first.reference), line.note)
        return outcome, line.youtube.videos, [one.path.rpartition("/")[2] for one in line.far.journal.arrivals[-2:]]

    outcome, videos, paths = on_line(use)
    assert (outcome.verdict, outcome.reason, videos, paths) == (Verdict.ACCEPTED, "", {}, ["videos", "videos"])


@pytest.mark.parametrize("said", [{"id": "vid00000009", "status": {"privacyStatus": "public"}}, {"status": {}}, {}])
def test_an_answer_about_something_else_proves_nothing(on_line, make_job, said):
    """Neither that a video is public nor that it is private again."""

    async def use(line):
        line.arm(FaultKind.REFUSE, status=200, body=json.dumps(said))
        first = await line.send(make_job())
        line.arm(FaultKind.REFUSE, status=200, body=json.dumps({**said, "id": line.video.id}))
        job = make_job(kind=WITHDRAW, original=line.video.id)
        return first.verdict, (await line.account.withdraw(job, line.note)).verdict, len(line.youtube.videos)

    assert on_line(use) == (Verdict.IN_DOUBT, Verdict.IN_DOUBT, 1)


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.REFUSE, FaultKind.THROTTLE])
def test_a_video_that_could_not_be_deleted_is_withdrawn_all_the_same(on_line, make_job, kind):
    """Nobody sees it; the reason says what is left to do."""

    async def use(line):
        first = await line.send(make_job())
        line.arm(kind, every=2)
        job = make_job(kind=WITHDRAW, original=first.reference)
        outcome = await line.account.withdraw(job, line.note)
        seen = await line.account.read_back(make_job(), first.reference)
        return outcome, line.video.status["privacyStatus"], seen.seen, (await line.account.find(job)).found

    outcome, *told = on_line(use)
    assert outcome.verdict is Verdict.ACCEPTED
    assert "delete it in YouTube Studio" in outcome.reason
    assert told == ["private", Seen.MISSING, Found.FOUND]


@pytest.mark.parametrize(("way", "verdict"), [(CORRECT, Verdict.REJECTED), (WITHDRAW, Verdict.ACCEPTED)])
def test_a_video_that_is_gone_is_withdrawn_and_cannot_be_corrected(on_line, make_job, way, verdict):
    """Whoever deleted it."""

    async def use(line):
        job = make_job(kind=way, original="vid00000009")
        return await (line.account.correct if way is CORRECT else line.account.withdraw)(job, line.note)

    assert on_line(use).verdict is verdict


@pytest.mark.parametrize("way", ["correct", "withdraw"])
@pytest.mark.parametrize("original", [None, "", "a b/c"])
def test_what_names_no_video_is_refused(on_line, make_job, way, original):
    """Before anything is asked."""

    async def use(line):
        outcome = await getattr(line.account, way)(make_job(original=original), line.note)
        return outcome.code, line.far.journal.arrivals

    assert on_line(use) == ("no_original", [])


@pytest.mark.parametrize(
    ("settings", "private", "says"),
    [
        ({}, False, "channel UCcity"),
        ({"channel_id": "UCtown"}, False, "belongs to channel UCcity, the settings say UCtown; mend one"),
        ({}, True, "the channel itself is private: make it public"),
        ({"audited": "no"}, False, "passed YouTube's audit; once it has, say --set audited=yes"),
    ],
)
def test_a_probe_says_what_would_keep_a_video_from_being_seen(on_line, settings, private, says):
    """Another channel, a private one, an API project that was not audited."""

    async def use(line):
        line.youtube.channel_privacy = "private" if private else "public"
        return await line.account.probe()

    probe = on_line(use, **settings)
    assert (probe.ok, says in probe.detail) == (says == "channel UCcity", True)


@pytest.mark.parametrize(
    ("status", "reason", "quota"),
    [(403, "quotaExceeded", "none left today"), (401, "authError", ""), (503, "backendError", "")],
)
def test_a_probe_that_is_refused_says_why(on_line, status, reason, quota):
    """A quota that is used up by its name."""

    async def use(line):
        line.arm(FaultKind.REFUSE, "read", status=status, body=_refusal(status, reason))
        return await line.account.probe()

    probe = on_line(use)
    assert (probe.ok, probe.quota, bool(probe.detail)) == (False, quota, True)
