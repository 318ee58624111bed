"""The Facebook adapter against a simulated Page: what is rendered, posted, found and probed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Found,
    LanguageText,
    Part,
    RenderError,
    Rendering,
    Secret,
    Verdict,
)
from channels.facebook.adapter import Adapter
from channels.facebook.wire import TEXT_UNITS
from channels.http import Http, HttpPolicy
from channels.meta.graph import LIST_PAGES, PAGE_SIZE
from channels.meta.simulator import CALLS_A_DAY, OWN_APP, app_secret, token
from channels.simulator.faults import FaultKind

CREDENTIAL = {"token": Secret("t"), "app_secret": Secret("s")}
CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW


def made(account: Account, credential: dict[str, Secret]) -> Adapter:
    """An adapter that reaches nothing."""
    return Adapter(account, credential, Http(HttpPolicy(frozenset())), lambda: None)


def test_all_languages_stand_in_one_post(content: Content, account: Account):
    """The account's order, the link at the end of the text and for the preview besides."""
    rendering = Adapter.render(content, account)
    [part] = rendering.parts
    assert part.language == "mul"
    assert part.text.startswith("River rising\n\nMove to higher ground.\nCall 999 if in danger.\n\nAfon yn codi")
    assert part.text.endswith("\n\nhttps://city.example/flood")
    assert rendering.options == {"languages": ["en", "cy"], "link": "https://city.example/flood"}


def test_an_edit_has_no_preview(content: Content, account: Account):
    """Facebook changes the text of a post and nothing else, so nothing else is signed."""
    rendering = Adapter.render(replace(content, kind=CORRECT), account)
    assert "link" not in rendering.options


def test_a_rendering_too_long_says_the_count_and_the_limit(content: Content, account: Account):
    """The error names what the post counts, the limit, and by how much to shorten."""
    long = replace(content, texts=(LanguageText("en", "🌊" * 31_604, ""),), link=None)
    with pytest.raises(RenderError, match="has 63208 of at most 63206 UTF-16 units; shorten it by 2"):
        Adapter.render(long, replace(account, languages=("en",)))


def test_a_rendering_at_the_limit_passes(make_job):
    """63,206 is sendable and one more is not."""
    assert Adapter.problems(make_job("a" * TEXT_UNITS).rendering) == []
    assert len(Adapter.problems(make_job("a" * (TEXT_UNITS + 1)).rendering)) == 1


@pytest.mark.parametrize("text", ["Rain http://example.gov.uk", "Rain\u202e", "", "  "])
def test_what_should_not_be_sent_is_a_problem(make_job, text):
    """Plain http, hidden characters and empty posts are problems."""
    assert Adapter.problems(make_job(text).rendering) != []


def test_several_texts_are_a_problem(make_job):
    """A post is one text."""
    rendering = replace(make_job().rendering, parts=(Part("en", "Flood"), Part("cy", "Llif")))
    assert Adapter.problems(rendering) != []


@pytest.mark.parametrize(
    ("text", "link", "kind", "sound"),
    [
        ("See https://gov.uk/a", "https://gov.uk/a", DeliveryKind.PUBLISH, True),
        ("See https://gov.uk/a", "https://gov.uk/b", DeliveryKind.PUBLISH, False),
        ("See https://gov.uk/a", "https://gov.uk/a", CORRECT, False),
    ],
)
def test_the_preview_is_of_a_link_that_people_signed(make_job, text, link, kind, sound):
    """A link that the text does not show, or that an edit cannot carry, is a problem."""
    assert (Adapter.problems(make_job(text, kind, link).rendering) == []) is sound


def test_a_preview_that_is_no_text_is_a_problem(make_job):
    """An option of another type is not sent."""
    rendering: Rendering = make_job().rendering
    assert Adapter.problems(replace(rendering, options={"link": 5})) != []


@pytest.mark.parametrize("lacking", ["token", "app_secret"])
def test_an_incomplete_credential_is_refused_at_once(account, lacking):
    """The error says what is missing, and from which account."""
    held = {name: secret for name, secret in CREDENTIAL.items() if name != lacking}
    with pytest.raises(ValueError, match=f"Example City on facebook has no {lacking}"):
        made(account, held)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("page_id", ""),
        ("page_id", "city"),
        ("page_id", "1/feed"),
        ("version", "25"),
        ("version", "v25.0/.."),
        ("near_percent", "-1"),
        ("rest_s", "soon"),
    ],
)
def test_an_unsound_setting_is_refused_at_once(account, setting, value):
    """The setting is named when the adapter is made."""
    with pytest.raises(ValueError, match=f"the setting {setting} is missing or not"):
        made(replace(account, settings={**account.settings, setting: value}), CREDENTIAL)


def test_an_account_without_a_page_is_refused(account):
    """There is no default Page."""
    with pytest.raises(ValueError, match="page_id is missing"):
        made(replace(account, settings={}), CREDENTIAL)


def test_a_post_is_up_with_its_address(on_line, make_job):
    """Text, reference and address; the link is told besides."""

    async def use(line):
        outcome = await line.send(make_job("See https://gov.uk/a", link="https://gov.uk/a"))
        return outcome, line.platform.posts

    outcome, [post] = on_line(use)
    assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, "1111_1")
    assert outcome.url == "https://www.facebook.com/1111_1"
    assert (post.text, post.link) == ("See https://gov.uk/a", "https://gov.uk/a")


def test_the_version_is_the_accounts(on_line, make_job):
    """A new version of the Graph API needs no new release of ours."""

    async def use(line):
        await line.send(make_job())
        return line.far.journal.arrivals[0].path

    assert on_line(use, version="v26.0") == "/facebook/v26.0/1111/feed"


def test_a_first_attempt_at_a_text_that_is_up_already_is_rejected(on_line, make_job):
    """No attempt came before it: the equal text is another post's, and trying again would not help."""

    async def use(line):
        await line.send(make_job())
        return await line.send(make_job(delivery="d2"))

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "duplicate")


def test_the_second_of_two_equal_posts_is_left_to_the_pages_posts(on_line, make_job):
    """The same post again is in doubt, and the Page then shows it: nothing is doubled."""

    async def use(line):
        await line.send(make_job())
        again = await line.send(make_job(attempt=2))
        return again, await line.adapter.find(make_job()), line.far.journal.doubled("facebook")

    again, finding, doubled = on_line(use)
    assert (again.verdict, finding.found, finding.reference, doubled) == (Verdict.IN_DOUBT, Found.FOUND, "1111_1", 0)


def test_a_post_found_has_the_pages_own_address(on_line, make_job):
    """The permalink that Facebook shows."""

    async def use(line):
        line.arm(FaultKind.ACT_THEN_DROP)
        await line.send(make_job())
        return await line.adapter.find(make_job())

    assert on_line(use).url == "https://www.facebook.com/1111/posts/1"


def test_another_text_is_not_taken_for_ours(on_line, make_job):
    """A Page with other posts only answers absent."""

    async def use(line):
        await line.send(make_job("Flood in Hull"))
        return await line.adapter.find(make_job("Flood in Hall"))

    assert on_line(use).found is Found.ABSENT


@pytest.mark.parametrize("heeds_since", [True, False])
def test_a_post_from_before_the_release_is_not_taken_for_ours(on_line, make_job, heeds_since):
    """The same text of an earlier day is no proof that this delivery went out, even where Facebook lists it."""

    async def use(line):
        request = line.http.request

        async def asked(method, url, *, params=None, **more):
            left_out = set() if heeds_since else {"since"}
            kept = {name: value for name, value in (params or {}).items() if name not in left_out}
            return await request(method, url, params=kept, **more)

        line.http.request = asked
        line.clock.now -= timedelta(days=2)
        await line.send(make_job())
        line.clock.now += timedelta(days=2)
        return await line.adapter.find(make_job())

    assert on_line(use).found is Found.ABSENT


@pytest.mark.parametrize(("others", "found"), [(PAGE_SIZE, Found.FOUND), (PAGE_SIZE * LIST_PAGES, Found.UNKNOWN)])
def test_find_reads_on_and_does_not_say_absent_before_the_end(on_line, make_job, others, found):
    """A busy Page's post is found on its second page; a list too long to read whole proves nothing."""

    async def use(line):
        await line.send(make_job("ours"))
        for number in range(others):
            await line.send(make_job(f"update {number}"))
        return await line.adapter.find(make_job("ours"))

    assert on_line(use).found is found


def test_a_throttled_post_waits_as_facebook_says(on_line, make_job):
    """The time until access comes back, for the whole account."""

    async def use(line):
        line.arm(FaultKind.THROTTLE, delay_s=300)
        return await line.send(make_job())

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "80001")
    assert (outcome.retry_after_s, outcome.account_wide) == (300.0, True)


def test_a_throttle_without_a_time_waits_as_the_account_says(on_line, make_job):
    """More calls would lengthen the block, so the account rests."""

    async def use(line):
        line.arm(FaultKind.THROTTLE)
        return await line.send(make_job())

    assert on_line(use, rest_s="90").retry_after_s == 90.0


def test_a_page_near_its_limit_rests(on_line, make_job):
    """The post is accepted, and the account waits before the next."""

    async def use(line):
        line.platform.calls["1111"] = [line.clock.now] * (CALLS_A_DAY // 2)
        return await line.send(make_job())

    outcome = on_line(use, near_percent="50")
    assert (outcome.verdict, outcome.retry_after_s, outcome.account_wide) == (Verdict.ACCEPTED, 60.0, True)


def test_all_calls_of_a_delivery_share_its_time(on_line, make_job):
    """Where the first call used the time up, the second is not begun."""

    async def use(line):
        times = iter([line.clock.now, line.clock.now, *[line.clock.now + timedelta(minutes=1)] * 9])
        line.adapter._graph._clock = lambda: next(times)
        return await line.adapter.find(make_job("gone", WITHDRAW, original="1111_9")), len(line.far.journal.arrivals)

    finding, arrivals = on_line(use)
    assert (finding.found, arrivals) == (Found.UNKNOWN, 1)


def test_no_address_holds_the_token(on_line, make_job):
    """The token travels in a header; what proxies keep of a call does not open the Page."""
    seen: list[str] = []

    async def use(line):
        request = line.http.request

        async def listened(method, url, **more):
            seen.append(f"{url} {more.get('params')} {more.get('form')}")
            return await request(method, url, **more)

        line.http.request = listened
        first = await line.send(make_job())
        await line.adapter.find(make_job())
        await line.withdraw(make_job("gone", WITHDRAW, original=first.reference))

    on_line(use)
    assert len(seen) == 3
    assert not any(token("1111") in call or app_secret() in call for call in seen)


@pytest.mark.parametrize(
    ("credential", "says"),
    [
        ({"token": token("2222"), "app_secret": app_secret()}, "speaks for 2222, the settings say Page 1111"),
        ({"token": "expired", "app_secret": app_secret()}, "does not accept the account's token"),
        ({"token": token("1111"), "app_secret": "wrong"}, "refused the request as wrong"),
    ],
)
def test_a_probe_notices_what_cannot_post(on_line, credential, says):
    """Another Page's token, a dead one, and the wrong secret are found out before anything is sent."""

    async def use(line):
        return await line.adapter.probe()

    probe = on_line(use, held={name: Secret(value) for name, value in credential.items()})
    assert not probe.ok
    assert says in probe.detail


ENDS = datetime(2027, 1, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("at", "ends"), [(int(ENDS.timestamp()), ENDS), (0, None)])
def test_a_probe_learns_when_the_token_ends(on_line, at, ends):
    """From the token's own app; 0 means that it does not end."""

    async def use(line):
        line.platform.expires_at = at
        return await line.adapter.probe()

    probe = on_line(use, app_id=OWN_APP)
    assert (probe.ok, probe.expires_at) == (True, ends)


def test_a_probe_notices_a_token_that_may_not_post(on_line):
    """It speaks for the Page, and lacks the right: Facebook says so to the token's app."""

    async def use(line):
        line.platform.scopes.remove("pages_manage_posts")
        return await line.adapter.probe()

    probe = on_line(use, app_id=OWN_APP)
    assert (probe.ok, probe.detail) == (False, "the token lacks pages_manage_posts; connect the account again")


def test_a_probe_says_until_when_the_calls_are_used_up(on_line):
    """By the answer that refuses the probe itself."""

    async def use(line):
        line.platform.calls["1111"] = [line.clock.now] * CALLS_A_DAY
        return line.clock.now + timedelta(days=1), await line.adapter.probe()

    until, probe = on_line(use)
    assert (probe.ok, probe.detail) == (False, f"Meta asks to wait until {until:%Y-%m-%d %H:%M} UTC")


def test_a_probe_without_the_apps_id_asks_for_no_end(on_line):
    """Then only the Page is asked for."""

    async def use(line):
        line.platform.expires_at = int(ENDS.timestamp())
        return await line.adapter.probe(), len(line.far.journal.arrivals)

    probe, asked = on_line(use)
    assert (probe.ok, probe.expires_at, asked) == (True, None, 1)


def test_a_probe_says_how_many_calls_are_left(on_line):
    """By the usage headers, the calls of the day before not counted."""

    async def use(line):
        line.platform.calls["1111"] = [line.clock.now] * (CALLS_A_DAY // 4)
        return await line.adapter.probe()

    assert on_line(use).quota == "75 % of its calls"


def test_a_lost_probe_is_not_ok(on_line):
    """A broken connection is said, not raised."""

    async def use(line):
        line.arm(FaultKind.DROP, on="session", times=2)
        return await line.adapter.probe()

    assert not on_line(use).ok


def test_the_pace_never_passes_what_one_engaged_user_allows():
    """A day's burst and refill, with room for the reads that settle doubts."""
    rate = Adapter.capabilities.rate
    assert rate is not None
    assert rate.burst + 24 * rate.sends <= rate.daily < CALLS_A_DAY


def test_the_adapter_does_not_show_its_secrets(account):
    """Neither token nor secret nor proof is in what it prints of itself."""
    held = {"token": Secret("EAAToken"), "app_secret": Secret("appsecret")}
    shown = repr(made(account, held))
    assert not any(word in shown for word in ("EAAToken", "appsecret", "ae1b07ea"))
