"""The simulated server, called directly."""

import doctest
import json
from datetime import timedelta

import pytest

from channels.mastodon import simulator, simulator_html
from channels.simulator.faults import FaultKind

POSTS = "/api/v1/statuses"


def body(answer):
    """What an answer says."""
    return json.loads(answer.body)


async def post(line, text="Flood", key="k-1", **more):
    """Post under a key."""
    return await line.call("POST", POSTS, {"status": text, **more}, {"Idempotency-Key": key})


def test_a_post_has_the_documented_fields(on_line):
    """Id, address, time, HTML, language and account."""

    async def use(line):
        return body(await post(line, language="cy"))

    status = on_line(use)
    assert (status["id"], status["created_at"]) == ("115000000000000001", "2026-11-21T12:00:00.000Z")
    assert (status["content"], status["language"], status["edited_at"]) == ("<p>Flood</p>", "cy", None)
    assert status["url"].endswith("/@user1001/115000000000000001")


@pytest.mark.parametrize(("minutes", "posts"), [(0, 1), (59, 1), (61, 2)])
def test_a_key_is_known_for_an_hour(on_line, minutes, posts):
    """Within it the first status comes back, whatever the text; after it a second one is made."""

    async def use(line):
        first = body(await post(line))
        line.clock.now += timedelta(minutes=minutes)
        second = body(await post(line, "Fire"))
        return len({first["id"], second["id"]})

    assert on_line(use) == posts


def test_a_key_belongs_to_its_account(on_line):
    """Another account may use the same."""

    async def use(line):
        headers = {"Idempotency-Key": "k-1", "Authorization": "Bearer sim-2002"}
        await post(line)
        await line.call("POST", POSTS, {"status": "Flood"}, headers)
        return len(line.server.statuses)

    assert on_line(use) == 2


def test_without_a_key_every_post_is_another(on_line):
    """No text is recognised."""

    async def use(line):
        for _ in range(2):
            await line.call("POST", POSTS, {"status": "Flood"})
        return line.far.journal.doubled("mastodon")

    assert on_line(use) == 1


def test_a_server_without_keys_doubles(on_line):
    """The journal sees it by the key that was ignored."""

    async def use(line):
        for _ in range(2):
            await post(line)
        return line.far.journal.doubled("mastodon")

    assert on_line(use, account=simulator.KEYLESS) == 1


def test_a_stumbling_version_answers_a_known_key_with_500(on_line):
    """The post is up once, and the repeat is no success."""

    async def use(line):
        await post(line)
        return (await post(line)).status, line.far.journal.doubled("mastodon")

    assert on_line(use, account=simulator.STUMBLING) == (500, 0)


def test_a_key_of_a_deleted_post_finds_nothing(on_line):
    """The server looks the key's post up, and it is gone."""

    async def use(line):
        first = body(await post(line))
        await line.call("DELETE", f"{POSTS}/{first['id']}")
        return (await post(line)).status

    assert on_line(use) == 404


@pytest.mark.parametrize(
    ("document", "headers", "expected"),
    [
        ({"status": "Flood"}, {"Authorization": "Bearer stolen"}, (401, "The access token is invalid")),
        ({"status": "Flood"}, {"Authorization": "sim-1001"}, (401, "The access token is invalid")),
        (
            {"status": "Flood"},
            {"Authorization": "Bearer sim-1001-reader"},
            (403, "This action is outside the authorized scopes"),
        ),
        ({"status": " \n"}, {}, (422, "Validation failed: Text can't be blank")),
        ({"status": None}, {}, (422, "Validation failed: Text can't be blank")),
        ([], {}, (422, "Validation failed: Text can't be blank")),
        ({"status": "a" * 501}, {}, (422, "Validation failed: Text character limit of 500 exceeded")),
        ({"status": "a", "visibility": "loud"}, {}, (422, "'loud' is not a valid visibility")),
    ],
)
def test_a_bad_post_is_refused_and_nothing_is_up(on_line, document, headers, expected):
    """Status and error as a server gives them."""

    async def use(line):
        answer = await line.call("POST", POSTS, document, headers)
        assert line.server.statuses == []
        return answer.status, body(answer)["error"]

    assert on_line(use) == expected


def test_an_edit_keeps_the_id_and_shows_its_time(on_line):
    """The text changes in place."""

    async def use(line):
        first = body(await post(line))
        line.clock.now += timedelta(minutes=1)
        await line.call("PUT", f"{POSTS}/{first['id']}", {"status": "Fire"})
        return body(await line.call("GET", f"{POSTS}/{first['id']}"))

    status = on_line(use)
    assert (status["content"], status["edited_at"]) == ("<p>Fire</p>", "2026-11-21T12:01:00.000Z")


def test_an_edit_that_changes_nothing_is_none(on_line):
    """No new version, and no effect."""

    async def use(line):
        first = body(await post(line))
        again = body(await line.call("PUT", f"{POSTS}/{first['id']}", {"status": "Flood"}))
        return again["edited_at"], len(line.far.journal.effects)

    assert on_line(use) == (None, 1)


def test_a_late_edit_leaves_the_old_text_in_sight(on_line):
    """Read-back may lag behind an edit too."""

    async def use(line):
        first = body(await post(line))
        line.arm(FaultKind.LAG, delay_s=60)
        await line.call("PUT", f"{POSTS}/{first['id']}", {"status": "Fire"})
        before = body(await line.call("GET", f"{POSTS}/{first['id']}"))["content"]
        line.clock.now += timedelta(minutes=1)
        return before, body(await line.call("GET", f"{POSTS}/{first['id']}"))["content"]

    assert on_line(use) == ("<p>Flood</p>", "<p>Fire</p>")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_nobody_touches_the_post_of_another(on_line, method):
    """To others it is not there."""

    async def use(line):
        first = body(await post(line))
        others = {"Authorization": "Bearer sim-2002"}
        return (await line.call(method, f"{POSTS}/{first['id']}", {"status": "Fire"}, others)).status

    assert on_line(use) == 404


def test_a_deleted_post_comes_back_once_as_text(on_line):
    """The answer to the deletion holds the source; afterwards there is nothing."""

    async def use(line):
        first = body(await post(line, "Rain & wind"))
        path = f"{POSTS}/{first['id']}"
        gone = body(await line.call("DELETE", path))["text"]
        return gone, (await line.call("GET", path)).status, (await line.call("DELETE", path)).status

    assert on_line(use) == ("Rain & wind", 404, 404)


@pytest.mark.parametrize(("reader", "status"), [("sim-1001", 200), ("sim-2002", 404)])
def test_a_direct_message_is_for_its_account_only(on_line, reader, status):
    """Others do not see it."""

    async def use(line):
        made = body(await post(line, visibility="direct"))
        return (await line.call("GET", f"{POSTS}/{made['id']}", headers={"Authorization": f"Bearer {reader}"})).status

    assert on_line(use) == status


def test_statuses_come_newest_first_in_pages(on_line):
    """Twenty unless asked for, forty at most, older ones by max_id."""

    async def use(line):
        for number in range(45):
            await post(line, f"update {number}", key=f"k-{number}")
        path = "/api/v1/accounts/1001/statuses"
        usual = body(await line.call("GET", path))
        most = body(await line.call("GET", path, limit="99"))
        rest = body(await line.call("GET", path, limit="40", max_id=most[-1]["id"]))
        return len(usual), len(most), len(rest), usual[0]["content"]

    assert on_line(use) == (20, 40, 5, "<p>update 44</p>")


def test_the_301st_post_of_three_hours_waits(on_line):
    """429 with the reset as a date; the posts before it are up."""

    async def use(line):
        for number in range(300):
            line.clock.now += timedelta(seconds=2)
            await post(line, f"update {number}", key=f"k-{number}")
        late = await post(line, "one more", key="k-300")
        return late.status, late.headers["X-RateLimit-Reset"], len(line.server.statuses)

    assert on_line(use) == (429, "2026-11-21T15:00:02.000Z", 300)


def test_the_301st_call_of_five_minutes_waits(on_line):
    """Reads count as well."""

    async def use(line):
        path = "/api/v1/accounts/verify_credentials"
        answers = [(await line.call("GET", path)).status for _ in range(301)]
        return answers[299], answers[300]

    assert on_line(use) == (200, 429)


def test_the_servers_own_limit_holds(on_line):
    """A fork with another limit says so and keeps to it."""

    async def use(line):
        line.server.max_characters = 10
        told = body(await line.call("GET", "/api/v2/instance"))["configuration"]["statuses"]["max_characters"]
        return told, (await post(line, "a" * 11)).status

    assert on_line(use) == (10, 422)


def test_a_link_stands_in_three_spans():
    """Scheme hidden, thirty letters shown, the rest hidden."""
    assert simulator_html.shown("https://example.gov.uk/flood/warnings/today") == (
        '<p><a href="https://example.gov.uk/flood/warnings/today" target="_blank" rel="nofollow noopener noreferrer">'
        '<span class="invisible">https://</span><span class="ellipsis">example.gov.uk/flood/warnings/</span>'
        '<span class="invisible">today</span></a></p>'
    )


def test_tags_and_mentions_are_marked():
    """A mention of somebody elsewhere is shown without the server."""
    made = simulator_html.shown("#flood @news@other.example")
    assert "#<span>flood</span>" in made
    assert "@<span>news</span></a></span></p>" in made


def test_the_examples_in_the_documentation_hold():
    """The doc examples give what they show."""
    result = doctest.testmod(simulator_html)
    assert (result.failed, result.attempted) == (0, 1)
