"""The direct post: what is said of it, what is asked before it, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.conformance.bench import HandClock, at_once, content
from channels.contract import DeliveryKind, Found, Outcome, Secret, Verdict
from channels.http import Http, HttpPolicy
from channels.media.carried import media_problems
from channels.simulator.faults import FaultKind
from channels.tiktok.direct import DirectPost
from tests.channels.tiktok.machine import CREDENTIAL, MEDIUM, Far, account, facing

OFFLINE = Http(HttpPolicy(frozenset()))


def made(**settings: str) -> DirectPost:
    """The adapter of an account with these settings. Raises ValueError."""
    known = account(**settings)
    said = {name: value for name, value in known.settings.items() if value}
    return DirectPost(replace(known, settings=said), CREDENTIAL, OFFLINE, HandClock())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"privacy_level": ""}, "privacy_level="),
        ({"privacy_level": "EVERYBODY"}, "privacy_level="),
        ({"audited": "no"}, "SELF_ONLY"),
        ({"audited": ""}, "SELF_ONLY"),
        ({"disclosure": ""}, "disclosure="),
        ({"disclosure": "perhaps"}, "disclosure="),
        ({"media_base_url": ""}, "media_base_url="),
        ({"media_base_url": "http://media.example"}, "media_base_url="),
        ({"media_base_url": "https://media.example/?x=1"}, "media_base_url="),
    ],
)
def test_nothing_that_the_public_would_notice_has_a_default(settings: dict[str, str], said: str) -> None:
    """The account is refused, and told what to say."""
    with pytest.raises(ValueError, match=said):
        made(**settings)


def test_an_unaudited_client_posts_for_the_accounts_own_eyes() -> None:
    """That level needs no audit."""
    assert made(audited="no", privacy_level="SELF_ONLY").route == "direct_post"


@pytest.mark.parametrize("name", ["client_key", "client_secret", "refresh_token"])
def test_an_incomplete_credential_is_refused(name: str) -> None:
    """By its name, never by its value."""
    lacking = {key: value for key, value in CREDENTIAL.items() if key != name}
    with pytest.raises(ValueError, match=name):
        DirectPost(account(), lacking, OFFLINE, HandClock())


def test_what_tiktok_is_told_is_signed() -> None:
    """Route, privacy and disclosure stand in the rendering, beside the settings that are off."""
    rendering = DirectPost.render(replace(content(account()), media=(MEDIUM,)), account(disclosure="own_brand"))
    told = {name: rendering.options[name] for name in ("route", "privacy_level", "brand_organic_toggle")}
    assert told == {"route": "direct_post", "privacy_level": "PUBLIC_TO_EVERYONE", "brand_organic_toggle": True}
    assert rendering.options["brand_content_toggle"] is False
    assert rendering.options["settings"] == {"comments": "off", "duet": "off", "stitch": "off"}


def test_a_text_alone_has_a_problem_at_draft() -> None:
    """TikTok takes none, and the author learns what to do."""
    rendering = DirectPost.render(content(account()), account())
    (problem,) = media_problems(rendering, DirectPost.capabilities.media)
    assert "attach one: dispatcher message attach" in problem


@pytest.mark.parametrize("name", ["route", "privacy_level", "brand_content_toggle", "brand_organic_toggle"])
def test_a_rendering_that_leaves_one_of_them_open_is_refused(name: str) -> None:
    """Nothing is filled in."""
    rendering = DirectPost.render(replace(content(account()), media=(MEDIUM,)), account())
    bare = {key: value for key, value in rendering.options.items() if key != name}
    assert len(DirectPost.problems(replace(rendering, options=bare))) == 1


def test_the_account_is_asked_about_right_before_and_the_status_after() -> None:
    """A token, the creator, the post, its status; the post shows the picture that was signed."""

    async def work(far: Far) -> None:
        outcome = await far.channel.send(far.job(), far.note)
        assert outcome.verdict is Verdict.ACCEPTED
        assert far.asked == ["oauth", "creator_info", "content", "status"]
        (effect,) = far.simulator.journal.effects
        assert effect.media == (MEDIUM.digest,)
        assert outcome.url == f"https://www.tiktok.com/@council/photo/{effect.reference}"

    facing(work)


def test_a_video_is_linked_as_what_it_is() -> None:
    """TikTok shows pictures and videos at addresses of their own."""

    async def work(far: Far) -> None:
        outcome = await far.channel.send(far.film(), far.note)
        (effect,) = far.simulator.journal.effects
        assert outcome.url == f"https://www.tiktok.com/@council/video/{effect.reference}"

    facing(work)


def test_a_post_without_an_id_yet_is_public_all_the_same() -> None:
    """Moderation may take hours: the publish id is what it is known by."""

    async def work(far: Far) -> None:
        far.tiktok.moderating = True
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.reference, outcome.url) == (Verdict.ACCEPTED, far.noted[0], None)

    facing(work)


@pytest.mark.parametrize(
    ("audited", "levels", "verdict", "code"),
    [
        (True, ("SELF_ONLY",), Verdict.REJECTED, "privacy_level"),
        (True, (), Verdict.REJECTED, "privacy_level"),
        (False, ("PUBLIC_TO_EVERYONE",), Verdict.REJECTED, "unaudited_client_can_only_post_to_private_accounts"),
    ],
)
def test_a_level_that_is_not_offered_is_refused(
    audited: bool, levels: tuple[str, ...], verdict: Verdict, code: str
) -> None:
    """By us before anything is sent, by TikTok where the client is not audited."""

    async def work(far: Far) -> None:
        far.tiktok.audited, far.tiktok.levels = audited, levels
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.code, far.posts) == (verdict, code, 0)

    facing(work)


@pytest.mark.parametrize(
    "code", ["spam_risk_too_many_posts", "spam_risk_user_banned_from_posting", "reached_active_user_cap"]
)
def test_a_refusal_that_comes_with_http_200_is_one(code: str) -> None:
    """creator_info says so; no post is tried, and the reason holds TikTok's log id."""

    async def work(far: Far) -> None:
        far.tiktok.barred = code
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.code, outcome.account_wide) == (Verdict.REJECTED, code, True)
        assert "(log id 20261121A)" in outcome.reason
        assert far.asked == ["oauth", "creator_info"]

    facing(work)


def test_settings_other_than_signed_send_nothing() -> None:
    """What people signed for one account's settings does not go out under others."""

    async def work(far: Far) -> None:
        job = far.job()
        options = {**job.rendering.options, "privacy_level": "SELF_ONLY"}
        outcome = await far.channel.send(replace(job, rendering=replace(job.rendering, options=options)), far.note)
        assert (outcome.verdict, outcome.code, far.asked) == (Verdict.REJECTED, "settings", [])

    facing(work)


def test_a_lost_answer_leaves_it_to_people() -> None:
    """TikTok may publish by itself, and there is no publish id to ask for."""

    async def work(far: Far) -> None:
        far.arm(FaultKind.ACT_THEN_DROP)
        outcome = await far.channel.send(far.job(), far.note)
        finding = await far.channel.find(far.job())
        assert (outcome.verdict, far.noted, finding.found) == (Verdict.IN_DOUBT, [], Found.UNKNOWN)
        assert "look at the account's profile" in finding.reason

    facing(work)


async def begun(far: Far) -> Outcome:
    """Send while the post's status cannot be read."""
    far.arm(FaultKind.DROP, on="read")
    return await far.channel.send(far.job(), far.note)


def test_a_status_that_could_not_be_read_is_found_by_its_publish_id() -> None:
    """In doubt first, then found, without a second post."""

    async def work(far: Far) -> None:
        assert (await begun(far)).verdict is Verdict.IN_DOUBT
        finding = await far.channel.find(far.job(handle=far.noted[0]))
        assert (finding.found, far.posts) == (Found.FOUND, 1)

    facing(work)


def test_what_is_still_processed_is_neither_found_nor_absent() -> None:
    """It is asked for again."""

    async def work(far: Far) -> None:
        far.arm(FaultKind.LAG, delay_s=600)
        outcome = await far.channel.send(far.job(), far.note)
        job = far.job(handle=far.noted[0])
        assert (outcome.verdict, outcome.code) == (Verdict.IN_DOUBT, "processing")
        assert (await far.channel.find(job)).found is Found.UNKNOWN
        far.time.pass_s(600)
        assert (await far.channel.find(job)).found is Found.FOUND

    facing(work)


@pytest.mark.parametrize("lagging", [False, True])
def test_there_is_no_second_post_while_a_publish_id_has_not_failed(lagging: bool) -> None:
    """Whatever sends it again: it is public, or still processed."""

    async def work(far: Far) -> None:
        if lagging:
            far.arm(FaultKind.LAG, delay_s=600)
        await far.channel.send(far.job(), far.note)
        again = await far.channel.send(far.job(handle=far.noted[0], attempt=2), far.note)
        assert again.verdict is (Verdict.IN_DOUBT if lagging else Verdict.ACCEPTED)
        assert (far.posts, len(far.noted)) == (1, 1)

    facing(work)


@pytest.mark.parametrize("on", ["read", "session"])
def test_an_earlier_attempt_that_cannot_be_asked_for_makes_no_second_post(on: str) -> None:
    """It waits."""

    async def work(far: Far) -> None:
        await far.channel.send(far.job(), far.note)
        far.tiktok.expire()
        far.arm(FaultKind.REFUSE, on=on, status=503)
        again = await far.channel.send(far.job(handle=far.noted[0], attempt=2), far.note)
        assert (again.verdict, far.posts) == (Verdict.DEFERRED, 1)

    facing(work)


def test_an_unknown_publish_id_is_not_taken_for_a_failure() -> None:
    """How long TikTok knows one is not documented."""

    async def work(far: Far) -> None:
        again = await far.channel.send(far.job(handle="p_pub_url~v2.99", attempt=2), far.note)
        assert (again.verdict, again.code, far.posts) == (Verdict.IN_DOUBT, "invalid_publish_id", 0)
        finding = await far.channel.find(far.job(handle="p_pub_url~v2.99"))
        assert finding.found is Found.UNKNOWN

    facing(work)


REFUSED = (
    *("file_format_check_failed", "duration_check_failed", "frame_rate_check_failed", "picture_size_check_failed"),
    *("publish_cancelled", "auth_removed", "spam_risk", "spam_risk_text", "spam_risk_too_many_posts"),
    *("spam_risk_user_banned_from_posting", "something_new"),
)


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        *((reason, Verdict.REJECTED) for reason in REFUSED),
        *((reason, Verdict.DEFERRED) for reason in ("internal", "video_pull_failed", "photo_pull_failed")),
    ],
)
def test_a_failure_means_what_the_reference_says(reason: str, verdict: Verdict) -> None:
    """Reference: platforms 1.7; what nobody documents is refused, and shown."""

    async def work(far: Far) -> None:
        far.tiktok.failing = reason
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.code, far.posts) == (verdict, reason, 0)
        assert (await far.channel.find(far.job(handle=far.noted[0]))).found is Found.ABSENT

    facing(work)


def test_a_post_that_failed_is_posted_anew_where_that_may_help() -> None:
    """Under another publish id, once."""

    async def work(far: Far) -> None:
        far.tiktok.failing = "photo_pull_failed"
        await far.channel.send(far.job(), far.note)
        far.tiktok.failing = ""
        again = await far.channel.send(far.job(handle=far.noted[0], attempt=2), far.note)
        assert (again.verdict, far.posts, len(set(far.noted))) == (Verdict.ACCEPTED, 1, 2)

    facing(work)


def test_a_picture_that_is_not_served_is_said() -> None:
    """TikTok cannot fetch it, and whoever runs the host learns where to look."""

    async def work(far: Far) -> None:
        far.tiktok.media.clear()
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "photo_pull_failed")
        assert "media_base_url" in outcome.reason

    facing(work)


def test_an_unverified_host_is_said() -> None:
    """TikTok fetches from verified addresses only."""

    async def work(far: Far) -> None:
        far.tiktok.verified = "https://elsewhere.example/"
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "url_ownership_unverified")

    facing(work)


def test_levels_that_changed_meanwhile_are_asked_for_once_more() -> None:
    """Then it is refused."""

    async def work(far: Far) -> None:
        verdicts = []
        for attempt in (1, 2):
            far.arm(FaultKind.REFUSE, status=403, body='{"error":{"code":"privacy_level_option_mismatch"}}')
            verdicts.append((await far.channel.send(far.job(attempt=attempt), far.note)).verdict)
        assert verdicts == [Verdict.DEFERRED, Verdict.REJECTED]

    facing(work)


def test_too_many_calls_wait_a_minute() -> None:
    """TikTok gives no hint; its window is a minute."""

    async def work(far: Far) -> None:
        far.arm(FaultKind.THROTTLE)
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.retry_after_s, outcome.account_wide) == (Verdict.DEFERRED, 60.0, True)

    facing(work)


@pytest.mark.parametrize("kind", [DeliveryKind.CORRECT, DeliveryKind.WITHDRAW])
def test_the_way_back_is_handed_over(kind: DeliveryKind) -> None:
    """TikTok offers no edit and no deletion; the rendering goes by the hand-off's route, and no request is made."""

    async def work(far: Far) -> None:
        job = far.back(kind)
        act = far.channel.correct if kind is DeliveryKind.CORRECT else far.channel.withdraw
        outcome = await act(job, far.note)
        assert (outcome.verdict, far.asked) == (Verdict.HANDED_OVER, [])
        assert job.rendering.options["route"] == "hand_off"
        assert DirectPost.problems(job.rendering) == []
        assert (await far.channel.find(job)).found is Found.UNKNOWN

    facing(work)


def test_the_probe_tells_whether_the_level_is_offered() -> None:
    """Without publishing."""

    async def work(far: Far) -> None:
        fine = await far.channel.probe()
        assert (fine.ok, "offers PUBLIC_TO_EVERYONE" in fine.detail) == (True, True)
        far.tiktok.levels = ("SELF_ONLY",)
        probe = await far.channel.probe()
        assert not probe.ok
        assert "does not offer PUBLIC_TO_EVERYONE" in probe.detail
        assert far.posts == 0

    facing(work)


def test_a_token_is_renewed_before_it_runs_out_and_one_for_all() -> None:
    """One call fetches it, the next use the same, a day later there is another."""

    async def work(far: Far) -> None:
        await far.channel.probe()
        await far.channel.probe()
        assert far.tiktok.refreshes == 1
        far.time.pass_s(86_400 - 300)
        assert (await far.channel.probe()).ok
        assert far.tiktok.refreshes == 2

    facing(work)


def test_a_refresh_token_that_is_not_taken_is_refused_for_all_posts() -> None:
    """Only a person can connect the account again."""

    async def work(far: Far) -> None:
        wrong = {**CREDENTIAL, "client_secret": Secret("other")}
        host = far.account.settings["base_url"].split("/")[2]
        http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
        stranger = DirectPost(far.account, wrong, http, far.time)
        stranger.renew_by(at_once)
        outcome = await stranger.send(far.job(), far.note)
        await http.close()
        assert (outcome.verdict, outcome.code, outcome.account_wide) == (Verdict.REJECTED, "invalid_client", True)

    facing(work)
