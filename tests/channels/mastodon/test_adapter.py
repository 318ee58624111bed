"""Mastodon: what a post carries, how a repeat is told, how a post is found, what a probe notices."""

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import DeliveryKind, Found, Seen, Verdict
from channels.mastodon.simulator import KEYLESS, LIMITS, STUMBLING
from channels.simulator.faults import FaultKind


def test_a_post_says_its_language_and_who_may_see_it(on_line, make_job):
    """The server is told the first language without its region, and the visibility that was signed."""

    async def use(line):
        job = make_job()
        options = {**job.rendering.options, "languages": ["cy-GB", "en"], "visibility": "unlisted"}
        await line.send(replace(job, rendering=replace(job.rendering, options=options)))
        (status,) = line.server.statuses
        return status.language, status.visibility

    assert on_line(use) == ("cy", "unlisted")


def test_an_accepted_post_has_its_address(on_line, make_job):
    """Reference and public URL come with the acceptance."""

    async def use(line):
        outcome = await line.send(make_job())
        (status,) = line.server.statuses
        assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, status.id)
        assert outcome.url == f"{line.far.url}/mastodon/@user1001/{status.id}"

    on_line(use)


def test_two_deliveries_of_one_text_are_two_posts(on_line, make_job):
    """The key is the delivery's, not the text's."""

    async def use(line):
        for delivery in ("dly-1", "dly-2"):
            await line.send(make_job(delivery=delivery))
        return [effect.key for effect in line.far.journal.published("mastodon")]

    assert on_line(use) == ["dly-1", "dly-2"]


def test_a_repeat_needs_no_look_where_the_server_keeps_keys(on_line, make_job):
    """The key alone settles a lost answer."""

    async def use(line):
        line.arm(FaultKind.ACT_THEN_DROP)
        assert (await line.send(make_job())).verdict is Verdict.IN_DOUBT
        second = await line.send(make_job(attempt=2))
        assert (second.verdict, line.reads()) == (Verdict.ACCEPTED, 0)
        return line.far.journal.doubled("mastodon")

    assert on_line(use) == 0


def test_a_version_that_stumbles_over_a_known_key_is_read(on_line, make_job):
    """Where a repeat is answered with 500, the account's statuses show the post of the first attempt."""

    async def use(line):
        line.arm(FaultKind.ACT_THEN_DROP)
        await line.send(make_job())
        second = await line.send(make_job(attempt=2))
        assert (second.verdict, second.reference) == (Verdict.ACCEPTED, line.server.statuses[0].id)
        return line.far.journal.doubled("mastodon")

    assert on_line(use, account=STUMBLING) == 0


def test_an_error_at_a_repeat_stays_in_doubt_where_nothing_is_seen(on_line, make_job):
    """A look that does not find the post proves nothing while the server is ill."""

    async def use(line):
        line.arm(FaultKind.REFUSE, status=500)
        outcome = await line.send(make_job(attempt=2))
        return outcome.verdict, outcome.code

    assert on_line(use) == (Verdict.IN_DOUBT, "http_500")


@pytest.mark.parametrize(("kind", "posts"), [(FaultKind.ACT_THEN_DROP, 1), (FaultKind.DROP, 1)])
def test_a_server_without_keys_is_read_before_a_repeat(on_line, make_job, kind, posts):
    """With keeps_keys=no a post that is up is not made again, and one that is not is made."""

    async def use(line):
        line.arm(kind)
        await line.send(make_job())
        second = await line.send(make_job(attempt=2))
        assert second.verdict is Verdict.ACCEPTED
        return len(line.far.journal.published("mastodon"))

    assert on_line(use, account=KEYLESS, keeps_keys="no") == posts


def test_a_server_without_keys_that_cannot_be_read_gets_no_repeat(on_line, make_job):
    """Nothing is sent while nobody can say whether it is up; the delivery stays in doubt."""

    async def use(line):
        line.arm(FaultKind.ACT_THEN_DROP)
        await line.send(make_job())
        line.arm(FaultKind.REFUSE, on="read")
        second = await line.send(make_job(attempt=2))
        assert (second.verdict, second.code) == (Verdict.IN_DOUBT, "unread")
        return len(line.far.journal.published("mastodon"))

    assert on_line(use, account=KEYLESS, keeps_keys="no") == 1


def test_a_repeat_after_the_post_was_deleted_is_in_doubt(on_line, make_job):
    """The key leads to a post that is gone: the first attempt had worked, so nobody may say that it had not."""

    async def use(line):
        first = await line.send(make_job())
        await line.withdraw(make_job(kind=DeliveryKind.WITHDRAW, original=first.reference))
        second = await line.send(make_job(attempt=2))
        return second.verdict, second.code

    assert on_line(use) == (Verdict.IN_DOUBT, "not_found")


@pytest.mark.parametrize(
    "text",
    [
        "Flood & storm <now>: https://gov.uk/flood/ and https://example.gov.uk/a-long-path-that-is-cut-in-three?a=1&b=2",
        "Llifogydd – “ewch” 🌊 #llifogydd",
        "It's\na \"test\"\n\n\nof @news@social.example's 'spaces'  \n\n",
        "&lt;b&gt; is written out",
    ],
)
def test_a_post_is_recognised_through_its_html(on_line, make_job, text):
    """Marked links, tags, mentions and escaped characters do not hide a post."""

    async def use(line):
        outcome = await line.send(make_job(text))
        assert (await line.adapter.find(make_job(text))).found is Found.FOUND
        return (await line.adapter.read_back(make_job(text), outcome.reference)).seen

    assert on_line(use) is Seen.VISIBLE


def test_another_text_is_not_taken_for_ours(on_line, make_job):
    """Statuses with other texts only answer absent."""

    async def use(line):
        await line.send(make_job("Flood in Hull"))
        return (await line.adapter.find(make_job("Flood in Hall"))).found

    assert on_line(use) is Found.ABSENT


def test_a_post_from_before_the_release_is_not_taken_for_ours(on_line, make_job):
    """The same text of an earlier day is no proof that this delivery went out."""

    async def use(line):
        line.clock.now -= timedelta(days=2)
        await line.send(make_job(delivery="dly-0"))
        line.clock.now += timedelta(days=2)
        return (await line.adapter.find(make_job())).found

    assert on_line(use) is Found.ABSENT


def test_a_direct_message_with_the_text_is_not_taken_for_ours(on_line, make_job):
    """What not everybody sees is not the post."""

    async def use(line):
        await line.call("POST", "/api/v1/statuses", {"status": "Flood\n\nRain.", "visibility": "direct"})
        return (await line.adapter.find(make_job())).found

    assert on_line(use) is Found.ABSENT


def test_find_reads_on_past_the_first_page(on_line, make_job):
    """A busy account's post is found on the second page."""

    async def use(line):
        await line.send(make_job("ours"))
        for number in range(20):
            await line.send(make_job(f"update {number}", delivery=f"dly-{number}-x"))
        found = (await line.adapter.find(make_job("ours"))).found
        return found, line.reads()

    assert on_line(use) == (Found.FOUND, 2)


def test_a_record_with_an_edited_post_proves_no_absence(on_line, make_job):
    """Somebody may have edited the very post that is looked for."""

    async def use(line):
        first = await line.send(make_job())
        await line.call("PUT", f"/api/v1/statuses/{first.reference}", {"status": "Flood, updated"})
        return await line.adapter.find(make_job())

    finding = on_line(use)
    assert finding.found is Found.UNKNOWN
    assert "edited" in finding.reason


def test_without_an_account_id_nothing_is_known(on_line, make_job):
    """An account that cannot be looked up answers unknown and says what is missing."""

    async def use(line):
        finding = await line.adapter.find(make_job())
        return f"{finding.found}: {finding.reason}"

    said = on_line(use, account="1001", account_id="")
    assert said == "unknown: the account has no account_id in its settings; add it"


def test_a_token_that_may_only_read_is_refused(on_line, make_job):
    """The outcome says what to look at, without the server's words."""

    async def use(line):
        return await line.send(make_job())

    outcome = on_line(use, token="sim-1001-reader")
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "forbidden")
    assert "scope" in outcome.reason


def test_a_probe_tells_the_account_and_the_limit(on_line):
    """All is well: nothing is published, and people see what the server allows."""

    async def use(line):
        probe = await line.adapter.probe()
        return probe.ok, probe.detail, line.far.journal.effects

    said = "account 1001; the server has max_characters=500 characters_reserved_per_url=23"
    assert on_line(use) == (True, said, [])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"token": "sim-2002"}, "belongs to account 2002, the settings say 1001"),
        ({"token": "stolen"}, "answered 401; check the token"),
        ({"account_id": ""}, "belongs to account 1001, the settings say None"),
        ({"max_characters": "5000"}, "put them in the settings"),
        ({"characters_reserved_per_url": "20"}, "put them in the settings"),
    ],
)
def test_a_probe_notices_what_would_go_wrong(on_line, options, says):
    """Another account's token, a dead one, a missing id, limits that the server does not have."""

    async def use(line):
        return await line.adapter.probe()

    probe = on_line(use, **options)
    assert (probe.ok, says in probe.detail) == (False, True), probe.detail


def test_a_probe_says_what_is_left_of_the_calls(on_line):
    """By the headers of the answer; where they are used up, until when."""

    async def use(line):
        fine = await line.adapter.probe()
        line.server._calls["1001", "calls"] *= LIMITS["calls"][0] - 1
        last = await line.adapter.probe()
        return line.clock.now, fine, last, await line.adapter.probe()

    now, fine, last, refused = on_line(use)
    until = f"{now + timedelta(minutes=5):%Y-%m-%d %H:%M} UTC"
    assert (fine.ok, fine.quota) == (True, "299 of 300 calls")
    assert (last.ok, last.detail) == (False, f"all 300 calls are used up until {until}")
    assert (refused.ok, refused.detail) == (False, f"the server asks to wait until {until}")


def test_settings_stricter_than_the_server_are_no_fault(on_line):
    """A team may keep below its server's limit."""

    async def use(line):
        return (await line.adapter.probe()).ok

    assert on_line(use, max_characters="300") is True
