"""The simulated Graph API: as strict as its contract, called without our adapter."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.facebook.simulator import TEXT_MOST, FacebookSimulator
from channels.http import Answer, Http, HttpPolicy
from channels.meta.simulator import CALLS_A_DAY, PAGE_MOST, app_secret, token
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import EffectKind
from channels.simulator.server import Simulator

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Graph:
    """Calls the simulated platform as an app would."""

    def __init__(self, far: Simulator, http: Http) -> None:
        self.far = far
        self._http = http
        self.now = NOON

    @property
    def facebook(self) -> FacebookSimulator:
        """The simulated platform itself."""
        provider = self.far.provider("facebook")
        assert isinstance(provider, FacebookSimulator)
        return provider

    async def call(self, method: str, path: str, page: str = "1111", app: str = "77", **given: str) -> Answer:
        """One call, proved as it should be unless ``given`` says otherwise."""
        held = token(page, app)
        proof = hmac.digest(app_secret(app).encode(), held.encode(), "sha256").hex()
        sent = {"appsecret_proof": proof, **given}
        place = {"form": sent} if method == "POST" else {"params": sent}
        url = f"{self.far.url}/facebook/v25.0/{path}"
        headers = {"Authorization": f"Bearer {held}"}
        return await self._http.request(method, url, headers=headers, timeout_s=5.0, **place)

    async def post(self, text: str = "Flood", **given: str) -> str:
        """Post, and return the id."""
        return str(body(await self.call("POST", "1111/feed", message=text, **given))["id"])


def body(answer: Answer) -> dict[str, Any]:
    """An answer's document."""
    return json.loads(answer.body)


def fault(answer: Answer) -> tuple[int, int | None]:
    """Code and subcode of a refusal."""
    error = body(answer)["error"]
    return error["code"], error.get("error_subcode")


def on_graph(use: Callable[[Graph], Awaitable[Any]]) -> Any:
    """Run ``use`` with a fresh platform."""

    async def main() -> Any:
        graph: Graph | None = None
        async with Simulator((FacebookSimulator,), clock=lambda: graph.now if graph else NOON) as far:
            policy = HttpPolicy(frozenset({far.url.removeprefix("http://")}), allow_private=True, https_only=False)
            http = Http(policy)
            graph = Graph(far, http)
            try:
                return await use(graph)
            finally:
                await http.close()

    return asyncio.run(main())


def test_a_post_is_answered_with_page_and_post():
    """The id joins both, and the post reads back."""

    async def use(graph):
        made = await graph.post()
        return made, body(await graph.call("GET", made, fields="id,message,created_time"))

    made, shown = on_graph(use)
    assert made == "1111_1"
    assert shown == {"id": "1111_1", "message": "Flood", "created_time": "2026-11-21T12:00:00+0000"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 100),
        ({"message": " "}, 100),
        ({"message": "a" * (TEXT_MOST + 1)}, 100),
        ({"message": "Flood", "text": "Flood"}, 100),
        ({"message": "Flood", "link": "nowhere"}, 1609005),
        ({"message": "Flood", "appsecret_proof": "0"}, 100),
        ({"message": "Flood", "page": "2222"}, 200),
    ],
)
def test_a_bad_post_is_refused(given, expected):
    """No text, too long, an unknown parameter, no link, no proof, another's Page."""

    async def use(graph):
        return await graph.call("POST", "1111/feed", **given), graph.facebook.posts

    answer, posts = on_graph(use)
    assert (fault(answer)[0], posts) == (expected, [])


def test_a_strangers_token_is_refused():
    """A token of another form belongs to no Page."""

    async def use(graph):
        return await graph.call("GET", "me", page="x")

    answer = on_graph(use)
    assert (answer.status, fault(answer)) == (400, (190, None))


def test_the_token_may_stand_in_the_body_too():
    """Graph takes it there, where no header names it."""

    async def use(graph):
        held = token("1111")
        proof = hmac.digest(app_secret().encode(), held.encode(), "sha256").hex()
        form = {"message": "Flood", "access_token": held, "appsecret_proof": proof}
        url = f"{graph.far.url}/facebook/v25.0/1111/feed"
        return await graph._http.request("POST", url, form=form, timeout_s=5.0)

    assert body(on_graph(use)) == {"id": "1111_1"}


def test_the_same_post_again_is_refused_for_a_day():
    """506 while the first is up and young; then the text is taken again."""

    async def use(graph):
        first = await graph.post()
        again = await graph.call("POST", "1111/feed", message="Flood")
        graph.now += timedelta(hours=24)
        later = await graph.post()
        await graph.call("DELETE", later)
        return fault(again), first, later, await graph.post()

    assert on_graph(use) == ((506, None), "1111_1", "1111_2", "1111_3")


def test_an_edit_changes_the_text_in_place():
    """One post, altered."""

    async def use(graph):
        made = await graph.post()
        answer = await graph.call("POST", made, message="No flood")
        return body(answer), body(await graph.call("GET", made))["message"], graph.far.journal.effects

    answer, text, effects = on_graph(use)
    assert (answer, text) == ({"success": True}, "No flood")
    assert [effect.kind for effect in effects] == [EffectKind.PUBLISHED, EffectKind.ALTERED]


@pytest.mark.parametrize(
    ("by", "expected"), [({"app": "88"}, (200, None)), ({"page": "2222"}, (200, None)), ({}, (100, None))]
)
def test_only_its_own_app_may_edit_a_post_and_only_to_a_text(by, expected):
    """Another app, another Page, and an empty text are refused."""

    async def use(graph):
        made = await graph.post()
        return await graph.call("POST", made, message="Changed" if by else "", **by)

    assert fault(on_graph(use)) == expected


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_deleted_post_is_missing(method):
    """100 with 33, whatever is asked of it."""

    async def use(graph):
        made = await graph.post()
        first = body(await graph.call("DELETE", made))
        more = {"message": "x"} if method == "POST" else {}
        return first, fault(await graph.call(method, made, **more))

    assert on_graph(use) == ({"success": True}, (100, 33))


def test_the_list_is_newest_first_and_goes_by_pages():
    """A next page has a cursor; its link holds a token, as Graph's does."""

    async def use(graph):
        for number in range(3):
            await graph.post(f"update {number}")
        first = body(await graph.call("GET", "1111/published_posts", limit="2"))
        after = first["paging"]["cursors"]["after"]
        return first, body(await graph.call("GET", "1111/published_posts", limit="2", after=after))

    first, second = on_graph(use)
    assert [post["message"] for post in first["data"]] == ["update 2", "update 1"]
    assert "access_token=" in first["paging"]["next"]
    assert [post["message"] for post in second["data"]] == ["update 0"]
    assert "next" not in second["paging"]


def test_the_list_begins_where_it_is_told():
    """Posts from before ``since`` are left out."""

    async def use(graph):
        await graph.post("old")
        graph.now += timedelta(hours=1)
        await graph.post("new")
        since = str(int(graph.now.timestamp()))
        return body(await graph.call("GET", "1111/published_posts", since=since, fields="message"))

    assert on_graph(use)["data"] == [{"id": "1111_2", "message": "new"}]


@pytest.mark.parametrize("given", [{"limit": str(PAGE_MOST + 1)}, {"limit": "0"}, {"since": "noon"}, {"after": "-1"}])
def test_a_bad_question_to_the_list_is_refused(given):
    """Numbers that are none, or too large."""

    async def use(graph):
        return await graph.call("GET", "1111/published_posts", **given)

    assert fault(on_graph(use)) == (100, None)


def test_an_empty_list_and_another_pages():
    """An empty Page has no posts; another's are not shown."""

    async def use(graph):
        empty = body(await graph.call("GET", "1111/published_posts"))
        return empty, fault(await graph.call("GET", "2222/published_posts"))

    assert on_graph(use) == ({"data": []}, (10, None))


def test_an_edit_that_lags_shows_the_text_before_it():
    """Read-back is behind, for edits as for posts."""

    async def use(graph):
        made = await graph.post()
        graph.far.arm(Fault("facebook", FaultKind.LAG, delay_s=30))
        await graph.call("POST", made, message="No flood")
        before = body(await graph.call("GET", made))["message"]
        graph.now += timedelta(seconds=30)
        return before, body(await graph.call("GET", made))["message"]

    assert on_graph(use) == ("Flood", "No flood")


def test_a_day_has_so_many_calls():
    """Beyond them each call is refused with the minutes until one comes back."""

    async def use(graph):
        graph.facebook.calls["1111"] = [NOON - timedelta(hours=23)] * CALLS_A_DAY
        refused = await graph.call("GET", "me")
        graph.now += timedelta(hours=1)
        return refused, await graph.call("GET", "me")

    refused, taken = on_graph(use)
    [used] = json.loads(refused.headers["X-Business-Use-Case-Usage"])["1111"]
    assert (refused.status, fault(refused)) == (403, (80001, None))
    assert (used["call_count"], used["estimated_time_to_regain_access"]) == (100, 60)
    assert (taken.status, body(taken)["id"]) == (200, "1111")
